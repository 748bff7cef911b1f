use super::*;

const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(2) };

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn prefix(text: &str) -> Prefix {
    Prefix::of(text.parse().expect("an address"))
}

#[test]
fn a_bucket_allows_its_burst_at_once_and_then_one_per_interval() {
    let mut bucket = Bucket::FULL;
    let mut takes = |second| bucket.take(at(second), RATE);
    assert_eq!([takes(10), takes(10), takes(10), takes(10)], [true, true, true, false]);
    assert_eq!([takes(11), takes(12), takes(12)], [false, true, false]);
    assert_eq!([takes(100), takes(100), takes(100), takes(100)], [true, true, true, false]);
}

#[test]
fn predicts_when_a_token_is_available() {
    let mut bucket = Bucket::FULL;
    (0..3).for_each(|_| assert!(bucket.take(at(10), RATE)));
    assert_eq!(bucket.token_at(RATE), at(12));
    assert!(!bucket.has_token(at(11), RATE) && bucket.has_token(at(12), RATE));
}

#[test]
fn one_prefix_does_not_use_up_the_tokens_of_another() {
    let mut buckets = Buckets::new(RATE, 8);
    let (a, b) = (prefix("10.0.0.1:5"), prefix("10.0.0.2:5"));
    (0..3).for_each(|_| assert!(buckets.take(at(1), a)));
    assert!(!buckets.take(at(1), a) && !buckets.has_token(at(1), a));
    assert!(buckets.has_token(at(1), b) && buckets.take(at(1), b));
    assert!(buckets.full_at(a) > buckets.full_at(b));
}

#[test]
fn a_full_table_forgets_the_bucket_nearest_to_full() {
    let mut buckets = Buckets::new(RATE, 2);
    let [a, b, c] = ["10.0.0.1:5", "10.0.0.2:5", "10.0.0.3:5"].map(prefix);
    (0..3).for_each(|_| assert!(buckets.take(at(1), a)));
    assert!(buckets.take(at(1), b) && buckets.take(at(2), c));
    assert_eq!((buckets.levels[NARROWEST].buckets.len(), buckets.forgotten()), (2, 1));
    assert_eq!((buckets.full_at(b), buckets.has_token(at(1), a)), (Instant::ZERO, false));
    // A full bucket is replaced without being counted.
    assert!(buckets.take(at(9), b));
    let Level { buckets: kept, by_filling } = &buckets.levels[NARROWEST];
    assert_eq!((kept.len(), by_filling.len(), buckets.forgotten()), (2, 2, 1));
}

#[test]
fn the_64s_of_one_48_have_sixteen_times_the_tokens_of_one_together() {
    // Even if only a few are kept.
    let mut buckets = Buckets::new(RATE, 2);
    let subnet = |subnet: u16| prefix(&format!("[2001:db8:1:{:x}::1]:5", subnet.swap_bytes()));
    let taken = (0..2_000).filter(|at_subnet| buckets.take(at(1), subnet(*at_subnet))).count();
    assert_eq!(taken, 48);
    assert!(buckets.take(at(1), prefix("[2001:db8:2::1]:5")));
}
