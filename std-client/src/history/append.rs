//! Entries into the file: a log begins or continues, entries are appended with the cursor that
//! counts them, and pages of older entries are added.

use kabar_core::chat::{EntryKind, Term};
use kabar_std::sqlite::{U64AsI64, bits};
use kabar_std::text::Content;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{AppendError, StorageError};
use super::removal;
use super::{Beginning, CurrentLog, Cursor, LogRow, NewEntry, RoomRow, Writer, index};

/// Most entries of one call.
pub const MAX_BATCH: usize = 4096;
/// Largest seq and time that are stored.
const LARGEST: u64 = i64::MAX.cast_unsigned();

/// Entries of one log, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The log.
    pub log: LogRow,
    /// The term in which they were received.
    pub term: Term,
    /// The entries.
    pub entries: &'a [NewEntry<'a>],
}

/// Where a log is, in the file.
struct LogState {
    cursor: u64,
    first_kept: u64,
}

impl Writer {
    /// Returns the log of a room to continue, if there is one.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn current(&mut self, room: RoomRow) -> Result<Option<CurrentLog>, StorageError> {
        self.write(|transaction| Ok(current(transaction, room)?))
    }

    /// A room was joined. `from`: the log whose cursor the Join stated, if it stated one. Returns
    /// the log that the entries belong to:
    ///
    /// * The log continues. If it starts after its cursor, the server no longer has the entries
    ///   between (a [`Gap`](super::Gap)).
    /// * `is_reset`, or the first join: a new log begins, unless another process has begun one in
    ///   the same term.
    ///
    /// # Errors
    /// [`AppendError`].
    pub fn begin(
        &mut self,
        room: RoomRow,
        from: Option<LogRow>,
        beginning: Beginning,
    ) -> Result<CurrentLog, AppendError> {
        let Beginning { start, term, is_reset } = beginning;
        if start > LARGEST {
            return Err(AppendError::NotContiguous(start));
        }
        self.write(|transaction| {
            let last = current(transaction, room)?;
            // One without entries may have been dropped by another process.
            let from = match from {
                Some(log) if state(transaction, log)?.is_some() => from,
                _ => None,
            };
            let log = match (from, last) {
                (Some(from), _) if !is_reset => from,
                // Another process was faster.
                (_, Some(CurrentLog { log, cursor, .. })) if Some(log) > from && cursor.term == term => log,
                _ => new_log(transaction, room, last, start, term)?,
            };
            let Some(state) = state(transaction, log)? else { return Err(AppendError::Contradiction(start)) };
            if start >= state.cursor {
                let gap = start > state.cursor;
                let sql = "UPDATE logs SET cursor_seq = ?2, cursor_term = ?3, start_seq = iif(?4, ?2, start_seq),
                           first_kept = ?5 WHERE id = ?1";
                let is_lost = gap && from == Some(log) && !is_reset;
                let first_kept = if is_lost { state.first_kept.max(start.saturating_add(1)) } else { state.first_kept };
                let values = params![log.0, U64AsI64(start), term.0, gap, U64AsI64(first_kept.min(LARGEST))];
                transaction.prepare_cached(sql)?.execute(values)?;
            }
            cursor_of(transaction, log)
        })
    }

    /// Appends entries, with their cursors, in one transaction. In each batch the entries follow
    /// each other, and the first one follows the cursor of its log or is stored already.
    ///
    /// # Errors
    /// [`AppendError`].
    pub fn append(&mut self, batches: &[Batch<'_>]) -> Result<(), AppendError> {
        if batches.iter().fold(0, |sum: usize, batch| sum.saturating_add(batch.entries.len())) > MAX_BATCH {
            return Err(AppendError::TooMany);
        }
        let has_erased = self.write(|transaction| {
            let mut has_erased = false;
            for Batch { log, term, entries } in batches {
                let (Some(first), Some(last)) = (entries.first(), entries.last()) else { continue };
                let state = state(transaction, *log)?;
                let Some(LogState { cursor, .. }) = state else {
                    return Err(AppendError::Contradiction(first.header.seq));
                };
                if first.header.seq > cursor.saturating_add(1) {
                    return Err(AppendError::NotContiguous(first.header.seq));
                }
                has_erased |= insert(transaction, *log, entries)?;
                if last.header.seq > cursor {
                    let sql = "UPDATE logs SET cursor_seq = ?2, cursor_term = ?3 WHERE id = ?1";
                    transaction.prepare_cached(sql)?.execute(params![log.0, U64AsI64(last.header.seq), term.0])?;
                }
            }
            index::index_chunk(transaction)?;
            Ok(has_erased)
        })?;
        if has_erased {
            self.note_removal();
        }
        Ok(())
    }

    /// Adds older entries, which follow each other. `first_kept`: the first entry that the server
    /// still has, if the answer tells it.
    ///
    /// # Errors
    /// [`AppendError`].
    pub fn add_page(
        &mut self,
        log: LogRow,
        entries: &[NewEntry<'_>],
        first_kept: Option<u64>,
    ) -> Result<(), AppendError> {
        if entries.len() > MAX_BATCH {
            return Err(AppendError::TooMany);
        }
        self.write(|transaction| {
            // A log that has ended has nothing more at the server.
            let Some(LogState { cursor, first_kept: known }) = state(transaction, log)? else {
                return Err(AppendError::Contradiction(0));
            };
            if let Some(last) = entries.last().filter(|last| last.header.seq > cursor) {
                return Err(AppendError::NotContiguous(last.header.seq));
            }
            insert(transaction, log, entries)?;
            if let Some(first) = first_kept.filter(|first| *first > known && *first <= cursor.saturating_add(1)) {
                let sql = "UPDATE logs SET first_kept = ?2 WHERE id = ?1";
                transaction.prepare_cached(sql)?.execute(params![log.0, U64AsI64(first.min(LARGEST))])?;
            }
            index::index_chunk(transaction)?;
            Ok(())
        })
    }
}

/// Returns the last log of a room.
fn current(connection: &Connection, room: RoomRow) -> rusqlite::Result<Option<CurrentLog>> {
    let sql = "SELECT max(id), start_seq, cursor_seq, cursor_term FROM logs WHERE room = ?1 GROUP BY room";
    let log = |row: &rusqlite::Row<'_>| {
        let cursor = Cursor { seq: bits(row, 2)?, term: Term(row.get(3)?) };
        Ok(CurrentLog { log: LogRow(row.get(0)?), start: bits(row, 1)?, cursor })
    };
    connection.prepare_cached(sql)?.query_row([room.0], log).optional()
}

/// Adds a log. A last one without entries is dropped, so that resets alone add nothing. The server
/// has nothing of the earlier ones.
fn new_log(
    connection: &Connection,
    room: RoomRow,
    last: Option<CurrentLog>,
    start: u64,
    term: Term,
) -> rusqlite::Result<LogRow> {
    if let Some(CurrentLog { log, .. }) = last {
        let sql = "DELETE FROM logs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM entries WHERE log = ?1)";
        connection.prepare_cached(sql)?.execute([log.0])?;
        let sql = "UPDATE logs SET first_kept = ?2 WHERE room = ?1";
        connection.prepare_cached(sql)?.execute(params![room.0, U64AsI64(LARGEST)])?;
    }
    let sql = "INSERT INTO logs (room, start_seq, cursor_seq, cursor_term) VALUES (?1, ?2, ?2, ?3) RETURNING id";
    connection.prepare_cached(sql)?.query_row(params![room.0, U64AsI64(start), term.0], |row| row.get(0).map(LogRow))
}

/// Returns `None` if there is no such log.
fn state(connection: &Connection, log: LogRow) -> rusqlite::Result<Option<LogState>> {
    let sql = "SELECT cursor_seq, first_kept FROM logs WHERE id = ?1";
    let state = |row: &rusqlite::Row<'_>| Ok(LogState { cursor: bits(row, 0)?, first_kept: bits(row, 1)? });
    connection.prepare_cached(sql)?.query_row([log.0], state).optional()
}

fn cursor_of(connection: &Connection, log: LogRow) -> Result<CurrentLog, AppendError> {
    let sql = "SELECT start_seq, cursor_seq, cursor_term FROM logs WHERE id = ?1";
    let current = |row: &rusqlite::Row<'_>| {
        Ok(CurrentLog { log, start: bits(row, 0)?, cursor: Cursor { seq: bits(row, 1)?, term: Term(row.get(2)?) } })
    };
    Ok(connection.prepare_cached(sql)?.query_row([log.0], current)?)
}

/// Inserts entries that follow each other. Returns whether the body of an entry was erased.
fn insert(connection: &Connection, log: LogRow, entries: &[NewEntry<'_>]) -> Result<bool, AppendError> {
    let mut has_erased = false;
    let mut before: Option<u64> = None;
    for entry in entries {
        let seq = entry.header.seq;
        let follows = before.is_none_or(|before| before.checked_add(1) == Some(seq));
        if !follows || seq == 0 || seq > LARGEST {
            return Err(AppendError::NotContiguous(seq));
        }
        before = Some(seq);
        let is_new = insert_one(connection, log, entry)?;
        if let (true, EntryKind::REMOVAL, Content::Body(body)) = (is_new, entry.header.kind, entry.content) {
            has_erased |= removal::apply(connection, log, body)?;
        }
    }
    Ok(has_erased)
}

/// The stored form of an entry.
struct Row {
    id: i64,
    time_ms: u64,
    author: String,
    instance: u64,
    number: u64,
    kind: EntryKind,
    body: Vec<u8>,
    omitted: Option<u16>,
    attention: i64,
}

/// Returns whether it is new.
fn insert_one(connection: &Connection, log: LogRow, entry: &NewEntry<'_>) -> Result<bool, AppendError> {
    let header = entry.header;
    let time_ms = header.time_ms.min(LARGEST);
    let (mut kind, mut attention) = (header.kind, entry.attention as i64);
    let (mut body, mut omitted) = match entry.content {
        Content::Body(body) => (body, None),
        Content::Omitted(size) => (&[][..], Some(size)),
    };
    let stored = stored(connection, log, header.seq)?;
    if let Some(row) = &stored {
        let is_same = (row.time_ms, row.author.as_str(), row.instance, row.number)
            == (time_ms, header.author, header.instance, header.number);
        let is_removed = row.kind == EntryKind::REMOVED || kind == EntryKind::REMOVED;
        let has_same_body = row.omitted.is_some() || omitted.is_some() || row.body == body;
        if !is_same || !(is_removed || (row.kind == kind && has_same_body)) {
            return Err(AppendError::Contradiction(header.seq));
        }
        if row.kind == EntryKind::REMOVED {
            return Ok(false);
        }
        if kind == EntryKind::REMOVED {
            removal::erase(connection, log, header.seq)?;
            return Ok(false);
        }
        if row.omitted.is_none() || omitted.is_some() {
            // The process that knows the line as its own is right.
            if attention < row.attention {
                let sql = "UPDATE entries SET attention = ?2 WHERE id = ?1";
                connection.prepare_cached(sql)?.execute([row.id, attention])?;
            }
            return Ok(false);
        }
        // The body was not delivered, and now it is. A new row is indexed.
        attention = attention.min(row.attention);
        connection.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([row.id])?;
    }
    if removal::names(connection, log, header.seq, kind)? {
        (kind, body, omitted, attention) = (EntryKind::REMOVED, &[], None, 0);
    }
    let sql = "INSERT INTO entries (log, seq, time_ms, author, instance, number, kind, body, omitted, attention)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        log.0,
        U64AsI64(header.seq),
        U64AsI64(time_ms),
        header.author,
        U64AsI64(header.instance),
        U64AsI64(header.number),
        kind.0,
        body,
        omitted,
        attention,
    ])?;
    Ok(stored.is_none())
}

fn stored(connection: &Connection, log: LogRow, seq: u64) -> rusqlite::Result<Option<Row>> {
    let sql = "SELECT id, time_ms, author, instance, number, kind, body, omitted, attention FROM entries
               WHERE log = ?1 AND seq = ?2";
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Row {
            id: row.get(0)?,
            time_ms: bits(row, 1)?,
            author: row.get(2)?,
            instance: bits(row, 3)?,
            number: bits(row, 4)?,
            kind: EntryKind(row.get(5)?),
            body: row.get(6)?,
            omitted: row.get(7)?,
            attention: row.get(8)?,
        })
    };
    connection.prepare_cached(sql)?.query_row(params![log.0, U64AsI64(seq)], row).optional()
}
