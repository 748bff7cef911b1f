//! Reads a history, with or without a running server.

use std::collections::VecDeque;
use std::path::Path;

use kabar_std::search::Query;
use kabar_std::sqlite::{OpenedFile, U64AsI64};
use rusqlite::{Connection, OptionalExtension, params};

use super::connect::{self, OpenError};
use super::error::unreadable;
use super::{records, search};
use crate::store::{LogEntry, ReadError};

/// Entries read at a time. No transaction is open in between, so that a slow reader disturbs
/// nobody.
const PAGE: i64 = 256;

/// Selects entries.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only entries since this time, in ms since 1970.
    pub since_ms: Option<u64>,
    /// Only the last N matching entries.
    pub last: Option<u64>,
    /// Only texts that match this query.
    pub search: Option<Query>,
}

/// A history opened for reading.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    place: OpenedFile,
}

/// Entries of one room that match a [`Filter`].
#[derive(Debug)]
pub struct Selection {
    room: i64,
    wanted: Wanted,
}

#[derive(Debug)]
enum Wanted {
    /// A range of seqs, without entries older than a time.
    Range { next: i64, end: i64, since_ms: i64 },
    /// These seqs.
    Listed(VecDeque<u64>),
}

impl History {
    /// Opens the history in `dir`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let (connection, place) = connect::beside_server(dir, false)?;
        Ok(Self { connection, place })
    }

    /// Converts an error of reading this history.
    #[must_use]
    pub fn unusable(&self, error: ReadError) -> OpenError {
        OpenError::unusable(self.place.path(), error.0)
    }

    /// Returns the names of all rooms.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn rooms(&self) -> Result<Vec<String>, ReadError> {
        let names = || -> rusqlite::Result<Vec<String>> {
            let mut select = self.connection.prepare("SELECT name FROM rooms ORDER BY name")?;
            select.query_map([], |row| row.get(0))?.collect()
        };
        names().map_err(unreadable)
    }

    /// Finds the entries that match `filter`; `None` if there is no such room.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn find(&self, room: &str, filter: &Filter) -> Result<Option<Selection>, ReadError> {
        self.select(room, filter).map_err(unreadable)
    }

    fn select(&self, room: &str, filter: &Filter) -> rusqlite::Result<Option<Selection>> {
        // One transaction, for a consistent state.
        let moment = self.connection.unchecked_transaction()?;
        let Some((room, head)) = records::room(&moment, room)? else { return Ok(None) };
        let since_ms = filter.since_ms.map_or(i64::MIN, |since| i64::try_from(since).unwrap_or(i64::MAX));
        let wanted = if let Some(query) = &filter.search {
            let last = filter.last.map_or(usize::MAX, |last| usize::try_from(last).unwrap_or(usize::MAX));
            Wanted::Listed(search::find(&moment, room, query, since_ms, last)?.into())
        } else {
            let last = filter.last.map_or(i64::MAX, |last| i64::try_from(last).unwrap_or(i64::MAX));
            let sql = "SELECT min(seq) FROM
                       (SELECT seq FROM entries WHERE room = ?1 AND time_ms >= ?2 ORDER BY seq DESC LIMIT ?3)";
            let first: Option<i64> = moment.query_row(sql, params![room, since_ms, last], |row| row.get(0))?;
            Wanted::Range { next: first.unwrap_or(i64::MAX), end: head.cast_signed(), since_ms }
        };
        Ok(Some(Selection { room, wanted }))
    }

    /// Returns the next entries of a selection; empty at its end.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn next_page(&self, selection: &mut Selection) -> Result<Vec<LogEntry>, ReadError> {
        self.page(selection).map_err(unreadable)
    }

    fn page(&self, selection: &mut Selection) -> rusqlite::Result<Vec<LogEntry>> {
        const COLUMNS: &str = "SELECT seq, time_ms, author, instance, number, kind, body FROM entries WHERE room = ?1";
        let room = selection.room;
        match &mut selection.wanted {
            Wanted::Range { next, end, since_ms } => {
                let sql = format!("{COLUMNS} AND seq BETWEEN ?2 AND ?3 AND time_ms >= ?4 ORDER BY seq LIMIT ?5");
                let mut select = self.connection.prepare_cached(&sql)?;
                let page = select.query_map(params![room, *next, *end, *since_ms, PAGE], records::entry_of)?;
                let page: Vec<LogEntry> = page.collect::<rusqlite::Result<_>>()?;
                *next = page.last().map_or(i64::MAX, |entry| entry.seq.cast_signed().saturating_add(1));
                Ok(page)
            }
            Wanted::Listed(seqs) => {
                let mut select = self.connection.prepare_cached(&format!("{COLUMNS} AND seq = ?2"))?;
                let most = usize::try_from(PAGE).unwrap_or(1);
                let mut page = Vec::new();
                while page.len() < most
                    && let Some(seq) = seqs.pop_front()
                {
                    // Retention may have removed it since.
                    page.extend(select.query_row(params![room, U64AsI64(seq)], records::entry_of).optional()?);
                }
                Ok(page)
            }
        }
    }
}

/// Completes the index of the history in `dir`, unless a server is writing: a busy server does not
/// wait.
pub fn complete_index(dir: &Path) {
    let Ok((mut connection, _)) = connect::beside_server(dir, true) else { return };
    if connection.busy_timeout(core::time::Duration::ZERO).is_ok() {
        while let Ok(true) = search::index_some(&mut connection) {}
    }
}
