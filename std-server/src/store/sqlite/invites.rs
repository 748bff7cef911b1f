//! Converts invites to rows and back.

use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::sqlite::{U64AsI64, bits};
use rusqlite::{Connection, Row, params};

use super::records::{identity, room_to_write};
use crate::store::{InviteRecord, InviteUse, KEPT_USES, ServerBatch};

/// Writes the invites of a transaction. Rooms that do not exist are created.
pub(super) fn write(connection: &Connection, batch: &ServerBatch) -> rusqlite::Result<()> {
    for id in &batch.forgotten_invites {
        connection.execute("DELETE FROM invite_uses WHERE invite = ?1", [id])?;
        connection.execute("DELETE FROM invites WHERE id = ?1", [id])?;
    }
    for record in &batch.invites {
        let InviteRecord { id, secret, is_standing, uses_left, used, is_revoked, .. } = record;
        let room = record.room.as_deref().map(|room| room_to_write(connection, room)).transpose()?;
        let (room, made_by) = (room.map(|(room, _)| room), record.made_by.map(|it| it.0));
        let (made, expires) = (U64AsI64(record.made_ms), record.expires_ms.map(U64AsI64));
        let sql = "INSERT INTO invites
                   (id, room, secret, standing, made_by, made_ms, expires_ms, uses_left, used, revoked)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO UPDATE
                   SET room = excluded.room, secret = excluded.secret, standing = excluded.standing,
                       made_by = excluded.made_by, made_ms = excluded.made_ms, expires_ms = excluded.expires_ms,
                       uses_left = excluded.uses_left, used = excluded.used, revoked = excluded.revoked";
        let values = params![id, room, secret, is_standing, made_by, made, expires, uses_left, used, is_revoked];
        connection.execute(sql, values)?;
    }
    for InviteUse { invite, number, identity, time_ms } in &batch.invite_uses {
        let sql = "INSERT OR REPLACE INTO invite_uses (invite, number, identity, time_ms) VALUES (?1, ?2, ?3, ?4)";
        connection.execute(sql, params![invite, number, identity.0, U64AsI64(*time_ms)])?;
        let sql = "DELETE FROM invite_uses WHERE invite = ?1 AND number <= ?2";
        connection.execute(sql, params![invite, i64::from(*number) - i64::from(KEPT_USES)])?;
    }
    Ok(())
}

/// Reads all invites, by id.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<InviteRecord>> {
    let mut select = connection.prepare(
        "SELECT invites.id, rooms.name, invites.secret, standing, made_by, made_ms, expires_ms, uses_left, used, revoked
         FROM invites LEFT JOIN rooms ON rooms.id = invites.room ORDER BY invites.id",
    )?;
    let record = |row: &Row<'_>| {
        Ok(InviteRecord {
            id: row.get(0)?,
            room: row.get(1)?,
            secret: row.get(2)?,
            is_standing: row.get(3)?,
            made_by: row.get::<_, Option<[u8; 32]>>(4)?.map(PublicIdentity),
            made_ms: bits(row, 5)?,
            expires_ms: row.get::<_, Option<U64AsI64>>(6)?.map(|bits| bits.0),
            uses_left: row.get(7)?,
            used: row.get(8)?,
            is_revoked: row.get(9)?,
        })
    };
    select.query_map([], record)?.collect()
}

/// Reads the uses of all invites, by invite and number.
pub(super) fn load_uses(connection: &Connection) -> rusqlite::Result<Vec<InviteUse>> {
    let sql = "SELECT invite, number, identity, time_ms FROM invite_uses ORDER BY invite, number";
    let record = |row: &Row<'_>| {
        Ok(InviteUse { invite: row.get(0)?, number: row.get(1)?, identity: identity(row, 2)?, time_ms: bits(row, 3)? })
    };
    connection.prepare(sql)?.query_map([], record)?.collect()
}
