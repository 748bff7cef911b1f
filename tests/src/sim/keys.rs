//! The server's key in a simulation: real RSA or, in most runs, a stand-in that costs no time.

use std::sync::LazyLock;

use kabar_core::crypto::rsa::{
    Encapsulated, InvalidCiphertext, InvalidKey, PrivateKey, Rsa2048, Rsa2048PrivateKey, ServerKey,
};
use kabar_rsa::test_keys;
use rand_core::CryptoRng;

const LEN: usize = 256;
/// The modulus that identifies the stand-in. Its ciphertext is the secret XOR a fixed mask.
const STAND_IN: [u8; LEN] = {
    let mut modulus = [0x5a; LEN];
    (modulus[0], modulus[LEN - 1]) = (0xff, 0x01);
    modulus
};

/// A server's public key.
#[derive(Debug)]
pub enum SimKey {
    /// RSA.
    Real(Box<Rsa2048>),
    /// The stand-in.
    StandIn,
}

/// A server's private key.
#[derive(Debug)]
pub enum SimPrivateKey {
    /// RSA.
    Real(&'static Rsa2048PrivateKey),
    /// The stand-in.
    StandIn,
}

impl SimPrivateKey {
    /// RSA with a fixed key.
    #[must_use]
    pub fn real() -> Self {
        static KEY: LazyLock<Rsa2048PrivateKey> = LazyLock::new(|| {
            Rsa2048PrivateKey::from_primes(&test_keys::P_2048, &test_keys::Q_2048).expect("the primes are good")
        });
        Self::Real(&KEY)
    }
}

impl PrivateKey for SimPrivateKey {
    fn modulus(&self) -> &[u8] {
        match self {
            Self::Real(key) => key.modulus(),
            Self::StandIn => &STAND_IN,
        }
    }

    fn decapsulate(&self, rng: &mut impl CryptoRng, ciphertext: &[u8], z: &mut [u8]) -> Result<(), InvalidCiphertext> {
        match self {
            Self::Real(key) => key.decapsulate(rng, ciphertext, z),
            Self::StandIn => {
                let acceptable = ciphertext.len() == LEN && z.len() == LEN && ciphertext[0] < STAND_IN[0];
                if !acceptable {
                    return Err(InvalidCiphertext);
                }
                z.copy_from_slice(ciphertext);
                mask(z);
                Ok(())
            }
        }
    }
}

impl ServerKey for SimKey {
    type Bytes = [u8; LEN];

    fn from_modulus(modulus: &[u8]) -> Result<Self, InvalidKey> {
        if modulus == STAND_IN {
            return Ok(Self::StandIn);
        }
        Rsa2048::from_modulus(modulus).map(|key| Self::Real(Box::new(key)))
    }

    fn modulus_len(&self) -> usize {
        LEN
    }

    fn encapsulate(&self, rng: &mut impl CryptoRng) -> Encapsulated<[u8; LEN]> {
        match self {
            Self::Real(key) => key.encapsulate(rng),
            Self::StandIn => {
                let mut z = [0; LEN];
                rng.fill_bytes(&mut z);
                z[0] &= 0x7f;
                let mut ciphertext = z;
                mask(&mut ciphertext);
                Encapsulated { z, ciphertext }
            }
        }
    }
}

/// XORs a fixed mask, so it is its own inverse. The first byte is unchanged.
fn mask(bytes: &mut [u8]) {
    bytes.iter_mut().skip(1).for_each(|byte| *byte ^= 0xa5);
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn both_kinds_of_key_give_the_same_secret_to_both_sides() {
        for private in [SimPrivateKey::real(), SimPrivateKey::StandIn] {
            let mut rng = ChaCha20Rng::from_seed([7; 32]);
            let public = SimKey::from_modulus(private.modulus()).unwrap();
            let sent = public.encapsulate(&mut rng);
            let mut z = [0; LEN];
            private.decapsulate(&mut rng, &sent.ciphertext, &mut z).unwrap();
            assert_eq!(z, sent.z);
            let mut changed = sent.ciphertext;
            changed[100] ^= 1;
            private.decapsulate(&mut rng, &changed, &mut z).unwrap();
            assert_ne!(z, sent.z);
            assert_eq!(private.decapsulate(&mut rng, &[0xff; LEN], &mut z), Err(InvalidCiphertext));
        }
    }
}
