//! Storage of a room's log (SPEC 7).
//!
//! A store has one writer: the hub has at most one [`Store::commit`] outstanding. A commit becomes
//! durable as a whole or not at all. A [`LogReader`] can read entries meanwhile.

#[cfg(test)]
mod conformance;
mod error;
mod invariants;
mod memory;
mod sqlite;

use core::fmt;
use core::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::chat::{EntryKind, Term};
use kabar_core::crypto::identity::PublicIdentity;

pub use error::{CommitError, ReadError, StoreErrorKind};
pub use memory::{Fault, MemoryStore};
pub use sqlite::{
    CopyError, FILE_NAME, Filter, History, OpenError, Query, Report, RestoreError, Restored, RoomReport, Selection,
    SqliteReader, SqliteStore, complete_index, copy, restore,
};

/// One entry of a room's log.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Position: 1, 2, 3, ... without gaps.
    pub seq: u64,
    /// When it was stored, in ms since 1970.
    pub time_ms: u64,
    /// The author's name at that time.
    pub author: String,
    /// The author's instance; 0: the server.
    pub instance: u64,
    /// Number under the instance; unique with it unless the instance is 0.
    pub number: u64,
    /// Its kind.
    pub kind: EntryKind,
    /// The body.
    pub body: Vec<u8>,
}

/// One run of the server (SPEC 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermRecord {
    /// Its identifier.
    pub term: Term,
    /// The first seq that this run could assign.
    pub first_seq: u64,
}

/// One client process (SPEC 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceRecord {
    /// Random, not 0.
    pub instance: u64,
    /// Its owner; never changes.
    pub identity: PublicIdentity,
    /// Highest number in the log; 0 if none.
    pub highest: u64,
    /// The seq of that number; 0 if none.
    pub highest_seq: u64,
    /// When a connection was last known to use it, in ms of running time ([`RoomState::ran_ms`]).
    pub seen_ran_ms: u64,
}

/// The ownership of a name (SPEC 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRecord {
    /// The form in which names are compared; the key of the record.
    pub folded: String,
    /// The form that is shown.
    pub name: String,
    /// The owner.
    pub identity: PublicIdentity,
    /// When the owner was last seen under it, in ms of running time ([`RoomState::ran_ms`]).
    pub seen_ran_ms: u64,
    /// Whether the log reports the owner as present: joined and not left yet.
    pub present: bool,
}

/// The admission of an identity under a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The admitted identity.
    pub identity: PublicIdentity,
    /// Identifies the password that was valid then.
    pub tag: [u8; 16],
}

/// A ban or mute of an identity; at most one of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanction {
    /// The identity it applies to.
    pub identity: PublicIdentity,
    /// Its kind.
    pub kind: SanctionKind,
    /// The displayed name at that time.
    pub name: String,
    /// When it was imposed, in ms since 1970.
    pub since_ms: u64,
}

/// The kinds of a [`Sanction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SanctionKind {
    /// Refuses to let the identity join.
    Ban,
    /// Refuses posts.
    Mute,
}

/// The content of one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The room.
    pub room: String,
    /// The term of this run: in the first batch of a run.
    pub term: Option<TermRecord>,
    /// New entries. The first has the seq after the head; the others follow without gaps.
    pub entries: Vec<LogEntry>,
    /// New and changed instances, their highest numbers included.
    pub instances: Vec<InstanceRecord>,
    /// New and changed names.
    pub names: Vec<NameRecord>,
    /// Names whose ownership ends, in folded form. Applied before `names`.
    pub released: Vec<String>,
    /// New admissions.
    pub admissions: Vec<Admission>,
    /// New and changed sanctions.
    pub sanctions: Vec<Sanction>,
    /// Sanctions that end. Applied before `sanctions`.
    pub lifted: Vec<(PublicIdentity, SanctionKind)>,
    /// The records to remove. Applied before anything is written.
    pub forgotten: Forgotten,
    /// Total running time of servers on this log, in ms. Never decreases.
    pub ran_ms: Option<u64>,
}

/// The records that a transaction removes because their retention ended (SPEC 6.5, 6.6, 7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Names, in folded form.
    pub names: Vec<String>,
    /// Instances. None of them is written, or has an entry, in the same batch.
    pub instances: Vec<u64>,
    /// Identities whose admission is forgotten.
    pub admissions: Vec<PublicIdentity>,
    /// Terms; always the oldest.
    pub terms: Vec<Term>,
}

impl Forgotten {
    /// Whether there is nothing to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.instances.is_empty() && self.admissions.is_empty() && self.terms.is_empty()
    }
}

impl Batch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.term.is_none()
            && self.entries.is_empty()
            && self.instances.is_empty()
            && self.names.is_empty()
            && self.released.is_empty()
            && self.admissions.is_empty()
            && self.sanctions.is_empty()
            && self.lifted.is_empty()
            && self.forgotten.is_empty()
            && self.ran_ms.is_none()
    }

    /// Seq of the last entry, if there is one.
    #[must_use]
    pub fn last_seq(&self) -> Option<u64> {
        self.entries.last().map(|entry| entry.seq)
    }
}

/// Everything that a store has about a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomState {
    /// All terms, oldest first.
    pub terms: Vec<TermRecord>,
    /// Smallest seq that is still stored; head + 1 if there is none.
    pub first: u64,
    /// Largest seq; 0 if there are no entries.
    pub head: u64,
    /// All instances, in no order.
    pub instances: Vec<InstanceRecord>,
    /// All names, in no order.
    pub names: Vec<NameRecord>,
    /// All admissions, in no order.
    pub admissions: Vec<Admission>,
    /// All sanctions, in no order.
    pub sanctions: Vec<Sanction>,
    /// Total running time of servers on this log in ms, as of the last commit that recorded it.
    /// Unlike the time of day it never jumps.
    pub ran_ms: u64,
}

/// Disk usage of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log.
    pub log_bytes: u64,
    /// Pages in the log.
    pub log_pages: u64,
    /// Pages of the log that are not in the file yet.
    pub waiting_pages: u64,
    /// Result of the last checkpoint.
    pub checkpoint: Checkpoint,
    /// Whether the log is too large because a reader prevents its reuse.
    pub is_log_held: bool,
}

/// Result of moving the write-ahead log into the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// There was no checkpoint yet.
    #[default]
    None,
    /// All pages are in the file.
    Complete,
    /// A reader kept some pages in the log.
    Partial,
    /// It failed.
    Failed,
}

/// Reads entries, also while the writer commits.
pub trait LogReader {
    /// Reads the entries of `range` that exist, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    fn read(&mut self, room: &str, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>, ReadError>;
}

/// A durable log and its records.
pub trait Store: LogReader {
    /// Reads everything stored about `room`; an unknown room is empty.
    ///
    /// # Errors
    /// [`ReadError`].
    fn load(&mut self, room: &str) -> Result<RoomState, ReadError>;

    /// Writes `batch` in one transaction and returns when it is durable.
    ///
    /// # Errors
    /// [`CommitError`]; heads and numbers must then be read again with [`Store::load`].
    fn commit(&mut self, batch: &Batch) -> Result<(), CommitError>;

    /// Does a small step of maintenance. Called while the store is idle, until it returns `false`:
    /// nothing is left to do.
    fn maintain(&mut self) -> bool {
        false
    }

    /// Returns the disk usage, or `None` if the store is not on a disk.
    fn figures(&self) -> Option<StoreFigures> {
        None
    }
}

/// A store whose reader is the store itself.
impl<S: LogReader> LogReader for Arc<Mutex<S>> {
    fn read(&mut self, room: &str, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>, ReadError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).read(room, range)
    }
}

impl<S: Store> Store for Arc<Mutex<S>> {
    fn load(&mut self, room: &str) -> Result<RoomState, ReadError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).load(room)
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).commit(batch)
    }

    fn maintain(&mut self) -> bool {
        self.lock().unwrap_or_else(PoisonError::into_inner).maintain()
    }

    fn figures(&self) -> Option<StoreFigures> {
        self.lock().unwrap_or_else(PoisonError::into_inner).figures()
    }
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEntry")
            .field("seq", &self.seq)
            .field("author", &self.author)
            .field("instance", &self.instance)
            .field("number", &self.number)
            .field("kind", &self.kind)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}
