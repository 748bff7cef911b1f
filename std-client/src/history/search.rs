//! The full-text index, and the search in everything that was received.
//!
//! The index holds groups of three characters (trigrams) of the folded texts. It only selects
//! candidates; a comparison with the text decides. So words of fewer than three characters, and
//! texts that are not indexed yet, are found as well. An index of another form than the query's is
//! not used until it is filled again.

use kabar_std::search::{Query, form};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::StorageError;
use super::page::{COLUMNS, MAX_PAGE, entry_of};
use super::{Reader, RoomRow, StoredContent, StoredEntry};

/// Entries indexed in one transaction.
const CHUNK: i64 = 1024;

/// An entry that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its room.
    pub room: RoomRow,
    /// The entry.
    pub entry: StoredEntry,
}

/// Some entries that match, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// The entries.
    pub hits: Vec<Hit>,
    /// Where to continue; `None`: there are no more.
    pub next: Option<SearchMark>,
}

/// The position after which a search continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchMark {
    time_ms: i64,
    id: i64,
}

impl Reader {
    /// Finds texts that match `query`, newest first: up to `limit`, which is at most [`MAX_PAGE`].
    /// `room`: only in this one. `after`: the mark of the page before.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn search(
        &self,
        query: &Query,
        room: Option<RoomRow>,
        after: Option<SearchMark>,
        limit: usize,
    ) -> Result<SearchPage, StorageError> {
        let limit = limit.clamp(1, MAX_PAGE);
        self.read(|connection| {
            let trigrams = query.trigrams().filter(|_| has_form(connection).unwrap_or(false));
            match trigrams.map(|trigrams| find(connection, query, Some(trigrams), room, after, limit)) {
                Some(Ok(found)) => Ok(found),
                // If the index cannot help or is damaged, all texts are compared.
                Some(Err(_)) | None => find(connection, query, None, room, after, limit),
            }
        })
    }
}

fn find(
    connection: &Connection,
    query: &Query,
    trigrams: Option<String>,
    room: Option<RoomRow>,
    after: Option<SearchMark>,
    limit: usize,
) -> rusqlite::Result<SearchPage> {
    const TEXTS: &str = "SELECT id FROM entries WHERE id > ?1 AND kind IN (1, 3, 19) AND omitted IS NULL";
    let scan_from = if trigrams.is_some() { indexed_up_to(connection)? } else { 0 };
    let indexed = if trigrams.is_some() { "UNION ALL SELECT rowid FROM search WHERE search MATCH ?2" } else { "" };
    let sql = format!(
        "WITH candidates (id) AS ({TEXTS} {indexed})
         SELECT entries.id, entries.time_ms, logs.room FROM candidates
         JOIN entries ON entries.id = candidates.id JOIN logs ON logs.id = entries.log
         WHERE (?3 IS NULL OR logs.room = ?3) AND (?4 IS NULL OR (entries.time_ms, entries.id) < (?4, ?5))
           AND ?2 IS ?2
         ORDER BY entries.time_ms DESC, entries.id DESC"
    );
    let mut candidates = connection.prepare_cached(&sql)?;
    let mut entry = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE id = ?1"))?;
    let (time_ms, id) = after.map(|mark| (mark.time_ms, mark.id)).unzip();
    let mut rows = candidates.query(params![scan_from, trigrams, room.map(|room| room.0), time_ms, id])?;
    let (mut hits, mut next): (Vec<Hit>, Option<SearchMark>) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let (id, time_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
        let entry = entry.query_row([id], entry_of)?;
        let StoredContent::Body(body) = &entry.content else { continue };
        if !query.matches(&String::from_utf8_lossy(body)) {
            continue;
        }
        if hits.len() == limit {
            return Ok(SearchPage { hits, next });
        }
        next = Some(SearchMark { time_ms, id });
        hits.push(Hit { room: RoomRow(row.get(2)?), entry });
    }
    Ok(SearchPage { hits, next: None })
}

/// Indexes some texts, within a transaction; returns whether more are left.
pub(super) fn index_chunk(connection: &Connection) -> rusqlite::Result<bool> {
    if !has_form(connection)? {
        empty(connection)?;
    }
    let from = indexed_up_to(connection)?;
    let sql = "SELECT id FROM entries WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2";
    let last_of_chunk =
        connection.prepare_cached(sql)?.query_row([from, CHUNK - 1], |row| row.get::<_, i64>(0)).optional()?;
    let to = match last_of_chunk {
        Some(to) => to,
        None => connection.query_row("SELECT coalesce(max(id), 0) FROM entries", [], |row| row.get(0))?,
    };
    if to > from {
        connection.prepare_cached("UPDATE indexed SET up_to = ?1")?.execute([to])?;
        let sql = "INSERT INTO search (rowid, body) SELECT id, body FROM texts WHERE id > ?1";
        connection.prepare_cached(sql)?.execute([from])?;
    }
    Ok(last_of_chunk.is_some())
}

/// Removes the text of an entry from the index, so that no trace of it is left, before the entry
/// changes.
pub(super) fn remove(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    if !has_form(connection)? {
        // It was made by another version, and is filled again anyway.
        return empty(connection);
    }
    let is_indexed = "SELECT EXISTS (SELECT 1 FROM entries WHERE id = ?1 AND kind IN (1, 3, 19) AND omitted IS NULL
                      AND id <= (SELECT up_to FROM indexed))";
    if !connection.prepare_cached(is_indexed)?.query_row([id], |row| row.get(0))? {
        return Ok(());
    }
    let set = |is_secure: bool| {
        // The entries of deleted texts are usually left until parts of the index are merged.
        let sql = "INSERT INTO search (search, rank) VALUES ('secure-delete', ?1)";
        connection.prepare_cached(sql)?.execute([is_secure]).map(|_| ())
    };
    let delete = || {
        set(true)?;
        let sql = "INSERT INTO search (search, rowid, body)
                   SELECT 'delete', id, kabar_fold(body) FROM entries WHERE id = ?1";
        connection.prepare_cached(sql)?.execute([id])?;
        set(false)
    };
    // An index that cannot be changed is damaged, and is filled again.
    delete().or_else(|_| empty(connection))
}

fn empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO search (search) VALUES ('delete-all')", [])?;
    connection.execute("UPDATE indexed SET up_to = 0, form = ?1", [form()]).map(|_| ())
}

fn has_form(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT form = ?1 FROM indexed")?.query_row([form()], |row| row.get(0))
}

fn indexed_up_to(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT up_to FROM indexed")?.query_row([], |row| row.get(0))
}
