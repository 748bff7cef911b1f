//! The local history of a person: everything received in rooms, with positions, unread marks,
//! drafts and what waits to be sent, in one SQLite file per identity. It works without a server.
//!
//! ```text
//! history/IDENTITY.db              mode 0600, with SQLite's -wal and -shm beside it
//! history/IDENTITY.db.damaged-1    a file that could not be used; never deleted
//! history/IDENTITY.lock            held while a process opens or replaces the file
//! history/IDENTITY.outbox-N.lock   held by the process that has outbox slot N
//! ```
//! IDENTITY is the fingerprint of the person. Several processes of one person use the file at the
//! same time: a [`Writer`] takes the lock of SQLite for each transaction, and each [`Reader`] has
//! its own connection and never waits for a writer.
//!
//! # Logs
//!
//! A *log* is one life of a room's log: (server, room, number). A Reset begins a new one, and the
//! earlier one stays readable. Of a log, the entries in `start < seq <= cursor` are all stored
//! (SPEC 7, S4); entries at or before `start` may be, where a page of older entries was stored. A
//! [`Gap`] is a range that is not.
//!
//! ```text
//! Event::Joined      -> Writer::begin       which log continues or begins, and where
//! Event::Entry, ...  -> Writer::append      entries and the cursor that counts them: one transaction
//! HistoryEntry ...   -> Writer::add_page    older entries, which move no cursor
//! ```
//! The same entries may be appended again, by this process or another one: the file keeps one copy,
//! and its cursor never goes back. An entry that contradicts the stored one is an error
//! ([`AppendError::Contradiction`]): this is another life of the log, so the session begins a new
//! one ([`Writer::begin`] with `is_reset`).
//!
//! A removal (kind 21) erases the body of the entry that it names, from the full-text index too. It
//! also applies to a copy of that entry that is added later.
//!
//! # Outbox
//!
//! See [`outbox`]: a line is durable before it is sent, and a process that starts continues the
//! outbox of one that was killed, with the same instance and numbers (SPEC 6.5).
//!
//! # Errors
//!
//! An operation that fails has changed nothing and can be repeated; [`StorageError`] says what a
//! person can do. After [`StoreErrorKind::Damaged`] the file is examined when it is opened the next
//! time; if it is damaged, it is renamed and a new one begins. After [`StoreErrorKind::Moved`]
//! another process has done that: open again.
//!
//! * `open`, `schema`: the file. `append`, `removal`: entries in. `page`, `unread`, `search`: entries
//!   out. `settings`: drafts, ignored people, settings per room. `outbox`: lines to be sent.

mod append;
mod error;
mod open;
pub mod outbox;
mod page;
mod removal;
mod schema;
mod search;
mod settings;
mod unread;

use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_core::session::Fingerprint;
use kabar_std::text::Content;

pub use crate::cursor::Cursor;
pub use append::{Batch, MAX_BATCH};
pub use error::{AppendError, ChangeError, StorageError};
pub use kabar_std::sqlite::StoreErrorKind;
pub use open::{OpenError, Reader, SetAside, SetAsideReason, Writer};
pub use page::{From, Gap, MAX_PAGE, Page, PageItem};
pub use search::{Hit, SearchMark, SearchPage};
pub use settings::{HIDE_JOINS, MAX_DRAFT_LEN, MAX_IGNORED, NOTIFY, Notify, Setting, SettingValue};
pub use unread::{RoomSummary, Unread};

/// The row of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerRow(i64);

/// The row of a room of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomRow(i64);

/// The row of a log. Of one room, a later log has a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogRow(i64);

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

#[cfg(test)]
mod tests;
