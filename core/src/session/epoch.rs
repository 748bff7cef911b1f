//! Keys per epoch (SPEC 4.2).

use zeroize::Zeroize;

use crate::crypto::Aead;
use crate::crypto::aead::{KEY_LEN, NONCE_LEN};
use crate::crypto::kdf::Secret;

/// Keys of one epoch in one direction.
pub(super) struct EpochKeys<A> {
    pub(super) aead: A,
    iv: [u8; NONCE_LEN],
}

impl<A> EpochKeys<A> {
    /// Packet numbers never repeat under a key, so nonces do not.
    #[inline]
    pub(super) fn nonce(&self, packet_number: u64) -> [u8; NONCE_LEN] {
        nonce(&self.iv, packet_number)
    }
}

/// SPEC 4.1: `iv XOR (0 u32 | packet number u64)`.
#[inline]
pub(super) fn nonce(iv: &[u8; NONCE_LEN], packet_number: u64) -> [u8; NONCE_LEN] {
    let mut nonce = *iv;
    nonce.iter_mut().skip(4).zip(packet_number.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);
    nonce
}

impl<A> Drop for EpochKeys<A> {
    fn drop(&mut self) {
        self.iv.zeroize();
    }
}

/// Derives the keys of one epoch after the other. It keeps nothing from which keys of an earlier
/// epoch could be derived.
pub(super) struct Ratchet(Secret);

impl Ratchet {
    /// Starts with the secret of epoch 0.
    pub(super) const fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Returns the keys of the next epoch and discards the secret they were derived from.
    pub(super) fn step<A: Aead>(&mut self) -> EpochKeys<A> {
        let mut key = [0; KEY_LEN];
        let mut iv = [0; NONCE_LEN];
        self.0.expand(b"kabar1 key", &[], &mut key);
        self.0.expand(b"kabar1 iv", &[], &mut iv);
        self.0 = self.0.derive(b"kabar1 next", &[]);
        let keys = EpochKeys { aead: A::new(&key), iv };
        key.zeroize();
        keys
    }
}

#[cfg(test)]
impl Ratchet {
    /// Identifies a state, for tests of what changes.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        *self.0.derive(b"test", &[]).expose()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::crypto::ChaCha20Poly1305;

    #[test]
    fn uses_no_nonce_twice() {
        let keys = EpochKeys { aead: (), iv: [0x5a; 12] };
        let numbers = (0..64).map(|bit| 1u64 << bit).chain([0, 3, u64::MAX]);
        let nonces: BTreeSet<_> = numbers.clone().map(|number| keys.nonce(number)).collect();
        assert_eq!(nonces.len(), numbers.count());
        assert_eq!(keys.nonce(0), [0x5a; 12]);
        assert_eq!(keys.nonce(0x0102_0304_0506_0708)[..4], [0x5a; 4]);
    }

    #[test]
    fn keys_of_each_epoch_are_expanded_as_specified() {
        let secret_0 = Secret::new([7; 32]);
        let secret_1 = secret_0.derive(b"kabar1 next", b"");
        let mut ratchet = Ratchet::new(secret_0.clone());
        for secret in [secret_0, secret_1] {
            let keys = ratchet.step::<ChaCha20Poly1305>();
            let mut iv = [0; NONCE_LEN];
            secret.expand(b"kabar1 iv", b"", &mut iv);
            assert_eq!(keys.nonce(0), iv);
            let aead = ChaCha20Poly1305::new(secret.derive(b"kabar1 key", b"").expose());
            assert_eq!(keys.aead.seal(&iv, b"", &mut []), aead.seal(&iv, b"", &mut []));
        }
    }
}
