//! A key encapsulation that costs nothing.

use kabar_core::crypto::rsa::{Encapsulated, InvalidCiphertext, InvalidKey, PrivateKey, ServerKey};
use rand_core::CryptoRng;

/// Bytes of a modulus.
pub const MODULUS_LEN: usize = 256;

/// Stands in for RSA, which takes milliseconds: the modulus itself is the key.
#[derive(Debug)]
pub struct Toy(pub [u8; MODULUS_LEN]);

fn exclusive_or(a: &[u8; MODULUS_LEN], b: &[u8; MODULUS_LEN]) -> [u8; MODULUS_LEN] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

impl ServerKey for Toy {
    type Bytes = [u8; MODULUS_LEN];

    fn from_modulus(modulus: &[u8]) -> Result<Self, InvalidKey> {
        modulus.try_into().map(Self).map_err(|_| InvalidKey)
    }

    fn modulus_len(&self) -> usize {
        MODULUS_LEN
    }

    fn encapsulate(&self, rng: &mut impl CryptoRng) -> Encapsulated<Self::Bytes> {
        let mut z = [0; MODULUS_LEN];
        rng.fill_bytes(&mut z);
        Encapsulated { z, ciphertext: exclusive_or(&z, &self.0) }
    }
}

impl PrivateKey for Toy {
    fn modulus(&self) -> &[u8] {
        &self.0
    }

    fn decapsulate(&self, _: &mut impl CryptoRng, ciphertext: &[u8], z: &mut [u8]) -> Result<(), InvalidCiphertext> {
        let ciphertext = ciphertext.try_into().map_err(|_| InvalidCiphertext)?;
        z.copy_from_slice(&exclusive_or(ciphertext, &self.0));
        Ok(())
    }
}
