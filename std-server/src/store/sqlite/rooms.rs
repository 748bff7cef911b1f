//! Converts records of rooms to rows and back.

use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::sqlite::{U64AsI64, bits};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, params};

use super::contents;
use crate::store::{Retention, RoomRecord, RoomSummary, Visibility};

impl ToSql for Visibility {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Open => "open",
            Self::Private => "private",
        }
        .into())
    }
}

impl FromSql for Visibility {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "open" => Ok(Self::Open),
            "private" => Ok(Self::Private),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// Writes the records of a transaction.
pub(super) fn write(connection: &Connection, records: &[RoomRecord]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO rooms (name, head, topic, visibility, closed, keep_age_ms, keep_entries, keep_bytes,
                            created_by, created_ms)
         VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (name) DO UPDATE
         SET topic = excluded.topic, visibility = excluded.visibility, closed = excluded.closed,
             keep_age_ms = excluded.keep_age_ms, keep_entries = excluded.keep_entries,
             keep_bytes = excluded.keep_bytes, created_by = excluded.created_by, created_ms = excluded.created_ms",
    )?;
    for RoomRecord { name, topic, visibility, is_closed, retention, created_by, created_ms } in records {
        let Retention { age_ms, entries, bytes } = *retention;
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let [age, entries, bytes, created] = [age_ms, entries, bytes, *created_ms].map(|number| number.map(signed));
        let by = created_by.map(|by| by.0);
        insert.execute(params![name, topic, visibility, is_closed, age, entries, bytes, by, created])?;
        if *is_closed {
            contents::unname_all(connection, name)?;
        }
    }
    Ok(())
}

/// Reads the records of all rooms, by name.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<RoomSummary>> {
    let mut select = connection.prepare(
        "SELECT name, first_seq, head, EXISTS (SELECT 1 FROM present WHERE room = rooms.id), topic, visibility, closed,
                keep_age_ms, keep_entries, keep_bytes, created_by, created_ms
         FROM rooms ORDER BY name",
    )?;
    let optional = |row: &Row<'_>, column| row.get(column).map(|bits: Option<U64AsI64>| bits.map(|bits| bits.0));
    let summary = |row: &Row<'_>| {
        let retention = Retention { age_ms: optional(row, 7)?, entries: optional(row, 8)?, bytes: optional(row, 9)? };
        let record = RoomRecord {
            name: row.get(0)?,
            topic: row.get(4)?,
            visibility: row.get(5)?,
            is_closed: row.get(6)?,
            retention,
            created_by: row.get::<_, Option<[u8; 32]>>(10)?.map(PublicIdentity),
            created_ms: optional(row, 11)?,
        };
        Ok(RoomSummary { record, first: bits(row, 1)?, head: bits(row, 2)?, is_occupied: row.get(3)? })
    };
    select.query_map([], summary)?.collect()
}
