//! Lines of `kabar history` that are no entries.

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
