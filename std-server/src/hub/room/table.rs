//! The table of rooms.

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::names::Name;

use super::Room;
use crate::hub::context::Context;
use crate::hub::people::Rename;
use crate::hub::room_id::RoomId;

/// All rooms of a hub. None is ever removed.
#[derive(Debug, Default)]
pub(in crate::hub) struct Rooms {
    rooms: Vec<Room>,
    /// Rooms that may have changed since they were last visited.
    touched: Vec<RoomId>,
    /// Rooms that have something to commit, in this order.
    dirty: Vec<RoomId>,
}

impl Rooms {
    /// The id of the next room to be added.
    pub(in crate::hub) fn next_id(&self) -> RoomId {
        RoomId(self.rooms.len())
    }

    /// Adds a room, which has the id [`Self::next_id`].
    pub(in crate::hub) fn add(&mut self, room: Room) {
        debug_assert_eq!(room.id(), self.next_id(), "ids are places in the table");
        let id = room.id();
        self.rooms.push(room);
        self.get_mut(id);
    }

    pub(in crate::hub) fn get(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(id.0)
    }

    /// A room, to be changed: it is visited with the next jobs.
    pub(in crate::hub) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        let room = self.rooms.get_mut(id.0)?;
        if !core::mem::replace(&mut room.listed.is_touched, true) {
            self.touched.push(id);
        }
        Some(room)
    }

    /// The id of the room of this name.
    pub(in crate::hub) fn id_of(&self, name: &str) -> Option<RoomId> {
        self.rooms.iter().find(|room| room.name() == name).map(Room::id)
    }

    /// All rooms, by ascending id.
    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.rooms.iter()
    }

    /// Visits the rooms that may have changed, and lists those that have something to commit.
    pub(in crate::hub) fn visit_touched(&mut self, mut visit: impl FnMut(&mut Room)) {
        for id in self.touched.drain(..) {
            let Some(room) = self.rooms.get_mut(id.0) else { continue };
            room.listed.is_touched = false;
            visit(room);
            if room.has_to_commit() && !core::mem::replace(&mut room.listed.is_dirty, true) {
                self.dirty.push(id);
            }
        }
    }

    /// Repeats the renames in one room in all others in which their identity has a name.
    pub(in crate::hub) fn repeat_renames<P: Provider>(&mut self, context: &mut Context<P>) {
        while let Some(Rename { room, identity, name }) = context.people.renames.pop_front() {
            for id in context.people.rooms_of(&identity) {
                if let Some(other) = self.get_mut(id).filter(|_| id != room) {
                    other.repeat_rename(context, identity, name.clone());
                }
            }
        }
    }

    /// Drops the repetitions of a rename in other rooms than `room`.
    pub(in crate::hub) fn drop_rename<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        room: RoomId,
        identity: PublicIdentity,
        name: &Name,
    ) {
        for id in context.people.rooms_of(&identity) {
            if let Some(other) = self.get_mut(id).filter(|_| id != room) {
                other.drop_rename(context, identity, name);
            }
        }
    }

    /// The rooms that have something to commit, which are then no longer listed as such.
    pub(in crate::hub) fn take_dirty(&mut self) -> Vec<RoomId> {
        let dirty = core::mem::take(&mut self.dirty);
        for id in &dirty {
            if let Some(room) = self.rooms.get_mut(id.0) {
                room.listed.is_dirty = false;
            }
        }
        dirty
    }

    /// The rooms that may have something to commit, or are part of the transaction in progress and
    /// were just changed. Some may be there twice.
    pub(in crate::hub) fn listed(&self) -> Vec<RoomId> {
        self.touched.iter().chain(&self.dirty).copied().collect()
    }
}
