//! RSAES-OAEP (RFC 8017, 7.1) with SHA-256 and MGF1-SHA-256.
//!
//! Use a separate key, never the key of a KEM: a party that can request OAEP decryptions with that
//! key can open the KEM's ciphertexts. Decryption reports only *whether* it failed, in constant
//! time.

use core::fmt;

use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{MAX_MODULUS_LEN, RawPrivate, RawPublic, mgf1};
use crate::hash::{HASH_LEN, sha256};

/// Minimum difference between the lengths of modulus and message, in bytes.
pub const OVERHEAD: usize = 2 * HASH_LEN + 2;

/// Why encryption failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptError {
    /// The message is longer than the modulus less [`OVERHEAD`].
    MessageTooLong,
    /// The buffer for the ciphertext is not exactly as long as the modulus.
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

/// Why decryption failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecryptError {
    /// Not a ciphertext for this key and label. Deliberately without further detail.
    Invalid,
    /// The buffer for the message is shorter than the modulus less [`OVERHEAD`].
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
/// An [`EncryptError`]; nothing was written.
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
/// A [`DecryptError`]; `out` is then unchanged.
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

/// RFC 8017, 7.1.2, step 3: unmasks `block` and finds the message, with every check made on every
/// block.
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
mod tests;
