//! The rooms of a session, in the order in which they were requested.

use kabar_core::client::RoomSlot;
use kabar_std::invite::RoomName;

use super::output::RoomOutput;
use super::posts::{DurablePosts, LineNumbers};
use super::room::{Membership, Room};
use crate::engine::command::{ReplayFrom, RoomRequest};
use crate::engine::event::{Event, RoomId, ServerId};
use crate::engine::queue::EventSink;

/// The rooms that the user is in, or joins.
#[derive(Debug)]
pub(super) struct Rooms {
    server: ServerId,
    next_index: u32,
    list: Vec<Room>,
    /// Rooms that are being left: they have posts that are not stored yet.
    parting: Vec<Parting>,
}

/// A room that is being left.
#[derive(Debug)]
pub(super) struct Parting {
    slot: RoomSlot,
    id: RoomId,
    durable: Option<DurablePosts>,
    numbers: LineNumbers,
}

impl Rooms {
    pub(super) fn new(server: ServerId) -> Self {
        Self { server, next_index: 0, list: Vec::new(), parting: Vec::new() }
    }

    pub(super) fn server(&self) -> ServerId {
        self.server
    }

    /// Adds a room, and reports it.
    pub(super) fn add(&mut self, requested: RoomRequest, replay_from: ReplayFrom, sink: &EventSink) -> RoomId {
        let id = RoomId { server: self.server, index: self.next_index };
        self.next_index += 1;
        sink.send(Event::RoomAdded { room: id, name: requested.name.clone() });
        self.list.push(Room::new(id, requested, replay_from));
        id
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Room> {
        self.list.iter_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the first room.
    pub(super) fn first(&self) -> Option<&Room> {
        self.list.first()
    }

    /// Returns the first room.
    pub(super) fn first_mut(&mut self) -> Option<&mut Room> {
        self.list.first_mut()
    }

    pub(super) fn find(&self, id: RoomId) -> Option<&Room> {
        self.list.iter().find(|room| room.id == id)
    }

    pub(super) fn find_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.list.iter_mut().find(|room| room.id == id)
    }

    pub(super) fn find_named(&self, name: &RoomName) -> Option<&Room> {
        self.list.iter().find(|room| room.name == *name)
    }

    /// Returns the room in this place of the client.
    pub(super) fn at(&mut self, slot: RoomSlot) -> Option<&mut Room> {
        self.list.iter_mut().find(|room| room.slot == Some(slot))
    }

    /// Whether there is a room in this place of the client.
    pub(super) fn is_at(&self, slot: RoomSlot) -> bool {
        self.list.iter().any(|room| room.slot == Some(slot))
    }

    /// Returns the room in this place of the client, also one that is being left.
    pub(super) fn id_at(&self, slot: RoomSlot) -> Option<RoomId> {
        let here = self.list.iter().find(|room| room.slot == Some(slot)).map(|room| room.id);
        here.or_else(|| self.parting.iter().find(|parting| parting.slot == slot).map(|parting| parting.id))
    }

    /// Keeps the server's text about a room.
    pub(super) fn set_server_text(&mut self, slot: RoomSlot, text: &str) {
        if let Some(room) = self.at(slot) {
            text.clone_into(&mut room.server_text);
        }
    }

    /// Returns the membership in this place of the client, and where it reports.
    pub(super) fn member_at<'a>(
        &mut self,
        slot: RoomSlot,
        sink: &'a EventSink,
    ) -> Option<(&mut Membership, RoomOutput<'a>)> {
        let room = self.list.iter_mut().find(|room| room.slot == Some(slot))?;
        let output = RoomOutput { sink, room: room.id };
        room.membership.as_mut().map(|member| (member, output))
    }

    /// Returns the memberships of all rooms, and where they report.
    pub(super) fn members<'a>(
        &mut self,
        sink: &'a EventSink,
    ) -> impl Iterator<Item = (RoomSlot, &mut Membership, RoomOutput<'a>)> {
        self.list.iter_mut().filter_map(move |room| {
            let output = RoomOutput { sink, room: room.id };
            Some((room.slot?, room.membership.as_mut()?, output))
        })
    }

    /// Whether entries of the local history are being delivered.
    pub(super) fn are_replayed(&self) -> bool {
        self.list.iter().any(|room| room.membership.as_ref().is_some_and(|member| member.replay.is_some()))
    }

    /// Returns the place of the first room that was joined.
    pub(super) fn first_member(&self) -> Option<RoomSlot> {
        self.list.iter().filter(|room| room.membership.is_some()).find_map(|room| room.slot)
    }

    /// Returns the places of all rooms, also of those that are being left.
    pub(super) fn slots(&self) -> impl Iterator<Item = RoomSlot> {
        self.list.iter().filter_map(|room| room.slot).chain(self.parting.iter().map(|parting| parting.slot))
    }

    /// The room in this place is being left.
    pub(super) fn set_parting(&mut self, slot: RoomSlot, room: Room) {
        let Room { id, durable, numbers, .. } = room;
        self.parting.push(Parting { slot, id, durable, numbers });
    }

    /// Returns the durable posts of the room in this place, also of one that is being left.
    pub(super) fn durable_at(&mut self, slot: RoomSlot) -> Option<&mut DurablePosts> {
        let Self { list, parting, .. } = self;
        match list.iter_mut().find(|room| room.slot == Some(slot)) {
            Some(room) => room.durable.as_mut(),
            None => parting.iter_mut().find(|parting| parting.slot == slot)?.durable.as_mut(),
        }
    }

    /// Returns the numbers of the lines of the room in this place, also of one that is being left.
    pub(super) fn numbers_at(&mut self, slot: RoomSlot) -> Option<&mut LineNumbers> {
        let Self { list, parting, .. } = self;
        match list.iter_mut().find(|room| room.slot == Some(slot)) {
            Some(room) => Some(&mut room.numbers),
            None => Some(&mut parting.iter_mut().find(|parting| parting.slot == slot)?.numbers),
        }
    }

    /// Returns the durable posts of all rooms, also of those that are being left.
    pub(super) fn durable(&self) -> impl Iterator<Item = &DurablePosts> {
        let parting = self.parting.iter().filter_map(|parting| parting.durable.as_ref());
        self.list.iter().filter_map(|room| room.durable.as_ref()).chain(parting)
    }

    /// Returns all rooms, also those that are being left.
    pub(super) fn ids(&self) -> impl Iterator<Item = RoomId> {
        self.list.iter().map(|room| room.id).chain(self.parting.iter().map(|parting| parting.id))
    }

    /// The room in this place has ended. Returns whether it was being left.
    pub(super) fn take_parting(&mut self, slot: RoomSlot) -> bool {
        let at = self.parting.iter().position(|parting| parting.slot == slot);
        at.map(|at| self.parting.remove(at)).is_some()
    }

    /// Removes a room.
    pub(super) fn remove(&mut self, id: RoomId) -> Option<Room> {
        let at = self.list.iter().position(|room| room.id == id)?;
        Some(self.list.remove(at))
    }
}
