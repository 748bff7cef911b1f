//! Pages of a room's history: before, after or around a place, or from a time. They go through the
//! logs of the room in their order, and name the ranges that are not stored.

use kabar_core::chat::EntryKind;
use kabar_std::sqlite::{U64AsI64, bits};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StorageError;
use super::{Attention, LogRow, Place, Reader, RoomRow, StoredContent, StoredEntry};

/// Most entries of a page.
pub const MAX_PAGE: usize = 1000;

/// Columns for [`entry_of`].
pub(super) const COLUMNS: &str = "entries.log, entries.seq, entries.time_ms, entries.author, entries.instance,
    entries.number, entries.kind, entries.body, entries.omitted, entries.attention";

/// Where a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The last entries.
    Last,
    /// Entries before this place.
    Before(Place),
    /// Entries after this place.
    After(Place),
    /// Entries from this place on.
    At(Place),
    /// Half of the entries before this place, and the others from it on.
    Around(Place),
    /// Entries from the first one of this time or later, in ms since 1970. Exact as long as the
    /// server's clock did not go back.
    Time(u64),
}

/// A part of a room's history, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Entries, and the ranges between them that are not stored.
    pub items: Vec<PageItem>,
    /// Whether there are earlier entries in the file.
    pub has_earlier: bool,
    /// Whether there are later entries in the file.
    pub has_later: bool,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageItem {
    /// An entry.
    Entry(StoredEntry),
    /// Entries that are not stored.
    Gap(Gap),
}

/// A range of entries that are not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The log.
    pub log: LogRow,
    /// The first one.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The first entry that the server still has, as far as is known.
    pub first_kept: u64,
}

impl Gap {
    /// The part of it that the server may still have: its first and last entry.
    #[must_use]
    pub fn fetchable(&self) -> Option<(u64, u64)> {
        let first = self.first.max(self.first_kept);
        (first <= self.last).then_some((first, self.last))
    }
}

impl Page {
    /// Its entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &StoredEntry> {
        self.items.iter().filter_map(|item| if let PageItem::Entry(entry) = item { Some(entry) } else { None })
    }
}

/// A log that is being read.
#[derive(Clone, Copy)]
struct Log {
    row: LogRow,
    cursor: u64,
    first_kept: u64,
}

impl Reader {
    /// Returns a page of up to `limit` entries, which is at most [`MAX_PAGE`]. Each entry comes
    /// with the gap before it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn page(&self, room: RoomRow, anchor: Anchor, limit: usize) -> Result<Page, StorageError> {
        let limit = limit.clamp(1, MAX_PAGE);
        self.read(|connection| {
            let logs = logs(connection, room)?;
            match anchor {
                Anchor::Last => down(connection, &logs, None, limit),
                Anchor::Before(place) => down(connection, &logs, Some(place), limit),
                Anchor::After(place) => up(connection, &logs, after(place), limit),
                Anchor::At(place) => up(connection, &logs, place, limit),
                Anchor::Around(place) => around(connection, &logs, place, limit),
                Anchor::Time(time_ms) => match at_time(connection, &logs, time_ms)? {
                    Some(place) => up(connection, &logs, place, limit),
                    None => {
                        let last = down(connection, &logs, None, 1)?;
                        Ok(Page { items: Vec::new(), has_earlier: !last.items.is_empty(), has_later: false })
                    }
                },
            }
        })
    }

    /// Returns an entry, if it is stored.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn entry(&self, place: Place) -> Result<Option<StoredEntry>, StorageError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM entries WHERE log = ?1 AND seq = ?2");
            let mut select = connection.prepare_cached(&sql)?;
            select.query_row(params![place.log.0, U64AsI64(limited(place.seq))], entry_of).optional()
        })
    }
}

fn around(connection: &Connection, logs: &[Log], place: Place, limit: usize) -> rusqlite::Result<Page> {
    let mut page = up(connection, logs, place, limit.div_ceil(2))?;
    let above = page.entries().count();
    let below = down(connection, logs, Some(place), limit.saturating_sub(above).max(1))?;
    page.items.splice(..0, below.items);
    page.has_earlier = below.has_earlier;
    Ok(page)
}

/// Entries before `place`, or the last ones.
fn down(connection: &Connection, logs: &[Log], place: Option<Place>, limit: usize) -> rusqlite::Result<Page> {
    let sql = format!("SELECT {COLUMNS} FROM entries WHERE log = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
    let mut select = connection.prepare_cached(&sql)?;
    let (mut items, mut count) = (Vec::new(), 0);
    let mut page = Page { has_later: place.is_some(), ..Page::default() };
    for log in logs.iter().rev().filter(|log| place.is_none_or(|place| log.row <= place.log)) {
        let bound = place.filter(|place| place.log == log.row).map(|place| place.seq);
        let mut above = if bound.is_some() { None } else { Some(log.cursor.saturating_add(1)) };
        // One more, to find the gap before the first one.
        let wanted = i64::try_from(limit.saturating_sub(count).saturating_add(1)).unwrap_or(i64::MAX);
        let bound = U64AsI64(limited(bound.unwrap_or(u64::MAX)));
        let mut rows = select.query(params![log.row.0, bound, wanted])?;
        loop {
            let entry = rows.next()?.map(entry_of).transpose()?;
            let below = entry.as_ref().map_or(0, |entry| entry.place.seq);
            items.extend(above.and_then(|above| gap_between(*log, below, above)).map(PageItem::Gap));
            let Some(entry) = entry else { break };
            if count == limit {
                page.has_earlier = true;
                page.items = items.into_iter().rev().collect();
                return Ok(page);
            }
            count += 1;
            above = Some(below);
            items.push(PageItem::Entry(entry));
        }
    }
    page.items = items.into_iter().rev().collect();
    Ok(page)
}

/// Entries from `place` on.
fn up(connection: &Connection, logs: &[Log], place: Place, limit: usize) -> rusqlite::Result<Page> {
    let sql = format!("SELECT {COLUMNS} FROM entries WHERE log = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3");
    let mut select = connection.prepare_cached(&sql)?;
    let mut page = Page { has_earlier: has_before(connection, logs, place)?, ..Page::default() };
    let mut count = 0;
    for log in logs.iter().filter(|log| log.row >= place.log) {
        let from = if log.row == place.log { limited(place.seq) } else { 0 };
        let sql = "SELECT coalesce(max(seq), 0) FROM entries WHERE log = ?1 AND seq < ?2";
        let mut below =
            connection.prepare_cached(sql)?.query_row(params![log.row.0, U64AsI64(from)], |row| bits(row, 0))?;
        let wanted = i64::try_from(limit.saturating_sub(count).saturating_add(1)).unwrap_or(i64::MAX);
        let mut rows = select.query(params![log.row.0, U64AsI64(from), wanted])?;
        let mut is_empty = true;
        while let Some(row) = rows.next()? {
            let entry = entry_of(row)?;
            if count == limit {
                page.has_later = true;
                return Ok(page);
            }
            (count, is_empty) = (count + 1, false);
            page.items.extend(gap_between(*log, below, entry.place.seq).map(PageItem::Gap));
            below = entry.place.seq;
            page.items.push(PageItem::Entry(entry));
        }
        // The end of a log is reported with its last entry, once.
        if !is_empty || log.row != place.log {
            page.items.extend(gap_between(*log, below, log.cursor.saturating_add(1)).map(PageItem::Gap));
        }
    }
    Ok(page)
}

fn has_before(connection: &Connection, logs: &[Log], place: Place) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE log = ?1 AND seq < ?2)";
    let mut select = connection.prepare_cached(sql)?;
    for log in logs.iter().rev().filter(|log| log.row <= place.log) {
        let bound = if log.row == place.log { place.seq } else { u64::MAX };
        if select.query_row(params![log.row.0, U64AsI64(limited(bound))], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The place of the first entry with this time or a later one, by bisection of a log.
fn at_time(connection: &Connection, logs: &[Log], time_ms: u64) -> rusqlite::Result<Option<Place>> {
    let sql = "SELECT seq, time_ms FROM entries WHERE log = ?1 AND seq >= ?2 ORDER BY seq LIMIT 1";
    let mut select = connection.prepare_cached(sql)?;
    for log in logs {
        let mut at = |seq: u64| {
            let found = |row: &Row<'_>| Ok((bits(row, 0)?, bits(row, 1)?));
            select.query_row(params![log.row.0, U64AsI64(seq)], found).optional()
        };
        // The first entry of that time is at or after `low`, and before `high` if there is one.
        let (mut low, mut high) = (0, log.cursor.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            match at(middle)? {
                Some((seq, time)) if time < time_ms => low = seq.saturating_add(1),
                _ => high = middle,
            }
        }
        if let Some((seq, _)) = at(low)? {
            return Ok(Some(Place { log: log.row, seq }));
        }
    }
    Ok(None)
}

fn gap_between(log: Log, below: u64, above: u64) -> Option<Gap> {
    let (first, last) = (below.checked_add(1)?, above.checked_sub(1)?);
    (first <= last).then_some(Gap { log: log.row, first, last, first_kept: log.first_kept })
}

fn logs(connection: &Connection, room: RoomRow) -> rusqlite::Result<Vec<Log>> {
    let sql = "SELECT id, cursor_seq, first_kept FROM logs WHERE room = ?1 ORDER BY id";
    let log = |row: &Row<'_>| Ok(Log { row: LogRow(row.get(0)?), cursor: bits(row, 1)?, first_kept: bits(row, 2)? });
    connection.prepare_cached(sql)?.query_map([room.0], log)?.collect()
}

const fn after(place: Place) -> Place {
    Place { log: place.log, seq: place.seq.saturating_add(1) }
}

/// A seq that compares in SQLite.
fn limited(seq: u64) -> u64 {
    seq.min(i64::MAX.cast_unsigned())
}

/// Reads a row of [`COLUMNS`].
pub(super) fn entry_of(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    let omitted: Option<u16> = row.get(8)?;
    Ok(StoredEntry {
        place: Place { log: LogRow(row.get(0)?), seq: bits(row, 1)? },
        time_ms: bits(row, 2)?,
        author: row.get(3)?,
        instance: bits(row, 4)?,
        number: bits(row, 5)?,
        kind: EntryKind(row.get(6)?),
        content: omitted.map_or(StoredContent::Body(row.get(7)?), StoredContent::Omitted),
        attention: match row.get::<_, u8>(9)? {
            0 => Attention::None,
            1 => Attention::Unread,
            _ => Attention::Mention,
        },
    })
}
