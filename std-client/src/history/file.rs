//! The file of a history: opens it, and sets one aside that cannot be used.
//!
//! Connections never delete SQLite's files when they are closed: SQLite deletes them by name, and
//! after a file was set aside that name belongs to another one. The writer empties the write-ahead
//! log instead.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kabar_std::data_dir::{DataDir, FileError, sync_dir};
use kabar_std::sqlite::{OpenedFile, StoreErrorKind, add_fold, ask_why, beside, error_kind, migrate, version};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::{StorageError, TooManyAside};
use super::schema::{APPLICATION_ID, STEPS};

/// How long an operation waits for another process of the same person.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Size in bytes to which a larger write-ahead log is truncated.
const LOG_BYTES: u32 = 4 << 20;
/// Files that were set aside; more are an error.
const MAX_ASIDE: u32 = 999;

/// The history cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory or the file cannot be created, made private or renamed.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is none: nothing was received yet.
    #[error("there is no history: {} does not exist", .0.display())]
    Missing(PathBuf),
    /// An earlier version wrote it; a [`Writer`](super::Writer) upgrades it.
    #[error("the history {} was written by an earlier version: join a room to upgrade it", .0.display())]
    Older(PathBuf),
    /// It cannot be used; a [`Writer`](super::Writer) would set it aside.
    #[error("the history {} {}", .0.display(), .1)]
    Unusable(PathBuf, SetAsideReason),
    /// SQLite cannot use the file now.
    #[error("the history {} cannot be used: {}", .0.display(), .1)]
    Storage(PathBuf, StoreErrorKind),
}

/// A file that could not be used. It was renamed, and a new one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its path now.
    pub path: PathBuf,
    /// Why.
    pub reason: SetAsideReason,
}

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetAsideReason {
    /// Its content is not what was written.
    #[error("is damaged")]
    Damaged,
    /// A later version of this program wrote it.
    #[error("was written by a later version")]
    Newer,
    /// It is the database of another program.
    #[error("is a database of another program")]
    Foreign,
}

/// Where the history is.
#[derive(Clone, Debug)]
pub(super) struct HistoryFile {
    pub(super) dir: DataDir,
    /// Its name in the directory, without extension.
    pub(super) base: String,
    pub(super) opened: OpenedFile,
}

impl HistoryFile {
    /// In a copy of the file, on another computer or from a backup, lines continue no instance:
    /// the original does, and two clients with one instance would take each other's place (SPEC
    /// 6.5). The number of the file tells the two apart.
    pub(super) fn claim(&self, connection: &Connection) -> Result<(), OpenError> {
        let (name, number) = (format!("{}.file", self.base), format!("{}\n", self.opened.number()));
        if self.dir.read(&name)?.is_some_and(|known| *known == number) {
            return Ok(());
        }
        let forget = connection.execute_batch("UPDATE outbox_rooms SET instance = 0, settled = 0");
        forget.map_err(|error| unusable(self.opened.path(), &error))?;
        Ok(self.dir.replace(&name, number.as_bytes())?)
    }

    /// Adds the cause that the operating system knows. A damaged file is to be examined when it is
    /// opened the next time.
    pub(super) fn explain(&self, error: StorageError) -> StorageError {
        if error.0 == StoreErrorKind::Damaged {
            let _ = fs::write(self.dir.join(&format!("{}.check", self.base)), "");
        }
        StorageError(ask_why(error.0, self.opened.path()))
    }
}

/// Takes SQLite's lock first: a transaction that reads and then writes could fail in between.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// `is_suspect`: an earlier process found damage.
pub(super) fn open_for_writing(path: &Path, is_suspect: bool) -> Result<Connection, OpenError> {
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let settle = |connection: &mut Connection| -> rusqlite::Result<Option<SetAsideReason>> {
        if let Some(reason) = examine(connection, is_suspect)? {
            return Ok(Some(reason));
        }
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        // For systems whose fsync leaves data in the drive's cache (macOS).
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        migrate(connection, STEPS, begin)?;
        // A file that cannot be written is reported now.
        begin(connection)?.rollback()?;
        Ok(None)
    };
    match settle(&mut connection) {
        Ok(None) => Ok(connection),
        Ok(Some(reason)) => Err(OpenError::Unusable(path.to_path_buf(), reason)),
        Err(error) => Err(unusable(path, &error)),
    }
}

/// Creates the file if there is none, and restricts the permissions of SQLite's files to the owner.
/// An existing file is not opened: closing it would release the locks that other connections of
/// this process have on it.
pub(super) fn make_private(path: &Path) -> Result<(), OpenError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(FileError::new("create", path)(error).into());
        }
        _ => {}
    }
    #[cfg(unix)]
    for suffix in ["", "-wal", "-shm"] {
        use std::os::unix::fs::PermissionsExt;
        let path = beside(path, suffix);
        let is_private = |file: fs::Metadata| file.permissions().mode() & 0o077 == 0;
        if !fs::metadata(&path).map_or(true, is_private) {
            let private = fs::set_permissions(&path, fs::Permissions::from_mode(0o600));
            private.map_err(FileError::new("make private", &path))?;
        }
    }
    Ok(())
}

pub(super) fn open_for_reading(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match examine(&connection, false).and_then(|reason| Ok((reason, version(&connection)?))) {
        Ok((None, taken)) if usize::try_from(taken) == Ok(STEPS.len()) => Ok(connection),
        Ok((None, _)) => Err(OpenError::Older(path.to_path_buf())),
        Ok((Some(reason), _)) => Err(OpenError::Unusable(path.to_path_buf(), reason)),
        Err(error) => Err(unusable(path, &error)),
    }
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, OpenError> {
    let open = || {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // Overwrites what is deleted.
        connection.pragma_update(None, "secure_delete", true)?;
        // Detects damage instead of following it.
        connection.pragma_update(None, "cell_size_check", true)?;
        add_fold(&connection)?;
        Ok(connection)
    };
    open().map_err(|error| unusable(path, &error))
}

/// Returns why the file cannot be used. A file without content is new.
fn examine(connection: &Connection, is_suspect: bool) -> rusqlite::Result<Option<SetAsideReason>> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let is_new = number("SELECT count(*) FROM sqlite_schema")? == 0;
    if !is_new && number("PRAGMA application_id")? != i64::from(APPLICATION_ID) {
        return Ok(Some(SetAsideReason::Foreign));
    }
    if !usize::try_from(version(connection)?).is_ok_and(|taken| taken <= STEPS.len()) {
        return Ok(Some(SetAsideReason::Newer));
    }
    if is_suspect {
        let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
        if found != "ok" {
            return Ok(Some(SetAsideReason::Damaged));
        }
    }
    Ok(None)
}

fn unusable(path: &Path, error: &rusqlite::Error) -> OpenError {
    match ask_why(error_kind(error), path) {
        StoreErrorKind::Damaged => OpenError::Unusable(path.to_path_buf(), SetAsideReason::Damaged),
        kind => OpenError::Storage(path.to_path_buf(), kind),
    }
}

/// Renames the file, together with its write-ahead log: they remain one database.
pub(super) fn set_aside(path: &Path, reason: SetAsideReason) -> Result<PathBuf, OpenError> {
    let word = match reason {
        SetAsideReason::Damaged => "damaged",
        SetAsideReason::Newer => "newer",
        SetAsideReason::Foreign => "foreign",
    };
    let free = |number: &u32| !beside(path, &format!(".{word}-{number}")).exists();
    let number = (1..=MAX_ASIDE).find(free).unwrap_or(MAX_ASIDE);
    let aside = beside(path, &format!(".{word}-{number}"));
    let rename = || {
        if aside.exists() {
            return Err(io::Error::new(ErrorKind::AlreadyExists, TooManyAside));
        }
        for suffix in ["-wal", "-shm"] {
            match fs::rename(beside(path, suffix), beside(&aside, suffix)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(path, &aside)?;
        sync_dir(path.parent().unwrap_or(path))
    };
    rename().map_err(FileError::new("set aside", path))?;
    Ok(aside)
}
