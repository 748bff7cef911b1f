//! The session at the beginning of a connection: starts the client, and reports the rooms that
//! were joined.

use std::net::SocketAddr;
use std::sync::Arc;

use kabar_core::client::{Config, Event as ClientEvent, RoomConfig, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_std::names::Name;
use kabar_std::text::clean_line;

use super::log::Log;
use super::online::{JoinInfo, OnlineState};
use super::person::Person;
use super::posts::DurablePosts;
use super::room::Membership;
use super::rooms::Rooms;
use super::state::{Phase, Session};
use crate::engine::command::{KeyPolicy, ReplayFrom, RoomCredential, ServerRequest};
use crate::engine::event::{Event, Joined, NotKept, RoomId, SessionError};
use crate::engine::queue::EventSink;
use crate::history::Beginning;
use crate::known_servers::{JoinedRoom, KnownServers};
use crate::profile;

impl Session {
    /// Starts the client with the first room and `address`, and with the other addresses in case it
    /// does not answer. The other rooms follow when the first one is joined: whoever is admitted to
    /// one room may join the others.
    pub(super) fn start_client(&mut self, address: SocketAddr) -> Result<(), SessionError> {
        let fingerprint = self.expected_key();
        let Self {
            config: ServerRequest { identity, .. }, environment, rooms, history, sink, driver, is_delivery, ..
        } = self;
        let Some(room) = rooms.first_mut() else { return Ok(()) };
        if let Some(fingerprint) = &fingerprint {
            if *is_delivery {
                history.locate_posts(room.id, fingerprint, &room.name);
            } else {
                room.open_cursor(&environment.dir, fingerprint, identity, sink);
                room.stated = history.locate(room.id, fingerprint, &room.name, sink);
            }
        }
        let RoomConfig { room: name, credential, start, max_entry_len } = room.config(environment.context);
        let key = Identity::from_seed(identity.key.seed());
        let config = Config {
            server: address,
            fingerprint,
            room: name,
            name: &identity.name,
            is_default_name: identity.is_default_name,
            identity: &key,
            credential,
            start,
            max_entry_len,
            idle_s: profile::IDLE_S,
            ack_delay_ms: profile::ACK_DELAY_MS,
            tick_us: profile::TICK_US,
        };
        driver.start(&config)?;
        room.slot = Some(RoomSlot::FIRST);
        room.resume_posts(history, &mut driver.client);
        self.driver.set_addresses(&self.located.addresses());
        Ok(())
    }

    pub(super) fn expected_key(&self) -> Option<Fingerprint> {
        match self.config.key_policy {
            KeyPolicy::Invited(fingerprint) | KeyPolicy::Expected(fingerprint) => Some(fingerprint),
            KeyPolicy::AcceptNew | KeyPolicy::Ask => self.accepted,
        }
    }

    /// Returns the key of the server, which is known once a room was joined.
    pub(super) fn server_key(&self) -> Fingerprint {
        self.driver.client.fingerprint().or(self.accepted).unwrap_or(Fingerprint([0; 20]))
    }

    /// Handles Joined, the first one of a room and later ones.
    pub(super) fn joined(&mut self, slot: RoomSlot, name: &str, info: JoinInfo) {
        let name = clean_line(name);
        let now = self.driver.now();
        self.rooms.set_server_text(slot, "");
        let is_first_room = !matches!(self.phase, Phase::Online(_));
        if is_first_room {
            self.report_key();
            let mut person = Person::load(self.history.clone(), self.server_key(), self.id, &self.sink);
            if self.config.hide_joins {
                person.hide_joins(true, self.id, &self.sink);
            }
            let is_chosen = self.config.identity.is_default_name && !is_same_name(&name, &self.config.identity.name);
            if is_chosen {
                person.set_chosen_name(&name, self.id, &self.sink);
            }
            self.phase = Phase::Online(Box::new(OnlineState::new(person)));
        }
        let Some(room) = self.rooms.at(slot) else { return };
        let (room, is_known) = (room.id, room.membership.is_some());
        if is_known {
            return self.joined_again(slot, room, &name, info, now);
        }
        self.joined_room(slot, room, &name, info);
        if is_first_room {
            self.join_other_rooms(now);
        }
    }

    fn joined_again(&mut self, slot: RoomSlot, room: RoomId, name: &str, info: JoinInfo, now: Instant) {
        let server_key = self.server_key();
        let Self { rooms, history, driver, sink, phase: Phase::Online(online), .. } = self else { return };
        let is_resumed = info.is_resumed || rooms.find(room).is_some_and(|room| room.last_shown.is_some());
        let info = JoinInfo { is_resumed, ..info };
        if let Some(room) = rooms.find_mut(room) {
            room.assign_posts(history, &driver.client);
            let (from, is_reset) = (history.log(room.id), std::mem::take(&mut room.is_reset));
            // One that is not recorded at present is when it can be.
            if is_reset || from.is_some() {
                history.begin(room.id, from, Beginning { start: info.start, term: info.term, is_reset }, sink);
            }
        }
        sink.send(Event::Joined(joined_as(room, server_key, name, Some(info.start), info, None, true)));
        online.rejoined(name, info, slot, rooms, sink, now);
    }

    /// Handles the first Joined of a room.
    fn joined_room(&mut self, slot: RoomSlot, id: RoomId, name: &str, info: JoinInfo) {
        let fingerprint = self.server_key();
        let begun = self.begin_recording(slot, &info);
        let Self { environment, rooms, history, driver, sink, phase: Phase::Online(online), .. } = self else { return };
        let Some(room) = rooms.at(slot) else { return };
        room.assign_posts(history, &driver.client);
        let resumed = room.durable.as_mut().and_then(DurablePosts::take_resumed);
        let plan = room.plan(begun, &info, environment, history, sink);
        let (after, seen) = (plan.after, plan.seen);
        let (shown, file) = (room.last_shown, room.file.clone());
        let is_resumed = info.is_resumed || shown.is_some();
        // What was recorded was followed, too.
        let followed_to = shown.map(|shown| shown.cursor.seq).max(begun.map(|begun| begun.cursor.seq));
        let log = Log::new(info.term, info.head, followed_to.unwrap_or(0), file, history.clone());
        room.membership = Some(Membership::new(log, plan, info.head));
        online.person.set_name(name, self.id, sink);
        sink.send(Event::Joined(joined_as(id, fingerprint, name, after, JoinInfo { is_resumed, ..info }, seen, false)));
        if let Some(lines) = resumed {
            sink.send(Event::OutboxResumed { room: id, lines });
        }
        self.note_undelivered(id);
        if self.is_delivery {
            return self.leave_when_delivered();
        }
        self.store_room(id, name);
        self.resume_transfers(id);
    }

    /// Joins the rooms that are not joined yet.
    fn join_other_rooms(&mut self, now: Instant) {
        let missing = self.missing_rooms();
        if !self.config.is_host {
            return missing.into_iter().for_each(|room| self.join_room(room, now));
        }
        // Whoever hosts them creates them, too.
        let names: Vec<_> = missing.iter().filter_map(|id| Some(self.rooms.find(*id)?.name.clone())).collect();
        let Self { rooms, sink, driver, .. } = self;
        let Some((member, output)) = rooms.member_at(RoomSlot::FIRST, sink) else { return };
        for name in names {
            if member.requests.add_room(&name, RoomSlot::FIRST, &mut driver.client, now).is_err() {
                output.not_connected();
            }
        }
    }

    /// Joins the rooms of this process that were created, in their order.
    pub(super) fn join_added_rooms(&mut self, now: Instant) {
        let Phase::Online(online) = &mut self.phase else { return };
        let added = std::mem::take(&mut online.added_rooms);
        let added: Vec<_> = self.missing_rooms().into_iter().take(added).collect();
        added.into_iter().for_each(|room| self.join_room(room, now));
    }

    fn missing_rooms(&self) -> Vec<RoomId> {
        self.rooms.iter().filter(|room| room.slot.is_none()).map(|room| room.id).collect()
    }

    /// Stores all rooms as known ones, after the name has changed.
    pub(super) fn store_rooms(&mut self, name: &str) {
        name.clone_into(&mut self.stored_name);
        let joined: Vec<_> = self.rooms.iter().filter(|room| room.membership.is_some()).map(|room| room.id).collect();
        for room in joined {
            self.store_room(room, name);
        }
    }

    /// Stores a room as a known one.
    fn store_room(&mut self, room: RoomId, name: &str) {
        name.clone_into(&mut self.stored_name);
        let is_stored = !self.config.is_host && !self.is_delivery;
        let Some(room) = self.rooms.find(room).filter(|_| is_stored) else { return };
        let secret = match room.credential() {
            RoomCredential::Secret(secret) => Some(secret),
            _ => None,
        };
        let fingerprint = &self.server_key();
        let name = self.config.identity.usual_name(name);
        let place = self.located.place_of(self.driver.client.server());
        let places = place.map(|place| self.config.places.with_first(place.clone()));
        let places = places.as_ref().unwrap_or(&self.config.places);
        let is_first = self.rooms.first().is_some_and(|first| first.id == room.id);
        let joined = JoinedRoom { places, fingerprint, room: &room.name, name: name.as_deref(), secret, is_first };
        if let Err(error) = KnownServers::remember(&self.environment.dir, &joined) {
            self.not_kept(NotKept::Server(Arc::new(error)));
        }
    }

    pub(super) fn not_kept(&self, what: NotKept) {
        self.sink.send(Event::NotKept { server: self.id, what });
    }
}

fn joined_as(
    room: RoomId,
    server_key: Fingerprint,
    name: &str,
    start: Option<u64>,
    info: JoinInfo,
    seen: Option<u64>,
    is_again: bool,
) -> Joined {
    let JoinInfo { head, members, term, is_resumed, .. } = info;
    let (server_key, members) = (Some(server_key), Some(members));
    Joined { room, server_key, name: name.to_owned(), members, start, head, term, is_resumed, seen, is_again }
}

fn is_same_name(name: &str, other: &str) -> bool {
    Name::existing(name).is_ok_and(|name| Name::existing(other).is_ok_and(|other| other.folded() == name.folded()))
}

/// Reports events of a room that come before it is joined. After a reset, the position in the old
/// history means nothing.
pub(super) fn on_event_before_join(event: &ClientEvent<'_>, slot: RoomSlot, rooms: &mut Rooms, sink: &EventSink) {
    let Some(room) = rooms.at(slot) else { return };
    match *event {
        ClientEvent::Reset { .. } => {
            (room.last_shown, room.replay_from, room.is_reset) = (None, ReplayFrom::New, true);
            sink.send(Event::HistoryReset { room: room.id });
        }
        ClientEvent::Gap { after, first, .. } => {
            // Lines that were only requested for context may be missing.
            let after = room.last_shown.map_or(after, |shown| shown.cursor.seq.max(after));
            if first > after + 1 {
                sink.send(Event::Gap { room: room.id, after, first });
            }
        }
        _ => {}
    }
}
