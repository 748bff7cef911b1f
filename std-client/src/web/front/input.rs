//! Messages of pages.

use kabar_core::chat::EntryKind;
use kabar_std::invite::{Invite, RoomName, SCHEME};

use super::{Front, MAX_LISTS, sentences};
use crate::command::{Command as Typed, typed};
use crate::engine::{Command, RoomCredential, RoomId, RoomRequest, ServerId, Stop};
use crate::messages::notices::{Notice, RoomCommandError};
use crate::messages::web;
use crate::transfers::TransferId;
use crate::web::protocol::{FromPage, Membership, RoomKey, ToPage};
use crate::web::server::input::PageId;

impl Front {
    pub(super) fn on_message(&mut self, page: PageId, message: FromPage) {
        match message {
            FromPage::Input { room, text } => self.execute(page, room.map(|room| room.0), &text),
            FromPage::Page { room, part, tag } => self.on_page_request(page, room.0, part, tag),
            FromPage::Members { room } => {
                if let Some(room) = self.rooms.get(&room.0) {
                    self.pages.send(page, &ToPage::Members { room: room.key(), names: &room.members });
                }
            }
            FromPage::Search { room, text, tag } => self.search(page, room.map(|room| room.0), &text, tag),
            FromPage::Read { room, place } => self.on_read(room.0, place),
            FromPage::Draft { room, text } => self.save_draft(room.0, text),
            FromPage::AnswerKey { server, accept } => {
                self.answered(server.into(), |server| Command::AnswerKey { server, accept });
            }
            FromPage::Password { server, password } => {
                let password = password.map(crate::web::protocol::Password::into_text);
                self.answered(server.into(), |server| Command::Password { server, password });
            }
            FromPage::ListRooms { server } => self.list_rooms(page, server.into()),
            FromPage::Fetch { room, place, is_picture } => self.fetch(page, room.0, place, is_picture),
            FromPage::Cancel { transfer } => {
                let (server, transfer) = (transfer.server.into(), TransferId(transfer.transfer));
                self.config.engine.send(Command::CancelTransfer { server, transfer });
            }
            FromPage::ForgetTransfers => self.forget_transfers(),
        }
    }

    /// A question is answered, once.
    fn answered(&mut self, id: ServerId, command: impl FnOnce(ServerId) -> Command) {
        if self.servers.get_mut(&id).is_some_and(|server| server.question.take().is_some()) {
            self.config.engine.send(command(id));
            self.publish_server(id);
        }
    }

    fn save_draft(&mut self, id: RoomId, text: String) {
        if let Some(room) = self.rooms.get_mut(&id)
            && room.draft != text
        {
            room.draft.clone_from(&text);
            self.config.engine.send(Command::SaveDraft { room: id, text });
        }
    }

    fn list_rooms(&mut self, page: PageId, server: ServerId) {
        if self.lists.contains(&(server, page)) {
            return;
        }
        if self.lists.len() == MAX_LISTS {
            self.lists.remove(0);
        }
        self.lists.push((server, page));
        self.config.engine.send(Command::ListRooms { server, is_complete: true });
    }

    /// Executes a line that was typed in `room`.
    fn execute(&mut self, page: PageId, room: Option<RoomId>, line: &str) {
        let room = room.filter(|room| self.rooms.contains_key(room));
        let server = room.map(|room| room.server).or_else(|| self.servers.keys().next().copied());
        match typed(line) {
            Typed::Nothing => {}
            Typed::Help => self.pages.send(page, &ToPage::Help),
            Typed::Quit => self.stop(Stop::Leave { give_up: self.config.give_up, is_caught_up: false }),
            Typed::Usage(name) => self.notice(page, room, true, &Notice::Usage(name)),
            Typed::AfterSpace => self.notice(page, room, true, &Notice::SpaceBeforeCommand),
            Typed::Unknown(word) => self.notice(page, room, true, &Notice::UnknownCommand(word)),
            Typed::Room(name) => self.show(page, room, name),
            Typed::Join(target) => self.join(page, room, server, target),
            command => match server {
                Some(server) => self.execute_at(page, server, room, &command),
                None => self.answer(page, None, true, &web::in_no_room()),
            },
        }
    }

    /// Executes a command about this server.
    fn execute_at(&mut self, page: PageId, server: ServerId, room: Option<RoomId>, command: &Typed<'_>) {
        let command = match command {
            Typed::Rooms => return self.list_rooms(page, server),
            Typed::Ignore(Some(name)) => Command::Ignore { server, name: (*name).to_owned() },
            Typed::Ignore(None) => Command::ListIgnored { server },
            Typed::Unignore(name) => Command::Unignore { server, name: (*name).to_owned() },
            Typed::Joins(shows) => Command::ShowJoins { server, shows: *shows },
            Typed::Stats => {
                if let Some(server) = self.servers.get_mut(&server) {
                    server.shows_stats = true;
                }
                Command::Stats { server }
            }
            command => match room {
                Some(room) => return self.execute_in(page, room, command),
                None => return self.answer(page, None, true, &web::in_no_room()),
            },
        };
        self.config.engine.send(command);
    }

    /// Executes a command about this room.
    fn execute_in(&mut self, page: PageId, id: RoomId, command: &Typed<'_>) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let command = match command {
            Typed::Post(kind, text) => return self.post(id, *kind, text),
            Typed::Who => {
                room.shows_members = true;
                Command::ListMembers { room: id }
            }
            Typed::History(_) => return self.answer(page, Some(id), false, &web::scroll_up()),
            Typed::Topic => {
                let topic = room.topic.clone();
                return self.notice(page, Some(id), false, &Notice::Topic(&topic));
            }
            Typed::Notify(notify) => Command::SetNotify { room: id, notify: *notify },
            Typed::Nick(name) => Command::Rename { room: id, name: (*name).to_owned() },
            Typed::Delete(seq) => match seq.or_else(|| room.last_own()) {
                Some(seq) => Command::Remove { room: id, seq },
                None => return self.answer(page, Some(id), true, &web::nothing_to_remove()),
            },
            Typed::Part(None) => return self.part(id),
            Typed::Part(Some(name)) => match self.find(id.server, name) {
                Some(room) => return self.part(room),
                None => return self.not_in(page, Some(id), name),
            },
            Typed::Operate(word, text) => {
                Command::Operate { room: id, word: (*word).to_owned(), text: (*text).to_owned() }
            }
            // A page sends no file of this computer by its path: only what its user gives to it.
            Typed::Send(_) => return self.answer(page, Some(id), true, &web::no_paths()),
            Typed::Transfers => return self.pages.send(page, &ToPage::ShowTransfers),
            Typed::Get(_) | Typed::Cancel(_) => match Command::of_files(id, *command) {
                Some(command) => command,
                None => return,
            },
            // The callers execute these.
            Typed::Nothing
            | Typed::Ignore(_)
            | Typed::Unignore(_)
            | Typed::Joins(_)
            | Typed::Rooms
            | Typed::Room(_)
            | Typed::Join(_)
            | Typed::Stats
            | Typed::Help
            | Typed::Quit
            | Typed::Usage(_)
            | Typed::AfterSpace
            | Typed::Unknown(_) => return,
        };
        self.config.engine.send(command);
    }

    fn post(&mut self, id: RoomId, kind: EntryKind, text: &str) {
        if let Some(room) = self.rooms.get_mut(&id) {
            room.unsent.push(text.to_owned());
            self.config.engine.send(Command::Post { room: id, kind, text: text.to_owned() });
            self.publish_unsent(id);
        }
    }

    fn part(&mut self, id: RoomId) {
        match self.rooms.get(&id).map(|room| room.membership) {
            // The engine no longer knows it.
            Some(Membership::Ended) => self.remove_room(id),
            _ => self.config.engine.send(Command::Part { room: id }),
        }
    }

    /// Returns the room of this server with the name, or else one of another server.
    fn find(&self, server: ServerId, name: &str) -> Option<RoomId> {
        let named = || self.rooms.values().filter(|room| room.name == name).map(|room| room.id);
        named().find(|room| room.server == server).or_else(|| named().next())
    }

    fn not_in(&mut self, page: PageId, room: Option<RoomId>, name: &str) {
        self.notice(page, room, true, &Notice::RoomCommand(RoomCommandError::NotIn(name)));
    }

    /// Answers to a page with the sentence about a notice.
    fn notice(&mut self, page: PageId, room: Option<RoomId>, is_error: bool, notice: &Notice<'_>) {
        self.answer(page, room, is_error, &sentences::of_notice(notice));
    }

    fn show(&mut self, page: PageId, room: Option<RoomId>, name: &str) {
        let server = room.map_or(ServerId(0), |room| room.server);
        match self.find(server, name) {
            Some(room) => self.pages.send(page, &ToPage::Show { room: RoomKey(room) }),
            None => self.not_in(page, room, name),
        }
    }

    /// Joins a room of the server by its name, or the room of an invite, or connects to an address.
    fn join(&mut self, page: PageId, room: Option<RoomId>, server: Option<ServerId>, target: &str) {
        let is_invite = target.contains("://") || target.starts_with(SCHEME);
        let (server, name, credentials) = match (target.parse::<Invite>(), RoomName::new(target), server) {
            (Ok(invite), _, _) => {
                let known = self.servers.values().find(|server| server.key == Some(invite.fingerprint));
                let Some(server) = known.map(|server| server.id) else {
                    return self.connect(page, room, Some(invite.room), target);
                };
                (server, invite.room, vec![RoomCredential::Secret(invite.secret), RoomCredential::None])
            }
            (Err(error), _, _) if is_invite => {
                return self.notice(page, room, true, &Notice::RoomCommand(RoomCommandError::Invite(error)));
            }
            (Err(_), Ok(name), Some(server)) => (server, name, Vec::new()),
            (Err(_), _, _) => return self.connect(page, room, None, target),
        };
        let joined = self.rooms.values().find(|room| room.id.server == server && room.name == name.as_str());
        if let Some(joined) = joined.filter(|room| room.membership != Membership::Ended) {
            return self.pages.send(page, &ToPage::Show { room: joined.key() });
        }
        self.to_show = Some((name.clone(), page));
        self.config.engine.send(Command::Join { server, room: RoomRequest { name, credentials } });
    }

    /// Connects to a server that is not connected.
    fn connect(&mut self, page: PageId, room: Option<RoomId>, name: Option<RoomName>, target: &str) {
        match (self.config.connector)(target) {
            Ok(request) => {
                let name = name.or_else(|| request.rooms.first().map(|room| room.name.clone()));
                self.to_show = name.map(|name| (name, page));
                self.config.engine.send(Command::Connect(Box::new(request.into())));
            }
            Err(text) => self.answer(page, room, true, &text),
        }
    }
}
