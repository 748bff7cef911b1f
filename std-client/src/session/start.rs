//! The session at the beginning of a connection: starts the client, and reports that the room was
//! joined.

use std::net::SocketAddr;

use kabar_core::chat::Start;
use kabar_core::client::{Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::text::clean_line;

use super::config::{KeyPolicy, RoomCredential, SessionConfig};
use super::end::{Loss, SessionError};
use super::front_end::FrontEnd;
use super::notice::{Joined, Notice, Occasion};
use super::online::{JoinInfo, OnlineState, report_gap};
use super::replay::{HISTORY, ReplayFrom};
use super::replies::Replies;
use super::state::{Phase, Session};
use crate::cursor::{Cursor, CursorFile};
use crate::known_servers::{JoinedRoom, KnownServers};
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
        let start = match self.last_shown {
            // Another name is no reason to display entries again.
            Some(Cursor { seq, term }) if self.is_renaming => Start::After { seq, term, fallback_count: HISTORY },
            shown => replay_from.start(shown, self.ui.is_prompt()),
        };
        let key = Identity::from_seed(&identity.seed);
        let config = Config {
            server: address,
            fingerprint,
            room: room.as_str(),
            name: &identity.name,
            is_default_name: false,
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
        let SessionConfig { dir, room, identity, .. } = &self.config;
        let file = CursorFile::new(dir, server, room, &identity.folded);
        if !self.is_renaming {
            self.last_shown = file.load().unwrap_or_else(|error| {
                self.ui.notice(&Notice::PositionNotRead(&error));
                None
            });
        }
        self.slot.set(file);
    }

    /// Handles Joined, the first one and later ones.
    pub(super) fn joined(
        &mut self,
        name: &str,
        start: u64,
        mut info: JoinInfo,
        is_resumed: bool,
    ) -> Result<(), SessionError> {
        let name = clean_line(name);
        let now = self.driver.now();
        let members = info.members;
        self.ui.set_name(&name);
        if matches!(self.phase, Phase::Online(_)) {
            self.report_joined(&name, start, info, is_resumed, Occasion::Reconnected);
        }
        if let Phase::Online(online) = &mut self.phase {
            online.rejoined(&*self.ui, info, is_resumed, now);
            return Ok(());
        }
        self.report_key();
        info.skip_to = self.config.replay_from.skip_to();
        let seen = self.last_shown.filter(|_| self.config.replay_from == ReplayFrom::New && !self.is_renaming);
        info.seen_to =
            seen.map(|cursor| cursor.seq).filter(|seen| self.ui.is_prompt() && start < *seen && *seen < info.head);
        let occasion = self.occasion(start, info, seen);
        self.report_joined(&name, start, info, is_resumed, occasion);
        self.store_server(&name);
        if self.last_shown.is_none()
            && let Some(fingerprint) = self.driver.client.fingerprint()
        {
            self.find_cursor(&fingerprint);
        }
        let is_first = !std::mem::take(&mut self.is_renaming);
        self.former = None;
        let give_up = Duration::from_micros(u64::try_from(self.config.give_up.as_micros()).unwrap_or(u64::MAX));
        let mut online = OnlineState::new(info, give_up, self.config.lines_taken);
        let now = self.driver.now();
        online.request_names(members, &mut self.driver.client, &*self.ui, now);
        self.phase = Phase::Online(Box::new(online));
        if is_first { Ok(self.ui.start_input()?) } else { Ok(()) }
    }

    fn occasion(&self, start: u64, info: JoinInfo, seen: Option<Cursor>) -> Occasion {
        let JoinInfo { head, skip_to, .. } = info;
        if self.is_renaming {
            Occasion::Renamed
        } else if self.config.is_host {
            Occasion::Hosting
        } else {
            let lines = head.saturating_sub(start.max(skip_to));
            let new = seen.map(|seen| head.saturating_sub(seen.seq.max(start)));
            Occasion::Start { lines, new }
        }
    }

    fn report_joined(&self, name: &str, start: u64, info: JoinInfo, is_resumed: bool, occasion: Occasion) {
        let JoinInfo { head, members, term, .. } = info;
        let is_resumed = is_resumed || self.last_shown.is_some();
        let room = self.config.room.as_str();
        self.ui.notice(&Notice::Joined(Joined { room, name, members, start, head, term, is_resumed, occasion }));
    }

    fn store_server(&mut self, name: &str) {
        if self.config.is_host {
            return;
        }
        let Some(fingerprint) = self.driver.client.fingerprint().or(self.accepted) else { return };
        let secret = match &self.config.credential {
            RoomCredential::Secret(secret) => Some(secret),
            _ => None,
        };
        // A name that was only chosen because another was in use is not the usual one.
        let name = if self.config.identity.is_temporary { None } else { Some(name) };
        let room = &self.config.room;
        let place = self.located.place_of(self.driver.client.server());
        let places = place.map(|place| self.config.server.with_first(place.clone()));
        let places = places.as_ref().unwrap_or(&self.config.server);
        let joined = JoinedRoom { places, fingerprint: &fingerprint, room, name, secret };
        self.not_stored = KnownServers::remember(&self.config.dir, &joined).err().map(|error| {
            let loss = Loss::ServerNotStored(error.to_string());
            self.ui.notice(&Notice::Loss(&loss));
            loss
        });
    }
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
        // A notice: nothing was requested.
        Event::Info { info, .. } => Replies::default().on_info(info, ui),
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
