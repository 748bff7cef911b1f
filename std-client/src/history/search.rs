//! The search in everything that was received.
//!
//! The full-text index only selects candidates; a comparison with the text decides. So words of
//! fewer than three characters, and texts that are not indexed yet, are found as well.

use kabar_std::search::Query;
use rusqlite::{Connection, params};

use super::error::StorageError;
use super::index::{has_form, indexed_up_to};
use super::page::{COLUMNS, MAX_PAGE, entry_of};
use super::{Reader, RoomRow, StoredContent, StoredEntry};

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
