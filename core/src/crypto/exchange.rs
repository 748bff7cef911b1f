//! X25519 (RFC 7748) with one-use secrets.

use super::kdf::Secret;

/// Length of a public share in bytes.
pub const SHARE_LEN: usize = 32;

/// An ephemeral secret, consumed by its one Diffie-Hellman operation.
pub struct Ephemeral(x25519_dalek::StaticSecret);

impl core::fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ephemeral(..)")
    }
}

impl Ephemeral {
    /// Creates the secret from 32 random bytes, clamped as RFC 7748 specifies.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        Self(x25519_dalek::StaticSecret::from(*secret.expose()))
    }

    /// The public share. One scalar multiplication.
    #[must_use]
    pub fn share(&self) -> [u8; SHARE_LEN] {
        x25519_dalek::PublicKey::from(&self.0).to_bytes()
    }

    /// The shared secret with `remote`. One scalar multiplication; `None` if `remote` is not
    /// contributory (small order).
    #[must_use]
    pub fn diffie_hellman(self, remote: &[u8; SHARE_LEN]) -> Option<Secret> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(*remote));
        shared.was_contributory().then(|| Secret::new(shared.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    // RFC 7748, 6.1.
    const ALICE: &str = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    const ALICE_SHARE: &str = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    const BOB: &str = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    const BOB_SHARE: &str = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    const SHARED: &str = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

    fn ephemeral(secret: &str) -> Ephemeral {
        Ephemeral::new(&Secret::new(hex(secret)))
    }

    #[test]
    fn agrees_as_in_rfc_7748() {
        assert_eq!(ephemeral(ALICE).share(), hex(ALICE_SHARE));
        assert_eq!(ephemeral(BOB).share(), hex(BOB_SHARE));
        assert_eq!(ephemeral(ALICE).diffie_hellman(&hex(BOB_SHARE)).unwrap().expose(), &hex(SHARED));
        assert_eq!(ephemeral(BOB).diffie_hellman(&hex(ALICE_SHARE)).unwrap().expose(), &hex(SHARED));
    }

    #[test]
    fn rejects_shares_of_small_order() {
        // 0, 1, both of order 8 and p - 1; then p, p + 1 and p - 1 with the ignored top bit set.
        for share in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            assert!(ephemeral(ALICE).diffie_hellman(&hex(share)).is_none(), "{share}");
        }
    }

    #[test]
    fn does_not_print_its_secret() {
        assert_eq!(std::format!("{:?}", ephemeral(ALICE)), "Ephemeral(..)");
    }
}
