//! The durable outbox: a line is on the disk before it is handed to the protocol client, and stays
//! there until it is settled (SPEC 6.5).
//!
//! A process takes a *slot*. It holds the slot's lock file, and its rooms have per slot an
//! instance, the last settled number in it, and the lines after that. A process that starts takes
//! a free slot, one with waiting lines first, and continues it: same instance, same numbers. So a
//! line that was stored and not acknowledged before a kill is not stored again (S1), and none is
//! lost. It also takes all others with waiting lines that no process holds, and each room continues
//! the one that has lines of it. A member has one instance per room and connection, so of several
//! with lines of one room, each of the others is delivered over a separate connection.
//!
//! ```text
//! start                   Outbox::take, Outbox::take_waiting
//! join a room             Outbox::resumption -> RoomConfig::resume
//!                         Outbox::lines      -> Client::post in order; Client::post_refused for a
//!                                               line that was refused
//! Event::Joined           Outbox::assign(Client::instance), before the next poll of the client
//! lines were typed        Outbox::push, then Client::post: it returns the same numbers
//! Event::Stored           Outbox::settle
//! Event::PostRefused      Outbox::refuse
//! ```
//! Numbers are those of the client: they continue when another instance is assigned. While the
//! client has no space, lines wait here; hand them over in their order.

use std::collections::HashMap;

use kabar_core::chat::{EntryKind, MAX_BODY_LEN};
use kabar_std::data_dir::{Lock, LockError};
use kabar_std::sqlite::{U64AsI64, bits};
use rusqlite::{Connection, params};

use super::error::{FromStorage, StorageError};
use super::{RoomRow, Writer};

/// Slots: processes of one identity that have a durable outbox at the same time. A server forgets
/// an instance when an identity has used 16 others since (SPEC 6.5).
pub const SLOTS: u32 = 16;
/// Lines of a room that wait in one slot.
pub const MAX_WAITING: usize = 1000;

/// Largest number that is believed; there is space above it in SQLite's numbers.
const LARGEST: u64 = u64::MAX / 4;

/// Why a line was not accepted, or the outbox was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// The file cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// [`MAX_WAITING`] lines wait.
    #[error("too many lines wait to be sent")]
    Full,
    /// The body is longer than any server accepts.
    #[error("too long")]
    TooLong,
}

/// The place in a room's instance to continue at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumption {
    /// The instance; 0: none yet.
    pub instance: u64,
    /// The last number in it that is settled.
    pub settled: u64,
}

/// A line that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxLine {
    /// Its number.
    pub number: u64,
    /// Its kind.
    pub kind: EntryKind,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether it was refused. It is settled once all lines before it are.
    pub is_refused: bool,
}

/// The outbox of this process.
#[derive(Debug)]
pub struct Outbox {
    slot: u32,
    rooms: HashMap<RoomRow, Numbers>,
    _lock: Lock,
}

/// The numbers of a room. The ordinal of a line in the file is its number and `offset`.
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    instance: u64,
    /// The last settled number when the instance was assigned.
    base: u64,
    settled: u64,
    /// The last number assigned.
    last: u64,
    offset: u64,
}

impl Numbers {
    const fn ordinal(&self, number: u64) -> U64AsI64 {
        U64AsI64(number.saturating_add(self.offset))
    }

    const fn settled_in_instance(&self) -> U64AsI64 {
        U64AsI64(self.settled.saturating_sub(self.base))
    }
}

impl Outbox {
    /// Takes a free slot, those with waiting lines first; `None`: other processes have all.
    ///
    /// # Errors
    /// [`LockError::File`]: the lock files cannot be used; or [`StorageError`].
    pub fn take(writer: &Writer) -> Result<Option<Self>, TakeError> {
        let waiting = waiting_slots(&writer.connection).map_err(StorageError::from)?;
        let others = (1..=SLOTS).filter(|slot| !waiting.contains(slot));
        for slot in waiting.iter().copied().chain(others) {
            if let Some(taken) = Self::take_slot(writer, slot)? {
                return Ok(Some(taken));
            }
        }
        Ok(None)
    }

    /// Takes all further free slots with waiting lines, of processes that were killed.
    ///
    /// # Errors
    /// As [`Outbox::take`].
    pub fn take_waiting(writer: &Writer) -> Result<Vec<Self>, TakeError> {
        let waiting = waiting_slots(&writer.connection).map_err(StorageError::from)?;
        waiting.into_iter().filter_map(|slot| Self::take_slot(writer, slot).transpose()).collect()
    }

    /// `None`: another process has it, or this one.
    fn take_slot(writer: &Writer, slot: u32) -> Result<Option<Self>, TakeError> {
        let (dir, base) = writer.place();
        match dir.lock(&lock_name(base, slot)) {
            Ok(lock) => {
                let rooms = load(&writer.connection, slot).map_err(StorageError::from)?;
                Ok(Some(Self { slot, rooms, _lock: lock }))
            }
            Err(LockError::Held(_)) => Ok(None),
            Err(error @ LockError::File(_)) => Err(error.into()),
        }
    }

    /// The number of lines that wait in slots of other processes, ended ones included.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn waiting_elsewhere(&self, writer: &Writer) -> Result<u64, StorageError> {
        let sql = "SELECT count(*) FROM outbox_lines WHERE slot <> ?1 AND refused = 0";
        Ok(writer.connection.query_row(sql, [self.slot], |row| bits(row, 0))?)
    }

    /// Returns the rooms with lines that wait in this slot.
    #[must_use]
    pub fn waiting(&self) -> Vec<RoomRow> {
        let mut rooms: Vec<_> =
            self.rooms.iter().filter(|(_, numbers)| numbers.last > numbers.settled).map(|(room, _)| *room).collect();
        rooms.sort_unstable();
        rooms
    }

    /// Returns the instance that a client joins the room with, and its last settled number. The
    /// numbers of lines are those of this client from now on.
    pub fn resumption(&mut self, room: RoomRow) -> Resumption {
        let numbers = self.rooms.entry(room).or_default();
        // A client counts from the settled number of the instance that it resumes.
        let shift = numbers.base;
        numbers.base = 0;
        numbers.settled = numbers.settled.saturating_sub(shift);
        numbers.last = numbers.last.saturating_sub(shift);
        numbers.offset = numbers.offset.saturating_add(shift);
        Resumption { instance: numbers.instance, settled: numbers.settled }
    }

    /// Returns up to `limit` lines with numbers above `after`, in their order.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn lines(
        &self,
        writer: &Writer,
        room: RoomRow,
        after: u64,
        limit: usize,
    ) -> Result<Vec<OutboxLine>, StorageError> {
        let Some(numbers) = self.rooms.get(&room) else { return Ok(Vec::new()) };
        let sql = "SELECT ordinal, kind, body, refused FROM outbox_lines
                   WHERE slot = ?1 AND room = ?2 AND ordinal > ?3 ORDER BY ordinal LIMIT ?4";
        let mut select = writer.connection.prepare_cached(sql)?;
        let line = |row: &rusqlite::Row<'_>| {
            let number = bits(row, 0)?.saturating_sub(numbers.offset);
            Ok(OutboxLine { number, kind: EntryKind(row.get(1)?), body: row.get(2)?, is_refused: row.get(3)? })
        };
        let limit = i64::try_from(limit.min(MAX_WAITING)).unwrap_or(i64::MAX);
        let after = numbers.ordinal(after.max(numbers.settled));
        let lines = select.query_map(params![self.slot, room.0, after, limit], line)?;
        Ok(lines.collect::<rusqlite::Result<_>>()?)
    }

    /// Returns the number of lines that wait in a room and were not refused.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn waiting_in(&self, writer: &Writer, room: RoomRow) -> Result<u64, StorageError> {
        let sql = "SELECT count(*) FROM outbox_lines WHERE slot = ?1 AND room = ?2 AND refused = 0";
        let mut select = writer.connection.prepare_cached(sql)?;
        Ok(select.query_row(params![self.slot, room.0], |row| bits(row, 0))?)
    }

    /// Returns how many more lines a room may have.
    #[must_use]
    pub fn space(&self, room: RoomRow) -> usize {
        let waiting = self.rooms.get(&room).map_or(0, |numbers| numbers.last.saturating_sub(numbers.settled));
        MAX_WAITING.saturating_sub(usize::try_from(waiting).unwrap_or(MAX_WAITING))
    }

    /// Stores lines in one transaction, and returns the number of the first one: the next one of
    /// the room. They are durable now.
    ///
    /// After an error the lines may come back with the next process, if the disk failed at the last
    /// moment; the next lines that are stored replace them.
    ///
    /// # Errors
    /// [`OutboxError`].
    pub fn push(
        &mut self,
        writer: &mut Writer,
        room: RoomRow,
        lines: &[(EntryKind, &[u8])],
    ) -> Result<u64, OutboxError> {
        if lines.iter().any(|(_, body)| body.len() > MAX_BODY_LEN) {
            return Err(OutboxError::TooLong);
        }
        if lines.len() > self.space(room) {
            return Err(OutboxError::Full);
        }
        let numbers = self.rooms.entry(room).or_default();
        let first = numbers.last.saturating_add(1);
        writer.write(|transaction| {
            save(transaction, self.slot, room, numbers)?;
            let sql = "INSERT OR REPLACE INTO outbox_lines (slot, room, ordinal, kind, body)
                       VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut insert = transaction.prepare_cached(sql)?;
            for (number, (kind, body)) in (first..).zip(lines) {
                insert.execute(params![self.slot, room.0, numbers.ordinal(number), kind.0, body])?;
            }
            Ok::<_, StorageError>(())
        })?;
        numbers.last = numbers.last.saturating_add(lines.len() as u64);
        Ok(first)
    }

    /// Takes the next number for a line that could not be stored, and is posted all the same.
    pub fn skip(&mut self, room: RoomRow) -> u64 {
        let numbers = self.rooms.entry(room).or_default();
        numbers.last = numbers.last.saturating_add(1);
        numbers.last
    }

    /// The server has assigned this instance: if it is another one, the lowest line that is not
    /// settled is number 1 in it. Durable when this returns; nothing may be sent before. After an
    /// error the next change in this room stores it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn assign(&mut self, writer: &mut Writer, room: RoomRow, instance: u64) -> Result<(), StorageError> {
        let numbers = self.rooms.entry(room).or_default();
        if numbers.instance == instance {
            return Ok(());
        }
        *numbers = Numbers { instance, base: numbers.settled, ..*numbers };
        writer.write(|transaction| save(transaction, self.slot, room, numbers))
    }

    /// Every line up to this number that was not refused is stored.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn settle(&mut self, writer: &mut Writer, room: RoomRow, number: u64) -> Result<(), StorageError> {
        let numbers = self.rooms.entry(room).or_default();
        let settled = numbers.settled.max(number.min(LARGEST));
        *numbers = writer.write(|transaction| settle(transaction, self.slot, room, Numbers { settled, ..*numbers }))?;
        Ok(())
    }

    /// The server has refused this line.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn refuse(&mut self, writer: &mut Writer, room: RoomRow, number: u64) -> Result<(), StorageError> {
        let numbers = self.rooms.entry(room).or_default();
        *numbers = writer.write(|transaction| {
            let sql = "UPDATE outbox_lines SET refused = 1 WHERE slot = ?1 AND room = ?2 AND ordinal = ?3";
            transaction.prepare_cached(sql)?.execute(params![self.slot, room.0, numbers.ordinal(number)])?;
            settle(transaction, self.slot, room, *numbers)
        })?;
        Ok(())
    }

    /// Drops all lines of a room, and its instance: the number of a line that was sent is never
    /// used for another one. Returns how many waited.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn discard(&mut self, writer: &mut Writer, room: RoomRow) -> Result<usize, StorageError> {
        let dropped = writer.write(|transaction| {
            let place = params![self.slot, room.0];
            transaction.prepare_cached("DELETE FROM outbox_rooms WHERE slot = ?1 AND room = ?2")?.execute(place)?;
            let sql = "DELETE FROM outbox_lines WHERE slot = ?1 AND room = ?2";
            Ok::<_, StorageError>(transaction.prepare_cached(sql)?.execute(place)?)
        })?;
        self.rooms.remove(&room);
        Ok(dropped)
    }
}

/// No slot was taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// A lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<rusqlite::Error> for OutboxError {
    fn from(error: rusqlite::Error) -> Self {
        StorageError::from(error).into()
    }
}

impl FromStorage for OutboxError {
    fn storage(&mut self) -> Option<&mut StorageError> {
        if let Self::Storage(error) = self { Some(error) } else { None }
    }
}

fn lock_name(base: &str, slot: u32) -> String {
    format!("{base}.outbox-{slot}.lock")
}

/// The slots with lines that can be sent.
fn waiting_slots(connection: &Connection) -> rusqlite::Result<Vec<u32>> {
    let mut select = connection.prepare("SELECT DISTINCT slot FROM outbox_lines WHERE refused = 0 ORDER BY slot")?;
    select.query_map([], |row| row.get(0))?.collect()
}

fn load(connection: &Connection, slot: u32) -> rusqlite::Result<HashMap<RoomRow, Numbers>> {
    let sql = "SELECT outbox_rooms.room, instance, settled, count(ordinal), coalesce(min(ordinal), 0)
               FROM outbox_rooms LEFT JOIN outbox_lines USING (slot, room) WHERE slot = ?1 GROUP BY outbox_rooms.room";
    let mut select = connection.prepare(sql)?;
    let numbers = |row: &rusqlite::Row<'_>| {
        let (instance, settled, waiting, first) = (bits(row, 1)?, bits(row, 2)?, bits(row, 3)?, bits(row, 4)?);
        // The first line is the one after the settled ones.
        let offset = first.saturating_sub(settled.saturating_add(1));
        let last = settled.saturating_add(waiting);
        Ok((RoomRow(row.get(0)?), Numbers { instance, base: 0, settled, last, offset }))
    };
    select.query_map([slot], numbers)?.collect()
}

/// Removes the lines that are settled, and the refused ones directly after them.
fn settle(connection: &Connection, slot: u32, room: RoomRow, mut numbers: Numbers) -> Result<Numbers, StorageError> {
    let place = params![slot, room.0, numbers.ordinal(numbers.settled)];
    let sql = "SELECT min(ordinal) FROM outbox_lines WHERE slot = ?1 AND room = ?2 AND ordinal > ?3 AND refused = 0";
    let open: Option<U64AsI64> = connection.prepare_cached(sql)?.query_row(place, |row| row.get(0))?;
    numbers.last = numbers.last.max(numbers.settled);
    numbers.settled = match open {
        Some(open) => open.0.saturating_sub(numbers.offset).saturating_sub(1),
        None => numbers.last,
    };
    let sql = "DELETE FROM outbox_lines WHERE slot = ?1 AND room = ?2 AND ordinal <= ?3";
    connection.prepare_cached(sql)?.execute(params![slot, room.0, numbers.ordinal(numbers.settled)])?;
    save(connection, slot, room, &numbers)?;
    Ok(numbers)
}

fn save(connection: &Connection, slot: u32, room: RoomRow, numbers: &Numbers) -> Result<(), StorageError> {
    let sql = "INSERT INTO outbox_rooms (slot, room, instance, settled) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET instance = excluded.instance, settled = excluded.settled";
    let values = params![slot, room.0, U64AsI64(numbers.instance), numbers.settled_in_instance()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
