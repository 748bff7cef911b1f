//! Events that were not returned yet. Each kind has one place, so nothing overflows however late
//! the caller polls: those of a Welcome are returned before the next message is read.

use super::event::DisconnectReason;
use super::zero_option::ZeroOption;
use crate::session::Fingerprint;

/// An event that does not borrow. The variants are in the order in which they are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueuedEvent {
    Disconnected(DisconnectReason),
    Reconnected,
    UnknownServerKey(Fingerprint),
    Reset,
    Gap { after: u64, first: u64 },
    Joined(Joined),
    Stored { number: u64 },
}

/// [`super::Event::Joined`] without the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) members: u16,
    pub(super) start: u64,
    pub(super) head: u64,
    pub(super) is_resumed: bool,
}

pub(super) struct EventQueue {
    disconnected: ZeroOption<DisconnectReason>,
    is_reconnected: bool,
    unknown_key: ZeroOption<Fingerprint>,
    is_reset: bool,
    gap: ZeroOption<(u64, u64)>,
    joined: ZeroOption<Joined>,
    stored: ZeroOption<u64>,
}

impl EventQueue {
    pub(super) const fn new() -> Self {
        Self {
            disconnected: ZeroOption::None,
            is_reconnected: false,
            unknown_key: ZeroOption::None,
            is_reset: false,
            gap: ZeroOption::None,
            joined: ZeroOption::None,
            stored: ZeroOption::None,
        }
    }

    pub(super) const fn push(&mut self, event: QueuedEvent) {
        match event {
            QueuedEvent::Disconnected(lost) => self.disconnected = ZeroOption::Some(lost),
            // A disconnection that was not reported yet is not reported at all.
            QueuedEvent::Reconnected if self.disconnected.is_some() => self.disconnected = ZeroOption::None,
            QueuedEvent::Reconnected => self.is_reconnected = true,
            QueuedEvent::UnknownServerKey(fingerprint) => self.unknown_key = ZeroOption::Some(fingerprint),
            QueuedEvent::Reset => self.is_reset = true,
            QueuedEvent::Gap { after, first } => self.gap = ZeroOption::Some((after, first)),
            QueuedEvent::Joined(joined) => self.joined = ZeroOption::Some(joined),
            QueuedEvent::Stored { number } => self.stored = ZeroOption::Some(number),
        }
    }

    /// Returns the first queued event. Reconnected comes before Disconnected, which is newer.
    pub(super) fn pop(&mut self) -> Option<QueuedEvent> {
        if core::mem::take(&mut self.is_reconnected) {
            return Some(QueuedEvent::Reconnected);
        }
        if let Some(lost) = self.disconnected.take() {
            return Some(QueuedEvent::Disconnected(lost));
        }
        if let Some(fingerprint) = self.unknown_key.take() {
            return Some(QueuedEvent::UnknownServerKey(fingerprint));
        }
        if core::mem::take(&mut self.is_reset) {
            return Some(QueuedEvent::Reset);
        }
        if let Some((after, first)) = self.gap.take() {
            return Some(QueuedEvent::Gap { after, first });
        }
        if let Some(joined) = self.joined.take() {
            return Some(QueuedEvent::Joined(joined));
        }
        self.stored.take().map(|number| QueuedEvent::Stored { number })
    }
}
