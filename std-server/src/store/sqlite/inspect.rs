//! Inspects a history before anything is written: whether the file is a history of a known version,
//! and whether the write-ahead log next to it belongs to it. Nothing on the disk changes: a start
//! that is refused leaves all files as they were.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::connect::{OpenError, identify, prepare, settle, unusable};
use super::mark::{self, Log};
use crate::store::StoreErrorKind;
use kabar_std::sqlite::{beside, of_io};

/// Attempts before a failure counts, while another process writes the files.
const ATTEMPTS: u32 = 5;
/// The time between attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// The start of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The result of an inspection.
#[derive(Debug)]
pub(super) struct Inspected {
    /// A connection that writes nothing, even when it is closed.
    pub(super) connection: Connection,
    /// Whether the write-ahead log has content.
    pub(super) has_log: bool,
}

/// Inspects the history at `path`.
pub(super) fn inspect(path: &Path) -> Result<Inspected, OpenError> {
    retry_while_changing(path, inspect_once)
}

/// As [`inspect`], for a caller that opens another connection afterwards.
pub(super) fn inspect_log(path: &Path) -> Result<(), OpenError> {
    retry_while_changing(path, |path| {
        check_file(path)?;
        match judge(path)? {
            Verdict::Empty(_) | Verdict::Own => Ok(()),
            Verdict::Unproven(alone) => prove(path, &alone).map(|_| ()),
        }
    })
}

fn retry_while_changing<T>(path: &Path, inspect: impl Fn(&Path) -> Result<T, OpenError>) -> Result<T, OpenError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let before = stamps(path);
        match inspect(path) {
            Err(_) if attempts < ATTEMPTS && stamps(path) != before => std::thread::sleep(PAUSE),
            result => return result,
        }
    }
}

/// A value that changes when another process writes.
fn stamps(path: &Path) -> [Option<(u64, SystemTime)>; 2] {
    ["", "-wal"].map(|suffix| {
        let file = fs::metadata(beside(path, suffix)).ok()?;
        Some((file.len(), file.modified().ok()?))
    })
}

fn inspect_once(path: &Path) -> Result<Inspected, OpenError> {
    check_file(path)?;
    let (connection, has_log) = match judge(path)? {
        Verdict::Empty(alone) => (alone, false),
        Verdict::Own => (open_with_log(path)?, true),
        Verdict::Unproven(alone) => (prove(path, &alone)?, true),
    };
    identify(&connection, path)?;
    Ok(Inspected { connection, has_log })
}

/// Checks the start of the file, without SQLite.
fn check_file(path: &Path) -> Result<(), OpenError> {
    let missing = || OpenError::Missing(path.to_path_buf());
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => missing(),
        _ => OpenError::unusable(path, of_io(error)),
    };
    if fs::metadata(path).map_err(|error| failed(&error))?.is_dir() {
        return Err(OpenError::Directory(path.to_path_buf()));
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start));
    read.map_err(|error| failed(&error))?;
    match start.as_slice() {
        [] => Err(OpenError::Empty(path.to_path_buf())),
        start if start == MAGIC => Ok(()),
        _ => Err(OpenError::unusable(path, StoreErrorKind::Damaged)),
    }
}

/// The owner of a log.
enum Verdict {
    /// The log is empty. The connection reads the file alone.
    Empty(Connection),
    /// The log belongs to the file.
    Own,
    /// Unknown, because there are no marks.
    Unproven(Connection),
}

fn judge(path: &Path) -> Result<Verdict, OpenError> {
    let alone = open_alone(path)?;
    // An interrupted checkpoint leaves a file that is complete only together with its log.
    let marked = mark::find(&alone).ok().flatten();
    let log = read_log(path, marked)?;
    Ok(match log {
        Log { frames: 0, .. } => Verdict::Empty(alone),
        Log { has_marks: true, follows: true, .. } => Verdict::Own,
        Log { has_marks: true, .. } => return Err(OpenError::ForeignLog(path.to_path_buf())),
        Log { .. } => Verdict::Unproven(alone),
    })
}

/// Reads file and log together; they must be consistent.
fn prove(path: &Path, alone: &Connection) -> Result<Connection, OpenError> {
    let foreign = || OpenError::ForeignLog(path.to_path_buf());
    // With the log of another file, not even the schema may be readable.
    let together = match open_with_log(path) {
        Err(OpenError::Unusable(_, StoreErrorKind::Damaged)) if is_sound(alone) => return Err(foreign()),
        together => together?,
    };
    if !is_sound(&together) {
        return Err(if is_sound(alone) { foreign() } else { OpenError::unusable(path, StoreErrorKind::Damaged) });
    }
    let page = settle(&together, path, mark::page)?;
    if let Some(page) = page
        && let Ok(own) = mark::find(alone)
    {
        // A log that has every page of another history is consistent, too.
        let mark = own.and_then(|own| own.mark);
        let log = read_log(path, Some(mark::Marked { page, mark }))?;
        let is_own = if mark.is_some() { log.follows } else { log.begins };
        if log.has_marks && !is_own {
            return Err(foreign());
        }
    }
    Ok(together)
}

/// Whether the database is consistent. The search index does not count, because it can be rebuilt.
pub(super) fn is_sound(connection: &Connection) -> bool {
    let problems = || -> rusqlite::Result<Vec<String>> {
        connection.prepare("PRAGMA integrity_check")?.query_map([], |row| row.get(0))?.collect()
    };
    problems().is_ok_and(|lines| lines.iter().all(|line| line == "ok" || is_of_index(line)))
}

/// Whether a line of an integrity check is about the search index.
pub(super) fn is_of_index(line: &str) -> bool {
    line.contains("FTS5 table") || line.starts_with("fts5")
}

fn read_log(path: &Path, marked: Option<mark::Marked>) -> Result<Log, OpenError> {
    let log = beside(path, "-wal");
    mark::read_log(&log, marked).map_err(|error| OpenError::unusable(path, of_io(&error)))
}

/// Opens the file without its log and without a lock.
fn open_alone(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(path), flags).map_err(|error| unusable(path, &error))?;
    settle(&connection, path, prepare)?;
    Ok(connection)
}

/// Opens the file and its log, and keeps the log's index in memory.
fn open_with_log(path: &Path) -> Result<Connection, OpenError> {
    // Only a process that may write can lock.
    let writable = OpenOptions::new().read(true).write(true).open(path);
    writable.map_err(|error| OpenError::unusable(path, of_io(&error)))?;
    let open = |access| {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        prepare(&connection)?;
        Ok(connection)
    };
    let alone = || -> rusqlite::Result<Connection> {
        let connection = open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection.pragma_update(None, "query_only", true)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    match alone().map_err(|error| unusable(path, &error)) {
        // A process that has the history open has read the log already; another reader changes
        // nothing.
        Err(OpenError::Unusable(_, StoreErrorKind::Locked)) => {
            open(OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error: rusqlite::Error| unusable(path, &error))
        }
        opened => opened,
    }
}

/// Returns the path as a URI that declares the file immutable.
#[cfg(unix)]
fn uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

#[cfg(not(unix))]
fn uri(path: &Path) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    format!("file:///{}?immutable=1", path.replace('%', "%25").replace('?', "%3F").replace('#', "%23"))
}
