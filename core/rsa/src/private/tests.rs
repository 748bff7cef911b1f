use super::*;
use crate::test_keys::{CONGRUENT_1_2048, P_2048, Q_2048};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn key() -> Rsa2048PrivateKey {
    RsaPrivateKey::from_primes(&P_2048, &Q_2048).unwrap()
}

#[test]
fn faulty_computation_returns_no_result() {
    let faults: [fn(&mut Rsa2048PrivateKey); 3] = [
        |key| key.dp = key.dp.wrapping_add(&Uint::ONE),
        |key| key.dq = key.dq.wrapping_sub(&Uint::ONE),
        |key| key.q_inverse = key.q_inverse.wrapping_sub(&Uint::ONE),
    ];
    for fault in faults {
        let mut key = key();
        fault(&mut key);
        let mut number = [0x42; 256];
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        assert_eq!(key.raw_private(&mut rng, &mut number), Err(RawError::Fault));
        assert_eq!(number, [0x42; 256]);
        let mut z = [0; 256];
        assert_eq!(key.decapsulate(&mut rng, &number, &mut z), Err(InvalidCiphertext));
        assert_eq!(z, [0; 256]);
    }
}

#[test]
fn result_is_independent_of_blinding() {
    let mut results = (0..3).map(|seed| {
        let mut number = [0x42; 256];
        key().raw_private(&mut ChaCha20Rng::seed_from_u64(seed), &mut number).unwrap();
        number
    });
    let first = results.next();
    assert!(results.all(|result| Some(result) == first));
}

#[test]
fn rejects_numbers_not_below_the_modulus() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut modulus = key().modulus;
    assert_eq!(key().raw_private(&mut rng, &mut modulus), Err(RawError::OutOfRange));
    assert_eq!(key().raw_private(&mut rng, &mut modulus[1..]), Err(RawError::WrongLength));
}

#[test]
fn exponents_are_inverses() {
    let e = Uint::<{ limbs(1024) }>::from_u32(PUBLIC_EXPONENT);
    for prime in [P_2048, Q_2048] {
        let prime = odd::<{ limbs(1024) }>(&prime).unwrap();
        let order = NonZero::new(prime.wrapping_sub(&Uint::ONE)).unwrap();
        assert_eq!(crt_exponent(&prime).unwrap().mul_mod(&e, &order), Uint::ONE);
    }
    assert_eq!(crt_exponent(&odd::<{ limbs(1024) }>(&CONGRUENT_1_2048).unwrap()), Err(InvalidKey));
}

#[test]
fn primes_round_trip() {
    let any = AnyRsaPrivateKey::from_primes(&P_2048, &Q_2048).unwrap();
    let (mut p, mut q) = ([0; 128], [0; 128]);
    any.primes(&mut p, &mut q).unwrap();
    assert_eq!((p, q), (P_2048, Q_2048));
    assert_eq!(any.primes(&mut p[1..], &mut q), Err(RawError::WrongLength));
    assert_eq!(any.primes(&mut p, &mut q[1..]), Err(RawError::WrongLength));
}

#[test]
fn does_not_print_its_primes() {
    assert_eq!(std::format!("{:?}", key()), "RsaPrivateKey(2048 bits)");
}
