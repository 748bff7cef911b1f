//! Every pattern of loss of one burst, on paths that carry large datagrams, stop carrying them, or
//! never did (SPEC 5.4 to 5.6).

use std::vec::Vec;

use super::link::{CLEAN, CLIENT, Conditions, Pair, Pooled, SERVER, limits, rough};
use crate::time::Duration;

const MS: Duration = Duration::from_millis(1);
/// Round trip of the link, including the delay of an acknowledgement.
const ROUND_TRIP: Duration = Duration::from_millis(45);
/// Lengths of writes whose datagram is larger and smaller than 576 bytes.
const LARGE: u64 = 700;
const SMALL: u64 = 100;

/// Datagrams that the path carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carries {
    Everything,
    /// At most 700 bytes from the burst on.
    LessFromNow,
    /// At most 576 bytes from the first packet on.
    Little,
}

#[derive(Clone, Debug)]
struct Case {
    carries: Carries,
    is_from_client: bool,
    slots: usize,
    /// Length of the rings in bytes: if it is short, MAX_DATA is part of the burst.
    ring: usize,
    epoch_bits: u32,
    /// Exchanges before the burst: after many, the probe time-out is only a little longer than a
    /// round trip.
    exchanges: u32,
    /// Each is sent before the next is written.
    writes: Vec<u64>,
    /// The other side writes the same at the same time.
    is_answered: bool,
    /// Bit masks of the lost packets: those of the burst, and those of the other side meanwhile.
    lost: u64,
    lost_answers: u64,
}

impl Case {
    fn open(&self) -> Pair<Pooled, Pooled> {
        let side = || {
            let memory = Pooled::new(self.ring, 0, self.slots);
            let limits = limits(&memory);
            (memory, limits)
        };
        let max_len = if self.carries == Carries::Little { 576 } else { usize::MAX };
        let conditions = Conditions { max_len, ..CLEAN };
        let mut pair = Pair::with_limits(1, conditions, side(), side(), self.epoch_bits);
        pair.run(MS * 2_000);
        for _ in 0..self.exchanges {
            pair.client.to_write[0] += SMALL;
            pair.server.to_write[0] += SMALL;
            pair.run(ROUND_TRIP);
        }
        pair
    }

    /// Sends the burst, and returns the time until everything was read and acknowledged.
    fn send_burst(&self, pair: &mut Pair<Pooled, Pooled>) -> Duration {
        if self.carries == Carries::LessFromNow {
            pair.conditions.max_len = 700;
        }
        let index = usize::from(!self.is_from_client);
        pair.lost[index] = self.lost;
        pair.lost[1 - index] = self.lost_answers;
        for &bytes in &self.writes {
            self.write(pair, bytes);
            if self.is_answered {
                Self { is_from_client: !self.is_from_client, ..self.clone() }.write(pair, bytes);
            }
        }
        pair.run(ROUND_TRIP);
        pair.lost = [0; 2];
        pair.run_until(MS * 60_000, Pair::is_done) + ROUND_TRIP
    }

    fn write(&self, pair: &mut Pair<Pooled, Pooled>, bytes: u64) {
        let side = if self.is_from_client { &mut pair.client.to_write } else { &mut pair.server.to_write };
        side[0] += bytes;
        pair.settle();
    }

    /// A probe time-out and a round trip: the time until a round of loss is detected.
    fn round(pair: &Pair<Pooled, Pooled>) -> Duration {
        pair.client.connection.transport.pto().max(pair.server.connection.transport.pto()) + ROUND_TRIP
    }

    /// Sends two full packets and a tail. Returns the time until they were read and acknowledged,
    /// and the length of the largest datagram.
    fn send_full(&self, pair: &mut Pair<Pooled, Pooled>) -> (Duration, usize) {
        let from = pair.log.len();
        self.write(pair, 2_600);
        let took = pair.run_until(MS * 60_000, Pair::is_done);
        let address = if self.is_from_client { CLIENT } else { SERVER };
        let sent = pair.log[from..].iter().filter(|entry| entry.1 == address);
        (took, sent.map(|entry| entry.3).max().unwrap())
    }
}

/// Every sequence of `count` large and small packets, with every pattern of loss.
fn bursts(count: u32) -> impl Iterator<Item = (Vec<u64>, u64)> {
    let patterns = 1_u64 << count;
    (0..patterns * patterns).map(move |pattern| {
        let (sizes, lost) = (pattern / patterns, pattern % patterns);
        ((0..count).map(|at| if sizes >> at & 1 == 1 { LARGE } else { SMALL }).collect(), lost)
    })
}

/// Up to three packets with every pattern of loss of them and of the answers, then up to `most`
/// with every pattern of loss of them alone.
fn bursts_and_answers(most: u32) -> impl Iterator<Item = (Vec<u64>, u64, u64)> {
    let few = (1..=3).flat_map(|count| {
        bursts(count).flat_map(move |(writes, lost)| {
            (0..1 << (count + 1)).map(move |lost_answers| (writes.clone(), lost, lost_answers))
        })
    });
    let many = (4..=most).flat_map(|count| bursts(count).map(|(writes, lost)| (writes, lost, 0)));
    few.flat_map(|burst| core::iter::repeat_n(burst, 3)).chain(many)
}

fn cases(carries: Carries, most: u32) -> impl Iterator<Item = Case> {
    bursts_and_answers(most).enumerate().map(move |(nth, (writes, lost, lost_answers))| Case {
        carries,
        is_from_client: nth % 2 == 0,
        slots: [16, 8, 64][nth % 3],
        ring: 16_384,
        epoch_bits: 20,
        exchanges: if nth % 11 == 0 { 10 } else { 0 },
        writes,
        is_answered: nth % 5 == 0,
        lost,
        lost_answers,
    })
}

/// Runs `cases`, each of which must recover within `rounds`. Every 19th continues with `messages`
/// that take at most as long, and then with one that must not wait for a timer, which needs a
/// window of at least two large datagrams. Returns the largest datagram of each of the latter.
fn expect_recovery(cases: impl Iterator<Item = Case>, rounds: u64, messages: usize) -> Vec<usize> {
    let mut largest = Vec::new();
    for (nth, case) in cases.enumerate() {
        let mut pair = case.open();
        let bound = Case::round(&pair) * rounds;
        let took = case.send_burst(&mut pair);
        assert!(took <= bound, "{took:?} > {bound:?}: {case:?}");
        assert!(pair.client.connection.is_open() && pair.server.connection.is_open());
        if nth % 19 == 0 {
            for _ in 0..messages {
                let (took, _) = case.send_full(&mut pair);
                assert!(took <= bound, "then {took:?} > {bound:?}: {case:?}");
            }
            let (took, len) = case.send_full(&mut pair);
            assert!(took <= ROUND_TRIP * 2, "in the end {took:?}: {case:?}");
            largest.push(len);
        }
    }
    assert!(largest.len() > 50);
    largest
}

#[test]
fn recovers_from_any_loss_in_a_burst_and_keeps_the_full_size() {
    let largest = expect_recovery(cases(Carries::Everything, 5), 3, 0);
    assert!(largest.iter().all(|&len| len == 1200));
}

#[test]
fn recovers_from_any_loss_in_a_burst_when_the_path_begins_to_drop_large_datagrams() {
    let largest = expect_recovery(cases(Carries::LessFromNow, 6), 5, 2);
    assert!(largest.iter().all(|&len| len == 576));
}

#[test]
fn recovers_from_any_loss_in_a_burst_when_the_path_never_carried_large_datagrams() {
    let largest = expect_recovery(cases(Carries::Little, 5), 5, 2);
    assert!(largest.iter().all(|&len| len == 576));
}

/// Every pattern of loss among `count` packets of a long message and `count` packets in return, in
/// both directions.
fn long_message(count: u32, make: impl Fn(bool, u64, u64) -> Case) -> impl Iterator<Item = Case> {
    (0..1_u64 << (2 * count + 1)).map(move |pattern| {
        let half = pattern >> 1;
        make(pattern & 1 == 0, half & ((1 << count) - 1), half >> count)
    })
}

#[test]
fn recovers_from_any_loss_of_two_full_packets_and_a_tail() {
    for carries in [Carries::Everything, Carries::LessFromNow] {
        let cases = long_message(3, |is_from_client, lost, lost_answers| Case {
            carries,
            is_from_client,
            slots: 16,
            ring: 16_384,
            epoch_bits: 20,
            exchanges: 0,
            writes: [2_600].to_vec(),
            is_answered: false,
            lost,
            lost_answers,
        });
        cases.for_each(|case| {
            let mut pair = case.open();
            let bound = Case::round(&pair) * 4;
            let took = case.send_burst(&mut pair);
            assert!(took <= bound, "{took:?} > {bound:?}: {case:?}");
        });
    }
}

#[test]
fn recovers_from_any_loss_in_a_burst_when_max_data_is_also_lost() {
    for carries in [Carries::Everything, Carries::LessFromNow] {
        let cases = long_message(4, |is_from_client, lost, lost_answers| Case {
            carries,
            is_from_client,
            slots: 16,
            ring: 1_400,
            epoch_bits: 20,
            exchanges: 0,
            writes: [4_200].to_vec(),
            is_answered: false,
            lost,
            lost_answers,
        });
        cases.for_each(|case| {
            let mut pair = case.open();
            let bound = Case::round(&pair) * 9;
            let took = case.send_burst(&mut pair);
            assert!(took <= bound, "{took:?} > {bound:?}: {case:?}");
        });
    }
}

#[test]
fn recovers_from_any_loss_in_a_burst_that_crosses_an_epoch() {
    // The sender has two or three numbers of its epoch left.
    for exchanges in [60, 61] {
        let cases = long_message(2, |is_from_client, lost, lost_answers| Case {
            carries: Carries::LessFromNow,
            is_from_client,
            slots: 16,
            ring: 16_384,
            epoch_bits: 6,
            exchanges,
            writes: [LARGE, SMALL, LARGE, SMALL].to_vec(),
            is_answered: false,
            lost: lost << 1 | lost_answers,
            lost_answers,
        });
        cases.for_each(|case| {
            let mut pair = case.open();
            let bound = Case::round(&pair) * 5;
            let took = case.send_burst(&mut pair);
            assert!(took <= bound, "{took:?} > {bound:?}: {case:?}");
        });
    }
}

#[test]
fn returns_to_full_size_after_random_loss() {
    for percent in [10, 20, 40] {
        for seed in 0..6 {
            let mut pair = Pair::new(seed, rough(percent), Pooled::large(), Pooled::large());
            for _ in 0..5 {
                pair.client.to_write[0] += 10_000;
                pair.run_until(MS * 120_000, Pair::is_done);
            }
            pair.conditions.loss = 0;
            pair.conditions.corruption = 0;
            pair.run(MS * 200_000);
            let from = pair.log.len();
            pair.client.to_write[0] += 10_000;
            pair.run_until(MS * 10_000, Pair::is_done);
            let largest = pair.log[from..].iter().map(|entry| entry.3).max();
            assert_eq!(largest, Some(1200), "{percent} %, seed {seed}");
        }
    }
}
