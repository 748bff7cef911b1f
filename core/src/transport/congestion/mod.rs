//! Congestion control (SPEC 5.5): [`NewReno`] for devices, [`RateBased`] for hosts. The
//! [`BufferProvider`](super::BufferProvider) chooses at compile time, so that a device has the code
//! of one only.

mod rate;

pub use rate::RateBased;

use crate::time::{Duration, Instant};

/// Packets sent per wake-up, where the control does not allow more (SPEC 5.4).
pub const MAX_BURST: u8 = 10;

/// A congestion control: decides from acknowledgements and losses how many bytes may be in flight,
/// and when BULK may be sent. Only ack-eliciting packets count.
pub trait Congestion: core::fmt::Debug {
    /// Closed; all zero.
    const CLOSED: Self;
    /// Datagrams that CHAT may send beyond the window and into the last entries of the table of
    /// packets in flight, so that a line need not wait for an acknowledgement of BULK.
    const CHAT_DATAGRAMS: u8;

    /// Begins on an unknown path with datagrams of `datagram` bytes.
    #[must_use]
    fn open(datagram: u64) -> Self;

    /// Bytes that may be in flight.
    fn window(&self) -> u64;

    /// A packet of `bytes` was sent, with `in_flight` bytes before it.
    #[inline]
    fn on_sent(&mut self, _now: Instant, _bytes: u64, _in_flight: u64) {}

    /// A packet of `bytes` sent at `sent_at` was acknowledged; `is_limited`: the window was in use,
    /// so that more is worth trying.
    fn on_acked(&mut self, sent_at: Instant, bytes: u64, is_limited: bool);

    /// An ACK was handled, for whose packets [`Congestion::on_acked`] was called: `bytes` in all.
    /// `rtt`: the round-trip time of the newest.
    #[inline]
    fn on_ack(&mut self, _now: Instant, _rtt: Option<Duration>, _bytes: u64, _in_flight: u64) {}

    /// Packets of `bytes` are lost, the last of them sent at `sent_at`.
    fn on_lost(&mut self, now: Instant, sent_at: Instant, bytes: u64);

    /// Several consecutive probe time-outs expired.
    fn on_persistent_congestion(&mut self);

    /// Datagrams are of this many bytes from now on.
    fn on_datagram_size(&mut self, bytes: u64);

    /// There is nothing to send, although the window has room.
    #[inline]
    fn on_unfilled(&mut self) {}

    /// Whether a packet of BULK may leave now. If not, [`Congestion::deadline`] says when.
    #[inline]
    fn is_released(&mut self, _now: Instant) -> bool {
        true
    }

    /// When a packet that was held back may leave.
    #[inline]
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The time is `now`.
    #[inline]
    fn on_timeout(&mut self, _now: Instant) {}

    /// Packets that may be sent per wake-up.
    #[inline]
    fn burst(&self) -> u8 {
        MAX_BURST
    }
}

/// Initial window in datagrams.
const INITIAL_DATAGRAMS: u64 = 10;
/// Smallest window in datagrams.
const MIN_DATAGRAMS: u64 = 2;

/// NewReno (RFC 9002 section 7): slow start, halved once per round trip of loss, otherwise one
/// datagram more per round trip.
#[derive(Debug)]
pub struct NewReno {
    datagram: u64,
    window: u64,
    /// Zero: no loss yet, slow start has no end.
    threshold: u64,
    /// Bytes acknowledged towards the next datagram of growth.
    progress: u64,
    /// Start of the last recovery: losses of packets sent before it are part of the same event.
    recovery: Option<Instant>,
}

impl Congestion for NewReno {
    const CLOSED: Self = Self { datagram: 0, window: 0, threshold: 0, progress: 0, recovery: None };
    const CHAT_DATAGRAMS: u8 = 0;

    fn open(datagram: u64) -> Self {
        Self { datagram, window: INITIAL_DATAGRAMS * datagram, ..Self::CLOSED }
    }

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

    fn on_lost(&mut self, now: Instant, sent_at: Instant, _: u64) {
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
