mod bottleneck;
mod link;

use super::*;

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1_000)
}

#[test]
fn grows_by_acknowledged_bytes_until_the_first_loss() {
    let mut reno = NewReno::open(1200);
    assert_eq!(reno.window(), 12_000);
    reno.on_acked(at(0), 1200, true);
    assert_eq!(reno.window(), 13_200);
}

#[test]
fn halves_once_per_round_trip_of_loss() {
    let mut reno = NewReno::open(1200);
    reno.on_lost(at(100), at(10), 1200);
    assert_eq!(reno.window(), 6_000);
    reno.on_lost(at(110), at(50), 1200);
    reno.on_lost(at(120), at(100), 1200);
    assert_eq!(reno.window(), 6_000);
    reno.on_lost(at(200), at(101), 1200);
    assert_eq!(reno.window(), 3_000);
}

#[test]
fn never_falls_below_two_datagrams() {
    let mut reno = NewReno::open(1200);
    for round in 1..9 {
        reno.on_lost(at(round * 100), at(round * 100 - 1), 1200);
    }
    assert_eq!(reno.window(), 2_400);
    reno.on_persistent_congestion();
    assert_eq!(reno.window(), 2_400);
}

#[test]
fn grows_by_one_datagram_per_window_after_a_loss() {
    let mut reno = NewReno::open(1200);
    reno.on_lost(at(100), at(10), 1200);
    for _ in 0..4 {
        reno.on_acked(at(101), 1200, true);
    }
    assert_eq!(reno.window(), 6_000);
    reno.on_acked(at(101), 1200, true);
    assert_eq!(reno.window(), 7_200);
}

#[test]
fn does_not_grow_by_packets_sent_before_the_loss() {
    let mut reno = NewReno::open(1200);
    reno.on_lost(at(100), at(10), 1200);
    for _ in 0..50 {
        reno.on_acked(at(99), 1200, true);
    }
    assert_eq!(reno.window(), 6_000);
}

#[test]
fn does_not_grow_when_the_window_is_not_in_use() {
    let mut reno = NewReno::open(1200);
    reno.on_acked(at(0), 1200, false);
    assert_eq!(reno.window(), 12_000);
}
