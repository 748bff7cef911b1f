//! Several addresses of one server, tried together: which of them answers (SPEC 3.1). Without a
//! socket or a clock.
//!
//! ```text
//! Hello of the client -> to the first address; 250 ms later to the next as well, and so on (RFC 8305);
//!                        at once to the next when the last one is known to be dead
//! Challenge from one  -> with the expected key: the client goes on there
//!                     -> with another key: passed over, as long as another address may have the right one
//! Initiate            -> over; an address that answered and led no further comes last the next time
//! ```
//! The client's own schedule repeats the Hello, to every address whose turn has come.

use std::io;
use std::net::SocketAddr;

use kabar_core::crypto::Provider;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_core::wire::packet::Packet;
use kabar_std::provider::Accelerated;

/// Most addresses that are tried.
pub const MAX_CANDIDATES: usize = 8;
/// From one address to the next (RFC 8305, section 5).
pub const STAGGER: Duration = Duration::from_millis(250);

/// After this long without a repeated Hello the client asks nobody any more: twice the longest interval
/// between two (SPEC 3.1), and a little.
const SILENCE: Duration = Duration::from_millis(4_500);

/// An address, and what is known of it.
#[derive(Debug)]
struct Candidate {
    address: SocketAddr,
    /// Why nothing can be sent there.
    error: Option<io::Error>,
    /// Whether somebody there refuses datagrams, or there is no way.
    is_dead: bool,
    /// Whether it presented another key than the expected one.
    is_foreign: bool,
}

/// The addresses of a server, and how far trying them came.
#[derive(Debug)]
pub struct Race {
    candidates: Vec<Candidate>,
    expected: Option<Fingerprint>,
    hello: Vec<u8>,
    /// The number of addresses that have their turn; 0: no race is under way.
    started: usize,
    next_start: Option<Instant>,
    /// When the client said its last Hello.
    said_at: Instant,
    /// Answered, and did not open a connection yet.
    suspect: Option<SocketAddr>,
}

impl Default for Race {
    /// Among no addresses.
    fn default() -> Self {
        Self::new([], None)
    }
}

/// What a Challenge means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The client goes on with whoever sent it.
    Take,
    /// It is not for the client.
    PassOver,
    /// None of the race's: the client judges.
    Unknown,
}

impl Race {
    /// Among these addresses, for a server with this key if it is known.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>, expected: Option<Fingerprint>) -> Self {
        let mut race = Self {
            candidates: Vec::new(),
            expected,
            hello: Vec::new(),
            started: 0,
            next_start: None,
            said_at: Instant::ZERO,
            suspect: None,
        };
        race.set_addresses(addresses);
        race
    }

    /// Other addresses from now on; what is known of those that stay is kept. A race under way goes on
    /// with them.
    pub fn set_addresses(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let mut before = std::mem::take(&mut self.candidates);
        let had_turn: Vec<SocketAddr> = before.iter().take(self.started).map(|known| known.address).collect();
        for address in addresses {
            if self.candidates.len() == MAX_CANDIDATES {
                break;
            }
            if self.candidates.iter().any(|known| known.address == address) {
                continue;
            }
            let known = before.iter().position(|known| known.address == address).map(|at| before.swap_remove(at));
            let new = Candidate { address, error: None, is_dead: false, is_foreign: false };
            self.candidates.push(known.unwrap_or(new));
        }
        // Those that had their turn stay in front.
        self.candidates.sort_by_key(|candidate| !had_turn.contains(&candidate.address));
        let is_under_way = self.started > 0;
        self.started = self.candidates.iter().filter(|candidate| had_turn.contains(&candidate.address)).count();
        if is_under_way && self.started == 0 {
            self.started = self.candidates.len().min(1);
        }
    }

    /// All addresses.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.candidates.iter().map(|candidate| candidate.address)
    }

    /// The client says this Hello: to [`Race::started`].
    pub fn say_hello(&mut self, hello: &[u8], now: Instant) {
        self.hello.clear();
        self.hello.extend_from_slice(hello);
        self.said_at = now;
        if self.started > 0 {
            self.next_start.get_or_insert(now + STAGGER);
            return;
        }
        if let Some(suspect) = self.suspect.take() {
            self.candidates.sort_by_key(|candidate| candidate.address == suspect);
        }
        for candidate in &mut self.candidates {
            (candidate.error, candidate.is_dead, candidate.is_foreign) = (None, false, false);
        }
        self.started = self.candidates.len().min(1);
        self.next_start = Some(now + STAGGER);
    }

    /// The addresses whose turn has come.
    pub fn started(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.candidates.iter().take(self.started).map(|candidate| candidate.address)
    }

    /// The Hello that they all get.
    #[must_use]
    pub fn hello(&self) -> &[u8] {
        &self.hello
    }

    /// The address whose turn it is now, if that has come.
    pub fn start_next(&mut self, now: Instant) -> Option<SocketAddr> {
        if now.saturating_since(self.said_at) > SILENCE {
            self.started = 0;
        }
        let next = self.candidates.get(self.started).filter(|_| self.started > 0)?.address;
        let is_due = self.next_start? <= now;
        let is_last_dead = self.candidates.get(self.started - 1).is_some_and(|last| last.is_dead);
        if !is_due && !is_last_dead {
            return None;
        }
        self.started += 1;
        self.next_start = Some(now + STAGGER);
        Some(next)
    }

    /// When to ask [`Race::start_next`] at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let is_left = self.started > 0 && self.started < self.candidates.len();
        self.next_start.filter(|_| is_left)
    }

    /// Nothing can be sent to an address, or it can again.
    pub fn set_error(&mut self, address: SocketAddr, error: Option<io::Error>) {
        if let Some(candidate) = self.candidates.iter_mut().find(|candidate| candidate.address == address) {
            candidate.is_dead |= error.is_some();
            candidate.error = error;
        }
    }

    /// Nobody listens at an address: the next need not wait for it.
    pub fn refused(&mut self, address: SocketAddr) {
        if let Some(candidate) = self.candidates.iter_mut().find(|candidate| candidate.address == address) {
            candidate.is_dead = true;
        }
    }

    /// Why nothing can be sent to an address.
    #[must_use]
    pub fn error(&self, address: SocketAddr) -> Option<&io::Error> {
        self.candidates.iter().find(|candidate| candidate.address == address)?.error.as_ref()
    }

    /// Takes the reason why nothing can be sent to an address.
    #[must_use]
    pub fn take_error(&mut self, address: SocketAddr) -> Option<io::Error> {
        self.candidates.iter_mut().find(|candidate| candidate.address == address)?.error.take()
    }

    /// Whether some address answered with another key than the expected one.
    #[must_use]
    pub fn has_foreign(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.is_foreign)
    }

    /// Judges a datagram from an address of the race.
    pub fn answered(&mut self, from: SocketAddr, datagram: &[u8]) -> Answer {
        let started = self.candidates.iter().take(self.started).position(|candidate| candidate.address == from);
        let (Some(at), Ok(Packet::Hello(hello))) = (started, Packet::decode(&self.hello, Accelerated::crc32)) else {
            return Answer::Unknown;
        };
        let Ok(Packet::Challenge(challenge)) = Packet::decode(datagram, Accelerated::crc32) else {
            return Answer::Unknown;
        };
        if challenge.client_random != hello.client_random {
            return Answer::Unknown;
        }
        if self.expected.is_some_and(|expected| Fingerprint::of_modulus(challenge.modulus) != expected) {
            self.candidates[at].is_foreign = true;
            // Of one address alone the client knows what to think.
            return if self.candidates.len() == 1 { Answer::Unknown } else { Answer::PassOver };
        }
        // Others are asked only if the client says another Hello.
        self.next_start = None;
        Answer::Take
    }

    /// The client says Initiate to an address: it is the one, unless nothing comes of it.
    pub fn decided(&mut self, address: SocketAddr) {
        self.started = 0;
        self.suspect = Some(address);
    }

    /// A connection to an address is open.
    pub fn opened(&mut self, address: SocketAddr) {
        self.suspect = self.suspect.filter(|suspect| *suspect != address);
    }
}

#[cfg(test)]
mod tests;
