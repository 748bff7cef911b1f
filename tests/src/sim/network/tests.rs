use super::*;

fn send_many(faults: Faults, len: usize) -> (Vec<Arrival>, Coverage) {
    let mut direction = Direction::new(faults);
    let (mut rng, mut coverage) = (Rng::new(7, "network"), Coverage::new());
    let arrivals = (0..10_000).flat_map(|_| direction.send(&vec![0x15; len], &mut rng, &mut coverage)).collect();
    (arrivals, coverage)
}

#[test]
fn a_path_without_faults_changes_nothing() {
    let (arrivals, coverage) = send_many(Faults::NONE, 100);
    assert_eq!(arrivals.len(), 10_000);
    assert!(arrivals.iter().all(|a| a.origin == Origin::Peer && a.bytes == [0x15; 100]));
    assert_eq!(coverage.missing().len(), Seen::ALL.len() - 1);
}

#[test]
fn loses_and_duplicates_at_the_configured_rates() {
    let (arrivals, coverage) = send_many(Faults { loss: 400, duplicate: 500, ..Faults::NONE }, 100);
    assert!((3_800..4_200).contains(&coverage.of(Seen::Lost)));
    assert!((2_800..3_200).contains(&coverage.of(Seen::Duplicated)));
    assert_eq!(arrivals.len() as u64, 10_000 - coverage.of(Seen::Lost) + coverage.of(Seen::Duplicated));
}

#[test]
fn loses_in_bursts() {
    let burst = Some(Burst { enter: 10, leave: 100, loss: 1000 });
    let (_, coverage) = send_many(Faults { burst, ..Faults::NONE }, 100);
    // One datagram in eleven on average, ten in a row.
    assert!((500..1_500).contains(&coverage.of(Seen::LostInBurst)), "{}", coverage.of(Seen::LostInBurst));
}

#[test]
fn drops_large_datagrams_and_everything_in_a_partition() {
    let faults = Faults { size_limit: Some(640), ..Faults::NONE };
    assert_eq!(send_many(faults, 640).0.len(), 10_000);
    assert_eq!(send_many(faults, 641).0.len(), 0);
    let mut direction = Direction::new(Faults::NONE);
    direction.cut = true;
    assert!(direction.send(&[1], &mut Rng::new(1, ""), &mut Coverage::new()).is_empty());
    direction.late = Duration::from_secs(9);
    let mut rng = Rng::new(1, "late");
    let arrivals: Vec<_> = (0..100).flat_map(|_| direction.send(&[1], &mut rng, &mut Coverage::new())).collect();
    assert_eq!(arrivals.len(), 100);
    assert!(arrivals.iter().any(|arrival| arrival.after > Duration::from_secs(7)));
}

#[test]
fn changed_datagrams_pass_the_crc_and_damaged_ones_do_not() {
    let valid = |a: &Arrival| {
        let Some((body, crc)) = a.bytes.split_last_chunk::<4>() else { return false };
        Portable::crc32(body).to_be_bytes() == *crc
    };
    let (changed, _) = send_many(Faults { change: 1000, ..Faults::NONE }, 100);
    assert!(changed.iter().filter(|a| a.bytes.len() >= 4).all(|a| a.origin == Origin::Forged && valid(a)));
    let (damaged, _) = send_many(Faults { damage: 1000, ..Faults::NONE }, 100);
    assert!(damaged.iter().filter(|a| a.origin == Origin::Forged).all(|a| !valid(a)));
}

#[test]
fn holds_some_datagrams_back_so_that_others_overtake() {
    let faults = Faults { reorder: 100, held_back: Duration::from_millis(50), ..Faults::NONE };
    let (arrivals, _) = send_many(faults, 10);
    let late = arrivals.iter().filter(|a| a.after > Duration::from_millis(2)).count();
    assert!((800..1_100).contains(&late), "{late}");
    assert!(arrivals.iter().all(|a| a.after <= Duration::from_millis(51)));
}
