//! Where the peer is, and whether it is somewhere else now (SPEC 4.4).
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

/// The address in use, the one that is tried, and the answer that we owe.
#[derive(Debug)]
pub(super) struct Path {
    remote: SocketAddr,
    is_server: bool,
    has_moved: bool,
    /// What challenges are made from.
    key: Secret,
    counter: u64,

    /// Challenges go out.
    is_probing: bool,
    candidate: SocketAddr,
    /// What the candidate has to answer. It stays when no more challenges go out: the way there may
    /// be longer than they took.
    data: [u8; DATA_LEN],
    /// The candidate was asked for it.
    has_asked: bool,
    tries: u8,
    /// A challenge is to be sent.
    is_due: bool,
    /// No challenge before that, to whatever address.
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

    /// Nothing is tried or owed any more, and the key is gone.
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

    /// The new address, once.
    pub(super) fn take_moved(&mut self) -> Option<SocketAddr> {
        core::mem::take(&mut self.has_moved).then_some(self.remote)
    }

    /// The packet with the highest number so far came from `from`, in a datagram of `len` bytes.
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

    /// The peer asks for `data` back where it came from.
    pub(super) fn on_challenge(&mut self, from: SocketAddr, data: [u8; DATA_LEN]) {
        self.response_pending = true;
        self.challenger = from;
        self.response = data;
    }

    /// The peer answers. If that proves the new address, all goes there; gives whether it is
    /// another host.
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

    /// The frame to send now, and where to.
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
mod tests {
    use std::vec::Vec;

    use super::*;

    const OLD: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1);
    const NEW: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 2);
    const OTHER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)), 3);
    const PTO: Duration = Duration::from_millis(100);

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn server() -> Path {
        Path::new(OLD, true, &Secret::new([9; 32]))
    }

    fn challenge(path: &mut Path, now: Instant) -> Option<(SocketAddr, [u8; DATA_LEN])> {
        match path.poll(now, PTO)? {
            (to, Frame::PathChallenge(data)) => Some((to, data)),
            _ => None,
        }
    }

    #[test]
    fn moves_only_when_the_new_address_answers_its_challenge() {
        let mut path = server();
        path.on_newest(at(0), NEW, 100);
        let (to, data) = challenge(&mut path, at(0)).unwrap();
        assert_eq!((to, path.remote()), (NEW, OLD));
        assert_eq!(path.on_response(OTHER, data), None);
        assert_eq!(path.on_response(OLD, data), None);
        assert_eq!(path.on_response(NEW, [0; 8]), None);
        assert_eq!((path.remote(), path.take_moved()), (OLD, None));
        assert_eq!(path.on_response(NEW, data), Some(true));
        assert_eq!((path.remote(), path.take_moved(), path.take_moved()), (NEW, Some(NEW), None));
        assert_eq!(path.on_response(NEW, data), None);
    }

    #[test]
    fn sends_one_challenge_per_probe_time_out_and_three_at_most() {
        let mut path = server();
        path.on_newest(at(0), NEW, 100);
        for start in [0, 100, 200] {
            assert!(challenge(&mut path, at(start)).is_some());
            path.on_newest(at(start + 50), NEW, 100);
            path.handle_timeout(at(start + 99));
            assert_eq!(challenge(&mut path, at(start + 99)), None);
            assert_eq!(path.deadline(), Some(at(start + 100)));
            path.handle_timeout(at(start + 100));
        }
        assert_eq!((challenge(&mut path, at(300)), path.deadline()), (None, None));
        // The next packet from there starts a new validation.
        path.on_newest(at(301), NEW, 100);
        assert!(challenge(&mut path, at(301)).is_some());
    }

    #[test]
    fn takes_an_answer_that_is_later_than_the_last_challenge() {
        // The estimate of the round trip is that of the old path; on the new one it takes 450 ms.
        let mut path = server();
        path.on_newest(at(0), NEW, 100);
        let asked: Vec<_> = (0..3)
            .map(|nth| {
                path.handle_timeout(at(nth * 100));
                challenge(&mut path, at(nth * 100)).unwrap().1
            })
            .collect();
        path.handle_timeout(at(300));
        assert_eq!(challenge(&mut path, at(300)), None);
        // The answer itself is the newest packet.
        path.on_newest(at(450), NEW, 100);
        assert_eq!(path.on_response(NEW, asked[0]), Some(true));
        assert_eq!(path.remote(), NEW);
    }

    #[test]
    fn changing_addresses_do_not_raise_the_rate_of_challenges() {
        let mut path = server();
        path.on_newest(at(0), NEW, 100);
        let (_, first) = challenge(&mut path, at(0)).unwrap();
        path.on_newest(at(1), OTHER, 100);
        assert_eq!(challenge(&mut path, at(1)), None);
        assert_eq!(path.on_response(OTHER, first), None);
        path.handle_timeout(at(100));
        let (to, second) = challenge(&mut path, at(100)).unwrap();
        assert_eq!(to, OTHER);
        assert_ne!(first, second);
    }

    #[test]
    fn no_challenge_is_larger_than_what_arrived() {
        let mut path = server();
        path.on_newest(at(0), NEW, CHALLENGE_LEN - 1);
        assert_eq!(challenge(&mut path, at(0)), None);
        path.on_newest(at(0), NEW, CHALLENGE_LEN);
        assert!(challenge(&mut path, at(0)).is_some());
    }

    #[test]
    fn a_client_never_moves_its_server() {
        let mut path = Path::new(OLD, false, &Secret::new([9; 32]));
        path.on_newest(at(0), NEW, 1200);
        assert!(path.poll(at(0), PTO).is_none());
    }

    #[test]
    fn answers_a_challenge_where_it_came_from() {
        let mut path = Path::new(OLD, false, &Secret::new([9; 32]));
        path.on_challenge(NEW, *b"12345678");
        assert_eq!(path.poll(at(0), PTO), Some((NEW, Frame::PathResponse(*b"12345678"))));
        assert_eq!(path.poll(at(0), PTO), None);
    }

    #[test]
    fn another_key_makes_other_challenges() {
        let data = |key: Option<[u8; 32]>| {
            let mut path = server();
            key.into_iter().for_each(|key| path.set_key(key));
            path.on_newest(at(0), NEW, 100);
            challenge(&mut path, at(0)).unwrap().1
        };
        assert_eq!(data(None), data(None));
        assert_ne!(data(None), data(Some([7; 32])));
    }
}
