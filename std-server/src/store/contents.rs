//! The index of contents (SPEC 6.8): which there are, whose quota they count against, and which
//! entries name them. The contents themselves are files (see `contents`).

use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::content::{GROUP_LEN, Root};
use kabar_core::crypto::identity::PublicIdentity;

use super::{CommitError, ReadError};

/// Time in ms for which a content is kept that no entry names: as long as its author may take to
/// post the entry.
pub const KEEP_UNNAMED_MS: u64 = 3_600_000;
/// Time in ms for which an upload is kept that has ended early.
pub const KEEP_UNFINISHED_MS: u64 = 24 * 3_600_000;

/// Largest sum of contents; a database has signed numbers.
const MAX_SUM: u64 = 1 << 62;
/// Maximum number of contents that are collected at once.
pub const MAX_COLLECTED: usize = 1000;

/// Bounds of contents, in bytes. A content counts as at least one group against `member` and `all`:
/// tiny ones use files and rows, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileQuota {
    /// The longest content.
    pub file: u64,
    /// All contents that count against one member.
    pub member: u64,
    /// All contents.
    pub all: u64,
}

/// An upload that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The content.
    pub root: Root,
    /// Its length in bytes.
    pub size: u64,
    /// Who offers it.
    pub owner: PublicIdentity,
    /// The time of day in ms since 1970.
    pub now_ms: u64,
}

/// The decision about an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// The content is complete already.
    Complete,
    /// Its length is reserved, now or earlier.
    Reserved,
    /// It is longer than any content may be.
    TooLarge,
    /// It exceeds what is left to the member.
    MemberQuota,
    /// It exceeds what is left on the server.
    ServerQuota,
}

/// A content in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRecord {
    /// Its root.
    pub root: Root,
    /// Its length in bytes.
    pub size: u64,
    /// Whose quota it counts against.
    pub owner: PublicIdentity,
    /// Whether it is complete; otherwise it is being uploaded.
    pub is_complete: bool,
}

/// An entry that names a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The room.
    pub room: String,
    /// The entry.
    pub seq: u64,
    /// The content.
    pub root: Root,
    /// Its length in bytes, as the entry states it.
    pub size: u64,
    /// The name of the file.
    pub name: String,
}

/// The bytes that a content counts as.
pub(super) fn charge(size: u64) -> u64 {
    size.max(GROUP_LEN as u64)
}

/// The decision about a content that is not known yet. `of_owner` and `of_all` are the sums of the
/// contents that are.
pub(super) fn decide(size: u64, of_owner: u64, of_all: u64, quota: &FileQuota) -> Reservation {
    let exceeds = |sum: u64, bound: u64| sum.saturating_add(charge(size)) > bound.min(MAX_SUM);
    if size > quota.file {
        Reservation::TooLarge
    } else if exceeds(of_owner, quota.member) {
        Reservation::MemberQuota
    } else if exceeds(of_all, quota.all) {
        Reservation::ServerQuota
    } else {
        Reservation::Reserved
    }
}

/// The index of contents. Each operation is one small transaction, or a read.
///
/// A content belongs to the member who offered it first, and counts against the quota of that
/// member, even if entries of others name it too.
pub trait ContentIndex {
    /// Reserves space for an upload that begins or goes on. An upload of the same root with another
    /// size is another one.
    ///
    /// # Errors
    /// [`CommitError`].
    fn reserve(&mut self, offer: &Offer, quota: &FileQuota) -> Result<Reservation, CommitError>;

    /// Records that an upload is complete and durable. Reservations of the same root with other
    /// sizes end: only one size proves. Returns whether its own is still there: the operator may
    /// have removed the content.
    ///
    /// # Errors
    /// [`CommitError`].
    fn complete(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError>;

    /// Records that a complete content is not there, although it should be: it can be uploaded
    /// again, and is found again then.
    ///
    /// # Errors
    /// [`CommitError`].
    fn lost(&mut self, root: Root, now_ms: u64) -> Result<(), CommitError>;

    /// Whether a content of this size is complete. It is not collected for [`KEEP_UNNAMED_MS`]
    /// then.
    ///
    /// # Errors
    /// [`CommitError`].
    fn touch(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError>;

    /// The size of a complete content that an entry of the room names.
    ///
    /// # Errors
    /// [`ReadError`].
    fn find(&mut self, room: &str, root: Root) -> Result<Option<u64>, ReadError>;

    /// Removes contents from the index: complete ones that no entry names and that were not touched
    /// for [`KEEP_UNNAMED_MS`], unfinished ones that were not touched for [`KEEP_UNFINISHED_MS`].
    /// Those `in_use` count as touched. Returns the roots of which nothing is left in the index; at
    /// most 1000 at once.
    ///
    /// # Errors
    /// [`CommitError`].
    fn collect(&mut self, now_ms: u64, in_use: &[Root]) -> Result<Vec<Root>, CommitError>;
}

impl<S: ContentIndex> ContentIndex for Arc<Mutex<S>> {
    fn reserve(&mut self, offer: &Offer, quota: &FileQuota) -> Result<Reservation, CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).reserve(offer, quota)
    }

    fn complete(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).complete(root, size, now_ms)
    }

    fn lost(&mut self, root: Root, now_ms: u64) -> Result<(), CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).lost(root, now_ms)
    }

    fn touch(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).touch(root, size, now_ms)
    }

    fn find(&mut self, room: &str, root: Root) -> Result<Option<u64>, ReadError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).find(room, root)
    }

    fn collect(&mut self, now_ms: u64, in_use: &[Root]) -> Result<Vec<Root>, CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).collect(now_ms, in_use)
    }
}
