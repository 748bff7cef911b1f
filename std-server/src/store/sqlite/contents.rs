//! The index of contents: rows of `contents`, the entries that name them, and the sums that quotas
//! are compared with.

use std::path::Path;

use kabar_core::chat::{EntryKind, File};
use kabar_core::content::Root;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::sqlite::{U64AsI64, bits, error_kind};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connect::{self, OpenError};
use super::{mark, records};
use crate::store::contents::{MAX_COLLECTED, charge, decide};
use crate::store::{
    ContentRecord, FileQuota, KEEP_UNFINISHED_MS, KEEP_UNNAMED_MS, LogEntry, Naming, Offer, Reservation,
};

/// The key of the sum over all owners.
const ALL: &[u8] = &[];

/// As [`ContentIndex::reserve`](crate::store::ContentIndex::reserve), in a transaction.
pub(super) fn reserve(connection: &Connection, offer: &Offer, quota: &FileQuota) -> rusqlite::Result<Reservation> {
    let Offer { root, size, owner, now_ms } = *offer;
    if let Some(is_complete) = touch(connection, root, size, now_ms)? {
        return Ok(if is_complete { Reservation::Complete } else { Reservation::Reserved });
    }
    let decision = decide(size, total(connection, &owner.0)?, total(connection, ALL)?, quota);
    if decision == Reservation::Reserved {
        let sql = "INSERT INTO contents (root, size, owner, is_complete, is_named, touched_ms)
                   VALUES (?1, ?2, ?3, 0, EXISTS (SELECT 1 FROM file_refs WHERE root = ?1), ?4)";
        connection.prepare_cached(sql)?.execute(params![root.0, U64AsI64(size), owner.0, signed(now_ms)])?;
        add(connection, owner, signed(charge(size)))?;
    }
    Ok(decision)
}

/// As [`ContentIndex::complete`](crate::store::ContentIndex::complete), in a transaction.
pub(super) fn complete(connection: &Connection, root: Root, size: u64, now_ms: u64) -> rusqlite::Result<bool> {
    let sql = "SELECT root, size, owner, is_complete FROM contents WHERE root = ?1 AND size <> ?2";
    let others: Vec<_> = connection
        .prepare_cached(sql)?
        .query_map(params![root.0, U64AsI64(size)], record)?
        .collect::<Result<_, _>>()?;
    for other in others {
        remove(connection, &other)?;
    }
    let sql = "UPDATE contents SET is_complete = 1, touched_ms = ?3 WHERE root = ?1 AND size = ?2";
    connection.prepare_cached(sql)?.execute(params![root.0, U64AsI64(size), signed(now_ms)]).map(|changed| changed > 0)
}

/// As [`ContentIndex::lost`](crate::store::ContentIndex::lost), in a transaction.
pub(super) fn lost(connection: &Connection, root: Root, now_ms: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE contents SET is_complete = 0, touched_ms = ?2 WHERE root = ?1 AND is_complete = 1";
    connection.prepare_cached(sql)?.execute(params![root.0, signed(now_ms)]).map(|_| ())
}

/// Records that a content is in use. Returns whether it is complete; `None`: it is not known.
pub(super) fn touch(connection: &Connection, root: Root, size: u64, now_ms: u64) -> rusqlite::Result<Option<bool>> {
    let sql = "UPDATE contents SET touched_ms = ?3 WHERE root = ?1 AND size = ?2 RETURNING is_complete";
    let mut update = connection.prepare_cached(sql)?;
    update.query_row(params![root.0, U64AsI64(size), signed(now_ms)], |row| row.get(0)).optional()
}

/// As [`ContentIndex::find`](crate::store::ContentIndex::find).
pub(super) fn find(connection: &Connection, room: &str, root: Root) -> rusqlite::Result<Option<u64>> {
    let sql = "SELECT size FROM contents WHERE root = ?2 AND is_complete = 1 AND EXISTS
                   (SELECT 1 FROM file_refs WHERE root = ?2 AND room = (SELECT id FROM rooms WHERE name = ?1))";
    connection.prepare_cached(sql)?.query_row(params![room, root.0], |row| bits(row, 0)).optional()
}

/// As [`ContentIndex::collect`](crate::store::ContentIndex::collect), in a transaction.
pub(super) fn collect(connection: &Connection, now_ms: u64, in_use: &[Root]) -> rusqlite::Result<Vec<Root>> {
    for root in in_use {
        let sql = "UPDATE contents SET touched_ms = ?2 WHERE root = ?1";
        connection.prepare_cached(sql)?.execute(params![root.0, signed(now_ms)])?;
    }
    let before = |keep| signed(now_ms).saturating_sub(signed(keep));
    let sql = "SELECT root, size, owner, is_complete FROM contents
                   WHERE is_complete = 1 AND is_named = 0 AND touched_ms <= ?1
               UNION ALL SELECT root, size, owner, is_complete FROM contents
                   WHERE is_complete = 0 AND is_named IN (0, 1) AND touched_ms <= ?2
               LIMIT ?3";
    let bounds = params![before(KEEP_UNNAMED_MS), before(KEEP_UNFINISHED_MS), MAX_COLLECTED as i64];
    let due: Vec<_> = connection.prepare_cached(sql)?.query_map(bounds, record)?.collect::<Result<_, _>>()?;
    for record in &due {
        remove(connection, record)?;
    }
    let mut roots: Vec<Root> = due.into_iter().map(|record| record.root).collect();
    roots.sort_unstable();
    roots.dedup();
    let mut is_left = connection.prepare_cached("SELECT 1 FROM contents WHERE root = ?1")?;
    let mut gone = Vec::new();
    for root in roots {
        if !is_left.exists([root.0])? {
            gone.push(root);
        }
    }
    Ok(gone)
}

/// Records which contents new entries name.
pub(super) fn name(connection: &Connection, room: i64, entries: &[LogEntry]) -> rusqlite::Result<()> {
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::FILE) {
        if let Ok(file) = File::decode(&entry.body) {
            let sql = "INSERT INTO file_refs (room, seq, root) VALUES (?1, ?2, ?3)";
            connection.prepare_cached(sql)?.execute(params![room, U64AsI64(entry.seq), file.root().0])?;
        }
    }
    Ok(())
}

/// Ends that entries name contents: one that is removed, or those that are no longer stored.
pub(super) fn unname(connection: &Connection, room: i64, first: u64, last: u64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM file_refs WHERE room = ?1 AND seq BETWEEN ?2 AND ?3";
    connection.prepare_cached(sql)?.execute(params![room, signed(first), signed(last)]).map(|_| ())
}

/// Nothing in a closed room names a content any more.
pub(super) fn unname_all(connection: &Connection, room: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM file_refs WHERE room = (SELECT id FROM rooms WHERE name = ?1)";
    connection.prepare_cached(sql)?.execute([room]).map(|_| ())
}

/// Lists the index of the history in `dir`, by root. A server may run meanwhile.
///
/// # Errors
/// [`OpenError`].
pub fn list_contents(dir: &Path) -> Result<Vec<ContentRecord>, OpenError> {
    let (connection, place) = connect::beside_server(dir, false)?;
    connect::settle(&connection, place.path(), list)
}

/// Lists the index in the file at `path`: a backup that nothing else has open.
///
/// # Errors
/// [`OpenError`].
pub fn contents_of_backup(path: &Path) -> Result<Vec<ContentRecord>, OpenError> {
    let opened = Connection::open(path).map_err(|error| connect::unusable(path, &error))?;
    connect::identify(&opened, path)?;
    connect::settle(&opened, path, |connection| if has_index(connection)? { list(connection) } else { Ok(Vec::new()) })
}

/// Returns the entries that name contents: those of one room, or all of them.
///
/// # Errors
/// [`OpenError`].
pub fn namings(dir: &Path, room: Option<&str>) -> Result<Vec<Naming>, OpenError> {
    let (connection, place) = connect::beside_server(dir, false)?;
    connect::settle(&connection, place.path(), |connection| {
        let sql = "SELECT name, file_refs.seq, body FROM file_refs JOIN rooms ON rooms.id = file_refs.room
                       JOIN entries ON entries.room = file_refs.room AND entries.seq = file_refs.seq
                   WHERE ?1 IS NULL OR name = ?1 ORDER BY name, file_refs.seq";
        let mut select = connection.prepare(sql)?;
        let mut rows = select.query([room])?;
        let mut namings = Vec::new();
        while let Some(row) = rows.next()? {
            let (room, body): (String, Vec<u8>) = (row.get(0)?, row.get(2)?);
            if let Ok(file) = File::decode(&body) {
                let (root, size, name) = (file.root(), file.size(), file.name().to_owned());
                namings.push(Naming { room, seq: bits(row, 1)?, root, size, name });
            }
        }
        Ok(namings)
    })
}

/// Takes contents from the index of the history in `dir`. Entries that name them stay. A server may
/// run meanwhile.
///
/// # Errors
/// [`OpenError`]; nothing has changed then.
pub fn forget_contents(dir: &Path, roots: &[Root]) -> Result<(), OpenError> {
    let (mut connection, place) = connect::beside_server(dir, true)?;
    forget(&mut connection, roots).map_err(|error| OpenError::unusable(place.path(), error_kind(&error)))
}

/// As [`forget_contents`], for a backup that nothing else has open.
///
/// # Errors
/// [`OpenError`]; nothing has changed then.
pub fn forget_contents_of_backup(path: &Path, roots: &[Root]) -> Result<(), OpenError> {
    let opened = Connection::open(path).and_then(|mut connection| {
        connection.pragma_update(None, "synchronous", "full")?;
        forget(&mut connection, roots)
    });
    opened.map_err(|error| connect::unusable(path, &error))
}

fn forget(connection: &mut Connection, roots: &[Root]) -> rusqlite::Result<()> {
    let transaction = mark::begin(connection)?;
    for root in roots {
        let sql = "SELECT root, size, owner, is_complete FROM contents WHERE root = ?1";
        let records: Vec<_> =
            transaction.prepare_cached(sql)?.query_map([root.0], record)?.collect::<rusqlite::Result<_>>()?;
        records.iter().try_for_each(|record| remove(&transaction, record))?;
    }
    transaction.commit()
}

/// Checks that the sums are those of the contents, and that entries name what the index says.
pub(super) fn check(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let sql = "SELECT count(*) FROM (
                   SELECT owner, sum(max(size, ?1)) FROM contents GROUP BY owner
                   UNION ALL SELECT x'', sum(max(size, ?1)) FROM contents HAVING count(*) > 0
                   EXCEPT SELECT owner, bytes FROM content_sums)";
    let wrong: i64 = connection.query_row(sql, [signed(charge(0))], |row| row.get(0))?;
    if wrong > 0 {
        problems.push("the sums that quotas are compared with are not those of the contents".to_owned());
    }
    let sql = "SELECT count(*) FROM file_refs WHERE NOT EXISTS
                   (SELECT 1 FROM entries WHERE entries.room = file_refs.room AND entries.seq = file_refs.seq
                        AND kind = ?1)";
    let unknown: i64 = connection.query_row(sql, [EntryKind::FILE.0], |row| row.get(0))?;
    if unknown > 0 {
        problems.push(format!("{unknown} entries that name a content are not there"));
    }
    let sql = "SELECT count(*) FROM contents WHERE is_named <> EXISTS
                   (SELECT 1 FROM file_refs WHERE file_refs.root = contents.root)";
    let wrong: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    if wrong > 0 {
        problems.push(format!("whether an entry names them is wrong for {wrong} contents"));
    }
    Ok(())
}

fn list(connection: &Connection) -> rusqlite::Result<Vec<ContentRecord>> {
    let mut select = connection.prepare("SELECT root, size, owner, is_complete FROM contents ORDER BY root, size")?;
    select.query_map([], record)?.collect()
}

fn has_index(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'contents' AND type = 'table'")?.exists([])
}

fn remove(connection: &Connection, record: &ContentRecord) -> rusqlite::Result<()> {
    let sql = "DELETE FROM contents WHERE root = ?1 AND size = ?2";
    connection.prepare_cached(sql)?.execute(params![record.root.0, U64AsI64(record.size)])?;
    add(connection, record.owner, signed(charge(record.size)).saturating_neg())
}

/// Changes the sums of an owner and of all.
fn add(connection: &Connection, owner: PublicIdentity, bytes: i64) -> rusqlite::Result<()> {
    for key in [&owner.0[..], ALL] {
        let sql = "INSERT INTO content_sums (owner, bytes) VALUES (?1, ?2)
                   ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes";
        connection.prepare_cached(sql)?.execute(params![key, bytes])?;
    }
    connection.prepare_cached("DELETE FROM content_sums WHERE bytes <= 0")?.execute([]).map(|_| ())
}

fn total(connection: &Connection, owner: &[u8]) -> rusqlite::Result<u64> {
    let mut select = connection.prepare_cached("SELECT bytes FROM content_sums WHERE owner = ?1")?;
    Ok(select.query_row([owner], |row| bits(row, 0)).optional()?.unwrap_or(0))
}

fn record(row: &Row<'_>) -> rusqlite::Result<ContentRecord> {
    let root = Root(row.get(0)?);
    Ok(ContentRecord { root, size: bits(row, 1)?, owner: records::identity(row, 2)?, is_complete: row.get(3)? })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
