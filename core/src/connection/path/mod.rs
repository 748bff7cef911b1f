//! The peer's address, and the validation of a new one (SPEC 4.4).
//!
//! ```text
//! server                                         client, at a new address
//!   <- newest packet so far ------------------------
//!   -- PATH_CHALLENGE -> one per probe time-out, three at most
//!   <- PATH_RESPONSE -------------------------------
//!   all else goes to the new address from now on
//! ```

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::crypto::kdf::{self, Secret};
use crate::time::{Duration, Instant};
use crate::transport::OVERHEAD;
use crate::wire::frame::{Frame, PATH_LEN};

const DATA_LEN: usize = 8;
/// Challenges to one new address.
const MAX_TRIES: u8 = 3;
/// Bytes of the datagram that carries a PATH_CHALLENGE.
const CHALLENGE_LEN: usize = OVERHEAD + PATH_LEN;
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The address in use, the candidate for a new one, and the pending response.
#[derive(Debug)]
pub(super) struct Path {
    remote: SocketAddr,
    is_server: bool,
    has_moved: bool,
    /// Challenges are derived from it.
    key: Secret,
    counter: u64,

    /// Challenges are being sent.
    is_probing: bool,
    candidate: SocketAddr,
    /// The data that the candidate has to return. It stays valid after the last challenge, because
    /// a round trip to the candidate may take longer than all of them.
    data: [u8; DATA_LEN],
    /// A challenge with it was sent.
    has_asked: bool,
    tries: u8,
    /// A challenge is due.
    is_due: bool,
    /// No challenge is sent to any address before this.
    next_at: Instant,

    response_pending: bool,
    response: [u8; DATA_LEN],
    challenger: SocketAddr,
}

impl Path {
    pub(super) const NONE: Self = Self {
        remote: NOWHERE,
        is_server: false,
        has_moved: false,
        key: Secret::new([0; kdf::HASH_LEN]),
        counter: 0,
        is_probing: false,
        candidate: NOWHERE,
        data: [0; DATA_LEN],
        has_asked: false,
        tries: 0,
        is_due: false,
        next_at: Instant::ZERO,
        response_pending: false,
        response: [0; DATA_LEN],
        challenger: NOWHERE,
    };

    pub(super) fn new(remote: SocketAddr, is_server: bool, exporter: &Secret) -> Self {
        let mut path = Self::NONE;
        path.remote = remote;
        path.is_server = is_server;
        path.key = exporter.derive(b"kabar1 path", b"");
        path
    }

    pub(super) fn set_key(&mut self, key: [u8; kdf::HASH_LEN]) {
        self.key = Secret::new(key);
    }

    /// Stops probing, drops the pending response and wipes the key.
    pub(super) fn wipe(&mut self) {
        self.key = Secret::new([0; kdf::HASH_LEN]);
        self.is_probing = false;
        self.has_asked = false;
        self.is_due = false;
        self.response_pending = false;
    }

    pub(super) const fn remote(&self) -> SocketAddr {
        self.remote
    }

    pub(super) const fn is_server(&self) -> bool {
        self.is_server
    }

    /// The new address, once after each move.
    pub(super) fn take_moved(&mut self) -> Option<SocketAddr> {
        core::mem::take(&mut self.has_moved).then_some(self.remote)
    }

    /// The packet with the highest number so far was received from `from`, in a datagram of `len`
    /// bytes.
    pub(super) fn on_newest(&mut self, now: Instant, from: SocketAddr, len: usize) {
        let is_tried = self.is_probing && from == self.candidate;
        // SPEC 4.4: a client does not move its server, and no challenge is larger than what
        // arrived.
        if !self.is_server || from == self.remote || is_tried || len < CHALLENGE_LEN {
            return;
        }
        if !self.has_asked || from != self.candidate {
            self.candidate = from;
            self.has_asked = false;
            self.counter = self.counter.wrapping_add(1);
            self.key.expand(b"challenge", &self.counter.to_be_bytes(), &mut self.data);
        }
        self.is_probing = true;
        self.tries = 0;
        self.is_due = self.next_at <= now;
    }

    /// A PATH_CHALLENGE was received: `data` is to be returned to its source.
    pub(super) fn on_challenge(&mut self, from: SocketAddr, data: [u8; DATA_LEN]) {
        self.response_pending = true;
        self.challenger = from;
        self.response = data;
    }

    /// A PATH_RESPONSE was received. If it proves the candidate, the peer moves there; returns
    /// whether that is another host.
    pub(super) fn on_response(&mut self, from: SocketAddr, data: [u8; DATA_LEN]) -> Option<bool> {
        if !self.has_asked || from != self.candidate || !kdf::ct_eq(&data, &self.data) {
            return None;
        }
        let is_other_host = from.ip() != self.remote.ip();
        self.is_probing = false;
        self.has_asked = false;
        self.is_due = false;
        self.remote = from;
        self.has_moved = true;
        Some(is_other_host)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.is_probing && self.next_at <= now {
            self.is_due = self.tries < MAX_TRIES;
            self.is_probing = self.is_due;
        }
    }

    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        (self.is_probing && !self.is_due).then_some(self.next_at)
    }

    /// The frame to send now, and its destination.
    pub(super) fn poll(&mut self, now: Instant, pto: Duration) -> Option<(SocketAddr, Frame<'static>)> {
        if core::mem::take(&mut self.response_pending) {
            return Some((self.challenger, Frame::PathResponse(self.response)));
        }
        if core::mem::take(&mut self.is_due) {
            self.tries += 1;
            self.has_asked = true;
            self.next_at = now + pto;
            return Some((self.candidate, Frame::PathChallenge(self.data)));
        }
        None
    }
}

#[cfg(test)]
mod tests;
