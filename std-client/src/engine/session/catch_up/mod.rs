//! Reads entries by pages of the history, from the first one wanted to those that the server sends
//! on its own: the entries that `--since` requests, and those that the local history lacks after
//! its file could not be written. No entry before the first one is transferred, apart from a few
//! that show where that time is, and only the page being read is kept in memory, to be recorded.
//!
//! ```text
//! Search: the entry in the middle of [low, high] -> its time -> half of it, until low + 1 = high
//! Read:   entries from `next` on, page by page, until all that the client has delivered are read
//! ```
//! Entries that arrive meanwhile are not displayed: they are read in their turn.

use kabar_core::chat::{MAX_HISTORY, Request};

/// The distance from the end of the log of the first entry whose time is asked for; then four times
/// as far, as long as that is not before the time.
const FIRST_STEP: u64 = 64;

/// The progress of reading.
#[derive(Debug)]
pub(super) struct CatchUp {
    step: Step,
    /// The request that is not answered.
    requested: Option<Page>,
    /// Whether a request has to be repeated.
    is_lost: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Search {
        /// In ms since 1970.
        since: u64,
        /// This entry is earlier. 0: that is not known of any.
        low: u64,
        /// This entry is not earlier.
        high: u64,
        /// The distance below `high` of the next entry to look at, at most.
        reach: u64,
    },
    Read {
        next: u64,
    },
}

/// A page of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Page {
    /// Entries before this one.
    before: u64,
    count: u8,
}

impl CatchUp {
    /// Reads from the entry `next` on.
    pub(super) fn from_seq(next: u64) -> Self {
        Self { step: Step::Read { next }, requested: None, is_lost: false }
    }

    /// Reads from the first entry on that has this time, in ms since 1970; `head`: the last entry.
    pub(super) fn from_time(since: u64, head: u64) -> Self {
        let step = Step::Search { since, low: 0, high: head.saturating_add(1), reach: FIRST_STEP };
        Self { step, requested: None, is_lost: false }
    }

    /// Returns the next request, if none is to be waited for; `delivered`: the last entry that the
    /// server sent. [`CatchUp::sent`] follows if it was sent.
    pub(super) fn request(&mut self, delivered: u64) -> Option<Request<'static>> {
        if self.is_waiting() {
            return None;
        }
        let page = self.next_page(delivered)?;
        Some(Request::History { before: page.before, count: page.count })
    }

    fn next_page(&mut self, delivered: u64) -> Option<Page> {
        if let Step::Search { low, high, .. } = self.step
            && high <= low + 1
        {
            self.step = Step::Read { next: high };
        }
        match self.step {
            Step::Search { low, high, reach, .. } => {
                let middle = (low + (high - low) / 2).max(high.saturating_sub(reach));
                Some(Page { before: middle.clamp(low + 1, high - 1) + 1, count: 1 })
            }
            Step::Read { next } => {
                let missing = delivered.saturating_add(1).saturating_sub(next);
                let count = u8::try_from(missing).unwrap_or(MAX_HISTORY).min(MAX_HISTORY);
                (count > 0).then_some(Page { before: next + u64::from(count), count })
            }
        }
    }

    /// The request was sent.
    pub(super) fn sent(&mut self, delivered: u64) {
        (self.requested, self.is_lost) = (self.next_page(delivered), false);
    }

    /// Whether an answer is to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.requested.is_some() && !self.is_lost
    }

    /// Whether all entries up to `delivered` were read.
    pub(super) fn is_done(&mut self, delivered: u64) -> bool {
        self.requested.is_none() && self.next_page(delivered).is_none()
    }

    /// Takes an entry of the answer. Returns whether it is to be displayed.
    pub(super) fn entry(&mut self, seq: u64, time_ms: u64) -> bool {
        match &mut self.step {
            Step::Search { since, low, high, reach } => {
                if time_ms < *since {
                    *low = seq.max(*low);
                } else {
                    *high = seq.min(*high);
                    *reach = reach.saturating_mul(4);
                }
                false
            }
            Step::Read { next } => {
                let is_next = seq >= *next;
                *next = seq.saturating_add(1).max(*next);
                is_next
            }
        }
    }

    /// The answer is complete; `is_empty`: it has no entry.
    pub(super) fn answered(&mut self, is_empty: bool) {
        let Some(page) = self.requested.take() else { return };
        match &mut self.step {
            // It is no longer kept, so it is earlier than all that are.
            Step::Search { low, .. } if is_empty => *low = low.max(&mut (page.before - 1)).to_owned(),
            Step::Search { .. } => {}
            // Entries that are left out are not waited for.
            Step::Read { next } => *next = page.before.max(*next),
        }
    }

    /// The connection was lost: the answer does not come.
    pub(super) fn disconnected(&mut self) {
        self.is_lost = self.requested.take().is_some();
    }
}

#[cfg(test)]
mod tests;
