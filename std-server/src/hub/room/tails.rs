//! The memory that the tails of all logs share. Where it is exceeded, the room that was written to
//! longest ago loses the oldest entries of its tail.

use std::collections::BTreeMap;

use crate::hub::room_id::RoomId;

/// The tails of all rooms.
#[derive(Debug, Default)]
pub(super) struct Tails {
    bytes: usize,
    /// Rooms that have a tail, by when it changed last.
    order: BTreeMap<u64, RoomId>,
    changes: u64,
}

/// The tail of a room, as it is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CountedTail {
    bytes: usize,
    /// Its key in the order.
    stands_at: u64,
}

impl Tails {
    /// Counts the tail of a room, which has changed.
    pub(super) fn count(&mut self, id: RoomId, tail: &mut CountedTail, bytes: usize) {
        self.order.remove(&tail.stands_at);
        self.changes += 1;
        self.bytes = self.bytes - tail.bytes + bytes;
        *tail = CountedTail { bytes, stands_at: self.changes };
        if bytes > 0 {
            self.order.insert(self.changes, id);
        }
    }

    /// If the tails are larger than `limit` together: the room that was written to longest ago, and
    /// the number of bytes beyond the limit.
    pub(super) fn surplus(&self, limit: usize) -> Option<(RoomId, usize)> {
        let surplus = self.bytes.checked_sub(limit).filter(|surplus| *surplus > 0)?;
        self.order.first_key_value().map(|(_, id)| (*id, surplus))
    }

    /// Counts a tail that was made smaller. Its room is not younger for that.
    pub(super) fn shrink(&mut self, tail: &mut CountedTail, bytes: usize) {
        self.bytes = self.bytes - tail.bytes + bytes;
        tail.bytes = bytes;
        if bytes == 0 {
            self.order.remove(&tail.stands_at);
        }
    }
}
