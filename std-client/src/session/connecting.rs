//! The session on its way to the room: names, addresses, the key, the password.

use std::io;
use std::net::SocketAddr;

use kabar_core::chat::RefusedCode;
use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_std::address::HostPort;
use kabar_std::password::normalize;
use zeroize::Zeroizing;

use super::attempt::Attempt;
use super::config::{KeyPolicy, RoomCredential};
use super::end::SessionError;
use super::notice::{AcceptedKey, Notice};
use super::room::Room;
use super::state::{Phase, Session};
use crate::app_event::AppEvent;
use crate::connect::{ConnectError, JOIN_TIMEOUT, REFUSALS};
use crate::known_servers::KnownServers;
use crate::resolve::{ResolveError, resolve};

/// How often a password may be typed.
const PASSWORD_TRIES: u32 = 3;

impl Session {
    pub(super) fn begin(&mut self) -> Result<(), SessionError> {
        if !self.config.is_host {
            self.ui.notice(&Notice::Connecting(&self.config.server));
        }
        self.located.awaited = self.resolve()?;
        Ok(())
    }

    pub(super) fn resolved(
        &mut self,
        place: HostPort,
        found: Result<Vec<SocketAddr>, ResolveError>,
        now: Instant,
    ) -> Result<(), SessionError> {
        self.located.take(place, found, &self.config.server);
        let addresses = self.located.addresses();
        match (&self.phase, addresses.first()) {
            (Phase::Resolving(_), Some(&first)) => {
                self.phase = Phase::Connecting(Attempt::new(now));
                return self.start_client(first);
            }
            (Phase::Resolving(_), None) if self.located.awaited == 0 => {
                if let Some((place, error)) = self.located.missing.take() {
                    return Err(ConnectError::Resolve { place, error }.into());
                }
            }
            // While connecting or reconnecting: follows a server that moved.
            _ if !addresses.is_empty() => self.driver.set_addresses(&addresses),
            _ => {}
        }
        Ok(())
    }

    /// Resolves the names of the server again.
    pub(super) fn resolve_again(&mut self) {
        // If no thread can be spawned, the addresses stay as they are.
        self.located.awaited = self.resolve().unwrap_or_default();
    }

    /// Resolves every place; one [`AppEvent::Resolved`] per place follows.
    fn resolve(&self) -> io::Result<usize> {
        let sender = self.sender.clone();
        resolve(&self.config.server, move |place, found| sender.send(AppEvent::Resolved(place, found)))
    }

    pub(super) fn check_attempt(&mut self, now: Instant) -> Result<(), SessionError> {
        let Phase::Connecting(attempt) = &mut self.phase else { return Ok(()) };
        let state = self.driver.client.state(RoomSlot::FIRST);
        if matches!(state, State::Connecting { answered: true } | State::Joining) {
            attempt.answered_until.get_or_insert(now + JOIN_TIMEOUT);
        }
        if let Some(until) = attempt.answered_until {
            if now >= until {
                return Err(ConnectError::NotAdmitted(self.config.server.clone()).into());
            }
            if state == State::Joining {
                self.report_key();
            }
            return Ok(());
        }
        let is_unreachable = self.located.awaited == 0 && self.driver.is_unreachable(REFUSALS);
        if !is_unreachable && now < attempt.end {
            return Ok(());
        }
        if self.driver.has_other_key() {
            return Err(self.describe_end(EndReason::KeyMismatch));
        }
        let server = self.config.server.clone();
        Err(match self.driver.take_link_error() {
            _ if !is_unreachable => ConnectError::NoResponse(server),
            Some(error) => ConnectError::Unreachable { server, error },
            None => ConnectError::Refused(server),
        }
        .into())
    }

    pub(super) fn key_offered(&mut self, found: Fingerprint, now: Instant) -> Result<(), SessionError> {
        let Some(room) = self.rooms.iter_mut().next() else { return Ok(()) };
        if let Some(known) = KnownServers::load(&self.config.dir)?.find_key(&found, &room.name) {
            let address = self.driver.client.server();
            // A server is identified by its key, so another address is no alarm.
            self.ui.notice(&Notice::KnownServerMoved);
            self.config.key_policy = KeyPolicy::Expected(known.fingerprint);
            if let (RoomCredential::None, Some(secret)) = (room.credential(), known.secret) {
                room.set_credential(RoomCredential::Secret(secret));
            }
            if let Some(name) = known.name {
                self.config.identity.apply_usual_name(&self.config.dir, &name)?;
            }
            return self.start_client(address);
        }
        if self.config.key_policy == KeyPolicy::AcceptNew {
            self.accepted = Some(found);
            self.driver.client.accept_key(now);
            return Ok(());
        }
        if !self.ui.can_ask() {
            self.driver.client.reject_key(now);
            return Err(SessionError::UnknownKey { server: self.config.server.clone(), found });
        }
        if let Phase::Connecting(attempt) = &self.phase {
            self.phase = Phase::AskingKey(attempt.clone(), found);
            self.ui.end_line();
            self.ui.notice(&Notice::UnknownKey(found));
            self.ui.ask_key()?;
        }
        Ok(())
    }

    pub(super) fn key_answered(&mut self, is_yes: bool, now: Instant) {
        let Phase::AskingKey(attempt, found) = &self.phase else { return };
        let (mut attempt, found) = (attempt.clone(), *found);
        // The time that a person takes does not count.
        attempt.answered_until = Some(now + JOIN_TIMEOUT);
        self.phase = Phase::Connecting(attempt);
        if is_yes {
            self.accepted = Some(found);
            self.driver.client.accept_key(now);
        } else {
            self.driver.client.reject_key(now);
        }
    }

    /// Reports once why the server's key is accepted.
    pub(super) fn report_key(&mut self) {
        if std::mem::replace(&mut self.is_key_reported, true) || self.config.is_host {
            return;
        }
        let accepted = match (self.config.key_policy, self.accepted) {
            (KeyPolicy::Invited(_), _) => AcceptedKey::Invited,
            (KeyPolicy::Expected(_), _) => AcceptedKey::Expected,
            (KeyPolicy::AcceptNew, Some(found)) => AcceptedKey::New(found),
            _ => return,
        };
        self.ui.notice(&Notice::KeyAccepted(accepted));
    }

    /// Whether a password may help and can be typed.
    pub(super) fn should_ask_password(&self, reason: EndReason) -> bool {
        let may_help = match self.rooms.first().map(Room::credential) {
            Some(RoomCredential::None) => true,
            Some(RoomCredential::Password(_)) => (1..PASSWORD_TRIES).contains(&self.password_tries),
            Some(RoomCredential::Secret(_)) | None => false,
        };
        let is_refused = reason == EndReason::Refused(RefusedCode::AUTHENTICATION);
        is_refused && may_help && self.ui.can_ask() && matches!(self.phase, Phase::Connecting(_))
    }

    pub(super) fn ask_password(&mut self) -> Result<(), SessionError> {
        let Phase::Connecting(_) = &self.phase else { return Ok(()) };
        self.phase = Phase::AskingPassword;
        self.driver.transmit();
        // The next attempt takes no other key than the one that was accepted.
        self.accepted = self.driver.client.fingerprint().or(self.accepted);
        self.ui.end_line();
        let Some(room) = self.rooms.first() else { return Ok(()) };
        Ok(self.ui.ask_password(&room.name, self.password_tries > 0)?)
    }

    pub(super) fn password_typed(
        &mut self,
        password: Option<Zeroizing<String>>,
        now: Instant,
    ) -> Result<(), SessionError> {
        let Phase::AskingPassword = &self.phase else { return Ok(()) };
        let Some(password) = password.filter(|password| !password.is_empty()) else {
            return Err(SessionError::PasswordRequired);
        };
        if let Some(room) = self.rooms.iter_mut().next() {
            room.set_credential(RoomCredential::Password(normalize(&password)));
        }
        self.password_tries += 1;
        self.phase = Phase::Connecting(Attempt::new(now));
        self.start_client(self.driver.client.server())
    }
}
