use super::*;

const BOUNDS: Bounds = Bounds { entries: 4, per_prefix: 3, time: Duration::from_secs(5), cookies: 4 };

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn from(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 1000))
}

fn insert(table: &mut HalfOpen, now: Instant, id: u32, cookie: u8, host: u8) -> Result<Option<u32>, Refusal> {
    let mut initiate = [0; 16];
    initiate[..4].copy_from_slice(&id.to_be_bytes());
    table.insert(now, id, initiate, [cookie; 8], from(host))
}

#[test]
fn one_cookie_admits_three_initiates() {
    let mut table = HalfOpen::new(BOUNDS);
    for id in 1..=3 {
        assert_eq!(insert(&mut table, at(1), id, 7, 1), Ok(None));
        table.remove(id);
    }
    assert_eq!(insert(&mut table, at(1), 4, 7, 1), Err(Refusal::Cookie));
    assert_eq!(insert(&mut table, at(120), 4, 7, 1), Err(Refusal::Cookie));
    assert_eq!(insert(&mut table, at(1), 4, 8, 1), Ok(None));
}

#[test]
fn a_cookie_is_counted_while_it_may_be_valid() {
    let mut table = HalfOpen::new(BOUNDS);
    for id in 1..=3 {
        assert_eq!(insert(&mut table, at(1), id, 9, 1), Ok(None));
        table.remove(id);
    }
    assert_eq!(insert(&mut table, at(120), 9, 9, 1), Err(Refusal::Cookie));
    assert_eq!(insert(&mut table, at(121), 9, 9, 1), Ok(None));
    assert_eq!((table.cookies.uses.len(), table.cookies.order.len(), table.cookies.shares.len()), (1, 1, 1));
}

#[test]
fn a_full_table_forgets_the_oldest_cookie_of_the_heaviest_prefix() {
    let mut table = HalfOpen::new(BOUNDS);
    let spend = |table: &mut HalfOpen, id: u32, cookie: u8, host: u8| {
        assert_eq!(insert(table, at(1), id, cookie, host), Ok(None));
        table.remove(id);
    };
    (0..3).for_each(|id| spend(&mut table, id, 1, 1));
    for cookie in 10..100 {
        spend(&mut table, u32::from(cookie), cookie, 2);
    }
    assert_eq!((table.cookies.uses.len(), table.cookies.order.len(), table.cookies_forgotten()), (4, 4, 87));
    // The count of everybody else is kept, and so are the latest ones of the flood.
    assert_eq!(insert(&mut table, at(1), 200, 1, 1), Err(Refusal::Cookie));
    assert!([97, 98, 99].iter().all(|cookie| table.cookies.uses.contains_key(&[*cookie; 8])));
}

#[test]
fn entries_are_bounded_in_total_and_per_prefix() {
    let mut table = HalfOpen::new(BOUNDS);
    for id in 1..=3 {
        assert_eq!(insert(&mut table, at(1), id, 1, 1), Ok(None));
    }
    assert_eq!(insert(&mut table, at(1), 4, 2, 1), Err(Refusal::PrefixFull));
    assert_eq!(insert(&mut table, at(1), 4, 2, 2), Ok(None));
    table.remove(1);
    assert_eq!(insert(&mut table, at(1), 5, 2, 1), Ok(None));
}

#[test]
fn a_full_table_displaces_the_oldest_entry_of_the_heaviest_prefix() {
    let mut table = HalfOpen::new(BOUNDS);
    for id in 1..=3 {
        assert_eq!(insert(&mut table, at(1), id, 1, 1), Ok(None));
    }
    assert_eq!(insert(&mut table, at(1), 4, 2, 2), Ok(None));
    assert_eq!(insert(&mut table, at(1), 5, 3, 3), Ok(Some(1)));
    assert_eq!(insert(&mut table, at(1), 6, 4, 2), Err(Refusal::Full), "it has as much as the others would have");
    assert_eq!(insert(&mut table, at(1), 7, 5, 4), Ok(Some(2)));
    assert_eq!(insert(&mut table, at(1), 8, 6, 5), Err(Refusal::Full), "the first ones of equally light prefixes stay");
    assert_eq!((table.len(), table.order.len(), table.by_initiate.len()), (4, 4, 4));
}

/// Keeping the order of 200,000 entries as a list, of which each one is looked for, takes
/// minutes.
#[test]
fn a_large_table_expires_in_less_than_quadratic_time() {
    let bounds = Bounds { entries: 1_000_000, per_prefix: 1_000_000, time: Duration::from_secs(5), cookies: 1 };
    let mut table = HalfOpen::new(bounds);
    for id in 0..200_000 {
        assert_eq!(insert(&mut table, at(1), id, id as u8, 1), Ok(None));
    }
    let begun = std::time::Instant::now();
    assert_eq!((table.expire(at(6)), table.len()), (200_000, 0));
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn entries_expire_with_and_without_a_finished_job() {
    let mut table = HalfOpen::new(BOUNDS);
    assert_eq!(table.deadline(), None);
    assert_eq!(insert(&mut table, at(1), 1, 1, 1), Ok(None));
    assert_eq!(insert(&mut table, at(2), 2, 1, 1), Ok(None));
    assert_eq!((table.deadline(), table.expire(at(5))), (Some(at(6)), 0));
    assert_eq!((table.expire(at(6)), table.contains(1), table.contains(2)), (1, false, true));
    table.remove(2);
    assert_eq!((table.deadline(), table.shares.len(), table.by_initiate.len()), (None, 0, 0));
}

#[test]
fn a_failed_job_removes_its_entry() {
    let mut table = HalfOpen::new(BOUNDS);
    assert_eq!(insert(&mut table, at(1), 1, 1, 1), Ok(None));
    assert!(table.ready(1).is_none());
    assert!(table.complete(1, None).is_none());
    assert!(!table.contains(1) && table.find(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_none());
}
