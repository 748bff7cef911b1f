use super::*;

const NOW: Instant = Instant::from_micros(7);

/// A round of loss: each packet was sent after the loss before it was noticed.
fn round(size: &mut PathMtu, number: u64, bytes: u16) {
    size.on_lost(NOW, number, bytes, number + 1);
}

#[test]
fn falls_back_after_two_rounds_of_lost_large_packets() {
    let mut size = PathMtu::open(NOW, 1200, false);
    round(&mut size, 1, 700);
    size.on_acked(576, false);
    round(&mut size, 2, 576);
    assert_eq!(size.current(), 1200);
    round(&mut size, 3, 1200);
    assert_eq!(size.current(), 576);
}

#[test]
fn packets_lost_together_are_one_round() {
    let mut size = PathMtu::open(NOW, 1200, false);
    for number in 1..20 {
        size.on_lost(NOW, number, 1200, 20);
    }
    assert_eq!(size.current(), 1200);
    size.on_lost(NOW, 20, 1200, 21);
    assert_eq!(size.current(), 576);
}

#[test]
fn a_large_packet_acknowledged_between_two_rounds_keeps_the_size() {
    let mut size = PathMtu::open(NOW, 1200, false);
    for number in 1..20 {
        round(&mut size, number, 700);
        size.on_acked(700, false);
    }
    assert_eq!(size.current(), 1200);
}

#[test]
fn a_small_packet_acknowledged_does_not_keep_the_size() {
    let mut size = PathMtu::open(NOW, 1200, false);
    for number in 1..3 {
        size.on_acked(700, false);
        round(&mut size, number, 1200);
    }
    assert_eq!(size.current(), 576);
}

#[test]
fn probes_for_the_full_size_at_growing_intervals() {
    let mut size = PathMtu::open(NOW, 1200, false);
    round(&mut size, 1, 1200);
    round(&mut size, 2, 1200);
    let mut now = NOW;
    for seconds in [10, 20, 40, 80, 160, 320, 600, 600] {
        now += Duration::from_secs(seconds);
        assert_eq!(size.deadline(), Some(now));
        size.on_timeout(now);
        assert!(size.wants_probe());
        size.on_probe_sent();
    }
}

#[test]
fn probes_for_the_full_size_until_acknowledged() {
    let mut size = PathMtu::open(NOW, 1200, true);
    assert_eq!(size.current(), 576);
    for _ in 0..3 {
        let at = size.deadline().unwrap();
        size.on_timeout(at - Duration::from_micros(1));
        assert!(!size.wants_probe());
        size.on_timeout(at);
        assert!(size.wants_probe());
        size.on_probe_sent();
        assert_eq!(size.deadline(), Some(at + Duration::from_secs(600)));
    }
    size.on_acked(1200, false);
    assert_eq!(size.current(), 576);
    size.on_acked(1200, true);
    assert_eq!(size.current(), 1200);
    assert_eq!(size.deadline(), None);
}

#[test]
fn never_probes_when_the_full_size_is_576() {
    let size = PathMtu::open(NOW, 576, true);
    assert_eq!((size.current(), size.deadline()), (576, None));
}
