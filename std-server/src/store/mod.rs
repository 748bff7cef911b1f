//! Storage of a server's records and of its rooms with their logs (SPEC 7).
//!
//! A store has one writer: the hub has at most one [`Store::commit`] outstanding. A commit covers
//! any number of rooms and becomes durable as a whole or not at all. A [`LogReader`] can read
//! entries meanwhile.

#[cfg(test)]
mod conformance;
mod contents;
mod error;
mod invariants;
mod invites;
mod memory;
mod rooms;
mod sqlite;

use core::fmt;
use core::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::chat::{ENTRY_OVERHEAD, EntryKind, Term};
use kabar_core::crypto::identity::PublicIdentity;

pub use contents::{
    ContentIndex, ContentRecord, FileQuota, KEEP_UNFINISHED_MS, KEEP_UNNAMED_MS, MAX_COLLECTED, Naming, Offer,
    Reservation,
};
pub use error::{CommitError, ReadError};
pub use invites::{InviteRecord, InviteState, InviteUse, KEPT_USES};
pub use kabar_std::sqlite::StoreErrorKind;
pub use memory::{Fault, MemoryStore};
pub use rooms::{Retention, RoomRecord, RoomSummary, Visibility};
pub use sqlite::{
    CopyError, FILE_NAME, Filter, History, OpenError, Query, Report, RestoreError, Restored, RoomReport, Selection,
    SqliteReader, SqliteStore, complete_index, contents_of_backup, copy, forget_contents, forget_contents_of_backup,
    list_contents, namings, restore,
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
    /// When a connection was last known to use it, in ms of running time ([`ServerState::ran_ms`]).
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
    /// When the owner was last seen under it, in ms of running time ([`ServerState::ran_ms`]).
    pub seen_ran_ms: u64,
}

/// The presence of an identity in a room: the log reports it as joined, and not as left yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The identity.
    pub identity: PublicIdentity,
    /// The displayed name that the log reports.
    pub name: String,
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
    /// The reason, if one was stated.
    pub reason: Option<String>,
    /// The operator who imposed it; `None`: at the console.
    pub by: Option<PublicIdentity>,
}

/// The kinds of a [`Sanction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SanctionKind {
    /// Refuses to let the identity join.
    Ban,
    /// Refuses posts.
    Mute,
}

/// What an identity may do on the whole server; at most one of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    /// The identity that has it.
    pub identity: PublicIdentity,
    /// Its kind.
    pub kind: PrivilegeKind,
    /// The displayed name at that time.
    pub name: String,
    /// When it was granted, in ms since 1970.
    pub since_ms: u64,
    /// The operator who granted it; `None`: at the console.
    pub by: Option<PublicIdentity>,
}

/// The kinds of a [`Privilege`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrivilegeKind {
    /// Operates the server from a client.
    Operator,
    /// Posts at any rate.
    Trusted,
}

/// The content of one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Changes of the server's records.
    pub server: Arc<ServerBatch>,
    /// Changes of rooms; each room at most once. A room that does not exist is created.
    pub rooms: Vec<Arc<RoomBatch>>,
}

/// The server's part of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerBatch {
    /// New and changed names.
    pub names: Vec<NameRecord>,
    /// Names whose ownership is ended, in folded form. Applied before `names`.
    pub released: Vec<String>,
    /// Names whose retention ended (SPEC 6.6), in folded form. Applied before `names`.
    pub forgotten: Vec<String>,
    /// New and changed privileges.
    pub granted: Vec<Privilege>,
    /// Privileges that end. Applied before `granted`.
    pub revoked: Vec<(PublicIdentity, PrivilegeKind)>,
    /// Total running time of servers on this store, in ms. Never decreases.
    pub ran_ms: Option<u64>,
    /// New and changed invites.
    pub invites: Vec<InviteRecord>,
    /// New uses of invites.
    pub invite_uses: Vec<InviteUse>,
    /// Invites to remove, with their uses. Applied before `invites`.
    pub forgotten_invites: Vec<u32>,
    /// New and changed records of rooms. Applied before anything that names a room.
    pub rooms: Vec<RoomRecord>,
}

/// A room's part of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomBatch {
    /// The room.
    pub room: String,
    /// The term of this run: in the first batch of a run.
    pub term: Option<TermRecord>,
    /// Entries whose bodies are removed for good (SPEC 6.4): their kind becomes
    /// [`EntryKind::REMOVED`]. They are stored already, and not below `first`.
    pub removed: Vec<u64>,
    /// The smallest seq that stays stored: all entries below it go.
    pub first: Option<u64>,
    /// New entries. The first has the seq after the head; the others follow without gaps.
    pub entries: Vec<LogEntry>,
    /// New and changed instances, their highest numbers included.
    pub instances: Vec<InstanceRecord>,
    /// Identities that are present now, or present under another name.
    pub present: Vec<Presence>,
    /// Identities that are no longer present. Applied before `present`.
    pub absent: Vec<PublicIdentity>,
    /// New admissions.
    pub admissions: Vec<Admission>,
    /// New and changed sanctions.
    pub sanctions: Vec<Sanction>,
    /// Sanctions that end. Applied before `sanctions`.
    pub lifted: Vec<(PublicIdentity, SanctionKind)>,
    /// The records to remove. Applied before anything is written.
    pub forgotten: Forgotten,
}

/// The records of a room that a transaction removes because their retention ended (SPEC 6.5, 6.6,
/// 7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Instances. None of them is written, or has an entry, in the same batch.
    pub instances: Vec<u64>,
    /// Identities whose admission is forgotten.
    pub admissions: Vec<PublicIdentity>,
    /// Terms; always the oldest.
    pub terms: Vec<Term>,
}

impl Keep {
    /// The seq at which a log with `total` bytes that ends at `head` begins if it is within these
    /// bounds. `oldest` are its oldest entries: seq, time and length of the body.
    fn first<E>(
        &self,
        head: u64,
        mut total: u64,
        first: u64,
        oldest: impl Iterator<Item = Result<(u64, u64, u64), E>>,
    ) -> Result<u64, E> {
        let mut kept = first;
        for entry in oldest {
            let (seq, time_ms, body_len) = entry?;
            let is_surplus = self.entries.is_some_and(|entries| head + 1 - seq > entries)
                || self.since_ms.is_some_and(|since| time_ms < since)
                || self.bytes.is_some_and(|bytes| total > bytes);
            if !is_surplus {
                break;
            }
            total = total.saturating_sub(body_len + ENTRY_OVERHEAD as u64);
            kept = seq + 1;
        }
        Ok(kept)
    }
}

impl Forgotten {
    /// Whether there is nothing to remove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.admissions.is_empty() && self.terms.is_empty()
    }
}

impl ServerBatch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            names,
            released,
            forgotten,
            granted,
            revoked,
            ran_ms,
            invites,
            invite_uses,
            forgotten_invites,
            rooms,
        } = self;
        let has_names = !names.is_empty() || !released.is_empty() || !forgotten.is_empty();
        let has_privileges = !granted.is_empty() || !revoked.is_empty();
        let has_invites = !invites.is_empty() || !invite_uses.is_empty() || !forgotten_invites.is_empty();
        !has_names && !has_privileges && !has_invites && rooms.is_empty() && ran_ms.is_none()
    }
}

impl RoomBatch {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.term.is_none()
            && self.entries.is_empty()
            && self.removed.is_empty()
            && self.first.is_none()
            && self.instances.is_empty()
            && self.present.is_empty()
            && self.absent.is_empty()
            && self.admissions.is_empty()
            && self.sanctions.is_empty()
            && self.lifted.is_empty()
            && self.forgotten.is_empty()
    }

    /// Seq of the last entry, if there is one.
    #[must_use]
    pub fn last_seq(&self) -> Option<u64> {
        self.entries.last().map(|entry| entry.seq)
    }
}

/// A transaction that changes one room and nothing else.
impl From<RoomBatch> for Commit {
    fn from(batch: RoomBatch) -> Self {
        Self { server: Arc::default(), rooms: vec![Arc::new(batch)] }
    }
}

/// A transaction that changes no room.
impl From<ServerBatch> for Commit {
    fn from(batch: ServerBatch) -> Self {
        Self { server: Arc::new(batch), rooms: Vec::new() }
    }
}

/// Everything that a store has about no single room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerState {
    /// All names, in no order.
    pub names: Vec<NameRecord>,
    /// All privileges, in no order.
    pub privileges: Vec<Privilege>,
    /// Total running time of servers on this store in ms, as of the last commit that recorded it.
    /// Unlike the time of day it never jumps.
    pub ran_ms: u64,
    /// All invites, by id.
    pub invites: Vec<InviteRecord>,
    /// The last uses of each invite, by invite and number.
    pub invite_uses: Vec<InviteUse>,
    /// The admissions to private rooms, each with the name of the room, in no order.
    pub private_admissions: Vec<(String, Admission)>,
    /// All rooms, by name.
    pub rooms: Vec<RoomSummary>,
    /// The admissions to all rooms, in no order.
    pub admitted: Vec<AdmittedIdentity>,
}

/// The admissions of an identity under one password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmittedIdentity {
    /// The identity.
    pub identity: PublicIdentity,
    /// As [`Admission::tag`].
    pub tag: [u8; 16],
    /// The number of rooms to which it was admitted under this tag.
    pub rooms: u64,
}

/// Everything that a store has about a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomState {
    /// All terms, oldest first.
    pub terms: Vec<TermRecord>,
    /// Smallest seq that is still stored; head + 1 if there is none.
    pub first: u64,
    /// Largest seq; 0 if there were no entries yet.
    pub head: u64,
    /// All instances, in no order.
    pub instances: Vec<InstanceRecord>,
    /// All admissions, in no order.
    pub admissions: Vec<Admission>,
    /// The identities that are present, in no order.
    pub present: Vec<Presence>,
    /// All sanctions, in no order.
    pub sanctions: Vec<Sanction>,
}

/// A room without any entry or record.
impl Default for RoomState {
    fn default() -> Self {
        Self {
            terms: Vec::new(),
            first: 1,
            head: 0,
            instances: Vec::new(),
            admissions: Vec::new(),
            present: Vec::new(),
            sanctions: Vec::new(),
        }
    }
}

/// How much of a log is kept; `None`: all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Entries since this time, in ms since 1970.
    pub since_ms: Option<u64>,
    /// This number of entries.
    pub entries: Option<u64>,
    /// This number of bytes, with [`ENTRY_OVERHEAD`] for each entry besides its body.
    pub bytes: Option<u64>,
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

/// Durable logs and their records.
pub trait Store: LogReader + ContentIndex {
    /// Reads everything that is stored about no single room, and the list of rooms.
    ///
    /// # Errors
    /// [`ReadError`].
    fn load_server(&mut self) -> Result<ServerState, ReadError>;

    /// Reads everything stored about `room`; an unknown room is empty.
    ///
    /// # Errors
    /// [`ReadError`].
    fn load_room(&mut self, room: &str) -> Result<RoomState, ReadError>;

    /// Writes `commit` in one transaction, all of it or nothing, and returns when it is durable.
    ///
    /// # Errors
    /// [`CommitError`]; heads and numbers must then be read again with [`Store::load_server`] and
    /// [`Store::load_room`].
    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError>;

    /// Returns the seq at which the log of `room` has to begin so that it is within `keep`, but at
    /// most `count` entries after its present first one.
    ///
    /// # Errors
    /// [`ReadError`].
    fn surplus(&mut self, room: &str, keep: &Keep, count: u64) -> Result<u64, ReadError>;

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
    fn load_server(&mut self) -> Result<ServerState, ReadError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).load_server()
    }

    fn load_room(&mut self, room: &str) -> Result<RoomState, ReadError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).load_room(room)
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).commit(commit)
    }

    fn surplus(&mut self, room: &str, keep: &Keep, count: u64) -> Result<u64, ReadError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).surplus(room, keep, count)
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
