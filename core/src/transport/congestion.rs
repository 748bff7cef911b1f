//! How much may be in flight (SPEC 5.5).

use crate::time::Instant;

/// Decides how many bytes may be in flight. Told of what happens to packets; the rest of the transport does not know how it decides.
pub(crate) trait Congestion {
    /// Bytes that may be in flight.
    fn window(&self) -> u64;

    /// A packet of `bytes` sent at `sent_at` was acknowledged; `is_limited`: the window was in use, so that more is worth trying.
    fn on_acked(&mut self, sent_at: Instant, bytes: u64, is_limited: bool);

    /// Packets are lost, the last of them sent at `sent_at`.
    fn on_lost(&mut self, now: Instant, sent_at: Instant);

    /// Nothing came through for several probe time-outs.
    fn on_persistent(&mut self);

    /// Datagrams are of this many bytes from now on.
    fn on_datagram_size(&mut self, bytes: u64);
}

/// Initial window in datagrams.
const INITIAL_DATAGRAMS: u64 = 10;
/// Smallest window in datagrams.
const MIN_DATAGRAMS: u64 = 2;

/// NewReno (RFC 9002 section 7): slow start, halved once per round trip of loss, otherwise one datagram more per round trip.
#[derive(Debug)]
pub(crate) struct NewReno {
    datagram: u64,
    window: u64,
    /// Zero: no loss yet, slow start has no end.
    threshold: u64,
    /// Bytes acknowledged towards the next datagram of growth.
    progress: u64,
    /// Losses of packets sent before this are part of a loss already answered.
    recovery: Option<Instant>,
}

impl NewReno {
    pub(crate) const CLOSED: Self = Self { datagram: 0, window: 0, threshold: 0, progress: 0, recovery: None };

    /// For datagrams of `datagram` bytes.
    pub(crate) const fn open(datagram: u64) -> Self {
        Self { datagram, window: INITIAL_DATAGRAMS * datagram, ..Self::CLOSED }
    }
}

impl Congestion for NewReno {
    fn window(&self) -> u64 {
        self.window
    }

    fn on_acked(&mut self, sent_at: Instant, bytes: u64, is_limited: bool) {
        if !is_limited || self.recovery.is_some_and(|recovery| sent_at <= recovery) {
            return;
        }
        if self.threshold == 0 || self.window < self.threshold {
            self.window = self.window.saturating_add(bytes);
            return;
        }
        self.progress += bytes;
        if self.progress >= self.window {
            self.progress -= self.window;
            self.window = self.window.saturating_add(self.datagram);
        }
    }

    fn on_lost(&mut self, now: Instant, sent_at: Instant) {
        if self.recovery.is_some_and(|recovery| sent_at <= recovery) {
            return;
        }
        self.recovery = Some(now);
        self.window = (self.window / 2).max(MIN_DATAGRAMS * self.datagram);
        self.threshold = self.window;
        self.progress = 0;
    }

    fn on_persistent(&mut self) {
        self.window = MIN_DATAGRAMS * self.datagram;
        self.progress = 0;
    }

    fn on_datagram_size(&mut self, bytes: u64) {
        self.datagram = bytes;
        self.window = self.window.max(MIN_DATAGRAMS * bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    #[test]
    fn grows_by_what_is_acknowledged_until_the_first_loss() {
        let mut reno = NewReno::open(1200);
        assert_eq!(reno.window(), 12_000);
        reno.on_acked(at(0), 1200, true);
        assert_eq!(reno.window(), 13_200);
    }

    #[test]
    fn halves_once_per_round_trip_of_loss() {
        let mut reno = NewReno::open(1200);
        reno.on_lost(at(100), at(10));
        assert_eq!(reno.window(), 6_000);
        reno.on_lost(at(110), at(50));
        reno.on_lost(at(120), at(100));
        assert_eq!(reno.window(), 6_000);
        reno.on_lost(at(200), at(101));
        assert_eq!(reno.window(), 3_000);
    }

    #[test]
    fn keeps_two_datagrams() {
        let mut reno = NewReno::open(1200);
        for round in 1..9 {
            reno.on_lost(at(round * 100), at(round * 100 - 1));
        }
        assert_eq!(reno.window(), 2_400);
        reno.on_persistent();
        assert_eq!(reno.window(), 2_400);
    }

    #[test]
    fn grows_by_one_datagram_per_window_after_a_loss() {
        let mut reno = NewReno::open(1200);
        reno.on_lost(at(100), at(10));
        for _ in 0..4 {
            reno.on_acked(at(101), 1200, true);
        }
        assert_eq!(reno.window(), 6_000);
        reno.on_acked(at(101), 1200, true);
        assert_eq!(reno.window(), 7_200);
    }

    #[test]
    fn does_not_grow_on_what_was_sent_before_the_loss() {
        let mut reno = NewReno::open(1200);
        reno.on_lost(at(100), at(10));
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
}
