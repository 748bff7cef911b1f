//! The file, the connections to it, and what goes wrong before anything is read.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema::{self, APPLICATION_ID, STEPS};
use super::trouble::trouble;
use crate::data_dir::{DataDir, FileError};
use crate::store::Trouble;

/// The history's name in a data directory. SQLite puts `-wal` and `-shm` behind it for two more files.
pub const FILE_NAME: &str = "history.db";

/// How long an opening waits for a lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the write-ahead log is cut to when it was larger, in bytes.
const LOG_BYTES: u32 = 16 << 20;

/// A history cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be made, or not be made private.
    File(FileError),
    /// There is none.
    Missing(PathBuf),
    /// SQLite cannot use it.
    Unusable(PathBuf, Trouble),
    /// A database of another program.
    Foreign(PathBuf),
    /// A later version of this program wrote it.
    Newer(PathBuf),
    /// An earlier version wrote it, and only a server brings it up to date.
    Older(PathBuf),
}

/// Which file it was that was opened.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: FileId,
}

/// What tells files apart that had the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl Place {
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

/// Makes the file if need be, opens it for writing, and brings it up to date.
pub(super) fn for_server(dir: &DataDir) -> Result<(Connection, Place), OpenError> {
    // Private from the beginning; SQLite gives its other files the same mode.
    dir.make_private_file(FILE_NAME).map_err(OpenError::File)?;
    for suffix in ["-wal", "-shm"] {
        dir.keep_private(&format!("{FILE_NAME}{suffix}")).map_err(OpenError::File)?;
    }
    let place = Place::find(&dir.join(FILE_NAME))?;
    let mut connection = open(&place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let tables = settle(&connection, &place, |connection| {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
    })?;
    if tables > 0 {
        identify(&connection, &place)?;
    }
    settle(&connection, &place, configure)?;
    schema::migrate(&mut connection, STEPS).map_err(|error| unusable(&place, &error))?;
    Ok((connection, place))
}

/// Opens a history that is there, to read it.
pub(super) fn for_reading(place: &Place) -> Result<Connection, OpenError> {
    open(place, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens the history in the data directory `dir` that a server keeps or has kept, to read it or, if `may_write`, to add to its index.
pub(super) fn beside_server(dir: &Path, may_write: bool) -> Result<(Connection, Place), OpenError> {
    let place = Place::find(&dir.join(FILE_NAME))?;
    let access = if may_write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
    let connection = open(&place, access)?;
    identify(&connection, &place)?;
    let taken = settle(&connection, &place, schema::version)?;
    if usize::try_from(taken) != Ok(STEPS.len()) {
        return Err(OpenError::Older(place.path));
    }
    Ok((connection, place))
}

/// Runs `action`, whose error means that the file cannot be used.
pub(super) fn settle<T>(
    connection: &Connection,
    place: &Place,
    action: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, OpenError> {
    action(connection).map_err(|error| unusable(place, &error))
}

/// Moves what is in the write-ahead log into the file, as far as nobody is in the way.
pub(super) fn empty_log(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}

fn open(place: &Place, access: OpenFlags) -> Result<Connection, OpenError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&place.path, flags).map_err(|error| unusable(place, &error))?;
    settle(&connection, place, |connection| {
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "foreign_keys", true)?;
        // Damage is rather found than followed.
        connection.pragma_update(None, "cell_size_check", true)
    })?;
    Ok(connection)
}

/// Whether it is Kabar's, and of a version that is known.
fn identify(connection: &Connection, place: &Place) -> Result<(), OpenError> {
    let id = settle(connection, place, |connection| {
        connection.query_row("PRAGMA application_id", [], |row| row.get::<_, i32>(0))
    })?;
    if id != APPLICATION_ID {
        return Err(OpenError::Foreign(place.path.clone()));
    }
    let taken = settle(connection, place, schema::version)?;
    if usize::try_from(taken).is_ok_and(|taken| taken <= STEPS.len()) {
        Ok(())
    } else {
        Err(OpenError::Newer(place.path.clone()))
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

fn unusable(place: &Place, error: &rusqlite::Error) -> OpenError {
    OpenError::Unusable(place.path.clone(), trouble(error))
}

impl OpenError {
    /// SQLite cannot use the history at `path`.
    #[must_use]
    pub fn unusable(path: &Path, trouble: Trouble) -> Self {
        Self::Unusable(path.to_path_buf(), trouble)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Missing(path) => write!(f, "there is no history: {} does not exist", path.display()),
            Self::Unusable(path, Trouble::Damaged) => write!(
                f,
                "the history {} is damaged: look at it with `kabar-server check`; to go on, move it away and put a backup in its place",
                path.display()
            ),
            Self::Unusable(path, Trouble::Locked) => {
                write!(f, "the history {} is locked by another program: end that and try again", path.display())
            }
            Self::Unusable(path, trouble) => write!(f, "the history {} cannot be used: {trouble}", path.display()),
            Self::Foreign(path) => write!(
                f,
                "{} is a database of another program: move it away, or choose another directory with --data-dir",
                path.display()
            ),
            Self::Newer(path) => write!(
                f,
                "the history {} was written by a later version of kabar-server: use that version",
                path.display()
            ),
            Self::Older(path) => write!(
                f,
                "the history {} was written by an earlier version of kabar-server: start the server once, it brings it up to date",
                path.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}
