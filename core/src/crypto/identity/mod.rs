//! Ed25519 (RFC 8032) keys, which own the names of members.

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

/// The public key of an identity.
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

    /// The identity from a private key and its public key that was stored, which saves a device a
    /// sixth of its handshake. `None` if `public` is not a point of the curve.
    ///
    /// It is not checked that `public` belongs to `seed`: it must be the result of
    /// [`Identity::public`] for this seed. Signatures made with another public key never verify,
    /// and two signatures of one message with two public keys let anyone sign as this identity.
    #[must_use]
    pub fn from_keypair_unchecked(seed: &[u8; SEED_LEN], public: &[u8; PUBLIC_LEN]) -> Option<Self> {
        Some(Self { seed: *seed, public: VerifyingKey::from_bytes(public).ok()? })
    }

    /// The public key.
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

    /// Whether y is below p = 2^255 - 19. Adding p to y encodes the same point again, and one key
    /// must not own two names.
    fn is_canonical(&self) -> bool {
        let [first, middle @ .., last] = &self.0;
        *first < 0xed || middle != &[0xff; 30] || last & 0x7f != 0x7f
    }
}

#[cfg(test)]
mod tests;
