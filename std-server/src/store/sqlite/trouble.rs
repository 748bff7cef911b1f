//! What SQLite's errors mean for a store.

use rusqlite::ffi::{self, ErrorCode};

use crate::store::{CommitError, ReadError, Trouble};

/// An error of anything but COMMIT itself: nothing was written.
pub(super) fn failed(error: rusqlite::Error) -> CommitError {
    CommitError::Failed(trouble(&error))
}

/// An error of COMMIT: the transaction may be in the write-ahead log, whole. Only a lock is found out before that is touched.
pub(super) fn commit_error(error: rusqlite::Error) -> CommitError {
    match trouble(&error) {
        Trouble::Locked => CommitError::Failed(Trouble::Locked),
        trouble => CommitError::Uncertain(trouble),
    }
}

pub(super) fn unreadable(error: rusqlite::Error) -> ReadError {
    ReadError(trouble(&error))
}

pub(super) fn trouble(error: &rusqlite::Error) -> Trouble {
    use rusqlite::Error;
    match error {
        Error::SqliteFailure(ffi::Error { code, extended_code }, _) => match (code, *extended_code) {
            // The file beside the write-ahead log cannot grow.
            (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Trouble::DiskFull,
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed, _) => {
                Trouble::Locked
            }
            (_, ffi::SQLITE_READONLY_DBMOVED) => Trouble::Moved,
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Trouble::ReadOnly,
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Trouble::Damaged,
            (ErrorCode::ConstraintViolation, _) => Trouble::Contradiction,
            (ErrorCode::SystemIoFailure | ErrorCode::CannotOpen, code) => Trouble::Disk(code),
            (_, code) => Trouble::Other(code),
        },
        // What is there is not what was written.
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
            Trouble::Damaged
        }
        _ => Trouble::Other(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn only_an_error_of_commit_leaves_the_outcome_open() {
        let full = || error(ffi::SQLITE_FULL);
        assert_eq!(failed(full()), CommitError::Failed(Trouble::DiskFull));
        assert_eq!(commit_error(full()), CommitError::Uncertain(Trouble::DiskFull));
        let fsync = error(ffi::SQLITE_IOERR_FSYNC);
        assert_eq!(commit_error(fsync), CommitError::Uncertain(Trouble::Disk(ffi::SQLITE_IOERR_FSYNC)));
        assert_eq!(commit_error(error(ffi::SQLITE_BUSY)), CommitError::Failed(Trouble::Locked));
    }

    #[test]
    fn what_a_person_can_do_something_about_is_told_apart() {
        for (code, wanted) in [
            (ffi::SQLITE_BUSY_SNAPSHOT, Trouble::Locked),
            (ffi::SQLITE_READONLY_DIRECTORY, Trouble::ReadOnly),
            (ffi::SQLITE_READONLY_DBMOVED, Trouble::Moved),
            (ffi::SQLITE_CORRUPT_INDEX, Trouble::Damaged),
            (ffi::SQLITE_NOTADB, Trouble::Damaged),
            (ffi::SQLITE_IOERR_SHMSIZE, Trouble::DiskFull),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, Trouble::Contradiction),
            (ffi::SQLITE_NOMEM, Trouble::Other(ffi::SQLITE_NOMEM)),
        ] {
            assert_eq!(trouble(&error(code)), wanted, "{code}");
        }
    }
}
