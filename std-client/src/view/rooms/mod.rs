//! The list of rooms, on several servers.

use crate::engine::{RoomId, ServerId};
use crate::view::span::{Role, Row, Span};
use crate::view::text;

/// A server in the list.
#[derive(Clone, Debug)]
struct ListedServer {
    id: ServerId,
    label: String,
    /// What is wrong with its connection; empty: nothing.
    state: String,
}

/// A room in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomEntry {
    /// The room.
    pub id: RoomId,
    /// Its name, without control characters.
    pub name: String,
    /// Number of unread lines.
    pub unread: u64,
    /// Number of those that mention the user.
    pub mentions: u64,
}

impl ListedServer {
    fn row(&self, width: usize) -> Row {
        let state = if self.state.is_empty() { String::new() } else { format!(" {}", self.state) };
        let state = text::cut(&state, width);
        let mut row = Row::of(Role::Heading, text::fit(&self.label, width - text::width(&state)));
        row.push(Span::new(Role::Error, state));
        row
    }
}

/// The rooms in the order of their numbers: by server, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct RoomList {
    servers: Vec<ListedServer>,
    rooms: Vec<RoomEntry>,
    selected: Option<RoomId>,
}

impl RoomList {
    /// Adds a server.
    pub fn add_server(&mut self, id: ServerId, label: String) {
        self.servers.push(ListedServer { id, label, state: String::new() });
    }

    /// Sets what is displayed about the connection to a server; empty: nothing.
    pub fn set_state(&mut self, id: ServerId, state: &str) {
        let server = self.servers.iter_mut().find(|server| server.id == id);
        server.into_iter().for_each(|server| state.clone_into(&mut server.state));
    }

    /// Removes a server and its rooms.
    pub fn remove_server(&mut self, id: ServerId) {
        self.servers.retain(|server| server.id != id);
        while let Some(room) = self.rooms.iter().find(|room| room.id.server == id) {
            self.remove(room.id);
        }
    }

    /// Adds a room after those of its server. The first room is selected.
    pub fn add(&mut self, id: RoomId, name: &str) {
        let order = |server| self.servers.iter().position(|known| known.id == server);
        let at = self.rooms.partition_point(|room| order(room.id.server) <= order(id.server));
        let name = kabar_std::text::clean_line(name);
        self.rooms.insert(at, RoomEntry { id, name, unread: 0, mentions: 0 });
        self.selected.get_or_insert(id);
    }

    /// Removes a room. If it is selected, the one at its place is.
    pub fn remove(&mut self, id: RoomId) {
        let Some(at) = self.rooms.iter().position(|room| room.id == id) else { return };
        self.rooms.remove(at);
        if self.selected == Some(id) {
            let next = self.rooms.get(at).or_else(|| self.rooms.last());
            self.selected = next.map(|room| room.id);
        }
    }

    /// Returns the rooms in order.
    #[must_use]
    pub fn rooms(&self) -> &[RoomEntry] {
        &self.rooms
    }

    /// Returns the room that is selected.
    #[must_use]
    pub const fn selected(&self) -> Option<RoomId> {
        self.selected
    }

    /// Returns a room.
    #[must_use]
    pub fn get(&self, id: RoomId) -> Option<&RoomEntry> {
        self.rooms.iter().find(|room| room.id == id)
    }

    /// Sets the number of unread lines, and of those that mention the user.
    pub fn set_unread(&mut self, id: RoomId, unread: u64, mentions: u64) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) {
            (room.unread, room.mentions) = (unread, mentions);
        }
    }

    /// Counts an unread line.
    pub fn count(&mut self, id: RoomId, is_mention: bool) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) {
            room.unread = room.unread.saturating_add(1);
            room.mentions = room.mentions.saturating_add(u64::from(is_mention));
        }
    }

    /// All lines of a room are read.
    pub fn clear(&mut self, id: RoomId) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) {
            (room.unread, room.mentions) = (0, 0);
        }
    }

    /// Selects a room. Returns whether it is in the list.
    pub fn select(&mut self, id: RoomId) -> bool {
        let is_known = self.get(id).is_some();
        if is_known {
            self.selected = Some(id);
        }
        is_known
    }

    /// Selects the room with this number, from 1.
    pub fn select_number(&mut self, number: usize) {
        if let Some(room) = number.checked_sub(1).and_then(|at| self.rooms.get(at)) {
            self.selected = Some(room.id);
        }
    }

    /// Selects the next room, or the one before; the first follows the last.
    pub fn select_next(&mut self, is_back: bool) {
        let Some(count) = self.rooms.len().checked_sub(1).map(|last| last + 1) else { return };
        let at = self.position().unwrap_or(0);
        self.selected = self.rooms.get((at + if is_back { count - 1 } else { 1 }) % count).map(|room| room.id);
    }

    /// Selects the next room with mentions, or else with unread lines.
    pub fn select_active(&mut self) {
        let at = self.position().map_or(0, |at| at + 1);
        let next = || self.rooms.iter().cycle().skip(at).take(self.rooms.len());
        let is_other = |room: &&RoomEntry| Some(room.id) != self.selected;
        let active = next().find(|room| room.mentions > 0 && is_other(room));
        let active = active.or_else(|| next().find(|room| room.unread > 0 && is_other(room)));
        if let Some(room) = active {
            self.selected = Some(room.id);
        }
    }

    fn position(&self) -> Option<usize> {
        self.rooms.iter().position(|room| Some(room.id) == self.selected)
    }

    /// Returns the rows of the list in an area, with the selected room in it, and the room of each.
    #[must_use]
    pub fn rows(&self, width: usize, height: usize) -> Vec<(Row, Option<RoomId>)> {
        let mut rows = Vec::new();
        for server in &self.servers {
            if self.servers.len() > 1 {
                rows.push((server.row(width), None));
            }
            let rooms = self.rooms.iter().zip(1_usize..).filter(|(room, _)| room.id.server == server.id);
            rows.extend(rooms.map(|(room, number)| (self.row(room, number, width), Some(room.id))));
        }
        let selected = rows.iter().position(|(_, room)| room.is_some() && *room == self.selected).unwrap_or(0);
        let first = (selected + 1).saturating_sub(height);
        rows.into_iter().skip(first).take(height).collect()
    }

    fn row(&self, room: &RoomEntry, number: usize, width: usize) -> Row {
        let is_selected = Some(room.id) == self.selected;
        let role = match room {
            _ if is_selected => Role::Selected,
            RoomEntry { mentions: 1.., .. } => Role::RoomMention,
            RoomEntry { unread: 1.., .. } => Role::RoomUnread,
            _ => Role::Room,
        };
        let count = match room {
            RoomEntry { unread: 0, .. } => String::new(),
            RoomEntry { unread, mentions: 0, .. } => format!(" {}", short_count(*unread)),
            RoomEntry { unread, mentions, .. } => format!(" {}@{}", short_count(*unread), short_count(*mentions)),
        };
        let count = text::cut(&count, width);
        let name = text::fit(&format!("{number} {}", room.name), width - text::width(&count));
        let mut row = Row::of(role, name);
        row.push(Span::new(role, count));
        row
    }

    /// Returns numbers and counts of rooms with something new, for a screen without the list.
    #[must_use]
    pub fn activity(&self) -> Vec<(Role, String)> {
        let active = self.rooms.iter().zip(1_usize..).filter(|(room, _)| room.unread > 0);
        let label = |(room, number): (&RoomEntry, usize)| match room.mentions {
            0 => (Role::Status, number.to_string()),
            mentions => (Role::StatusAlert, format!("{number}@{}", short_count(mentions))),
        };
        active.map(label).collect()
    }
}

/// A count in at most four cells.
fn short_count(count: u64) -> String {
    if count > 999 { "999+".to_owned() } else { count.to_string() }
}

#[cfg(test)]
mod tests;
