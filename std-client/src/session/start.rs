//! The session at the beginning of a connection: starts the client, and reports the rooms that
//! were joined.

use std::net::SocketAddr;

use kabar_core::client::{Config, Event, RoomConfig, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_std::invite::RoomName;
use kabar_std::names::Name;
use kabar_std::text::clean_line;

use super::config::{KeyPolicy, RoomCredential, SessionConfig};
use super::display::{Display, DisplayStart};
use super::end::{Loss, SessionError};
use super::front_end::FrontEnd;
use super::notice::{Joined, Notice, Occasion};
use super::online::{JoinInfo, OnlineState};
use super::person::Person;
use super::replay::ReplayFrom;
use super::room::Membership;
use super::rooms::Rooms;
use super::state::{Phase, Session};
use super::view::RoomView;
use crate::known_servers::{JoinedRoom, KnownServers};
use crate::preferences::Preferences;
use crate::profile;

impl Session {
    /// Starts the client with the first room and `address`, and with the other addresses in case it
    /// does not answer. The other rooms follow when the first one is joined: whoever is admitted to
    /// one room may join the others.
    pub(super) fn start_client(&mut self, address: SocketAddr) -> Result<(), SessionError> {
        let fingerprint = self.expected_key();
        let Self { config: SessionConfig { identity, dir, .. }, rooms, ui, driver, .. } = self;
        let Some(room) = rooms.iter_mut().next() else { return Ok(()) };
        if let Some(fingerprint) = &fingerprint {
            room.open_cursor(dir, fingerprint, identity, &**ui);
        }
        let RoomConfig { room: name, credential, start, max_entry_len } = room.config(ui.is_prompt());
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
        self.driver.set_addresses(&self.located.addresses());
        Ok(())
    }

    fn expected_key(&self) -> Option<Fingerprint> {
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
    pub(super) fn joined(&mut self, slot: RoomSlot, name: &str, info: JoinInfo) -> Result<(), SessionError> {
        let name = clean_line(name);
        let now = self.driver.now();
        self.rooms.set_server_text(slot, "");
        let is_first_room = !matches!(self.phase, Phase::Online(_));
        if is_first_room {
            self.report_key();
            let person = Person::new(self.preferences());
            let give_up = Duration::from_micros(u64::try_from(self.config.give_up.as_micros()).unwrap_or(u64::MAX));
            self.phase = Phase::Online(Box::new(OnlineState::new(person, give_up, self.config.lines_taken)));
        }
        let is_known = self.rooms.at(slot).is_none_or(|room| room.membership.is_some());
        if is_known {
            self.joined_again(slot, &name, info, now);
            return Ok(());
        }
        self.joined_room(slot, &name, info, is_first_room, now);
        if !is_first_room {
            return Ok(());
        }
        if self.config.identity.is_default_name && !is_same_name(&name, &self.config.identity.name) {
            self.ui.notice(&Notice::NameChosen(&name));
        }
        if let Phase::Online(online) = &mut self.phase {
            online.set_takes_lines(self.ui.is_prompt() || !self.is_first_refused);
            if self.ui.is_prompt() {
                online.room_list.request_silently(slot, &mut self.driver.client, now);
            }
        }
        self.join_other_rooms(now);
        Ok(self.ui.start_input()?)
    }

    fn joined_again(&mut self, slot: RoomSlot, name: &str, info: JoinInfo, now: Instant) {
        let Self { rooms, ui, phase: Phase::Online(online), .. } = self else { return };
        if let Some(room) = rooms.at(slot).map(|room| room.name.clone()) {
            let view = rooms.view(&room, &**ui);
            let is_resumed = info.is_resumed || rooms.find(&room).is_some_and(|room| room.last_shown.is_some());
            let info = JoinInfo { is_resumed, ..info };
            view.notice(&Notice::Joined(joined_as(name, info.start, info, view, Occasion::Reconnected)));
        }
        online.rejoined(name, info, slot, rooms, &**ui, now);
    }

    /// Handles the first Joined of a room.
    fn joined_room(&mut self, slot: RoomSlot, name: &str, info: JoinInfo, is_first: bool, now: Instant) {
        let fingerprint = self.server_key();
        let Self { config, rooms, ui, driver, phase: Phase::Online(online), .. } = self else { return };
        let Some(room) = rooms.at(slot) else { return };
        room.open_cursor(&config.dir, &fingerprint, &config.identity, &**ui);
        let room_name = room.name.clone();
        let is_awaited = online.take_switch(&room_name);
        // The room that was requested first may be refused.
        if is_awaited || is_first {
            rooms.set_shown(&room_name);
        }
        let view = rooms.view(&room_name, &**ui);
        let Some(room) = rooms.find(&room_name) else { return };
        let (shown, replay_from) = (room.last_shown, room.replay_from);
        let seen = shown.filter(|_| replay_from == ReplayFrom::New);
        let after = replay_from.first_displayed(info.start, info.head);
        let occasion = occasion(config.is_host && is_first, after, info.head, seen.map(|seen| seen.seq));
        let is_resumed = info.is_resumed || shown.is_some();
        let joined = joined_as(name, after.unwrap_or(0), JoinInfo { is_resumed, ..info }, view, occasion);
        view.notice(&Notice::Joined(joined));
        let seen_to =
            seen.map(|cursor| cursor.seq).filter(|seen| ui.is_prompt() && info.start < *seen && *seen < info.head);
        let followed_to = shown.map_or(0, |cursor| cursor.seq);
        let start = DisplayStart { term: info.term, head: info.head, seen_to, followed_to };
        let display = Display::new(start, room.file.clone());
        online.person.set_name(name, &**ui);
        let mut member = Membership::new(display, replay_from.catch_up(shown, info.head), info.head);
        OnlineState::request_names(&mut member, slot, info.members, &mut driver.client, &**ui, now);
        if let Some(room) = rooms.find_mut(&room_name) {
            room.membership = Some(member);
        }
        rooms.publish(&**ui);
        if is_awaited {
            online.set_takes_lines(true);
            ui.resume_input();
        }
        let name = name.to_owned();
        self.store_room(&room_name, &name);
    }

    /// Joins the rooms that are not joined yet.
    fn join_other_rooms(&mut self, now: Instant) {
        let missing = self.missing_rooms();
        if !self.config.is_host {
            return missing.iter().for_each(|name| self.join_room(name, now));
        }
        // Whoever hosts them creates them, too.
        let Self { rooms, ui, driver, .. } = self;
        let Some((member, _)) = rooms.member_at(RoomSlot::FIRST, &**ui) else { return };
        for name in missing {
            if member.requests.add_room(&name, RoomSlot::FIRST, &mut driver.client, now).is_err() {
                ui.notice(&Notice::NotConnected);
            }
        }
    }

    /// Joins the rooms of this process that were created, in their order.
    pub(super) fn join_added_rooms(&mut self, now: Instant) {
        let Phase::Online(online) = &mut self.phase else { return };
        let added = std::mem::take(&mut online.added_rooms);
        let added: Vec<_> = self.missing_rooms().into_iter().take(added).collect();
        added.iter().for_each(|name| self.join_room(name, now));
    }

    fn missing_rooms(&self) -> Vec<RoomName> {
        self.rooms.iter().filter(|room| room.slot.is_none()).map(|room| room.name.clone()).collect()
    }

    /// Loads what is displayed of this server.
    fn preferences(&self) -> Preferences {
        let SessionConfig { dir, identity, hide_joins, .. } = &self.config;
        let mut preferences = Preferences::new(dir, &self.server_key(), &identity.key.fingerprint());
        let mut kept = preferences.load();
        if *hide_joins {
            kept = kept.and(preferences.hide_joins(true).kept);
        }
        if let Err(error) = kept {
            self.ui.notice(&Notice::PreferencesNotKept(&error));
        }
        preferences
    }

    /// Stores all rooms as known ones, after the name has changed.
    pub(super) fn store_rooms(&mut self, name: &str) {
        name.clone_into(&mut self.stored_name);
        self.not_stored = None;
        let joined: Vec<_> =
            self.rooms.iter().filter(|room| room.membership.is_some()).map(|room| room.name.clone()).collect();
        for room in joined {
            self.store_room(&room, name);
        }
    }

    /// Stores a room as a known one.
    fn store_room(&mut self, room: &RoomName, name: &str) {
        name.clone_into(&mut self.stored_name);
        let Some(room) = self.rooms.find(room).filter(|_| !self.config.is_host) else { return };
        let secret = match room.credential() {
            RoomCredential::Secret(secret) => Some(secret),
            _ => None,
        };
        let fingerprint = &self.server_key();
        let name = self.config.identity.usual_name(name);
        let place = self.located.place_of(self.driver.client.server());
        let places = place.map(|place| self.config.server.with_first(place.clone()));
        let places = places.as_ref().unwrap_or(&self.config.server);
        let is_first = self.rooms.first().is_some_and(|first| first.name == room.name);
        let joined = JoinedRoom { places, fingerprint, room: &room.name, name: name.as_deref(), secret, is_first };
        if let Err(error) = KnownServers::remember(&self.config.dir, &joined) {
            let loss = Loss::ServerNotStored(error.to_string());
            self.ui.notice(&Notice::Loss(&loss));
            self.not_stored = Some(loss);
        }
    }
}

fn occasion(is_host: bool, after: Option<u64>, head: u64, seen: Option<u64>) -> Occasion {
    if is_host {
        return Occasion::Hosting;
    }
    // How many have the time that was requested is not known yet.
    let lines = after.map_or(0, |after| head.saturating_sub(after));
    let new = seen.map(|seen| head.saturating_sub(seen.max(after.unwrap_or(0))));
    Occasion::Start { lines, new }
}

fn joined_as<'a>(name: &'a str, start: u64, info: JoinInfo, view: RoomView<'a>, occasion: Occasion) -> Joined<'a> {
    let JoinInfo { head, members, term, is_resumed, .. } = info;
    let (room, is_shown) = (view.label.name.as_str(), view.label.is_shown);
    Joined { room, name, members, start, head, term, is_shown, is_resumed, occasion }
}

fn is_same_name(name: &str, other: &str) -> bool {
    Name::existing(name).is_ok_and(|name| Name::existing(other).is_ok_and(|other| other.folded() == name.folded()))
}

/// Displays events of a room that come before it is joined. After a reset, the position in the old
/// history means nothing.
pub(super) fn on_event_before_join(event: &Event<'_>, slot: RoomSlot, rooms: &mut Rooms, ui: &dyn FrontEnd) {
    let Some(room) = rooms.at(slot) else { return };
    let notice = match *event {
        Event::Reset { .. } => {
            (room.last_shown, room.replay_from) = (None, ReplayFrom::New);
            Notice::HistoryReset
        }
        Event::Gap { after, first, .. } => {
            // Lines that were only requested for context may be missing.
            let after = room.last_shown.map_or(after, |shown| shown.seq.max(after));
            if first <= after + 1 {
                return;
            }
            Notice::Gap { after, first }
        }
        _ => return,
    };
    let name = room.name.clone();
    ui.end_line();
    rooms.view(&name, ui).notice(&notice);
}
