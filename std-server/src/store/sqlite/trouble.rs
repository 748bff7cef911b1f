//! What SQLite's errors mean for a store.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use rusqlite::ffi::{self, ErrorCode};

use super::inspect::beside;

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
            (ErrorCode::OutOfMemory, _) | (_, ffi::SQLITE_IOERR_NOMEM) => Trouble::Memory,
            (_, ffi::SQLITE_IOERR_LOCK | ffi::SQLITE_IOERR_RDLOCK | ffi::SQLITE_IOERR_SHMLOCK) => Trouble::NoLocks,
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed, _) => {
                Trouble::Locked
            }
            (_, ffi::SQLITE_READONLY_DBMOVED | ffi::SQLITE_IOERR_VNODE) => Trouble::Moved,
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Trouble::ReadOnly,
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _)
            | (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_DATA | ffi::SQLITE_IOERR_CORRUPTFS) => {
                Trouble::Damaged
            }
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

/// SQLite does not say why it could not open or make a file: the system says it once more for the same files.
pub(super) fn ask_why(trouble: Trouble, path: &Path) -> Trouble {
    match trouble {
        Trouble::Disk(code) if code & 0xff == ffi::SQLITE_CANTOPEN => cause(path).unwrap_or(trouble),
        trouble => trouble,
    }
}

/// Why the history at `path` and what belongs to it cannot be opened for writing.
fn cause(path: &Path) -> Option<Trouble> {
    for suffix in ["", "-wal", "-shm"] {
        match OpenOptions::new().read(true).write(true).open(beside(path, suffix)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {
                // It has to be made, which takes what any new file takes.
                let made = path.parent().map(tempfile::tempfile_in);
                if let Some(Err(error)) = made {
                    return Some(of_io(&error));
                }
            }
            Err(error) => return Some(of_io(&error)),
        }
    }
    None
}

/// As [`trouble`], of what the system says.
pub(super) fn of_io(error: &io::Error) -> Trouble {
    use io::ErrorKind;
    match error.kind() {
        _ if is_short_of_files(error) => Trouble::TooManyFiles,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::DiskFull,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Trouble::ReadOnly,
        ErrorKind::NotFound | ErrorKind::NotADirectory => Trouble::Moved,
        ErrorKind::OutOfMemory => Trouble::Memory,
        _ => Trouble::Disk(error.raw_os_error().unwrap_or_default()),
    }
}

#[cfg(unix)]
fn is_short_of_files(error: &io::Error) -> bool {
    use nix::errno::Errno;
    error.raw_os_error().is_some_and(|code| code == Errno::EMFILE as i32 || code == Errno::ENFILE as i32)
}

#[cfg(not(unix))]
fn is_short_of_files(_: &io::Error) -> bool {
    false
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
            (ffi::SQLITE_NOMEM, Trouble::Memory),
            (ffi::SQLITE_IOERR_NOMEM, Trouble::Memory),
            (ffi::SQLITE_FULL, Trouble::DiskFull),
            (ffi::SQLITE_BUSY_RECOVERY, Trouble::Locked),
            (ffi::SQLITE_PROTOCOL, Trouble::Locked),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, Trouble::Locked),
            (ffi::SQLITE_READONLY, Trouble::ReadOnly),
            (ffi::SQLITE_READONLY_CANTINIT, Trouble::ReadOnly),
            (ffi::SQLITE_PERM, Trouble::ReadOnly),
            (ffi::SQLITE_IOERR_LOCK, Trouble::NoLocks),
            (ffi::SQLITE_IOERR_VNODE, Trouble::Moved),
            (ffi::SQLITE_IOERR_SHORT_READ, Trouble::Damaged),
            (ffi::SQLITE_CORRUPT, Trouble::Damaged),
            (ffi::SQLITE_IOERR_WRITE, Trouble::Disk(ffi::SQLITE_IOERR_WRITE)),
            (ffi::SQLITE_CANTOPEN, Trouble::Disk(ffi::SQLITE_CANTOPEN)),
            (ffi::SQLITE_TOOBIG, Trouble::Other(ffi::SQLITE_TOOBIG)),
        ] {
            assert_eq!(trouble(&error(code)), wanted, "{code}");
        }
    }
}
