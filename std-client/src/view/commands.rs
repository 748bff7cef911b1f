//! Sending what was typed, and the commands in it.

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN};
use kabar_std::invite::{Invite, RoomName, SCHEME};
use kabar_std::text::clean_line;

use super::room::RoomState;
use super::span::Role;
use super::status::{Connection, ServerStatus};
use super::{Effect, View};
use crate::command::{self, CommandName};
use crate::engine::{Command, RoomCredential, RoomId, RoomRequest, ServerId, WantedFile};
use crate::history::FileEntry;
use crate::language::message;
use crate::messages::notices::{self, Notice, RoomCommandError};

impl View {
    /// Sends what was typed, or executes the command in it. A text that cannot be sent stays.
    pub(super) fn send(&mut self) {
        let text = self.editor().text().to_owned();
        if text.trim().is_empty() {
            let _ = self.editor_mut().take();
            return self.get_selected();
        }
        // What follows is to be seen.
        (self.help, self.shows_transfers) = (None, false);
        let is_executed = match command::typed(&text) {
            command::Command::Post(kind, body) => self.post(kind, body),
            command::Command::AfterSpace => {
                self.notice(Role::Error, notices::text(&Notice::SpaceBeforeCommand, None).unwrap_or_default());
                false
            }
            command => {
                self.execute(command);
                true
            }
        };
        if is_executed {
            self.has_sent = true;
            self.recall.add(&text);
            self.selected_entry = None;
            let _ = self.editor_mut().take();
        }
    }

    /// Receives the file that is selected, if one is.
    fn get_selected(&mut self) {
        let Some((seq, room)) = self.selected_entry.zip(self.room()) else { return };
        if room.transcript.entry(seq).is_some_and(|entry| entry.file().is_some()) {
            let (room, file) = (room.id, WantedFile::Entry(FileEntry::Seq(seq)));
            self.selected_entry = None;
            self.command(Command::Get { room, file, to: None });
        }
    }

    /// Returns whether the text was passed on.
    fn post(&mut self, kind: EntryKind, text: &str) -> bool {
        if text.len() > MAX_TEXT_LEN {
            self.notice(Role::Error, message!("screen-too-long", len = text.len(), max = MAX_TEXT_LEN));
            return false;
        }
        let Some(room) = self.room_mut().filter(|room| room.state != RoomState::Ended) else {
            self.notice(Role::Error, message!("screen-not-sent-no-room"));
            return false;
        };
        let id = room.id;
        room.unsent.post(text);
        room.transcript.scroll_to_end();
        self.command(Command::Post { room: id, kind, text: text.to_owned() });
        true
    }

    fn execute(&mut self, typed: command::Command<'_>) {
        use command::Command as Typed;
        match typed {
            Typed::Nothing | Typed::Post(..) => return,
            Typed::Help => {
                self.help = Some(0);
                return;
            }
            Typed::Transfers => return self.show_transfers(),
            Typed::Quit => return self.effects.push(Effect::Leave { at_once: false }),
            Typed::Usage(name) => {
                let argument = name.argument().unwrap_or_default();
                return self.notice(Role::Error, message!("usage", command = format!("{} {argument}", name.word())));
            }
            Typed::Unknown(word) => return self.unknown(word),
            _ => {}
        }
        if let Typed::Join(target) = typed {
            return self.join(target);
        }
        let Some(server) = self.current_server() else {
            return self.notice(Role::Error, message!("screen-no-server"));
        };
        match typed {
            Typed::Ignore(Some(name)) => return self.command(Command::Ignore { server, name: name.to_owned() }),
            Typed::Ignore(None) => return self.command(Command::ListIgnored { server }),
            Typed::Unignore(name) => return self.command(Command::Unignore { server, name: name.to_owned() }),
            Typed::Joins(shows) => return self.command(Command::ShowJoins { server, shows }),
            Typed::Rooms => {
                if let Some(server) = self.server_mut(server) {
                    server.shows_rooms = true;
                }
                return self.command(Command::ListRooms { server, is_complete: true });
            }
            Typed::Stats => {
                if let Some(server) = self.server_mut(server) {
                    server.shows_stats = true;
                }
                return self.command(Command::Stats { server });
            }
            Typed::Room(name) => return self.show_named(name),
            Typed::Part(name) => return self.part(name),
            _ => {}
        }
        let Some(id) = self.room().map(|room| room.id) else {
            return self.notice(Role::Error, message!("screen-in-no-room"));
        };
        match typed {
            Typed::Who => {
                self.room_mut().into_iter().for_each(|room| room.shows_members = true);
                self.command(Command::ListMembers { room: id });
            }
            Typed::History(_) => {
                let (transcript, source) = self.transcript();
                transcript.scroll_pages(source, -1);
            }
            Typed::Notify(notify) => self.command(Command::SetNotify { room: id, notify }),
            Typed::Nick(name) => self.command(Command::Rename { room: id, name: name.to_owned() }),
            Typed::Delete(seq) => self.delete(id, seq),
            Typed::Topic => self.show_topic(),
            Typed::Operate(word, text) => {
                self.command(Command::Operate { room: id, word: word.to_owned(), text: text.to_owned() });
            }
            typed => self.effects.extend(Command::of_files(id, typed).map(Effect::Command)),
        }
    }

    fn unknown(&mut self, word: &str) {
        self.notice(Role::Error, notices::text(&Notice::UnknownCommand(word), None).unwrap_or_default());
    }

    fn join(&mut self, target: &str) {
        if target.contains("://") || target.starts_with(SCHEME) {
            return match target.parse::<Invite>() {
                Ok(invite) => self.join_invite(invite),
                Err(error) => {
                    let notice = Notice::RoomCommand(RoomCommandError::Invite(error));
                    self.notice(Role::Error, notices::text(&notice, None).unwrap_or_default());
                }
            };
        }
        match (RoomName::new(target), self.current_server()) {
            (Ok(name), Some(server)) => self.join_room(server, RoomRequest { name, credentials: Vec::new() }),
            (Ok(_), None) => self.notice(Role::Error, message!("screen-no-server")),
            (Err(_), _) => self.notice(Role::Error, message!("screen-no-room-name", name = clean_line(target))),
        }
    }

    /// Joins the room of an invite: on a server that is there, or on another one.
    fn join_invite(&mut self, invite: Invite) {
        let is_its =
            |server: &&ServerStatus| server.key == Some(invite.fingerprint) && server.connection != Connection::Ended;
        match self.servers.iter().find(is_its).map(|server| server.id) {
            Some(server) => {
                let credentials = vec![RoomCredential::Secret(invite.secret), RoomCredential::None];
                self.join_room(server, RoomRequest { name: invite.room, credentials });
            }
            None => {
                self.wanted_room = Some(invite.room.to_string());
                self.effects.push(Effect::Connect(Box::new(invite)));
            }
        }
    }

    fn join_room(&mut self, server: ServerId, room: RoomRequest) {
        let name = room.name.as_str();
        let known = self.list.rooms().iter().find(|known| known.id.server == server && known.name == name);
        if let Some(known) = known.map(|known| known.id)
            && self.rooms.get(&known).is_some_and(|known| known.state != RoomState::Ended)
        {
            return self.show_room(known);
        }
        self.wanted_room = Some(name.to_owned());
        self.command(Command::Join { server, room });
    }

    /// The room with this name: of the present server, or else of any.
    fn find_room(&self, name: &str) -> Option<RoomId> {
        let server = self.current_server();
        let named = || self.list.rooms().iter().filter(|room| room.name == name);
        named().find(|room| Some(room.id.server) == server).or_else(|| named().next()).map(|room| room.id)
    }

    fn show_named(&mut self, name: &str) {
        match self.find_room(name) {
            Some(room) => self.show_room(room),
            None => {
                let (name, join) = (clean_line(name), CommandName::Join.word());
                self.notice(Role::Error, message!("screen-not-in-room", name, join));
            }
        }
    }

    fn part(&mut self, name: Option<&str>) {
        let room = match name {
            Some(name) => self.find_room(name),
            None => self.list.selected(),
        };
        let Some(room) = room.and_then(|room| self.rooms.get(&room)) else {
            return self.notice(Role::Error, message!("screen-no-such-room"));
        };
        let id = room.id;
        if room.state == RoomState::Ended {
            self.remove_room(id);
        } else {
            self.command(Command::Part { room: id });
        }
    }

    /// Removes an own text: the last one, if no other is named.
    fn delete(&mut self, room: RoomId, seq: Option<u64>) {
        let last = || self.room()?.transcript.messages().find(|entry| entry.is_own).map(|entry| entry.seq);
        match seq.or(self.selected_entry).or_else(last) {
            Some(seq) => self.command(Command::Remove { room, seq }),
            None => self.notice(Role::Error, message!("screen-nothing-to-remove")),
        }
    }

    fn show_topic(&mut self) {
        let topic = self.room().map(|room| clean_line(&room.topic)).unwrap_or_default();
        let text = if topic.is_empty() { message!("screen-no-topic") } else { message!("screen-topic", topic) };
        self.notice(Role::Notice, text);
    }
}
