//! The log on disk: one SQLite file (SPEC 7).
//!
//! * this file: [`SqliteStore`], the writer, and [`SqliteReader`], a second connection that never
//!   waits for a commit.
//! * `connect`: opens and configures files and connections.
//! * `inspect`, `mark`: checks before anything is written; ties the file and its write-ahead log
//!   together.
//! * `checkpoint`: the size of the write-ahead log.
//! * `schema`: the tables, by numbered steps.
//! * `records`: records to rows and back.
//! * `contents`: the index of contents. `search`: the full-text index.
//! * `copy`, `restore`, `verify`, `query`: the subcommands, which work while a server runs.
//!
//! A commit returns when SQLite has synchronised the write-ahead log (`synchronous=FULL`).

mod checkpoint;
mod connect;
mod contents;
mod copy;
mod error;
mod inspect;
mod invites;
mod mark;
mod query;
mod records;
mod restore;
mod rooms;
mod schema;
mod search;
mod verify;

use core::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use kabar_core::content::Root;
use rusqlite::Connection;

use super::invariants::{rooms_are_distinct, validate};
use super::{
    Commit, CommitError, ContentIndex, FileQuota, Keep, LogEntry, LogReader, Offer, ReadError, Reservation, RoomState,
    ServerState, Store, StoreErrorKind, StoreFigures,
};
use checkpoint::Checkpoints;
use error::{commit_error, failed, unreadable};
use kabar_std::data_dir::DataDir;
pub use kabar_std::search::Query;
use kabar_std::sqlite::{OpenedFile, ask_why};

pub use connect::{FILE_NAME, OpenError};
pub use contents::{contents_of_backup, forget_contents, forget_contents_of_backup, list_contents, namings};
pub use copy::{CopyError, copy};
pub use query::{Filter, History, Selection, complete_index};
pub use restore::{RestoreError, Restored, restore};
pub use verify::{Report, RoomReport};

/// How long a running server waits for a lock of another program before it reports an error.
const BUSY: Duration = Duration::from_secs(2);
/// As [`BUSY`], when the store is closed.
const BUSY_AT_END: Duration = Duration::from_millis(200);

/// The writer.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    place: OpenedFile,
    /// Whether something was committed since the write-ahead log was emptied.
    is_dirty: bool,
    checkpoints: Checkpoints,
    /// Whether this run has written.
    has_written: bool,
    /// Whether this run has checked the index.
    is_index_seen: bool,
    /// Whether the write-ahead log may still hold the body of a removed entry.
    is_erasing: bool,
}

/// Reads entries on its own connection.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
    place: OpenedFile,
}

impl SqliteStore {
    /// Opens the history in `dir`. Creates it, for its owner only, if there is none; upgrades it if
    /// an older program wrote it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &DataDir) -> Result<Self, OpenError> {
        let (connection, place) = connect::for_server(dir)?;
        connect::settle(&connection, place.path(), |connection| connection.busy_timeout(BUSY))?;
        let checkpoints = Checkpoints::new(&connection);
        Ok(Self {
            connection,
            place,
            checkpoints,
            is_dirty: true,
            has_written: false,
            is_index_seen: false,
            is_erasing: false,
        })
    }

    /// Opens a reader of the same history.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn reader(&self) -> Result<SqliteReader, OpenError> {
        let connection = connect::for_reading(&self.place)?;
        connect::settle(&connection, self.place.path(), |connection| connection.busy_timeout(BUSY))?;
        Ok(SqliteReader { connection, place: self.place.clone() })
    }

    /// The path of the history.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    fn write(&mut self, commit: &Commit) -> Result<(), CommitError> {
        const CONTRADICTION: CommitError = CommitError::Failed(StoreErrorKind::Contradiction);
        if !rooms_are_distinct(commit) {
            return Err(CONTRADICTION);
        }
        let transaction = mark::begin(&mut self.connection).map_err(failed)?;
        records::write_server(&transaction, &commit.server).map_err(failed)?;
        for batch in &commit.rooms {
            let (room, extent) = records::room_to_write(&transaction, &batch.room).map_err(failed)?;
            let is_permitted =
                validate(batch, extent, |id| records::instance(&transaction, room, id)).map_err(failed)?;
            if !is_permitted {
                return Err(CONTRADICTION);
            }
            records::write(&transaction, room, batch).map_err(failed)?;
        }
        transaction.commit().map_err(commit_error)
    }

    fn load<T>(&mut self, load: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, ReadError> {
        self.rollback_leftover().map_err(unreadable)?;
        // One transaction, for a consistent state.
        let transaction = self.connection.transaction().map_err(unreadable)?;
        load(&transaction).map_err(unreadable)
    }

    /// Changes the index of contents in one transaction.
    fn change<T>(&mut self, change: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, CommitError> {
        self.rollback_leftover().map_err(failed)?;
        if !self.place.is_there() {
            return Err(CommitError::Failed(StoreErrorKind::Moved));
        }
        let transaction = mark::begin(&mut self.connection).map_err(failed)?;
        let changed = change(&transaction).map_err(failed)?;
        let committed = transaction.commit().map_err(commit_error);
        self.wrote();
        self.checkpoints.after_commit(&self.connection);
        committed.map(|()| changed)
    }

    /// Records that this run has written: closing may now move the log into the file.
    fn wrote(&mut self) {
        self.is_dirty = true;
        if !core::mem::replace(&mut self.has_written, true) {
            let _ = connect::keep_log(&self.connection, false);
            // A run that was killed may have left a body that it removed.
            self.is_erasing = true;
        }
    }

    /// Rolls back a transaction that an earlier failed rollback left open.
    fn rollback_leftover(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() { Ok(()) } else { self.connection.execute_batch("ROLLBACK") }
    }
}

impl LogReader for SqliteStore {
    fn read(&mut self, room: &str, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>, ReadError> {
        let read = records::read(&self.connection, room, range).map_err(unreadable);
        read.map_err(|ReadError(kind)| ReadError(ask_why(kind, self.place.path())))
    }
}

impl LogReader for SqliteReader {
    fn read(&mut self, room: &str, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>, ReadError> {
        let read = records::read(&self.connection, room, range).map_err(unreadable);
        read.map_err(|ReadError(kind)| ReadError(ask_why(kind, self.place.path())))
    }
}

impl ContentIndex for SqliteStore {
    fn reserve(&mut self, offer: &Offer, quota: &FileQuota) -> Result<Reservation, CommitError> {
        self.change(|connection| contents::reserve(connection, offer, quota))
    }

    fn complete(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError> {
        self.change(|connection| contents::complete(connection, root, size, now_ms))
    }

    fn lost(&mut self, root: Root, now_ms: u64) -> Result<(), CommitError> {
        self.change(|connection| contents::lost(connection, root, now_ms))
    }

    fn touch(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError> {
        self.change(|connection| Ok(contents::touch(connection, root, size, now_ms)? == Some(true)))
    }

    fn find(&mut self, room: &str, root: Root) -> Result<Option<u64>, ReadError> {
        self.load(|connection| contents::find(connection, room, root))
    }

    fn collect(&mut self, now_ms: u64, in_use: &[Root]) -> Result<Vec<Root>, CommitError> {
        self.change(|connection| contents::collect(connection, now_ms, in_use))
    }
}

impl Store for SqliteStore {
    fn load_server(&mut self) -> Result<ServerState, ReadError> {
        self.load(records::load_server)
    }

    fn load_room(&mut self, room: &str) -> Result<RoomState, ReadError> {
        self.load(|connection| records::load_room(connection, room))
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        self.rollback_leftover().map_err(failed)?;
        if !self.place.is_there() {
            // SQLite would go on writing into a file that nobody finds.
            return Err(CommitError::Failed(StoreErrorKind::Moved));
        }
        let written = self.write(commit).map_err(|error| match error {
            CommitError::Failed(kind) => CommitError::Failed(ask_why(kind, self.place.path())),
            CommitError::Uncertain(kind) => CommitError::Uncertain(ask_why(kind, self.place.path())),
        });
        self.wrote();
        self.is_erasing |= commit.rooms.iter().any(|batch| !batch.removed.is_empty());
        self.checkpoints.after_commit(&self.connection);
        written
    }

    fn surplus(&mut self, room: &str, keep: &Keep, count: u64) -> Result<u64, ReadError> {
        self.load(|connection| records::surplus(connection, room, keep, count))
    }

    fn maintain(&mut self) -> bool {
        if self.rollback_leftover().is_err() {
            return false;
        }
        if !core::mem::replace(&mut self.is_index_seen, true) {
            let _ = search::empty_if_not_whole(&mut self.connection);
        }
        match search::index_some(&mut self.connection) {
            Ok(true) => {
                self.wrote();
                true
            }
            // Commits find and report errors.
            Ok(false) | Err(_) => {
                if self.is_erasing {
                    // A reader may prevent it: then the next maintenance or the end of the run does
                    // it.
                    self.is_erasing = !self.checkpoints.erase(&self.connection);
                }
                if core::mem::take(&mut self.is_dirty) {
                    self.checkpoints.run(&self.connection);
                }
                false
            }
        }
    }

    fn figures(&self) -> Option<StoreFigures> {
        Some(self.checkpoints.figures(self.place.path()))
    }
}

/// A clean end leaves a single file; a run that wrote nothing leaves the files unchanged.
impl Drop for SqliteStore {
    fn drop(&mut self) {
        if !self.has_written {
            return;
        }
        let _ = self.connection.busy_timeout(BUSY_AT_END);
        let _ = connect::empty_log(&self.connection, "TRUNCATE");
    }
}

#[cfg(test)]
mod tests;
