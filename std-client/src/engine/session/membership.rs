//! The rooms of a session after the first one was joined: joining and leaving them, and rooms that
//! end.

use std::sync::Arc;

use kabar_core::client::{EndReason, JoinError, RoomSlot};
use kabar_core::time::Instant;
use kabar_std::invite::RoomName;

use super::room::Room;
use super::state::{Phase, Session, is_final};
use crate::engine::command::{ReplayFrom, RoomCredential, RoomRequest};
use crate::engine::event::{Event, JoinRefusal, NotKept, RoomId};
use crate::known_servers::KnownServers;
use crate::profile;

impl Session {
    /// Joins another room.
    pub(super) fn join(&mut self, requested: RoomRequest, now: Instant) {
        let why = match self.rooms.find_named(&requested.name) {
            Some(room) => JoinRefusal::Joined(room.id),
            None if self.rooms.len() >= profile::ROOMS => JoinRefusal::TooMany(profile::ROOMS),
            None if !matches!(self.phase, Phase::Online(_)) => JoinRefusal::NotConnected,
            None => {
                let room = self.rooms.add(requested, ReplayFrom::New, &self.sink);
                return self.join_room(room, now);
            }
        };
        self.sink.send(Event::RoomNotAdded { server: self.id, room: None, name: requested.name, why });
    }

    /// Adds a room to the client.
    pub(super) fn join_room(&mut self, id: RoomId, now: Instant) {
        let fingerprint = self.server_key();
        let Some(name) = self.rooms.find(id).map(|room| room.name.clone()) else { return };
        let others = self.other_credentials(&name);
        let Self { config, environment, rooms, history, sink, driver, .. } = self;
        let Some(room) = rooms.find_mut(id) else { return };
        if room.credentials.is_empty() {
            room.credentials = others.into();
        }
        room.open_cursor(&environment.dir, &fingerprint, &config.identity, sink);
        room.stated = history.locate(id, &fingerprint, &name, sink);
        let why = match driver.client.join(now, &room.config(environment.context)) {
            Ok(slot) => {
                room.slot = Some(slot);
                return room.resume_posts(history, &mut driver.client);
            }
            Err(JoinError::AlreadyJoined) => JoinRefusal::StillLeaving,
            Err(JoinError::Full) => JoinRefusal::TooMany(profile::ROOMS),
            Err(_) => JoinRefusal::NotConnected,
        };
        self.rooms.remove(id);
        self.history.forget(id);
        self.sink.send(Event::RoomNotAdded { server: self.id, room: Some(id), name, why });
    }

    /// Returns the credentials for a room for which none was given. Whoever is admitted to one room
    /// needs none for an open one.
    fn other_credentials(&self, name: &RoomName) -> Vec<RoomCredential> {
        let known = KnownServers::load(&self.environment.dir).ok();
        let known = known.and_then(|known| known.find_key(&self.server_key(), name)?.secret);
        let password = self.rooms.iter().map(Room::credential).find(|one| matches!(one, RoomCredential::Password(_)));
        known.map(RoomCredential::Secret).into_iter().chain([RoomCredential::None]).chain(password.cloned()).collect()
    }

    /// Leaves a room.
    pub(super) fn part(&mut self, id: RoomId, now: Instant) {
        self.post_waiting();
        let Some(room) = self.rooms.remove(id) else { return };
        self.transfers.room_ended(id, &self.sink);
        let name = room.name.clone();
        match room.slot {
            Some(slot) => {
                self.history.end_recording(id);
                self.rooms.set_parting(slot, room);
                self.driver.client.part(now, slot);
            }
            None => self.history.forget(id),
        }
        self.sink.send(Event::Parted { room: id });
        self.do_not_return(&name);
    }

    /// `kabar` without arguments does not join this room again.
    fn do_not_return(&self, name: &RoomName) {
        if !self.config.is_host
            && let Err(error) = KnownServers::part(&self.environment.dir, &self.server_key(), name)
        {
            self.not_kept(NotKept::Parting(Arc::new(error)));
        }
    }

    /// The first room is refused, before any was joined.
    pub(super) fn drop_first_room(&mut self, reason: EndReason) {
        let Some(id) = self.rooms.first().map(|room| room.id) else { return };
        let end = self.describe_room_end(id, reason);
        // Nobody is admitted yet, so the next room needs a credential, too.
        let credential = self.rooms.remove(id).map(|room| room.credential().clone());
        let kept = self.kept_after(id, reason);
        self.sink.send(Event::RoomEnded { room: id, end, unsent: 0, kept });
        if let (Some(credential), Some(next)) = (credential, self.rooms.first_mut())
            && next.credentials.is_empty()
        {
            next.credentials = [credential, RoomCredential::None].into();
        }
    }

    /// A room has ended, and others have not.
    pub(super) fn room_ended(&mut self, slot: RoomSlot, reason: EndReason, unsettled: u64, now: Instant) {
        self.drop_waiting(slot);
        let parting = self.rooms.id_at(slot);
        if self.rooms.take_parting(slot) {
            // Its posts that are not stored are reported although the room is gone.
            let Some(room) = parting else { return };
            let kept = self.kept_after(room, reason);
            let unsent = unsettled.saturating_sub(kept);
            if unsent + kept > 0 {
                let end = self.describe_room_end(room, reason);
                self.sink.send(Event::RoomEnded { room, end, unsent, kept });
            }
            if self.rooms.len() == 0 && self.rooms.slots().next().is_none() {
                // It was the last room: the server is left, too.
                let _ = self.abort(now);
            }
            return;
        }
        let Some(room) = self.rooms.at(slot) else { return };
        room.slot = None;
        let (id, name) = (room.id, room.name.clone());
        if room.next_credential(reason) {
            return self.join_room(id, now);
        }
        let end = self.describe_room_end(id, reason);
        if is_final(reason) {
            self.do_not_return(&name);
        }
        let in_outbox = self.rooms.remove(id).and_then(|room| room.durable).map_or(0, |durable| durable.unsent());
        self.transfers.room_ended(id, &self.sink);
        let kept = self.kept_after(id, reason);
        let unsent = (unsettled + in_outbox).saturating_sub(kept);
        self.sink.send(Event::RoomEnded { room: id, end, unsent, kept });
    }

    /// A room has ended. Returns the number of its posts that are sent the next time.
    fn kept_after(&self, room: RoomId, reason: EndReason) -> u64 {
        if is_final(reason) {
            self.history.discard(room);
        }
        let kept = self.history.kept(room);
        self.history.forget(room);
        kept
    }
}
