//! A server's key for tests that needs no computation: the ciphertext is the masked secret.

use kabar_core::crypto::rsa::{Encapsulated, InvalidCiphertext, InvalidKey, PrivateKey, ServerKey};
use rand_core::CryptoRng;

const LEN: usize = 256;
const MASK: u8 = 0x35;
pub(super) const MODULUS: [u8; LEN] = [0xc5; LEN];

/// Both halves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key;

impl PrivateKey for Key {
    fn modulus(&self) -> &[u8] {
        &MODULUS
    }

    fn decapsulate(&self, _: &mut impl CryptoRng, ciphertext: &[u8], z: &mut [u8]) -> Result<(), InvalidCiphertext> {
        if ciphertext.len() != LEN || z.len() != LEN {
            return Err(InvalidCiphertext);
        }
        for (z, byte) in z.iter_mut().zip(ciphertext) {
            *z = byte ^ MASK;
        }
        Ok(())
    }
}

impl ServerKey for Key {
    type Bytes = [u8; LEN];

    fn from_modulus(modulus: &[u8]) -> Result<Self, InvalidKey> {
        if modulus == MODULUS { Ok(Self) } else { Err(InvalidKey) }
    }

    fn modulus_len(&self) -> usize {
        LEN
    }

    fn encapsulate(&self, rng: &mut impl CryptoRng) -> Encapsulated<[u8; LEN]> {
        let mut z = [0; LEN];
        rng.fill_bytes(&mut z);
        Encapsulated { z, ciphertext: z.map(|byte| byte ^ MASK) }
    }
}
