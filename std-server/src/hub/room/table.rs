//! The table of rooms.

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::names::Name;

use super::Room;
use super::directory::Directory;
use super::tails::Tails;
use crate::hub::context::Context;
use crate::hub::people::Rename;
use crate::hub::room_id::RoomId;

/// The rooms of a hub: the directory of all, and those that are in memory.
#[derive(Debug)]
pub(in crate::hub) struct Rooms {
    pub(in crate::hub) directory: Directory,
    slots: Vec<Slot>,
    /// Places of rooms that were dropped.
    free: Vec<u32>,
    /// Rooms that may have changed since they were last visited.
    touched: Vec<RoomId>,
    /// Rooms that have something to commit, in this order.
    dirty: Vec<RoomId>,
    pub(super) tails: Tails,
}

/// A place in the table.
#[derive(Debug, Default)]
struct Slot {
    /// Number of rooms that were here before.
    generation: u32,
    room: Option<Box<Room>>,
}

impl Rooms {
    /// No room is in memory.
    pub(in crate::hub) fn new(directory: Directory) -> Self {
        Self {
            directory,
            slots: Vec::new(),
            free: Vec::new(),
            touched: Vec::new(),
            dirty: Vec::new(),
            tails: Tails::default(),
        }
    }

    /// Adds the room that `make` creates for an id.
    pub(in crate::hub) fn insert(&mut self, make: impl FnOnce(RoomId) -> Room) -> RoomId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            // The limit of rooms is below that.
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let slot = &mut self.slots[index as usize];
        let id = RoomId { index, generation: slot.generation };
        let room = slot.room.insert(Box::new(make(id)));
        if let Some(entry) = self.directory.get_mut(room.name()) {
            entry.id = Some(id);
        }
        self.get_mut(id);
        id
    }

    pub(in crate::hub) fn get(&self, id: RoomId) -> Option<&Room> {
        let slot = self.slots.get(id.index as usize).filter(|slot| slot.generation == id.generation)?;
        slot.room.as_deref()
    }

    /// A room, without a visit.
    pub(super) fn untouched(&mut self, id: RoomId) -> Option<&mut Room> {
        let slot = self.slots.get_mut(id.index as usize).filter(|slot| slot.generation == id.generation)?;
        slot.room.as_deref_mut()
    }

    /// A room, to be changed: it is visited with the next jobs.
    pub(in crate::hub) fn get_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        let slot = self.slots.get_mut(id.index as usize).filter(|slot| slot.generation == id.generation)?;
        let room = slot.room.as_deref_mut()?;
        if !core::mem::replace(&mut room.listed.is_touched, true) {
            self.touched.push(id);
        }
        Some(room)
    }

    /// Takes a room that nothing keeps in memory out of the table. Its id is used no more.
    pub(super) fn take_idle(&mut self, id: RoomId) -> Option<Box<Room>> {
        let slot = self.slots.get_mut(id.index as usize).filter(|slot| slot.generation == id.generation)?;
        let room = slot.room.take_if(|room| room.listed.is_idle)?;
        // A place that could repeat an id is not used again.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(id.index);
        }
        Some(room)
    }

    /// The id of the room of this name, if it is in memory.
    pub(in crate::hub) fn id_of(&self, name: &str) -> Option<RoomId> {
        self.directory.get(name)?.id
    }

    /// The rooms in memory, by their places.
    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.slots.iter().filter_map(|slot| slot.room.as_deref())
    }

    /// Counts the tails of these rooms, which have changed, and shrinks some until all tails are
    /// within `limit` bytes.
    pub(in crate::hub) fn bound_tails(&mut self, changed: &[RoomId], limit: usize) {
        let mut tails = core::mem::take(&mut self.tails);
        for id in changed {
            if let Some(room) = self.untouched(*id) {
                tails.count(*id, &mut room.listed.tail, room.log.tail_bytes());
            }
        }
        while let Some((id, surplus)) = tails.surplus(limit) {
            let Some(room) = self.untouched(id) else { break };
            room.log.shrink_tail(surplus);
            tails.shrink(&mut room.listed.tail, room.log.tail_bytes());
        }
        self.tails = tails;
    }

    /// Visits the rooms that may have changed, and lists those that have something to commit.
    pub(in crate::hub) fn visit_touched(&mut self, mut visit: impl FnMut(&mut Room)) {
        for id in core::mem::take(&mut self.touched) {
            let Some(room) = self.untouched(id) else { continue };
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
            if let Some(room) = self.untouched(*id) {
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
