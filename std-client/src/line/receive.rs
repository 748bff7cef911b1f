//! The events of the engine: what each changes, and how it is displayed.

use kabar_core::time::{Duration, Instant};
use kabar_std::invite::RoomName;
use kabar_std::text::clean_line;
use zeroize::Zeroizing;

use super::front::Front;
use super::room::Room;
use super::servers::Server;
use crate::engine::event::{ClientEnd, Earlier, Entry, Event, HistoryPage, Joined, ListedRoom, Transfer};
use crate::engine::{Command, RoomId, ServerId};
use crate::messages::notices::{Notice, RoomRow};

/// How long the prompt waits for the rooms that completion knows.
const PROMPT_DELAY: Duration = Duration::from_millis(500);
/// Largest room whose members are listed after joining, for completion.
const MAX_COMPLETED_MEMBERS: u16 = 64;

impl Front {
    pub(super) fn take_events(&mut self, now: Instant) {
        // At the end, do not wait for a reader that does not read.
        while self.ui.has_room() || self.events.has_ended() {
            let Some(event) = self.events.try_recv() else { return };
            self.on_event(event, now);
        }
    }

    fn on_event(&mut self, event: Event, now: Instant) {
        self.end.on_event(&event);
        if let Event::Transfer(transfer) = &event
            && !self.rooms.transfers.note(transfer)
            && !self.ui.has_objects()
        {
            return;
        }
        match event {
            Event::ServerAdded { server, ref places, is_host } => {
                self.servers.push(Server::new(server, places.clone(), is_host));
                self.ui.event(&event, None);
            }
            Event::RoomAdded { room, name } => {
                let is_first = self.rooms.len() == 0 && !self.input.has_started;
                self.rooms.push(Room::new(room, name));
                if is_first {
                    self.rooms.set_shown(room);
                }
                self.publish();
            }
            Event::RoomNotAdded { server, room, ref name, .. } => self.room_not_added(server, room, name, &event),
            Event::KnownServerMoved { .. }
            | Event::KeyAccepted { .. }
            | Event::NotReached { .. }
            | Event::LostWhileConnecting { .. }
            | Event::ServerText { .. }
            | Event::Renamed { .. }
            | Event::NotRenamed { .. }
            | Event::Ignored { .. }
            | Event::Unignored { .. }
            | Event::NotIgnored { .. }
            | Event::IgnoreList { .. }
            | Event::JoinsShown { .. }
            | Event::NotKept { .. }
            | Event::HistorySetAside(_)
            | Event::HistoryNotKept(_)
            | Event::HistoryKeptAgain
            | Event::Transfers { .. }
            | Event::Classic { .. }
            | Event::Stats(_) => self.ui.event(&event, None),
            Event::HistoryReset { room } => {
                if let Some(room) = self.rooms.find_mut(room) {
                    room.reset();
                }
                self.room_event(room, &event);
            }
            Event::Gap { room, .. }
            | Event::NotOperated { room, .. }
            | Event::Output { room, .. }
            | Event::NotRemoved { room, .. }
            | Event::OutboxResumed { room, .. }
            | Event::NotifySet { room, .. }
            | Event::Transfer(Transfer { room, .. })
            | Event::TransferNotStarted { room, .. }
            | Event::PositionNotRead { room, .. } => self.room_event(room, &event),
            Event::KeyQuestion { server, .. } => {
                self.ui.event(&event, None);
                self.ask(server, |front| front.ui.ask_key());
            }
            Event::PasswordQuestion { server, room, was_wrong } => {
                self.ask(server, |front| front.ui.ask_password(&room, was_wrong));
            }
            Event::Joined(ref joined) => self.joined(joined, &event, now),
            Event::OwnName { server, name, is_chosen } => {
                if let Some(server) = self.server(server) {
                    (server.name, server.is_name_chosen) = (name, server.is_name_chosen || is_chosen);
                }
            }
            Event::Topic { room, topic, is_from_entry } => self.topic(room, topic, is_from_entry),
            Event::Entry(entry) => self.entry(entry, now),
            Event::Posted { room, number } => self.posted(room, number, now),
            Event::NotPosted { room, .. } => {
                self.input.unanswered = self.input.unanswered.saturating_sub(1);
                if let Some(found) = self.rooms.find_mut(room) {
                    found.posting.pop_front();
                    self.room_event(room, &event);
                }
            }
            Event::Stored { room, number, .. } => {
                if let Some(found) = self.rooms.find_mut(room) {
                    found.unstored.stored(number);
                    self.room_event(room, &event);
                }
            }
            Event::PostRefused { room, number, code } => {
                if let Some(found) = self.rooms.find_mut(room) {
                    let excerpt = found.unstored.refused(number);
                    self.room_notice(room, &Notice::PostRefused { number, code, excerpt: excerpt.as_deref() });
                }
            }
            Event::Parted { room } => {
                self.room_event(room, &event);
                self.parted(room);
            }
            Event::RoomEnded { room, ref end, unsent, kept } => self.room_ended(room, end, unsent, kept),
            Event::ConnectionLost { server, .. } => {
                self.ui.event(&event, None);
                self.disconnected(server, true);
            }
            Event::Reconnected(reconnected) => {
                if let Some(server) = self.server(reconnected.server) {
                    server.is_online = true;
                }
                let shown = reconnected.members.map(|(room, _)| room).filter(|room| self.is_displayed(*room));
                match shown {
                    Some(room) => self.room_event(room, &event),
                    None => self.ui.event(&event, None),
                }
            }
            Event::Members { room, ref names, .. } => self.members(room, names, &event),
            Event::HistoryPage(page) => self.history_page(&page),
            Event::RoomList { server, rooms } => self.room_list(server, &rooms),
            Event::Unanswered { server, room, ref request, .. } => {
                let is_list = *request == crate::engine::event::Request::ListRooms;
                if is_list && !self.take_list_wanted(server) {
                    return;
                }
                match room {
                    Some(room) => self.room_event(room, &event),
                    None => self.ui.event(&event, None),
                }
            }
            Event::NotConnected { server } => {
                self.disconnected(server, false);
                self.ui.event(&event, None);
            }
            Event::ServerEnded { server, .. } => self.server_ended(server, &event, now),
            // This front end reads no pages by itself.
            Event::HistoryAt { .. } => {}
            Event::Ended => self.leaving.has_ended = true,
        }
    }

    /// Displays an event about a room.
    fn room_event(&self, room: RoomId, event: &Event) {
        self.with_label(room, |label| self.ui.event(event, label));
    }

    /// Asks a question. If that is not possible, the session ends.
    fn ask(&mut self, server: ServerId, ask: impl FnOnce(&Self) -> std::io::Result<()>) {
        self.ui.end_line();
        self.leaving.asking = Some(server);
        if let Err(error) = ask(self) {
            self.fail(error);
        }
    }

    pub(super) fn key_answered(&mut self, accept: bool) {
        if let Some(server) = self.leaving.asking.take() {
            self.engine.send(Command::AnswerKey { server, accept });
        }
    }

    pub(super) fn password_typed(&mut self, password: Option<Zeroizing<String>>) {
        if let Some(server) = self.leaving.asking.take() {
            self.engine.send(Command::Password { server, password });
        }
    }

    fn joined(&mut self, joined: &Joined, event: &Event, now: Instant) {
        let id = joined.room;
        let is_prompt = self.ui.is_prompt();
        let is_primary = self.servers.first().is_some_and(|server| server.id == id.server);
        let Some(server) = self.servers.iter_mut().find(|server| server.id == id.server) else { return };
        (server.key, server.is_online) = (joined.server_key, server.is_online || !joined.is_again);
        if joined.is_again {
            return self.room_event(id, event);
        }
        let (is_host, is_name_chosen) = (server.is_host, std::mem::take(&mut server.is_name_chosen));
        let is_first = !self.input.has_started && (is_prompt || is_primary);
        let Some(room) = self.rooms.find_mut(id) else { return };
        room.joined(joined, is_prompt);
        let name = room.name.clone();
        let is_awaited =
            self.input.switch.take_if(|switch| switch.server == id.server && switch.name == name).is_some();
        // The room that was requested first may be refused.
        if is_awaited || is_first {
            self.rooms.set_shown(id);
        }
        if is_host && is_first && !self.ui.shows_everything() {
            self.room_notice(id, &Notice::Hosting(&joined.name));
        } else {
            self.room_event(id, event);
        }
        if is_prompt && joined.members.is_some_and(|members| members <= MAX_COMPLETED_MEMBERS) {
            self.list_members(id, false);
        }
        self.publish();
        if is_awaited {
            self.input.takes_lines = true;
            self.ui.resume_input();
        }
        if is_name_chosen {
            let name = joined.name.clone();
            self.ui.event(&Event::OwnName { server: id.server, name, is_chosen: true }, None);
        }
        if is_prompt && self.rooms.of(id.server).filter(|room| room.is_joined).count() == 1 {
            self.list_rooms(id.server, false);
        }
        if is_first {
            self.start_input(now);
        }
    }

    /// From now on lines are taken.
    fn start_input(&mut self, now: Instant) {
        self.input.has_started = true;
        self.input.takes_lines = self.ui.is_prompt() || !self.input.is_first_refused;
        if self.ui.is_prompt() {
            self.input.prompt_due = Some(now + PROMPT_DELAY);
        } else {
            self.read_input();
        }
    }

    /// Starts to read lines.
    pub(super) fn read_input(&mut self) {
        if let Err(error) = self.ui.start_input() {
            self.fail(error);
        }
    }

    pub(super) fn list_members(&mut self, room: RoomId, is_displayed: bool) {
        if let Some(found) = self.rooms.find_mut(room) {
            found.members_wanted.push_back(is_displayed);
            self.engine.send(Command::ListMembers { room });
        }
    }

    pub(super) fn list_rooms(&mut self, server: ServerId, is_displayed: bool) {
        if let Some(found) = self.server(server) {
            found.list_wanted = Some(is_displayed || found.list_wanted == Some(true));
            self.engine.send(Command::ListRooms { server, is_complete: is_displayed });
        }
    }

    /// The list of rooms was answered. Returns whether it is displayed.
    fn take_list_wanted(&mut self, server: ServerId) -> bool {
        self.server(server).and_then(|server| server.list_wanted.take()).unwrap_or(false)
    }

    fn topic(&mut self, id: RoomId, topic: String, is_from_entry: bool) {
        let is_displayed = self.is_displayed(id) && !is_from_entry;
        let Some(room) = self.rooms.find_mut(id) else { return };
        room.topic.clone_from(&topic);
        if is_displayed {
            self.room_notice(id, &Notice::Topic(&topic));
        }
    }

    /// Displays an entry unless it is hidden, or keeps it until its room is shown.
    fn entry(&mut self, entry: Entry, now: Instant) {
        let id = entry.room;
        let is_shown = self.is_displayed(id);
        let is_visible = !entry.is_hidden || self.ui.shows_everything();
        let Self { rooms, servers, .. } = self;
        let name = servers.iter().find(|server| server.id == id.server).map_or("", |server| &server.name);
        let Some(room) = rooms.find_mut(id) else { return };
        room.learn(&entry, name);
        match (is_visible, is_shown) {
            (true, true) => self.show_entry(entry),
            (false, true) => {
                room.read = Some(entry.seq);
                entry.position.into_iter().for_each(|position| self.ui.skipped(position));
            }
            (true, false) => room.keep(entry, name, now),
            (false, false) => room.backlog.skip(entry.position),
        }
    }

    fn show_entry(&mut self, entry: Entry) {
        let id = entry.room;
        let Some(room) = self.rooms.find_mut(id) else { return };
        room.read = Some(entry.seq);
        if room.takes_first_new(&entry) {
            self.room_notice(id, &Notice::NewEntries);
        }
        let Some(room) = self.rooms.find(id) else { return };
        self.ui.entry(&self.rooms.label(room, &self.servers), entry);
    }

    /// Marks as read what a person has read: what was displayed on a terminal. Whether a program
    /// has read it, or somebody reads its output, is not known.
    pub(super) fn mark_read(&mut self) {
        let is_read = self.ui.is_read_by_person();
        for room in self.rooms.iter_mut() {
            if let Some(seq) = room.read.take().filter(|_| is_read) {
                self.engine.send(Command::MarkRead { room: room.id, seq });
            }
        }
    }

    /// Shows a room that was joined, with what came in.
    pub(super) fn show(&mut self, id: RoomId) {
        self.rooms.set_shown(id);
        let Some(room) = self.rooms.find_mut(id) else { return };
        let missed = room.backlog.take();
        let (topic, is_private) = (room.topic.clone(), room.is_private);
        let (is_empty, left_out) = (missed.entries.is_empty(), missed.left_out);
        self.room_notice(id, &Notice::RoomShown { topic: &topic, is_private, is_empty, left_out });
        missed.entries.into_iter().for_each(|entry| self.show_entry(entry));
        missed.end.into_iter().for_each(|position| self.ui.skipped(position));
        self.publish();
    }

    fn posted(&mut self, room: RoomId, number: u64, now: Instant) {
        self.input.unanswered = self.input.unanswered.saturating_sub(1);
        let Some(room) = self.rooms.find_mut(room) else { return };
        if let Some(text) = room.posting.pop_front() {
            room.unstored.posted(number, &text, now);
        }
    }

    fn room_not_added(&mut self, server: ServerId, room: Option<RoomId>, name: &RoomName, event: &Event) {
        self.ui.event(event, None);
        if let Some(room) = room {
            self.rooms.remove(room);
        }
        self.forgotten(server, name);
    }

    /// A room was removed: input does not wait for it.
    fn forgotten(&mut self, server: ServerId, name: &RoomName) {
        self.publish();
        if self.input.switch.take_if(|switch| switch.server == server && switch.name == *name).is_some() {
            self.ui.resume_input();
        }
    }

    fn parted(&mut self, id: RoomId) {
        let was_shown = self.rooms.is_shown(id);
        let Some(room) = self.rooms.remove(id) else { return };
        self.forgotten(id.server, &room.name);
        let next = self.rooms.of(id.server).chain(self.rooms.iter()).find(|room| room.is_joined).map(|room| room.id);
        if let Some(next) = next.filter(|_| was_shown) {
            self.show(next);
        }
        self.resume_after_switch();
    }

    fn room_ended(&mut self, id: RoomId, end: &ClientEnd, unsent: u64, kept: u64) {
        if self.rooms.find(id).is_none() {
            return;
        }
        let is_first = self.rooms.iter().next().is_some_and(|room| room.id == id);
        let has_started = self.input.has_started;
        self.input.is_first_refused |= is_first && !has_started;
        // At a prompt that is not displayed yet, nothing goes anywhere.
        let was_shown = self.rooms.is_shown(id) && (has_started || !self.ui.is_prompt());
        self.room_notice(id, &Notice::RoomEnded { end, unsent, kept, was_shown });
        if let Some(room) = self.rooms.remove(id) {
            self.forgotten(id.server, &room.name);
        }
    }

    /// Answers of this server do not come; `is_lost`: because the connection was lost.
    fn disconnected(&mut self, server: ServerId, is_lost: bool) {
        for room in self.rooms.iter_mut().filter(|room| room.id.server == server) {
            room.disconnected();
        }
        if let Some(server) = self.server(server) {
            server.is_online &= !is_lost;
        }
    }

    fn members(&mut self, id: RoomId, names: &[String], event: &Event) {
        let Self { rooms, servers, .. } = self;
        let own = servers.iter().find(|server| server.id == id.server).map_or("", |server| &server.name);
        let Some(room) = rooms.find_mut(id) else { return };
        if room.members_wanted.pop_front().unwrap_or(true) {
            return self.room_event(id, event);
        }
        names.iter().filter(|name| *name != own).for_each(|name| room.roster.note(name));
    }

    fn history_page(&mut self, page: &HistoryPage) {
        let HistoryPage { room: id, ref entries, is_last, earlier } = *page;
        let Some(room) = self.rooms.find(id) else { return };
        let label = self.rooms.label(room, &self.servers);
        let (mut text, mut lines) = (String::new(), 0);
        for entry in entries.iter().filter(|entry| !entry.is_hidden) {
            if let Some(line) = self.ui.history_line(&label, entry) {
                text.push_str(&line);
                lines += 1;
            }
        }
        // In one piece, so that no entry comes in between.
        self.room_notice(id, &Notice::History { lines, text: &text, is_last, earlier });
        let Some(room) = self.rooms.find_mut(id) else { return };
        if room.pages.displayed(entries.first().map(|entry| entry.seq)) {
            self.history(id, None);
        }
    }

    /// Requests a page of the history; `None`: that before the page that was displayed last.
    pub(super) fn history(&mut self, id: RoomId, count: Option<u8>) {
        let Some(room) = self.rooms.find_mut(id) else { return };
        match room.pages.request(count) {
            super::pages::Step::Request { before, count } => {
                self.engine.send(Command::History { room: id, before, count });
            }
            super::pages::Step::Wait => {}
            super::pages::Step::Beginning => {
                let earlier = Earlier::Beginning;
                self.room_notice(id, &Notice::History { lines: 0, text: "", is_last: false, earlier });
            }
        }
    }

    fn room_list(&mut self, id: ServerId, list: &[ListedRoom]) {
        let is_displayed = self.take_list_wanted(id);
        let mut rows = Vec::new();
        for listed in list {
            let (mut unread, mut is_shown) = (None, false);
            if let Ok(name) = RoomName::new(&listed.name) {
                let found = self.rooms.find_named(id, &name).map(|room| room.id);
                if let Some(room) = found.and_then(|id| self.rooms.find_mut(id)) {
                    room.is_private = listed.is_private;
                    unread = Some(room.backlog.unread());
                    is_shown = found.is_some_and(|id| self.rooms.is_shown(id));
                }
            }
            rows.push(RoomRow { room: listed, unread, is_shown });
        }
        if let Some(server) = self.server(id) {
            server.listed = list.iter().map(|room| clean_line(&room.name)).collect();
        }
        if is_displayed {
            self.notice(&Notice::RoomList(&rows));
        }
        self.publish();
        if self.input.prompt_due.take().is_some() {
            self.read_input();
        }
    }

    fn server_ended(&mut self, id: ServerId, event: &Event, now: Instant) {
        self.servers.retain(|server| server.id != id);
        let rooms: Vec<_> = self.rooms.of(id).map(|room| room.id).collect();
        let is_last = self.servers.is_empty();
        if !is_last && !self.leaving.is_leaving {
            self.ui.event(event, None);
        }
        if is_last {
            return;
        }
        for room in rooms {
            self.rooms.remove(room);
        }
        self.publish();
        // The next server is the first one now.
        let first = self.servers.first().and_then(|server| self.rooms.of(server.id).find(|room| room.is_joined));
        if let (Some(first), false) = (first.map(|room| room.id), self.input.has_started) {
            self.show(first);
            self.input.is_first_refused = true;
            self.start_input(now);
        }
    }
}
