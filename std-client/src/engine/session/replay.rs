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
//! The Join states the cursor of the local history, so the server sends what is not recorded yet,
//! and the rest is read from the file ([`Plan`]). Without a history of the room:
//!
//! A position is valid only together with the term of the server, which is not known without an
//! earlier session. So entries after a number that was not displayed yet, and those since a time,
//! are read as history ([`CatchUp`]), and the server sends only those that come later.

use kabar_core::chat::Start;

use super::catch_up::CatchUp;
use crate::cursor::Cursor;
use crate::engine::command::ReplayFrom;
use crate::history::CurrentLog;

/// Entries requested at the first join.
const HISTORY: u32 = 50;
/// Requests all entries.
const ALL: u32 = u32::MAX;

/// The progress of reading the local history.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalReplay {
    /// The next entry.
    pub(super) next: u64,
}

/// What is delivered after the first Joined.
#[derive(Debug)]
pub(super) struct Plan {
    /// The position after which entries are delivered; `None`: it is not known.
    pub(super) after: Option<u64>,
    /// The last entry that was displayed in an earlier session, if delivery is guided by it.
    pub(super) seen: Option<u64>,
    /// Entries that are read from the server before those that it sends.
    pub(super) catch_up: Option<CatchUp>,
    /// Entries of the local history that are delivered before those that the server sends.
    pub(super) replay: Option<LocalReplay>,
    /// Entries that the server sends are delivered only above this one.
    pub(super) delivers_after: u64,
}

impl Plan {
    /// The server sends what is delivered; `start`, `head`: as it stated them.
    pub(super) fn from_server(replay_from: ReplayFrom, shown: Option<Cursor>, start: u64, head: u64) -> Self {
        let seen = shown.filter(|_| replay_from == ReplayFrom::New).map(|seen| seen.seq);
        let (after, catch_up) = (replay_from.first_displayed(start, head), replay_from.catch_up(shown, head));
        Self { after, seen, catch_up, replay: None, delivers_after: 0 }
    }

    /// Nothing recorded is delivered: the front end reads it.
    pub(super) fn only_new(stored: CurrentLog) -> Self {
        let after = stored.cursor.seq;
        Self { after: Some(after), seen: None, catch_up: None, replay: None, delivers_after: after }
    }

    /// The local history has all entries of `stored`, and the server sends those after them.
    /// `shown`: the last entry of this log that was displayed. `since`: the first one in it that
    /// has the time requested, if an earlier one has not.
    pub(super) fn from_history(
        replay_from: ReplayFrom,
        shown: Option<u64>,
        stored: CurrentLog,
        since: Option<u64>,
        head: u64,
        context: u64,
    ) -> Self {
        let seen = shown.filter(|_| replay_from == ReplayFrom::New);
        let after = match (replay_from, shown) {
            (ReplayFrom::New, Some(seq)) => seq.saturating_sub(context).max(stored.start),
            (ReplayFrom::New, None) => head.saturating_sub(HISTORY.into()).max(stored.start),
            (ReplayFrom::Last(count), _) => head.saturating_sub(count.into()),
            (ReplayFrom::Since(after), _) => after.min(head),
            (ReplayFrom::SinceTime(since_ms), _) => match since {
                Some(first) => first.saturating_sub(1),
                None => {
                    let catch_up = Some(CatchUp::from_time(since_ms, head));
                    return Self { after: None, seen, catch_up, replay: None, delivers_after: 0 };
                }
            },
        };
        if after < stored.start {
            let catch_up = Some(CatchUp::from_seq(after.saturating_add(1)));
            return Self { after: Some(after), seen, catch_up, replay: None, delivers_after: 0 };
        }
        let replay = (after < stored.cursor.seq).then_some(LocalReplay { next: after.saturating_add(1) });
        Self { after: Some(after), seen, catch_up: None, replay, delivers_after: after }
    }
}

impl ReplayFrom {
    /// The number of entries to begin with if the cursor of the local history is not valid at the
    /// server.
    pub(super) fn fallback_count(self) -> u32 {
        match self {
            Self::New => HISTORY,
            Self::Last(count) => count,
            Self::Since(_) | Self::SinceTime(_) => ALL,
        }
    }

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
