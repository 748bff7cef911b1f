//! Where a room's log lies (SPEC 7): what is written in one transaction, and what is read back.
//!
//! A store has one writer: the hub has at most one [`Store::commit`] outstanding. Everything a commit writes becomes durable together
//! or not at all. Entries can be read beside it by a [`LogReader`].

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
    /// The author's name as it was then.
    pub author: String,
    /// The author's instance; 0: the server.
    pub instance: u64,
    /// Number under the instance; unique with it unless the instance is 0.
    pub number: u64,
    /// What it is.
    pub kind: EntryKind,
    /// The body.
    pub body: Vec<u8>,
}

/// One run of the server (SPEC 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermRecord {
    /// Its name.
    pub term: Term,
    /// The first seq that it could give.
    pub first_seq: u64,
}

/// One client process (SPEC 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceRecord {
    /// Random, not 0.
    pub instance: u64,
    /// Whose it is; never changes.
    pub identity: PublicIdentity,
    /// Highest number that is in the log; 0: none.
    pub highest: u64,
    /// The seq of that number; 0: none.
    pub highest_seq: u64,
    /// When a connection was last known to use it, in ms of running time ([`RoomState::ran_ms`]).
    pub seen_ran_ms: u64,
}

/// A name and who owns it (SPEC 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRecord {
    /// The form under which names are compared: the key of the record.
    pub folded: String,
    /// The form that is shown.
    pub name: String,
    /// The owner.
    pub identity: PublicIdentity,
    /// When the owner was last seen under it, in ms of running time ([`RoomState::ran_ms`]).
    pub seen_ran_ms: u64,
    /// Whether the log says that the owner is here: joined was said, left was not yet.
    pub present: bool,
}

/// Who was admitted, and under which password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who.
    pub identity: PublicIdentity,
    /// Names the way in that was valid then; changes with the password.
    pub tag: [u8; 16],
}

/// What an operator holds against an identity. There is at most one of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanction {
    /// Whom it hits.
    pub identity: PublicIdentity,
    /// What it forbids.
    pub kind: SanctionKind,
    /// The name as it was shown then.
    pub name: String,
    /// Since when, in ms since 1970.
    pub since_ms: u64,
}

/// What a [`Sanction`] forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SanctionKind {
    /// To come in.
    Ban,
    /// To post.
    Mute,
}

/// What one transaction writes.
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
    /// What is forgotten. Applied before anything is written.
    pub forgotten: Forgotten,
    /// For how long servers ran over this log, in ms. It never falls.
    pub ran_ms: Option<u64>,
}

/// What a transaction removes, because it is kept no longer (SPEC 6.5, 6.6, 7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Names, in folded form.
    pub names: Vec<String>,
    /// Instances. None of them is written, or has an entry, in the same batch.
    pub instances: Vec<u64>,
    /// Whose admission is forgotten.
    pub admissions: Vec<PublicIdentity>,
    /// Terms: the oldest.
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

/// What a store holds of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomState {
    /// All terms, oldest first.
    pub terms: Vec<TermRecord>,
    /// Smallest seq that is still kept; head + 1 if nothing is.
    pub first: u64,
    /// Largest seq; 0: none yet.
    pub head: u64,
    /// All instances, in no order.
    pub instances: Vec<InstanceRecord>,
    /// All names, in no order.
    pub names: Vec<NameRecord>,
    /// All admissions, in no order.
    pub admissions: Vec<Admission>,
    /// All sanctions, in no order.
    pub sanctions: Vec<Sanction>,
    /// For how long servers ran over this log, in ms, as of the last commit that said so. Unlike the time of day it never jumps.
    pub ran_ms: u64,
}

/// How much a store takes on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log.
    pub log_bytes: u64,
    /// Pages in the log.
    pub log_pages: u64,
    /// Of those, not in the file yet.
    pub waiting_pages: u64,
    /// How moving them ended last.
    pub checkpoint: Checkpoint,
    /// The log is too large, and a reader keeps it from beginning again.
    pub is_log_held: bool,
}

/// How moving the write-ahead log into the file ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// There was none yet.
    #[default]
    None,
    /// All of it is in the file.
    Complete,
    /// A reader kept some of it in the log.
    Partial,
    /// By an error.
    Failed,
}

/// Reads entries, also beside the writer.
pub trait LogReader {
    /// Reads the entries of `range` that exist, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    fn read(&mut self, room: &str, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>, ReadError>;
}

/// A durable log and what belongs to it.
pub trait Store: LogReader {
    /// Reads all that is held of `room`; a room that is not known is empty.
    ///
    /// # Errors
    /// [`ReadError`].
    fn load(&mut self, room: &str) -> Result<RoomState, ReadError>;

    /// Writes `batch` in one transaction and returns when it is durable.
    ///
    /// # Errors
    /// [`CommitError`]; after either, heads and numbers are to be read again with [`Store::load`].
    fn commit(&mut self, batch: &Batch) -> Result<(), CommitError>;

    /// Does a small part of what can wait. Called while there is nothing else to do, until it returns `false`: nothing is left.
    fn maintain(&mut self) -> bool {
        false
    }

    /// How much it takes on the disk; `None`: it is not on one.
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
