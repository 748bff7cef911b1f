//! Lines of input, and the commands in them.

use std::sync::mpsc::TryRecvError;
use std::time::Duration as StdDuration;

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN};
use kabar_core::time::Instant;
use kabar_std::invite::{Invite, RoomName, SCHEME};

use super::front::Front;
use crate::command::Command as Typed;
use crate::engine::{Command, MAX_WAITING_POSTS, RoomCredential, RoomId, RoomRequest};
use crate::input::Input;
use crate::messages::notices::{Notice, Rejection, RoomCommandError};

/// Lines that are taken before everything else has its turn.
const LINES_PER_WAKE: usize = 64;
/// How long input waits for the answer to `/join`.
const SWITCH_TIMEOUT: StdDuration = StdDuration::from_secs(5);

impl Front {
    pub(super) fn take_input(&mut self, now: Instant) {
        self.input.has_more = false;
        for _ in 0..LINES_PER_WAKE {
            if !self.wants_input() {
                return;
            }
            match self.receiver.input.try_recv() {
                Ok(input) => self.take(input, now),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.end_of_input(),
            }
        }
        self.input.has_more = true;
    }

    /// Whether input is taken: not while posts do not fit or another room is about to be shown, and
    /// not at the end.
    fn wants_input(&self) -> bool {
        let input = &self.input;
        input.has_started && input.switch.is_none() && input.unanswered < MAX_WAITING_POSTS && !self.leaving.is_leaving
    }

    fn take(&mut self, input: Input, now: Instant) {
        self.input.lines += u64::from(input.is_line());
        match input {
            Input::Line(line) => self.execute(&line, now),
            Input::TooLong(len) => self.reject(Rejection::TooLong(len)),
            Input::NotUtf8 => self.reject(Rejection::NotUtf8),
            Input::InvalidBytes => self.notice(&Notice::InvalidBytes),
            Input::End => self.end_of_input(),
            Input::Failed(error) => {
                self.input.error = Some(error);
                self.end_of_input();
            }
        }
    }

    /// Executes a line.
    fn execute(&mut self, line: &str, now: Instant) {
        match self.ui.parse(line) {
            Typed::Nothing => {}
            Typed::Room(typed) => {
                self.show_typed(typed, now);
                self.resume_after_switch();
            }
            Typed::Join(typed) => {
                self.join(typed, now);
                self.resume_after_switch();
            }
            Typed::Part(typed) => self.part(typed),
            Typed::Help => self.notice(&Notice::Help(self.ui.input_mode())),
            Typed::Quit => {
                self.leaving.skips_pending_output = true;
                self.end_of_input();
            }
            Typed::Usage(name) => self.notice(&Notice::Usage(name)),
            Typed::AfterSpace => self.notice(&Notice::SpaceBeforeCommand),
            Typed::Unknown(word) => self.notice(&Notice::UnknownCommand(word)),
            Typed::Rooms => {
                for server in self.servers.iter().map(|server| server.id).collect::<Vec<_>>() {
                    self.list_rooms(server, true);
                }
            }
            Typed::Ignore(name) => self.at_server(|server| match name {
                Some(name) => Command::Ignore { server, name: name.to_owned() },
                None => Command::ListIgnored { server },
            }),
            Typed::Unignore(name) => self.at_server(|server| Command::Unignore { server, name: name.to_owned() }),
            Typed::Joins(shows) => self.at_server(|server| Command::ShowJoins { server, shows }),
            Typed::Stats => self.at_server(|server| Command::Stats { server }),
            Typed::Post(kind, text) => self.post(kind, text),
            command => match self.rooms.shown().map(|room| room.id) {
                Some(room) => self.execute_in(room, command),
                None => self.none_shown(),
            },
        }
    }

    /// Gives a command about the server of the room that is shown.
    fn at_server(&self, command: impl FnOnce(crate::engine::ServerId) -> Command) {
        if let Some(server) = self.current_server() {
            self.engine.send(command(server));
        }
    }

    /// Executes a command about this room.
    fn execute_in(&mut self, room: RoomId, command: Typed<'_>) {
        let command = match command {
            Typed::Who => return self.list_members(room, true),
            Typed::History(count) => return self.history(room, count),
            Typed::Topic => {
                let topic = self.rooms.find(room).map(|room| room.topic.clone()).unwrap_or_default();
                return self.room_notice(room, &Notice::Topic(&topic));
            }
            Typed::Notify(notify) => Command::SetNotify { room, notify },
            Typed::Nick(name) => Command::Rename { room, name: name.to_owned() },
            Typed::Delete(seq) => match seq.or_else(|| self.rooms.find(room)?.last_own()) {
                Some(seq) => Command::Remove { room, seq },
                None => return self.room_notice(room, &Notice::NothingToRemove),
            },
            Typed::Operate(word, text) => Command::Operate { room, word: word.to_owned(), text: text.to_owned() },
            // The caller executes the others.
            other => match Command::of_files(room, other) {
                Some(command) => command,
                None => return,
            },
        };
        self.engine.send(command);
    }

    fn none_shown(&self) {
        let names: Vec<String> = self.rooms.iter().map(|room| self.rooms.label(room, &self.servers)).collect();
        self.notice(&Notice::RoomCommand(RoomCommandError::NoneShown(&names)));
    }

    fn post(&mut self, kind: EntryKind, text: &str) {
        let is_prompt = self.ui.is_prompt();
        let Some(room) = self.rooms.shown().map(|room| room.id).filter(|_| is_prompt || self.input.takes_lines) else {
            return if is_prompt { self.none_shown() } else { self.reject(Rejection::NoRoom) };
        };
        if text.len() > MAX_TEXT_LEN {
            return self.reject(Rejection::TooLong(text.len()));
        }
        if let Some(found) = self.rooms.find_mut(room) {
            found.posting.push_back(text.to_owned());
        }
        self.input.unanswered += 1;
        self.engine.send(Command::Post { room, kind, text: text.to_owned() });
    }

    /// Reports that a line, or a line that chooses a room, has no effect.
    fn reject(&mut self, why: Rejection) {
        // A person can type the line again; a script sees it by the exit code.
        if self.ui.is_prompt() {
            return self.notice(&Notice::LineRejected { line: None, why });
        }
        self.end.refused(1);
        self.notice(&Notice::LineRejected { line: Some(self.input.lines), why });
    }

    /// After a command that may show another room, input continues unless it waits for one.
    pub(super) fn resume_after_switch(&self) {
        if self.input.switch.is_none() {
            self.ui.resume_input();
        }
    }

    /// `/room NAME`.
    fn show_typed(&mut self, typed: &str, now: Instant) {
        let found = self.rooms.find_typed(typed, &self.servers, self.current_server());
        let Some((id, name, is_joined)) = found.map(|room| (room.id, room.name.clone(), room.is_joined)) else {
            if self.ui.is_prompt() {
                return self.notice(&Notice::RoomCommand(RoomCommandError::NotIn(typed)));
            }
            // The lines that follow were not meant for the room that is shown.
            self.input.takes_lines = false;
            return self.reject(Rejection::NoRoom);
        };
        if is_joined {
            self.input.takes_lines = true;
            return self.show(id);
        }
        if self.ui.is_prompt() {
            return self.notice(&Notice::RoomCommand(RoomCommandError::NotJoinedYet(name.as_str())));
        }
        self.input.takes_lines = false;
        self.switch_when_joined(id.server, name, now, self.give_up);
    }

    /// `/join NAME` and `/join INVITE`.
    fn join(&mut self, typed: &str, now: Instant) {
        let failed = |why| self.notice(&Notice::RoomCommand(why));
        let Some(current) = self.current_server() else { return };
        let (server, name, credentials) = if typed.contains("://") || typed.starts_with(SCHEME) {
            match typed.parse::<Invite>() {
                Err(error) => return failed(RoomCommandError::Invite(error)),
                Ok(invite) => {
                    let server = self.servers.iter().find(|server| server.key == Some(invite.fingerprint));
                    let Some(server) = server.map(|server| server.id) else {
                        return failed(RoomCommandError::OtherServer);
                    };
                    (server, invite.room, vec![RoomCredential::Secret(invite.secret), RoomCredential::None])
                }
            }
        } else {
            let Ok(name) = RoomName::new(typed) else { return failed(RoomCommandError::NoRoomName(typed)) };
            (current, name, Vec::new())
        };
        if self.rooms.find_named(server, &name).is_some() {
            return self.show_typed(name.as_str(), now);
        }
        self.switch_when_joined(server, name.clone(), now, SWITCH_TIMEOUT);
        self.engine.send(Command::Join { server, room: RoomRequest { name, credentials } });
    }

    /// `/part` and `/part NAME`.
    fn part(&mut self, typed: Option<&str>) {
        let found = match typed {
            Some(typed) => self.rooms.find_typed(typed, &self.servers, self.current_server()),
            None => self.rooms.shown(),
        };
        let Some(room) = found else {
            match typed {
                Some(typed) => self.notice(&Notice::RoomCommand(RoomCommandError::NotIn(typed))),
                None => self.none_shown(),
            }
            return self.ui.resume_input();
        };
        if self.rooms.len() == 1 {
            self.notice(&Notice::RoomCommand(RoomCommandError::OnlyRoom(room.name.as_str())));
            return self.ui.resume_input();
        }
        self.engine.send(Command::Part { room: room.id });
    }
}
