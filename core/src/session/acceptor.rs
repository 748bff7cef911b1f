//! The server's side of the handshake (SPEC 3): stateless and cheap until a cookie verified.

use core::net::SocketAddr;

use super::Established;
use crate::crypto::Provider;
use crate::crypto::rsa::PrivateKey;
use crate::time::Instant;
use crate::wire::packet::{Limits, PacketError, SealedHeader};

/// Longest Accept datagram in bytes.
pub const ACCEPT_LEN: usize = 103;

/// What to do with a datagram.
#[derive(Debug)]
pub enum Incoming {
    /// Nothing: dropped, for this reason.
    Dropped(AcceptorDrop),
    /// Send the first so many bytes of `out` to where it came from.
    Reply(usize),
    /// The cookie verified: look for a half-open entry of the same `id` (then repeat its Accept); else, if the cookie's
    /// budget and the limits allow, run it.
    Accept(PendingAccept),
    /// Belongs to a connection or a half-open entry: look it up.
    Sealed(SealedHeader),
    /// A hint (only clients heed it).
    Hint,
}

/// Why the acceptor dropped a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptorDrop {
    /// It is not a packet.
    Packet(PacketError),
    /// A packet that only servers send.
    Direction,
    /// A Hello for another key, or too short for the answer.
    Hello,
    /// The cookie is not valid (any more).
    Cookie,
    /// The ciphertext is as long as another key.
    Key,
}

/// Cookie keys and what every handshake needs of the server.
#[derive(Debug)]
pub struct Acceptor {
    // modulus, key hash, limits, cookie keys with their times, a generator for the next cookie key: free.
}

impl Acceptor {
    /// `seed` feeds the cookie keys.
    #[must_use]
    pub fn new(modulus: &[u8], limits: Limits, seed: [u8; 32]) -> Self {
        let _ = (modulus, limits, seed);
        todo!()
    }

    /// Sorts a datagram. Never a private-key operation, never state, never more bytes out than in.
    pub fn handle<P: Provider>(&mut self, now: Instant, from: SocketAddr, datagram: &[u8], out: &mut [u8]) -> Incoming {
        let _ = (now, from, datagram, out);
        todo!()
    }
}

/// An Initiate whose cookie verified. `Send`; holds the ciphertext.
#[derive(Debug)]
pub struct PendingAccept {
    // free
}

/// What [`PendingAccept::run`] gives: the half-open entry's content.
#[derive(Debug)]
pub struct Accepted {
    /// Where a connection starts from.
    pub established: Established,
    /// The Accept datagram, complete.
    pub datagram: [u8; ACCEPT_LEN],
}

impl PendingAccept {
    /// Hash of the Initiate: the same Initiate has the same id.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        todo!()
    }

    /// Names the cookie it came with, for counting (SPEC 3.2).
    #[must_use]
    pub fn cookie_tag(&self) -> [u8; 8] {
        todo!()
    }

    /// Does all public-key work of this handshake. Pure: the same arguments give the same result. `None` if the ciphertext or
    /// the share is not acceptable. `seed` must be fresh.
    #[must_use]
    pub fn run<P: Provider>(&self, key: &impl PrivateKey, connection_id: u32, seed: [u8; 32]) -> Option<Accepted> {
        let _ = (key, connection_id, seed);
        todo!()
    }
}
