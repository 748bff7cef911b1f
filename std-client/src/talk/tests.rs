use super::connecting::Attempt;
use super::*;

fn addresses(count: u16) -> Vec<SocketAddr> {
    (0..count).map(|port| SocketAddr::from(([127, 0, 0, 1], 1 + port))).collect()
}

#[test]
fn addresses_in_turn_share_five_seconds() {
    for count in 1..9 {
        let start = Instant::from_micros(1_000_000);
        let mut attempt = Attempt::new(addresses(count), start).unwrap();
        let mut now = attempt.deadline().unwrap();
        let mut tried = 1;
        while attempt.next(now).is_some() {
            assert!(attempt.deadline().unwrap() > now, "every address has its time");
            now = attempt.deadline().unwrap();
            tried += 1;
        }
        assert_eq!(tried, count.min(5));
        let whole = now.saturating_since(start);
        assert!(whole <= connecting::PATIENCE && whole + Duration::from_millis(1) >= connecting::PATIENCE);
    }
}

#[test]
fn a_refusal_leaves_its_time_to_the_next() {
    let start = Instant::from_micros(1_000_000);
    let mut attempt = Attempt::new(addresses(2), start).unwrap();
    let soon = start + Duration::from_millis(500);
    assert_eq!(attempt.next(soon), Some(addresses(2)[1]));
    assert_eq!(attempt.deadline(), Some(start + connecting::PATIENCE));
    assert_eq!(attempt.next(soon), None);
}

#[test]
fn a_name_without_addresses_is_no_attempt() {
    assert!(Attempt::new(Vec::new(), Instant::ZERO).is_none());
}
