//! X25519 (RFC 7748): an ephemeral secret is used once.

use super::kdf::Secret;

/// Length of a public share in bytes.
pub const SHARE_LEN: usize = 32;

/// A secret scalar, consumed by the one agreement it takes part in.
pub struct Ephemeral(x25519_dalek::StaticSecret);

impl core::fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ephemeral(..)")
    }
}

impl Ephemeral {
    /// Takes 32 random bytes (clamped as RFC 7748 says).
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let _ = secret;
        todo!()
    }

    /// The public share. One scalar multiplication.
    #[must_use]
    pub fn share(&self) -> [u8; SHARE_LEN] {
        todo!()
    }

    /// The shared secret with `remote`. One scalar multiplication; `None` if `remote` is not contributory (small order).
    #[must_use]
    pub fn agree(self, remote: &[u8; SHARE_LEN]) -> Option<Secret> {
        let _ = remote;
        todo!()
    }
}
