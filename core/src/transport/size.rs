//! How large datagrams may be on this path (SPEC 5.6).

use crate::time::{Duration, Instant};
use crate::wire::MIN_DATAGRAM;

/// Probe time-outs in a row that lost only large packets before they are given up.
const LARGE_PTOS: u8 = 2;
/// Large packets lost in a row, while smaller ones arrive, before they are given up. Without this, a stream would never get through a
/// path that carries the small packets in between and so never lets the probe time-out expire twice.
const LARGE_LOSSES: u8 = 10;
/// How long to go without large packets before one is tried.
const RAISE_AFTER: Duration = Duration::from_secs(600);

/// Finds the datagram size.
#[derive(Debug)]
pub(crate) struct DatagramSize {
    current: u16,
    full: u16,
    ptos: u8,
    losses: u8,
    raise_at: Option<Instant>,
    wants_probe: bool,
}

const SMALL: u16 = 576;
const _: () = assert!(SMALL as usize == MIN_DATAGRAM);

impl DatagramSize {
    pub(crate) const CLOSED: Self =
        Self { current: 0, full: 0, ptos: 0, losses: 0, raise_at: None, wants_probe: false };

    /// `full` is what both sides take; `starts_small` when the path is known not to carry it.
    pub(crate) fn open(now: Instant, full: u16, starts_small: bool) -> Self {
        let mut size = Self { current: full, full, ..Self::CLOSED };
        if starts_small {
            size.fall_back(now);
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

    /// Whether a datagram of this size proves or disproves that large ones pass.
    pub(crate) const fn is_large(size: u16) -> bool {
        size > SMALL
    }

    /// A probe time-out expired; `only_large`: it lost large packets only.
    pub(crate) fn on_pto(&mut self, now: Instant, only_large: bool) {
        self.ptos = if only_large { self.ptos + 1 } else { 0 };
        if self.ptos >= LARGE_PTOS {
            self.fall_back(now);
        }
    }

    /// So many large packets were lost although later ones arrived.
    pub(crate) fn on_large_lost(&mut self, now: Instant, count: usize) {
        self.losses = self.losses.saturating_add(u8::try_from(count).unwrap_or(u8::MAX));
        if self.losses >= LARGE_LOSSES {
            self.fall_back(now);
        }
    }

    /// A large packet arrived; `is_probe`: it was one that tried the full size.
    pub(crate) fn on_large_acked(&mut self, is_probe: bool) {
        self.ptos = 0;
        self.losses = 0;
        if is_probe {
            self.current = self.full;
            self.raise_at = None;
            self.wants_probe = false;
        }
    }

    fn fall_back(&mut self, now: Instant) {
        self.ptos = 0;
        self.losses = 0;
        if self.current > SMALL {
            self.current = SMALL;
            self.raise_at = Some(now + RAISE_AFTER);
        }
    }

    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.raise_at
    }

    pub(crate) fn on_timeout(&mut self, now: Instant) {
        if self.raise_at.is_some_and(|at| at <= now) {
            self.raise_at = Some(now + RAISE_AFTER);
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

    #[test]
    fn falls_back_after_two_probe_time_outs_in_a_row_that_lost_only_large_packets() {
        let mut size = DatagramSize::open(NOW, 1200, false);
        size.on_pto(NOW, true);
        size.on_pto(NOW, false);
        size.on_pto(NOW, true);
        assert_eq!(size.current(), 1200);
        size.on_pto(NOW, true);
        assert_eq!(size.current(), 576);
    }

    #[test]
    fn a_large_packet_that_arrives_proves_the_size() {
        let mut size = DatagramSize::open(NOW, 1200, false);
        size.on_pto(NOW, true);
        size.on_large_lost(NOW, 9);
        size.on_large_acked(false);
        size.on_pto(NOW, true);
        size.on_large_lost(NOW, 9);
        assert_eq!(size.current(), 1200);
        size.on_large_lost(NOW, 1);
        assert_eq!(size.current(), 576);
    }

    #[test]
    fn tries_the_full_size_every_ten_minutes_until_it_arrives() {
        let mut size = DatagramSize::open(NOW, 1200, true);
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
        size.on_large_acked(false);
        assert_eq!(size.current(), 576);
        size.on_large_acked(true);
        assert_eq!(size.current(), 1200);
        assert_eq!(size.deadline(), None);
    }

    #[test]
    fn there_is_nothing_to_try_when_576_is_all_both_sides_take() {
        let size = DatagramSize::open(NOW, 576, true);
        assert_eq!((size.current(), size.deadline()), (576, None));
    }
}
