//! Sealed packets (SPEC 4): keys per epoch and direction, the replay window.

use crate::crypto::Provider;
use crate::crypto::kdf::Secret;
use crate::time::Instant;

use super::Established;

/// Bytes that sealing adds: header 13, tag 16, CRC 4 (SPEC 8).
pub const OVERHEAD: usize = 33;
/// Packet numbers per epoch, as a power of two (SPEC 4.2).
pub const EPOCH_BITS: u32 = 20;

/// A packet could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// The buffer is too small.
    BufferFull,
    /// The packet numbers or the epoch's budget are used up (the next epoch needs an acknowledgement first).
    Exhausted,
}

/// Why a sealed packet was dropped. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpenError {
    /// Too short, or for another connection.
    Malformed,
    /// The tag does not verify.
    NotAuthentic,
    /// Seen before.
    Replayed,
    /// Older than the window, or of an epoch that is not tried.
    Stale,
}

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
    // free: keys (current, next, previous per receiving side), next number, window.
    _provider: core::marker::PhantomData<P>,
    exporter: Secret,
}

impl<P: Provider> core::fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Session(..)")
    }
}

impl<P: Provider> Session<P> {
    /// Starts from a handshake. Epochs have `1 << epoch_bits` numbers ([`EPOCH_BITS`]; tests use fewer).
    #[must_use]
    pub fn new(now: Instant, established: &Established, epoch_bits: u32) -> Self {
        let _ = (now, epoch_bits);
        Self { _provider: core::marker::PhantomData, exporter: established.exporter.clone() }
    }

    /// The number that the next sealed packet gets.
    #[must_use]
    pub fn next_packet_number(&self) -> u64 {
        todo!()
    }

    /// Seals `buffer[13..13 + body_len]` in place and completes header, tag and CRC. Returns the number and the datagram's length
    /// (`body_len` + [`OVERHEAD`]).
    ///
    /// # Errors
    /// [`SealError`]; nothing is sent then.
    pub fn seal(&mut self, now: Instant, buffer: &mut [u8], body_len: usize) -> Result<(u64, usize), SealError> {
        let _ = (now, buffer, body_len);
        todo!()
    }

    /// Opens a Sealed datagram whose CRC was checked, in place.
    ///
    /// # Errors
    /// [`OpenError`]; nothing changed then.
    pub fn open<'a>(&mut self, datagram: &'a mut [u8]) -> Result<Opened<'a>, OpenError> {
        let _ = datagram;
        todo!()
    }

    /// Says that a packet of ours was acknowledged (for stepping the epoch, SPEC 4.2).
    pub fn on_acknowledged(&mut self, packet_number: u64) {
        let _ = packet_number;
        todo!()
    }

    /// For proofs about this very connection.
    #[must_use]
    pub fn exporter(&self) -> &Secret {
        &self.exporter
    }
}
