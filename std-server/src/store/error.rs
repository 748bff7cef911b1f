//! Errors of stores, by the action that a person can take.

/// A commit failed, or its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Nothing was written.
    #[error("{0}")]
    Failed(StoreErrorKind),
    /// The batch may or may not have been written.
    #[error("{0}; the last lines may or may not be written")]
    Uncertain(StoreErrorKind),
}

/// Nothing could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub StoreErrorKind);

/// The cause of a store's error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No space is left.
    #[error("the disk is full (or has no room for one more file): free some of it")]
    DiskFull,
    /// Another program holds a lock.
    #[error("another program has locked the file")]
    Locked,
    /// The file or its directory is not writable.
    #[error(
        "the file, or another in its directory, is not writable: make both writable for the user that the server runs as"
    )]
    ReadOnly,
    /// The file is no longer at the path it was opened at.
    #[error("the file was moved or deleted")]
    Moved,
    /// The content is not what was written.
    #[error("the file is damaged")]
    Damaged,
    /// This process, or the system, has too many open files.
    #[error(
        "too many open files{}: raise the limit with `ulimit -n`, or LimitNOFILE= in a systemd unit",
        open_file_limit().map_or_else(String::new, |limit| format!(" (this process may have {limit})"))
    )]
    TooManyFiles,
    /// The system is out of memory.
    #[error("the system has no memory left")]
    Memory,
    /// The file system does not support locks.
    #[error("files cannot be locked there: choose a directory on a local disk")]
    NoLocks,
    /// The disk failed; the error code of the database.
    #[error("the disk reports an error ({0})")]
    Disk(i32),
    /// The batch contradicts what is stored.
    #[error("the new entries contradict what is stored")]
    Contradiction,
    /// Any other error code of the database.
    #[error("the database reports error {0}")]
    Other(i32),
}

/// Returns the number of files that this process may have open.
#[cfg(unix)]
fn open_file_limit() -> Option<u64> {
    use nix::sys::resource::{Resource, getrlimit};
    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft)
}

#[cfg(not(unix))]
fn open_file_limit() -> Option<u64> {
    None
}
