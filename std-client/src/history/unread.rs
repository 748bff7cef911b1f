//! Read marks, and counts of what is unread.

use kabar_std::sqlite::{U64AsI64, bits};
use rusqlite::{OptionalExtension, params};

use super::error::StorageError;
use super::{LogRow, Place, Reader, RoomRow, Writer};

/// What is unread in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Entries after the read mark that ask for attention.
    pub entries: u64,
    /// Those of them that mention the person.
    pub mentions: u64,
}

/// A line of the room list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    /// The room.
    pub room: RoomRow,
    /// What is unread.
    pub unread: Unread,
    /// The time of the last entry, in ms since 1970.
    pub last_ms: Option<u64>,
    /// Whether it has a draft.
    pub has_draft: bool,
}

impl Writer {
    /// Marks everything up to `place` as read, in earlier logs too. A mark never goes back.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn mark_read(&mut self, room: RoomRow, place: Place) -> Result<(), StorageError> {
        let seq = U64AsI64(place.seq.min(i64::MAX.cast_unsigned()));
        self.write(|transaction| {
            let sql = "UPDATE logs SET read_seq = max(read_seq, iif(id = ?2, ?3, cursor_seq))
                       WHERE room = ?1 AND id <= ?2";
            transaction.prepare_cached(sql)?.execute(params![room.0, place.log.0, seq])?;
            Ok(())
        })
    }
}

impl Reader {
    /// Returns what is unread in each room, in the order of [`Reader::rooms`].
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn summaries(&self) -> Result<Vec<RoomSummary>, StorageError> {
        self.read(|connection| {
            let sql = "
                WITH counted (room, entries, mentions) AS (
                    SELECT room, count(*), sum(attention = 2)
                    FROM logs CROSS JOIN entries INDEXED BY entries_unread ON log = logs.id
                    WHERE attention > 0 AND seq > read_seq GROUP BY room
                )
                SELECT rooms.id, coalesce(counted.entries, 0), coalesce(counted.mentions, 0), draft IS NOT NULL,
                    (SELECT time_ms FROM entries WHERE log = (SELECT max(id) FROM logs WHERE room = rooms.id)
                     ORDER BY seq DESC LIMIT 1)
                FROM rooms LEFT JOIN counted ON counted.room = rooms.id ORDER BY rooms.id";
            let mut select = connection.prepare_cached(sql)?;
            let summary = |row: &rusqlite::Row<'_>| {
                Ok(RoomSummary {
                    room: RoomRow(row.get(0)?),
                    unread: Unread { entries: bits(row, 1)?, mentions: bits(row, 2)? },
                    has_draft: row.get(3)?,
                    last_ms: row.get::<_, Option<U64AsI64>>(4)?.map(|time| time.0),
                })
            };
            select.query_map([], summary)?.collect()
        })
    }

    /// Returns the last entry of a log that was read; 0: none was.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn read_mark(&self, log: LogRow) -> Result<u64, StorageError> {
        self.read(|connection| {
            let sql = "SELECT coalesce(max(read_seq), 0) FROM logs WHERE id = ?1";
            connection.prepare_cached(sql)?.query_row([log.0], |row| bits(row, 0))
        })
    }

    /// Returns the first entry of a room that is unread and asks for attention.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn first_unread(&self, room: RoomRow) -> Result<Option<Place>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT log, seq FROM logs CROSS JOIN entries INDEXED BY entries_unread ON log = logs.id
                       WHERE room = ?1 AND attention > 0 AND seq > read_seq ORDER BY log, seq LIMIT 1";
            let place = |row: &rusqlite::Row<'_>| Ok(Place { log: LogRow(row.get(0)?), seq: bits(row, 1)? });
            connection.prepare_cached(sql)?.query_row([room.0], place).optional()
        })
    }
}
