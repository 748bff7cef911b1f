//! Lines of `kabar history` that are no entries, and sentences about the local history.

use super::reasons;
use crate::engine::event::HistoryError;
use crate::history::SetAside;
use crate::language::message;

/// The heading of the entries of a room, if several are printed.
#[must_use]
pub fn heading(room: &str, server: &str) -> String {
    format!("{room} ({server}):")
}

/// These entries are not stored here.
#[must_use]
pub fn gap(first: u64, last: u64) -> String {
    if first == last {
        message!("history-entry-missing", seq = first)
    } else {
        message!("history-entries-missing", first, last)
    }
}

/// The entries after this line are from a new history of the room.
#[must_use]
pub fn reset() -> String {
    message!("history-reset")
}

/// A file could not be used.
#[must_use]
pub fn set_aside(aside: &SetAside) -> String {
    message!("history-set-aside", reason = reasons::set_aside(aside.reason), path = %aside.path.display())
}

/// Nothing is written to the local history.
#[must_use]
pub fn not_kept(error: &HistoryError) -> String {
    message!("history-not-kept", reason = reason(error))
}

/// Why something is not stored.
#[must_use]
pub fn reason(error: &HistoryError) -> String {
    match error {
        HistoryError::Open(error) => reasons::history(error),
        HistoryError::Storage(error) => message!("history-not-written", reason = reasons::store(error.0)),
        HistoryError::File(error) => reasons::file(error),
    }
}
