//! A classic session on its way into the room: addresses, the key, name and password.

use std::net::SocketAddr;

use kabar_core::chat::RefusedCode;
use kabar_core::classic::{Answer, EncryptError, KEY_REQUEST, Line, Login, MAX_TEXT_LEN, PublicKey};
use kabar_core::client::EndReason;
use kabar_core::time::{Duration, Instant};
use kabar_std::address::HostPort;
use kabar_std::password::normalize;
use zeroize::Zeroizing;

use super::posts::encrypted;
use super::{ClassicSession, Phase};
use crate::connect::{CONNECT_TIMEOUT, ConnectError, REFUSALS};
use crate::engine::event::{ClientEnd, CredentialUsed, Event, SessionError};
use crate::engine::queue::Resolved;
use crate::engine::session::End;
use crate::resolve::{ResolveError, resolve};

/// How often the key is requested: a datagram may be lost.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How often it is requested from a server that refuses: it may be just being started.
const ASK_REFUSING: Duration = Duration::from_millis(200);
/// How often a password may be typed.
const PASSWORD_TRIES: u32 = 3;

impl ClassicSession {
    /// Resolves the names of the server.
    pub(in crate::engine) fn begin(&mut self) -> Result<(), SessionError> {
        let (server, sender, waker) = (self.id, self.environment.resolved.clone(), self.environment.waker.clone());
        self.located.awaited = resolve(&self.request.places, move |place, found| {
            let _ = sender.send(Resolved { server, place, found });
            let _ = waker.wake();
        })?;
        Ok(())
    }

    /// Takes the addresses of a place, and requests the key from each.
    pub(in crate::engine) fn resolved(
        &mut self,
        place: HostPort,
        found: Result<Vec<SocketAddr>, ResolveError>,
    ) -> Result<(), SessionError> {
        self.located.awaited = self.located.awaited.saturating_sub(1);
        match found {
            Ok(addresses) => addresses.into_iter().for_each(|address| self.add_address(address)),
            Err(error) => {
                self.located.missing.get_or_insert((place, error));
            }
        }
        match (self.phase, self.located.addresses.is_empty(), self.located.awaited) {
            (Phase::Resolving(_), false, _) => {
                let now = self.driver.now();
                self.phase = Phase::AskingKey { again: now, until: now + CONNECT_TIMEOUT };
                Ok(())
            }
            (Phase::Resolving(_), true, 0) => Err(match (self.located.error.take(), self.located.missing.take()) {
                (Some(error), _) => ConnectError::Unreachable { server: self.request.places.clone(), error }.into(),
                (None, Some((place, error))) => ConnectError::Resolve { place, error }.into(),
                (None, None) => ConnectError::NoResponse(self.request.places.clone()).into(),
            }),
            _ => Ok(()),
        }
    }

    fn add_address(&mut self, address: SocketAddr) {
        if self.located.addresses.contains(&address) || self.key.is_some() {
            return;
        }
        match self.driver.open(address) {
            Ok(()) => self.located.addresses.push(address),
            Err(error) => self.located.error = Some(error),
        }
    }

    /// Handles what is due before the room is joined.
    pub(super) fn check_connecting(&mut self, now: Instant) -> Result<(), End> {
        let places = || self.request.places.clone();
        match self.phase {
            Phase::Resolving(until) if now >= until => Err(ConnectError::ResolveTimeout(places()).into()),
            Phase::AskingKey { again, until } => {
                let refuses = |address: &SocketAddr, least| self.driver.refusals(*address) >= least;
                let addresses = &self.located.addresses;
                if self.located.awaited == 0 && addresses.iter().all(|address| refuses(address, REFUSALS)) {
                    return Err(ConnectError::Refused(places()).into());
                }
                if now >= until {
                    return Err(ConnectError::NoResponse(places()).into());
                }
                if now >= again {
                    let is_refusing = addresses.iter().any(|address| refuses(address, 1));
                    let pause = if is_refusing { ASK_REFUSING } else { ASK_AGAIN };
                    self.phase = Phase::AskingKey { again: now + pause, until };
                    for address in self.located.addresses.clone() {
                        let _ = self.driver.send(address, KEY_REQUEST.as_bytes());
                    }
                }
                Ok(())
            }
            Phase::LoggingIn(until) if now >= until => Err(ConnectError::NoResponse(places()).into()),
            _ => Ok(()),
        }
    }

    /// Handles a datagram before the room is joined.
    pub(super) fn on_answer(&mut self, from: SocketAddr, text: &str) -> Result<(), End> {
        if self.key.is_some_and(|(remote, _)| remote != from) {
            return Ok(());
        }
        if let Ok(key) = PublicKey::parse(text.as_bytes()) {
            return self.key_received(from, key);
        }
        if !matches!(self.phase, Phase::LoggingIn(_)) {
            return Ok(());
        }
        match Answer::parse(text) {
            Some(Answer::Joined(_) | Answer::Accepted) => self.joined(),
            Some(Answer::IncorrectPassword) if self.may_ask() => self.ask_password(true),
            Some(Answer::IncorrectPassword) => return Err(self.refused(RefusedCode::AUTHENTICATION)),
            Some(Answer::NameTaken) => return Err(self.refused(RefusedCode::NAME_TAKEN)),
            Some(_) => return Err(SessionError::LoginNotUnderstood { text: text.to_owned() }.into()),
            // An answer may be lost, or come later than what follows it.
            None if Line::parse(text).is_some() => {
                self.joined();
                self.on_text(text);
            }
            None => {}
        }
        Ok(())
    }

    /// The server has answered with its key. The last one counts: a server may make another one
    /// for each request.
    fn key_received(&mut self, from: SocketAddr, key: PublicKey) -> Result<(), End> {
        let is_new = self.key != Some((from, key));
        self.key = Some((from, key));
        self.driver.keep_only(from);
        match self.phase {
            Phase::AskingKey { .. } if self.request.password.is_none() => {
                if !self.request.can_ask {
                    return Err(SessionError::ClassicPasswordRequired.into());
                }
                self.ask_password(false);
                Ok(())
            }
            Phase::AskingKey { .. } => self.log_in(),
            Phase::LoggingIn(_) if is_new => self.log_in(),
            _ => Ok(()),
        }
    }

    fn log_in(&mut self) -> Result<(), End> {
        let (Some((remote, key)), Some(password)) = (self.key, &self.request.password) else { return Ok(()) };
        let mut text = Zeroizing::new([0; MAX_TEXT_LEN]);
        let login = Login { name: &self.request.name, password };
        let len = login.encode(&mut text[..]).map_err(|_| SessionError::LoginTooLong)?;
        let datagram = encrypted(text.get(..len).unwrap_or_default(), &key).map_err(|why| match why {
            EncryptError::CodePoint(character) => SessionError::NotInKey(character),
            _ => SessionError::LoginTooLong,
        })?;
        let _ = self.driver.send(remote, &datagram);
        self.phase = Phase::LoggingIn(self.driver.now() + CONNECT_TIMEOUT);
        Ok(())
    }

    fn may_ask(&self) -> bool {
        self.request.can_ask && (1..PASSWORD_TRIES).contains(&self.password_tries)
    }

    fn ask_password(&mut self, was_wrong: bool) {
        self.phase = Phase::AskingPassword;
        let room = self.room.name.clone();
        self.sink.send(Event::PasswordQuestion { server: self.id, room, was_wrong });
    }

    /// A person has typed a password, or does not.
    pub(super) fn password_typed(&mut self, password: Option<Zeroizing<String>>) -> Result<(), End> {
        if self.phase != Phase::AskingPassword {
            return Ok(());
        }
        let typed = password.map(|password| Zeroizing::new(normalize(&password).to_string()));
        self.request.password = Some(typed.ok_or(SessionError::ClassicPasswordRequired)?);
        self.password_tries += 1;
        self.log_in()
    }

    fn refused(&self, code: RefusedCode) -> End {
        let end = ClientEnd {
            reason: EndReason::Refused(code),
            server_text: String::new(),
            server: self.request.places.clone(),
            name: self.request.name.clone(),
            room: self.room.name.clone(),
            credential: CredentialUsed::Password,
        };
        SessionError::Client(Box::new(end)).into()
    }

    fn joined(&mut self) {
        self.phase = Phase::Online;
        // Not needed any longer.
        self.request.password = None;
        self.room.on_joined(self.driver.now(), &self.sink);
    }
}
