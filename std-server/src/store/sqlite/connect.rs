//! The file, the connections to it, and what goes wrong before anything is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{ask_why, error_kind};
use super::inspect::{self, Sight, beside};
use super::schema::{self, APPLICATION_ID, STEPS};
use super::{fold, records, restore};
use crate::store::StoreErrorKind;
use kabar_std::data_dir::{DataDir, FileError, SERVER_LOCK, is_locked, sync_dir};

/// The history's name in a data directory. SQLite puts `-wal` and `-shm` behind it for two more files.
pub const FILE_NAME: &str = "history.db";

/// A new history until it is whole.
pub(super) const NEW: &str = "history.db.new";

/// How long an opening waits for a lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the write-ahead log is cut to when it was larger, in bytes.
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
    /// The file is empty, which no server leaves behind.
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

/// Which file it was that was opened.
#[derive(Clone, Debug)]
pub(super) struct OpenedFile {
    path: PathBuf,
    file: FileId,
}

/// What tells files apart that had the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl OpenedFile {
    fn find(path: &Path) -> Result<Self, OpenError> {
        // A path that is absolute is never taken for a URI.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        FileId::of(&path).map(|file| Self { path: path.clone(), file }).ok_or(OpenError::Missing(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file still is where it was.
    pub(super) fn is_there(&self) -> bool {
        FileId::of(&self.path) == Some(self.file)
    }
}

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|it| Self(it.dev(), it.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|_| Self(0, 0))
    }
}

/// Makes the history if need be, looks at it, opens it for writing, and brings it up to date. Nothing is changed before it is clear
/// that it can be used.
pub(super) fn for_server(dir: &DataDir) -> Result<(Connection, OpenedFile), OpenError> {
    restore::finish(dir.path()).map_err(OpenError::File)?;
    let path = dir.join(FILE_NAME);
    if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        make(dir)?;
    }
    let place = OpenedFile::find(&path)?;
    let Sight { connection: looked, has_log } = inspect::look(&place.path)?;
    if usize::try_from(settle(&looked, &place.path, schema::version)?) == Ok(STEPS.len()) {
        settle(&looked, &place.path, records::load_all)?;
    } else if !inspect::is_sound(&looked) {
        // An earlier version has other columns, so its records cannot be loaded before the steps.
        return Err(OpenError::unusable(&place.path, StoreErrorKind::Damaged));
    }
    drop(looked);
    // Without a change of what is in it, SQLite finds out as late as at the first commit.
    let writable = fs::OpenOptions::new().read(true).write(true).open(&place.path);
    writable.map_err(|error| OpenError::unusable(&place.path, super::error::of_io(&error)))?;
    for suffix in ["", "-wal", "-shm"] {
        dir.keep_private(&format!("{FILE_NAME}{suffix}")).map_err(OpenError::File)?;
    }
    let mut connection = open(&place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if has_log {
        // Until something is committed: the server may still not start.
        settle(&connection, &place.path, |connection| keep_log(connection, true))?;
    }
    settle(&connection, &place.path, configure)?;
    bring_up_to_date(&mut connection, &place.path)?;
    Ok((connection, place))
}

/// Makes an empty history under another name first: under its own it is never seen unfinished.
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
    // Private from the beginning; SQLite gives its other files the same mode.
    dir.make_private_file(NEW).map_err(OpenError::File)?;
    let mut connection = open(&OpenedFile::find(new)?, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    settle(&connection, new, configure)?;
    bring_up_to_date(&mut connection, new)?;
    connection.close().map_err(|(_, error)| unusable(new, &error))?;
    let synced = fs::File::open(new).and_then(|file| file.sync_all());
    synced.map_err(|error| OpenError::File(FileError::new("create", new)(error)))
}

/// Removes a file that is not used any more, and SQLite's beside it.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        drop(fs::remove_file(beside(path, suffix)));
    }
}

/// Takes the steps of the schema that are missing, and moves them into the file: what is in the log from then on is marked.
fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    if schema::migrate(connection, STEPS).map_err(|error| unusable(path, &error))? {
        settle(connection, path, |connection| empty_log(connection, "TRUNCATE"))?;
    }
    Ok(())
}

/// Whether the last connection that is closed leaves the log as it is.
pub(super) fn keep_log(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(|_| ())
}

/// Opens a history that is there, to read it.
pub(super) fn for_reading(place: &OpenedFile) -> Result<Connection, OpenError> {
    open(place, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens the history in the data directory `dir` that a server keeps or has kept, to read it or, if `may_write`, to add to its index.
pub(super) fn beside_server(dir: &Path, may_write: bool) -> Result<(Connection, OpenedFile), OpenError> {
    if restore::is_pending(dir) && !is_locked(&dir.join(SERVER_LOCK)) {
        return Err(OpenError::Restoring(dir.join(FILE_NAME)));
    }
    let path = dir.join(FILE_NAME);
    let place = OpenedFile::find(&path).map_err(|missing| {
        let has_log = fs::metadata(beside(&path, "-wal")).is_ok_and(|log| log.len() > 0);
        if has_log { OpenError::LogOnly(path) } else { missing }
    })?;
    match inspect::look_at_log(&place.path) {
        // A server has looked, and what it writes meanwhile cannot be read at one moment.
        Err(_) if is_locked(&dir.join(SERVER_LOCK)) => {}
        looked => looked?,
    }
    let access = if may_write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let connection = open(&place, access)?;
    // Until it is clear whose it is.
    settle(&connection, &place.path, |connection| keep_log(connection, true))?;
    identify(&connection, &place.path)?;
    let taken = settle(&connection, &place.path, schema::version)?;
    if usize::try_from(taken) != Ok(STEPS.len()) {
        return Err(OpenError::Older(place.path));
    }
    settle(&connection, &place.path, |connection| keep_log(connection, false))?;
    Ok((connection, place))
}

/// Runs `action`, whose error means that the file cannot be used.
pub(super) fn settle<T>(
    connection: &Connection,
    path: &Path,
    action: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, OpenError> {
    action(connection).map_err(|error| unusable(path, &error))
}

/// Moves what is in the write-ahead log into the file, as far as nobody is in the way.
pub(super) fn empty_log(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    checkpoint(connection, mode).map(|_| ())
}

/// The same: whether somebody was in the way, the pages in the log, and those of them that are in the file.
pub(super) fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<(bool, u64, u64)> {
    let mut run = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    // -1: there is no log.
    let pages = |pages: i64| u64::try_from(pages).unwrap_or(0);
    run.query_row([], |row| Ok((row.get::<_, i64>(0)? != 0, pages(row.get(1)?), pages(row.get(2)?))))
}

fn open(place: &OpenedFile, access: OpenFlags) -> Result<Connection, OpenError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&place.path, flags).map_err(|error| unusable(&place.path, &error))?;
    settle(&connection, &place.path, prepare)?;
    Ok(connection)
}

/// What every connection is told before it reads.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", true)?;
    // Damage is rather found than followed.
    connection.pragma_update(None, "cell_size_check", true)?;
    fold::add_function(connection)
}

/// Whether it is Kabar's, and of a version that is known.
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
    let taken = settle(connection, path, schema::version)?;
    if usize::try_from(taken).is_ok_and(|taken| taken <= STEPS.len()) {
        Ok(())
    } else {
        Err(OpenError::Newer(path.to_path_buf()))
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // Where fsync alone leaves data in the drive's memory (macOS).
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
