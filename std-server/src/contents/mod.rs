//! Storage of the contents that members send (SPEC 10): whole ones, and proven parts of others.
//!
//! * [`ContentStore`]: uploads and downloads under keys that the caller chooses.
//! * [`FileContents`]: files in the data directory, as [`ContentDir`] names them.
//!   [`MemoryContents`]: for simulation and tests. [`NoContents`]: for servers that take no files.
//!
//! A store never has an unproven byte. Which members may send or read a content, and when it goes,
//! is the concern of the hub and of the [index](crate::store::ContentIndex).

#[cfg(test)]
mod conformance;
mod dir;
mod error;
mod files;
mod memory;
mod none;
mod upload;

use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::content::{GroupRange, Root};

pub use dir::{ContentDir, DIR_NAME, Stored, root_of};
pub use error::ContentError;
pub use files::FileContents;
pub use memory::MemoryContents;
pub use none::NoContents;

/// Contents by root, and the transfers that are under way. A key is of one upload or download, from
/// `open_*` until [`close`](Self::close), or until [`finish`](Self::finish) has returned.
///
/// Calls block as long as the disk takes: run them on a thread for it.
pub trait ContentStore {
    /// Starts an upload, or continues one: returns the offset before which everything is proven and
    /// stored. The encoding to [`append`](Self::append) is that of the groups from there to the
    /// end.
    ///
    /// Continuing reads and proves what is there. Several uploads of one content may run at once;
    /// the first that is finished makes it whole.
    ///
    /// # Errors
    /// [`ContentError::Full`], [`ContentError::Other`]; the key stays free.
    fn open_upload(&mut self, key: u64, root: Root, size: u64) -> Result<u64, ContentError>;

    /// Proves the next bytes of the encoding and stores each group that is complete. Returns the
    /// offset before which everything is proven and stored. It is not durable yet.
    ///
    /// # Errors
    /// * [`ContentError::Full`], [`ContentError::Other`]: nothing is lost. Call it again later with
    ///   the same bytes, or close the upload.
    /// * [`ContentError::NotProven`]: the bytes are not of this content, or follow its end.
    ///   Everything before the offset is stored. Only `close` is useful after it.
    /// * [`ContentError::Missing`]: the key is of no upload.
    fn append(&mut self, key: u64, bytes: &[u8]) -> Result<u64, ContentError>;

    /// Makes the content durable, then whole: from now on downloads find it. Frees the key in every
    /// case except [`ContentError::NotProven`].
    ///
    /// # Errors
    /// * [`ContentError::NotProven`]: not all groups arrived yet; the offset is the next.
    /// * [`ContentError::Full`], [`ContentError::Other`]: the disk did not keep what was written.
    ///   The part is removed, since nobody knows what is left of it; an upload begins again at 0.
    /// * [`ContentError::Missing`]: the key is of no upload, or the content was removed meanwhile.
    fn finish(&mut self, key: u64) -> Result<(), ContentError>;

    /// Starts to read the encoding of `range` of a whole content of `size` bytes.
    ///
    /// # Errors
    /// [`ContentError::Missing`] if there is no such content, or it has another length;
    /// [`ContentError::Other`]. The key stays free.
    fn open_download(&mut self, key: u64, root: Root, size: u64, range: GroupRange) -> Result<(), ContentError>;

    /// Appends at most `max` further bytes of the encoding to `out`; returns whether they were the
    /// last. A content that is removed meanwhile can still be read.
    ///
    /// # Errors
    /// [`ContentError::Missing`] if the key is of no download; [`ContentError::Other`], and nothing
    /// is lost.
    fn read(&mut self, key: u64, max: usize, out: &mut Vec<u8>) -> Result<bool, ContentError>;

    /// Ends an upload or a download, if there is one. The proven part of an upload stays.
    fn close(&mut self, key: u64);

    /// Removes a content: the whole one, and parts of it. Succeeds if there is none.
    ///
    /// # Errors
    /// [`ContentError::Other`].
    fn remove(&mut self, root: Root) -> Result<(), ContentError>;
}

/// A store that several own: the simulator keeps it while its server is killed.
impl<C: ContentStore> ContentStore for Arc<Mutex<C>> {
    fn open_upload(&mut self, key: u64, root: Root, size: u64) -> Result<u64, ContentError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).open_upload(key, root, size)
    }

    fn append(&mut self, key: u64, bytes: &[u8]) -> Result<u64, ContentError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).append(key, bytes)
    }

    fn finish(&mut self, key: u64) -> Result<(), ContentError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).finish(key)
    }

    fn open_download(&mut self, key: u64, root: Root, size: u64, range: GroupRange) -> Result<(), ContentError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).open_download(key, root, size, range)
    }

    fn read(&mut self, key: u64, max: usize, out: &mut Vec<u8>) -> Result<bool, ContentError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).read(key, max, out)
    }

    fn close(&mut self, key: u64) {
        self.lock().unwrap_or_else(PoisonError::into_inner).close(key);
    }

    fn remove(&mut self, root: Root) -> Result<(), ContentError> {
        self.lock().unwrap_or_else(PoisonError::into_inner).remove(root)
    }
}
