//! The client's side of the handshake (SPEC 3).
//!
//! ```text
//! Hello -> (Challenge) -> [key accepted?] -> encapsulate -> share -> Initiate -> (Accept) -> agree -> Established
//! ```
//! Each arrow that computes is a step of its own: no call does more than one public-key operation.

use super::{Established, Fingerprint};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::Instant;
use crate::wire::packet::{Limits, PacketError};

/// What the handshake has to say.
#[derive(Debug)]
pub enum HandshakeEvent {
    /// The server's key, when none was expected: answer with [`ClientHandshake::answer_key`].
    KeyOffered(Fingerprint),
    /// Done: the handshake is over and idle again.
    Established(Established),
}

/// Why a datagram was dropped by a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeDrop {
    /// It is not a packet.
    Packet(PacketError),
    /// It is not for this attempt or this state.
    Unexpected,
    /// The key is not the expected one or not acceptable.
    Key,
    /// The Accept is not authentic.
    NotAuthentic,
}

/// One attempt at a handshake, at most 1 KiB for `Rsa2048`. Idle (and all zero) until [`ClientHandshake::start`].
#[derive(Debug)]
pub struct ClientHandshake<K: ServerKey> {
    // Layout is free; `new` must be all zero bytes (a static client lies in .bss).
    _key: core::marker::PhantomData<K>,
}

impl<K: ServerKey> ClientHandshake<K> {
    /// Idle.
    #[must_use]
    pub const fn new() -> Self {
        Self { _key: core::marker::PhantomData }
    }

    /// Begins an attempt. `expected` is the fingerprint of the only key taken; without one, the key is offered. All
    /// randomness of the attempt comes from `seed`, which must be fresh.
    pub fn start(&mut self, now: Instant, seed: [u8; 32], expected: Option<Fingerprint>, limits: Limits) {
        let _ = (now, seed, expected, limits);
        todo!()
    }

    /// Gives up and wipes.
    pub fn stop(&mut self) {
        todo!()
    }

    /// Whether an attempt is under way.
    #[must_use]
    pub fn is_active(&self) -> bool {
        todo!()
    }

    /// Whether a Challenge came: somebody is there. For saying *no answer* or *no handshake*.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        todo!()
    }

    /// Takes a Challenge or an Accept. Cheap: what computes waits for [`ClientHandshake::handle_timeout`].
    ///
    /// # Errors
    /// [`HandshakeDrop`]: the datagram was dropped; the attempt goes on.
    pub fn handle_datagram<P: Provider>(&mut self, now: Instant, datagram: &[u8]) -> Result<(), HandshakeDrop> {
        let _ = (now, datagram);
        todo!()
    }

    /// Answers [`HandshakeEvent::KeyOffered`]. `false` stops the attempt.
    pub fn answer_key(&mut self, now: Instant, accept: bool) {
        let _ = (now, accept);
        todo!()
    }

    /// Does the next step that is due: at most one public-key operation, or a retransmission becoming due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// The datagram to send now, if one is due: its length in `out` (at least 1200 bytes long).
    pub fn poll_transmit<P: Provider>(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        let _ = (now, out);
        todo!()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<HandshakeEvent> {
        todo!()
    }

    /// When to call [`ClientHandshake::handle_timeout`]: in the past or `now` while a step waits.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }
}

impl<K: ServerKey> Default for ClientHandshake<K> {
    fn default() -> Self {
        Self::new()
    }
}
