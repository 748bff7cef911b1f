//! Replaces the history with a backup, and keeps the old files under another name.
//!
//! ```text
//! 1. history.db.new                    a copy of the backup: whole, checked, synchronised
//! 2. history.db.restore-TIME           the same, renamed: from here on the restore is decided
//! 3. history-TIME.db, -wal, -shm       the old files, renamed
//! 4. history.db                        the copy, renamed
//! ```
//! A crash before step 2 leaves the old history. A crash after it leaves a restore that the next
//! start of the server, or the next restore, finishes: each step is durable before the next one,
//! and may be repeated.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::connect::{self, FILE_NAME, NEW, OpenError};
use super::copy::copy_into;
use super::inspect;
use super::mark;
use super::verify::Report;
use crate::store::StoreErrorKind;
use kabar_std::data_dir::{DataDir, FileError, sync_dir};
use kabar_std::sqlite::{beside, error_kind};

/// The name of a pending copy, up to its time.
const READY: &str = "history.db.restore-";
/// The files of a history.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// A finished restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The report on the restored history.
    pub report: Report,
    /// The new path of the old history, if there was one.
    pub kept: Option<PathBuf>,
}

/// The backup was not restored, and the history is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The backup or the history cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The backup is the history itself.
    #[error("{} is the history itself: name a backup of it", .0.display())]
    Same(PathBuf),
    /// The backup is damaged; the problems.
    #[error(
        "{} is damaged ({}) and is not restored: choose another backup",
        .0.display(),
        .1.first().map_or("", String::as_str)
    )]
    Damaged(PathBuf, Vec<String>),
    /// The backup does not contain the room; the rooms that it contains.
    #[error("{} holds another room: choose it with --room: {}", .0.display(), .1.join(", "))]
    OtherRoom(PathBuf, Vec<String>),
    /// A file cannot be written.
    #[error(transparent)]
    File(FileError),
    /// SQLite cannot read the backup or write the history.
    #[error("cannot write {}: {}", .0.display(), .1)]
    Failed(PathBuf, StoreErrorKind),
}

/// Replaces the history in `dir` with the backup `from`, which must be intact and contain `room`.
/// The caller holds the server's lock of the directory.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(dir: &DataDir, from: &Path, room: &str) -> Result<Restored, RestoreError> {
    finish(dir.path()).map_err(RestoreError::File)?;
    let new = dir.join(NEW);
    connect::remove(&new);
    let copied = copy_checked(dir, from, room);
    if copied.is_err() {
        connect::remove(&new);
    }
    let report = copied?;
    let failed =
        |error| RestoreError::File(FileError::new("put a backup in the place of", &dir.join(FILE_NAME))(error));
    let kept = put_in_place(dir.path(), &Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string(), &mut || Ok(()));
    Ok(Restored { report, kept: kept.map_err(failed)? })
}

/// Step 1: creates the copy.
fn copy_checked(dir: &DataDir, from: &Path, room: &str) -> Result<Report, RestoreError> {
    let from = std::path::absolute(from).unwrap_or_else(|_| from.to_path_buf());
    let real = |path: &Path| fs::canonicalize(path).ok();
    if real(&from).is_some() && real(&from) == real(&dir.join(FILE_NAME)) {
        return Err(RestoreError::Same(from));
    }
    let backup = inspect::inspect(&from).map_err(RestoreError::Open)?.connection;
    let report = Report::of(&backup, &from).map_err(RestoreError::Open)?;
    if !report.problems.is_empty() {
        return Err(RestoreError::Damaged(from, report.problems));
    }
    if !report.rooms.is_empty() && !report.rooms.iter().any(|it| it.name == room) {
        return Err(RestoreError::OtherRoom(from, report.rooms.into_iter().map(|room| room.name).collect()));
    }
    let new = dir.join(NEW);
    dir.make_private_file(NEW).map_err(RestoreError::File)?;
    let failed = |error: &rusqlite::Error| RestoreError::Failed(new.clone(), error_kind(error));
    // Needed to write the copy; no transaction changes the backup.
    backup.pragma_update(None, "query_only", false).map_err(|error| failed(&error))?;
    copy_into(&backup, &new)
        .map_err(|error| RestoreError::File(FileError::new("write", &new)(error)))?
        .map_err(|error| failed(&error))?;
    set_new_mark(&new).map_err(|error| failed(&error))?;
    let synced = File::open(&new).and_then(|file| file.sync_all());
    synced.map_err(|error| RestoreError::File(FileError::new("write", &new)(error)))?;
    Ok(report)
}

/// Gives the copy a new mark, so that no existing log belongs to it.
pub(super) fn set_new_mark(path: &Path) -> rusqlite::Result<()> {
    let mut copy = Connection::open(path)?;
    copy.pragma_update(None, "synchronous", "full")?;
    mark::begin(&mut copy)?.commit()?;
    copy.close().map_err(|(_, error)| error)
}

/// Whether there is an unfinished restore after step 2.
pub(super) fn is_pending(dir: &Path) -> bool {
    ready(dir).is_ok_and(|ready| ready.is_some())
}

/// Finishes an interrupted restore, if there is one.
pub(super) fn finish(dir: &Path) -> Result<(), FileError> {
    let finish = || match ready(dir)? {
        Some((_, time)) => swap(dir, &time, &mut || Ok(())).map(|_| ()),
        None => Ok(()),
    };
    finish().map_err(FileError::new("finish the restore of", &dir.join(FILE_NAME)))
}

/// Returns the pending copy and its time.
fn ready(dir: &Path) -> io::Result<Option<(PathBuf, String)>> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(time) = entry.file_name().to_str().and_then(|name| name.strip_prefix(READY)) {
            return Ok(Some((entry.path(), time.to_owned())));
        }
    }
    Ok(None)
}

/// Steps 2 to 4. `step` is called before each change.
fn put_in_place(dir: &Path, time: &str, step: &mut dyn FnMut() -> io::Result<()>) -> io::Result<Option<PathBuf>> {
    let time = unused(dir, time);
    step()?;
    fs::rename(dir.join(NEW), dir.join(format!("{READY}{time}")))?;
    sync_dir(dir)?;
    swap(dir, &time, step)
}

/// Does what is left of steps 3 and 4.
fn swap(dir: &Path, time: &str, step: &mut dyn FnMut() -> io::Result<()>) -> io::Result<Option<PathBuf>> {
    let kept = kept(dir, time);
    for suffix in SUFFIXES {
        step()?;
        let mut to = beside(&kept, suffix);
        if to.exists() {
            // Another file was put there after an interruption.
            to = beside(&self::kept(dir, &unused(dir, time)), suffix);
        }
        match fs::rename(dir.join(format!("{FILE_NAME}{suffix}")), to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
    }
    sync_dir(dir)?;
    step()?;
    fs::rename(dir.join(format!("{READY}{time}")), dir.join(FILE_NAME))?;
    sync_dir(dir)?;
    Ok(SUFFIXES.iter().any(|suffix| beside(&kept, suffix).exists()).then_some(kept))
}

fn kept(dir: &Path, time: &str) -> PathBuf {
    dir.join(format!("history-{time}.db"))
}

/// Returns a time for which no files exist yet.
fn unused(dir: &Path, time: &str) -> String {
    let is_free = |time: &String| SUFFIXES.iter().all(|suffix| !beside(&kept(dir, time), suffix).exists());
    let later = (2..).map(|number| format!("{time}-{number}"));
    std::iter::once(time.to_owned()).chain(later).find(is_free).unwrap_or_else(|| time.to_owned())
}

#[cfg(test)]
mod tests;
