//! The client's side of the handshake (SPEC 3).
//!
//! ```text
//! Hello -> (Challenge) -> [key accepted?] -> encapsulate -> share -> Initiate
//!   ^                                                                  |  ^
//!   '--------------- no Accept, or the cookie is too old --------------'  |
//!                                                                         |
//!            Initiate -> (Accept) -> agree -> HandshakeOutput             |
//!                                      '------- not authentic ------------'
//! ```
//! Each arrow that computes is a separate step: no call does more than one public-key operation.

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroize;

use super::schedule::{MasterSecret, accept_hash, initiate_hash, key_hash};
use super::{FINGERPRINT_LEN, Fingerprint, HandshakeOutput, Role};
use crate::crypto::Provider;
use crate::crypto::exchange::Ephemeral;
use crate::crypto::kdf::{HASH_LEN, Secret, ct_eq};
use crate::crypto::rsa::{ModulusBytes, Rsa2048, ServerKey};
use crate::time::{Duration, Instant};
use crate::wire::packet::{Accept, HELLO_LENS, Hello, Initiate, Packet, PacketError, TransportParameters};

/// Time from one Initiate, or background Hello, to the next; the last one repeats (SPEC 3.1).
const INTERVALS: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_millis(1000), Duration::from_millis(2000)];
/// The same for the Hellos of an initial attempt.
const INITIAL_INTERVALS: [Duration; 2] = [INTERVALS[0], INTERVALS[1]];
/// Initiates sent with one cookie. The server may have restarted since it issued the cookie, and
/// lost its keys.
const MAX_INITIATES: u8 = 5;
/// How long a cookie is used. The server accepts it for at least 60 s.
const COOKIE_LIFE: Duration = Duration::from_secs(10);

// Part of a device's memory budget.
const _: () = assert!(size_of::<ClientHandshake<Rsa2048>>() <= 1024);

/// An event of the handshake.
#[derive(Debug)]
pub enum HandshakeEvent {
    /// The server's key, when none was expected: answer with [`ClientHandshake::accept_key`] or
    /// [`ClientHandshake::stop`].
    UnknownServerKey(Fingerprint),
    /// The handshake is complete, and idle again.
    Established(HandshakeOutput),
}

/// Why a handshake dropped a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DropReason {
    /// It is not a packet.
    Packet(PacketError),
    /// It is not for this attempt or this state.
    Unexpected,
    /// The key is not the expected one or not acceptable.
    Key,
    /// The Accept is not authentic.
    NotAuthentic,
}

impl core::fmt::Display for DropReason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Packet(error) => return error.fmt(f),
            Self::Unexpected => "not for this attempt",
            Self::Key => "key is not the expected one",
            Self::NotAuthentic => "accept is not authentic",
        })
    }
}

impl core::error::Error for DropReason {}

/// How often an attempt sends its Hello (SPEC 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetrySchedule {
    /// There is no connection: ten Hellos in the first 5 s, which succeed where every third
    /// datagram is lost.
    #[default]
    Initial,
    /// There is a connection that is silent and may recover first.
    Background,
}

impl RetrySchedule {
    const fn hello_intervals(self) -> &'static [Duration] {
        match self {
            Self::Initial => &INITIAL_INTERVALS,
            Self::Background => &INTERVALS,
        }
    }

    /// Hellos of full length before shorter ones are tried: after 1.75 s.
    const fn long_hellos(self) -> u8 {
        match self {
            Self::Initial => 4,
            Self::Background => 3,
        }
    }
}

/// State of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// Sends Hellos until a Challenge arrives.
    Hello,
    /// Reports the key in an event.
    ReportKey,
    /// Waits for the caller's answer to that event.
    AwaitKeyAnswer,
    /// Next step: the KEM.
    Encapsulate,
    /// Next step: the X25519 share.
    Share,
    /// Sends Initiates until an Accept arrives.
    Initiate,
    /// Next step: the X25519 agreement, and verification of the Accept.
    Agree,
    /// Reports completion in an event.
    Done,
}

/// One attempt at a handshake, at most 1 KiB for `Rsa2048`. Idle (and all zero) until
/// [`ClientHandshake::start`].
pub struct ClientHandshake<K: ServerKey> {
    phase: Phase,
    /// Whether `expected` is set.
    is_key_known: bool,
    /// Whether short Hellos are sent.
    is_short: bool,
    /// Whether a received Accept proved not to be authentic.
    is_forged: bool,
    schedule: RetrySchedule,
    /// Hellos or Initiates sent in this phase.
    sent: u8,
    /// Counter of client randoms; all randomness is derived from the seed and this.
    attempt: u32,
    seed: Secret,
    expected: Fingerprint,
    local: TransportParameters,
    client_random: [u8; 32],
    key_hint: [u8; 8],
    /// When the next Hello or Initiate is due.
    next_send: Instant,
    /// When the Challenge was received.
    challenged: Instant,
    cookie: [u8; 32],
    key_hash: [u8; HASH_LEN],
    modulus_len: u16,
    /// The server's modulus, later the ciphertext for it.
    kem: K::Bytes,
    z: K::Bytes,
    share: [u8; 32],
    initiate_hash: [u8; HASH_LEN],
    /// The Accept that is verified, and its h.
    accept: Accept,
    accept_hash: [u8; HASH_LEN],
    master: MasterSecret,
}

impl<K: ServerKey> core::fmt::Debug for ClientHandshake<K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ClientHandshake").field("phase", &self.phase).finish_non_exhaustive()
    }
}

impl<K: ServerKey> Default for ClientHandshake<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: ServerKey> Drop for ClientHandshake<K> {
    fn drop(&mut self) {
        self.z.as_mut().zeroize();
    }
}

impl<K: ServerKey> ClientHandshake<K> {
    /// Idle.
    #[must_use]
    pub const fn new() -> Self {
        // Never sent: `start` sets the local ones, an Accept those of the server.
        const NO_PARAMETERS: TransportParameters = TransportParameters {
            datagram: 0,
            packets: 0,
            message: 0,
            chat: 0,
            bulk: 0,
            ack_delay_ms: 0,
            tick_us: 0,
            idle_s: 0,
        };
        Self {
            phase: Phase::Idle,
            is_key_known: false,
            is_short: false,
            is_forged: false,
            schedule: RetrySchedule::Initial,
            sent: 0,
            attempt: 0,
            seed: Secret::new([0; 32]),
            expected: Fingerprint([0; FINGERPRINT_LEN]),
            local: NO_PARAMETERS,
            client_random: [0; 32],
            key_hint: [0; 8],
            next_send: Instant::ZERO,
            challenged: Instant::ZERO,
            cookie: [0; 32],
            key_hash: [0; HASH_LEN],
            modulus_len: 0,
            kem: K::Bytes::ZERO,
            z: K::Bytes::ZERO,
            share: [0; 32],
            initiate_hash: [0; HASH_LEN],
            accept: Accept {
                echo: [0; 8],
                connection_id: 0,
                share: [0; 32],
                parameters: NO_PARAMETERS,
                confirmation: [0; HASH_LEN],
            },
            accept_hash: [0; HASH_LEN],
            master: MasterSecret::EMPTY,
        }
    }

    /// Begins an attempt. `expected` is the fingerprint of the only acceptable key; without one,
    /// the key is reported. All randomness of the attempt is derived from `seed`, which must be
    /// fresh.
    pub fn start(
        &mut self,
        now: Instant,
        seed: [u8; 32],
        expected: Option<Fingerprint>,
        parameters: TransportParameters,
        schedule: RetrySchedule,
    ) {
        debug_assert!(parameters.is_legal());
        self.stop();
        self.seed = Secret::new(seed);
        self.local = parameters;
        self.schedule = schedule;
        if let Some(expected) = expected {
            (self.expected, self.is_key_known) = (expected, true);
        }
        self.say_hello(now);
    }

    /// Stops the attempt and wipes its secrets.
    // Out of line: it is long, and called from many places.
    #[inline(never)]
    pub fn stop(&mut self) {
        *self = Self::new();
    }

    /// Whether it waits for a Challenge. Its state does not depend on the destination of its Hello
    /// yet.
    #[must_use]
    pub(crate) fn says_hello(&self) -> bool {
        self.phase == Phase::Hello
    }

    /// Whether an attempt is in progress.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.phase != Phase::Idle
    }

    /// Handles a Challenge or an Accept. Cheap: computation is left to
    /// [`ClientHandshake::handle_timeout`].
    ///
    /// # Errors
    /// [`DropReason`]: the datagram was dropped; the attempt continues.
    pub fn handle_datagram<P: Provider>(&mut self, now: Instant, datagram: &[u8]) -> Result<(), DropReason> {
        let packet = Packet::decode(datagram, P::crc32).map_err(DropReason::Packet)?;
        match (self.phase, packet) {
            (Phase::Hello, Packet::Challenge(challenge)) if challenge.client_random == self.client_random => {
                self.take_challenge(now, challenge.cookie, challenge.modulus)
            }
            // SPEC 3.5: it must echo the client random.
            (Phase::Initiate, Packet::Accept(accept)) if self.client_random.starts_with(&accept.echo) => {
                self.accept_hash = accept_hash(&self.initiate_hash, datagram);
                self.accept = accept;
                self.phase = Phase::Agree;
                Ok(())
            }
            _ => Err(DropReason::Unexpected),
        }
    }

    /// Answers [`HandshakeEvent::UnknownServerKey`]: the attempt continues with that key, which is
    /// the expected one from now on.
    pub fn accept_key(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::ReportKey | Phase::AwaitKeyAnswer) {
            return;
        }
        (self.expected, self.is_key_known) = (Fingerprint::of_key_hash(&self.key_hash), true);
        self.phase = Phase::Encapsulate;
        if self.is_cookie_old(now) {
            self.say_hello(now);
        }
    }

    /// Does the next step that is due: at most one public-key operation, or a retransmission
    /// becoming due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_cookie_old(now) {
            return self.say_hello(now);
        }
        match self.phase {
            Phase::Encapsulate => self.encapsulate(),
            Phase::Share => {
                self.share = self.ephemeral().share();
                (self.phase, self.sent, self.next_send) = (Phase::Initiate, 0, now);
            }
            Phase::Initiate if now >= self.next_send && self.sent >= MAX_INITIATES => self.say_hello(now),
            Phase::Agree => self.agree(),
            _ => {}
        }
    }

    /// The datagram to send now, if one is due: its length in `out` (at least 1200 bytes long).
    pub fn poll_transmit<P: Provider>(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        // At the last instant nothing is sent again, because there is no later one.
        let is_never = self.sent > 0 && self.next_send == Instant::LAST;
        if now < self.next_send || is_never {
            return None;
        }
        let len = match self.phase {
            Phase::Hello => {
                if self.sent == self.schedule.long_hellos() && !self.is_short {
                    // The cookie is bound to the length, so a late answer to a long Hello must be
                    // distinguished from one to a short one.
                    self.is_short = true;
                    self.renew_random();
                }
                Packet::Hello(self.hello()).encode(out, P::crc32).ok()?
            }
            Phase::Initiate if self.sent < MAX_INITIATES => {
                let initiate = Initiate {
                    hello: self.hello(),
                    cookie: self.cookie,
                    share: self.share,
                    parameters: self.local,
                    ciphertext: self.kem.as_ref().get(..usize::from(self.modulus_len))?,
                };
                let len = Packet::Initiate(initiate).encode(out, P::crc32).ok()?;
                self.initiate_hash = initiate_hash(&self.key_hash, out.get(..len)?);
                len
            }
            _ => return None,
        };
        let intervals = if self.phase == Phase::Hello { self.schedule.hello_intervals() } else { &INTERVALS };
        let interval = intervals.get(usize::from(self.sent)).or(intervals.last());
        self.next_send = now + interval.copied().unwrap_or_default();
        self.sent = self.sent.saturating_add(1);
        Some(len)
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<HandshakeEvent> {
        match self.phase {
            Phase::ReportKey => {
                self.phase = Phase::AwaitKeyAnswer;
                Some(HandshakeEvent::UnknownServerKey(Fingerprint::of_key_hash(&self.key_hash)))
            }
            Phase::Done => {
                let established = HandshakeOutput {
                    role: Role::Client,
                    connection_id: self.accept.connection_id,
                    c2s: self.master.c2s(),
                    s2c: self.master.s2c(),
                    exporter: self.master.exporter(),
                    local: self.local,
                    remote: self.accept.parameters,
                    hello_len: self.hello().datagram_len,
                };
                self.stop();
                Some(HandshakeEvent::Established(established))
            }
            _ => None,
        }
    }

    /// Why a datagram that [`ClientHandshake::handle_datagram`] accepted was dropped by a later
    /// step.
    pub fn poll_drop(&mut self) -> Option<DropReason> {
        core::mem::take(&mut self.is_forged).then_some(DropReason::NotAuthentic)
    }

    /// When to call [`ClientHandshake::handle_timeout`]: in the past or `now` while a step is to be
    /// computed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Idle | Phase::ReportKey | Phase::AwaitKeyAnswer | Phase::Done => None,
            Phase::Hello | Phase::Initiate => Some(self.next_send),
            Phase::Encapsulate | Phase::Share | Phase::Agree => Some(Instant::ZERO),
        }
    }

    /// Starts over with a fresh client random.
    fn say_hello(&mut self, now: Instant) {
        self.z.as_mut().zeroize();
        self.renew_random();
        // SPEC 3.1: a prefix of the expected key, or zero. A key accepted later changes it in the
        // next Hello only, because the cookie is bound to it.
        if self.is_key_known {
            self.key_hint = core::array::from_fn(|at| self.expected.0[at]);
        }
        (self.phase, self.sent, self.next_send) = (Phase::Hello, 0, now);
    }

    /// Whether the cookie is too old to use.
    fn is_cookie_old(&self, now: Instant) -> bool {
        matches!(self.phase, Phase::Encapsulate | Phase::Share | Phase::Initiate)
            && now.saturating_since(self.challenged) >= COOKIE_LIFE
    }

    fn take_challenge(&mut self, now: Instant, cookie: [u8; 32], modulus: &[u8]) -> Result<(), DropReason> {
        let key_hash = key_hash(modulus);
        // SPEC 3.3
        if self.is_key_known && Fingerprint::of_key_hash(&key_hash) != self.expected {
            return Err(DropReason::Key);
        }
        K::from_modulus(modulus).map_err(|_| DropReason::Key)?;
        let modulus_len = u16::try_from(modulus.len()).map_err(|_| DropReason::Key)?;
        self.kem.as_mut().get_mut(..modulus.len()).ok_or(DropReason::Key)?.copy_from_slice(modulus);
        (self.key_hash, self.modulus_len) = (key_hash, modulus_len);
        (self.cookie, self.challenged) = (cookie, now);
        self.phase = if self.is_key_known { Phase::Encapsulate } else { Phase::ReportKey };
        Ok(())
    }

    /// One public RSA operation. The ciphertext replaces the modulus.
    fn encapsulate(&mut self) {
        let modulus = self.kem.as_ref().get(..usize::from(self.modulus_len)).unwrap_or(&[]);
        // The same bytes were accepted as a key before.
        let Ok(key) = K::from_modulus(modulus) else { return self.stop() };
        let mut seed = self.derive(b"kabar1 kem");
        let mut encapsulated = key.encapsulate(&mut ChaCha20Rng::from_seed(*seed.expose()));
        seed.zeroize();
        self.z = encapsulated.z.clone();
        self.kem = encapsulated.ciphertext;
        encapsulated.z.as_mut().zeroize();
        self.phase = Phase::Share;
    }

    /// One X25519 operation. The ephemeral secret can be derived again, so a forged Accept does no
    /// harm.
    fn agree(&mut self) {
        let z = self.z.as_ref().get(..usize::from(self.modulus_len)).unwrap_or(&[]);
        let master = self
            .ephemeral()
            .diffie_hellman(&self.accept.share)
            .map(|exchanged| MasterSecret::new(&self.accept_hash, z, &exchanged));
        match master {
            Some(master) if ct_eq(&master.confirmation(&self.accept_hash), &self.accept.confirmation) => {
                self.master = master;
                self.phase = Phase::Done;
            }
            // SPEC 3.5: ignored; the attempt continues.
            _ => {
                self.is_forged = true;
                self.phase = Phase::Initiate;
            }
        }
    }

    fn hello(&self) -> Hello {
        let datagram_len = HELLO_LENS[usize::from(self.is_short)] as u16;
        Hello { client_random: self.client_random, key_hint: self.key_hint, datagram_len }
    }

    fn renew_random(&mut self) {
        self.attempt = self.attempt.wrapping_add(1);
        self.client_random = *self.derive(b"kabar1 random").expose();
    }

    fn ephemeral(&self) -> Ephemeral {
        Ephemeral::new(&self.derive(b"kabar1 x25519"))
    }

    fn derive(&self, label: &[u8]) -> Secret {
        self.seed.derive(label, &self.attempt.to_be_bytes())
    }
}

#[cfg(test)]
mod tests;
