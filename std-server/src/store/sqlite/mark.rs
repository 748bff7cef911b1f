//! Ties a write-ahead log to its history. SQLite replays any log next to a file, also one of
//! another file: a backup that was copied over the history of a killed server would be overwritten
//! by the log that is still there.
//!
//! Every transaction writes a random mark and the mark before it. A log belongs to a file if the
//! mark in the file (without the log) is one of those in the log, or the one before the first of
//! them: a log is reused only when all of it is in the file.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

/// A mark.
pub(super) type Mark = [u8; 8];

/// The mark before the first one.
const NONE: Mark = [0; 8];

/// Length in bytes of the header of a log, and of a frame (SQLite's file format).
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The place and value of a file's mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    /// The page.
    pub(super) page: u32,
    /// `None` if it is not read.
    pub(super) mark: Option<Mark>,
}

/// The committed part of a write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    /// Pages in it.
    pub(super) frames: u64,
    /// Whether it contains marks.
    pub(super) has_marks: bool,
    /// Whether the file's mark is among them.
    pub(super) follows: bool,
    /// Whether the first mark of the history is among them.
    pub(super) begins: bool,
}

/// Begins a transaction that writes, and marks it. Every write begins here.
pub(super) fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if page(&transaction)?.is_some() {
        transaction.prepare_cached("UPDATE mark SET before = this, this = randomblob(8)")?.execute([])?;
    }
    Ok(transaction)
}

/// Returns the page with the mark, if there is one.
pub(super) fn page(connection: &Connection) -> rusqlite::Result<Option<u32>> {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'mark' AND type = 'table'";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()
}

/// Returns the mark, if there is one.
pub(super) fn find(connection: &Connection) -> rusqlite::Result<Option<Marked>> {
    let Some(page) = page(connection)? else { return Ok(None) };
    let mark = connection.query_row("SELECT this FROM mark", [], |row| row.get(0)).optional()?;
    Ok(Some(Marked { page, mark }))
}

/// Reads the log at `path`. A missing log, or one that SQLite would ignore, is empty.
pub(super) fn read_log(path: &Path, marked: Option<Marked>) -> io::Result<Log> {
    let mut log = Log::default();
    let mut from = match File::open(path) {
        Ok(file) => BufReader::with_capacity(1 << 16, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(log),
        Err(error) => return Err(error),
    };
    let mut header = [0; LOG_HEADER];
    if !is_filled(&mut from, &mut header)? {
        return Ok(log);
    }
    let magic = word(&header, 0);
    let order = if magic & 1 == 1 { u32::from_be_bytes } else { u32::from_le_bytes };
    let page_len = match word(&header, 8) {
        len @ 512..=65_536 if len.is_power_of_two() => usize::try_from(len).unwrap_or(0),
        _ => return Ok(log),
    };
    let mut sum = checksum(order, (0, 0), &header[..24]);
    if magic & !1 != 0x377f_0682 || sum != (word(&header, 24), word(&header, 28)) {
        return Ok(log);
    }
    let (mut frame, mut body) = ([0; FRAME_HEADER], vec![0; page_len]);
    let mut sight = log;
    // Reads frames up to the first invalid one; those of a transaction count when its last one is
    // valid.
    while is_filled(&mut from, &mut frame)? && is_filled(&mut from, &mut body)? {
        sum = checksum(order, checksum(order, sum, &frame[..8]), &body);
        let is_of_log = frame[8..16] == header[16..24];
        if !is_of_log || word(&frame, 0) == 0 || sum != (word(&frame, 16), word(&frame, 20)) {
            break;
        }
        sight.frames += 1;
        if let Some(Marked { page, mark }) = marked
            && word(&frame, 0) == page
            && let Some((this, before)) = mark_of(&body)
        {
            sight.follows |= mark.is_some_and(|mark| mark == this || (!sight.has_marks && mark == before));
            sight.begins |= before == NONE;
            sight.has_marks = true;
        }
        if word(&frame, 4) != 0 {
            log = sight;
        }
    }
    Ok(log)
}

/// Reads the mark and the one before it from the page: the only row of a table of one page.
fn mark_of(page: &[u8]) -> Option<(Mark, Mark)> {
    // A leaf with one cell; the cell: length, key 0, and a record of NULL (for the key) and two
    // blobs of eight bytes.
    const LEAF: u8 = 0x0d;
    const CELL: [u8; 6] = [20, 0, 4, 0, 28, 28];
    if page.first() != Some(&LEAF) || page.get(3..5) != Some(&[0, 1]) {
        return None;
    }
    let at = usize::from(u16::from_be_bytes(page.get(8..10)?.try_into().ok()?));
    let cell = page.get(at..)?.strip_prefix(&CELL)?;
    Some((cell.get(..8)?.try_into().ok()?, cell.get(8..16)?.try_into().ok()?))
}

/// SQLite's checksum of a log, over eight bytes at a time.
fn checksum(order: fn([u8; 4]) -> u32, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    for pair in bytes.as_chunks::<4>().0.chunks_exact(2) {
        a = a.wrapping_add(order(pair[0])).wrapping_add(b);
        b = b.wrapping_add(order(pair[1])).wrapping_add(a);
    }
    (a, b)
}

/// Decodes a number of four bytes.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// Fills a buffer; returns whether there were enough bytes.
fn is_filled(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
