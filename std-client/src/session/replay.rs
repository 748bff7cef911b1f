//! The position in the log at which a session begins: after the entries displayed before, unless
//! others are requested.
//!
//! | requested | first session | later |
//! |---|---|---|
//! | nothing | the last 50 | all after the last displayed; at a prompt also 10 before it |
//! | `--last N` | the last N | the last N |
//! | `--since SEQ` | all after SEQ | all after SEQ |
//! | `--since TIME` | all since TIME | all since TIME |
//!
//! No message asks for a time. So the whole log is requested, in its order, and entries before the
//! first one with that time are not displayed: none of them is kept in memory.

use kabar_core::chat::Start;

use crate::cursor::Cursor;

/// Entries requested at the first join.
const HISTORY: u32 = 50;
/// Entries that are displayed again at a prompt, as context of new ones.
const CONTEXT: u64 = 10;
/// Requests all entries.
const ALL: u32 = u32::MAX;

/// The entries that a session begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayFrom {
    /// Those that were not displayed yet.
    #[default]
    New,
    /// The last N.
    Last(u32),
    /// Those after this one; 0: all.
    Since(u64),
    /// Those since this time, in ms since 1970.
    SinceTime(u64),
}

impl ReplayFrom {
    /// Returns the start to request, if all entries up to `shown` were displayed before.
    pub(super) fn start(self, shown: Option<Cursor>, is_prompt: bool) -> Start {
        let context = if is_prompt { CONTEXT } else { 0 };
        match (self, shown) {
            (Self::Last(count), _) => Start::Last(count),
            (Self::Since(1..), Some(Cursor { seq, term })) if self.skip_to() <= seq => {
                Start::After { seq: self.skip_to(), term, fallback_count: ALL }
            }
            (Self::Since(1..), Some(Cursor { seq, term })) => Start::After { seq, term, fallback_count: ALL },
            // The term of an entry is not known without a cursor: the rest is skipped on display.
            (Self::Since(_) | Self::SinceTime(_), _) => Start::Last(ALL),
            (Self::New, Some(Cursor { seq, term })) => {
                Start::After { seq: seq.saturating_sub(context), term, fallback_count: HISTORY }
            }
            (Self::New, None) => Start::Last(HISTORY),
        }
    }

    /// Entries up to here are not displayed.
    pub(super) fn skip_to(self) -> u64 {
        if let Self::Since(seq) = self { seq } else { 0 }
    }

    /// Entries before the first one with this time are not displayed.
    pub(super) fn since_ms(self) -> Option<u64> {
        if let Self::SinceTime(time) = self { Some(time) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::Term;

    use super::*;

    const TERM: Term = Term([3; 8]);
    const SHOWN: Option<Cursor> = Some(Cursor { seq: 100, term: TERM });

    fn after(seq: u64, fallback_count: u32) -> Start {
        Start::After { seq, term: TERM, fallback_count }
    }

    #[test]
    fn continues_after_the_last_line_displayed() {
        assert_eq!(ReplayFrom::New.start(None, false), Start::Last(HISTORY));
        assert_eq!(ReplayFrom::New.start(SHOWN, false), after(100, HISTORY));
        assert_eq!(ReplayFrom::New.start(SHOWN, true), after(90, HISTORY), "with some context");
        let early = Some(Cursor { seq: 3, term: TERM });
        assert_eq!(ReplayFrom::New.start(early, true), after(0, HISTORY));
    }

    #[test]
    fn requested_entries_come_whatever_was_displayed() {
        for shown in [None, SHOWN] {
            assert_eq!(ReplayFrom::Last(7).start(shown, true), Start::Last(7));
            assert_eq!(ReplayFrom::Since(0).start(shown, true), Start::Last(ALL));
            assert_eq!(ReplayFrom::SinceTime(7).start(shown, true), Start::Last(ALL));
        }
        assert_eq!(ReplayFrom::Since(40).start(SHOWN, true), after(40, ALL));
        assert_eq!(ReplayFrom::Since(140).start(SHOWN, true), after(100, ALL), "the rest is skipped on display");
        assert_eq!(ReplayFrom::Since(40).start(None, true), Start::Last(ALL));
        assert_eq!(ReplayFrom::Since(40).skip_to(), 40);
        assert_eq!(ReplayFrom::Last(40).skip_to(), 0);
    }
}
