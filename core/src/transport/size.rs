//! How large datagrams may be on this path (SPEC 5.6).

use crate::time::{Duration, Instant};
use crate::wire::MIN_DATAGRAM;

/// Rounds of loss in a row that took large packets, with none as large acknowledged in between, before
/// those are given up.
const LARGE_ROUNDS: u8 = 2;
/// How long to go without large packets before one is tried: at first, and at most.
const FIRST_RAISE: Duration = Duration::from_secs(10);
const LAST_RAISE: Duration = Duration::from_secs(600);

/// Finds the datagram size.
#[derive(Debug)]
pub(crate) struct PathMtu {
    current: u16,
    full: u16,
    /// The largest that was acknowledged since the last round of loss began.
    acked: u16,
    rounds: u8,
    /// Packets with lower numbers were sent before the last round of loss was noticed: they belong to it.
    round_end: u64,
    raise_after: Duration,
    raise_at: Option<Instant>,
    wants_probe: bool,
}

/// Bytes of a datagram that every path carries.
pub(crate) const SMALL: u16 = 576;
const _: () = assert!(SMALL as usize == MIN_DATAGRAM);

impl PathMtu {
    pub(crate) const CLOSED: Self = Self {
        current: 0,
        full: 0,
        acked: 0,
        rounds: 0,
        round_end: 0,
        raise_after: Duration::ZERO,
        raise_at: None,
        wants_probe: false,
    };

    /// `full` is what both sides take; `starts_small` when the path is known not to carry it.
    pub(crate) fn open(now: Instant, full: u16, starts_small: bool) -> Self {
        let mut size = Self { current: full, full, ..Self::CLOSED };
        if starts_small {
            size.fall_back(now, LAST_RAISE);
        }
        size
    }

    /// Bytes of a datagram now.
    pub(crate) const fn current(&self) -> u16 {
        self.current
    }

    /// Bytes of a datagram that tries the full size.
    pub(crate) const fn full(&self) -> u16 {
        self.full
    }

    /// Packet `number` of `size` bytes was lost although a later one arrived; `next` is the number of the
    /// next packet to leave.
    pub(crate) fn on_lost(&mut self, now: Instant, number: u64, size: u16, next: u64) {
        if size <= SMALL || number < self.round_end {
            return;
        }
        self.round_end = next;
        self.rounds = if self.acked < size { self.rounds + 1 } else { 0 };
        self.acked = 0;
        if self.rounds >= LARGE_ROUNDS {
            self.fall_back(now, FIRST_RAISE);
        }
    }

    /// A packet of `size` bytes arrived; `is_probe`: it was one that tried the full size.
    pub(crate) fn on_acked(&mut self, size: u16, is_probe: bool) {
        self.acked = self.acked.max(size);
        if is_probe {
            self.current = self.full;
            self.rounds = 0;
            self.raise_at = None;
            self.wants_probe = false;
        }
    }

    /// Whether a large packet was acknowledged since the last round of loss began.
    pub(crate) const fn is_proved(&self) -> bool {
        self.acked > SMALL
    }

    fn fall_back(&mut self, now: Instant, raise_after: Duration) {
        self.rounds = 0;
        if self.current > SMALL {
            self.current = SMALL;
            self.raise_after = raise_after;
            self.raise_at = Some(now + raise_after);
        }
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.raise_at
    }

    pub(crate) fn on_timeout(&mut self, now: Instant) {
        if self.raise_at.is_some_and(|at| at <= now) {
            self.raise_after = (self.raise_after + self.raise_after).min(LAST_RAISE);
            self.raise_at = Some(now + self.raise_after);
            self.wants_probe = true;
        }
    }

    /// Whether a datagram of the full size is to be tried.
    pub(crate) const fn wants_probe(&self) -> bool {
        self.wants_probe
    }

    pub(crate) fn on_probe_sent(&mut self) {
        self.wants_probe = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(7);

    /// A round of loss: each packet was sent after the loss before it was noticed.
    fn round(size: &mut PathMtu, number: u64, bytes: u16) {
        size.on_lost(NOW, number, bytes, number + 1);
    }

    #[test]
    fn falls_back_after_two_rounds_that_took_large_packets() {
        let mut size = PathMtu::open(NOW, 1200, false);
        round(&mut size, 1, 700);
        size.on_acked(576, false);
        round(&mut size, 2, 576);
        assert_eq!(size.current(), 1200);
        round(&mut size, 3, 1200);
        assert_eq!(size.current(), 576);
    }

    #[test]
    fn packets_that_are_lost_together_are_one_round() {
        let mut size = PathMtu::open(NOW, 1200, false);
        for number in 1..20 {
            size.on_lost(NOW, number, 1200, 20);
        }
        assert_eq!(size.current(), 1200);
        size.on_lost(NOW, 20, 1200, 21);
        assert_eq!(size.current(), 576);
    }

    #[test]
    fn a_packet_of_that_size_that_arrives_between_two_rounds_proves_it() {
        let mut size = PathMtu::open(NOW, 1200, false);
        for number in 1..20 {
            round(&mut size, number, 700);
            size.on_acked(700, false);
        }
        assert_eq!(size.current(), 1200);
    }

    #[test]
    fn a_smaller_packet_that_arrives_does_not_prove_the_size() {
        let mut size = PathMtu::open(NOW, 1200, false);
        for number in 1..3 {
            size.on_acked(700, false);
            round(&mut size, number, 1200);
        }
        assert_eq!(size.current(), 576);
    }

    #[test]
    fn tries_the_full_size_soon_and_then_ever_more_rarely() {
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
    fn tries_the_full_size_until_it_arrives() {
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
    fn there_is_nothing_to_try_when_576_is_all_both_sides_take() {
        let size = PathMtu::open(NOW, 576, true);
        assert_eq!((size.current(), size.deadline()), (576, None));
    }
}
