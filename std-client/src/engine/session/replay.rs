//! The position in the log at which a session begins: after the entries displayed before, unless
//! others are requested.
//!
//! | requested | first session | later |
//! |---|---|---|
//! | nothing | the last 50 | all after the last displayed, and those before it as context |
//! | `--last N` | the last N | the last N |
//! | `--since SEQ` | all after SEQ | all after SEQ |
//! | `--since TIME` | all since TIME | all since TIME |
//!
//! A position is valid only together with the term of the server, which is not known without an
//! earlier session. So entries after a number that was not displayed yet, and those since a time,
//! are read as history ([`CatchUp`]), and the server sends only those that come later.

use kabar_core::chat::Start;

use super::catch_up::CatchUp;
use crate::cursor::Cursor;
use crate::engine::command::ReplayFrom;

/// Entries requested at the first join.
const HISTORY: u32 = 50;
/// Requests all entries.
const ALL: u32 = u32::MAX;

impl ReplayFrom {
    /// Returns the start to request, if all entries up to `shown` were displayed before. `context`:
    /// the number of those that are wanted again, before new ones.
    pub(super) fn start(self, shown: Option<Cursor>, context: u64) -> Start {
        match (self, shown) {
            (Self::Last(count), _) => Start::Last(count),
            (Self::Since(0), _) => Start::Last(ALL),
            (Self::Since(after), Some(Cursor { seq, term })) if after <= seq => {
                Start::After { seq: after, term, fallback_count: ALL }
            }
            (Self::Since(_) | Self::SinceTime(_), _) => Start::Head,
            (Self::New, Some(Cursor { seq, term })) => {
                Start::After { seq: seq.saturating_sub(context), term, fallback_count: HISTORY }
            }
            (Self::New, None) => Start::Last(HISTORY),
        }
    }

    /// Returns how the entries are read that [`ReplayFrom::start`] leaves out; `head`: the last
    /// entry.
    pub(super) fn catch_up(self, shown: Option<Cursor>, head: u64) -> Option<CatchUp> {
        match self {
            Self::Since(after) if after > 0 && shown.is_none_or(|shown| after > shown.seq) => {
                Some(CatchUp::from_seq(after.saturating_add(1)))
            }
            Self::SinceTime(since) => Some(CatchUp::from_time(since, head)),
            _ => None,
        }
    }

    /// Returns the position after which entries are displayed; `start`: that of the server. `None`:
    /// it is not known.
    pub(super) fn first_displayed(self, start: u64, head: u64) -> Option<u64> {
        match self {
            Self::Since(after) => Some(after.min(head)),
            Self::SinceTime(_) => None,
            Self::New | Self::Last(_) => Some(start),
        }
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
        assert_eq!(ReplayFrom::New.start(None, 0), Start::Last(HISTORY));
        assert_eq!(ReplayFrom::New.start(SHOWN, 0), after(100, HISTORY));
        assert_eq!(ReplayFrom::New.start(SHOWN, 10), after(90, HISTORY), "with some context");
        let early = Some(Cursor { seq: 3, term: TERM });
        assert_eq!(ReplayFrom::New.start(early, 10), after(0, HISTORY));
    }

    #[test]
    fn requested_entries_come_whatever_was_displayed() {
        for shown in [None, SHOWN] {
            assert_eq!(ReplayFrom::Last(7).start(shown, 10), Start::Last(7));
            assert_eq!(ReplayFrom::Since(0).start(shown, 10), Start::Last(ALL));
            assert_eq!(ReplayFrom::SinceTime(7).start(shown, 10), Start::Head);
            assert!(ReplayFrom::SinceTime(7).catch_up(shown, 200).is_some());
            assert!(ReplayFrom::Last(7).catch_up(shown, 200).is_none());
        }
        assert_eq!(ReplayFrom::Since(40).start(SHOWN, 10), after(40, ALL));
        assert!(ReplayFrom::Since(40).catch_up(SHOWN, 200).is_none());
        for shown in [None, Some(Cursor { seq: 39, term: TERM })] {
            assert_eq!(ReplayFrom::Since(40).start(shown, 10), Start::Head);
            assert!(ReplayFrom::Since(40).catch_up(shown, 200).is_some(), "they are read as history");
        }
    }
}
