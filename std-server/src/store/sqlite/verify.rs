//! Checks a history: the file by SQLite's own checks, and the log by the rules of SPEC 7.

use std::collections::BTreeMap;
use std::path::Path;

use kabar_core::chat::EntryKind;
use kabar_std::sqlite::{bits, error_kind, version};
use rusqlite::Connection;

use super::connect::{self, OpenError};
use super::contents;
use super::inspect;
use super::records::{self, all};
use super::schema;
use super::search;
use crate::store::InstanceRecord;

/// Maximum number of problems listed per check.
const MAX_LISTED: usize = 20;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The rooms in the history.
    pub rooms: Vec<RoomReport>,
    /// Number of owned names.
    pub names: u64,
    /// Number of entries that are not in the search index yet, which is not a problem.
    pub not_indexed: u64,
    /// The problems, one line each.
    pub problems: Vec<String>,
}

/// The contents of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomReport {
    /// Its name.
    pub name: String,
    /// Number of stored entries.
    pub entries: u64,
    /// The last seq.
    pub head: u64,
    /// Number of runs of the server.
    pub terms: u64,
}

impl Report {
    /// Checks the whole history in `dir`. A server may run meanwhile.
    ///
    /// # Errors
    /// [`OpenError`] if the history cannot be read at all.
    pub fn make(dir: &Path) -> Result<Self, OpenError> {
        let (connection, place) = connect::beside_server(dir, false)?;
        Self::of(&connection, place.path())
    }

    /// Checks the history at `path` through an open connection.
    pub(super) fn of(connection: &Connection, path: &Path) -> Result<Self, OpenError> {
        let mut report = Self::default();
        connect::settle(connection, path, |connection| {
            // One transaction, for a consistent state.
            let moment = connection.unchecked_transaction()?;
            let mut count = 0;
            report.check("the file", |problems| file(&moment, problems));
            report.check("references", |problems| references(&moment, problems));
            report.check("names", |_| {
                count = moment.query_row("SELECT count(*) FROM names", [], |row| bits(row, 0))?;
                Ok(())
            });
            let rooms = moment.prepare("SELECT id, name, head FROM rooms ORDER BY name").and_then(|mut select| {
                let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, bits(row, 2)?)))?;
                rows.collect::<rusqlite::Result<Vec<(i64, String, u64)>>>()
            });
            let rooms = rooms.unwrap_or_else(|error| {
                report.problems.push(format!("the rooms cannot be read: {}", error_kind(&error)));
                Vec::new()
            });
            for (id, name, head) in rooms {
                let mut room = RoomReport { name, entries: 0, head, terms: 0 };
                let title = format!("room {}", room.name);
                report.check(&title, |problems| log(&moment, id, &mut room, problems));
                report.check(&title, |problems| terms(&moment, id, &mut room, problems));
                report.rooms.push(room);
            }
            report.names = count;
            let mut waiting = 0;
            // An earlier version does not record the extents of logs, and the upgrade rebuilds its
            // index.
            if usize::try_from(version(&moment)?) != Ok(schema::STEPS.len()) {
                return Ok(());
            }
            report.check("the rooms", |problems| extents(&moment, problems));
            report.check("the index of contents", |problems| contents::check(&moment, problems));
            report.check("the search index", |problems| {
                waiting = search::waiting(&moment)?;
                if !search::is_complete(&moment)? {
                    problems.push("it does not hold what it says it holds".to_owned());
                }
                Ok(())
            });
            report.not_indexed = waiting;
            Ok(())
        })?;
        Ok(report)
    }

    /// Runs one check; if it cannot be finished, that is a problem, too.
    fn check(&mut self, what: &str, check: impl FnOnce(&mut Vec<String>) -> rusqlite::Result<()>) {
        let mut problems = Vec::new();
        if let Err(error) = check(&mut problems) {
            problems.push(format!("cannot be read to the end: {}", error_kind(&error)));
        }
        let more = problems.len().saturating_sub(MAX_LISTED);
        problems.truncate(MAX_LISTED);
        self.problems.extend(problems.into_iter().map(|problem| format!("{what}: {problem}")));
        if more > 0 {
            self.problems.push(format!("{what}: and {more} more"));
        }
    }
}

/// Checks pages, rows, indexes (including the search index) and constraints.
fn file(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    // An index of another form is rebuilt before use.
    let is_index_used = search::has_form(connection).unwrap_or(true);
    let mut check = connection.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" && (is_index_used || !inspect::is_of_index(&line)) {
            problems.extend(line.lines().map(str::to_owned));
        }
    }
    Ok(())
}

/// Checks the first seqs and the sizes that are recorded of the rooms.
fn extents(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let sql = "SELECT name, first_seq FROM rooms
               WHERE first_seq <> coalesce((SELECT min(seq) FROM entries WHERE room = rooms.id), head + 1)";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        problems.push(format!("room {name} does not begin with entry {}", bits(row, 1)?));
    }
    let sql = "SELECT name FROM rooms WHERE body_bytes <>
               coalesce((SELECT sum(length(body)) FROM entries WHERE room = rooms.id), 0)";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        problems.push(format!("the size of room {} is not that of its entries", row.get::<_, String>(0)?));
    }
    Ok(())
}

fn references(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut check = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = check.query([])?;
    while let Some(row) = rows.next()? {
        problems.push(format!("a row of {} belongs to no room", row.get::<_, String>(0)?));
    }
    Ok(())
}

/// Checks that seqs have no gaps up to the head, that numbers rise, and that the records agree. An
/// instance without a record was forgotten (SPEC 6.5).
fn log(
    connection: &Connection,
    room: i64,
    report: &mut RoomReport,
    problems: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let sql = "SELECT instance, identity, highest, highest_seq, seen_ran_ms FROM instances WHERE room = ?1";
    let records = all(connection, room, sql, records::instance_of)?;
    let records: BTreeMap<u64, InstanceRecord> = records.into_iter().map(|record| (record.instance, record)).collect();
    let mut last: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut before = None;
    let sql = "SELECT seq, time_ms, author, instance, number, kind, body FROM entries WHERE room = ?1 ORDER BY seq";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([room])?;
    while let Some(row) = rows.next()? {
        let entry = records::entry_of(row)?;
        report.entries += 1;
        let seq = entry.seq;
        if let Some(before) = before.replace(seq)
            && seq != before + 1
        {
            problems.push(format!("entries {} to {} are missing", before + 1, seq - 1));
        }
        if EntryKind(entry.kind.0).is_text() && std::str::from_utf8(&entry.body).is_err() {
            problems.push(format!("entry {seq} is a text that is not UTF-8"));
        }
        if entry.instance != 0 {
            let before = last.insert(entry.instance, (entry.number, seq));
            if let Some((number, _)) = before.filter(|(number, _)| entry.number <= *number) {
                problems.push(format!("entry {seq} has number {} after number {number}", entry.number));
            }
        }
    }
    if report.entries > 0 && before != Some(report.head) {
        let before = before.unwrap_or_default();
        problems.push(format!("the last entry is {before}, but {} had been reached", report.head));
    }
    for (instance, (number, seq)) in last {
        if records.get(&instance).is_some_and(|record| (record.highest, record.highest_seq) != (number, seq)) {
            problems.push(format!("the number of entry {seq} is not what is known of its author"));
        }
    }
    Ok(())
}

/// Checks that the runs of the server follow each other and none begins after the head.
fn terms(
    connection: &Connection,
    room: i64,
    report: &mut RoomReport,
    problems: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let firsts = all(connection, room, "SELECT first_seq FROM terms WHERE room = ?1 ORDER BY id", |row| bits(row, 0))?;
    report.terms = firsts.len() as u64;
    if !firsts.is_sorted() || firsts.last().is_some_and(|first| *first > report.head + 1) {
        problems.push("the runs of the server do not follow each other".to_owned());
    }
    if firsts.is_empty() && report.head > 0 {
        problems.push("no run of the server is known".to_owned());
    }
    Ok(())
}
