//! The contents of files on the server (SPEC 6.8, 10): stored once, under their roots, and proven
//! before they are stored.

mod none;

use kabar_core::content::{GroupRange, NotProven, Root};

pub use none::NoContents;

/// Stores contents. Transfers in progress are identified by a key, which the caller chooses.
pub trait ContentStore {
    /// Begins or continues an upload. Returns the offset before which all groups are proven and
    /// stored: the length of the content, if it is complete.
    ///
    /// # Errors
    /// [`ContentError`].
    fn open_upload(&mut self, key: u64, root: Root, size: u64) -> Result<u64, ContentError>;

    /// Proves the next bytes of the encoding of the rest of the content, and stores them. Returns
    /// the offset before which all groups are proven and stored.
    ///
    /// # Errors
    /// [`ContentError`]; after [`ContentError::Full`], the same bytes are passed again.
    fn append(&mut self, key: u64, bytes: &[u8]) -> Result<u64, ContentError>;

    /// Ends an upload whose groups are all stored; returns when the content is durable.
    ///
    /// # Errors
    /// [`ContentError`].
    fn finish(&mut self, key: u64) -> Result<(), ContentError>;

    /// Begins a download of a range of groups.
    ///
    /// # Errors
    /// [`ContentError`].
    fn open_download(&mut self, key: u64, root: Root, size: u64, range: GroupRange) -> Result<(), ContentError>;

    /// Appends the next bytes of the encoding, at most `max`, to `out`. `true`: these were the last.
    ///
    /// # Errors
    /// [`ContentError`].
    fn read(&mut self, key: u64, max: usize, out: &mut Vec<u8>) -> Result<bool, ContentError>;

    /// Ends a transfer. What an upload has proven stays.
    fn close(&mut self, key: u64);

    /// Removes a content, complete or not.
    ///
    /// # Errors
    /// [`ContentError`].
    fn remove(&mut self, root: Root) -> Result<(), ContentError>;
}

/// An operation on a content failed.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// A node does not prove.
    #[error("a node at offset {} does not prove", .0.offset)]
    NotProven(NotProven),
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// There is no such content, or no such transfer.
    #[error("there is no such content")]
    Missing,
    /// The file system failed.
    #[error(transparent)]
    Other(#[from] std::io::Error),
}
