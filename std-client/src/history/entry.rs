//! What the history holds: rooms, logs, entries, and their places.

use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_core::session::Fingerprint;
use kabar_std::text::Content;

use crate::cursor::Cursor;

/// The row of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerRow(pub(super) i64);

/// The row of a room of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomRow(pub(super) i64);

/// The row of a log. Of one room, a later log has a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogRow(pub(super) i64);

impl LogRow {
    /// Its number, which grows with each new log.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// A position in the history of a room. Positions of one room are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The log.
    pub log: LogRow,
    /// The entry.
    pub seq: u64,
}

/// A log, and the position to continue after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentLog {
    /// The log.
    pub log: LogRow,
    /// All entries above this one, up to the cursor, are stored.
    pub start: u64,
    /// The last entry stored, and the term in which it was received.
    pub cursor: Cursor,
}

/// The start of a membership, as Welcome states it (SPEC 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Entries above this seq follow.
    pub start: u64,
    /// The term.
    pub term: Term,
    /// Whether the cursor was not valid: a new log begins.
    pub is_reset: bool,
}

/// How far an entry asks for the attention of the person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    /// Not: the person's own lines, joins and leaves, lines of ignored people.
    #[default]
    None,
    /// Unread until the read mark passes it.
    Unread,
    /// The same, and it mentions the person.
    Mention,
}

/// An entry to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// All but the body.
    pub header: EntryHeader<'a>,
    /// The body, or its length if it was not delivered.
    pub content: Content<'a>,
    /// As the caller judges it: it knows the person's name and whom the person ignores.
    pub attention: Attention,
}

/// A stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Where it is.
    pub place: Place,
    /// When the server stored it, in ms since 1970.
    pub time_ms: u64,
    /// The author's name at that time.
    pub author: String,
    /// The author's instance; 0: the server.
    pub instance: u64,
    /// The number under the instance.
    pub number: u64,
    /// Its kind. A removed entry has kind 22.
    pub kind: EntryKind,
    /// The body, or its length if it was not delivered.
    pub content: StoredContent,
    /// As it was stored.
    pub attention: Attention,
}

/// The content of a stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredContent {
    /// The whole body.
    Body(Vec<u8>),
    /// A body of this length in bytes, which was not delivered.
    Omitted(u16),
}

impl StoredContent {
    /// The content to format.
    #[must_use]
    pub fn as_content(&self) -> Content<'_> {
        match self {
            Self::Body(body) => Content::Body(body),
            Self::Omitted(size) => Content::Omitted(*size),
        }
    }
}

/// A room that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRoomRow {
    /// Its row.
    pub room: RoomRow,
    /// The row of its server.
    pub server: ServerRow,
    /// The key of its server.
    pub fingerprint: Fingerprint,
    /// Its name.
    pub name: String,
}
