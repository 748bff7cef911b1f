//! Maps SQLite's errors to those of stores.

use kabar_std::sqlite::error_kind;

use crate::store::{CommitError, ReadError, StoreErrorKind};

/// Converts an error of anything but COMMIT: nothing was written.
pub(super) fn failed(error: rusqlite::Error) -> CommitError {
    CommitError::Failed(error_kind(&error))
}

/// Converts an error of COMMIT: the whole transaction may be in the write-ahead log, unless a lock
/// stopped it.
pub(super) fn commit_error(error: rusqlite::Error) -> CommitError {
    match error_kind(&error) {
        StoreErrorKind::Locked => CommitError::Failed(StoreErrorKind::Locked),
        kind => CommitError::Uncertain(kind),
    }
}

pub(super) fn unreadable(error: rusqlite::Error) -> ReadError {
    ReadError(error_kind(&error))
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn error(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn only_an_error_of_commit_leaves_the_outcome_open() {
        let full = || error(ffi::SQLITE_FULL);
        assert_eq!(failed(full()), CommitError::Failed(StoreErrorKind::DiskFull));
        assert_eq!(commit_error(full()), CommitError::Uncertain(StoreErrorKind::DiskFull));
        let fsync = error(ffi::SQLITE_IOERR_FSYNC);
        assert_eq!(commit_error(fsync), CommitError::Uncertain(StoreErrorKind::Disk(ffi::SQLITE_IOERR_FSYNC)));
        assert_eq!(commit_error(error(ffi::SQLITE_BUSY)), CommitError::Failed(StoreErrorKind::Locked));
    }
}
