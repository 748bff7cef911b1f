//! Until one is in the room: names, addresses, the key, the password.

use std::net::SocketAddr;

use kabar_core::chat::RefusedCode;
use kabar_core::client::{EndReason, State};
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_std::address::{HostPort, Places};
use kabar_std::invite::show_fingerprint;
use kabar_std::password::normalize;
use zeroize::Zeroizing;

use super::{Entrance, KeyPolicy, Phase, Session};
use crate::exit::{Exit, ExitReport};
use crate::identity::LocalIdentity;
use crate::known_servers::KnownServers;
use crate::messages;
use crate::resolve::{NotFound, resolve};

/// How long nobody answers before that is an error.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The same, to be said.
pub(super) const CONNECT_TIMEOUT_S: u64 = 5;
/// How long somebody who answers may take to let in.
const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
const JOIN_TIMEOUT_S: u64 = 30;
/// Refusals that are believed: the first may be of a room that is just being started.
const REFUSALS: u32 = 3;
/// Times a password may be typed.
const PASSWORD_TRIES: u32 = 3;

/// How long the server may take. Its addresses share [`CONNECT_TIMEOUT`]: the driver tries them together.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// When somebody must have answered.
    end: Instant,
    /// When somebody who answered must have let in.
    answered_until: Option<Instant>,
    /// Whoever was in the room before waits for it.
    is_patient: bool,
}

impl Attempt {
    pub(super) fn new(now: Instant) -> Self {
        Self { end: now + CONNECT_TIMEOUT, answered_until: None, is_patient: false }
    }

    /// For as long as it takes.
    pub(super) fn patient(now: Instant) -> Self {
        Self { is_patient: true, ..Self::new(now) }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.is_patient { None } else { Some(self.answered_until.unwrap_or(self.end)) }
    }
}

/// Where the server may be, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct Located {
    all: Vec<(SocketAddr, HostPort)>,
    /// Places that are being looked up.
    awaited: usize,
    /// The first place that was not found.
    missing: Option<(HostPort, NotFound)>,
}

impl Located {
    /// Takes what was found of one of `places`. What is not found again stays as it was.
    pub(super) fn take(&mut self, place: HostPort, found: Result<Vec<SocketAddr>, NotFound>, places: &Places) {
        self.awaited = self.awaited.saturating_sub(1);
        match found {
            Ok(addresses) => {
                self.all.retain(|(_, known)| *known != place);
                self.all.extend(addresses.into_iter().map(|address| (address, place.clone())));
                self.all.sort_by_key(|(_, known)| places.iter().position(|place| place == known));
            }
            Err(error) => drop(self.missing.get_or_insert((place, error))),
        }
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().map(|(address, _)| *address).collect()
    }

    /// Which place has this address.
    pub(super) fn place_of(&self, address: SocketAddr) -> Option<&HostPort> {
        self.all.iter().find(|(known, _)| *known == address).map(|(_, place)| place)
    }
}

impl Session {
    pub(super) fn begin(&mut self) -> Result<(), ExitReport> {
        if !self.plan.is_host {
            self.ui.write(&format!("Connecting to {} ... ", self.plan.server));
        }
        self.located.awaited = resolve(&self.plan.server, &self.sender).map_err(ExitReport::error)?;
        Ok(())
    }

    pub(super) fn resolved(
        &mut self,
        place: HostPort,
        found: Result<Vec<SocketAddr>, NotFound>,
        now: Instant,
    ) -> Result<(), ExitReport> {
        self.located.take(place, found, &self.plan.server);
        let addresses = self.located.addresses();
        match (&self.phase, addresses.first()) {
            (Phase::Resolving(_), Some(&first)) => {
                self.phase = Phase::Connecting(Attempt::new(now));
                return self.start_client(first);
            }
            (Phase::Resolving(_), None) => {
                if let (0, Some((place, error))) = (self.located.awaited, &self.located.missing) {
                    return Err(messages::not_found(place, error));
                }
            }
            // On the way, or on the way back: a server that moved is looked for where its names lead now.
            _ if !addresses.is_empty() => self.driver.set_addresses(&addresses),
            _ => {}
        }
        Ok(())
    }

    /// Looks where the server is now.
    pub(super) fn find_server_again(&mut self) {
        // Without a thread for it, the addresses stay as they are.
        self.located.awaited = resolve(&self.plan.server, &self.sender).unwrap_or_default();
    }

    pub(super) fn check_attempt(&mut self, now: Instant) -> Result<(), ExitReport> {
        let Phase::Connecting(attempt) = &mut self.phase else { return Ok(()) };
        if attempt.is_patient {
            return Ok(());
        }
        let state = self.driver.client.state();
        if matches!(state, State::Connecting { answered: true } | State::Joining) {
            attempt.answered_until.get_or_insert(now + JOIN_TIMEOUT);
        }
        if let Some(until) = attempt.answered_until {
            if now >= until {
                return Err(messages::not_let_in(&self.plan.server, JOIN_TIMEOUT_S));
            }
            if state == State::Joining {
                self.say_key();
            }
            return Ok(());
        }
        let is_unreachable = self.located.awaited == 0 && self.driver.is_unreachable(REFUSALS);
        if !is_unreachable && now < attempt.end {
            return Ok(());
        }
        if self.driver.has_foreign_key()
            && let Some(ending) = self.describe_end(EndReason::KeyMismatch)
        {
            return Err(ending);
        }
        Err(match self.driver.link_error() {
            _ if !is_unreachable => messages::no_answer(&self.plan.server, CONNECT_TIMEOUT_S),
            Some(error) => messages::no_route(&self.plan.server, error),
            None => messages::refused(&self.plan.server),
        })
    }

    pub(super) fn key_offered(&mut self, found: Fingerprint, now: Instant) -> Result<(), ExitReport> {
        let shown = show_fingerprint(&found);
        let known = KnownServers::load(&self.plan.dir).map_err(ExitReport::error)?.find_key(&found, &self.plan.room);
        if let Some(known) = known {
            let address = self.driver.client.server();
            // A server is its key: that it has another address is no alarm.
            self.ui.write("a known server at a new address; ");
            self.plan.trust = KeyPolicy::Expected(known.fingerprint);
            if let (Entrance::None, Some(secret)) = (&self.plan.entrance, known.secret) {
                self.plan.entrance = Entrance::Secret(secret);
            }
            if let (false, Some(name)) = (self.plan.person.is_wanted, known.name) {
                self.plan.person = LocalIdentity::load_or_create(&self.plan.dir, None, Some(&name))?;
            }
            return self.start_client(address);
        }
        if self.plan.trust == KeyPolicy::AcceptNew {
            self.accepted = Some(found);
            self.driver.client.answer_key(now, true);
            return Ok(());
        }
        if !self.ui.can_ask() {
            self.driver.client.answer_key(now, false);
            return Err(messages::unknown_key(&self.plan.server, &shown));
        }
        if let Phase::Connecting(attempt) = &self.phase {
            self.phase = Phase::AskingKey(attempt.clone(), found);
            self.ui.end_line();
            self.ui.notice(&format!("The server's key is not known yet. Its fingerprint is\n  {shown}"));
            self.ui.ask("Is that what the host's invite says?").map_err(ExitReport::error)?;
        }
        Ok(())
    }

    pub(super) fn key_answered(&mut self, is_yes: bool, now: Instant) -> Result<(), ExitReport> {
        let Phase::AskingKey(attempt, found) = &self.phase else { return Ok(()) };
        let (mut attempt, found) = (attempt.clone(), *found);
        // The time a person takes is not the server's.
        attempt.answered_until = Some(now + JOIN_TIMEOUT);
        if is_yes {
            self.accepted = Some(found);
        }
        self.phase = Phase::Connecting(attempt);
        self.driver.client.answer_key(now, is_yes);
        Ok(())
    }

    /// Says whose key the server has, once.
    pub(super) fn say_key(&mut self) {
        if std::mem::replace(&mut self.is_key_said, true) || self.plan.is_host {
            return;
        }
        match (self.plan.trust, self.accepted) {
            (KeyPolicy::Invited(_), _) => self.ui.write("server key matches the invite. "),
            (KeyPolicy::Expected(_), _) => self.ui.write("server key is the one you know. "),
            (KeyPolicy::AcceptNew, Some(found)) => {
                self.ui.write(&format!("server key {} is new and accepted. ", show_fingerprint(&found)));
            }
            _ => {}
        }
    }

    /// Whether a password may help, and somebody is there to type it.
    pub(super) fn should_ask_password(&self, reason: EndReason) -> bool {
        let may_help = match self.plan.entrance {
            Entrance::None => true,
            Entrance::Password(_) => (1..PASSWORD_TRIES).contains(&self.password_tries),
            Entrance::Secret(_) => false,
        };
        let is_refused = reason == EndReason::Refused(RefusedCode::AUTHENTICATION);
        is_refused && may_help && self.ui.can_ask() && matches!(self.phase, Phase::Connecting(_))
    }

    pub(super) fn ask_password(&mut self) -> Result<(), ExitReport> {
        let Phase::Connecting(_) = &self.phase else { return Ok(()) };
        self.phase = Phase::AskingPassword;
        self.driver.transmit();
        // Where the key was accepted only, the next attempt takes no other.
        self.accepted = self.driver.client.fingerprint().or(self.accepted);
        let again = if self.password_tries > 0 { "Wrong password. " } else { "" };
        self.ui.end_line();
        self.ui.ask_password(&format!("{again}Password of {}: ", self.plan.room)).map_err(ExitReport::error)
    }

    pub(super) fn password_typed(
        &mut self,
        password: Option<Zeroizing<String>>,
        now: Instant,
    ) -> Result<(), ExitReport> {
        let Phase::AskingPassword = &self.phase else { return Ok(()) };
        let Some(password) = password.filter(|password| !password.is_empty()) else {
            return Err(ExitReport::new(Exit::NotTrusted, "this room needs an invite or its password"));
        };
        self.plan.entrance = Entrance::Password(normalize(&password));
        self.password_tries += 1;
        self.phase = Phase::Connecting(Attempt::new(now));
        self.start_client(self.driver.client.server())
    }
}
