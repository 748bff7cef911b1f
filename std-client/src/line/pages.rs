//! Pages of the history of a room, from the end of the log to its beginning: which one is displayed
//! next.

use crate::command::DEFAULT_HISTORY;

/// The progress of paging.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Number of pages that were requested and are not displayed.
    expected: u32,
    /// Pages to request when the ones before are there.
    wanted: u32,
    /// The first entry of the page that was displayed last.
    oldest: Option<u64>,
    /// Entries per page.
    count: Option<u8>,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Request a page.
    Request {
        /// Entries before this one; 0: the last ones.
        before: u64,
        /// Number of entries.
        count: u8,
    },
    /// Wait for the page before it.
    Wait,
    /// The beginning of the room was displayed.
    Beginning,
}

impl Pages {
    /// The last `count` entries are wanted; `None`: those before the page that was displayed last.
    pub(super) fn request(&mut self, count: Option<u8>) -> Step {
        if count.is_none() && self.expected > 0 {
            self.wanted += 1;
            return Step::Wait;
        }
        let before = if count.is_some() { 0 } else { self.oldest.unwrap_or(0) };
        self.count = count.or(self.count);
        if before == 1 {
            return Step::Beginning;
        }
        self.expected += 1;
        Step::Request { before, count: self.count.unwrap_or(DEFAULT_HISTORY) }
    }

    /// A page with this first entry is displayed. Returns whether another one is to be requested.
    pub(super) fn displayed(&mut self, first: Option<u64>) -> bool {
        self.expected = self.expected.saturating_sub(1);
        self.oldest = first.or(self.oldest);
        let is_next = self.wanted > 0 && self.expected == 0;
        self.wanted -= u32::from(is_next);
        is_next
    }

    /// Pages that were requested do not come.
    pub(super) fn disconnected(&mut self) {
        (self.expected, self.wanted) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn request(before: u64, count: u8) -> Step {
        Step::Request { before, count }
    }

    #[test]
    fn pages_reach_back_to_the_beginning() {
        let mut pages = Pages::default();
        assert_eq!(pages.request(Some(2)), request(0, 2));
        assert!(!pages.displayed(Some(4)));
        assert_eq!(pages.request(None), request(4, 2));
        assert_eq!((pages.request(None), pages.displayed(Some(2))), (Step::Wait, true), "one after another");
        assert_eq!(pages.request(None), request(2, 2));
        assert!(!pages.displayed(Some(1)));
        assert_eq!(pages.request(None), Step::Beginning);
        assert_eq!(pages.request(Some(1)), request(0, 1), "a number starts at the end again");
    }

    #[test]
    fn lost_connection_drops_what_was_requested() {
        let mut pages = Pages::default();
        assert_eq!(pages.request(None), request(0, DEFAULT_HISTORY));
        assert_eq!(pages.request(None), Step::Wait);
        pages.disconnected();
        assert_eq!(pages.request(None), request(0, DEFAULT_HISTORY));
    }
}
