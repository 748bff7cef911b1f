//! How a connection ends (SPEC 5.7). The side that closes sends CLOSE and repeats it in answer to
//! further packets; the other side sends nothing more. Both keep the state for three probe
//! time-outs, so that packets in flight are not taken for those of an unknown connection.

use super::Closed;
use crate::time::{Duration, Instant};
use crate::wire::frame::{CloseCode, Frame, Frames, MAX_REASON_LEN};
use crate::wire::io::Writer;

/// Probe time-outs from CLOSE to the end.
const PTOS: u64 = 3;

/// State of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not open yet, or finished.
    Idle,
    /// Data flows.
    Open,
    /// This side closed it.
    Closing,
    /// The peer closed it, or it was idle.
    Draining,
}

/// The phase, and how the connection ended.
#[derive(Debug)]
pub(super) struct CloseState {
    phase: Phase,
    ended: Closed,
    is_untold: bool,
    /// CLOSE is due.
    is_due: bool,
    /// No CLOSE is sent before this.
    next_at: Instant,
    until: Instant,
    reason: [u8; MAX_REASON_LEN],
    reason_len: usize,
}

impl CloseState {
    pub(super) const NONE: Self = Self {
        phase: Phase::Idle,
        ended: Closed::ByPeer(CloseCode(0)),
        is_untold: false,
        is_due: false,
        next_at: Instant::ZERO,
        until: Instant::ZERO,
        reason: [0; MAX_REASON_LEN],
        reason_len: 0,
    };
    pub(super) const OPEN: Self = Self { phase: Phase::Open, ..Self::NONE };

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    /// Ends the connection. `reason` is for the CLOSE that this side sends.
    pub(super) fn begin(&mut self, now: Instant, ended: Closed, reason: &str, pto: Duration) {
        self.phase = match ended {
            Closed::Locally(_) => Phase::Closing,
            Closed::ByPeer(_) | Closed::Idle => Phase::Draining,
        };
        self.ended = ended;
        self.is_untold = true;
        self.is_due = self.phase == Phase::Closing;
        self.next_at = now;
        self.until = now + pto * PTOS;
        let end = (0..=reason.len().min(MAX_REASON_LEN)).rev().find(|&end| reason.is_char_boundary(end));
        let reason = reason.as_bytes().get(..end.unwrap_or(0)).unwrap_or(&[]);
        self.reason.iter_mut().zip(reason).for_each(|(to, from)| *to = *from);
        self.reason_len = reason.len();
    }

    /// An authentic packet arrived after this side closed.
    pub(super) fn on_packet(&mut self, now: Instant, body: &[u8]) {
        if Frames::new(body).any(|frame| matches!(frame, Ok(Frame::Close { .. }))) {
            // Both sides closed: CLOSE need not be sent again.
            self.phase = Phase::Draining;
            self.is_due = false;
        } else {
            self.is_due |= self.next_at <= now;
        }
    }

    /// Writes CLOSE if it is due; returns its length.
    pub(super) fn poll(&mut self, now: Instant, pto: Duration, out: &mut Writer<'_>) -> Option<usize> {
        let Closed::Locally(code) = self.ended else { return None };
        if !core::mem::take(&mut self.is_due) {
            return None;
        }
        self.next_at = now + pto;
        Frame::Close { code, reason: self.reason() }.encode(out).ok()?;
        Some(out.len())
    }

    fn reason(&self) -> &str {
        self.reason.get(..self.reason_len).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    /// How the connection ended; returned once.
    pub(super) fn take_ended(&mut self) -> Option<Closed> {
        core::mem::take(&mut self.is_untold).then_some(self.ended)
    }

    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until <= now
    }

    /// Ends the last phase.
    pub(super) fn finish(&mut self) {
        self.phase = Phase::Idle;
        self.is_due = false;
    }
}

#[cfg(test)]
mod tests;
