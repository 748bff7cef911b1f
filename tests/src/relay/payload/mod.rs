//! The layout of a datagram, as far as damaging it deliberately needs it.

use kabar_core::internals::packet::{CRC_LEN, SEALED_HEADER_LEN};
use rand_core::Rng;

use crate::sim::network::repair_crc;

/// Most bits that are flipped in one datagram. The CRC-32 of a packet detects every damage of up to
/// three bits (its Hamming distance is 4 up to 11 KiB), so every corrupted datagram is detected.
const MAX_BITS: u64 = 3;

/// The layout of a kind of datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    /// Bytes at the front that identify the connection, which a forger leaves unchanged.
    header: usize,
    /// Bytes at the end that are a checksum ...
    checksum: usize,
    /// ... and the function that recomputes it.
    repair: fn(&mut [u8]),
}

impl Payload {
    /// Packets of Kabar: the tag covers everything after the header of a sealed packet, and the
    /// CRC-32 covers all.
    pub const PACKET: Self = Self { header: SEALED_HEADER_LEN, checksum: CRC_LEN, repair: repair_crc };
    /// Opaque datagrams: no header, no checksum.
    pub const OPAQUE: Self = Self { header: 0, checksum: 0, repair: |_| () };

    /// Flips one to three bits anywhere.
    pub fn corrupt(bytes: &mut [u8], rng: &mut impl Rng) {
        flip(bytes, rng);
    }

    /// Flips one to three bits after the header and repairs the checksum. `false` if there is
    /// nothing after the header.
    #[must_use]
    pub fn forge(&self, bytes: &mut [u8], rng: &mut impl Rng) -> bool {
        let end = bytes.len().saturating_sub(self.checksum);
        let Some(body) = bytes.get_mut(self.header..end).filter(|body| !body.is_empty()) else { return false };
        flip(body, rng);
        (self.repair)(bytes);
        true
    }
}

/// Flips one to three different bits.
fn flip(bytes: &mut [u8], rng: &mut impl Rng) {
    let len = bytes.len() as u64 * 8;
    let mut flipped = [u64::MAX; MAX_BITS as usize];
    let count = (1 + below(rng, MAX_BITS)).min(len) as usize;
    for at in 0..count {
        let bit = loop {
            let bit = below(rng, len);
            if !flipped.contains(&bit) {
                break bit;
            }
        };
        flipped[at] = bit;
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    }
}

/// Uniform in 0..`bound`; 0 if `bound` is 0.
pub(super) fn below(rng: &mut impl Rng, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests;
