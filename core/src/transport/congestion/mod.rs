//! Congestion control (SPEC 5.5).

use crate::time::Instant;

/// A congestion controller: decides from acknowledgements and losses how many bytes may be in
/// flight.
pub(crate) trait Congestion {
    /// Bytes that may be in flight.
    fn window(&self) -> u64;

    /// A packet of `bytes` sent at `sent_at` was acknowledged; `is_limited`: the window was in use,
    /// so that more is worth trying.
    fn on_acked(&mut self, sent_at: Instant, bytes: u64, is_limited: bool);

    /// Packets are lost, the last of them sent at `sent_at`.
    fn on_lost(&mut self, now: Instant, sent_at: Instant);

    /// Several consecutive probe time-outs expired.
    fn on_persistent_congestion(&mut self);

    /// Datagrams are of this many bytes from now on.
    fn on_datagram_size(&mut self, bytes: u64);
}

/// Initial window in datagrams.
const INITIAL_DATAGRAMS: u64 = 10;
/// Smallest window in datagrams.
const MIN_DATAGRAMS: u64 = 2;

/// NewReno (RFC 9002 section 7): slow start, halved once per round trip of loss, otherwise one
/// datagram more per round trip.
#[derive(Debug)]
pub(crate) struct NewReno {
    datagram: u64,
    window: u64,
    /// Zero: no loss yet, slow start has no end.
    threshold: u64,
    /// Bytes acknowledged towards the next datagram of growth.
    progress: u64,
    /// Start of the last recovery: losses of packets sent before it are part of the same event.
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

    fn on_persistent_congestion(&mut self) {
        self.window = MIN_DATAGRAMS * self.datagram;
        self.progress = 0;
    }

    fn on_datagram_size(&mut self, bytes: u64) {
        self.datagram = bytes;
        self.window = self.window.max(MIN_DATAGRAMS * bytes);
    }
}

#[cfg(test)]
mod tests;
