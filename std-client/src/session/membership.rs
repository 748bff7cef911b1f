//! The rooms of a session after the first one was joined: `/join`, `/part`, `/room`, and rooms that
//! end.

use kabar_core::chat::{EndedCode, RefusedCode};
use kabar_core::client::{EndReason, JoinError, RoomSlot};
use kabar_core::time::{Duration, Instant};
use kabar_std::invite::{Invite, RoomName, SCHEME};

use super::config::{RequestedRoom, RoomCredential};
use super::notice::{Notice, Rejection, RoomCommandError};
use super::replay::ReplayFrom;
use super::room::Room;
use super::state::{Phase, Session};
use crate::command::Command;
use crate::known_servers::KnownServers;
use crate::profile;

/// How long input waits for the answer to `/join`.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(5);

impl Session {
    /// Executes a typed line.
    pub(super) fn execute(&mut self, line: &str, now: Instant) {
        let command = self.ui.parse(line);
        match command {
            Command::Room(name) => self.show_named(name, now),
            Command::Join(target) => self.join_target(target, now),
            Command::Part(name) => self.part(name, now),
            command => {
                if let Phase::Online(online) = &mut self.phase {
                    online.execute(command, &mut self.rooms, &mut self.driver, &*self.ui, now);
                }
                return;
            }
        }
        if let Phase::Online(online) = &self.phase
            && !online.is_switching()
        {
            self.ui.resume_input();
        }
    }

    /// `/room NAME`.
    fn show_named(&mut self, typed: &str, now: Instant) {
        let name = RoomName::new(typed).ok().filter(|name| self.rooms.find(name).is_some());
        let Phase::Online(online) = &mut self.phase else { return };
        let Some(name) = name else {
            if self.ui.is_prompt() {
                return self.ui.notice(&Notice::RoomCommand(RoomCommandError::NotIn(typed)));
            }
            // The lines that follow were not meant for the room that is shown.
            online.set_takes_lines(false);
            return online.reject(&*self.ui, Rejection::NoRoom);
        };
        if self.rooms.find(&name).is_some_and(|room| room.membership.is_some()) {
            online.set_takes_lines(true);
            return self.show(&name);
        }
        if self.ui.is_prompt() {
            return self.ui.notice(&Notice::RoomCommand(RoomCommandError::NotJoinedYet(&name)));
        }
        online.set_takes_lines(false);
        online.switch_when_joined(&name, now + online.give_up());
    }

    /// Shows a room that was joined.
    fn show(&mut self, name: &RoomName) {
        self.rooms.set_shown(name);
        let is_private = self.rooms.find(name).is_some_and(|room| room.is_private);
        let slot = self.rooms.find(name).and_then(|room| room.slot);
        if let Some((member, view)) = slot.and_then(|slot| self.rooms.member_at(slot, &*self.ui)) {
            member.display.switch_to(is_private, view);
        }
        self.rooms.publish(&*self.ui);
    }

    /// `/join NAME` and `/join INVITE`.
    fn join_target(&mut self, typed: &str, now: Instant) {
        let failed = |why| self.ui.notice(&Notice::RoomCommand(why));
        let (name, credentials) = if typed.contains("://") || typed.starts_with(SCHEME) {
            match typed.parse::<Invite>() {
                Err(error) => return failed(RoomCommandError::Invite(error)),
                Ok(invite) if invite.fingerprint != self.server_key() => return failed(RoomCommandError::OtherServer),
                Ok(invite) => (invite.room, vec![RoomCredential::Secret(invite.secret), RoomCredential::None]),
            }
        } else {
            let Ok(name) = RoomName::new(typed) else { return failed(RoomCommandError::NoRoomName(typed)) };
            (name, Vec::new())
        };
        if self.rooms.find(&name).is_some() {
            return self.show_named(name.as_str(), now);
        }
        if self.rooms.len() >= profile::ROOMS {
            return failed(RoomCommandError::TooMany(profile::ROOMS));
        }
        if let Phase::Online(online) = &mut self.phase {
            online.switch_when_joined(&name, now + SWITCH_TIMEOUT);
        }
        self.rooms.push(Room::new(RequestedRoom { name: name.clone(), credentials }, ReplayFrom::New));
        self.rooms.publish(&*self.ui);
        self.join_room(&name, now);
    }

    /// Adds a room to the client.
    pub(super) fn join_room(&mut self, name: &RoomName, now: Instant) {
        let fingerprint = self.server_key();
        let others = self.other_credentials(name);
        let Self { config, rooms, ui, driver, .. } = self;
        let Some(room) = rooms.find_mut(name) else { return };
        if room.credentials.is_empty() {
            room.credentials = others.into();
        }
        room.open_cursor(&config.dir, &fingerprint, &config.identity, &**ui);
        let why = match driver.client.join(now, &room.config(ui.is_prompt())) {
            Ok(slot) => return room.slot = Some(slot),
            Err(JoinError::AlreadyJoined) => RoomCommandError::StillLeaving(name),
            Err(JoinError::Full) => RoomCommandError::TooMany(profile::ROOMS),
            Err(_) => RoomCommandError::NotJoinedYet(name),
        };
        ui.notice(&Notice::RoomCommand(why));
        self.forget_room(name);
    }

    /// Returns the credentials for a room for which none was given. Whoever is admitted to one room
    /// needs none for an open one.
    fn other_credentials(&self, name: &RoomName) -> Vec<RoomCredential> {
        let known = KnownServers::load(&self.config.dir).ok();
        let known = known.and_then(|known| known.find_key(&self.server_key(), name)?.secret);
        let password = self.rooms.iter().map(Room::credential).find(|one| matches!(one, RoomCredential::Password(_)));
        known.map(RoomCredential::Secret).into_iter().chain([RoomCredential::None]).chain(password.cloned()).collect()
    }

    /// `/part` and `/part NAME`.
    fn part(&mut self, typed: Option<&str>, now: Instant) {
        let name = match typed {
            Some(typed) => RoomName::new(typed).ok(),
            None => self.rooms.shown().map(|room| room.name.clone()),
        };
        let Some(room) = name.and_then(|name| self.rooms.find(&name)) else {
            let names: Vec<&RoomName> = self.rooms.iter().map(|room| &room.name).collect();
            let why = typed.map_or(RoomCommandError::NoneShown(&names), RoomCommandError::NotIn);
            return self.ui.notice(&Notice::RoomCommand(why));
        };
        if self.rooms.len() == 1 {
            return self.ui.notice(&Notice::RoomCommand(RoomCommandError::OnlyRoom(&room.name)));
        }
        let (name, slot) = (room.name.clone(), room.slot);
        let was_shown = self.rooms.is_shown(&name);
        if let Some(slot) = slot {
            self.rooms.set_parting(slot);
            self.driver.client.part(now, slot);
        }
        self.rooms.view(&name, &*self.ui).notice(&Notice::Parted);
        self.do_not_return(&name);
        self.forget_room(&name);
        let next = self.rooms.iter().find(|room| room.membership.is_some()).map(|room| room.name.clone());
        if let Some(next) = next.filter(|_| was_shown) {
            self.show(&next);
        }
    }

    /// `kabar` without arguments does not join this room again.
    fn do_not_return(&self, name: &RoomName) {
        if !self.config.is_host
            && let Err(error) = KnownServers::part(&self.config.dir, &self.server_key(), name)
        {
            self.ui.notice(&Notice::RoomsNotKept(&error));
        }
    }

    /// Removes a room that was left, has ended or was never joined.
    fn forget_room(&mut self, name: &RoomName) {
        self.rooms.remove(name);
        self.rooms.publish(&*self.ui);
        if let Phase::Online(online) = &mut self.phase
            && online.take_switch(name)
        {
            self.ui.resume_input();
        }
    }

    /// The first room is refused, before any was joined.
    pub(super) fn drop_first_room(&mut self, reason: EndReason) {
        let Some(name) = self.rooms.first().map(|room| room.name.clone()) else { return };
        let end = self.describe_room_end(&name, reason);
        let was_shown = !self.ui.is_prompt();
        self.rooms.view(&name, &*self.ui).notice(&Notice::RoomEnded { end: &end, unsent: 0, was_shown });
        // Nobody is admitted yet, so the next room needs a credential, too.
        let credential = self.rooms.remove(&name).map(|room| room.credential().clone());
        if let (Some(credential), Some(next)) = (credential, self.rooms.iter_mut().next())
            && next.credentials.is_empty()
        {
            next.credentials = [credential, RoomCredential::None].into();
        }
        self.is_first_refused = true;
    }

    /// A room has ended, and others have not.
    pub(super) fn room_ended(&mut self, slot: RoomSlot, reason: EndReason, unsettled: u64, now: Instant) {
        let Phase::Online(online) = &mut self.phase else { return };
        let unsent = online.lost_lines(slot, unsettled);
        if self.rooms.take_parting(slot) {
            return;
        }
        let Some(room) = self.rooms.at(slot) else { return };
        room.slot = None;
        let name = room.name.clone();
        if room.next_credential(reason) {
            return self.join_room(&name, now);
        }
        let end = self.describe_room_end(&name, reason);
        if is_final(reason) {
            self.do_not_return(&name);
        }
        let was_shown = self.rooms.is_shown(&name);
        self.rooms.view(&name, &*self.ui).notice(&Notice::RoomEnded { end: &end, unsent, was_shown });
        self.forget_room(&name);
    }
}

/// Whether joining the room again has no prospect.
const fn is_final(reason: EndReason) -> bool {
    matches!(
        reason,
        EndReason::EndedByServer(EndedCode::BANNED | EndedCode::CLOSED)
            | EndReason::Refused(RefusedCode::BANNED | RefusedCode::UNKNOWN_ROOM)
    )
}
