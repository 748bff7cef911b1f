//! Removed entries (SPEC 6.4): the body is erased from the table and from the full-text index, and
//! stays away when another copy of the entry arrives.

use kabar_core::chat::EntryKind;
use kabar_std::sqlite::{U64AsI64, bits};
use kabar_std::text::removed_seq;
use rusqlite::{Connection, OptionalExtension, params};

use super::{LogRow, index};

/// Applies the removal with this body. Returns whether a body was erased.
pub(super) fn apply(connection: &Connection, log: LogRow, body: &[u8]) -> rusqlite::Result<bool> {
    let Some(seq) = removed_seq(body) else { return Ok(false) };
    let sql = "SELECT kind FROM entries WHERE log = ?1 AND seq = ?2";
    let kind = connection
        .prepare_cached(sql)?
        .query_row(params![log.0, U64AsI64(seq)], |row| row.get(0).map(EntryKind))
        .optional()?;
    if !kind.is_some_and(is_removable) {
        return Ok(false);
    }
    erase(connection, log, seq)?;
    Ok(true)
}

/// Whether a stored removal names the entry, which is of this kind.
pub(super) fn names(connection: &Connection, log: LogRow, seq: u64, kind: EntryKind) -> rusqlite::Result<bool> {
    if !is_removable(kind) {
        return Ok(false);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE log = ?1 AND body = ?2 AND kind = 21)";
    connection.prepare_cached(sql)?.query_row(params![log.0, seq.to_be_bytes()], |row| row.get(0))
}

/// Erases the body of an entry.
pub(super) fn erase(connection: &Connection, log: LogRow, seq: u64) -> rusqlite::Result<()> {
    let place = params![log.0, U64AsI64(seq)];
    let select = "SELECT id FROM entries WHERE log = ?1 AND seq = ?2";
    let id = connection.prepare_cached(select)?.query_row(place, |row| bits(row, 0))?;
    index::remove(connection, id.cast_signed())?;
    let sql = "UPDATE entries SET kind = ?3, body = x'', omitted = NULL, attention = 0 WHERE log = ?1 AND seq = ?2";
    connection.prepare_cached(sql)?.execute(params![log.0, U64AsI64(seq), EntryKind::REMOVED.0]).map(|_| ())
}

fn is_removable(kind: EntryKind) -> bool {
    kind.is_postable() || kind == EntryKind::OPERATOR
}
