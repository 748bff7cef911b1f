//! Jobs: public-key work, password checks, access to the store. Worker threads run them; the
//! simulator runs them inline with the same result.

use core::fmt;
use core::marker::PhantomData;
use core::ops::RangeInclusive;
use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::session::PendingAccept;
use kabar_core::session::acceptor::Accepted;
use zeroize::Zeroizing;

use super::encoded::PageRead;
use super::room_id::RoomId;
use super::transfers::jobs::{ContentDone, ContentJob, IndexDone, IndexJob};
use crate::contents::ContentStore;
use crate::store::{Commit, CommitError, Keep, LogReader, ReadError, RoomState, ServerState, Store};

/// Work for a worker thread. Jobs of different kinds may run concurrently and in any order; those
/// of one kind in order.
#[derive(Debug)]
pub enum Job<P: Provider> {
    /// Public-key work of one handshake: about 1 ms.
    Accept(Box<AcceptJob<P>>),
    /// One password check. At most one is outstanding.
    Password(PasswordJob),
    /// Access to the store.
    Store(StoreJob),
    /// Access to contents.
    Content(ContentJob),
}

/// A finished job, for [`super::Hub::handle_done`].
#[derive(Debug)]
pub enum Done {
    /// [`Job::Accept`].
    Accept(AcceptDone),
    /// [`Job::Password`].
    Password(PasswordDone),
    /// [`Job::Store`].
    Store(StoreDone),
    /// [`Job::Content`].
    Content(ContentDone),
}

/// The kind of thread that runs a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    /// Needs the private key; any number of threads.
    Accept,
    /// Needs the password's verifier; one thread.
    Password,
    /// Needs the store; one thread, or one that writes and one that reads.
    Store,
    /// Needs the contents; one thread.
    Content,
}

/// Public-key work of one handshake.
pub struct AcceptJob<P: Provider> {
    pub(super) pending: PendingAccept,
    pub(super) connection_id: u32,
    pub(super) seed: Zeroizing<[u8; 32]>,
    pub(super) provider: PhantomData<fn() -> P>,
}

/// The result of [`AcceptJob::run`].
#[derive(Debug)]
pub struct AcceptDone {
    pub(super) connection_id: u32,
    pub(super) accepted: Option<Box<Accepted>>,
}

/// One password to check.
pub struct PasswordJob {
    pub(super) connection_id: u32,
    pub(super) password: Zeroizing<Vec<u8>>,
}

/// The result of [`PasswordJob::run`].
#[derive(Debug)]
pub struct PasswordDone {
    pub(super) connection_id: u32,
    pub(super) is_right: bool,
}

/// Access to the store.
#[derive(Clone, Debug)]
pub enum StoreJob {
    /// Commit what was collected. At most one is outstanding; the next one collects meanwhile
    /// (group commit).
    Append {
        /// The transaction.
        commit: Commit,
    },
    /// Read entries from before the tail in memory. May run concurrently with the others.
    Read(ReadJob),
    /// Find the first entry that is kept.
    Survey {
        /// The room.
        room: RoomId,
        /// The name by which the store knows it.
        name: Arc<str>,
        /// How much is kept.
        keep: Keep,
        /// Entries that are removed at most.
        count: u64,
    },
    /// Find out whether the oldest entry of a room that is not in memory is kept.
    Sweep {
        /// Its name.
        name: Arc<str>,
        /// How much is kept.
        keep: Keep,
    },
    /// Read everything of a room that is not in memory.
    Load {
        /// Its name.
        name: Arc<str>,
    },
    /// After a failed or uncertain commit: read heads and numbers again (SPEC 7).
    Reload {
        /// The names of the rooms that the transaction concerned.
        rooms: Vec<Arc<str>>,
    },
    /// Look up or change the index of contents.
    Index(IndexJob),
}

/// The content of a store, as far as a hub with one room needs it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The server's records.
    pub server: ServerState,
    /// The room.
    pub room: RoomState,
}

/// The parts of a store that a transaction concerned.
#[derive(Clone, Debug, Default)]
pub struct Reloaded {
    pub(super) server: ServerState,
    /// In the order of the request.
    pub(super) rooms: Vec<RoomState>,
}

/// Entries to read.
#[derive(Clone, Debug)]
pub struct ReadJob {
    pub(super) room: RoomId,
    /// The name by which the store knows the room.
    pub(super) name: Arc<str>,
    pub(super) range: RangeInclusive<u64>,
}

/// The result of [`StoreJob::run`].
#[derive(Debug)]
pub enum StoreDone {
    /// [`StoreJob::Append`].
    Append {
        /// Whether it is committed.
        result: Result<(), CommitError>,
    },
    /// [`StoreJob::Read`].
    Read {
        /// The room.
        room: RoomId,
        /// The seqs that were requested.
        range: RangeInclusive<u64>,
        /// The entries that exist.
        entries: Result<PageRead, ReadError>,
    },
    /// [`StoreJob::Survey`].
    Survey {
        /// The room.
        room: RoomId,
        /// The first seq that is kept, or one before it if it is too far away.
        result: Result<u64, ReadError>,
    },
    /// [`StoreJob::Sweep`].
    Sweep {
        /// The name of the room.
        name: Arc<str>,
        /// The first seq that is kept, or one before it if it is too far away.
        result: Result<u64, ReadError>,
    },
    /// [`StoreJob::Load`].
    Load {
        /// The name of the room.
        name: Arc<str>,
        /// The content of the store; that of a room that does not exist is empty.
        result: Result<Box<RoomState>, ReadError>,
    },
    /// [`StoreJob::Reload`].
    Reload {
        /// The content of the store.
        result: Result<Box<Reloaded>, ReadError>,
    },
    /// [`StoreJob::Index`].
    Index(IndexDone),
}

/// Checks the password. Deliberately slow.
pub trait PasswordVerifier {
    /// Whether `password` is the room's.
    fn verify(&self, password: &[u8]) -> bool;
}

/// The verifier of a room without a password.
#[derive(Clone, Copy, Debug)]
pub struct NoPassword;

impl PasswordVerifier for NoPassword {
    fn verify(&self, _: &[u8]) -> bool {
        false
    }
}

impl<P: Provider> Job<P> {
    /// The kind of thread that runs it.
    #[must_use]
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Accept(_) => JobKind::Accept,
            Self::Password(_) => JobKind::Password,
            Self::Store(_) => JobKind::Store,
            Self::Content(_) => JobKind::Content,
        }
    }

    /// Runs it on this thread.
    pub fn run(
        self,
        key: &impl PrivateKey,
        verifier: &impl PasswordVerifier,
        store: &mut impl Store,
        contents: &mut impl ContentStore,
    ) -> Done {
        match self {
            Self::Accept(job) => Done::Accept(job.run(key)),
            Self::Password(job) => Done::Password(job.run(verifier)),
            Self::Store(job) => Done::Store(job.run(store)),
            Self::Content(job) => Done::Content(job.run(contents)),
        }
    }
}

impl<P: Provider> AcceptJob<P> {
    /// Runs it. The same job always gives the same result.
    #[must_use]
    pub fn run(self, key: &impl PrivateKey) -> AcceptDone {
        let accepted = self.pending.run::<P>(key, self.connection_id, *self.seed).map(Box::new);
        AcceptDone { connection_id: self.connection_id, accepted }
    }
}

impl PasswordJob {
    /// Runs it.
    #[must_use]
    pub fn run(self, verifier: &impl PasswordVerifier) -> PasswordDone {
        let Self { connection_id, password } = self;
        PasswordDone { connection_id, is_right: verifier.verify(&password) }
    }
}

impl StoreJob {
    /// Runs it.
    pub fn run(self, store: &mut impl Store) -> StoreDone {
        match self {
            Self::Append { commit } => StoreDone::Append { result: store.commit(&commit) },
            Self::Read(job) => job.run(store),
            Self::Survey { room, name, keep, count } => {
                StoreDone::Survey { room, result: store.surplus(&name, &keep, count) }
            }
            Self::Sweep { name, keep } => {
                let result = store.surplus(&name, &keep, 1);
                StoreDone::Sweep { name, result }
            }
            Self::Load { name } => {
                let result = store.load_room(&name).map(Box::new);
                StoreDone::Load { name, result }
            }
            Self::Reload { rooms } => StoreDone::Reload { result: Reloaded::read(store, &rooms).map(Box::new) },
            Self::Index(job) => StoreDone::Index(job.run(store)),
        }
    }
}

impl Loaded {
    /// Reads the server's records and those of `room`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(store: &mut impl Store, room: &str) -> Result<Self, ReadError> {
        Ok(Self { server: store.load_server()?, room: store.load_room(room)? })
    }
}

impl Reloaded {
    fn read(store: &mut impl Store, rooms: &[Arc<str>]) -> Result<Self, ReadError> {
        let server = store.load_server()?;
        let rooms = rooms.iter().map(|room| store.load_room(room)).collect::<Result<_, _>>()?;
        Ok(Self { server, rooms })
    }
}

impl ReadJob {
    /// Runs it.
    pub fn run(self, log: &mut impl LogReader) -> StoreDone {
        let Self { room, name, range } = self;
        let entries = log.read(&name, range.clone()).map(|entries| PageRead::new(&entries));
        StoreDone::Read { room, range, entries }
    }
}

impl<P: Provider> fmt::Debug for AcceptJob<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptJob").field("connection_id", &self.connection_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for PasswordJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordJob").field("connection_id", &self.connection_id).finish_non_exhaustive()
    }
}
