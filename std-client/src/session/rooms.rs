//! The rooms of a session, in the order in which they were joined, and the one that is shown.

use kabar_core::client::RoomSlot;
use kabar_std::invite::RoomName;

use super::front_end::{FrontEnd, RoomLabel, RoomsView};
use super::room::{Membership, Room};
use super::roster::Roster;
use super::view::RoomView;

/// The rooms that the user is in, or joins.
#[derive(Debug)]
pub(super) struct Rooms {
    list: Vec<Room>,
    /// The room whose entries are displayed, and to which lines go. `None`: it has ended, and the
    /// user has not chosen another one.
    shown: Option<RoomName>,
    /// Rooms that are being left: they have lines that are not stored yet.
    parting: Vec<RoomSlot>,
    /// Rooms of the server that may be joined, as far as is known.
    listed: Vec<String>,
}

impl Rooms {
    /// Shows the first room.
    pub(super) fn new(list: Vec<Room>) -> Self {
        let shown = list.first().map(|room| room.name.clone());
        Self { list, shown, parting: Vec::new(), listed: Vec::new() }
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

    pub(super) fn find(&self, name: &RoomName) -> Option<&Room> {
        self.list.iter().find(|room| room.name == *name)
    }

    pub(super) fn find_mut(&mut self, name: &RoomName) -> Option<&mut Room> {
        self.list.iter_mut().find(|room| room.name == *name)
    }

    /// Returns the room in this place of the client.
    pub(super) fn at(&mut self, slot: RoomSlot) -> Option<&mut Room> {
        self.list.iter_mut().find(|room| room.slot == Some(slot))
    }

    /// Whether there is a room in this place of the client.
    pub(super) fn is_at(&self, slot: RoomSlot) -> bool {
        self.list.iter().any(|room| room.slot == Some(slot))
    }

    /// Keeps the server's text about a room.
    pub(super) fn set_server_text(&mut self, slot: RoomSlot, text: &str) {
        if let Some(room) = self.at(slot) {
            text.clone_into(&mut room.server_text);
        }
    }

    /// Returns the member in this place of the client, and how it displays.
    pub(super) fn member_at<'a>(
        &'a mut self,
        slot: RoomSlot,
        ui: &'a dyn FrontEnd,
    ) -> Option<(&'a mut Membership, RoomView<'a>)> {
        let Self { list, shown, .. } = self;
        let room = list.iter_mut().find(|room| room.slot == Some(slot))?;
        let view = view_of(&room.name, shown.as_ref(), ui);
        room.membership.as_mut().map(|member| (member, view))
    }

    /// Returns the members of all rooms, and how they display.
    pub(super) fn members<'a>(
        &'a mut self,
        ui: &'a dyn FrontEnd,
    ) -> impl Iterator<Item = (RoomSlot, &'a mut Membership, RoomView<'a>)> {
        let Self { list, shown, .. } = self;
        list.iter_mut().filter_map(move |room| {
            let view = view_of(&room.name, shown.as_ref(), ui);
            Some((room.slot?, room.membership.as_mut()?, view))
        })
    }

    pub(super) fn view<'a>(&'a self, name: &'a RoomName, ui: &'a dyn FrontEnd) -> RoomView<'a> {
        view_of(name, self.shown.as_ref(), ui)
    }

    /// Returns the places of all rooms, also of those that are being left.
    pub(super) fn slots(&self) -> impl Iterator<Item = RoomSlot> {
        self.list.iter().filter_map(|room| room.slot).chain(self.parting.iter().copied())
    }

    /// The room in this place is being left.
    pub(super) fn set_parting(&mut self, slot: RoomSlot) {
        self.parting.push(slot);
    }

    /// The room in this place has ended. Returns whether it was being left.
    pub(super) fn take_parting(&mut self, slot: RoomSlot) -> bool {
        let at = self.parting.iter().position(|parting| *parting == slot);
        at.map(|at| self.parting.remove(at)).is_some()
    }

    pub(super) fn push(&mut self, room: Room) {
        self.list.push(room);
    }

    /// Removes a room. If it was shown, none is.
    pub(super) fn remove(&mut self, name: &RoomName) -> Option<Room> {
        if self.shown.as_ref() == Some(name) {
            self.shown = None;
        }
        let at = self.list.iter().position(|room| room.name == *name)?;
        Some(self.list.remove(at))
    }

    pub(super) fn shown(&self) -> Option<&Room> {
        self.shown.as_ref().and_then(|name| self.find(name))
    }

    pub(super) fn is_shown(&self, name: &RoomName) -> bool {
        self.shown.as_ref() == Some(name)
    }

    /// From now on this room is shown.
    pub(super) fn set_shown(&mut self, name: &RoomName) {
        self.shown = Some(name.clone());
    }

    /// Sets the rooms of the server that may be joined.
    pub(super) fn set_listed(&mut self, listed: Vec<String>) {
        self.listed = listed;
    }

    /// Updates what the front end knows about the rooms.
    pub(super) fn publish(&self, ui: &dyn FrontEnd) {
        let all: Vec<&RoomName> = self.list.iter().map(|room| &room.name).collect();
        let none = Roster::default();
        let member = self.shown().and_then(|room| room.membership.as_ref());
        let roster = member.map_or(&none, |member| &member.display.roster);
        ui.set_rooms(&RoomsView { shown: self.shown.as_ref(), roster, all: &all, listed: &self.listed });
    }
}

fn view_of<'a>(name: &'a RoomName, shown: Option<&RoomName>, ui: &'a dyn FrontEnd) -> RoomView<'a> {
    let is_shown = shown == Some(name) || ui.shows_everything();
    RoomView { ui, label: RoomLabel { name, is_shown } }
}
