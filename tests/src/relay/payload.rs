//! What the bytes of a datagram are, as far as damaging them on purpose needs to know.

use kabar_core::internals::packet::{CRC_LEN, SEALED_HEADER_LEN};
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
mod tests {
    use kabar_core::crypto::{Portable, Provider};
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    fn turned(before: &[u8], after: &[u8]) -> u32 {
        assert_eq!(before.len(), after.len());
        before.iter().zip(after).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    fn is_whole(bytes: &[u8]) -> bool {
        bytes.split_last_chunk::<4>().is_some_and(|(body, crc)| Portable::crc32(body).to_be_bytes() == *crc)
    }

    proptest! {
        #[test]
        fn what_is_corrupted_differs_in_one_to_three_bits_and_its_crc_shows_it(
            seed: u64, body in proptest::collection::vec(any::<u8>(), 0..1197),
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut before = body;
            before.extend([0; 4]);
            repair_crc(&mut before);
            let mut after = before.clone();
            Payload::corrupt(&mut after, &mut rng);
            prop_assert!((1..=3).contains(&turned(&before, &after)));
            prop_assert!(!is_whole(&after));
        }

        #[test]
        fn what_is_forged_keeps_its_header_and_a_matching_crc(
            seed: u64, bytes in proptest::collection::vec(any::<u8>(), 0..1201),
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut after = bytes.clone();
            let is_forged = Payload::PACKET.forge(&mut after, &mut rng);
            prop_assert_eq!(is_forged, bytes.len() > 17);
            if is_forged {
                let (body, len) = (13..bytes.len() - 4, bytes.len());
                prop_assert_eq!(&bytes[..13], &after[..13]);
                prop_assert!((1..=3).contains(&turned(&bytes[body.clone()], &after[body])));
                prop_assert!(is_whole(&after) && after.len() == len);
            } else {
                prop_assert_eq!(bytes, after);
            }
        }
    }

    #[test]
    fn an_empty_datagram_stays_empty() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut bytes = [];
        Payload::corrupt(&mut bytes, &mut rng);
        assert!(!Payload::OPAQUE.forge(&mut bytes, &mut rng));
        let mut bytes = [0];
        assert!(Payload::OPAQUE.forge(&mut bytes, &mut rng));
        assert_ne!(bytes, [0]);
    }
}
