//! RSASSA-PSS (RFC 8017, 8.1) with SHA-256, MGF1-SHA-256 and a salt of any length.
//!
//! Use a separate key, never the key of a KEM: a signature is a decryption of a value that others
//! may choose.

use core::fmt;

use super::{MAX_MODULUS_LEN, RawPrivate, RawPublic, mgf1};
use crate::hash::{HASH_LEN, sha256};
use rand_core::CryptoRng;

/// Minimum difference between the lengths of modulus and salt, in bytes.
pub const OVERHEAD: usize = HASH_LEN + 2;

const TRAILER: u8 = 0xbc;

/// Why signing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The salt is longer than the modulus less [`OVERHEAD`].
    SaltTooLong,
    /// The buffer for the signature is not exactly as long as the modulus.
    WrongOutputLength,
    /// The result failed its check, because of a fault of the machine.
    Fault,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SaltTooLong => "salt too long for the modulus",
            Self::WrongOutputLength => "output is not as long as the modulus",
            Self::Fault => "signature did not pass its check",
        })
    }
}

impl core::error::Error for SignError {}

/// Signs `message` with a random salt of `salt_len` bytes (32 is usual, 0 makes it deterministic)
/// into `signature`, which is exactly as long as the modulus.
///
/// # Errors
/// A [`SignError`]; the content of `signature` is then unspecified.
pub fn sign(
    key: &impl RawPrivate,
    rng: &mut impl CryptoRng,
    message: &[u8],
    salt_len: usize,
    signature: &mut [u8],
) -> Result<(), SignError> {
    if signature.len() != key.modulus_len() {
        return Err(SignError::WrongOutputLength);
    }
    let mut salt = [0; MAX_MODULUS_LEN];
    let salt = salt.get_mut(..salt_len).ok_or(SignError::SaltTooLong)?;
    rng.fill_bytes(salt);
    encode(message, salt, signature)?;
    key.raw_private(rng, signature).map_err(|_| {
        signature.fill(0);
        SignError::Fault
    })
}

/// Whether `signature` is one of `message` with a salt of exactly `salt_len` bytes.
#[must_use]
pub fn verify(key: &impl RawPublic, message: &[u8], salt_len: usize, signature: &[u8]) -> bool {
    let mut block = [0; MAX_MODULUS_LEN];
    let Some(block) = block.get_mut(..key.modulus_len()).filter(|block| block.len() == signature.len()) else {
        return false;
    };
    block.copy_from_slice(signature);
    key.raw_public(block).is_ok() && is_encoded(message, salt_len, block)
}

/// EMSA-PSS-ENCODE (RFC 8017, 9.1.1): (0 ... | 1 | salt) masked | H | 0xbc, the top bit cleared,
/// because the block is one bit shorter than the modulus.
#[inline]
fn encode(message: &[u8], salt: &[u8], block: &mut [u8]) -> Result<(), SignError> {
    let padding = block.len().checked_sub(OVERHEAD).and_then(|max| max.checked_sub(salt.len()));
    let padding = padding.ok_or(SignError::SaltTooLong)?;
    let (data, rest) = block.split_at_mut(padding + 1 + salt.len());
    let (hash, trailer) = rest.split_at_mut(HASH_LEN);
    hash.copy_from_slice(&salted_hash(message, salt));
    trailer.fill(TRAILER);
    data.fill(0);
    data[padding] = 1;
    data[padding + 1..].copy_from_slice(salt);
    mgf1::mask(hash, data);
    data[0] &= 0x7f;
    Ok(())
}

/// EMSA-PSS-VERIFY (RFC 8017, 9.1.2). Everything here is public.
#[inline]
fn is_encoded(message: &[u8], salt_len: usize, block: &mut [u8]) -> bool {
    let Some(padding) = block.len().checked_sub(OVERHEAD).and_then(|max| max.checked_sub(salt_len)) else {
        return false;
    };
    let (data, rest) = block.split_at_mut(padding + 1 + salt_len);
    let (hash, trailer) = rest.split_at(HASH_LEN);
    if trailer != [TRAILER] || data[0] & 0x80 != 0 {
        return false;
    }
    mgf1::mask(hash, data);
    data[0] &= 0x7f;
    let (zeros, rest) = data.split_at(padding);
    let (one, salt) = rest.split_at(1);
    zeros.iter().all(|byte| *byte == 0) && one == [1] && hash == salted_hash(message, salt)
}

#[inline]
fn salted_hash(message: &[u8], salt: &[u8]) -> [u8; HASH_LEN] {
    sha256(&[&[0; 8], &sha256(&[message]), salt])
}

#[cfg(test)]
mod tests;
