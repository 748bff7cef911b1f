//! The full-text index, and finding entries by a [`Query`].
//!
//! The index holds groups of three characters (trigrams) of the folded texts; it is filled in the
//! background, never by a commit. The index only selects candidates, and a comparison with the text
//! decides. Therefore any query is valid, and texts that are not indexed yet, and words of fewer
//! than three characters, are found as well. An index with another form than the query's, or one
//! that has lost texts, is not used until it is rebuilt.

use core::ops::{ControlFlow, RangeInclusive};

use kabar_core::chat::EntryKind;
use kabar_std::search::{Query, form};
use kabar_std::sqlite::{U64AsI64, bits};
use rusqlite::{Connection, OptionalExtension, params};

use super::mark;

/// Texts and bytes indexed in one transaction, which is as long as a commit may have to wait.
const SOME_ENTRIES: i64 = 256;
const SOME_BYTES: i64 = 32 << 10;

/// Indexes some texts; returns `false` if all are indexed.
pub(super) fn index_some(connection: &mut Connection) -> rusqlite::Result<bool> {
    let has_form = has_form(connection)?;
    if has_form && next_chunk(connection)?.is_none() {
        return Ok(false);
    }
    let transaction = mark::begin(connection)?;
    if !has_form {
        empty(&transaction)?;
    }
    // Another process may have been faster.
    if let Some((from, to)) = next_chunk(&transaction)? {
        transaction.prepare_cached("UPDATE indexed SET up_to = ?1")?.execute([to])?;
        let sql = "INSERT INTO search (rowid, body) SELECT id, body FROM texts WHERE id > ?1";
        let texts = i64::try_from(transaction.prepare_cached(sql)?.execute([from])?).unwrap_or(i64::MAX);
        transaction.prepare_cached("UPDATE indexed SET texts = texts + ?1")?.execute([texts])?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Removes the texts of a room's entries from the index before the entries change. `is_secure`: no
/// trace of them is left in the index.
pub(super) fn remove(
    connection: &Connection,
    room: i64,
    seqs: RangeInclusive<u64>,
    is_secure: bool,
) -> rusqlite::Result<()> {
    if !has_form(connection)? {
        // It is not used, and is emptied before it is filled again. That it holds these texts until
        // then is not enough for a removal.
        return if is_secure { empty(connection) } else { Ok(()) };
    }
    // An index that cannot be changed is damaged, and is rebuilt.
    if is_whole(connection)? && try_remove(connection, room, &seqs, is_secure).is_ok() {
        return Ok(());
    }
    empty(connection)
}

fn try_remove(connection: &Connection, room: i64, seqs: &RangeInclusive<u64>, is_secure: bool) -> rusqlite::Result<()> {
    const TEXTS: &str = "FROM entries CROSS JOIN texts USING (id) WHERE room = ?1 AND seq BETWEEN ?2 AND ?3";
    let place = params![room, U64AsI64(*seqs.start()), U64AsI64(*seqs.end())];
    let set = |is_secure: bool| {
        // The entries of deleted texts are usually left until parts of the index are merged.
        let sql = "INSERT INTO search (search, rank) VALUES ('secure-delete', ?1)";
        connection.prepare_cached(sql)?.execute([is_secure]).map(|_| ())
    };
    let count: i64 =
        connection.prepare_cached(&format!("SELECT count(*) {TEXTS}"))?.query_row(place, |row| row.get(0))?;
    if count == 0 {
        return Ok(());
    }
    if is_secure {
        set(true)?;
    }
    let sql = format!("INSERT INTO search (search, rowid, body) SELECT 'delete', id, texts.body {TEXTS}");
    connection.prepare_cached(&sql)?.execute(place)?;
    if is_secure {
        set(false)?;
    }
    connection.prepare_cached("UPDATE indexed SET texts = texts - ?1")?.execute([count]).map(|_| ())
}

/// Empties an index that has lost texts, so that it is rebuilt.
pub(super) fn empty_if_not_whole(connection: &mut Connection) -> rusqlite::Result<()> {
    if is_whole(connection)? {
        return Ok(());
    }
    let transaction = mark::begin(connection)?;
    empty(&transaction)?;
    transaction.commit()
}

fn empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')", [])?;
    connection.execute("UPDATE indexed SET up_to = 0, texts = 0, form = ?1", [form()]).map(|_| ())
}

/// Whether the index has the same form as queries.
pub(super) fn has_form(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT form = ?1 FROM indexed")?.query_row([form()], |row| row.get(0))
}

/// Whether the index has the number of texts that were added.
fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT texts = (SELECT count(*) FROM search_docsize) FROM indexed";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

fn indexed_up_to(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT up_to FROM indexed")?.query_row([], |row| row.get(0))
}

/// Returns the last indexed row, and the row up to which to index next.
fn next_chunk(connection: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    let from = indexed_up_to(connection)?;
    let mut select =
        connection.prepare_cached("SELECT id, length(body) FROM entries WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut rows = select.query([from, SOME_ENTRIES])?;
    let (mut to, mut bytes) = (None, 0);
    while bytes < SOME_BYTES
        && let Some(row) = rows.next()?
    {
        to = Some(row.get(0)?);
        bytes += row.get::<_, i64>(1)?;
    }
    Ok(to.map(|to| (from, to)))
}

/// Returns the number of entries that are not indexed yet.
pub(super) fn waiting(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM entries WHERE id > (SELECT iif(form = ?1, up_to, 0) FROM indexed)";
    connection.query_row(sql, [form()], |row| bits(row, 0))
}

/// Returns the seqs of a room's matching entries, oldest first; if there are more than `last`, the
/// last ones.
pub(super) fn find(
    connection: &Connection,
    room: i64,
    query: &Query,
    since_ms: i64,
    last: usize,
) -> rusqlite::Result<Vec<u64>> {
    let look = |trigrams| look_through(connection, room, query, trigrams, since_ms, last);
    let trigrams = query.trigrams().filter(|_| can_answer(connection));
    match trigrams.map(|trigrams| look(Some(trigrams))) {
        Some(Ok(found)) => Ok(found),
        // If the index cannot help or is damaged, all texts are compared.
        Some(Err(_)) | None => look(None),
    }
}

fn can_answer(connection: &Connection) -> bool {
    matches!((has_form(connection), is_whole(connection)), (Ok(true), Ok(true)))
}

fn look_through(
    connection: &Connection,
    room: i64,
    query: &Query,
    trigrams: Option<String>,
    since_ms: i64,
    last: usize,
) -> rusqlite::Result<Vec<u64>> {
    let mut found = Vec::new();
    let mut look = |seq: u64, body: &[u8]| {
        if found.len() < last && query.matches(&String::from_utf8_lossy(body)) {
            found.push(seq);
        }
        if found.len() < last { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // Newest first: the entries without index, then the indexed ones.
    let scan_from = if trigrams.is_some() { indexed_up_to(connection)? } else { 0 };
    let sql = "SELECT seq, body, kind FROM entries WHERE id > ?1 AND room = ?2 AND time_ms >= ?3 ORDER BY id DESC";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query(params![scan_from, room, since_ms])?;
    while let Some(row) = rows.next()? {
        if EntryKind(row.get(2)?).is_text() && look(bits(row, 0)?, row.get_ref(1)?.as_blob()?).is_break() {
            break;
        }
    }
    if let Some(trigrams) = trigrams {
        let sql = "SELECT seq, entries.body FROM search JOIN entries ON entries.id = search.rowid
                   WHERE search MATCH ?1 AND room = ?2 AND time_ms >= ?3 ORDER BY search.rowid DESC";
        let mut select = connection.prepare(sql)?;
        let mut rows = select.query(params![trigrams, room, since_ms])?;
        while let Some(row) = rows.next()? {
            if look(bits(row, 0)?, row.get_ref(1)?.as_blob()?).is_break() {
                break;
            }
        }
    }
    found.reverse();
    Ok(found)
}

/// Whether the index contains exactly the texts that it should.
pub(super) fn is_complete(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT NOT EXISTS (SELECT id FROM texts EXCEPT SELECT id FROM search_docsize)
               AND NOT EXISTS (SELECT id FROM search_docsize EXCEPT SELECT id FROM texts)";
    connection.query_row(sql, [], |row| row.get::<_, Option<bool>>(0)).optional().map(|is| is.flatten() == Some(true))
}
