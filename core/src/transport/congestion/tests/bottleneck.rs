//! What a sender makes of a bottleneck, alone and beside another.

use std::boxed::Box;
use std::vec::Vec;

use super::link::{Bottleneck, Control, DATAGRAM, Path, new_reno, rate_based};
use crate::time::Duration;

const RATES: [u64; 4] = [1, 10, 100, 1_000];
const ROUND_TRIPS: [u64; 3] = [1, 20, 300];
const BUFFERS: [u64; 3] = [200, 1_000, 4_000];
const LOSSES: [u32; 4] = [0, 10, 50, 100];

/// All of them; of those that have ten thousand packets in flight, which take long, without loss
/// and with the most.
fn paths() -> Vec<Path> {
    let mut paths = Vec::new();
    for (mbit, rtt_ms) in RATES.iter().flat_map(|&mbit| ROUND_TRIPS.map(|rtt_ms| (mbit, rtt_ms))) {
        for (buffer, loss) in BUFFERS.iter().flat_map(|&buffer| LOSSES.map(|loss| (buffer, loss))) {
            paths.push(Path { mbit, rtt_ms, buffer, loss });
        }
    }
    paths.retain(|path| !is_large(path) || matches!(path.loss, 0 | 100));
    paths
}

fn is_large(path: &Path) -> bool {
    path.product() >= 10_000 * DATAGRAM
}

/// Per cent of the path that a sender alone uses after its start.
fn used(seed: u64, path: Path, control: Box<dyn Control>) -> u64 {
    let mut link = Bottleneck::new(seed, path, Vec::from([control]));
    link.run(Duration::from_millis(2_000 + 12 * path.rtt_ms));
    link.run(Duration::from_secs(6))[0] * 100 / path.bytes_per_s()
}

#[test]
fn a_sender_alone_uses_the_path_whatever_its_random_loss() {
    for path in paths() {
        let least = match path.loss {
            // The measurement has 20 round trips, and each step of growth takes 8.
            _ if is_large(&path) => 50,
            0 => 85,
            _ => 65,
        };
        let used = used(1, path, rate_based());
        assert!(used >= least, "{used} % of {path:?}");
    }
}

#[test]
fn the_queue_is_at_most_one_and_a_half_times_the_path() {
    for path in paths().into_iter().filter(|path| path.buffer > 1_500) {
        let mut link = Bottleneck::new(2, path, Vec::from([rate_based()]));
        link.run(Duration::from_secs(5));
        // Besides, what timers of 1 ms and the smallest window add on very short paths.
        let most = path.product() * 3 / 2 + path.bytes_per_s() / 500 + 6 * DATAGRAM;
        assert!(link.most_queued <= most, "{} bytes, not {most}, wait at {path:?}", link.most_queued);
    }
}

#[test]
fn random_loss_ruins_new_reno_only() {
    let path = Path { mbit: 100, rtt_ms: 20, buffer: 1_000, loss: 50 };
    for seed in 1..=5 {
        let (rate_based, new_reno) = (used(seed, path, rate_based()), used(seed, path, new_reno()));
        assert!(rate_based >= 75 && new_reno <= 10, "seed {seed}: {rate_based} % and {new_reno} %");
    }
}

/// Bytes per second of two flows that begin one after the other, once they know each other.
fn shares(path: Path, first: Box<dyn Control>, second: Box<dyn Control>) -> [u64; 2] {
    let mut link = Bottleneck::new(3, path, Vec::from([first, second]));
    link.run(Duration::from_secs(10));
    let got = link.run(Duration::from_secs(30));
    [got[0], got[1]]
}

fn assert_fair(path: Path, [first, second]: [u64; 2], factor: u64) {
    assert!(first <= factor * second && second <= factor * first, "{first} and {second} bytes per second at {path:?}");
}

#[test]
fn shares_with_new_reno_within_one_to_three_both_ways() {
    for (mbit, rtt_ms) in [(5, 20), (5, 50), (20, 20), (20, 50), (50, 20), (100, 20)] {
        for buffer in [200, 500, 1_000, 2_000, 4_000] {
            let path = Path { mbit, rtt_ms, buffer, loss: 0 };
            assert_fair(path, shares(path, rate_based(), new_reno()), 3);
            assert_fair(path, shares(path, new_reno(), rate_based()), 3);
        }
    }
}

#[test]
fn two_of_them_share_within_one_to_two() {
    for buffer in [200, 1_000, 4_000] {
        let path = Path { mbit: 50, rtt_ms: 20, buffer, loss: 0 };
        assert_fair(path, shares(path, rate_based(), rate_based()), 2);
    }
}
