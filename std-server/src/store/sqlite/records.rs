//! Converts records to rows and back.

use core::ops::RangeInclusive;

use kabar_core::chat::{ENTRY_OVERHEAD, EntryKind, Term};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::sqlite::{U64AsI64, bits};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{contents, invites, rooms, search};
use crate::store::{
    Admission, AdmittedIdentity, Forgotten, InstanceRecord, Keep, LogEntry, NameRecord, Presence, Privilege,
    PrivilegeKind, RoomBatch, RoomState, Sanction, SanctionKind, ServerBatch, ServerState, TermRecord,
};

impl ToSql for SanctionKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Ban => "ban",
            Self::Mute => "mute",
        }
        .into())
    }
}

impl FromSql for SanctionKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "ban" => Ok(Self::Ban),
            "mute" => Ok(Self::Mute),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl ToSql for PrivilegeKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Operator => "operator",
            Self::Trusted => "trusted",
        }
        .into())
    }
}

impl FromSql for PrivilegeKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "operator" => Ok(Self::Operator),
            "trusted" => Ok(Self::Trusted),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// Returns the row and head of a room, if it exists.
pub(super) fn room(connection: &Connection, name: &str) -> rusqlite::Result<Option<(i64, u64)>> {
    let mut select = connection.prepare_cached("SELECT id, head FROM rooms WHERE name = ?1")?;
    select.query_row([name], |row| Ok((row.get(0)?, bits(row, 1)?))).optional()
}

/// Returns the row of a room, and its first seq and its head; creates the room if it does not
/// exist.
pub(super) fn room_to_write(connection: &Connection, name: &str) -> rusqlite::Result<(i64, (u64, u64))> {
    let mut select = connection.prepare_cached("SELECT id, first_seq, head FROM rooms WHERE name = ?1")?;
    let known = select.query_row([name], |row| Ok((row.get(0)?, (bits(row, 1)?, bits(row, 2)?)))).optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    connection.execute("INSERT INTO rooms (name, head) VALUES (?1, 0)", [name])?;
    Ok((connection.last_insert_rowid(), (1, 0)))
}

pub(super) fn instance(connection: &Connection, room: i64, id: u64) -> rusqlite::Result<Option<InstanceRecord>> {
    let mut select = connection.prepare_cached(
        "SELECT instance, identity, highest, highest_seq, seen_ran_ms FROM instances WHERE room = ?1 AND instance = ?2",
    )?;
    select.query_row(params![room, U64AsI64(id)], instance_of).optional()
}

/// Writes the server's part of a transaction.
pub(super) fn write_server(connection: &Connection, batch: &ServerBatch) -> rusqlite::Result<()> {
    let ServerBatch { names, released, forgotten, granted, revoked, ran_ms, .. } = batch;
    rooms::write(connection, &batch.rooms)?;
    if let Some(ran_ms) = ran_ms {
        let mut update = connection.prepare_cached("UPDATE server SET ran_ms = max(ran_ms, ?1)")?;
        update.execute([i64::try_from(*ran_ms).unwrap_or(i64::MAX)])?;
    }
    let mut delete = connection.prepare_cached("DELETE FROM names WHERE folded = ?1")?;
    for folded in released.iter().chain(forgotten) {
        delete.execute([folded])?;
    }
    let mut insert = connection
        .prepare_cached("INSERT OR REPLACE INTO names (folded, name, identity, seen_ran_ms) VALUES (?1, ?2, ?3, ?4)")?;
    for NameRecord { folded, name, identity, seen_ran_ms } in names {
        insert.execute(params![folded, name, identity.0, U64AsI64(*seen_ran_ms)])?;
    }
    for (identity, kind) in revoked {
        connection.execute("DELETE FROM privileges WHERE identity = ?1 AND kind = ?2", params![identity.0, kind])?;
    }
    for Privilege { identity, kind, name, since_ms, by } in granted {
        let sql = "INSERT OR REPLACE INTO privileges (identity, kind, name, since_ms, granted_by)
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.execute(sql, params![identity.0, kind, name, U64AsI64(*since_ms), by.map(|by| by.0)])?;
    }
    invites::write(connection, batch)
}

/// Writes a valid batch of a room.
pub(super) fn write(connection: &Connection, room: i64, batch: &RoomBatch) -> rusqlite::Result<()> {
    forget(connection, room, &batch.forgotten)?;
    if let Some(first) = batch.first {
        forget_before(connection, room, first)?;
    }
    for seq in &batch.removed {
        remove_body(connection, room, *seq)?;
    }
    if let Some(TermRecord { term, first_seq }) = batch.term {
        let sql = "INSERT OR IGNORE INTO terms (room, term, first_seq) VALUES (?1, ?2, ?3)";
        connection.execute(sql, params![room, term.0, U64AsI64(first_seq)])?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO entries (room, seq, time_ms, author, instance, number, kind, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for LogEntry { seq, time_ms, author, instance, number, kind, body } in &batch.entries {
        let (seq, time, instance, number) =
            (U64AsI64(*seq), U64AsI64(*time_ms), U64AsI64(*instance), U64AsI64(*number));
        insert.execute(params![room, seq, time, author, instance, number, kind.0, body])?;
    }
    contents::name(connection, room, &batch.entries)?;
    if let Some(head) = batch.last_seq() {
        let bytes: usize = batch.entries.iter().map(|entry| entry.body.len()).sum();
        let sql = "UPDATE rooms SET head = ?2, body_bytes = body_bytes + ?3 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![room, U64AsI64(head), U64AsI64(bytes as u64)])?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO instances (room, instance, identity, highest, highest_seq, seen_ran_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE
         SET highest = excluded.highest, highest_seq = excluded.highest_seq, seen_ran_ms = excluded.seen_ran_ms",
    )?;
    for InstanceRecord { instance, identity, highest, highest_seq, seen_ran_ms } in &batch.instances {
        let (instance, highest, highest_seq) = (U64AsI64(*instance), U64AsI64(*highest), U64AsI64(*highest_seq));
        insert.execute(params![room, instance, identity.0, highest, highest_seq, U64AsI64(*seen_ran_ms)])?;
    }
    write_people(connection, room, batch)
}

/// Deletes the entries below `first`.
fn forget_before(connection: &Connection, room: i64, first: u64) -> rusqlite::Result<()> {
    search::remove(connection, room, 0..=first.saturating_sub(1), false)?;
    contents::unname(connection, room, 0, first.saturating_sub(1))?;
    let sql = "UPDATE rooms SET first_seq = ?2, body_bytes = body_bytes
                   - coalesce((SELECT sum(length(body)) FROM entries WHERE room = ?1 AND seq < ?2), 0)
               WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![room, U64AsI64(first)])?;
    let sql = "DELETE FROM entries WHERE room = ?1 AND seq < ?2";
    connection.prepare_cached(sql)?.execute(params![room, U64AsI64(first)]).map(|_| ())
}

/// Removes the body of an entry.
fn remove_body(connection: &Connection, room: i64, seq: u64) -> rusqlite::Result<()> {
    search::remove(connection, room, seq..=seq, true)?;
    contents::unname(connection, room, seq, seq)?;
    let sql = "UPDATE rooms SET body_bytes = body_bytes
                   - (SELECT length(body) FROM entries WHERE room = ?1 AND seq = ?2)
               WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![room, U64AsI64(seq)])?;
    let sql = "UPDATE entries SET kind = ?3, body = x'' WHERE room = ?1 AND seq = ?2";
    connection.prepare_cached(sql)?.execute(params![room, U64AsI64(seq), EntryKind::REMOVED.0]).map(|_| ())
}

/// As [`Store::surplus`](crate::store::Store::surplus).
pub(super) fn surplus(connection: &Connection, name: &str, keep: &Keep, count: u64) -> rusqlite::Result<u64> {
    let sql = "SELECT id, first_seq, head, body_bytes FROM rooms WHERE name = ?1";
    let room = connection.query_row(sql, [name], |row| Ok((row.get(0)?, bits(row, 1)?, bits(row, 2)?, bits(row, 3)?)));
    let Some((room, first, head, body_bytes)): Option<(i64, u64, u64, u64)> = room.optional()? else { return Ok(1) };
    let sql = "SELECT seq, time_ms, length(body) FROM entries WHERE room = ?1 ORDER BY seq LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let oldest = select.query_map([room, count], |row| Ok((bits(row, 0)?, bits(row, 1)?, bits(row, 2)?)))?;
    keep.first(head, body_bytes + (head + 1 - first) * ENTRY_OVERHEAD as u64, first, oldest)
}

fn forget(connection: &Connection, room: i64, forgotten: &Forgotten) -> rusqlite::Result<()> {
    let Forgotten { instances, admissions, terms } = forgotten;
    let mut delete = connection.prepare_cached("DELETE FROM instances WHERE room = ?1 AND instance = ?2")?;
    for instance in instances {
        delete.execute(params![room, U64AsI64(*instance)])?;
    }
    let mut delete = connection.prepare_cached("DELETE FROM admissions WHERE room = ?1 AND identity = ?2")?;
    for identity in admissions {
        delete.execute(params![room, identity.0])?;
    }
    let mut delete = connection.prepare_cached("DELETE FROM terms WHERE room = ?1 AND term = ?2")?;
    for term in terms {
        delete.execute(params![room, term.0])?;
    }
    Ok(())
}

fn write_people(connection: &Connection, room: i64, batch: &RoomBatch) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM present WHERE room = ?1 AND identity = ?2")?;
    for identity in &batch.absent {
        delete.execute(params![room, identity.0])?;
    }
    let mut insert =
        connection.prepare_cached("INSERT OR REPLACE INTO present (room, identity, name) VALUES (?1, ?2, ?3)")?;
    for Presence { identity, name } in &batch.present {
        insert.execute(params![room, identity.0, name])?;
    }
    for Admission { identity, tag } in &batch.admissions {
        let sql = "INSERT OR REPLACE INTO admissions (room, identity, tag) VALUES (?1, ?2, ?3)";
        connection.execute(sql, params![room, identity.0, tag])?;
    }
    for (identity, kind) in &batch.lifted {
        let sql = "DELETE FROM sanctions WHERE room = ?1 AND identity = ?2 AND kind = ?3";
        connection.execute(sql, params![room, identity.0, kind])?;
    }
    for Sanction { identity, kind, name, since_ms, reason, by } in &batch.sanctions {
        let sql = "INSERT OR REPLACE INTO sanctions (room, identity, kind, name, since_ms, reason, imposed_by)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (since, by) = (U64AsI64(*since_ms), by.map(|by| by.0));
        connection.execute(sql, params![room, identity.0, kind, name, since, reason, by])?;
    }
    Ok(())
}

/// Reads everything that a server may read, for every room.
pub(super) fn load_all(connection: &Connection) -> rusqlite::Result<()> {
    let ServerState { rooms, .. } = load_server(connection)?;
    rooms.iter().try_for_each(|room| load_room(connection, &room.record.name).map(|_| ()))
}

pub(super) fn load_server(connection: &Connection) -> rusqlite::Result<ServerState> {
    let mut names = connection.prepare("SELECT folded, name, identity, seen_ran_ms FROM names")?;
    let mut privileges = connection.prepare("SELECT identity, kind, name, since_ms, granted_by FROM privileges")?;
    let mut admitted = connection.prepare("SELECT identity, tag, count(*) FROM admissions GROUP BY identity, tag")?;
    let admitted_of =
        |row: &Row<'_>| Ok(AdmittedIdentity { identity: identity(row, 0)?, tag: row.get(1)?, rooms: bits(row, 2)? });
    let mut private = connection.prepare(
        "SELECT rooms.name, identity, tag FROM admissions JOIN rooms ON rooms.id = room WHERE visibility = 'private'",
    )?;
    let private_of = |row: &Row<'_>| Ok((row.get(0)?, Admission { identity: identity(row, 1)?, tag: row.get(2)? }));
    Ok(ServerState {
        private_admissions: private.query_map([], private_of)?.collect::<rusqlite::Result<_>>()?,
        names: names.query_map([], name_of)?.collect::<rusqlite::Result<_>>()?,
        privileges: privileges.query_map([], privilege_of)?.collect::<rusqlite::Result<_>>()?,
        ran_ms: connection.query_row("SELECT ran_ms FROM server", [], |row| bits(row, 0))?,
        invites: invites::load(connection)?,
        invite_uses: invites::load_uses(connection)?,
        rooms: rooms::load(connection)?,
        admitted: admitted.query_map([], admitted_of)?.collect::<rusqlite::Result<_>>()?,
    })
}

pub(super) fn load_room(connection: &Connection, name: &str) -> rusqlite::Result<RoomState> {
    let Some((room, head)) = room(connection, name)? else { return Ok(RoomState::default()) };
    let term = |row: &Row<'_>| Ok(TermRecord { term: Term(row.get(0)?), first_seq: bits(row, 1)? });
    let admission = |row: &Row<'_>| Ok(Admission { identity: identity(row, 0)?, tag: row.get(1)? });
    let presence = |row: &Row<'_>| Ok(Presence { identity: identity(row, 0)?, name: row.get(1)? });
    Ok(RoomState {
        first: connection.query_row("SELECT first_seq FROM rooms WHERE id = ?1", [room], |row| bits(row, 0))?,
        head,
        terms: all(connection, room, "SELECT term, first_seq FROM terms WHERE room = ?1 ORDER BY id", term)?,
        instances: all(
            connection,
            room,
            "SELECT instance, identity, highest, highest_seq, seen_ran_ms FROM instances WHERE room = ?1",
            instance_of,
        )?,
        admissions: all(connection, room, "SELECT identity, tag FROM admissions WHERE room = ?1", admission)?,
        present: all(connection, room, "SELECT identity, name FROM present WHERE room = ?1", presence)?,
        sanctions: all(
            connection,
            room,
            "SELECT identity, kind, name, since_ms, reason, imposed_by FROM sanctions WHERE room = ?1",
            sanction_of,
        )?,
    })
}

pub(super) fn read(connection: &Connection, room: &str, range: RangeInclusive<u64>) -> rusqlite::Result<Vec<LogEntry>> {
    let mut select = connection.prepare_cached(
        "SELECT seq, time_ms, author, instance, number, kind, body FROM entries
         WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
    )?;
    // Every seq fits into a signed number.
    let [start, end] = [*range.start(), *range.end()].map(|seq| i64::try_from(seq).unwrap_or(i64::MAX));
    select.query_map(params![room, start, end], entry_of)?.collect()
}

pub(super) fn entry_of(row: &Row<'_>) -> rusqlite::Result<LogEntry> {
    Ok(LogEntry {
        seq: bits(row, 0)?,
        time_ms: bits(row, 1)?,
        author: row.get(2)?,
        instance: bits(row, 3)?,
        number: bits(row, 4)?,
        kind: EntryKind(row.get(5)?),
        body: row.get(6)?,
    })
}

pub(super) fn instance_of(row: &Row<'_>) -> rusqlite::Result<InstanceRecord> {
    Ok(InstanceRecord {
        instance: bits(row, 0)?,
        identity: identity(row, 1)?,
        highest: bits(row, 2)?,
        highest_seq: bits(row, 3)?,
        seen_ran_ms: bits(row, 4)?,
    })
}

fn name_of(row: &Row<'_>) -> rusqlite::Result<NameRecord> {
    Ok(NameRecord { folded: row.get(0)?, name: row.get(1)?, identity: identity(row, 2)?, seen_ran_ms: bits(row, 3)? })
}

fn privilege_of(row: &Row<'_>) -> rusqlite::Result<Privilege> {
    Ok(Privilege {
        identity: identity(row, 0)?,
        kind: row.get(1)?,
        name: row.get(2)?,
        since_ms: bits(row, 3)?,
        by: row.get::<_, Option<[u8; 32]>>(4)?.map(PublicIdentity),
    })
}

fn sanction_of(row: &Row<'_>) -> rusqlite::Result<Sanction> {
    Ok(Sanction {
        identity: identity(row, 0)?,
        kind: row.get(1)?,
        name: row.get(2)?,
        since_ms: bits(row, 3)?,
        reason: row.get(4)?,
        by: row.get::<_, Option<[u8; 32]>>(5)?.map(PublicIdentity),
    })
}

/// Returns all rows that `sql` selects for a room.
pub(super) fn all<T>(
    connection: &Connection,
    room: i64,
    sql: &str,
    record: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([room], record)?.collect()
}

pub(super) fn identity(row: &Row<'_>, column: usize) -> rusqlite::Result<PublicIdentity> {
    row.get(column).map(PublicIdentity)
}
