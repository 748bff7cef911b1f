use super::*;
use crate::{PrivateKey, PublicKey, Rsa2048, Rsa2048PrivateKey, test_keys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn keys() -> (Rsa2048, Rsa2048PrivateKey) {
    let private = Rsa2048PrivateKey::from_primes(&test_keys::P_2048, &test_keys::Q_2048).unwrap();
    (Rsa2048::from_modulus(private.modulus()).unwrap(), private)
}

/// Decrypts a block that was not created by encryption.
fn open(block: [u8; 256], label: &[u8]) -> Result<std::vec::Vec<u8>, DecryptError> {
    let (public, private) = keys();
    let mut ciphertext = block;
    public.raw_public(&mut ciphertext).unwrap();
    let mut out = [0; 256];
    decrypt(&private, &mut rng(), label, &ciphertext, &mut out).map(<[u8]>::to_vec)
}

/// A block of a first byte, and of a hash of the label, padding and message still to be masked.
fn block(first: u8, data: &[u8]) -> [u8; 256] {
    let mut block = [0; 256];
    block[0] = first;
    block[1..33].copy_from_slice(&[0x77; HASH_LEN]);
    block[33..33 + data.len()].copy_from_slice(data);
    let (seed, data) = block[1..].split_at_mut(HASH_LEN);
    mgf1::mask(seed, data);
    mgf1::mask(data, seed);
    block
}

fn data(label: &[u8], rest: impl Fn(usize) -> u8) -> [u8; 223] {
    let mut data: [u8; 223] = core::array::from_fn(|at| rest(at.wrapping_sub(HASH_LEN)));
    data[..HASH_LEN].copy_from_slice(&sha256(&[label]));
    data
}

#[test]
fn round_trips_messages_of_every_length() {
    let (public, private) = keys();
    for len in [0, 1, 31, 32, 189, 190] {
        let (message, mut ciphertext, mut out) = ([1; 190], [0; 256], [0; 190]);
        encrypt(&public, &mut rng(), b"label", &message[..len], &mut ciphertext).unwrap();
        let got = decrypt(&private, &mut rng(), b"label", &ciphertext, &mut out);
        assert_eq!(got, Ok(&message[..len]));
        assert_eq!(decrypt(&private, &mut rng(), b"lapel", &ciphertext, &mut out), Err(DecryptError::Invalid));
    }
}

#[test]
fn rejects_messages_and_buffers_of_wrong_length() {
    let (public, private) = keys();
    let mut ciphertext = [0; 256];
    let too_long = encrypt(&public, &mut rng(), b"", &[0; 191], &mut ciphertext);
    assert_eq!(too_long, Err(EncryptError::MessageTooLong));
    for len in [255, 0] {
        let short = encrypt(&public, &mut rng(), b"", b"", &mut ciphertext[..len]);
        assert_eq!(short, Err(EncryptError::WrongOutputLength));
    }
    let mut out = [0; 190];
    assert_eq!(decrypt(&private, &mut rng(), b"", &[0; 257], &mut out), Err(DecryptError::Invalid));
    assert_eq!(decrypt(&private, &mut rng(), b"", &[0xff; 256], &mut out), Err(DecryptError::Invalid));
    let out = &mut out[..189];
    assert_eq!(decrypt(&private, &mut rng(), b"", &[0; 256], out), Err(DecryptError::OutputTooShort));
}

#[test]
fn accepts_only_well_formed_blocks() {
    let good = data(b"label", |at| u8::from(at == 100));
    assert_eq!(open(block(0, &good), b"label").unwrap(), [0; 90]);
    let second_one = data(b"label", |at| u8::from(at == 100 || at == 150));
    assert_eq!(open(block(0, &second_one), b"label").unwrap().len(), 90);
    let empty = data(b"label", |at| u8::from(at == 190));
    assert_eq!(open(block(0, &empty), b"label").unwrap(), []);
    let at_once = data(b"label", |at| u8::from(at == 0));
    assert_eq!(open(block(0, &at_once), b"label").unwrap(), [0; 190]);

    let no_separator = data(b"label", |_| 0);
    let wrong_separator = data(b"label", |at| if at == 100 { 2 } else { 0 });
    let dirty_padding = data(b"label", |at| u8::from(at == 100) | if at == 99 { 0x80 } else { 0 });
    for (first, bad, label) in [
        (1, &good, b"label"),
        (0, &good, b"lapel"),
        (0, &no_separator, b"label"),
        (0, &wrong_separator, b"label"),
        (0, &dirty_padding, b"label"),
    ] {
        assert_eq!(open(block(first, bad), label), Err(DecryptError::Invalid));
    }
}
