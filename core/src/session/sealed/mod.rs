//! Sealed packets (SPEC 4): keys per epoch and direction, the replay window.
//!
//! ```text
//! seal: number -> [epoch border: next keys, after an acknowledgement] -> encrypt -> CRC
//! open: header -> epoch -> window -> verify, decrypt -> [next epoch: step] -> window moves
//! ```
//! In `open`, no state changes before *verify*.

use zeroize::Zeroize;

use super::epoch::{EpochKeys, Ratchet, nonce};
use super::window::{ReplayWindow, Seen};
use super::{HandshakeOutput, Role};
use crate::crypto::aead::{NONCE_LEN, TAG_LEN};
use crate::crypto::kdf::Secret;
use crate::crypto::{Aead, Portable, Provider};
use crate::time::{Duration, Instant};
use crate::wire::MAX_DATAGRAM;
use crate::wire::packet::{CRC_LEN, SEALED_HEADER_LEN, SEALED_TAG_LEN, SealedHeader};

/// Bytes that sealing adds: header 13, tag 16, CRC 4 (SPEC 8).
pub const OVERHEAD: usize = 33;
/// Packet numbers per epoch, as a power of two (SPEC 4.2).
pub const EPOCH_BITS: u32 = 20;
/// Packet numbers end here (SPEC 4.1).
pub const PACKET_NUMBER_END: u64 = 1 << 62;

const _: () = assert!(OVERHEAD == SEALED_HEADER_LEN + SEALED_TAG_LEN + CRC_LEN);
const _: () = assert!(SEALED_TAG_LEN == TAG_LEN);
// Part of a device's memory budget.
const _: () = assert!(size_of::<Session<Portable>>() <= 512);

/// A sender enters the next epoch after the first packet that is sealed this long into an epoch.
/// Packets of a live connection are at most a third of the longest idle time-out (20 min) apart,
/// so an epoch ends within the hour that SPEC 4.2 allows.
const KEY_UPDATE_AFTER: Duration = Duration::from_secs(40 * 60);

/// A packet could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SealError {
    /// The buffer is too small, or the body is empty or too long for a datagram.
    BufferFull,
    /// The packet numbers or the epoch's budget are used up (the next epoch needs an
    /// acknowledgement first).
    Exhausted,
}

impl core::fmt::Display for SealError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::BufferFull => "body does not fit a packet",
            Self::Exhausted => "packet numbers are used up",
        })
    }
}

impl core::error::Error for SealError {}

/// Why a sealed packet was dropped. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpenError {
    /// Too short, or of another connection.
    Malformed,
    /// The tag does not verify.
    NotAuthentic,
    /// Received before.
    Replayed,
    /// Older than the window, or of an epoch without keys.
    Stale,
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a sealed packet of this connection",
            Self::NotAuthentic => "not authentic",
            Self::Replayed => "seen before",
            Self::Stale => "too old, or of another epoch",
        })
    }
}

impl core::error::Error for OpenError {}

/// An opened packet.
#[derive(Debug)]
pub struct Opened<'a> {
    /// Its number.
    pub packet_number: u64,
    /// Whether it is the highest so far.
    pub is_newest: bool,
    /// The frames.
    pub body: &'a [u8],
}

/// Seals and opens the packets of one connection, with a replay window of 1024 numbers (SPEC 4.3).
pub struct Session<P: Provider> {
    connection_id: u32,
    epoch_bits: u32,
    seal_state: SealState<P::Aead>,
    open_state: OpenState<P::Aead>,
    exporter: Secret,
}

impl<P: Provider> core::fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Session(..)")
    }
}

impl<P: Provider> Session<P> {
    /// Starts from a handshake. Epochs have `1 << epoch_bits` numbers ([`EPOCH_BITS`]; tests use
    /// fewer; 62 at most).
    #[must_use]
    pub fn new(now: Instant, established: &HandshakeOutput, epoch_bits: u32) -> Self {
        let (local, remote) = match established.role {
            Role::Client => (&established.c2s, &established.s2c),
            Role::Server => (&established.s2c, &established.c2s),
        };
        Self {
            connection_id: established.connection_id,
            epoch_bits: epoch_bits.min(PACKET_NUMBER_END.ilog2()),
            seal_state: SealState::new(now, local.clone()),
            open_state: OpenState::new(remote.clone()),
            exporter: established.exporter.clone(),
        }
    }

    /// The number that the next sealed packet gets.
    #[cfg(test)]
    fn next_packet_number(&self) -> u64 {
        self.seal_state.next_number
    }

    /// Leaves out all numbers before `number`, as a hostile peer may. Epochs are crossed as ever.
    #[cfg(feature = "internals")]
    pub fn skip_to(&mut self, number: u64) {
        self.seal_state.next_number = self.seal_state.next_number.max(number);
    }

    /// Seals `buffer[13..13 + body_len]` in place and completes header, tag and CRC. Returns the
    /// number and the datagram's length (`body_len` + [`OVERHEAD`]).
    ///
    /// # Errors
    /// [`SealError`]; no packet number was used.
    pub fn seal(&mut self, now: Instant, buffer: &mut [u8], body_len: usize) -> Result<(u64, usize), SealError> {
        if body_len == 0 || body_len > MAX_DATAGRAM - OVERHEAD {
            return Err(SealError::BufferFull);
        }
        let datagram = buffer.get_mut(..body_len + OVERHEAD).ok_or(SealError::BufferFull)?;
        let (content, crc) = datagram.split_last_chunk_mut::<CRC_LEN>().ok_or(SealError::BufferFull)?;
        let (sealed, tag) = content.split_last_chunk_mut::<TAG_LEN>().ok_or(SealError::BufferFull)?;
        let (header, body) = sealed.split_first_chunk_mut::<SEALED_HEADER_LEN>().ok_or(SealError::BufferFull)?;

        let packet_number = self.seal_state.take_number(now, self.epoch_bits)?;
        *header = SealedHeader { connection_id: self.connection_id, packet_number }.encode();
        let keys = &self.seal_state.keys;
        *tag = keys.aead.seal(&keys.nonce(packet_number), header, body);
        *crc = P::crc32(content).to_be_bytes();
        Ok((packet_number, body_len + OVERHEAD))
    }

    /// Opens a Sealed datagram whose CRC was checked, in place.
    ///
    /// # Errors
    /// [`OpenError`]; nothing changed then.
    pub fn open<'a>(&mut self, datagram: &'a mut [u8]) -> Result<Opened<'a>, OpenError> {
        let (content, _) = datagram.split_last_chunk_mut::<CRC_LEN>().ok_or(OpenError::Malformed)?;
        let (sealed, tag) = content.split_last_chunk_mut::<TAG_LEN>().ok_or(OpenError::Malformed)?;
        let (header, body) = sealed.split_first_chunk_mut::<SEALED_HEADER_LEN>().ok_or(OpenError::Malformed)?;
        let SealedHeader { connection_id, packet_number } =
            SealedHeader::from_bytes(header).ok_or(OpenError::Malformed)?;
        if connection_id != self.connection_id || body.is_empty() {
            return Err(OpenError::Malformed);
        }
        let is_newest = self.open_state.open(self.epoch_bits, packet_number, header, body, tag)?;
        Ok(Opened { packet_number, is_newest, body })
    }

    /// Records that the peer acknowledged a packet, which permits the next epoch (SPEC 4.2).
    pub fn on_acknowledged(&mut self, packet_number: u64) {
        // An acknowledged packet was sent, so it is of this epoch or an earlier one.
        self.seal_state.is_acknowledged |= packet_number >> self.epoch_bits == self.seal_state.epoch;
    }

    /// Binds proofs to this connection.
    #[must_use]
    pub fn exporter(&self) -> &Secret {
        &self.exporter
    }
}

/// Verifies packets of epoch 0 before there is a [`Session`]: checks the first packet of a
/// half-open connection at the cost of its AEAD alone (SPEC 3.6).
#[derive(Clone)]
pub struct FirstKeys {
    connection_id: u32,
    key: Secret,
    iv: [u8; NONCE_LEN],
}

impl core::fmt::Debug for FirstKeys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FirstKeys(..)")
    }
}

impl FirstKeys {
    /// The keys under which the peer seals its first packets.
    #[must_use]
    pub fn new(established: &HandshakeOutput) -> Self {
        let secret = match established.role {
            Role::Client => &established.s2c,
            Role::Server => &established.c2s,
        };
        let mut iv = [0; NONCE_LEN];
        secret.expand(b"kabar1 iv", &[], &mut iv);
        Self { connection_id: established.connection_id, key: secret.derive(b"kabar1 key", &[]), iv }
    }

    /// Whether a Sealed datagram whose CRC was checked is authentic. A client stays in epoch 0
    /// until it receives a packet from the server (SPEC 4.2), so packets of other epochs are stale.
    ///
    /// # Errors
    /// [`OpenError`], as [`Session::open`] of a new session.
    pub fn verify<P: Provider>(&self, datagram: &[u8]) -> Result<(), OpenError> {
        let (content, _) = datagram.split_last_chunk::<CRC_LEN>().ok_or(OpenError::Malformed)?;
        let (sealed, tag) = content.split_last_chunk::<TAG_LEN>().ok_or(OpenError::Malformed)?;
        let (header, body) = sealed.split_first_chunk::<SEALED_HEADER_LEN>().ok_or(OpenError::Malformed)?;
        let SealedHeader { connection_id, packet_number } =
            SealedHeader::from_bytes(header).ok_or(OpenError::Malformed)?;
        if connection_id != self.connection_id || body.is_empty() {
            return Err(OpenError::Malformed);
        }
        if packet_number >> EPOCH_BITS != 0 {
            return Err(OpenError::Stale);
        }
        // Opening overwrites its input, and the datagram is still needed.
        let mut scratch = [0; MAX_DATAGRAM];
        let scratch = scratch.get_mut(..body.len()).ok_or(OpenError::Malformed)?;
        scratch.copy_from_slice(body);
        let nonce = nonce(&self.iv, packet_number);
        P::Aead::new(self.key.expose()).open(&nonce, header, scratch, tag).map_err(|_| OpenError::NotAuthentic)
    }
}

impl Drop for FirstKeys {
    fn drop(&mut self) {
        self.iv.zeroize();
    }
}

/// The sending direction.
struct SealState<A> {
    keys: EpochKeys<A>,
    ratchet: Ratchet,
    /// The epoch of `keys`, and when it began.
    epoch: u64,
    since: Instant,
    /// Whether a packet of this epoch was acknowledged, so that the peer has its keys.
    is_acknowledged: bool,
    next_number: u64,
}

impl<A: Aead> SealState<A> {
    fn new(now: Instant, secret: Secret) -> Self {
        let mut ratchet = Ratchet::new(secret);
        Self { keys: ratchet.step(), ratchet, epoch: 0, since: now, is_acknowledged: false, next_number: 0 }
    }

    /// Takes the number of the next packet; `keys` are those of its epoch then.
    fn take_number(&mut self, now: Instant, epoch_bits: u32) -> Result<u64, SealError> {
        let number = self.next_number;
        let epoch = number >> epoch_bits;
        // SPEC 4.1
        if number >= PACKET_NUMBER_END {
            return Err(SealError::Exhausted);
        }
        if epoch != self.epoch {
            // SPEC 4.2: the receiver tries only one epoch ahead.
            if !self.is_acknowledged {
                return Err(SealError::Exhausted);
            }
            self.keys = self.ratchet.step();
            (self.epoch, self.since, self.is_acknowledged) = (epoch, now, false);
        }
        // The jump is made after a packet, so that `next_packet_number` is always exact.
        let is_due = self.is_acknowledged && now.saturating_since(self.since) >= KEY_UPDATE_AFTER;
        self.next_number = if is_due { (epoch + 1) << epoch_bits } else { number + 1 };
        Ok(number)
    }
}

/// The receiving direction.
struct OpenState<A> {
    /// Kept only while the window reaches into the previous epoch.
    previous: Option<EpochKeys<A>>,
    current: EpochKeys<A>,
    /// Derived together with `current`, so that a forged packet causes no derivation.
    next: EpochKeys<A>,
    ratchet: Ratchet,
    /// The epoch of `current`.
    epoch: u64,
    window: ReplayWindow,
}

impl<A: Aead> OpenState<A> {
    fn new(secret: Secret) -> Self {
        let mut ratchet = Ratchet::new(secret);
        let (current, next) = (ratchet.step(), ratchet.step());
        Self { previous: None, current, next, ratchet, epoch: 0, window: ReplayWindow::new() }
    }

    /// Returns whether the packet is the newest.
    fn open(
        &mut self,
        epoch_bits: u32,
        number: u64,
        header: &[u8; SEALED_HEADER_LEN],
        body: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<bool, OpenError> {
        // SPEC 4.2, 4.3: epoch and window before any cryptography.
        let epoch = number >> epoch_bits;
        let is_next = epoch == self.epoch + 1;
        let keys = if number >= PACKET_NUMBER_END {
            None
        } else if epoch == self.epoch {
            Some(&self.current)
        } else if is_next {
            Some(&self.next)
        } else if epoch + 1 == self.epoch {
            self.previous.as_ref()
        } else {
            None
        };
        let keys = keys.ok_or(OpenError::Stale)?;
        let seen = self.window.look_up(number);
        match seen {
            Seen::Newest | Seen::Fresh => {}
            Seen::Before => return Err(OpenError::Replayed),
            Seen::TooOld => return Err(OpenError::Stale),
        }
        keys.aead.open(&keys.nonce(number), header, body, tag).map_err(|_| OpenError::NotAuthentic)?;

        // Authentic: state changes from here on.
        if is_next {
            let next = core::mem::replace(&mut self.next, self.ratchet.step());
            self.previous = Some(core::mem::replace(&mut self.current, next));
            self.epoch = epoch;
        }
        self.window.insert(number);
        if self.window.start() >> epoch_bits >= self.epoch {
            self.previous = None;
        }
        Ok(seen == Seen::Newest)
    }
}

#[cfg(test)]
mod tests;
