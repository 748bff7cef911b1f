//! Ed25519 (RFC 8032): the key that owns a member's name.

use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::Sha512;
use zeroize::Zeroize;

/// Length of an identity's seed in bytes.
pub const SEED_LEN: usize = 32;
/// Length of a public key in bytes.
pub const PUBLIC_LEN: usize = 32;
/// Length of a signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// The public half of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicIdentity(pub [u8; PUBLIC_LEN]);

/// An identity: wiped on drop, never printed. 224 bytes.
#[derive(Clone)]
pub struct Identity {
    seed: [u8; SEED_LEN],
    public: VerifyingKey,
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl Identity {
    /// The identity whose RFC 8032 private key is `seed`. One scalar multiplication.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Self {
        Self { seed: *seed, public: VerifyingKey::from(&ExpandedSecretKey::from(seed)) }
    }

    /// The same from both halves, which somebody computed before and kept together: a device is spared a sixth of its handshake.
    /// `None` if `public` is no point of the curve, as about half of what is not a public half.
    ///
    /// That `public` belongs to `seed` is not checked: it must be what [`Identity::public`] said for this seed. What is signed with
    /// another one is refused by everybody, and whoever has two signatures of the same message under two public halves can sign
    /// as this identity.
    #[must_use]
    pub fn from_keypair_unchecked(seed: &[u8; SEED_LEN], public: &[u8; PUBLIC_LEN]) -> Option<Self> {
        Some(Self { seed: *seed, public: VerifyingKey::from_bytes(public).ok()? })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicIdentity {
        PublicIdentity(self.public.to_bytes())
    }

    /// Signs `message`; deterministic. One scalar multiplication.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        raw_sign::<Sha512>(&ExpandedSecretKey::from(&self.seed), message, &self.public).to_bytes()
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

impl PublicIdentity {
    /// Verifies `signature` over `message` strictly: no small-order keys, canonical encodings only.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.is_canonical()
            && VerifyingKey::from_bytes(&self.0).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    /// Whether y is below p = 2^255 - 19. The same point may be written with p added to y; one key must not own two names.
    fn is_canonical(&self) -> bool {
        let [first, middle @ .., last] = &self.0;
        *first < 0xed || middle != &[0xff; 30] || last & 0x7f != 0x7f
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    // RFC 8032, 7.1, test 3.
    const SEED: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
    const PUBLIC: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
    const MESSAGE: &[u8] = &[0xaf, 0x82];
    const SIGNATURE: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
        18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

    #[test]
    fn signs_as_rfc_8032_says() {
        let identity = Identity::from_seed(&hex(SEED));
        assert_eq!(identity.public(), PublicIdentity(hex(PUBLIC)));
        assert_eq!(identity.sign(MESSAGE), hex(SIGNATURE));
    }

    #[test]
    fn signs_the_same_from_halves_that_were_kept() {
        let identity = Identity::from_keypair_unchecked(&hex(SEED), &hex(PUBLIC)).unwrap();
        assert_eq!(identity.public(), PublicIdentity(hex(PUBLIC)));
        assert_eq!(identity.sign(MESSAGE), hex(SIGNATURE));
    }

    #[test]
    fn a_public_half_that_is_another_ones_signs_nothing_that_anybody_takes() {
        let other = Identity::from_seed(&[1; SEED_LEN]).public();
        let mixed = Identity::from_keypair_unchecked(&hex(SEED), &other.0).unwrap();
        let signature = mixed.sign(MESSAGE);
        assert!(!other.verify(MESSAGE, &signature) && !PublicIdentity(hex(PUBLIC)).verify(MESSAGE, &signature));
    }

    #[test]
    fn rejects_a_public_half_that_is_no_point() {
        // Half of all numbers are no y of a point; 2 is one of them.
        let mut no_point = [0; PUBLIC_LEN];
        no_point[0] = 2;
        assert!(Identity::from_keypair_unchecked(&hex(SEED), &no_point).is_none());
    }

    #[test]
    fn verifies_only_what_was_signed() {
        let public = PublicIdentity(hex(PUBLIC));
        let signature: [u8; 64] = hex(SIGNATURE);
        assert!(public.verify(MESSAGE, &signature));
        assert!(!public.verify(&[0xaf, 0x83], &signature));
        for at in [0, 31, 32, 63] {
            let mut changed = signature;
            changed[at] ^= 1;
            assert!(!public.verify(MESSAGE, &changed));
        }
        let mut other = public;
        other.0[0] ^= 1;
        assert!(!other.verify(MESSAGE, &signature));
    }

    #[test]
    fn rejects_keys_of_small_order() {
        // The neutral element "signs" everything with R = [S]B.
        let neutral = PublicIdentity(hex("0100000000000000000000000000000000000000000000000000000000000000"));
        let mut signature = [0; 64];
        signature[0] = 1;
        assert!(!neutral.verify(MESSAGE, &signature));
        assert!(!PublicIdentity([0; 32]).verify(MESSAGE, &[0; 64]));
    }

    #[test]
    fn rejects_encodings_that_are_not_reduced() {
        let at = |first, middle, last| {
            let mut key = [0xff; 32];
            (key[0], key[17], key[31]) = (first, middle, last);
            PublicIdentity(key).is_canonical()
        };
        assert!(at(0xec, 0xff, 0x7f) && at(0xec, 0xff, 0xff) && at(0xff, 0xfe, 0x7f) && at(0xff, 0xff, 0x7e));
        assert!(!at(0xed, 0xff, 0x7f) && !at(0xed, 0xff, 0xff) && !at(0xff, 0xff, 0x7f) && !at(0xff, 0xff, 0xff));
    }

    #[test]
    fn does_not_print_its_seed() {
        assert_eq!(std::format!("{:?}", Identity::from_seed(&[0x41; 32])), "Identity(..)");
    }
}
