//! Key generation on hosts (FIPS 186-5, A.1.3): deterministic for a given state of the generator.

use num_bigint_dig::algorithms::extended_gcd;
use num_bigint_dig::{BigUint, ModInverse, RandPrime};
use rand_core::CryptoRng;
use std::borrow::Cow;
use std::vec::Vec;
use zeroize::{Zeroize, Zeroizing};

use super::{AnyRsaPrivateKey, KeySize, PUBLIC_EXPONENT, RsaPrivateKey};

impl AnyRsaPrivateKey {
    /// Generates a key. Takes from a tenth of a second (2048 bits) to several seconds (4096 bits).
    #[must_use]
    pub fn generate(size: KeySize, rng: &mut impl CryptoRng) -> Self {
        match size {
            KeySize::Bits2048 => Self::Bits2048(RsaPrivateKey::generate(rng)),
            KeySize::Bits3072 => Self::Bits3072(RsaPrivateKey::generate(rng)),
            KeySize::Bits4096 => Self::Bits4096(RsaPrivateKey::generate(rng)),
        }
    }
}

impl<const LIMBS: usize, const HALF: usize, const LEN: usize> RsaPrivateKey<LIMBS, HALF, LEN> {
    /// Generates a key. The top two bits of each prime are set, so that the product has its full
    /// length; [`RsaPrivateKey::from_primes`] checks the rest, except for the length of d.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        loop {
            let (p, q) = (prime(rng, LEN / 2), prime(rng, LEN / 2));
            if has_long_exponent(&p, &q)
                && let Ok(key) = Self::from_primes(&p, &q)
            {
                return key;
            }
        }
    }
}

/// A random prime of exactly `len` bytes, big-endian.
fn prime(rng: &mut impl CryptoRng, len: usize) -> Zeroizing<Vec<u8>> {
    let mut prime = Old(rng).gen_prime(len * 8);
    let bytes = Zeroizing::new(prime.to_bytes_be());
    prime.zeroize();
    bytes
}

/// FIPS 186-5, A.1.1, 3: d = e^-1 modulo lcm(p-1, q-1) exists and is more than half as long as the
/// modulus.
fn has_long_exponent(p: &[u8], q: &[u8]) -> bool {
    let mut p1 = BigUint::from_bytes_be(p) - 1_u8;
    let mut q1 = BigUint::from_bytes_be(q) - 1_u8;
    let gcd = extended_gcd(Cow::Borrowed(&p1), Cow::Borrowed(&q1), false).0;
    let mut lcm = gcd.to_biguint().map_or_else(BigUint::default, |gcd| &p1 * &q1 / gcd);
    let mut d = BigUint::from(PUBLIC_EXPONENT).mod_inverse(&lcm);
    let long = d.as_ref().and_then(|d| d.to_biguint()).is_some_and(|d| d.bits() > p.len() * 8);
    p1.zeroize();
    q1.zeroize();
    lcm.zeroize();
    d.zeroize();
    long
}

/// Adapts the generator to the version of `rand_core` that the prime search uses.
struct Old<'a, R>(&'a mut R);

impl<R: CryptoRng> rand_core09::RngCore for Old<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrivateKey;
    use num_bigint_dig::prime::probably_prime;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn primes(seed: u64) -> ([u8; 128], [u8; 128]) {
        let key = AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut ChaCha20Rng::seed_from_u64(seed));
        let (mut p, mut q) = ([0; 128], [0; 128]);
        key.primes(&mut p, &mut q).unwrap();
        assert_eq!(key.modulus().len(), 256);
        assert!(key.modulus()[0] & 0x80 != 0);
        (p, q)
    }

    #[test]
    fn the_same_seed_generates_the_same_key() {
        let (p, q) = primes(1);
        assert_eq!((p, q), primes(1));
        assert_ne!((p, q), primes(2));
        assert!(probably_prime(&BigUint::from_bytes_be(&p), 10));
        assert!(probably_prime(&BigUint::from_bytes_be(&q), 10));
    }

    #[test]
    fn rejects_primes_with_a_short_private_exponent() {
        let (p, q) = (&crate::test_keys::P_2048, &crate::test_keys::Q_2048);
        assert!(has_long_exponent(p, q));
        // lcm(p-1, p-1) = p-1 is half as long as the modulus, and so is an inverse modulo it.
        assert!(!has_long_exponent(p, p));
        assert!(!has_long_exponent(p, &crate::test_keys::CONGRUENT_1_2048));
    }
}
