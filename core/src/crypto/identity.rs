//! Ed25519 (RFC 8032): the key that owns a member's name.

/// Length of an identity's seed in bytes.
pub const SEED_LEN: usize = 32;
/// Length of a public key in bytes.
pub const PUBLIC_LEN: usize = 32;
/// Length of a signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// The public half of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicIdentity(pub [u8; PUBLIC_LEN]);

/// An identity: wiped on drop, never printed.
pub struct Identity(ed25519_dalek::SigningKey);

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl Identity {
    /// The identity whose RFC 8032 private key is `seed`. One scalar multiplication.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Self {
        let _ = seed;
        todo!()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicIdentity {
        todo!()
    }

    /// Signs `message`; deterministic. One scalar multiplication.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        let _ = message;
        todo!()
    }
}

impl PublicIdentity {
    /// Verifies `signature` over `message` strictly: no small-order keys, canonical encodings only.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> bool {
        let _ = (message, signature);
        todo!()
    }
}
