//! Where a session begins in the room's log: after the entries displayed before, unless others are
//! requested; and the first notices in the room.
//!
//! | requested | first session | later |
//! |---|---|---|
//! | nothing | the last 50 | all after the last displayed; at a prompt also 10 before it |
//! | `--last N` | the last N | the last N |
//! | `--since SEQ` | all after SEQ | all after SEQ |

use std::net::SocketAddr;

use kabar_core::chat::Start;
use kabar_core::client::{Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::text::clean_line;

use super::online::{JoinInfo, OnlineState, report_gap};
use super::replies::Replies;
use super::{KeyPolicy, Loss, Phase, RoomCredential, Session, SessionConfig, SessionError};
use crate::cursor::{Cursor, CursorFile};
use crate::known_servers::{JoinedRoom, KnownServers};
use crate::messages::notices::{self, Joined};
use crate::profile;
use crate::ui::Ui;
use crate::ui::json::{self, Object};

/// Entries requested at the first join.
const HISTORY: u32 = 50;
/// Entries that are displayed again at a prompt, as context of new ones.
const CONTEXT: u64 = 10;
/// As many entries as there are.
const ALL: u32 = u32::MAX;

/// The entries that a session begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayFrom {
    /// Those that were not displayed yet.
    #[default]
    New,
    /// The last N.
    Last(u32),
    /// Those after this one; 0: all.
    Since(u64),
}

impl ReplayFrom {
    /// Returns the start to request, if all entries up to `shown` were displayed before.
    fn start(self, shown: Option<Cursor>, is_prompt: bool) -> Start {
        let context = if is_prompt { CONTEXT } else { 0 };
        match (self, shown) {
            (Self::Last(count), _) => Start::Last(count),
            (Self::Since(1..), Some(Cursor { seq, term })) if self.skip_to() <= seq => {
                Start::After { seq: self.skip_to(), term, fallback_count: ALL }
            }
            (Self::Since(1..), Some(Cursor { seq, term })) => Start::After { seq, term, fallback_count: ALL },
            // The term of an entry is not known without a cursor: the rest is skipped on display.
            (Self::Since(_), _) => Start::Last(ALL),
            (Self::New, Some(Cursor { seq, term })) => {
                Start::After { seq: seq.saturating_sub(context), term, fallback_count: HISTORY }
            }
            (Self::New, None) => Start::Last(HISTORY),
        }
    }

    /// Entries up to here are not displayed.
    fn skip_to(self) -> u64 {
        if let Self::Since(seq) = self { seq } else { 0 }
    }
}

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
                self.ui.notice(&notices::position_not_read(&error));
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
        let JoinInfo { head, members, .. } = info;
        let term = json::term(info.term);
        let object = Object::Joined {
            room: self.config.room.as_str(),
            name: &name,
            members,
            start,
            head,
            term,
            resumed: is_resumed || self.last_shown.is_some(),
        };
        self.ui.object(&object);
        self.ui.set_name(&name);
        if let Phase::Online(online) = &mut self.phase {
            online.rejoined(&self.ui, info, is_resumed, now);
            return Ok(());
        }
        self.report_key();
        info.skip_to = self.config.replay_from.skip_to();
        let seen = self.last_shown.filter(|_| self.config.replay_from == ReplayFrom::New && !self.is_renaming);
        info.seen_to =
            seen.map(|cursor| cursor.seq).filter(|seen| self.ui.is_prompt() && start < *seen && *seen < head);
        if !self.ui.is_json() {
            self.report_joined(&name, start, info, seen);
        }
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
        online.request_names(members, &mut self.driver.client, &self.ui, now);
        self.phase = Phase::Online(Box::new(online));
        if is_first { Ok(self.ui.start_input()?) } else { Ok(()) }
    }

    fn report_joined(&self, name: &str, start: u64, info: JoinInfo, seen: Option<Cursor>) {
        let JoinInfo { head, members, skip_to, .. } = info;
        let words = if self.is_renaming {
            notices::renamed(name)
        } else if self.config.is_host {
            notices::hosting(name)
        } else {
            let lines = head.saturating_sub(start.max(skip_to));
            let new = seen.map(|seen| head.saturating_sub(seen.seq.max(start)));
            notices::joined(&Joined { room: self.config.room.as_str(), name, members, lines, new })
        };
        self.ui.notice(&words);
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
            self.ui.notice(&format!("({})", notices::loss(&loss)));
            loss
        });
    }
}

/// Displays events that come before the room is joined. After a reset, the position in the old
/// history means nothing.
pub(super) fn on_event_before_join(event: &Event<'_>, ui: &Ui, last_shown: &mut Option<Cursor>) {
    match *event {
        Event::Reset => {
            *last_shown = None;
            ui.end_line();
            ui.report(&Object::Reset, notices::HISTORY_RESET);
        }
        Event::Gap { after, first } => {
            // Lines that were only requested for context may be missing.
            let after = last_shown.map_or(after, |shown| shown.seq.max(after));
            if first > after + 1 {
                ui.end_line();
                report_gap(after, first, ui);
            }
        }
        // A notice: nothing was requested.
        Event::Info(info) => Replies::default().on_info(info, ui),
        // These come in a room only.
        Event::Entry { .. }
        | Event::EntryTooLarge { .. }
        | Event::Stored { .. }
        | Event::PostRefused { .. }
        | Event::OutboxWritable
        | Event::Reconnected => {}
        // The session handles these.
        Event::UnknownServerKey(_)
        | Event::Joined { .. }
        | Event::Refused { .. }
        | Event::Disconnected(_)
        | Event::Ended(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::Term;

    use super::*;

    const TERM: Term = Term([3; 8]);
    const SHOWN: Option<Cursor> = Some(Cursor { seq: 100, term: TERM });

    fn after(seq: u64, fallback_count: u32) -> Start {
        Start::After { seq, term: TERM, fallback_count }
    }

    #[test]
    fn continues_after_the_last_line_displayed() {
        assert_eq!(ReplayFrom::New.start(None, false), Start::Last(HISTORY));
        assert_eq!(ReplayFrom::New.start(SHOWN, false), after(100, HISTORY));
        assert_eq!(ReplayFrom::New.start(SHOWN, true), after(90, HISTORY), "with some context");
        let early = Some(Cursor { seq: 3, term: TERM });
        assert_eq!(ReplayFrom::New.start(early, true), after(0, HISTORY));
    }

    #[test]
    fn requested_entries_come_whatever_was_displayed() {
        for shown in [None, SHOWN] {
            assert_eq!(ReplayFrom::Last(7).start(shown, true), Start::Last(7));
            assert_eq!(ReplayFrom::Since(0).start(shown, true), Start::Last(ALL));
        }
        assert_eq!(ReplayFrom::Since(40).start(SHOWN, true), after(40, ALL));
        assert_eq!(ReplayFrom::Since(140).start(SHOWN, true), after(100, ALL), "the rest is skipped on display");
        assert_eq!(ReplayFrom::Since(40).start(None, true), Start::Last(ALL));
        assert_eq!(ReplayFrom::Since(40).skip_to(), 40);
        assert_eq!(ReplayFrom::Last(40).skip_to(), 0);
    }
}
