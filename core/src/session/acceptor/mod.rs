//! The server's side of the handshake (SPEC 3): stateless and cheap until a cookie is verified.
//!
//! ```text
//! (Hello)       -> Challenge                  keeps no state, sends no more bytes than it received
//! (Initiate) -> cookie verified -> PendingAccept
//! PendingAccept -> run -> Accept, HandshakeOutput the public-key work, on any thread
//! ```

use core::net::{IpAddr, SocketAddr};

use chacha20::ChaCha20Rng;
use heapless::Vec;
use rand_core::{Rng, SeedableRng};
use zeroize::Zeroizing;

use super::cookie::CookieKeys;
use super::schedule::{MasterSecret, accept_hash, initiate_hash, key_hash};
use super::sealed::FirstKeys;
use super::{HandshakeOutput, OpenError, Role};
use crate::crypto::Provider;
use crate::crypto::exchange::Ephemeral;
use crate::crypto::kdf::{HASH_LEN, Secret, sha256};
use crate::crypto::rsa::{MAX_MODULUS_LEN, PrivateKey};
use crate::time::Instant;
use crate::wire::packet::{
    self, Accept, CHALLENGE_OVERHEAD, Challenge, HELLO_LENS, Hello, Initiate, MODULUS_LENS, Packet, PacketError,
    SealedHeader, TransportParameters,
};

/// Longest Accept datagram in bytes.
pub const ACCEPT_LEN: usize = packet::ACCEPT_LEN;

// SPEC 3.1: every legal Hello is at least as long as the longest Challenge.
const _: () = assert!(HELLO_LENS[1] >= CHALLENGE_OVERHEAD + MAX_MODULUS_LEN && HELLO_LENS[0] >= HELLO_LENS[1]);
// SPEC 3.6: the content of a half-open entry, apart from the few bytes that index it.
const _: () = assert!(size_of::<Accepted>() <= 384);

/// How to handle a datagram.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is no allocator to box it, and it is matched at once")]
pub enum Incoming {
    /// It was dropped.
    Dropped(DropReason),
    /// Send the first N bytes of `out` to its source.
    Reply(usize),
    /// The cookie verified: look for a half-open entry of the same `id` and repeat its Accept;
    /// otherwise, if the cookie's budget and the limits allow, run it.
    Accept(PendingAccept),
    /// Belongs to a connection or a half-open entry: look it up. If there is neither, the answer is
    /// [`SealedHeader::hint`].
    Sealed(SealedHeader),
    /// A Hint, which only clients act on.
    Hint,
}

/// Why the acceptor dropped a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DropReason {
    /// It is not a packet.
    Packet(PacketError),
    /// A packet that only servers send.
    Direction,
    /// The Hello is for another key, or shorter than the answer.
    Hello,
    /// The cookie is not valid, or expired.
    Cookie,
    /// The length of the ciphertext is that of another key.
    Key,
}

impl core::fmt::Display for DropReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Packet(error) => return error.fmt(f),
            Self::Direction => "a packet that only servers send",
            Self::Hello => "hello for another key",
            Self::Cookie => "cookie is not valid",
            Self::Key => "ciphertext is as long as another key",
        })
    }
}

impl core::error::Error for DropReason {}

/// The server's key hash and parameters, and its cookie keys.
pub struct Acceptor {
    modulus: Vec<u8, MAX_MODULUS_LEN>,
    key_hash: [u8; HASH_LEN],
    parameters: TransportParameters,
    cookies: CookieKeys,
}

impl core::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Acceptor").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl Acceptor {
    /// Accepts handshakes under the key with this modulus (256, 384 or 512 bytes), stating
    /// `parameters` to each client. `seed` feeds the cookie keys.
    #[must_use]
    pub fn new(modulus: &[u8], parameters: TransportParameters, seed: [u8; 32]) -> Self {
        debug_assert!(MODULUS_LENS.contains(&modulus.len()) && parameters.is_legal());
        Self {
            // A modulus of any other length completes no handshake.
            modulus: Vec::from_slice(modulus).unwrap_or_default(),
            key_hash: key_hash(modulus),
            parameters,
            cookies: CookieKeys::new(seed),
        }
    }

    /// Classifies a datagram and answers a Hello. Does no private-key operation, keeps no state,
    /// and never sends more bytes than it received.
    pub fn handle_datagram<P: Provider>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        out: &mut [u8],
    ) -> Incoming {
        match Packet::decode(datagram, P::crc32) {
            Ok(Packet::Hello(hello)) => self.challenge::<P>(now, from, &hello, out),
            Ok(Packet::Initiate(initiate)) => self.admit(now, from, &initiate, datagram),
            Ok(Packet::Sealed(header)) => Incoming::Sealed(header),
            Ok(Packet::Hint(_)) => Incoming::Hint,
            Ok(Packet::Challenge(_) | Packet::Accept(_)) => Incoming::Dropped(DropReason::Direction),
            Err(error) => Incoming::Dropped(DropReason::Packet(error)),
        }
    }

    fn challenge<P: Provider>(&mut self, now: Instant, from: SocketAddr, hello: &Hello, out: &mut [u8]) -> Incoming {
        // SPEC 3.1: silent if the client expects another key.
        if hello.key_hint != [0; 8] && !self.key_hash.starts_with(&hello.key_hint) {
            return Incoming::Dropped(DropReason::Hello);
        }
        let cookie = self.cookies.issue(now, &address_bytes(from), hello);
        let challenge = Challenge { client_random: hello.client_random, cookie, modulus: &self.modulus };
        match Packet::Challenge(challenge).encode(out, P::crc32) {
            Ok(len) if len <= usize::from(hello.datagram_len) => Incoming::Reply(len),
            _ => Incoming::Dropped(DropReason::Hello),
        }
    }

    fn admit(&mut self, now: Instant, from: SocketAddr, initiate: &Initiate<'_>, datagram: &[u8]) -> Incoming {
        let address = address_bytes(from);
        // SPEC 3.2: nothing else is examined before the cookie is verified.
        if !self.cookies.verify(now, &address, &initiate.hello, &initiate.cookie) {
            return Incoming::Dropped(DropReason::Cookie);
        }
        if initiate.ciphertext.len() != self.modulus.len() {
            return Incoming::Dropped(DropReason::Key);
        }
        let Ok(ciphertext) = Vec::from_slice(initiate.ciphertext) else {
            return Incoming::Dropped(DropReason::Key);
        };
        Incoming::Accept(PendingAccept {
            id: first(&sha256(&[datagram, &address])),
            cookie_tag: first(&initiate.cookie),
            initiate_hash: initiate_hash(&self.key_hash, datagram),
            echo: first(&initiate.hello.client_random),
            hello_len: initiate.hello.datagram_len,
            share: initiate.share,
            local: self.parameters,
            remote: initiate.parameters,
            ciphertext,
        })
    }
}

/// An Initiate with a valid cookie. `Send`; holds the ciphertext.
pub struct PendingAccept {
    id: [u8; 16],
    cookie_tag: [u8; 8],
    initiate_hash: [u8; HASH_LEN],
    echo: [u8; 8],
    hello_len: u16,
    share: [u8; 32],
    local: TransportParameters,
    remote: TransportParameters,
    ciphertext: Vec<u8, MAX_MODULUS_LEN>,
}

impl core::fmt::Debug for PendingAccept {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PendingAccept").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Result of [`PendingAccept::run`]: the content of a half-open entry.
#[derive(Debug)]
pub struct Accepted {
    /// Result of the handshake.
    pub established: HandshakeOutput,
    /// Verifies a first sealed packet.
    first_keys: FirstKeys,
    /// The Accept datagram, complete.
    pub datagram: [u8; ACCEPT_LEN],
}

impl Accepted {
    /// Whether a Sealed datagram is authentic: only the client can have sent it, and the connection
    /// opens with it (SPEC 3.6). Its CRC was checked by [`Acceptor::handle_datagram`].
    ///
    /// # Errors
    /// [`OpenError`]: it is to be dropped.
    pub fn verify<P: Provider>(&self, datagram: &[u8]) -> Result<(), OpenError> {
        self.first_keys.verify::<P>(datagram)
    }
}

impl PendingAccept {
    /// Hash of the Initiate and its source: the same Initiate has the same id.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Identifies its cookie, for counting (SPEC 3.2).
    #[must_use]
    pub fn cookie_tag(&self) -> [u8; 8] {
        self.cookie_tag
    }

    /// Does all public-key work of this handshake. Deterministic. `None` if the ciphertext or the
    /// share is not acceptable. `seed` must be fresh.
    #[must_use]
    pub fn run<P: Provider>(&self, key: &impl PrivateKey, connection_id: u32, seed: [u8; 32]) -> Option<Accepted> {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let mut scalar = Zeroizing::new([0; 32]);
        rng.fill_bytes(scalar.as_mut());
        let ephemeral = Ephemeral::new(&Secret::new(*scalar));
        let share = ephemeral.share();
        // SPEC 3.5: a share that is not contributory.
        let exchanged = ephemeral.diffie_hellman(&self.share)?;
        let mut z = Zeroizing::new([0; MAX_MODULUS_LEN]);
        let z = z.get_mut(..self.ciphertext.len())?;
        // SPEC 3.4
        key.decapsulate(&mut rng, &self.ciphertext, z).ok()?;

        let mut accept =
            Accept { echo: self.echo, connection_id, share, parameters: self.local, confirmation: [0; HASH_LEN] };
        let mut datagram = [0; ACCEPT_LEN];
        // The confirmation covers the bytes encoded before it, so the Accept is encoded twice.
        Packet::Accept(accept).encode(&mut datagram, P::crc32).ok()?;
        let h = accept_hash(&self.initiate_hash, &datagram);
        let master = MasterSecret::new(&h, z, &exchanged);
        accept.confirmation = master.confirmation(&h);
        Packet::Accept(accept).encode(&mut datagram, P::crc32).ok()?;
        let established = HandshakeOutput {
            role: Role::Server,
            connection_id,
            c2s: master.c2s(),
            s2c: master.s2c(),
            exporter: master.exporter(),
            local: self.local,
            remote: self.remote,
            hello_len: self.hello_len,
        };
        Some(Accepted { first_keys: FirstKeys::new(&established), established, datagram })
    }
}

/// An address as cookies and ids hash it: IPv6 (IPv4 mapped), then the port (SPEC 3.2).
fn address_bytes(address: SocketAddr) -> [u8; 18] {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let mut bytes = [0; 18];
    bytes[..16].copy_from_slice(&ip.octets());
    bytes[16..].copy_from_slice(&address.port().to_be_bytes());
    bytes
}

/// The first `N` bytes.
fn first<const N: usize>(bytes: &[u8; HASH_LEN]) -> [u8; N] {
    const { assert!(N <= HASH_LEN) };
    core::array::from_fn(|at| bytes[at])
}

#[cfg(test)]
mod tests;
