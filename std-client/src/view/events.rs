//! Events of the engine.

use std::sync::Arc;

use kabar_std::text::clean_line;

use super::question::Question;
use super::room::{Members, Room, RoomState, Unsent};
use super::span::Role;
use super::status::{Connection, ServerStatus};
use super::transcript::Transcript;
use super::transcript::source::{Beyond, Entry, HistoryAt};
use super::{Effect, View, text};
use crate::command::Notify;
use crate::engine::event::{self, AcceptedKey, Earlier, ListedRoom, ServerEnd};
use crate::engine::{Command, Event, RoomId, ServerId};
use crate::language::message;
use crate::messages::events::RoomLabel;
use crate::messages::screen::no_room;

/// Cells of a text in an alert.
const ALERT: usize = 120;

/// Rooms that may be joined, kept for completion.
const MAX_OTHER_ROOMS: usize = 500;

impl View {
    pub(super) fn handle_event(&mut self, event: &Event) {
        match event {
            Event::ServerAdded { server, places, .. } => {
                let label = clean_line(&places.to_string());
                self.list.add_server(*server, label.clone());
                self.servers.push(ServerStatus::new(*server, label));
                self.list.set_state(*server, &Connection::Connecting.mark());
                // The status line says so.
                return;
            }
            Event::RoomAdded { room, name } => self.add_room(*room, name.as_str()),
            Event::KeyQuestion { server, .. } => {
                self.describe(event, Role::Notice);
                let label = self.server(*server).map(|server| server.label.clone()).unwrap_or_default();
                self.questions.push_back(Question::Key { server: *server, label });
                return;
            }
            Event::PasswordQuestion { server, room, was_wrong } => {
                self.password_checked(*server);
                self.questions.push_back(Question::password(*server, room.as_str(), *was_wrong));
            }
            Event::RoomNotAdded { room, name, .. } => {
                self.wanted_room.take_if(|wanted| wanted == name.as_str());
                room.iter().for_each(|room| self.remove_room(*room));
            }
            // The list of rooms and the entries say so.
            Event::Joined(joined) => return self.on_joined(joined),
            Event::OwnName { server, name, .. } => {
                self.source.named(*server, name);
                self.unload(*server);
                if let Some(server) = self.server_mut(*server) {
                    server.name = clean_line(name);
                }
            }
            Event::Topic { room, topic, .. } => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.topic.clone_from(topic);
                }
                // The entry, or the row above the transcript, displays it.
                return;
            }
            Event::Entry(entry) => {
                self.on_entry(entry);
                return self.show_opening(entry.room);
            }
            Event::HistoryAt { room, identity, row, log } => {
                let at = HistoryAt { identity: Arc::clone(identity), row: *row, log: *log };
                return self.on_located(*room, &at);
            }
            Event::HistoryNotKept(_) => self.source.set_recording(false),
            Event::HistoryKeptAgain => self.source.set_recording(true),
            Event::Ignored { server, .. } | Event::Unignored { server, .. } => {
                self.source.ignored_changed(*server);
                self.unload(*server);
            }
            Event::HistoryReset { room } => {
                self.source.reset(*room);
                self.list.clear(*room);
                if let Some(room) = self.rooms.get_mut(room) {
                    room.transcript.reset();
                    room.read = None;
                }
            }
            Event::Posted { room, number } => self.change_unsent(*room, |unsent| unsent.on_posted(*number)),
            Event::Stored { room, number, .. } => self.change_unsent(*room, |unsent| unsent.on_stored(*number)),
            Event::NotPosted { room, .. } => {
                let text = self.rooms.get_mut(room).and_then(|room| room.unsent.on_not_posted());
                return self.describe_post(event, *room, text);
            }
            Event::PostRefused { room, number, .. } => {
                let text = self.rooms.get_mut(room).and_then(|room| room.unsent.on_refused(*number));
                return self.describe_post(event, *room, text);
            }
            Event::Parted { room } => {
                self.describe(event, Role::Notice);
                return self.remove_room(*room);
            }
            Event::RoomEnded { room, .. } => {
                if let Some(room) = self.rooms.get_mut(room) {
                    room.state = RoomState::Ended;
                    room.unsent.clear();
                }
                self.transfers.forget(|of| of == *room);
            }
            Event::ConnectionLost { server, .. } => self.set_connection(*server, Connection::Lost),
            Event::Reconnected(reconnected) => self.set_connection(reconnected.server, Connection::Online),
            Event::Members { room, names, is_complete } => {
                let Some(room) = self.rooms.get_mut(room) else { return };
                room.members.set(names);
                if !std::mem::take(&mut room.shows_members) {
                    return;
                }
                let names: Vec<_> = names.iter().map(|name| clean_line(name)).collect();
                let (members, names) = (names.len(), names.join(", "));
                let text = match is_complete {
                    true => message!("members-here", members, names),
                    false => message!("members-seen", members, names),
                };
                room.transcript.push_notice(Role::Notice, text);
                return;
            }
            Event::HistoryPage(page) => return self.on_page(page),
            Event::RoomList { server, rooms } => return self.on_room_list(*server, rooms),
            Event::Stats(stats) => {
                let Some(server) = self.server_mut(stats.server) else { return };
                server.rtt_ms = stats.rtt.map(kabar_core::time::Duration::as_millis);
                if !std::mem::take(&mut server.shows_stats) {
                    return;
                }
            }
            Event::NotifySet { room, notify } => {
                self.rooms.get_mut(room).into_iter().for_each(|room| room.notify = *notify);
            }
            Event::JoinsShown { shows, .. } => self.set_shown_joins(*shows),
            Event::ServerEnded { server, end, .. } => {
                self.describe(event, role(event));
                return self.end_server(*server, matches!(end, ServerEnd::Left));
            }
            Event::NotReached { server, .. } => {
                let problem = self.sentence(event);
                if let Some(server) = self.server_mut(*server) {
                    server.problem = problem;
                }
            }
            Event::KeyAccepted { key: AcceptedKey::Invited | AcceptedKey::Expected, .. } => return,
            Event::Transfer(transfer) => {
                let room = self.rooms.get(&transfer.room).map_or("", |room| &room.name);
                self.transfers.update(transfer, room);
                // The rows above the input display how far it is.
                if !transfer.state.is_end() {
                    return;
                }
            }
            Event::Transfers { server, transfers } => {
                let rooms = &self.rooms;
                return self
                    .transfers
                    .replace(*server, transfers, |room| rooms.get(&room).map_or("", |room| &room.name));
            }
            Event::KnownServerMoved { .. }
            | Event::KeyAccepted { .. }
            | Event::LostWhileConnecting { .. }
            | Event::Gap { .. }
            | Event::ServerText { .. }
            | Event::Output { .. }
            | Event::NotOperated { .. }
            | Event::Renamed { .. }
            | Event::NotRenamed { .. }
            | Event::NotRemoved { .. }
            | Event::Unanswered { .. }
            | Event::NotIgnored { .. }
            | Event::IgnoreList { .. }
            | Event::NotKept { .. }
            | Event::PositionNotRead { .. }
            | Event::HistorySetAside(_)
            | Event::OutboxResumed { .. }
            | Event::TransferNotStarted { .. }
            | Event::NotConnected { .. }
            | Event::Classic { .. }
            | Event::Ended => {}
        }
        self.describe(event, role(event));
    }

    fn change_unsent(&mut self, room: RoomId, change: impl FnOnce(&mut Unsent)) {
        if let Some(room) = self.rooms.get_mut(&room) {
            change(&mut room.unsent);
        }
    }

    fn set_connection(&mut self, server: ServerId, connection: Connection) {
        self.list.set_state(server, &connection.mark());
        if let Some(server) = self.server_mut(server) {
            (server.connection, server.rtt_ms, server.problem) = (connection, None, None);
        }
        // A page that was requested does not come.
        self.rooms.values_mut().filter(|room| room.id.server == server).for_each(|room| room.awaits_page = false);
    }

    fn add_room(&mut self, id: RoomId, name: &str) {
        let before = self.list.selected();
        let is_ended =
            |room: &&Room| room.id.server == id.server && room.state == RoomState::Ended && room.name == name;
        let former = self.rooms.values().find(is_ended).map(|room| room.id);
        self.list.add(id, name);
        let mut transcript = Transcript::new(id, self.config.times.clone(), self.joins);
        // Notices follow the entries that are there.
        transcript.load(self.source.as_ref());
        let room = Room {
            id,
            name: name.to_owned(),
            topic: String::new(),
            transcript,
            editor: super::Editor::default(),
            members: Members::default(),
            unsent: Unsent::default(),
            read: None,
            state: RoomState::Joining,
            head_at_join: 0,
            is_recorded: false,
            counted: 0,
            notify: Notify::default(),
            awaits_page: false,
            shows_members: false,
        };
        self.rooms.insert(id, room);
        if self.wanted_room.take_if(|wanted| wanted == name).is_some() {
            self.show_room(id);
        }
        if let Some(former) = former {
            if before == Some(former) {
                self.show_room(id);
            }
            self.remove_room(former);
        }
    }

    pub(super) fn remove_room(&mut self, id: RoomId) {
        let is_shown = self.list.selected() == Some(id);
        if is_shown {
            self.close_search();
            (self.completion, self.selected_entry) = (None, None);
        }
        self.list.remove(id);
        self.transfers.forget(|of| of == id);
        self.rooms.remove(&id);
        self.source.reset(id);
        if is_shown {
            self.entered_room();
        }
    }

    /// The room is in the local history: continues with what it knows.
    fn on_located(&mut self, id: RoomId, at: &HistoryAt) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let Some(start) = self.source.located(id, at) else { return };
        self.list.set_unread(id, start.unread, start.mentions);
        if !std::mem::replace(&mut room.is_recorded, true) && room.editor.text().is_empty() {
            let _ = room.editor.insert(&start.draft);
        }
        (room.read, room.counted, room.notify) = (start.read, start.head, start.notify);
        room.transcript.unload();
        if start.has_unread {
            room.transcript.set_unread_after(start.read);
        }
        // Notices follow the entries that are there.
        room.transcript.load(self.source.as_ref());
    }

    /// Entries of a server are displayed in another way from now on.
    fn unload(&mut self, server: ServerId) {
        self.rooms.values_mut().filter(|room| room.id.server == server).for_each(|room| room.transcript.unload());
    }

    /// The server has answered a password.
    fn password_checked(&mut self, server: ServerId) {
        let is_check = |question: &Question| matches!(question, Question::Checking { server: of, .. } if *of == server);
        self.questions.retain(|question| !is_check(question));
    }

    fn on_joined(&mut self, joined: &event::Joined) {
        let id = joined.room;
        self.password_checked(id.server);
        self.set_connection(id.server, Connection::Online);
        if let Some(server) = self.server_mut(id.server) {
            server.key = joined.server_key;
        }
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.state = RoomState::Joined;
        self.source.joined(id);
        room.transcript.unload();
        if room.is_recorded {
            room.head_at_join = joined.head;
        } else if !joined.is_again {
            // Everything is new to who was never here; nothing of it is unread.
            room.head_at_join = joined.head;
            room.read = Some(joined.seen.unwrap_or(joined.head));
            if joined.seen.is_some_and(|seen| seen < joined.head) {
                room.transcript.set_unread_after(joined.seen);
            }
        }
        self.command(Command::ListMembers { room: id });
        self.command(Command::Stats { server: id.server });
        self.show_opening(id);
    }

    /// Displays the opening text below what the first room had when it was joined.
    fn show_opening(&mut self, id: RoomId) {
        let is_first = self.list.selected() == Some(id);
        if let Some(room) = self.rooms.get_mut(&id).filter(|_| is_first)
            && room.state == RoomState::Joined
            && room.transcript.head() >= room.head_at_join
            && let Some(text) = self.opening.take()
        {
            room.transcript.push_notice(Role::Notice, text);
        }
    }

    fn on_entry(&mut self, entry: &event::Entry) {
        let shown = Entry::from(entry);
        self.source.delivered(entry.room, &shown);
        self.effects.extend(entry.position.clone().map(Effect::Shown));
        let is_selected = self.list.selected() == Some(entry.room);
        let focus = self.focus;
        let Some(room) = self.rooms.get_mut(&entry.room) else { return };
        let is_displayed = is_selected && room.transcript.is_end_visible();
        room.transcript.push(&shown);
        update_members(&mut room.members, entry);
        let is_unread = room.read.is_some_and(|read| entry.seq > read);
        if !is_unread || !shown.asks_for_attention() || shown.is_own || shown.is_ignored {
            return;
        }
        let name = room.name.clone();
        if is_displayed && focus == Some(false) {
            let read = room.read;
            room.transcript.set_unread_after(read);
        }
        let is_announced = match room.notify {
            Notify::All => true,
            Notify::Mentions => entry.is_mention,
            Notify::Nothing => false,
        };
        let is_counted = entry.seq <= room.counted;
        // Somebody may look elsewhere, unless the terminal says that it has the focus.
        if is_announced && !entry.is_replayed && !(is_displayed && focus == Some(true)) {
            let file = || shown.file().map(|file| message!("entry-file-name", name = file.name()));
            let text = text::cut(&clean_line(&shown.text().or_else(file).unwrap_or_default()), ALERT);
            self.effects.push(Effect::Alert { room: name, author: clean_line(&entry.author), text });
        }
        if !is_counted && (!is_displayed || focus == Some(false)) {
            self.list.count(entry.room, entry.is_mention);
        }
    }

    fn on_page(&mut self, page: &event::HistoryPage) {
        let entries: Vec<_> = page.entries.iter().map(Entry::from).collect();
        let loaded = self.rooms.get(&page.room).and_then(|room| room.transcript.first());
        // A page without anything earlier would be requested again and again.
        let is_earlier = entries.first().is_some_and(|first| loaded.is_none_or(|loaded| first.seq < loaded));
        let beyond = if page.earlier == Earlier::Possible && is_earlier { Beyond::Server } else { Beyond::Nothing };
        self.source.received(page.room, &entries, beyond);
        if let Some(room) = self.rooms.get_mut(&page.room) {
            room.awaits_page = false;
            room.transcript.reload_above();
        }
    }

    fn on_room_list(&mut self, server: ServerId, rooms: &[ListedRoom]) {
        let joined: Vec<_> =
            self.list.rooms().iter().filter(|room| room.id.server == server).map(|room| room.name.clone()).collect();
        let Some(status) = self.server_mut(server) else { return };
        let names = rooms.iter().map(|room| clean_line(&room.name)).filter(|name| !joined.contains(name));
        status.other_rooms = names.take(MAX_OTHER_ROOMS).collect();
        if !std::mem::take(&mut status.shows_rooms) {
            return;
        }
        let lines: Vec<_> = rooms
            .iter()
            .map(|room| {
                let mark = if joined.contains(&clean_line(&room.name)) { "*" } else { " " };
                let private = if room.is_private { message!("screen-room-private") } else { String::new() };
                let here = message!("room-members", members = room.members);
                format!("{mark} #{}  {here}{private}  {}", clean_line(&room.name), clean_line(&room.topic))
            })
            .collect();
        let heading = message!("screen-room-list", rooms = rooms.len());
        self.notice_at(server, None, Role::Notice, format!("{heading}\n{}", lines.join("\n")));
    }

    fn set_shown_joins(&mut self, shows: bool) {
        use super::transcript::Joins;
        let shown = if self.config.joins == Joins::Hidden { Joins::Folded } else { self.config.joins };
        self.joins = if shows { shown } else { Joins::Hidden };
        let joins = self.joins;
        self.rooms.values_mut().for_each(|room| room.transcript.show_joins(joins));
    }

    fn end_server(&mut self, server: ServerId, is_left: bool) {
        self.questions.retain(|question| question.server() != Some(server));
        self.transfers.forget(|of| of.server == server);
        if is_left {
            return self.remove_server(server);
        }
        self.set_connection(server, Connection::Ended);
        for room in self.rooms.values_mut().filter(|room| room.id.server == server) {
            room.state = RoomState::Ended;
        }
    }

    /// A server was left: nothing of it is displayed.
    fn remove_server(&mut self, server: ServerId) {
        let rooms: Vec<_> = self.rooms.keys().filter(|room| room.server == server).copied().collect();
        rooms.into_iter().for_each(|room| self.remove_room(room));
        self.list.remove_server(server);
        self.servers.retain(|known| known.id != server);
        if self.servers.is_empty() {
            self.notice(Role::Notice, no_room());
        }
    }

    fn sentence(&self, event: &Event) -> Option<String> {
        let room = event.place().and_then(|(_, room)| self.rooms.get(&room?));
        let label = room.map(|room| RoomLabel { name: &room.name, is_shown: true });
        (self.config.sentences.event)(event, label)
    }

    /// Displays the sentence about an event in its room.
    fn describe(&mut self, event: &Event, role: Role) {
        let Some(text) = self.sentence(event) else { return };
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        match event.place() {
            Some((server, room)) => self.notice_at(server, room, role, text),
            None => self.notice(role, text),
        }
    }

    /// Displays the sentence about a post that is not in the room, and its beginning.
    fn describe_post(&mut self, event: &Event, room: RoomId, text: Option<String>) {
        let Some(sentence) = self.sentence(event) else { return };
        let text = text.map(|text| format!(": {text}")).unwrap_or_default();
        self.notice_at(room.server, Some(room), Role::Error, format!("{}{text}", sentence.trim_end()));
    }

    /// Displays a notice in the room, or else in the displayed one, if it is of this server, or
    /// else in the first one of the server.
    fn notice_at(&mut self, server: ServerId, room: Option<RoomId>, role: Role, text: impl Into<String>) {
        let known = room.filter(|room| self.rooms.contains_key(room));
        let displayed = self.list.selected().filter(|room| room.server == server);
        let first = || self.list.rooms().iter().find(|room| room.id.server == server).map(|room| room.id);
        match known.or(displayed).or_else(first).and_then(|room| self.rooms.get_mut(&room)) {
            Some(room) => room.transcript.push_notice(role, text),
            None => self.notice(role, text),
        }
    }
}

fn update_members(members: &mut Members, entry: &event::Entry) {
    for (name, is_present) in entry.member_changes() {
        if is_present { members.add(&name) } else { members.remove(&name) }
    }
    if entry.kind.is_postable() {
        members.wrote(&entry.author);
    }
}

/// Whether the sentence is about an error.
const fn role(event: &Event) -> Role {
    if event.is_failure() { Role::Error } else { Role::Notice }
}
