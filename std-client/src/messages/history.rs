//! Lines of `kabar history` that are no entries, and sentences about the local history.

use crate::engine::event::HistoryError;
use crate::history::SetAside;

/// The heading of the entries of a room, if several are printed.
#[must_use]
pub fn heading(room: &str, server: &str) -> String {
    format!("{room} ({server}):")
}

/// These entries are not stored here.
#[must_use]
pub fn gap(first: u64, last: u64) -> String {
    if first == last {
        format!("(entry {first} is not stored here)")
    } else {
        format!("(entries {first} to {last} are not stored here)")
    }
}

/// The entries after this line are from a new history of the room.
pub const RESET: &str = "(the history of the room was reset)";

/// A file could not be used.
#[must_use]
pub fn set_aside(aside: &SetAside) -> String {
    format!("(your local history {}: it is {} now, and a new one begins)", aside.reason, aside.path.display())
}

/// Nothing is written to the local history.
#[must_use]
pub fn not_kept(error: &HistoryError) -> String {
    format!("(your history is not kept: {})", reason(error))
}

/// Why something is not stored.
#[must_use]
pub fn reason(error: &HistoryError) -> String {
    match error {
        HistoryError::Open(error) => error.to_string(),
        HistoryError::Storage(error) => format!("the file cannot be written: {error}"),
        HistoryError::File(error) => error.to_string(),
    }
}
