//! The table of rooms.

use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::Room;
use crate::hub::context::Context;
use crate::hub::events::LeaveReason;
use crate::hub::peer::Peer;
use crate::hub::room_id::RoomId;

/// All rooms of a hub. None is ever removed.
#[derive(Debug)]
pub(in crate::hub) struct Rooms(Vec<Room>);

impl Rooms {
    /// An empty table.
    pub(in crate::hub) fn new() -> Self {
        Self(Vec::new())
    }

    /// The id of the next room to be added.
    pub(in crate::hub) fn next_id(&self) -> RoomId {
        RoomId(self.0.len())
    }

    /// Adds a room, which has the id [`Self::next_id`].
    pub(in crate::hub) fn add(&mut self, room: Room) {
        debug_assert_eq!(room.id(), self.next_id(), "ids are places in the table");
        self.0.push(room);
    }

    pub(in crate::hub) fn get(&self, id: RoomId) -> Option<&Room> {
        self.0.get(id.0)
    }

    pub(in crate::hub) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.0.get_mut(id.0)
    }

    /// The room of this name.
    pub(in crate::hub) fn named_mut(&mut self, name: &str) -> Option<&mut Room> {
        self.0.iter_mut().find(|room| room.name() == name)
    }

    /// The ids of all rooms, in ascending order.
    pub(in crate::hub) fn ids(&self) -> impl Iterator<Item = RoomId> + use<> {
        (0..self.0.len()).map(RoomId)
    }

    /// All rooms, by ascending id.
    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.0.iter()
    }

    /// Whether too many posts wait for their commit in any room to accept more.
    pub(in crate::hub) fn is_saturated(&self, limit: usize) -> bool {
        self.0.iter().any(|room| room.is_saturated(limit))
    }

    /// Ends the membership of a connection, or its Join, in the room that it is in. `silence` is
    /// how long it had been silent before.
    pub(in crate::hub) fn remove_member<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        reason: LeaveReason,
        silence: Duration,
    ) {
        if let Some(room) = peer.room().and_then(|id| self.get_mut(id)) {
            room.remove_silent_member(now, context, peer, reason, silence);
        }
    }
}
