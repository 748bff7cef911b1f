//! Streams arrive whole and in order, whatever the link does.

use super::link::{CLEAN, Pair, Pooled, rough};
use crate::time::Duration;
use crate::transport::Fixed;

type Tiny = Fixed<1024, 1024, 0, 6>;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn delivers_in_order_over_a_clean_link() {
    let mut pair = Pair::new(1, CLEAN, Pooled::large(), Pooled::large());
    pair.client.to_write = [50_000, 20_000];
    pair.server.to_write = [80_000, 10_000];
    pair.run_until(Duration::from_millis(200), Pair::is_done);
    assert!(pair.counters().iter().all(|counters| counters.lost == 0 && counters.resent == 0));
}

#[test]
fn delivers_in_order_at_any_loss() {
    for percent in [0, 1, 5, 10, 20, 30, 40] {
        for seed in 0..10 {
            let mut pair = Pair::new(seed, rough(percent), Pooled::large(), Pooled::large());
            pair.client.to_write = [40_000, 20_000];
            pair.server.to_write = [40_000, 20_000];
            pair.run_until(secs(120), Pair::is_done);
        }
    }
}

#[test]
fn delivers_in_order_at_any_loss_in_tiny_memory() {
    for percent in [0, 1, 5, 10, 20, 30, 40] {
        for seed in 0..10 {
            let mut pair = Pair::new(seed, rough(percent), Tiny::new(), Tiny::new());
            pair.client.to_write = [10_000, 0];
            pair.server.to_write = [10_000, 0];
            pair.run_until(secs(120), Pair::is_done);
        }
    }
}
