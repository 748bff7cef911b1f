//! The replay window (SPEC 4.3).

/// Size of the window in packet numbers.
pub(super) const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;

/// Records which of the last [`WINDOW`] packet numbers were received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplayWindow {
    /// One above the highest number received.
    end: u64,
    /// Bit `number % WINDOW` is set if `number` was received; bits of numbers outside `end -
    /// WINDOW..end` are clear.
    seen: [u64; WORDS],
}

/// State of a packet number in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Higher than all before.
    Newest,
    /// Not received before, inside the window.
    Fresh,
    /// Received before.
    Before,
    /// Older than the window.
    TooOld,
}

impl ReplayWindow {
    pub(super) const fn new() -> Self {
        Self { end: 0, seen: [0; WORDS] }
    }

    /// The lowest number that may still be accepted.
    pub(super) const fn start(&self) -> u64 {
        self.end.saturating_sub(WINDOW)
    }

    /// Looks up `number` without changing state.
    #[inline]
    pub(super) fn look_up(&self, number: u64) -> Seen {
        let (word, bit) = position(number);
        if number >= self.end {
            Seen::Newest
        } else if number < self.start() {
            Seen::TooOld
        } else if self.seen[word] & bit != 0 {
            Seen::Before
        } else {
            Seen::Fresh
        }
    }

    /// Records a number that is not too old. The number must be authentic (SPEC 4.3).
    pub(super) fn insert(&mut self, number: u64) {
        if number >= self.end {
            // The bits of skipped numbers belonged to numbers that leave the window now.
            if number - self.end >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                (self.end..number).for_each(|skipped| self.clear(skipped));
            }
            self.end = number.saturating_add(1);
        }
        let (word, bit) = position(number);
        self.seen[word] |= bit;
    }

    fn clear(&mut self, number: u64) {
        let (word, bit) = position(number);
        self.seen[word] &= !bit;
    }
}

/// Word and bit of `number`.
fn position(number: u64) -> (usize, u64) {
    let place = number % WINDOW;
    ((place / 64) as usize, 1 << (place % 64))
}

#[cfg(test)]
mod tests;
