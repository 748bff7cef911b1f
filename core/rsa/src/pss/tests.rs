use super::*;
use crate::{PrivateKey, PublicKey, Rsa2048, Rsa2048PrivateKey, test_keys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const LONGEST_SALT: usize = 256 - OVERHEAD;

fn keys() -> (Rsa2048, Rsa2048PrivateKey) {
    let private = Rsa2048PrivateKey::from_primes(&test_keys::P_2048, &test_keys::Q_2048).unwrap();
    (Rsa2048::from_modulus(private.modulus()).unwrap(), private)
}

fn signature(seed: u64, message: &[u8], salt_len: usize) -> [u8; 256] {
    let mut signature = [0; 256];
    sign(&keys().1, &mut ChaCha20Rng::seed_from_u64(seed), message, salt_len, &mut signature).unwrap();
    signature
}

#[test]
fn verifies_its_signatures_with_any_salt() {
    let key = keys().0;
    for salt_len in [0, 1, 32, 200, LONGEST_SALT] {
        let signature = signature(1, b"message", salt_len);
        assert!(verify(&key, b"message", salt_len, &signature));
        assert!(!verify(&key, b"massage", salt_len, &signature));
        for other in [salt_len.wrapping_sub(1), salt_len + 1, LONGEST_SALT + 1, usize::MAX] {
            assert!(!verify(&key, b"message", other, &signature), "salt of {other} instead of {salt_len}");
        }
        for at in [0, 127, 255] {
            let mut changed = signature;
            changed[at] ^= 1;
            assert!(!verify(&key, b"message", salt_len, &changed));
        }
    }
}

#[test]
fn signatures_differ_with_salt_and_are_equal_without() {
    assert_ne!(signature(1, b"message", 32), signature(2, b"message", 32));
    assert_eq!(signature(1, b"message", 0), signature(2, b"message", 0));
}

#[test]
fn rejects_salts_and_signatures_of_wrong_length() {
    let (public, private) = keys();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut out = [0; 257];
    for salt_len in [LONGEST_SALT + 1, MAX_MODULUS_LEN + 1, usize::MAX] {
        let refused = sign(&private, &mut rng, b"", salt_len, &mut out[..256]);
        assert_eq!(refused, Err(SignError::SaltTooLong));
    }
    for len in [0, 255, 257] {
        let refused = sign(&private, &mut rng, b"", 32, &mut out[..len]);
        assert_eq!(refused, Err(SignError::WrongOutputLength));
        assert!(!verify(&public, b"", 32, &out[..len]));
    }
    assert!(!verify(&public, b"", 32, &[0xff; 256]), "not below the modulus");
}

#[test]
fn accepts_only_well_formed_blocks() {
    let mut good = [0; 256];
    encode(b"message", &[7; 32], &mut good).unwrap();
    let formed = |change: fn(&mut [u8; 256])| {
        let mut block = good;
        change(&mut block);
        is_encoded(b"message", 32, &mut block)
    };
    assert!(formed(|_| ()));
    assert!(!formed(|block| block[255] ^= 1), "trailer");
    assert!(!formed(|block| block[0] |= 0x80), "top bit");
    assert!(!formed(|block| block[5] ^= 1), "padding");
    assert!(!formed(|block| block[256 - 1 - 32 - 32 - 1] ^= 2), "separator");
    assert!(!formed(|block| block[256 - 1 - 32 - 1] ^= 1), "salt");
    assert!(!formed(|block| block[254] ^= 1), "hash");
}
