//! RSAES-OAEP (RFC 8017, 7.1) with SHA-256 and MGF1-SHA-256.
//!
//! For keys of their own, never for the key of a KEM: whoever may ask for an OAEP decryption under it can open the KEM's
//! ciphertexts. Decryption tells only *whether* it failed, in the same time wherever it failed.

use core::fmt;

use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{MAX_MODULUS_LEN, RawPrivate, RawPublic, mgf1};
use crate::hash::{HASH_LEN, sha256};

/// How much shorter than the modulus a message is at least, in bytes.
pub const OVERHEAD: usize = 2 * HASH_LEN + 2;

/// Why nothing was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptError {
    /// The message is longer than the modulus less [`OVERHEAD`].
    MessageTooLong,
    /// The room for the ciphertext is not exactly as long as the modulus.
    WrongOutputLength,
}

impl fmt::Display for EncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MessageTooLong => "message too long for the modulus",
            Self::WrongOutputLength => "output is not as long as the modulus",
        })
    }
}

impl core::error::Error for EncryptError {}

/// Why nothing was decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecryptError {
    /// Not a ciphertext for this key and label. Says nothing more on purpose.
    Invalid,
    /// The room for the message is shorter than the modulus less [`OVERHEAD`].
    OutputTooShort,
}

impl fmt::Display for DecryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "not a ciphertext for this key and label",
            Self::OutputTooShort => "output shorter than the longest message",
        })
    }
}

impl core::error::Error for DecryptError {}

/// Encrypts `message` into `ciphertext`, which is exactly as long as the modulus.
///
/// # Errors
/// An [`EncryptError`], before anything was written.
pub fn encrypt(
    key: &impl RawPublic,
    rng: &mut impl CryptoRng,
    label: &[u8],
    message: &[u8],
    ciphertext: &mut [u8],
) -> Result<(), EncryptError> {
    if ciphertext.len() != key.modulus_len() {
        return Err(EncryptError::WrongOutputLength);
    }
    let padding = ciphertext.len().checked_sub(OVERHEAD).and_then(|max| max.checked_sub(message.len()));
    let padding = padding.ok_or(EncryptError::MessageTooLong)?;

    // RFC 8017, 7.1.1: 0 | seed masked | (hash of the label | 0 ... | 1 | message) masked.
    ciphertext.fill(0);
    let (seed, data) = ciphertext[1..].split_at_mut(HASH_LEN);
    rng.fill_bytes(seed);
    let (label_hash, rest) = data.split_at_mut(HASH_LEN);
    label_hash.copy_from_slice(&sha256(&[label]));
    rest[padding] = 1;
    rest[padding + 1..].copy_from_slice(message);
    mgf1::mask(seed, data);
    mgf1::mask(data, seed);

    // The first byte is zero, so the block is below any modulus.
    key.raw_public(ciphertext).map_err(|_| EncryptError::WrongOutputLength)
}

/// Decrypts `ciphertext` into the front of `out` and returns the message there.
///
/// # Errors
/// A [`DecryptError`]; `out` is then untouched.
pub fn decrypt<'a>(
    key: &impl RawPrivate,
    rng: &mut impl CryptoRng,
    label: &[u8],
    ciphertext: &[u8],
    out: &'a mut [u8],
) -> Result<&'a [u8], DecryptError> {
    let len = key.modulus_len();
    if out.len() < len.saturating_sub(OVERHEAD) {
        return Err(DecryptError::OutputTooShort);
    }
    let mut block = Zeroizing::new([0; MAX_MODULUS_LEN]);
    let block = block.get_mut(..len).ok_or(DecryptError::Invalid)?;
    if ciphertext.len() != len {
        return Err(DecryptError::Invalid);
    }
    block.copy_from_slice(ciphertext);
    key.raw_private(rng, block).map_err(|_| DecryptError::Invalid)?;

    let message = decode(block, label).ok_or(DecryptError::Invalid)?;
    let out = out.get_mut(..message.len()).ok_or(DecryptError::OutputTooShort)?;
    out.copy_from_slice(message);
    Ok(out)
}

/// RFC 8017, 7.1.2, step 3: unmasks `block` and finds the message, with every check made on every block.
#[inline]
fn decode<'a>(block: &'a mut [u8], label: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = block.split_first_mut()?;
    let (seed, data) = rest.split_at_mut_checked(HASH_LEN)?;
    mgf1::mask(data, seed);
    mgf1::mask(seed, data);

    let (label_hash, rest) = data.split_at_checked(HASH_LEN)?;
    let mut valid = first.ct_eq(&0) & label_hash.ct_eq(&sha256(&[label]));
    let mut in_padding = Choice::from(1);
    let mut message_at = 0_u32;
    for (at, byte) in (1..).zip(rest) {
        let ends = in_padding & byte.ct_eq(&1);
        message_at.conditional_assign(&at, ends);
        in_padding &= !ends;
        valid &= !in_padding | byte.ct_eq(&0);
    }
    valid &= !in_padding;
    if bool::from(valid) { rest.get(message_at as usize..) } else { None }
}

#[cfg(test)]
mod tests {
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

    /// Decrypts a block that no encryption made.
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
    fn refuses_what_does_not_fit() {
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
}
