//! The accelerated provider: AWS-LC's ChaCha20-Poly1305, and a CRC by carry-less multiplication.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use kabar_core::crypto::aead::{KEY_LEN, NONCE_LEN, TAG_LEN};
use kabar_core::crypto::{Aead, NotAuthentic, Provider};

/// Computes the same as [`kabar_core::crypto::Portable`], several times faster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accelerated;

impl Provider for Accelerated {
    type Aead = AcceleratedAead;

    fn crc32(bytes: &[u8]) -> u32 {
        crc32fast::hash(bytes)
    }
}

/// AWS-LC's ChaCha20-Poly1305.
pub struct AcceleratedAead(LessSafeKey);

impl core::fmt::Debug for AcceleratedAead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AcceleratedAead(..)")
    }
}

impl Aead for AcceleratedAead {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(LessSafeKey::new(
            UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has the length of the algorithm"),
        ))
    }

    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN] {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        match self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut *buffer) {
            Ok(tag) => tag.as_ref().try_into().expect("the tag of this algorithm has 16 bytes"),
            // Only a buffer of 256 GiB gets here; wiped, so that it is not sent in clear.
            Err(_) => {
                buffer.fill(0);
                [0; TAG_LEN]
            }
        }
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), NotAuthentic> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        match self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, &mut *buffer) {
            Ok(_) => Ok(()),
            Err(_) => {
                // The content after a failure is unspecified: leave no plaintext.
                buffer.fill(0);
                Err(NotAuthentic)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::crypto::Portable;
    use proptest::prelude::*;

    use super::*;

    type Slow = <Portable as Provider>::Aead;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn seals_and_opens_as_the_portable_provider_does(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 12]>(),
            aad in proptest::collection::vec(any::<u8>(), 0..40),
            text in proptest::collection::vec(any::<u8>(), 0..1300),
        ) {
            let (fast, slow) = (AcceleratedAead::new(&key), Slow::new(&key));
            let (mut a, mut b) = (text.clone(), text.clone());
            let tag = fast.seal(&nonce, &aad, &mut a);
            prop_assert_eq!(tag, slow.seal(&nonce, &aad, &mut b));
            prop_assert_eq!(&a, &b);
            prop_assert_eq!(fast.open(&nonce, &aad, &mut b, &tag), Ok(()));
            prop_assert_eq!(slow.open(&nonce, &aad, &mut a, &tag), Ok(()));
            prop_assert!(a == text && b == text);
        }

        #[test]
        fn a_changed_packet_is_not_opened_and_leaves_no_plaintext(
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 12]>(),
            text in proptest::collection::vec(1..=255u8, 16..1300),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let fast = AcceleratedAead::new(&key);
            let mut sealed = text.clone();
            let mut tag = fast.seal(&nonce, b"aad", &mut sealed);
            let at = at.index(sealed.len() + tag.len());
            match sealed.get_mut(at) {
                Some(byte) => *byte ^= 1u8 << bit,
                None => tag[at - text.len()] ^= 1u8 << bit,
            }
            prop_assert_eq!(fast.open(&nonce, b"aad", &mut sealed, &tag), Err(NotAuthentic));
            prop_assert!(!sealed.windows(8).any(|part| text.windows(8).any(|known| known == part)));
        }

        #[test]
        fn computes_the_crc_of_the_portable_provider(bytes in proptest::collection::vec(any::<u8>(), 0..1300)) {
            prop_assert_eq!(Accelerated::crc32(&bytes), Portable::crc32(&bytes));
        }
    }

    #[test]
    fn crc_has_the_check_value() {
        assert_eq!(Accelerated::crc32(b"123456789"), 0xCBF4_3926);
    }
}
