//! The memory that the tails of all logs share. Where it is exceeded, the room that was written to
//! longest ago loses the oldest entries of its tail.

use std::collections::BTreeMap;

use super::Rooms;
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

    /// The room that was written to longest ago.
    fn coldest(&self) -> Option<(u64, RoomId)> {
        self.order.first_key_value().map(|(stands_at, id)| (*stands_at, *id))
    }
}

impl Rooms {
    /// Counts the tails of these rooms, which have changed, and shrinks some until all tails are
    /// within `limit` bytes.
    pub(in crate::hub) fn bound_tails(&mut self, changed: &[RoomId], limit: usize) {
        let mut tails = core::mem::take(&mut self.tails);
        for id in changed {
            if let Some(room) = self.untouched(*id) {
                tails.count(*id, &mut room.listed.tail, room.log.tail_bytes());
            }
        }
        while tails.bytes > limit
            && let Some((stands_at, id)) = tails.coldest()
        {
            let Some(room) = self.untouched(id) else { break };
            room.log.shrink_tail(tails.bytes - limit);
            tails.bytes = tails.bytes - room.listed.tail.bytes + room.log.tail_bytes();
            room.listed.tail.bytes = room.log.tail_bytes();
            if room.listed.tail.bytes == 0 {
                tails.order.remove(&stands_at);
            }
        }
        self.tails = tails;
    }
}
