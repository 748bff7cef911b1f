//! Until one is in the room: names, addresses in turn, the key, the password.

use std::io;
use std::net::SocketAddr;

use kabar_core::chat::RefusedCode;
use kabar_core::client::{EndReason, State};
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_server::invite::show_fingerprint;
use kabar_server::password::normalize;
use zeroize::Zeroizing;

use super::{Entrance, Phase, Talk, Trust};
use crate::ending::{Ending, Exit};
use crate::identity::Person;
use crate::known::KnownServers;
use crate::resolve::resolve;
use crate::words;

/// How long nobody answers before that is an error.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The same, to be said.
pub(super) const PATIENCE_S: u64 = 5;
/// How long somebody who answers may take to let in.
const ANSWERED_PATIENCE: Duration = Duration::from_secs(30);
const ANSWERED_PATIENCE_S: u64 = 30;
/// Refusals that are believed: the first may be of a room that is just being started.
const REFUSALS: u32 = 3;
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 5;
/// Times a password may be typed.
const PASSWORD_TRIES: u32 = 3;

/// The addresses of the server and whose turn it is. They share [`PATIENCE`].
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    addresses: Vec<SocketAddr>,
    turn: usize,
    /// When the turn ends.
    until: Instant,
    /// When the last turn ends.
    end: Instant,
    /// When somebody who answered must have let in.
    answered_until: Option<Instant>,
    /// Whether some address gave no answer at all.
    is_any_silent: bool,
    /// Whoever was in the room before waits for it.
    is_patient: bool,
}

impl Attempt {
    /// At the first of `addresses`.
    pub(super) fn new(mut addresses: Vec<SocketAddr>, now: Instant) -> Option<Self> {
        addresses.truncate(MAX_ADDRESSES);
        let (until, end) = (now + PATIENCE / addresses.len() as u64, now + PATIENCE);
        let is_one = !addresses.is_empty();
        let (answered_until, is_any_silent, is_patient) = (None, false, false);
        is_one.then_some(Self { addresses, turn: 0, until, end, answered_until, is_any_silent, is_patient })
    }

    /// At `address`, for as long as it takes.
    pub(super) fn patient(address: SocketAddr, now: Instant) -> Self {
        let (addresses, answered_until) = (vec![address], None);
        Self { addresses, turn: 0, until: now, end: now, answered_until, is_any_silent: false, is_patient: true }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        if self.is_patient { None } else { Some(self.answered_until.unwrap_or(self.until)) }
    }

    /// The next address; those that are left share what is left of the patience.
    pub(super) fn next(&mut self, now: Instant) -> Option<SocketAddr> {
        let address = *self.addresses.get(self.turn + 1)?;
        self.turn += 1;
        let left = (self.addresses.len() - self.turn) as u64;
        self.until = now + self.end.saturating_since(now) / left;
        Some(address)
    }
}

impl Talk {
    pub(super) fn begin(&mut self) -> Result<(), Ending> {
        if !self.plan.is_host {
            self.ui.part(&format!("Connecting to {} ... ", self.plan.server));
        }
        let now = self.driver.now();
        match resolve(&self.plan.server, &self.mailer).map_err(Ending::error)? {
            Some(addresses) => self.resolved(Ok(addresses), now),
            None => Ok(()),
        }
    }

    pub(super) fn resolved(&mut self, found: io::Result<Vec<SocketAddr>>, now: Instant) -> Result<(), Ending> {
        if matches!(self.phase, Phase::Online(_)) {
            // On the way back: a server that moved is looked for where its name leads now.
            let addresses = found.unwrap_or_default();
            if let Some(&address) = addresses.first()
                && !self.address.is_some_and(|present| addresses.contains(&present))
            {
                self.address = Some(address);
                self.driver.client.set_server(address);
            }
            return Ok(());
        }
        let addresses = found.map_err(|error| words::no_such_host(&self.plan.server, Some(&error)))?;
        let first = addresses.first().copied();
        let (Some(attempt), Some(first)) = (Attempt::new(addresses, now), first) else {
            return Err(words::no_such_host(&self.plan.server, None));
        };
        self.phase = Phase::Connecting(attempt);
        self.start_client(first)
    }

    /// Looks where the server is now.
    pub(super) fn find_server_again(&self) {
        // Without a thread for it, the address stays as it is.
        drop(resolve(&self.plan.server, &self.mailer));
    }

    pub(super) fn check_attempt(&mut self, now: Instant) -> Result<(), Ending> {
        let Phase::Connecting(attempt) = &mut self.phase else { return Ok(()) };
        if attempt.is_patient {
            return Ok(());
        }
        let state = self.driver.client.state();
        if matches!(state, State::Connecting { answered: true } | State::Joining) {
            attempt.answered_until.get_or_insert(now + ANSWERED_PATIENCE);
        }
        if let Some(until) = attempt.answered_until {
            if now >= until {
                return Err(words::not_let_in(&self.plan.server, ANSWERED_PATIENCE_S));
            }
            if state == State::Joining {
                self.say_key();
            }
            return Ok(());
        }
        let is_refused = self.driver.refusals() >= REFUSALS;
        let has_no_route = self.driver.link_error().is_some();
        if !is_refused && !has_no_route && now < attempt.until {
            return Ok(());
        }
        attempt.is_any_silent |= !is_refused && !has_no_route;
        if let Some(address) = attempt.next(now) {
            return self.start_client(address);
        }
        Err(match self.driver.link_error() {
            _ if attempt.is_any_silent => words::no_answer(&self.plan.server, PATIENCE_S),
            Some(error) => words::no_route(&self.plan.server, error),
            None => words::refused(&self.plan.server),
        })
    }

    pub(super) fn key_offered(&mut self, found: Fingerprint, now: Instant) -> Result<(), Ending> {
        let shown = show_fingerprint(&found);
        let known = KnownServers::load(&self.plan.dir).map_err(Ending::error)?.find_key(&found, &self.plan.room);
        if let (Some(known), Some(address)) = (known, self.address) {
            // A server is its key: that it has another address is no alarm.
            self.ui.part("a known server at a new address; ");
            self.plan.trust = Trust::Expected(known.fingerprint);
            if let (Entrance::None, Some(secret)) = (&self.plan.entrance, known.secret) {
                self.plan.entrance = Entrance::Secret(secret);
            }
            if let (false, Some(name)) = (self.plan.person.is_wanted, known.name) {
                self.plan.person = Person::become_one(&self.plan.dir, None, Some(&name))?;
            }
            return self.start_client(address);
        }
        if self.plan.trust == Trust::AcceptNew {
            self.accepted = Some(found);
            self.driver.client.answer_key(now, true);
            return Ok(());
        }
        if !self.ui.can_ask() {
            self.driver.client.answer_key(now, false);
            return Err(words::unknown_key(&self.plan.server, &shown));
        }
        if let Phase::Connecting(attempt) = &self.phase {
            self.phase = Phase::AskingKey(attempt.clone(), found);
            self.ui.fresh_line();
            self.ui.notice(&format!("The server's key is not known yet. Its fingerprint is\n  {shown}"));
            self.ui.ask("Is that what the host's invite says?").map_err(Ending::error)?;
        }
        Ok(())
    }

    pub(super) fn key_answered(&mut self, is_yes: bool, now: Instant) -> Result<(), Ending> {
        let Phase::AskingKey(attempt, found) = &self.phase else { return Ok(()) };
        let (mut attempt, found) = (attempt.clone(), *found);
        // The time a person takes is not the server's.
        attempt.answered_until = Some(now + ANSWERED_PATIENCE);
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
            (Trust::Invited(_), _) => self.ui.part("server key matches the invite. "),
            (Trust::Expected(_), _) => self.ui.part("server key is the one you know. "),
            (Trust::AcceptNew, Some(found)) => {
                self.ui.part(&format!("server key {} is new and accepted. ", show_fingerprint(&found)));
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

    pub(super) fn ask_password(&mut self) -> Result<(), Ending> {
        let Phase::Connecting(attempt) = &self.phase else { return Ok(()) };
        self.phase = Phase::AskingPassword(attempt.clone());
        self.driver.transmit();
        // Where the key was accepted only, the next attempt takes no other.
        self.accepted = self.driver.client.fingerprint().or(self.accepted);
        let again = if self.password_tries > 0 { "Wrong password. " } else { "" };
        self.ui.fresh_line();
        self.ui.ask_password(&format!("{again}Password of {}: ", self.plan.room)).map_err(Ending::error)
    }

    pub(super) fn password_typed(&mut self, password: Option<Zeroizing<String>>, now: Instant) -> Result<(), Ending> {
        let Phase::AskingPassword(attempt) = &self.phase else { return Ok(()) };
        let Some(password) = password.filter(|password| !password.is_empty()) else {
            return Err(Ending::new(Exit::NotTrusted, "this room needs an invite or its password"));
        };
        let address = attempt.addresses[attempt.turn];
        self.plan.entrance = Entrance::Password(normalize(&password));
        self.password_tries += 1;
        if let Some(again) = Attempt::new(vec![address], now) {
            self.phase = Phase::Connecting(again);
        }
        self.start_client(address)
    }
}
