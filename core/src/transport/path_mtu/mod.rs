//! Datagram size of a path (SPEC 5.6).

use crate::time::{Duration, Instant};
use crate::wire::MIN_DATAGRAM;

/// Consecutive rounds of loss that hit large packets, with none as large acknowledged in between,
/// before the size falls back.
const LARGE_ROUNDS: u8 = 2;
/// Time from a fallback to the next probe for the full size: at first, and at most.
const FIRST_RAISE: Duration = Duration::from_secs(10);
const LAST_RAISE: Duration = Duration::from_secs(600);

/// Estimates the datagram size that a path carries.
#[derive(Debug)]
pub(crate) struct PathMtu {
    current: u16,
    full: u16,
    /// Largest datagram acknowledged since the last round of loss began.
    acked: u16,
    rounds: u8,
    /// Packets with lower numbers were sent before the last round of loss was noticed: they belong
    /// to it.
    round_end: u64,
    raise_after: Duration,
    raise_at: Option<Instant>,
    wants_probe: bool,
}

/// Datagram size that every path carries, in bytes.
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

    /// `full` is the largest datagram that both sides accept; `starts_small`: the path is known not
    /// to carry it.
    pub(crate) fn open(now: Instant, full: u16, starts_small: bool) -> Self {
        let mut size = Self { current: full, full, ..Self::CLOSED };
        if starts_small {
            size.fall_back(now, LAST_RAISE);
        }
        size
    }

    /// Current datagram size in bytes.
    pub(crate) const fn current(&self) -> u16 {
        self.current
    }

    /// Full datagram size in bytes, which probes have.
    pub(crate) const fn full(&self) -> u16 {
        self.full
    }

    /// Packet `number` of `size` bytes was lost although a later one arrived; `next` is the number
    /// of the next packet.
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

    /// A packet of `size` bytes was acknowledged; `is_probe`: it was a probe for the full size.
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

    /// Whether a probe for the full size is due.
    pub(crate) const fn wants_probe(&self) -> bool {
        self.wants_probe
    }

    pub(crate) fn on_probe_sent(&mut self) {
        self.wants_probe = false;
    }
}

#[cfg(test)]
mod tests;
