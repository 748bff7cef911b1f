//! Writes a history, in transactions.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::sqlite::{OpenedFile, StoreErrorKind};
use rusqlite::{Connection, OptionalExtension};

use super::error::{FromStorage, StorageError};
use super::file::{
    BUSY, HistoryFile, OpenError, SetAside, make_private, open_for_reading, open_for_writing, set_aside,
};
use super::reader::Reader;
use super::{RoomRow, ServerRow, index};

/// How long emptying the write-ahead log waits for readers.
const BRIEFLY: Duration = Duration::from_millis(50);

/// Writes the history. Several processes may have one each.
#[derive(Debug)]
pub struct Writer {
    pub(super) connection: Connection,
    file: HistoryFile,
    /// Whether a transaction was begun that is not committed.
    is_in_transaction: bool,
    /// Whether the write-ahead log may still hold the body of a removed entry.
    is_erasing: bool,
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
        Ok((Self { connection, file, is_in_transaction: false, is_erasing: true }, aside))
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

    /// Begins a transaction: everything that is written until [`Writer::commit`] is durable with
    /// that call, or not at all. Has no effect in a transaction. Other processes of the person wait
    /// for its end; readers do not see what it writes before.
    ///
    /// After a [`StorageError`] of any operation, nothing of the transaction is written, and it has
    /// ended. Any other error concerns that operation alone.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn begin_transaction(&mut self) -> Result<(), StorageError> {
        if self.is_in_transaction {
            return Ok(());
        }
        self.check_place()?;
        // An earlier rollback may have failed.
        self.rollback();
        // Takes SQLite's lock first: a transaction that reads and then writes could fail in
        // between.
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        begun.map_err(|error| self.file.explain(error.into()))?;
        self.is_in_transaction = true;
        Ok(())
    }

    /// Makes everything durable that was written since [`Writer::begin_transaction`]. Has no effect
    /// without a transaction.
    ///
    /// # Errors
    /// [`StorageError`]: nothing was written.
    pub fn commit(&mut self) -> Result<(), StorageError> {
        if !self.is_in_transaction {
            return Ok(());
        }
        let commit = || {
            self.check_place()?;
            self.connection.execute_batch("COMMIT").map_err(|error| self.file.explain(error.into()))
        };
        let committed = commit();
        // Has an effect only after an error.
        self.rollback();
        committed
    }

    /// Runs `work` in the transaction that was begun, or in one for it alone.
    pub(super) fn write<T, E: FromStorage>(&mut self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let is_alone = !self.is_in_transaction;
        self.begin_transaction()?;
        let step = |connection: &mut Connection| {
            let savepoint = connection.savepoint()?;
            let done = work(&savepoint)?;
            savepoint.commit()?;
            Ok::<_, E>(done)
        };
        match step(&mut self.connection) {
            Ok(done) if is_alone => Ok(self.commit().map(|()| done)?),
            Ok(done) => Ok(done),
            Err(mut error) => {
                let is_of_file = error.storage().map(|error| *error = self.file.explain(*error)).is_some();
                if is_alone || is_of_file {
                    self.rollback();
                }
                Err(error)
            }
        }
    }

    /// SQLite would go on writing into a file that nobody finds.
    fn check_place(&self) -> Result<(), StorageError> {
        if self.file.opened.is_there() { Ok(()) } else { Err(StorageError(StoreErrorKind::Moved)) }
    }

    fn rollback(&mut self) {
        self.is_in_transaction = false;
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
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

/// A clean end leaves an empty write-ahead log. What was not committed is lost.
impl Drop for Writer {
    fn drop(&mut self) {
        self.rollback();
        self.empty_log();
    }
}
