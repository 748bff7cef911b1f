//! RSA against an independent bignum, edge values, and known answers, for all three sizes.

use num_bigint_dig::{BigUint, ModInverse};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::vec;
use std::vec::Vec;

use super::*;
use crate::hash::sha256;

/// Decodes hexadecimal.
fn hex_vec(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn primes_of(size: KeySize) -> (&'static [u8], &'static [u8]) {
    match size {
        KeySize::Bits2048 => (&test_keys::P_2048, &test_keys::Q_2048),
        KeySize::Bits3072 => (&test_keys::P_3072, &test_keys::Q_3072),
        KeySize::Bits4096 => (&test_keys::P_4096, &test_keys::Q_4096),
    }
}

/// The primes of the key of each size, as numbers of an independent bignum.
fn primes(size: KeySize) -> (BigUint, BigUint) {
    let (p, q) = primes_of(size);
    (BigUint::from_bytes_be(p), BigUint::from_bytes_be(q))
}

fn private(size: KeySize) -> AnyRsaPrivateKey {
    let (p, q) = primes_of(size);
    AnyRsaPrivateKey::from_primes(p, q).unwrap()
}

fn public(size: KeySize) -> AnyRsa {
    AnyRsa::from_modulus(private(size).modulus()).unwrap()
}

/// `number` big-endian in exactly `len` bytes.
fn bytes(number: &BigUint, len: usize) -> Vec<u8> {
    let digits = number.to_bytes_be();
    let mut bytes = vec![0; len - digits.len()];
    bytes.extend(digits);
    bytes
}

/// Numbers on which errors in carries, reductions and the Chinese remainder theorem show first,
/// and a few random ones.
fn edges(size: KeySize) -> Vec<BigUint> {
    let (p, q) = primes(size);
    let n = &p * &q;
    let one = BigUint::from(1_u8);
    let ones = |bits: usize| (&one << bits) - 1_u8;
    let half = size.prime_len() * 8;
    let mut edges: Vec<BigUint> = [0_u8, 1, 2, 3].map(BigUint::from).into();
    for below in [1_u8, 2, 3] {
        edges.push(&n - below);
    }
    for factor in [&p, &q] {
        edges.extend([factor - 1_u8, factor.clone(), factor + 1_u8, factor * 2_u8, &n - factor, &n - factor * 2_u8]);
        edges.push(factor * ((&n / factor) - 1_u8));
    }
    // Runs of ones: whole limbs of either width, each half, all but the top.
    for bits in [32, 64, 96, half - 1, half, half + 1, half * 2 - 64, half * 2 - 32, half * 2 - 1] {
        edges.extend([ones(bits), &one << bits]);
    }
    edges.push(ones(half * 2 - 1) - ones(half));
    edges.push(ones(half * 2) % &n);
    let mut random = vec![0; size.modulus_len()];
    for seed in 0..4 {
        rng(seed).fill_bytes(&mut random);
        edges.push(BigUint::from_bytes_be(&random) % &n);
    }
    assert!(edges.iter().all(|edge| edge < &n));
    edges
}

fn public_operation_agrees(size: KeySize) {
    let (p, q) = primes(size);
    let (n, e) = (&p * &q, BigUint::from(PUBLIC_EXPONENT));
    for edge in edges(size) {
        let mut number = bytes(&edge, size.modulus_len());
        public(size).raw_public(&mut number).unwrap();
        assert_eq!(number, bytes(&edge.modpow(&e, &n), size.modulus_len()), "{edge:x}");
    }
}

fn private_operation_agrees(size: KeySize) {
    let (p, q) = primes(size);
    let n = &p * &q;
    let phi = (&p - 1_u8) * (&q - 1_u8);
    let d = BigUint::from(PUBLIC_EXPONENT).mod_inverse(&phi).unwrap().to_biguint().unwrap();
    let key = private(size);
    for (seed, edge) in (0..).zip(edges(size)) {
        let mut number = bytes(&edge, size.modulus_len());
        key.raw_private(&mut rng(seed), &mut number).unwrap();
        assert_eq!(number, bytes(&edge.modpow(&d, &n), size.modulus_len()), "{edge:x}");
    }
}

macro_rules! for_each_size {
    ($($check:ident: $at_2048:ident $at_3072:ident $at_4096:ident;)*) => {$(
        #[test]
        fn $at_2048() {
            $check(KeySize::Bits2048);
        }
        #[test]
        fn $at_3072() {
            $check(KeySize::Bits3072);
        }
        #[test]
        fn $at_4096() {
            $check(KeySize::Bits4096);
        }
    )*};
}

for_each_size! {
    public_operation_agrees: public_2048_agrees_with_another_bignum public_3072_agrees_with_another_bignum
        public_4096_agrees_with_another_bignum;
    private_operation_agrees: private_2048_agrees_with_another_bignum private_3072_agrees_with_another_bignum
        private_4096_agrees_with_another_bignum;
    kem_round_trips: kem_2048_round_trips kem_3072_round_trips kem_4096_round_trips;
    kem_rejects: kem_2048_rejects_ciphertexts_out_of_range kem_3072_rejects_ciphertexts_out_of_range
        kem_4096_rejects_ciphertexts_out_of_range;
    kem_answers: kem_2048_returns_the_known_answer kem_3072_returns_the_known_answer kem_4096_returns_the_known_answer;
}

fn kem_round_trips(size: KeySize) {
    let (key, server) = (public(size), private(size));
    assert_eq!(server.modulus().len(), size.modulus_len());
    let len = key.modulus_len();
    let first = key.encapsulate(&mut rng(1));
    let second = key.encapsulate(&mut rng(2));
    assert_ne!(first.z, second.z);
    for sent in [first, second] {
        let mut z = vec![0; len];
        server.decapsulate(&mut rng(3), &sent.ciphertext[..len], &mut z).unwrap();
        assert_eq!(z, sent.z[..len]);
        assert!(sent.z[len..].iter().chain(&sent.ciphertext[len..]).all(|byte| *byte == 0));
    }
}

fn kem_rejects(size: KeySize) {
    let (p, q) = primes(size);
    let n = &p * &q;
    let (server, len) = (private(size), size.modulus_len());
    let ones = (BigUint::from(1_u8) << (len * 8)) - 1_u8;
    for outside in [BigUint::from(0_u8), BigUint::from(1_u8), &n - 1_u8, n.clone(), &n + 1_u8, ones] {
        let mut z = vec![0x55; len];
        assert_eq!(server.decapsulate(&mut rng(1), &bytes(&outside, len), &mut z), Err(InvalidCiphertext));
        assert!(z.iter().all(|byte| *byte == 0x55), "nothing is written");
    }
    let mut z = vec![0; len];
    for inside in [BigUint::from(2_u8), &n - 2_u8] {
        assert_eq!(server.decapsulate(&mut rng(1), &bytes(&inside, len), &mut z), Ok(()));
    }
    let two = bytes(&BigUint::from(2_u8), len);
    assert_eq!(server.decapsulate(&mut rng(1), &two[1..], &mut z), Err(InvalidCiphertext));
    assert_eq!(server.decapsulate(&mut rng(1), &[&[0], &two[..]].concat(), &mut z), Err(InvalidCiphertext));
    assert_eq!(server.decapsulate(&mut rng(1), &two, &mut z[1..]), Err(InvalidCiphertext));
}

/// Computed with an independent bignum (Python's `pow`).
fn kem_answers(size: KeySize) {
    let ciphertext_hash = match size {
        KeySize::Bits2048 => "ae5c613d89c69677de8062eff9952547697b19ddd7cb0399f7bdef7b9b5bf036",
        KeySize::Bits3072 => "2de8a60b00d050661c744a9378bb2938b2e36f21aa95e0b5feb285c5b5001653",
        KeySize::Bits4096 => "1f2094c534fc32f5169bf378b1731692d69c56ad8070e7ebef873ec9d5ecc3f2",
    };
    let mut z = vec![0, 0];
    for counter in 0_u32..16 {
        z.extend(sha256(&[b"kabar", &counter.to_be_bytes()]));
    }
    z.truncate(size.modulus_len());

    let mut number = z.clone();
    public(size).raw_public(&mut number).unwrap();
    assert_eq!(sha256(&[&number]).as_slice(), hex_vec(ciphertext_hash));
    let mut recovered = vec![0xff; size.modulus_len()];
    private(size).decapsulate(&mut rng(5), &number, &mut recovered).unwrap();
    assert_eq!(recovered, z, "leading zeros are kept");
}

/// A generator that replays given bytes.
struct Script(Vec<u8>, usize);

impl rand_core::TryRng for Script {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!("numbers are drawn as bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!("numbers are drawn as bytes")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.0[self.1..self.1 + out.len()]);
        self.1 += out.len();
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Script {}

#[test]
fn encapsulate_skips_candidates_out_of_range() {
    let (p, q) = primes(KeySize::Bits2048);
    let n = &p * &q;
    let one = BigUint::from(1_u8);
    for skipped in [BigUint::from(0_u8), one.clone(), &n - 1_u8, n.clone(), (&one << 2048_usize) - 1_u8] {
        for taken in [BigUint::from(2_u8), &n - 2_u8] {
            let mut script = Script([bytes(&skipped, 256), bytes(&taken, 256)].concat(), 0);
            let sent = public(KeySize::Bits2048).encapsulate(&mut script);
            assert_eq!(sent.z[..256], bytes(&taken, 256));
        }
    }
}

#[test]
fn any_size_key_matches_the_key_of_its_size() {
    let modulus = private(KeySize::Bits2048).modulus().to_vec();
    let sized = Rsa2048::from_modulus(&modulus).unwrap().encapsulate(&mut rng(1));
    let any = AnyRsa::from_modulus(&modulus).unwrap().encapsulate(&mut rng(1));
    assert_eq!((&any.z[..256], &any.ciphertext[..256]), (&sized.z[..], &sized.ciphertext[..]));
    assert!(!std::format!("{sized:?}").contains("z:"), "the secret is not printed");
}

#[test]
fn rejects_even_moduli_and_those_of_another_length() {
    let good = private(KeySize::Bits2048).modulus().to_vec();
    assert!(Rsa2048::from_modulus(&good).is_ok());
    assert!(Rsa3072::from_modulus(&good).is_err());
    let mut even = good.clone();
    even[255] ^= 1;
    let mut short = good.clone();
    short[0] &= 0x7f;
    for bad in [&even[..], &short, &good[1..], &[&[0], &good[..]].concat(), &[]] {
        assert_eq!(Rsa2048::from_modulus(bad), Err(InvalidKey));
        assert_eq!(AnyRsa::from_modulus(bad), Err(InvalidKey));
    }
    for size in KeySize::ALL {
        assert_eq!(public(size).modulus_len(), size.modulus_len());
    }
}

#[test]
fn rejects_primes_of_weak_keys() {
    let (p, q) = (test_keys::P_2048, test_keys::Q_2048);
    let refused = |p: &[u8], q: &[u8]| AnyRsaPrivateKey::from_primes(p, q).is_err();
    assert!(!refused(&p, &q));
    assert!(!refused(&q, &p));
    assert!(refused(&p, &p), "equal");
    assert!(refused(&p[1..], &q) && refused(&p, &q[1..]) && refused(&[], &[]), "of other lengths");
    let even = |mut prime: [u8; 128]| {
        prime[127] ^= 1;
        prime
    };
    assert!(refused(&even(p), &q) && refused(&p, &even(q)), "even");
    let mut smallest = [0; 128];
    smallest[0] = 0x80;
    assert!(refused(&bytes(&next_prime_after(&smallest), 128), &q), "a product that is too short");
    let mut composite = p;
    composite[64] ^= 0x10;
    assert!(refused(&composite, &q) && refused(&q, &composite), "composite");
    assert!(refused(&q, &bytes(&next_prime_after(&q), 128)), "close together");
    assert!(refused(&p, &test_keys::CONGRUENT_1_2048), "no inverse of the exponent");
}

/// The first prime above.
fn next_prime_after(prime: &[u8]) -> BigUint {
    num_bigint_dig::prime::next_prime(&BigUint::from_bytes_be(prime))
}
