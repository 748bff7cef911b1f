//! The local history of a person: everything received in rooms, with positions, unread marks,
//! drafts and what waits to be sent, in one SQLite file per identity. It works without a server.
//!
//! ```text
//! history/IDENTITY.db              mode 0600, with SQLite's -wal and -shm beside it
//! history/IDENTITY.db.damaged-1    a file that could not be used; never deleted
//! history/IDENTITY.lock            held while a process opens or replaces the file
//! history/IDENTITY.file            the number of the file, by which a copy is recognised
//! history/IDENTITY.outbox-N.lock   held by the process that has outbox slot N
//! history/IDENTITY.transfer-N.lock held by the process that has transfer N
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
//! Event::Entry, ...  -> Writer::append      entries and the cursor that counts them, at once
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
//! # Transactions
//!
//! An operation is a transaction, or part of the one that [`Writer::begin_transaction`] began and
//! [`Writer::commit`] makes durable.
//!
//! # Errors
//!
//! An operation that fails has changed nothing and can be repeated; [`StorageError`] says what a
//! person can do. After [`StoreErrorKind::Damaged`] the file is examined when it is opened the next
//! time; if it is damaged, it is renamed and a new one begins. After [`StoreErrorKind::Moved`]
//! another process has done that: open again.
//!
//! * `file`, `schema`: the file. `writer`, `reader`: access to it. `entry`: the types of what it
//!   holds.
//! * `append`, `removal`: entries in. `page`, `unread`, `search`, `index`: entries out.
//! * `settings`: drafts, ignored people, settings per room; `former`: of earlier versions.
//! * `outbox`: lines to be sent. `transfers`: files that are sent and received.

mod append;
mod entry;
mod error;
mod file;
mod former;
mod index;
pub mod outbox;
mod page;
mod reader;
mod removal;
mod schema;
mod search;
mod settings;
mod transfers;
mod unread;
mod writer;

pub use crate::cursor::Cursor;
pub use append::{Batch, MAX_BATCH};
pub use entry::{
    Attention, Beginning, CurrentLog, KnownRoomRow, LogRow, NewEntry, Place, RoomRow, ServerRow, StoredContent,
    StoredEntry,
};
pub use error::{AppendError, ChangeError, StorageError, TooManyAside};
pub use file::{OpenError, SetAside, SetAsideReason};
pub use kabar_std::sqlite::StoreErrorKind;
pub use page::{Anchor, Gap, MAX_PAGE, Page, PageItem};
pub use reader::Reader;
pub use search::{Hit, SearchMark, SearchPage};
pub use settings::{HIDE_JOINS, MAX_DRAFT_LEN, MAX_IGNORED, NOTIFY, Setting, SettingValue};
pub use transfers::{FileEntry, HeldTransfer, TransferRecord, is_named, upload_paths};
pub use unread::{RoomSummary, Unread};
pub use writer::Writer;

#[cfg(test)]
pub(crate) mod tests;
