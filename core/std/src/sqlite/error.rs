//! Errors of a database, by the action that a person can take.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use rusqlite::ffi::{self, ErrorCode};

use super::beside;

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
        "the file, or another in its directory, is not writable: make both writable for the user that this program runs as"
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
    /// The new entries contradict what is stored.
    #[error("the new entries contradict what is stored")]
    Contradiction,
    /// Any other error code of the database.
    #[error("the database reports error {0}")]
    Other(i32),
}

/// Returns the cause of an error.
#[must_use]
pub fn error_kind(error: &rusqlite::Error) -> StoreErrorKind {
    use rusqlite::Error;
    match error {
        Error::SqliteFailure(ffi::Error { code, extended_code }, _) => match (code, *extended_code) {
            // The index file of the write-ahead log cannot grow.
            (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => StoreErrorKind::DiskFull,
            (ErrorCode::OutOfMemory, _) | (_, ffi::SQLITE_IOERR_NOMEM) => StoreErrorKind::Memory,
            (_, ffi::SQLITE_IOERR_LOCK | ffi::SQLITE_IOERR_RDLOCK | ffi::SQLITE_IOERR_SHMLOCK) => {
                StoreErrorKind::NoLocks
            }
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed, _) => {
                StoreErrorKind::Locked
            }
            (_, ffi::SQLITE_READONLY_DBMOVED | ffi::SQLITE_IOERR_VNODE) => StoreErrorKind::Moved,
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => StoreErrorKind::ReadOnly,
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _)
            | (_, ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_DATA | ffi::SQLITE_IOERR_CORRUPTFS) => {
                StoreErrorKind::Damaged
            }
            (ErrorCode::ConstraintViolation, _) => StoreErrorKind::Contradiction,
            (ErrorCode::SystemIoFailure | ErrorCode::CannotOpen, code) => StoreErrorKind::Disk(code),
            (_, code) => StoreErrorKind::Other(code),
        },
        // The content is not what was written.
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
            StoreErrorKind::Damaged
        }
        _ => StoreErrorKind::Other(0),
    }
}

/// SQLite does not report why it could not open or create a file, so this opens the same files to
/// find out.
#[must_use]
pub fn ask_why(kind: StoreErrorKind, path: &Path) -> StoreErrorKind {
    match kind {
        StoreErrorKind::Disk(code) if code & 0xff == ffi::SQLITE_CANTOPEN => cause(path).unwrap_or(kind),
        kind => kind,
    }
}

/// Returns why the files of the database at `path` cannot be opened for writing.
fn cause(path: &Path) -> Option<StoreErrorKind> {
    for suffix in ["", "-wal", "-shm"] {
        match OpenOptions::new().read(true).write(true).open(beside(path, suffix)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {
                // The file must be created; try to create any file there.
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

/// As [`error_kind`], for an error of the operating system.
#[must_use]
pub fn of_io(error: &io::Error) -> StoreErrorKind {
    use io::ErrorKind;
    match error.kind() {
        _ if is_short_of_files(error) => StoreErrorKind::TooManyFiles,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreErrorKind::DiskFull,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
        ErrorKind::NotFound | ErrorKind::NotADirectory => StoreErrorKind::Moved,
        ErrorKind::OutOfMemory => StoreErrorKind::Memory,
        _ => StoreErrorKind::Disk(error.raw_os_error().unwrap_or_default()),
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

/// Returns the number of files that this process may have open, if it is known.
#[must_use]
#[cfg(unix)]
pub fn open_file_limit() -> Option<u64> {
    use nix::sys::resource::{Resource, getrlimit};
    getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft)
}

/// Returns `None`: it is not known on this system.
#[must_use]
#[cfg(not(unix))]
pub fn open_file_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn errors_that_a_person_can_fix_are_distinguished() {
        for (code, wanted) in [
            (ffi::SQLITE_BUSY_SNAPSHOT, StoreErrorKind::Locked),
            (ffi::SQLITE_READONLY_DIRECTORY, StoreErrorKind::ReadOnly),
            (ffi::SQLITE_READONLY_DBMOVED, StoreErrorKind::Moved),
            (ffi::SQLITE_CORRUPT_INDEX, StoreErrorKind::Damaged),
            (ffi::SQLITE_NOTADB, StoreErrorKind::Damaged),
            (ffi::SQLITE_IOERR_SHMSIZE, StoreErrorKind::DiskFull),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, StoreErrorKind::Contradiction),
            (ffi::SQLITE_NOMEM, StoreErrorKind::Memory),
            (ffi::SQLITE_IOERR_NOMEM, StoreErrorKind::Memory),
            (ffi::SQLITE_FULL, StoreErrorKind::DiskFull),
            (ffi::SQLITE_BUSY_RECOVERY, StoreErrorKind::Locked),
            (ffi::SQLITE_PROTOCOL, StoreErrorKind::Locked),
            (ffi::SQLITE_LOCKED_SHAREDCACHE, StoreErrorKind::Locked),
            (ffi::SQLITE_READONLY, StoreErrorKind::ReadOnly),
            (ffi::SQLITE_READONLY_CANTINIT, StoreErrorKind::ReadOnly),
            (ffi::SQLITE_PERM, StoreErrorKind::ReadOnly),
            (ffi::SQLITE_IOERR_LOCK, StoreErrorKind::NoLocks),
            (ffi::SQLITE_IOERR_VNODE, StoreErrorKind::Moved),
            (ffi::SQLITE_IOERR_SHORT_READ, StoreErrorKind::Damaged),
            (ffi::SQLITE_CORRUPT, StoreErrorKind::Damaged),
            (ffi::SQLITE_IOERR_WRITE, StoreErrorKind::Disk(ffi::SQLITE_IOERR_WRITE)),
            (ffi::SQLITE_CANTOPEN, StoreErrorKind::Disk(ffi::SQLITE_CANTOPEN)),
            (ffi::SQLITE_TOOBIG, StoreErrorKind::Other(ffi::SQLITE_TOOBIG)),
        ] {
            assert_eq!(error_kind(&error(code)), wanted, "{code}");
        }
    }
}
