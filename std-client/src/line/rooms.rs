//! The rooms of all servers, in the order in which they were added, and the one that is shown.

use kabar_std::invite::RoomName;

use super::prompt::PromptRooms;
use super::room::Room;
use super::roster::{OpenTransfers, Roster};
use super::servers::Server;
use crate::engine::{RoomId, ServerId};

/// The rooms that the user is in, or joins.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    list: Vec<Room>,
    /// The room whose entries are displayed, and to which lines go. `None`: it has ended, and the
    /// user has not chosen another one.
    shown: Option<RoomId>,
    pub(super) transfers: OpenTransfers,
}

impl Rooms {
    pub(super) fn push(&mut self, room: Room) {
        self.list.push(room);
    }

    /// Removes a room. If it was shown, none is.
    pub(super) fn remove(&mut self, id: RoomId) -> Option<Room> {
        self.shown = self.shown.filter(|shown| *shown != id);
        let at = self.list.iter().position(|room| room.id == id)?;
        Some(self.list.remove(at))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Room> {
        self.list.iter_mut()
    }

    pub(super) fn of(&self, server: ServerId) -> impl Iterator<Item = &Room> {
        self.list.iter().filter(move |room| room.id.server == server)
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn find(&self, id: RoomId) -> Option<&Room> {
        self.list.iter().find(|room| room.id == id)
    }

    pub(super) fn find_mut(&mut self, id: RoomId) -> Option<&mut Room> {
        self.list.iter_mut().find(|room| room.id == id)
    }

    /// Returns the room with this name on this server.
    pub(super) fn find_named(&self, server: ServerId, name: &RoomName) -> Option<&Room> {
        self.of(server).find(|room| room.name == *name)
    }

    pub(super) fn shown(&self) -> Option<&Room> {
        self.shown.and_then(|id| self.find(id))
    }

    pub(super) fn is_shown(&self, id: RoomId) -> bool {
        self.shown == Some(id)
    }

    /// From now on this room is shown.
    pub(super) fn set_shown(&mut self, id: RoomId) {
        self.shown = Some(id);
    }

    /// Returns the name of a room as it is displayed: with the address of its server if another
    /// server has a room with this name.
    pub(super) fn label(&self, room: &Room, servers: &[Server]) -> String {
        let is_ambiguous = self.list.iter().any(|other| other.name == room.name && other.id != room.id);
        match servers.iter().find(|server| server.id == room.id.server).filter(|_| is_ambiguous) {
            Some(server) => format!("{}@{}", room.name, server.places.first()),
            None => room.name.to_string(),
        }
    }

    /// Returns the room that was typed: by its name, or by its name and the address of its server.
    /// If several servers have a room with this name, that of `server`.
    pub(super) fn find_typed(&self, typed: &str, servers: &[Server], server: Option<ServerId>) -> Option<&Room> {
        let (name, place) = typed.split_once('@').map_or((typed, None), |(name, place)| (name, Some(place)));
        let is_at = |room: &&Room| {
            place.is_none_or(|place| {
                let server = servers.iter().find(|server| server.id == room.id.server);
                server.is_some_and(|server| server.places.iter().any(|known| known.to_string() == place))
            })
        };
        let mut found = self.list.iter().filter(|room| room.name.as_str() == name).filter(is_at);
        let first = found.clone().next();
        found.find(|room| Some(room.id.server) == server).or(first)
    }

    /// Returns what the prompt and completion need to know.
    pub(super) fn for_prompt(&self, servers: &[Server]) -> PromptRooms {
        let prompt = match self.shown() {
            Some(room) if self.list.len() > 1 => format!("{}> ", self.label(room, servers)),
            _ => "> ".to_owned(),
        };
        let roster =
            self.shown().filter(|room| room.is_joined).map_or_else(Roster::default, |room| room.roster.clone());
        let names = self.list.iter().map(|room| self.label(room, servers)).collect();
        let is_in = |server: &Server, name: &String| self.of(server.id).any(|room| room.name.as_str() == name);
        let others =
            servers.iter().flat_map(|server| server.listed.iter().filter(|name| !is_in(server, name)).cloned());
        let files = self.shown().map_or_else(Roster::default, |room| room.files.clone());
        let transfers = self.transfers.clone();
        PromptRooms { prompt, roster, names, others: others.collect(), files, transfers }
    }
}
