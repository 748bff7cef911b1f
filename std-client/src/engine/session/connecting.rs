//! The session on its way to the room: names, addresses, the key, the password.

use std::net::SocketAddr;
use std::sync::Arc;
use std::{io, mem};

use kabar_core::chat::RefusedCode;
use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_std::address::HostPort;
use kabar_std::password::normalize;
use zeroize::Zeroizing;

use super::attempt::Attempt;
use super::room::Room;
use super::state::{Phase, Session};
use crate::connect::{CONNECT_TIMEOUT, ConnectError, JOIN_TIMEOUT, REFUSALS};
use crate::engine::command::{KeyPolicy, RoomCredential};
use crate::engine::event::{AcceptedKey, Event, SessionError};
use crate::engine::queue::Resolved;
use crate::known_servers::KnownServers;
use crate::resolve::{ResolveError, resolve};

/// How often a password may be typed.
const PASSWORD_TRIES: u32 = 3;

impl Session {
    /// Resolves the names of the server.
    pub(in crate::engine) fn begin(&mut self) -> Result<(), SessionError> {
        self.located.awaited = self.resolve()?;
        Ok(())
    }

    /// Takes the addresses of a place.
    pub(in crate::engine) fn resolved(
        &mut self,
        place: HostPort,
        found: Result<Vec<SocketAddr>, ResolveError>,
    ) -> Result<(), SessionError> {
        let now = self.driver.now();
        self.located.take(place, found, &self.config.places);
        let addresses = self.located.addresses();
        match (&self.phase, addresses.first()) {
            (Phase::Resolving(_), Some(&first)) => {
                self.phase = Phase::Connecting(Attempt::new(now));
                return self.start_client(first);
            }
            (Phase::Resolving(_), None) if self.located.awaited == 0 => {
                if let Some((place, error)) = self.located.missing.take() {
                    // They are resolved again when the time is over.
                    return self.not_reached(ConnectError::Resolve { place, error });
                }
            }
            // While connecting or reconnecting: follows a server that moved.
            _ if !addresses.is_empty() => self.driver.set_addresses(&addresses),
            _ => {}
        }
        Ok(())
    }

    /// The time to resolve names is over, or the one after which they are resolved again.
    pub(super) fn resolving_is_late(&mut self, now: Instant) -> Result<(), SessionError> {
        self.phase = Phase::Resolving(now + CONNECT_TIMEOUT);
        if self.located.awaited == 0 {
            return self.begin();
        }
        self.not_reached(ConnectError::ResolveTimeout(self.config.places.clone()))
    }

    /// The server was not reached: the end, unless it is tried again.
    fn not_reached(&mut self, error: ConnectError) -> Result<(), SessionError> {
        let (reason, error) = (mem::discriminant(&error), SessionError::from(error));
        if !self.config.retries {
            return Err(error);
        }
        if self.not_reached.replace(reason) != Some(reason) {
            self.sink.send(Event::NotReached { server: self.id, error: Arc::new(error) });
        }
        Ok(())
    }

    /// Resolves the names of the server again.
    pub(super) fn resolve_again(&mut self) {
        // If no thread can be spawned, the addresses stay as they are.
        self.located.awaited = self.resolve().unwrap_or_default();
    }

    /// Resolves every place; one [`Session::resolved`] per place follows.
    fn resolve(&self) -> io::Result<usize> {
        let (server, sender, waker) = (self.id, self.environment.resolved.clone(), self.environment.waker.clone());
        resolve(&self.config.places, move |place, found| {
            let _ = sender.send(Resolved { server, place, found });
            let _ = waker.wake();
        })
    }

    pub(super) fn check_attempt(&mut self, now: Instant) -> Result<(), SessionError> {
        let Phase::Connecting(attempt) = &mut self.phase else { return Ok(()) };
        let state = self.driver.client.state(RoomSlot::FIRST);
        if matches!(state, State::Connecting { answered: true } | State::Joining) {
            attempt.answered_until.get_or_insert(now + JOIN_TIMEOUT);
        }
        if let Some(until) = attempt.answered_until {
            if now >= until {
                self.phase = Phase::Connecting(Attempt::new(now));
                return self.not_reached(ConnectError::NotAdmitted(self.config.places.clone()));
            }
            if state == State::Joining {
                self.report_key();
            }
            return Ok(());
        }
        let is_unreachable = self.located.awaited == 0 && self.driver.is_unreachable(REFUSALS);
        // Later attempts, which the client makes by itself, have all of their time.
        if now < attempt.end && (!is_unreachable || self.not_reached.is_some()) {
            return Ok(());
        }
        if self.driver.has_other_key() {
            return Err(self.describe_end(EndReason::KeyMismatch));
        }
        let server = self.config.places.clone();
        let error = match self.driver.take_link_error() {
            _ if !is_unreachable => ConnectError::NoResponse(server),
            Some(error) => ConnectError::Unreachable { server, error },
            None => ConnectError::Refused(server),
        };
        self.phase = Phase::Connecting(Attempt::new(now));
        self.not_reached(error)?;
        // The server may have moved.
        if self.located.awaited == 0 {
            self.resolve_again();
        }
        Ok(())
    }

    pub(super) fn key_offered(&mut self, found: Fingerprint, now: Instant) -> Result<(), SessionError> {
        let Some(room) = self.rooms.first_mut() else { return Ok(()) };
        if let Some(known) = KnownServers::load(&self.environment.dir)?.find_key(&found, &room.name) {
            let address = self.driver.client.server();
            // A server is identified by its key, so another address is no alarm.
            self.sink.send(Event::KnownServerMoved { server: self.id });
            self.config.key_policy = KeyPolicy::Expected(known.fingerprint);
            if let (RoomCredential::None, Some(secret)) = (room.credential(), known.secret) {
                room.set_credential(RoomCredential::Secret(secret));
            }
            if let Some(name) = known.name {
                self.config.identity.apply_usual_name(&self.environment.dir, &name)?;
                self.history = self.environment.histories.of(&self.config.identity.key.fingerprint());
            }
            return self.start_client(address);
        }
        if self.config.key_policy == KeyPolicy::AcceptNew {
            self.accepted = Some(found);
            self.driver.client.accept_key(now);
            return Ok(());
        }
        if !self.config.can_ask {
            self.driver.client.reject_key(now);
            return Err(SessionError::UnknownKey { server: self.config.places.clone(), found });
        }
        if let Phase::Connecting(attempt) = &self.phase {
            self.phase = Phase::AskingKey(attempt.clone(), found);
            self.sink.send(Event::KeyQuestion { server: self.id, found });
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
        if mem::replace(&mut self.is_key_reported, true) || self.config.is_host {
            return;
        }
        let accepted = match (self.config.key_policy, self.accepted) {
            (KeyPolicy::Invited(_), _) => AcceptedKey::Invited,
            (KeyPolicy::Expected(_), _) => AcceptedKey::Expected,
            (KeyPolicy::AcceptNew, Some(found)) => AcceptedKey::New(found),
            _ => return,
        };
        self.sink.send(Event::KeyAccepted { server: self.id, key: accepted });
    }

    /// Whether a password may help and can be typed.
    pub(super) fn should_ask_password(&self, reason: EndReason) -> bool {
        let may_help = match self.rooms.first().map(Room::credential) {
            Some(RoomCredential::None) => true,
            Some(RoomCredential::Password(_)) => (1..PASSWORD_TRIES).contains(&self.password_tries),
            Some(RoomCredential::Secret(_)) | None => false,
        };
        let is_refused = reason == EndReason::Refused(RefusedCode::AUTHENTICATION);
        is_refused && may_help && self.config.can_ask && matches!(self.phase, Phase::Connecting(_))
    }

    pub(super) fn ask_password(&mut self) {
        let Phase::Connecting(_) = &self.phase else { return };
        self.phase = Phase::AskingPassword;
        self.driver.transmit();
        // The next attempt takes no other key than the one that was accepted.
        self.accepted = self.driver.client.fingerprint().or(self.accepted);
        let Some(room) = self.rooms.first().map(|room| room.name.clone()) else { return };
        self.sink.send(Event::PasswordQuestion { server: self.id, room, was_wrong: self.password_tries > 0 });
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
        if let Some(room) = self.rooms.first_mut() {
            room.set_credential(RoomCredential::Password(normalize(&password)));
        }
        self.password_tries += 1;
        self.phase = Phase::Connecting(Attempt::new(now));
        self.start_client(self.driver.client.server())
    }
}
