//! The index of contents (SPEC 6.8): which there are, whose quota they count against, and which
//! entries name them. The contents themselves are files (see `contents`).

use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::content::Root;
use kabar_core::crypto::identity::PublicIdentity;

use super::{CommitError, ReadError};

/// Time in ms for which a content is kept that no entry names: as long as its author may take to
/// post the entry.
pub const KEEP_UNNAMED_MS: u64 = 3_600_000;
/// Time in ms for which an upload is kept that has ended early.
pub const KEEP_UNFINISHED_MS: u64 = 24 * 3_600_000;

/// Bounds of contents, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileQuota {
    /// The longest content.
    pub file: u64,
    /// All contents that count against one member.
    pub member: u64,
    /// All contents.
    pub all: u64,
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
    fn reserve(
        &mut self,
        root: Root,
        size: u64,
        owner: PublicIdentity,
        quota: &FileQuota,
        now_ms: u64,
    ) -> Result<Reservation, CommitError>;

    /// Records that an upload is complete and durable. Reservations of the same root with other
    /// sizes end: only one size proves.
    ///
    /// # Errors
    /// [`CommitError`].
    fn complete(&mut self, root: Root, size: u64, now_ms: u64) -> Result<(), CommitError>;

    /// Whether a content of this size is complete. It is not collected for [`KEEP_UNNAMED_MS`] then.
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
    /// Returns the roots of which nothing is left in the index; at most 1000 at once.
    ///
    /// # Errors
    /// [`CommitError`].
    fn collect(&mut self, now_ms: u64) -> Result<Vec<Root>, CommitError>;
}

impl<S: ContentIndex> ContentIndex for Arc<Mutex<S>> {
    fn reserve(
        &mut self,
        root: Root,
        size: u64,
        owner: PublicIdentity,
        quota: &FileQuota,
        now_ms: u64,
    ) -> Result<Reservation, CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).reserve(root, size, owner, quota, now_ms)
    }

    fn complete(&mut self, root: Root, size: u64, now_ms: u64) -> Result<(), CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).complete(root, size, now_ms)
    }

    fn touch(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).touch(root, size, now_ms)
    }

    fn find(&mut self, room: &str, root: Root) -> Result<Option<u64>, ReadError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).find(room, root)
    }

    fn collect(&mut self, now_ms: u64) -> Result<Vec<Root>, CommitError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).collect(now_ms)
    }
}
