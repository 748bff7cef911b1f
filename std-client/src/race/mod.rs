//! Tries several addresses of one server together, and chooses the one that answers (SPEC 3.1). Has
//! no socket and no clock.
//!
//! ```text
//! Hello of the client -> to the first address; 250 ms later also to the next, and so on (RFC 8305);
//!                        at once to the next when the last one is known to be unreachable
//! Challenge from one  -> with the expected key: the client continues with this address
//!                     -> with another key: ignored while another address may have the right one
//! Initiate            -> the race ends; an address that then opens no connection comes last next time
//! ```
//! The client repeats the Hello on its own schedule, to all addresses that were started.

use std::io;
use std::net::SocketAddr;

use kabar_core::session::{Fingerprint, PacketInfo};
use kabar_core::time::{Duration, Instant};
use kabar_std::provider::Accelerated;

/// Largest number of addresses.
pub const MAX_CANDIDATES: usize = 8;
/// Delay from one address to the next (RFC 8305, section 5).
pub const STAGGER: Duration = Duration::from_millis(250);

/// Time without a Hello after which the client has stopped connecting: a little more than twice the
/// longest interval between two Hellos (SPEC 3.1).
const HELLO_TIMEOUT: Duration = Duration::from_millis(4_500);

/// An address and its state.
#[derive(Debug)]
struct Candidate {
    address: SocketAddr,
    /// The error of opening a socket to it.
    error: Option<io::Error>,
    /// Whether it refuses datagrams or cannot be reached.
    is_unreachable: bool,
    /// Whether it presented another key than the expected one.
    has_other_key: bool,
}

/// The addresses of a server, and the progress of trying them.
#[derive(Debug)]
pub struct Race {
    candidates: Vec<Candidate>,
    expected: Option<Fingerprint>,
    hello: Vec<u8>,
    /// Number of addresses that were started; 0: no race is in progress.
    started: usize,
    next_start: Option<Instant>,
    /// Time of the client's last Hello.
    hello_at: Instant,
    /// The address that answered without a connection so far.
    suspect: Option<SocketAddr>,
}

impl Default for Race {
    /// A race without addresses.
    fn default() -> Self {
        Self::new([], None)
    }
}

/// The result of handling a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The client continues with this address.
    Use,
    /// The client must not handle it.
    Ignore,
    /// It does not belong to the race: the client handles it.
    Other,
}

impl Race {
    /// Creates a race among these addresses, for a server with this key if it is known.
    #[must_use]
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>, expected: Option<Fingerprint>) -> Self {
        let mut race = Self {
            candidates: Vec::new(),
            expected,
            hello: Vec::new(),
            started: 0,
            next_start: None,
            hello_at: Instant::ZERO,
            suspect: None,
        };
        race.set_addresses(addresses);
        race
    }

    /// Replaces the addresses. The state of those that stay is kept. A race in progress continues
    /// with the new ones.
    pub fn set_addresses(&mut self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let mut before = std::mem::take(&mut self.candidates);
        let were_started: Vec<SocketAddr> = before.iter().take(self.started).map(|known| known.address).collect();
        for address in addresses {
            if self.candidates.len() == MAX_CANDIDATES {
                break;
            }
            if self.candidates.iter().any(|known| known.address == address) {
                continue;
            }
            let known = before.iter().position(|known| known.address == address).map(|at| before.swap_remove(at));
            let new = Candidate { address, error: None, is_unreachable: false, has_other_key: false };
            self.candidates.push(known.unwrap_or(new));
        }
        // Started addresses stay in front.
        self.candidates.sort_by_key(|candidate| !were_started.contains(&candidate.address));
        let is_in_progress = self.started > 0;
        self.started = self.candidates.iter().filter(|candidate| were_started.contains(&candidate.address)).count();
        if is_in_progress && self.started == 0 {
            self.started = self.candidates.len().min(1);
        }
    }

    /// Returns all addresses.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.candidates.iter().map(|candidate| candidate.address)
    }

    /// Takes the client's Hello, which is to be sent to [`Race::started`].
    pub fn set_hello(&mut self, hello: &[u8], now: Instant) {
        self.hello.clear();
        self.hello.extend_from_slice(hello);
        self.hello_at = now;
        if self.started > 0 {
            self.next_start.get_or_insert(now + STAGGER);
            return;
        }
        if let Some(suspect) = self.suspect.take() {
            self.candidates.sort_by_key(|candidate| candidate.address == suspect);
        }
        for candidate in &mut self.candidates {
            (candidate.error, candidate.is_unreachable, candidate.has_other_key) = (None, false, false);
        }
        self.started = self.candidates.len().min(1);
        self.next_start = Some(now + STAGGER);
    }

    /// Returns the addresses that were started.
    pub fn started(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.candidates.iter().take(self.started).map(|candidate| candidate.address)
    }

    /// Returns the Hello that they all get.
    #[must_use]
    pub fn hello(&self) -> &[u8] {
        &self.hello
    }

    /// Starts the next address, if that is due.
    pub fn start_next(&mut self, now: Instant) -> Option<SocketAddr> {
        if now.saturating_since(self.hello_at) > HELLO_TIMEOUT {
            self.started = 0;
        }
        let next = self.candidates.get(self.started).filter(|_| self.started > 0)?.address;
        let is_due = self.next_start? <= now;
        let is_last_dead = self.candidates.get(self.started - 1).is_some_and(|last| last.is_unreachable);
        if !is_due && !is_last_dead {
            return None;
        }
        self.started += 1;
        self.next_start = Some(now + STAGGER);
        Some(next)
    }

    /// Returns when to call [`Race::start_next`] at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let is_left = self.started > 0 && self.started < self.candidates.len();
        self.next_start.filter(|_| is_left)
    }

    /// Records whether a socket to an address could be opened.
    pub fn set_error(&mut self, address: SocketAddr, error: Option<io::Error>) {
        if let Some(candidate) = self.candidates.iter_mut().find(|candidate| candidate.address == address) {
            candidate.is_unreachable |= error.is_some();
            candidate.error = error;
        }
    }

    /// Records that an address refused a datagram: the next one need not wait.
    pub fn on_refused(&mut self, address: SocketAddr) {
        if let Some(candidate) = self.candidates.iter_mut().find(|candidate| candidate.address == address) {
            candidate.is_unreachable = true;
        }
    }

    /// Returns the error of opening a socket to an address.
    #[must_use]
    pub fn error(&self, address: SocketAddr) -> Option<&io::Error> {
        self.candidates.iter().find(|candidate| candidate.address == address)?.error.as_ref()
    }

    /// Takes the error of opening a socket to an address.
    #[must_use]
    pub fn take_error(&mut self, address: SocketAddr) -> Option<io::Error> {
        self.candidates.iter_mut().find(|candidate| candidate.address == address)?.error.take()
    }

    /// Whether some address answered with another key than the expected one.
    #[must_use]
    pub fn has_other_key(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.has_other_key)
    }

    /// Handles a datagram that may be a Challenge.
    pub fn on_challenge(&mut self, from: SocketAddr, datagram: &[u8]) -> Answer {
        let started = self.candidates.iter().take(self.started).position(|candidate| candidate.address == from);
        let (Some(at), Ok(PacketInfo::Hello { client_random: attempt })) =
            (started, PacketInfo::decode::<Accelerated>(&self.hello))
        else {
            return Answer::Other;
        };
        let Ok(PacketInfo::Challenge { client_random, fingerprint, .. }) = PacketInfo::decode::<Accelerated>(datagram)
        else {
            return Answer::Other;
        };
        if client_random != attempt {
            return Answer::Other;
        }
        if self.expected.is_some_and(|expected| fingerprint != expected) {
            self.candidates[at].has_other_key = true;
            // The client handles another key of a single address itself.
            return if self.candidates.len() == 1 { Answer::Other } else { Answer::Ignore };
        }
        // Other addresses are started only if the client sends another Hello.
        self.next_start = None;
        Answer::Use
    }

    /// Records that the client sends an Initiate to an address, which ends the race.
    pub fn on_initiate(&mut self, address: SocketAddr) {
        self.started = 0;
        self.suspect = Some(address);
    }

    /// Records that a connection to an address is open.
    pub fn on_connected(&mut self, address: SocketAddr) {
        self.suspect = self.suspect.filter(|suspect| *suspect != address);
    }
}

#[cfg(test)]
mod tests;
