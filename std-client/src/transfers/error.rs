//! Why a file is not sent or received.

use std::io;
use std::path::Path;
use std::sync::Arc;

use kabar_std::data_dir::FileError;

/// Why a file is not sent or received.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FileFailure {
    /// A directory cannot be sent.
    #[error("it is a directory")]
    Directory,
    /// A pipe or a device has no length.
    #[error("it is not a regular file")]
    NotAFile,
    /// It is longer than [`MAX_FILE_LEN`](super::MAX_FILE_LEN).
    #[error("it is too long")]
    TooLong,
    /// The file is not the one that was hashed.
    #[error("it was changed while it was being sent")]
    Changed,
    /// What was received does not belong to the content.
    #[error("the content does not prove at offset {offset}")]
    NotProven {
        /// Where the part of the content begins that does not prove.
        offset: u64,
    },
    /// What was stored by an earlier process is not the beginning of the content. It is removed.
    #[error("the partial file was damaged")]
    Damaged,
    /// There is a file with this path.
    #[error("the file exists")]
    Exists,
    /// Another process receives the same file.
    #[error("another process receives it")]
    Busy,
    /// The disk is full. A later attempt may succeed.
    #[error("the disk is full")]
    Full,
    /// The operating system's error.
    #[error(transparent)]
    File(Arc<FileError>),
}

impl FileFailure {
    /// Returns a function that adds `action` and `path` to an I/O error.
    pub(super) fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let failed = FileError::new(action, path);
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::File(Arc::new(failed(error))),
        }
    }
}
