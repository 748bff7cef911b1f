//! Opens the file, and sets one aside that cannot be used.
//!
//! Connections never delete SQLite's files when they are closed: SQLite deletes them by name, and
//! after a file was set aside that name belongs to another one. The writer empties the write-ahead
//! log instead.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, sync_dir};
use kabar_std::sqlite::{OpenedFile, StoreErrorKind, add_fold, ask_why, beside, error_kind, migrate, version};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};

use super::error::{FromStorage, StorageError};
use super::index;
use super::schema::{APPLICATION_ID, STEPS};
use super::{KnownRoomRow, RoomRow, ServerRow};

/// How long an operation waits for another process of the same person.
const BUSY: Duration = Duration::from_secs(5);
/// How long emptying the write-ahead log waits for readers.
const BRIEFLY: Duration = Duration::from_millis(50);
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
    /// An earlier version wrote it; a [`Writer`] upgrades it.
    #[error("the history {} was written by an earlier version: join a room to upgrade it", .0.display())]
    Older(PathBuf),
    /// It cannot be used; a [`Writer`] would set it aside.
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

/// Writes the history. Several processes may have one each.
#[derive(Debug)]
pub struct Writer {
    pub(super) connection: Connection,
    file: HistoryFile,
    /// Whether the write-ahead log may still hold the body of a removed entry.
    is_erasing: bool,
}

/// Reads the history on its own connection, without waiting for writers.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    file: HistoryFile,
}

/// Where the history is.
#[derive(Clone, Debug)]
struct HistoryFile {
    dir: DataDir,
    /// Its name in the directory, without extension.
    base: String,
    opened: OpenedFile,
}

impl HistoryFile {
    /// In a copy of the file, on another computer or from a backup, lines continue no instance:
    /// the original does, and two clients with one instance would take each other's place (SPEC
    /// 6.5). The number of the file tells the two apart.
    fn claim(&self, connection: &Connection) -> Result<(), OpenError> {
        let (name, number) = (format!("{}.file", self.base), format!("{}\n", self.opened.number()));
        if self.dir.read(&name)?.is_some_and(|known| *known == number) {
            return Ok(());
        }
        let forget = connection.execute_batch("UPDATE outbox_rooms SET instance = 0, settled = 0");
        forget.map_err(|error| unusable(self.opened.path(), &error))?;
        Ok(self.dir.replace(&name, number.as_bytes())?)
    }
}

impl Writer {
    /// Opens the history of the identity with this fingerprint. Creates it if there is none,
    /// upgrades it if an earlier version wrote it, and sets it aside if it cannot be used.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &DataDir, identity: &str) -> Result<(Self, Option<SetAside>), OpenError> {
        let base = format!("history/{identity}");
        let _lock = dir.lock_waiting(&format!("{base}.lock"))?;
        let name = format!("{base}.db");
        let (path, must_check) = (dir.join(&name), dir.join(&format!("{base}.check")));
        let mut aside = None;
        let connection = loop {
            make_private(&path)?;
            match open_for_writing(&path, must_check.exists()) {
                Err(OpenError::Unusable(_, reason)) if aside.is_none() => {
                    aside = Some(SetAside { path: set_aside(&path, reason)?, reason });
                }
                opened => break opened?,
            }
        };
        let _ = fs::remove_file(must_check);
        let opened = OpenedFile::find(&path).map_err(OpenError::Missing)?;
        let file = HistoryFile { dir: dir.clone(), base, opened };
        file.claim(&connection)?;
        // A process that was killed may have left a body that it removed.
        Ok((Self { connection, file, is_erasing: true }, aside))
    }

    /// Opens a reader of the same history.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn reader(&self) -> Result<Reader, OpenError> {
        let path = self.file.opened.path();
        Ok(Reader { connection: open_for_reading(path)?, file: self.file.clone() })
    }

    /// The path of the history.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.opened.path()
    }

    /// The directory, and the prefix of the names of files that belong to this history.
    pub(super) fn place(&self) -> (&DataDir, &str) {
        (&self.file.dir, &self.file.base)
    }

    /// Does a part of the work that can wait: fills the full-text index, and erases from the disk
    /// what was removed. Call it when there is nothing else to do, as long as it returns `true`.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn maintain(&mut self) -> Result<bool, StorageError> {
        let has_more = self.write(|transaction| Ok::<_, StorageError>(index::index_chunk(transaction)?))?;
        if !has_more && self.is_erasing {
            // A reader may prevent it: then the next call or the end of the process does it.
            self.is_erasing = !self.empty_log();
        }
        Ok(has_more)
    }

    /// Returns the row of a room, which is added if it is new.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn room(&mut self, server: &Fingerprint, name: &str) -> Result<RoomRow, StorageError> {
        let server = self.server(server)?;
        self.write(|transaction| {
            let insert = "INSERT INTO rooms (server, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            transaction.prepare_cached(insert)?.execute((server.0, name))?;
            let select = "SELECT id FROM rooms WHERE server = ?1 AND name = ?2";
            Ok(transaction.prepare_cached(select)?.query_row((server.0, name), |row| row.get(0).map(RoomRow))?)
        })
    }

    /// Returns the row of a server, which is added if it is new.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn server(&mut self, server: &Fingerprint) -> Result<ServerRow, StorageError> {
        let select = "SELECT id FROM servers WHERE fingerprint = ?1";
        let known = self.connection.prepare_cached(select)?.query_row([server.0], |row| row.get(0)).optional()?;
        if let Some(id) = known {
            return Ok(ServerRow(id));
        }
        self.write(|transaction| {
            let insert = "INSERT INTO servers (fingerprint) VALUES (?1) ON CONFLICT DO NOTHING";
            transaction.execute(insert, [server.0])?;
            Ok(transaction.query_row(select, [server.0], |row| row.get(0).map(ServerRow))?)
        })
    }

    /// Runs `work` in a transaction that writes.
    pub(super) fn write<T, E: FromStorage>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.file.opened.is_there() {
            // SQLite would go on writing into a file that nobody finds.
            let moved = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY_DBMOVED);
            return Err(rusqlite::Error::SqliteFailure(moved, None).into());
        }
        let file = &self.file;
        transact(&mut self.connection, work).map_err(|mut error| {
            error.storage().into_iter().for_each(|error| *error = file.explain(*error));
            error
        })
    }

    /// Notes that a body was removed.
    pub(super) const fn note_removal(&mut self) {
        self.is_erasing = true;
    }

    /// Moves the write-ahead log into the file and empties it, so that nothing old is left in it.
    fn empty_log(&self) -> bool {
        let _ = self.connection.busy_timeout(BRIEFLY);
        let run = |connection: &Connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        };
        let is_complete = self.file.opened.is_there() && run(&self.connection).is_ok_and(|is_busy| is_busy == 0);
        let _ = self.connection.busy_timeout(BUSY);
        is_complete
    }
}

/// A clean end leaves an empty write-ahead log.
impl Drop for Writer {
    fn drop(&mut self) {
        self.empty_log();
    }
}

impl Reader {
    /// Opens the history of the identity with this fingerprint.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &DataDir, identity: &str) -> Result<Self, OpenError> {
        let base = format!("history/{identity}");
        let opened = OpenedFile::find(&dir.join(&format!("{base}.db"))).map_err(OpenError::Missing)?;
        let connection = open_for_reading(opened.path())?;
        Ok(Self { connection, file: HistoryFile { dir: dir.clone(), base, opened } })
    }

    /// Returns all rooms, in the order in which they were first joined.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn rooms(&self) -> Result<Vec<KnownRoomRow>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT rooms.id, server, fingerprint, name FROM rooms JOIN servers ON servers.id = server
                       ORDER BY rooms.id";
            let mut select = connection.prepare_cached(sql)?;
            let room = |row: &rusqlite::Row<'_>| {
                Ok(KnownRoomRow {
                    room: RoomRow(row.get(0)?),
                    server: ServerRow(row.get(1)?),
                    fingerprint: Fingerprint(row.get(2)?),
                    name: row.get(3)?,
                })
            };
            select.query_map([], room)?.collect()
        })
    }

    /// Runs `work` on one state of the file.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StorageError> {
        let read = || {
            let moment = self.connection.unchecked_transaction()?;
            work(&moment)
        };
        read().map_err(|error: rusqlite::Error| self.file.explain(error.into()))
    }
}

impl HistoryFile {
    /// Adds the cause that the operating system knows. A damaged file is to be examined when it is
    /// opened the next time.
    fn explain(&self, error: StorageError) -> StorageError {
        if error.0 == StoreErrorKind::Damaged {
            let _ = fs::write(self.dir.join(&format!("{}.check", self.base)), "");
        }
        StorageError(ask_why(error.0, self.opened.path()))
    }
}

fn transact<T, E: From<rusqlite::Error>>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    if !connection.is_autocommit() {
        // An earlier rollback failed.
        connection.execute_batch("ROLLBACK")?;
    }
    let transaction = begin(connection)?;
    let done = work(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Takes SQLite's lock first: a transaction that reads and then writes could fail in between.
fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// `is_suspect`: an earlier process found damage.
fn open_for_writing(path: &Path, is_suspect: bool) -> Result<Connection, OpenError> {
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
fn make_private(path: &Path) -> Result<(), OpenError> {
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

fn open_for_reading(path: &Path) -> Result<Connection, OpenError> {
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
fn set_aside(path: &Path, reason: SetAsideReason) -> Result<PathBuf, OpenError> {
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
            return Err(io::Error::new(ErrorKind::AlreadyExists, "too many files were set aside"));
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
