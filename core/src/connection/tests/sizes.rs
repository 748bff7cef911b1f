//! Datagram sizes, memory, bursts (SPEC 5.4, 5.6).

use super::link::{CLEAN, CLIENT, Pair, Pooled, SERVER, rough};
use std::vec::Vec;

use crate::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_first_packet_of_each_side_fills_a_datagram() {
    let mut pair = Pair::new(4, CLEAN, Pooled::large(), Pooled::large());
    pair.run(SECOND);
    for side in [CLIENT, SERVER] {
        let lens: Vec<_> = pair.log.iter().filter(|entry| entry.1 == side).map(|entry| entry.3).collect();
        assert_eq!(lens.first(), Some(&1200));
        assert!(lens.iter().skip(1).all(|&len| len < 100), "{lens:?}");
    }
}

#[test]
fn memory_is_given_back_when_all_is_acknowledged_and_read() {
    let mut pair = Pair::new(5, rough(20), Pooled::large(), Pooled::large());
    pair.client.to_write = [5_000, 5_000];
    pair.server.to_write = [5_000, 5_000];
    pair.run_until(SECOND * 60, Pair::is_done);
    pair.run(SECOND * 10);
    assert_eq!((pair.client.connection.memory().held(), pair.server.connection.memory().held()), (0, 0));
}

#[test]
fn delivers_in_order_when_memory_is_refused_now_and_then() {
    for seed in 0..10 {
        let server = Pooled::new(2_000, 2_000, 8).refusing(3);
        let mut pair = Pair::new(seed, rough(10), Pooled::new(2_000, 2_000, 8).refusing(4), server);
        pair.client.to_write = [8_000, 3_000];
        pair.server.to_write = [8_000, 3_000];
        pair.run_until(SECOND * 120, Pair::is_done);
    }
}
