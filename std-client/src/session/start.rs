//! The session at the beginning of a connection: starts the client, and reports that the room was
//! joined.

use std::net::SocketAddr;

use kabar_core::chat::Info;
use kabar_core::client::{Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::names::Name;
use kabar_std::text::clean_line;

use super::config::{KeyPolicy, RoomCredential, SessionConfig};
use super::display::{Display, DisplayStart};
use super::end::{Loss, SessionError};
use super::front_end::FrontEnd;
use super::notice::{Joined, Notice, Occasion};
use super::online::{JoinInfo, OnlineState, report_gap};
use super::replay::ReplayFrom;
use super::state::{Phase, Session};
use crate::cursor::{Cursor, CursorFile, Opened};
use crate::known_servers::{JoinedRoom, KnownServers};
use crate::preferences::Preferences;
use crate::profile;

impl Session {
    /// Starts the client with `address`, and with the other addresses in case it does not answer.
    pub(super) fn start_client(&mut self, address: SocketAddr) -> Result<(), SessionError> {
        let fingerprint = self.expected_key();
        if let Some(fingerprint) = fingerprint {
            self.find_cursor(&fingerprint);
        }
        let SessionConfig { room, identity, credential, replay_from, .. } = &self.config;
        let credential = match credential {
            RoomCredential::Secret(secret) => Credential::Secret(*secret.expose()),
            RoomCredential::Password(password) => Credential::Password(password.as_bytes()),
            RoomCredential::None => Credential::None,
        };
        let start = replay_from.start(self.last_shown, self.ui.is_prompt());
        let key = Identity::from_seed(identity.key.seed());
        let config = Config {
            server: address,
            fingerprint,
            room: room.as_str(),
            name: &identity.name,
            is_default_name: identity.is_default_name,
            identity: &key,
            credential,
            start,
            max_entry_len: profile::LARGEST_ENTRY,
            idle_s: profile::IDLE_S,
            ack_delay_ms: profile::ACK_DELAY_MS,
            tick_us: profile::TICK_US,
        };
        self.driver.start(&config)?;
        self.driver.set_addresses(&self.located.addresses());
        Ok(())
    }

    fn expected_key(&self) -> Option<Fingerprint> {
        match self.config.key_policy {
            KeyPolicy::Invited(fingerprint) | KeyPolicy::Expected(fingerprint) => Some(fingerprint),
            KeyPolicy::AcceptNew | KeyPolicy::Ask => self.accepted,
        }
    }

    /// Loads the position in this room, and saves it there from now on.
    fn find_cursor(&mut self, server: &Fingerprint) {
        if self.slot.is_set() {
            return;
        }
        let SessionConfig { dir, room, identity, .. } = &self.config;
        let Opened { file, start } =
            CursorFile::open(dir, server, room, &identity.key.fingerprint(), &identity.former_names);
        self.last_shown = start.unwrap_or_else(|error| {
            self.ui.notice(&Notice::PositionNotRead(&error));
            None
        });
        self.slot.set(file);
    }

    /// Handles Joined, the first one and later ones.
    pub(super) fn joined(
        &mut self,
        name: &str,
        start: u64,
        info: JoinInfo,
        is_resumed: bool,
    ) -> Result<(), SessionError> {
        let name = clean_line(name);
        let now = self.driver.now();
        let is_continued = is_resumed || self.last_shown.is_some();
        if let Phase::Online(online) = &mut self.phase {
            let joined = joined_room(&self.config, &name, start, info, is_continued, Occasion::Reconnected);
            self.ui.notice(&Notice::Joined(joined));
            online.rejoined(&name, info, is_resumed, &*self.ui, now);
            return Ok(());
        }
        self.report_key();
        let shown = self.last_shown;
        let skip_to = self.config.replay_from.skip_to();
        let seen = shown.filter(|_| self.config.replay_from == ReplayFrom::New);
        let occasion = self.occasion(start.max(skip_to), info.head, seen);
        let joined = joined_room(&self.config, &name, start, info, is_continued, occasion);
        self.ui.notice(&Notice::Joined(joined));
        if self.config.identity.is_default_name && !is_same_name(&name, &self.config.identity.name) {
            self.ui.notice(&Notice::NameChosen(&name));
        }
        self.store_server(&name);
        let fingerprint = self.driver.client.fingerprint().or(self.accepted).unwrap_or(Fingerprint([0; 20]));
        self.find_cursor(&fingerprint);
        let seen_to =
            seen.map(|cursor| cursor.seq).filter(|seen| self.ui.is_prompt() && start < *seen && *seen < info.head);
        let followed_to = shown.map_or(0, |cursor| cursor.seq);
        let since_ms = self.config.replay_from.since_ms();
        let display_start = DisplayStart { term: info.term, skip_to, since_ms, seen_to, followed_to };
        let mut display = Display::new(display_start, self.preferences(&fingerprint));
        display.set_name(&name, info.head, &*self.ui);
        let give_up = Duration::from_micros(u64::try_from(self.config.give_up.as_micros()).unwrap_or(u64::MAX));
        let mut online = OnlineState::new(display, info.head, give_up, self.config.lines_taken);
        online.request_names(info.members, &mut self.driver.client, &*self.ui, now);
        self.phase = Phase::Online(Box::new(online));
        Ok(self.ui.start_input()?)
    }

    fn occasion(&self, after: u64, head: u64, seen: Option<Cursor>) -> Occasion {
        if self.config.is_host {
            return Occasion::Hosting;
        }
        let new = seen.map(|seen| head.saturating_sub(seen.seq.max(after)));
        // How many have the time is not known yet.
        let is_known = self.config.replay_from.since_ms().is_none();
        Occasion::Start { lines: if is_known { head.saturating_sub(after) } else { 0 }, new }
    }

    /// Loads what is displayed of this server.
    fn preferences(&self, server: &Fingerprint) -> Preferences {
        let SessionConfig { dir, identity, hide_joins, .. } = &self.config;
        let mut preferences = Preferences::new(dir, server, &identity.key.fingerprint());
        let mut kept = preferences.load();
        if *hide_joins {
            kept = kept.and(preferences.hide_joins(true).kept);
        }
        if let Err(error) = kept {
            self.ui.notice(&Notice::PreferencesNotKept(&error));
        }
        preferences
    }

    /// Stores the room as a known one.
    pub(super) fn store_server(&mut self, name: &str) {
        name.clone_into(&mut self.stored_name);
        if self.config.is_host {
            return;
        }
        let Some(fingerprint) = self.driver.client.fingerprint().or(self.accepted) else { return };
        let secret = match &self.config.credential {
            RoomCredential::Secret(secret) => Some(secret),
            _ => None,
        };
        let name = self.config.identity.usual_name(name);
        let room = &self.config.room;
        let place = self.located.place_of(self.driver.client.server());
        let places = place.map(|place| self.config.server.with_first(place.clone()));
        let places = places.as_ref().unwrap_or(&self.config.server);
        let joined = JoinedRoom { places, fingerprint: &fingerprint, room, name: name.as_deref(), secret };
        self.not_stored = KnownServers::remember(&self.config.dir, &joined).err().map(|error| {
            let loss = Loss::ServerNotStored(error.to_string());
            self.ui.notice(&Notice::Loss(&loss));
            loss
        });
    }
}

fn joined_room<'a>(
    config: &'a SessionConfig,
    name: &'a str,
    start: u64,
    info: JoinInfo,
    is_resumed: bool,
    occasion: Occasion,
) -> Joined<'a> {
    let JoinInfo { head, members, term } = info;
    Joined { room: config.room.as_str(), name, members, start, head, term, is_resumed, occasion }
}

fn is_same_name(name: &str, other: &str) -> bool {
    Name::existing(name).is_ok_and(|name| Name::existing(other).is_ok_and(|other| other.folded() == name.folded()))
}

/// Displays events that come before the room is joined. After a reset, the position in the old
/// history means nothing.
pub(super) fn on_event_before_join(event: &Event<'_>, ui: &dyn FrontEnd, last_shown: &mut Option<Cursor>) {
    match *event {
        Event::Reset { .. } => {
            *last_shown = None;
            ui.end_line();
            ui.notice(&Notice::HistoryReset);
        }
        Event::Gap { after, first, .. } => {
            // Lines that were only requested for context may be missing.
            let after = last_shown.map_or(after, |shown| shown.seq.max(after));
            if first > after + 1 {
                ui.end_line();
                report_gap(after, first, ui);
            }
        }
        Event::Info { info: Info::Notice { text, .. }, .. } => ui.notice(&Notice::Server(text)),
        // Nothing was requested.
        Event::Info { .. } => {}
        // These come in a room only.
        Event::Entry { .. }
        | Event::EntryTooLarge { .. }
        | Event::Stored { .. }
        | Event::PostRefused { .. }
        | Event::OutboxWritable { .. }
        | Event::Reconnected => {}
        // The session handles these.
        Event::UnknownServerKey(_)
        | Event::Joined { .. }
        | Event::Refused { .. }
        | Event::RoomEnded { .. }
        | Event::Disconnected(_)
        | Event::Ended(_) => {}
    }
}
