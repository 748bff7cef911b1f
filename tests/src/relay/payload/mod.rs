//! What the bytes of a datagram are, as far as damaging them on purpose needs to know.

use kabar_core::wire::packet::{CRC_LEN, SEALED_HEADER_LEN};
use rand_core::Rng;

use crate::sim::network::repair_crc;

/// Most bits that turn in one datagram. Of so few the CRC-32 of a packet finds every one (its
/// Hamming distance is 4 up to 11 KiB), so that as many are found damaged as were damaged.
const MOST_BITS: u64 = 3;

/// A kind of datagram.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    /// Bytes at the front that a forger leaves alone: what says to whom the datagram belongs.
    header: usize,
    /// Bytes at the end that follow from the others ...
    checksum: usize,
    /// ... and what makes them follow again.
    repair: fn(&mut [u8]),
}

impl Payload {
    /// Packets of Kabar: behind the header of a sealed packet everything is covered by the tag, and
    /// the CRC-32 covers all.
    pub const PACKET: Self = Self { header: SEALED_HEADER_LEN, checksum: CRC_LEN, repair: repair_crc };
    /// Anything: no header, no checksum.
    pub const OPAQUE: Self = Self { header: 0, checksum: 0, repair: |_| () };

    /// Turns one to three bits, wherever they are.
    pub fn corrupt(bytes: &mut [u8], rng: &mut impl Rng) {
        turn(bytes, rng);
    }

    /// Turns one to three bits behind the header and makes the checksum match again. `false`: there
    /// is nothing behind the header.
    #[must_use]
    pub fn forge(&self, bytes: &mut [u8], rng: &mut impl Rng) -> bool {
        let end = bytes.len().saturating_sub(self.checksum);
        let Some(body) = bytes.get_mut(self.header..end).filter(|body| !body.is_empty()) else { return false };
        turn(body, rng);
        (self.repair)(bytes);
        true
    }
}

/// Turns one to three different bits.
fn turn(bytes: &mut [u8], rng: &mut impl Rng) {
    let len = bytes.len() as u64 * 8;
    let mut turned = [u64::MAX; MOST_BITS as usize];
    let count = (1 + below(rng, MOST_BITS)).min(len) as usize;
    for at in 0..count {
        let bit = loop {
            let bit = below(rng, len);
            if !turned.contains(&bit) {
                break bit;
            }
        };
        turned[at] = bit;
        bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    }
}

/// Evenly below `bound`; 0 if that is 0.
pub(super) fn below(rng: &mut impl Rng, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests;
