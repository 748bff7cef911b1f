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
mod tests;
