//! Transfers of files that are in progress, so that a later process goes on with them; and the
//! entries that name files.
//!
//! A record belongs to the process that holds its lock. It is removed together with the line that
//! posts the entry of the file, in one transaction: the entry is neither posted twice nor lost.

use std::io;
use std::path::PathBuf;
use std::{fmt, fs};

use kabar_core::chat::{EntryKind, File};
use kabar_core::content::{ROOT_LEN, Root};
use kabar_std::data_dir::{DataDir, Lock, LockError};
use kabar_std::sqlite::{U64AsI64, bits};
use kabar_std::text::clean_line;
use rusqlite::{OptionalExtension, Row, params};

use super::error::StorageError;
use super::{LogRow, Reader, RoomRow, Writer};
use crate::command::TypedFile;

/// Entries among which a file is found by its name.
const MAX_SEARCHED: u32 = 10_000;

/// A transfer in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRecord {
    /// Whether a file is sent; otherwise one is received.
    pub is_upload: bool,
    /// The name of the file: as it is sent, or as it is stored.
    pub name: String,
    /// The file that is sent; the folder or the file that is written.
    pub path: PathBuf,
    /// Whether `path` is a folder.
    pub is_folder: bool,
    /// The content, and its length in bytes; `None`: the file is not hashed yet.
    pub content: Option<(Root, u64)>,
}

/// A record that this process holds.
#[derive(Debug)]
pub struct HeldTransfer {
    row: i64,
    lock_path: PathBuf,
    _lock: Lock,
}

/// Which entry of a room names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEntry {
    /// The one with this seq.
    Seq(u64),
    /// The last one with this name.
    Named(String),
}

impl fmt::Display for FileEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seq(seq) => seq.fmt(f),
            Self::Named(name) => name.fmt(f),
        }
    }
}

impl From<TypedFile<'_>> for FileEntry {
    fn from(typed: TypedFile<'_>) -> Self {
        match typed {
            TypedFile::Entry(seq) => Self::Seq(seq),
            TypedFile::Named(name) => Self::Named(name.to_owned()),
        }
    }
}

impl Writer {
    /// Stores a transfer, and holds its record. `None`: it cannot be stored.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn add_transfer(
        &mut self,
        room: RoomRow,
        record: &TransferRecord,
    ) -> Result<Option<HeldTransfer>, StorageError> {
        // A path that is not text could not be found again.
        let Some(path) = record.path.to_str() else { return Ok(None) };
        let row = self.write(|transaction| {
            let sql = "INSERT INTO transfers (room, is_upload, name, path, is_folder, size, root, is_hashed)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let TransferRecord { is_upload, name, is_folder, content, .. } = record;
            let (Root(root), size) = content.unwrap_or((Root([0; ROOT_LEN]), 0));
            let values = params![room.0, is_upload, name, path, is_folder, U64AsI64(size), root, content.is_some()];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok::<_, StorageError>(transaction.last_insert_rowid())
        })?;
        Ok(self.hold(row))
    }

    /// The file of an upload is hashed.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn set_transfer_content(&mut self, held: &HeldTransfer, root: Root, size: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE transfers SET root = ?2, size = ?3, is_hashed = 1 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute(params![held.row, root.0, U64AsI64(size)])?;
            Ok::<_, StorageError>(())
        })
    }

    /// Returns the transfers of a room that no process holds, and holds them.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn take_transfers(&mut self, room: RoomRow) -> Result<Vec<(HeldTransfer, TransferRecord)>, StorageError> {
        let sql = "SELECT id FROM transfers WHERE room = ?1 ORDER BY id";
        let rows: Vec<i64> = {
            let mut select = self.connection.prepare_cached(sql)?;
            select.query_map([room.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
        };
        let mut taken = Vec::new();
        for row in rows {
            let Some(held) = self.hold(row) else { continue };
            // Another process may have ended the transfer before it released the lock.
            let sql = "SELECT is_upload, name, path, is_folder, size, root, is_hashed FROM transfers WHERE id = ?1";
            if let Some(record) = self.connection.prepare_cached(sql)?.query_row([row], record_of).optional()? {
                taken.push((held, record));
            }
        }
        Ok(taken)
    }

    /// The transfer has ended.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn remove_transfer(&mut self, held: &HeldTransfer) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached("DELETE FROM transfers WHERE id = ?1")?.execute([held.row])?;
            Ok::<_, StorageError>(())
        })?;
        // The lock is held until the caller has committed.
        let _ = fs::remove_file(&held.lock_path);
        Ok(())
    }

    /// `None`: another process holds it, or there can be no lock.
    fn hold(&self, row: i64) -> Option<HeldTransfer> {
        let (dir, base) = self.place();
        let name = format!("{base}.transfer-{row}.lock");
        match dir.lock(&name) {
            Ok(lock) => Some(HeldTransfer { row, lock_path: dir.join(&name), _lock: lock }),
            Err(LockError::Held(_) | LockError::File(_)) => None,
        }
    }
}

/// Returns the files that transfers in progress send, of all identities. `None`: not known, because
/// a history cannot be read now.
#[must_use]
pub fn upload_paths(dir: &DataDir) -> Option<Vec<PathBuf>> {
    let files = match fs::read_dir(dir.join("history")) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let mut paths = Vec::new();
    for file in files {
        let name = file.ok()?.file_name();
        if let Some(identity) = name.to_str().and_then(|name| name.strip_suffix(".db")) {
            paths.extend(Reader::open(dir, identity).ok()?.upload_paths().ok()?);
        }
    }
    Some(paths)
}

impl Reader {
    fn upload_paths(&self) -> Result<Vec<PathBuf>, StorageError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT path FROM transfers WHERE is_upload")?;
            select.query_map([], |row| Ok(row.get::<_, String>(0)?.into()))?.collect()
        })
    }

    /// Returns the entry of a log that names a file: its seq and its body.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn file_entry(&self, log: LogRow, entry: &FileEntry) -> Result<Option<(u64, Vec<u8>)>, StorageError> {
        let columns = |row: &Row<'_>| Ok((bits(row, 0)?, row.get::<_, Vec<u8>>(1)?));
        const _: () = assert!(EntryKind::FILE.0 == 4);
        self.read(|connection| match entry {
            FileEntry::Seq(seq) => {
                let sql = "SELECT seq, body FROM entries WHERE log = ?1 AND seq = ?2 AND kind = 4 AND omitted IS NULL";
                let Ok(seq) = i64::try_from(*seq) else { return Ok(None) };
                connection.prepare_cached(sql)?.query_row(params![log.0, seq], columns).optional()
            }
            FileEntry::Named(name) => {
                let sql = "SELECT seq, body FROM entries WHERE log = ?1 AND kind = 4 AND omitted IS NULL
                           ORDER BY seq DESC LIMIT ?2";
                let mut select = connection.prepare_cached(sql)?;
                for entry in select.query_map(params![log.0, MAX_SEARCHED], columns)? {
                    let (seq, body) = entry?;
                    if File::decode(&body).is_ok_and(|file| is_named(&file, name)) {
                        return Ok(Some((seq, body)));
                    }
                }
                Ok(None)
            }
        })
    }
}

impl Reader {
    /// Returns the bodies of the last `count` entries of a log that name files, the last one first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn files(&self, log: LogRow, count: usize) -> Result<Vec<Vec<u8>>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT body FROM entries WHERE log = ?1 AND kind = 4 AND omitted IS NULL
                       ORDER BY seq DESC LIMIT ?2";
            let mut select = connection.prepare_cached(sql)?;
            select.query_map(params![log.0, U64AsI64(count as u64)], |row| row.get(0))?.collect()
        })
    }
}

/// Whether a file has this name, as it is displayed.
#[must_use]
pub fn is_named(file: &File<'_>, name: &str) -> bool {
    file.name() == name || clean_line(file.name()) == name
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<TransferRecord> {
    let path: String = row.get(2)?;
    Ok(TransferRecord {
        is_upload: row.get(0)?,
        name: row.get(1)?,
        path: path.into(),
        is_folder: row.get(3)?,
        content: if row.get(6)? { Some((Root(row.get(5)?), bits(row, 4)?)) } else { None },
    })
}
