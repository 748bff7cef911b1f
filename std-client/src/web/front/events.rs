//! Events of the engine.

use kabar_std::invite::show_fingerprint;

use super::room::Room;
use super::server::Server;
use super::{Front, sentences};
use crate::engine::event::{self, JoinRefusal, ServerEnd};
use crate::engine::{Command, Event, RoomId, ServerId};
use crate::messages::events;
use crate::outcome::Loss;
use crate::web::protocol::{Connection, ListedRoom, Membership, Place, Question, RoomKey, ToPage};

impl Front {
    pub(super) fn on_event(&mut self, event: &Event) {
        match event {
            Event::ServerAdded { server, places, .. } => {
                self.servers.insert(*server, Server::new(*server, places.to_string()));
                self.publish_server(*server);
            }
            Event::RoomAdded { room, name } => self.add_room(*room, name),
            Event::RoomNotAdded { room, why, .. } => {
                room.iter().for_each(|room| self.remove_room(*room));
                if let (JoinRefusal::Joined(room), Some((_, page))) = (why, self.to_show.take()) {
                    self.pages.send(page, &ToPage::Show { room: RoomKey(*room) });
                }
                self.describe(event);
            }
            Event::KeyQuestion { server, found } => {
                let question = Question::Key { fingerprint: show_fingerprint(found) };
                self.change_server(*server, |server| server.question = Some(question));
            }
            Event::PasswordQuestion { server, room, was_wrong } => {
                let question = Question::Password { room: room.to_string(), was_wrong: *was_wrong };
                self.change_server(*server, |server| server.question = Some(question));
            }
            Event::NotReached { server, error } => {
                let problem = Self::failure(error);
                self.report(Some(*server), None, true, &problem);
                self.change_server(*server, |server| server.problem = Some(problem));
            }
            Event::LostWhileConnecting { server, reason, refusal } => {
                let problem = Some(events::loss_reason(*reason, refusal));
                self.change_server(*server, |server| server.problem = problem);
            }
            Event::HistoryAt { room, identity, row, log } => self.on_history_at(*room, identity, *row, *log),
            Event::Joined(joined) => self.on_joined(joined),
            Event::OwnName { server, name, .. } => {
                self.change_server(*server, |server| server.name.clone_from(name));
                self.describe(event);
            }
            Event::Topic { room, topic, .. } => self.change_room(*room, |room| room.topic.clone_from(topic)),
            Event::Entry(entry) => self.on_entry(entry),
            Event::HistoryReset { room } => {
                self.change_room(*room, Room::reset);
                self.pages.send_all(&ToPage::Reset { room: RoomKey(*room) });
                self.describe(event);
            }
            Event::Posted { room, number } => self.change_unsent(*room, |room| room.unsent.on_posted(*number)),
            Event::Stored { room, number, .. } => self.change_unsent(*room, |room| room.unsent.on_stored(*number)),
            Event::NotPosted { room, .. } => {
                let mut text = String::new();
                self.change_unsent(*room, |room| text = room.unsent.on_not_posted());
                if let Some(sentence) = sentences::not_posted(event, &text) {
                    self.report(None, Some(*room), true, &sentence);
                }
            }
            Event::PostRefused { room, number, code } => {
                let mut text = String::new();
                self.change_unsent(*room, |room| text = room.unsent.on_refused(*number));
                self.report(None, Some(*room), true, &sentences::post_refused(*number, *code, &text));
            }
            Event::Parted { room } => {
                let name = self.rooms.get(room).map(|room| room.name.clone());
                self.remove_room(*room);
                if let Some(sentence) = sentences::of_event(event, name.as_deref()) {
                    self.report(Some(room.server), None, false, &sentence);
                }
            }
            Event::RoomEnded { room, end, unsent, .. } => {
                self.describe(event);
                self.on_room_ended(*room, end, *unsent);
            }
            Event::ConnectionLost { server, .. } => {
                let problem = sentences::of_event(event, None);
                self.change_server(*server, |server| {
                    (server.connection, server.rtt_ms, server.problem) = (Connection::Lost, None, problem);
                });
                self.drop_requests(*server);
            }
            Event::Reconnected(reconnected) => {
                self.online(reconnected.server);
                self.describe(event);
            }
            Event::Members { room, names, .. } => {
                if self.on_members(*room, names) {
                    self.describe(event);
                }
            }
            Event::HistoryPage(page) => self.on_history_page(page),
            Event::NotConnected { server } => {
                self.drop_requests(*server);
                self.describe(event);
            }
            Event::RoomList { server, rooms } => self.on_room_list(*server, rooms),
            Event::NotifySet { room, notify } => {
                self.change_room(*room, |room| room.notify = *notify);
                self.describe(event);
            }
            Event::Stats(stats) => {
                let rtt_ms = stats.rtt.map(kabar_core::time::Duration::as_millis);
                let mut shows_stats = false;
                self.change_server(stats.server, |server| {
                    server.rtt_ms = rtt_ms;
                    shows_stats = std::mem::take(&mut server.shows_stats);
                });
                if shows_stats {
                    self.describe(event);
                }
            }
            Event::NotKept { what: event::NotKept::Server(error), .. } => {
                self.lost(Loss::ServerNotStored(error.into()));
                self.describe(event);
            }
            Event::ServerEnded { server, end, unsent, kept } => {
                (self.end.lost, self.end.kept) = (self.end.lost + unsent, self.end.kept + kept);
                self.on_server_ended(*server, end);
            }
            Event::Ended => self.end.has_ended = true,
            Event::Transfer(transfer) => self.on_transfer(transfer),
            Event::TransferNotStarted { room, name, why } => {
                self.files.on_not_started(*room, name, why);
                let content = self.contents.named(name).map(|(root, wanted)| (root, wanted.cloned()));
                match content {
                    Some((root, Some(wanted))) => {
                        self.end_content(root);
                        if wanted.is_saved {
                            let (room, name, why) = (*room, wanted.name, why.clone());
                            self.describe(&Event::TransferNotStarted { room, name, why });
                        }
                    }
                    _ => self.describe(event),
                }
            }
            Event::KnownServerMoved { .. }
            | Event::Transfers { .. }
            | Event::KeyAccepted { key: event::AcceptedKey::Invited | event::AcceptedKey::Expected, .. } => {}
            Event::KeyAccepted { key: event::AcceptedKey::New(_), .. }
            | Event::HistorySetAside(_)
            | Event::HistoryNotKept(_)
            | Event::HistoryKeptAgain
            | Event::OutboxResumed { .. }
            | Event::Gap { .. }
            | Event::ServerText { .. }
            | Event::Output { .. }
            | Event::NotOperated { .. }
            | Event::Renamed { .. }
            | Event::NotRenamed { .. }
            | Event::NotRemoved { .. }
            | Event::Unanswered { .. }
            | Event::Ignored { .. }
            | Event::Unignored { .. }
            | Event::NotIgnored { .. }
            | Event::IgnoreList { .. }
            | Event::JoinsShown { .. }
            | Event::NotKept { .. }
            | Event::Classic { .. }
            | Event::PositionNotRead { .. } => self.describe(event),
        }
    }

    fn change_server(&mut self, id: ServerId, change: impl FnOnce(&mut Server)) {
        if let Some(server) = self.servers.get_mut(&id) {
            change(server);
            self.publish_server(id);
        }
    }

    fn change_room(&mut self, id: RoomId, change: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms.get_mut(&id) {
            change(room);
            self.publish_room(id);
        }
    }

    fn change_unsent(&mut self, id: RoomId, change: impl FnOnce(&mut Room)) {
        if let Some(room) = self.rooms.get_mut(&id) {
            change(room);
            self.publish_unsent(id);
        }
    }

    /// Reports the sentence about an event.
    pub(super) fn describe(&mut self, event: &Event) {
        let (server, room) = event.place().unzip();
        let room = room.flatten();
        let name = room.and_then(|room| self.rooms.get(&room)).map(|room| room.name.as_str());
        let Some(sentence) = sentences::of_event(event, name) else { return };
        self.report(server, room, event.is_failure(), &sentence);
    }

    fn online(&mut self, id: ServerId) {
        self.change_server(id, |server| {
            (server.connection, server.problem, server.question) = (Connection::Online, None, None);
        });
        self.config.engine.send(Command::Stats { server: id });
    }

    fn add_room(&mut self, id: RoomId, name: &kabar_std::invite::RoomName) {
        // A room that has ended is replaced when it is joined again.
        let is_former = |room: &&Room| room.id.server == id.server && room.name == name.as_str() && room.id != id;
        let former = self.rooms.values().find(is_former).map(|room| room.id);
        former.into_iter().for_each(|former| self.remove_room(former));
        self.rooms.insert(id, Room::new(id, name.as_str()));
        self.publish_room(id);
        if let Some((_, page)) = self.to_show.take_if(|(shown, _)| shown == name) {
            self.pages.send(page, &ToPage::Show { room: RoomKey(id) });
        }
    }

    pub(super) fn remove_room(&mut self, id: RoomId) {
        if self.rooms.remove(&id).is_some() {
            self.pages.send_all(&ToPage::RoomGone { room: RoomKey(id) });
        }
    }

    fn on_joined(&mut self, joined: &event::Joined) {
        let id = joined.room;
        if let Some(server) = self.servers.get_mut(&id.server) {
            server.key = joined.server_key;
        }
        self.online(id.server);
        self.change_room(id, |room| {
            (room.membership, room.problem) = (Membership::Joined, None);
            let seen = room.place(joined.seen.unwrap_or(joined.head));
            // Nothing is unread for a user who was never here.
            room.unread.read.get_or_insert(seen);
        });
        self.config.engine.send(Command::ListMembers { room: id });
    }

    fn on_entry(&mut self, entry: &event::Entry) {
        let Some(room) = self.rooms.get_mut(&entry.room) else { return };
        room.push(entry);
        let key = room.key();
        for (name, is_present) in room.update_members(entry) {
            self.pages.send_all(&ToPage::Member { room: key, name: &name, is_present });
        }
    }

    /// Returns whether they are to be displayed as a sentence.
    fn on_members(&mut self, id: RoomId, names: &[String]) -> bool {
        let Some(room) = self.rooms.get_mut(&id) else { return false };
        room.set_members(names);
        self.pages.send_all(&ToPage::Members { room: room.key(), names: &room.members });
        std::mem::take(&mut room.shows_members)
    }

    fn on_room_list(&mut self, server: ServerId, rooms: &[event::ListedRoom]) {
        let is_joined =
            |name: &str| self.rooms.values().any(|room| room.id.server == server && room.name.as_str() == name);
        let listed: Vec<_> = rooms
            .iter()
            .map(|room| ListedRoom {
                name: &room.name,
                topic: &room.topic,
                members: room.members,
                is_private: room.is_private,
                is_joined: is_joined(&room.name),
            })
            .collect();
        let message = ToPage::RoomList { server: server.into(), rooms: listed };
        for (_, page) in self.lists.extract_if(.., |(asked, _)| *asked == server) {
            self.pages.send(page, &message);
        }
    }

    fn on_room_ended(&mut self, id: RoomId, end: &event::ClientEnd, unsent: u64) {
        self.end.lost += unsent;
        let why = events::room_ended(end);
        self.change_room(id, |room| {
            (room.membership, room.problem) = (Membership::Ended, Some(why));
            room.unsent.clear();
            room.members.clear();
        });
        self.publish_unsent(id);
    }

    fn on_server_ended(&mut self, id: ServerId, end: &ServerEnd) {
        let problem = match end {
            ServerEnd::Left => None,
            ServerEnd::Failed(error) => Some(Self::failure(error)),
        };
        self.drop_requests(id);
        self.files.on_server_ended(id);
        self.publish_transfers();
        self.end_contents();
        self.change_server(id, |server| {
            (server.connection, server.rtt_ms, server.question) = (Connection::Ended, None, None);
            server.problem.clone_from(&problem);
        });
        if let Some(problem) = problem {
            self.report(Some(id), None, true, &problem);
        }
        let rooms: Vec<_> = self.rooms.keys().filter(|room| room.server == id).copied().collect();
        for id in rooms {
            self.change_room(id, |room| room.membership = Membership::Ended);
        }
    }

    /// Everything up to this place was displayed.
    pub(super) fn on_read(&mut self, id: RoomId, place: Place) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        if !room.mark_read(place) {
            return;
        }
        let position = if room.last() == Some(place) { room.position.take() } else { None };
        if room.place(place.seq) == place {
            self.config.engine.send(Command::MarkRead { room: id, seq: place.seq });
        }
        self.publish_room(id);
        if let Some(position) = position
            && let Err(error) = position.file.save(position.shown)
        {
            self.lost(Loss::PositionNotSaved(error.into()));
        }
    }
}
