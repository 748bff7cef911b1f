//! What happened and was not told yet. Each happening has one place, so nothing overflows however late the caller asks.

use super::event::Lost;
use super::maybe::Maybe;
use crate::session::Fingerprint;

/// An event that does not borrow, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Lost(Lost),
    Recovered,
    KeyOffered(Fingerprint),
    Reset,
    Gap { after: u64, first: u64 },
    Joined(Joined),
    Stored { number: u64 },
}

/// What [`super::Event::Joined`] says, but for the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) members: u16,
    pub(super) start: u64,
    pub(super) head: u64,
    pub(super) resumed: bool,
}

pub(super) struct Pending {
    lost: Maybe<Lost>,
    recovered: bool,
    key_offered: Maybe<Fingerprint>,
    reset: bool,
    gap: Maybe<(u64, u64)>,
    joined: Maybe<Joined>,
    stored: Maybe<u64>,
}

impl Pending {
    pub(super) const fn new() -> Self {
        Self {
            lost: Maybe::None,
            recovered: false,
            key_offered: Maybe::None,
            reset: false,
            gap: Maybe::None,
            joined: Maybe::None,
            stored: Maybe::None,
        }
    }

    pub(super) const fn push(&mut self, told: Told) {
        match told {
            Told::Lost(lost) => self.lost = Maybe::Some(lost),
            // A loss that was not told yet did not happen.
            Told::Recovered if self.lost.is_some() => self.lost = Maybe::None,
            Told::Recovered => self.recovered = true,
            Told::KeyOffered(fingerprint) => self.key_offered = Maybe::Some(fingerprint),
            Told::Reset => self.reset = true,
            Told::Gap { after, first } => self.gap = Maybe::Some((after, first)),
            Told::Joined(joined) => self.joined = Maybe::Some(joined),
            Told::Stored { number } => self.stored = Maybe::Some(number),
        }
    }

    /// The first that waits. Recovered comes before a Lost: that one is newer.
    pub(super) fn pop(&mut self) -> Option<Told> {
        if core::mem::take(&mut self.recovered) {
            return Some(Told::Recovered);
        }
        if let Some(lost) = self.lost.take() {
            return Some(Told::Lost(lost));
        }
        if let Some(fingerprint) = self.key_offered.take() {
            return Some(Told::KeyOffered(fingerprint));
        }
        if core::mem::take(&mut self.reset) {
            return Some(Told::Reset);
        }
        if let Some((after, first)) = self.gap.take() {
            return Some(Told::Gap { after, first });
        }
        if let Some(joined) = self.joined.take() {
            return Some(Told::Joined(joined));
        }
        self.stored.take().map(|number| Told::Stored { number })
    }
}
