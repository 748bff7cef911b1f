//! Opens the file and its connections.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::inspect::{self, Inspected};
use super::schema::{APPLICATION_ID, STEPS};
use super::{mark, records, restore};
use crate::store::StoreErrorKind;
use kabar_std::data_dir::{DataDir, FileError, SERVER_LOCK, is_locked, sync_dir};
use kabar_std::sqlite::{OpenedFile, add_fold, ask_why, beside, error_kind, migrate, of_io, version};

/// The file name of the history. SQLite appends `-wal` and `-shm` for two more files.
pub const FILE_NAME: &str = "history.db";

/// The name of a new history until it is complete.
pub(super) const NEW: &str = "history.db.new";

/// How long opening waits for a lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pages that the writer keeps in memory, in KiB: in a server with thousands of rooms, a commit
/// changes pages anywhere in four indexes, which do not fit SQLite's 2 MB.
const CACHE_KIB: i64 = 8 << 10;
/// Size in bytes to which a larger write-ahead log is truncated.
const LOG_BYTES: u32 = 16 << 20;

/// A history cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be created or made private.
    #[error(transparent)]
    File(FileError),
    /// There is no history.
    #[error("there is no history: {} does not exist", .0.display())]
    Missing(PathBuf),
    /// SQLite cannot use the file.
    #[error("the history {} {}", .0.display(), why_unusable(*.1))]
    Unusable(PathBuf, StoreErrorKind),
    /// The file is a database of another program.
    #[error(
        "{} is a database of another program: move it away, or choose another directory with --data-dir",
        .0.display()
    )]
    Foreign(PathBuf),
    /// A later version of this program wrote it.
    #[error("the history {} was written by a later version of kabar-server: use that version", .0.display())]
    Newer(PathBuf),
    /// An earlier version wrote it, and only a server upgrades it.
    #[error(
        "the history {} was written by an earlier version of kabar-server: start the server once to upgrade it",
        .0.display()
    )]
    Older(PathBuf),
    /// The path is a directory.
    #[error(
        "the history {} cannot be used: it is a directory; move it away, or choose another place with --data-dir",
        .0.display()
    )]
    Directory(PathBuf),
    /// The file is empty. No server leaves such a file.
    #[error(
        "the history {} is empty, and no server leaves it so: put a backup in its place with \
         `kabar-server restore FILE`, or move it, {FILE_NAME}-wal and {FILE_NAME}-shm away to begin a new history",
        .0.display()
    )]
    Empty(PathBuf),
    /// The file is missing, but its write-ahead log is there.
    #[error(
        "the history {} is missing, but {FILE_NAME}-wal, a part of it, is there: put it back, or a backup in its \
         place with `kabar-server restore FILE`, or move {FILE_NAME}-wal and {FILE_NAME}-shm away to begin a new \
         history",
        .0.display()
    )]
    LogOnly(PathBuf),
    /// The write-ahead log next to it belongs to another history.
    #[error(
        "{FILE_NAME}-wal beside {path} belongs to another history, and would damage this one: if {path} is a backup, \
         move it away and put it back with `kabar-server restore FILE`, which also moves {FILE_NAME}-wal and \
         {FILE_NAME}-shm away",
        path = .0.display()
    )]
    ForeignLog(PathBuf),
    /// A restore was interrupted.
    #[error("the restore of {} was interrupted: start the server, or restore again, to finish it", .0.display())]
    Restoring(PathBuf),
}

fn why_unusable(kind: StoreErrorKind) -> String {
    match kind {
        StoreErrorKind::Damaged => {
            "is damaged: examine it with `kabar-server check`; to go on, put a backup in its place \
                                    with `kabar-server restore FILE`, which keeps the damaged file"
                .to_owned()
        }
        StoreErrorKind::Locked => "is locked by another program: stop that program and try again".to_owned(),
        kind => format!("cannot be used: {kind}"),
    }
}

/// Creates the history if there is none, inspects it, opens it for writing, and upgrades it.
/// Nothing is changed before it is clear that the file can be used.
pub(super) fn for_server(dir: &DataDir) -> Result<(Connection, OpenedFile), OpenError> {
    restore::finish(dir.path()).map_err(OpenError::File)?;
    let path = dir.join(FILE_NAME);
    if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        make(dir)?;
    }
    let place = OpenedFile::find(&path).map_err(OpenError::Missing)?;
    let Inspected { connection: inspected, has_log } = inspect::inspect(place.path())?;
    if usize::try_from(settle(&inspected, place.path(), version)?) == Ok(STEPS.len()) {
        settle(&inspected, place.path(), records::load_all)?;
    } else if !inspect::is_sound(&inspected) {
        // An earlier version has other columns, so its records cannot be loaded before the upgrade.
        return Err(OpenError::unusable(place.path(), StoreErrorKind::Damaged));
    }
    drop(inspected);
    // SQLite would only find out at the first commit.
    let writable = fs::OpenOptions::new().read(true).write(true).open(place.path());
    writable.map_err(|error| OpenError::unusable(place.path(), of_io(&error)))?;
    for suffix in ["", "-wal", "-shm"] {
        dir.keep_private(&format!("{FILE_NAME}{suffix}")).map_err(OpenError::File)?;
    }
    let mut connection = open(&place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if has_log {
        // Until something is committed: the server may still fail to start.
        settle(&connection, place.path(), |connection| keep_log(connection, true))?;
    }
    settle(&connection, place.path(), configure)?;
    bring_up_to_date(&mut connection, place.path())?;
    Ok((connection, place))
}

/// Creates an empty history under another name first, so that it is never seen unfinished.
fn make(dir: &DataDir) -> Result<(), OpenError> {
    let (path, new) = (dir.join(FILE_NAME), dir.join(NEW));
    if fs::metadata(beside(&path, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(OpenError::LogOnly(path));
    }
    remove(&new);
    let made = make_as(dir, &new).and_then(|()| {
        let named = fs::rename(&new, &path).and_then(|()| sync_dir(dir.path()));
        named.map_err(|error| OpenError::File(FileError::new("create", &path)(error)))
    });
    if made.is_err() {
        remove(&new);
    }
    made
}

fn make_as(dir: &DataDir, new: &Path) -> Result<(), OpenError> {
    // Private when created; SQLite gives its other files the same mode.
    dir.make_private_file(NEW).map_err(OpenError::File)?;
    let mut connection = open(&OpenedFile::find(new).map_err(OpenError::Missing)?, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settle(&connection, new, configure)?;
    bring_up_to_date(&mut connection, new)?;
    connection.close().map_err(|(_, error)| unusable(new, &error))?;
    let synced = fs::File::open(new).and_then(|file| file.sync_all());
    synced.map_err(|error| OpenError::File(FileError::new("create", new)(error)))
}

/// Removes an unused file, and the files of SQLite next to it.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(beside(path, suffix));
    }
}

/// Applies the missing steps of the schema and moves them into the file: everything in the log is
/// marked from then on.
fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    if migrate(connection, STEPS, mark::begin).map_err(|error| unusable(path, &error))? {
        settle(connection, path, |connection| empty_log(connection, "TRUNCATE"))?;
    }
    Ok(())
}

/// Sets whether closing the last connection keeps the log.
pub(super) fn keep_log(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(|_| ())
}

/// Opens an existing history for reading.
pub(super) fn for_reading(place: &OpenedFile) -> Result<Connection, OpenError> {
    open(place, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens the history of a server that runs or has run in `dir`, for reading or, if `may_write`, for
/// adding to its index.
pub(super) fn beside_server(dir: &Path, may_write: bool) -> Result<(Connection, OpenedFile), OpenError> {
    if restore::is_pending(dir) && !is_locked(&dir.join(SERVER_LOCK)) {
        return Err(OpenError::Restoring(dir.join(FILE_NAME)));
    }
    let path = dir.join(FILE_NAME);
    let place = OpenedFile::find(&path).map_err(|missing| {
        let has_log = fs::metadata(beside(&path, "-wal")).is_ok_and(|log| log.len() > 0);
        if has_log { OpenError::LogOnly(path) } else { OpenError::Missing(missing) }
    })?;
    match inspect::inspect_log(place.path()) {
        // The running server has inspected it; its files change while we read them.
        Err(_) if is_locked(&dir.join(SERVER_LOCK)) => {}
        inspected => inspected?,
    }
    let access = if may_write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let connection = open(&place, access)?;
    // Until the file is identified.
    settle(&connection, place.path(), |connection| keep_log(connection, true))?;
    identify(&connection, place.path())?;
    let taken = settle(&connection, place.path(), version)?;
    if usize::try_from(taken) != Ok(STEPS.len()) {
        return Err(OpenError::Older(place.path().to_path_buf()));
    }
    settle(&connection, place.path(), |connection| keep_log(connection, false))?;
    Ok((connection, place))
}

/// Runs `action` and converts its error into [`OpenError::Unusable`].
pub(super) fn settle<T>(
    connection: &Connection,
    path: &Path,
    action: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, OpenError> {
    action(connection).map_err(|error| unusable(path, &error))
}

/// Moves the write-ahead log into the file, as far as no reader prevents it.
pub(super) fn empty_log(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    checkpoint(connection, mode).map(|_| ())
}

/// Runs a checkpoint. Returns whether a reader prevented a part, the pages in the log, and those of
/// them that are in the file.
pub(super) fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<(bool, u64, u64)> {
    let mut run = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    // -1 means that there is no log.
    let pages = |pages: i64| u64::try_from(pages).unwrap_or(0);
    run.query_row([], |row| Ok((row.get::<_, i64>(0)? != 0, pages(row.get(1)?), pages(row.get(2)?))))
}

fn open(place: &OpenedFile, access: OpenFlags) -> Result<Connection, OpenError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(place.path(), flags).map_err(|error| unusable(place.path(), &error))?;
    settle(&connection, place.path(), prepare)?;
    Ok(connection)
}

/// Configures a connection before it reads.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    // Overwrites what is deleted.
    connection.pragma_update(None, "secure_delete", true)?;
    // Detects damage instead of following it.
    connection.pragma_update(None, "cell_size_check", true)?;
    add_fold(connection)
}

/// Checks that the file is Kabar's and of a known version.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let id = settle(connection, path, |connection| {
        connection.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0))
    })?;
    let tables = settle(connection, path, |connection| {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
    })?;
    if tables == 0 {
        return Err(OpenError::Empty(path.to_path_buf()));
    }
    if id != APPLICATION_ID {
        return Err(OpenError::Foreign(path.to_path_buf()));
    }
    let taken = settle(connection, path, version)?;
    if usize::try_from(taken).is_ok_and(|taken| taken <= STEPS.len()) {
        Ok(())
    } else {
        Err(OpenError::Newer(path.to_path_buf()))
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // For systems whose fsync leaves data in the drive's cache (macOS).
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)
}

pub(super) fn unusable(path: &Path, error: &rusqlite::Error) -> OpenError {
    OpenError::Unusable(path.to_path_buf(), ask_why(error_kind(error), path))
}

impl OpenError {
    /// SQLite cannot use the history at `path`.
    #[must_use]
    pub fn unusable(path: &Path, kind: StoreErrorKind) -> Self {
        Self::Unusable(path.to_path_buf(), kind)
    }
}
