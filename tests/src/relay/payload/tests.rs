use kabar_core::crypto::{Portable, Provider};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

fn flipped(before: &[u8], after: &[u8]) -> u32 {
    assert_eq!(before.len(), after.len());
    before.iter().zip(after).map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn crc_matches(bytes: &[u8]) -> bool {
    bytes.split_last_chunk::<4>().is_some_and(|(body, crc)| Portable::crc32(body).to_be_bytes() == *crc)
}

proptest! {
    #[test]
    fn a_corrupted_datagram_differs_in_one_to_three_bits_and_fails_its_crc(
        seed: u64, body in proptest::collection::vec(any::<u8>(), 0..1197),
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut before = body;
        before.extend([0; 4]);
        repair_crc(&mut before);
        let mut after = before.clone();
        Payload::corrupt(&mut after, &mut rng);
        prop_assert!((1..=3).contains(&flipped(&before, &after)));
        prop_assert!(!crc_matches(&after));
    }

    #[test]
    fn a_forged_datagram_keeps_its_header_and_a_matching_crc(
        seed: u64, bytes in proptest::collection::vec(any::<u8>(), 0..1201),
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut after = bytes.clone();
        let is_forged = Payload::PACKET.forge(&mut after, &mut rng);
        prop_assert_eq!(is_forged, bytes.len() > 17);
        if is_forged {
            let (body, len) = (13..bytes.len() - 4, bytes.len());
            prop_assert_eq!(&bytes[..13], &after[..13]);
            prop_assert!((1..=3).contains(&flipped(&bytes[body.clone()], &after[body])));
            prop_assert!(crc_matches(&after) && after.len() == len);
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
