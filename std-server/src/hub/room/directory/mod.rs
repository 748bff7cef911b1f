//! The directory: every room of the server by name, whether it is in memory or not.
//!
//! A change takes effect at once. It is written with every commit until one has succeeded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use kabar_core::crypto::identity::PublicIdentity;

use super::admissions::Admissions;
use crate::hub::room_id::RoomId;
use crate::store::{RoomRecord, RoomSummary, ServerBatch, ServerState};

/// All rooms of a server.
#[derive(Debug, Default)]
pub(in crate::hub) struct Directory {
    rooms: BTreeMap<String, DirectoryEntry>,
    /// The rooms whose records are not known to be durable.
    changed: BTreeSet<String>,
}

/// A room of the directory.
#[derive(Clone, Debug)]
pub(in crate::hub) struct DirectoryEntry {
    pub(in crate::hub) record: RoomRecord,
    /// Smallest seq that is kept. While the room is in memory, it knows better.
    pub(in crate::hub) first: u64,
    /// Largest seq that is committed. While the room is in memory, it knows better.
    pub(in crate::hub) head: u64,
    /// The room in memory.
    pub(in crate::hub) id: Option<RoomId>,
    /// Who was admitted to it, if it is private. While the room is in memory, it knows better.
    pub(in crate::hub) admitted: Admissions,
    /// The topic with which it was opened again, until it is in memory: an entry has to state it.
    pub(in crate::hub) new_topic: Option<NewTopic>,
}

/// A topic that is set as soon as the room is in memory.
#[derive(Clone, Debug)]
pub(in crate::hub) struct NewTopic {
    pub(in crate::hub) topic: String,
    /// The member who set it; `None`: at the console.
    pub(in crate::hub) by: Option<PublicIdentity>,
}

impl DirectoryEntry {
    fn new(record: RoomRecord) -> Self {
        Self { record, first: 1, head: 0, id: None, admitted: Admissions::default(), new_topic: None }
    }
}

impl Directory {
    /// The rooms in the store, and the room `first` of the configuration.
    pub(in crate::hub) fn new(loaded: &ServerState, first: &str) -> Self {
        let stored = |room: &RoomSummary| {
            let RoomSummary { record, first, head, .. } = room.clone();
            (record.name.clone(), DirectoryEntry { first, head, ..DirectoryEntry::new(record) })
        };
        let mut rooms: BTreeMap<_, _> = loaded.rooms.iter().map(stored).collect();
        rooms.entry(first.to_owned()).or_insert_with(|| DirectoryEntry::new(RoomRecord::named(first)));
        for (room, admission) in &loaded.private_admissions {
            if let Some(entry) = rooms.get_mut(room) {
                entry.admitted.insert(admission);
            }
        }
        Self { rooms, changed: BTreeSet::new() }
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.rooms.len()
    }

    pub(in crate::hub) fn get(&self, name: &str) -> Option<&DirectoryEntry> {
        self.rooms.get(name)
    }

    pub(in crate::hub) fn get_mut(&mut self, name: &str) -> Option<&mut DirectoryEntry> {
        self.rooms.get_mut(name)
    }

    /// The record of a room; an empty one if there is no such room.
    pub(in crate::hub) fn record(&self, name: &str) -> RoomRecord {
        self.get(name).map_or_else(|| RoomRecord::named(name), |entry| entry.record.clone())
    }

    /// All rooms by name, from after `after` on.
    pub(in crate::hub) fn after(&self, after: Option<&str>) -> impl Iterator<Item = &DirectoryEntry> {
        self.rooms.range::<str, _>((after.map_or(Unbounded, Excluded), Unbounded)).map(|(_, room)| room)
    }

    /// Adds a room, or replaces its record.
    pub(in crate::hub) fn put(&mut self, record: RoomRecord) {
        self.changed.insert(record.name.clone());
        match self.rooms.get_mut(&record.name) {
            Some(room) => room.record = record,
            None => _ = self.rooms.insert(record.name.clone(), DirectoryEntry::new(record)),
        }
    }

    /// Whether there is a change that is not known to be durable.
    pub(in crate::hub) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Writes the changes into a batch. They are kept until it is committed.
    pub(in crate::hub) fn write(&self, batch: &mut ServerBatch) {
        batch.rooms = self.changed.iter().filter_map(|name| Some(self.rooms.get(name)?.record.clone())).collect();
    }

    /// The store was read again: what differs from it is to be written, and nothing else.
    pub(in crate::hub) fn reload(&mut self, loaded: &ServerState) {
        for RoomSummary { record, first, head, .. } in &loaded.rooms {
            let Some(room) = self.rooms.get_mut(&record.name) else { continue };
            if room.record == *record {
                self.changed.remove(&record.name);
            } else {
                self.changed.insert(record.name.clone());
            }
            if room.id.is_none() {
                (room.first, room.head) = (*first, *head);
            }
        }
    }

    /// Notes that a batch was committed.
    pub(in crate::hub) fn apply(&mut self, batch: &ServerBatch) {
        let Self { rooms, changed } = self;
        for record in &batch.rooms {
            if rooms.get(&record.name).is_none_or(|room| room.record == *record) {
                changed.remove(&record.name);
            }
        }
    }
}

#[cfg(test)]
mod tests;
