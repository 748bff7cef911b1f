//! Reads a history.

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::sqlite::OpenedFile;
use rusqlite::Connection;

use super::error::StorageError;
use super::file::{HistoryFile, OpenError, open_for_reading};
use super::{KnownRoomRow, RoomRow, ServerRow};

/// Reads the history on its own connection, without waiting for writers.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) file: HistoryFile,
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
