//! SHA-256 transcripts, HKDF-SHA256 (RFC 5869) and HMAC-SHA256 (RFC 2104).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of a SHA-256 hash, of a [`Secret`] and of a MAC in bytes.
pub const HASH_LEN: usize = 32;
/// Longest output of HKDF-Expand (RFC 5869, 2.3).
const MAX_EXPAND_LEN: usize = 255 * HASH_LEN;

/// 32 secret bytes: wiped on drop, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; HASH_LEN]);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Wraps `bytes`.
    #[must_use]
    pub const fn new(bytes: [u8; HASH_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; HASH_LEN] {
        &self.0
    }

    /// HKDF-Extract of the concatenation of `ikm` under `salt`.
    #[must_use]
    pub fn extract(salt: &[u8], ikm: &[&[u8]]) -> Self {
        Self(hmac(salt, ikm))
    }

    /// HKDF-Expand with this secret as the pseudorandom key; `info` is the concatenation of `label`
    /// and `context`. `out` is at most 255 * 32 bytes; bytes beyond that are left untouched
    /// (callers use at most 64).
    pub fn expand(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        let len = out.len().min(MAX_EXPAND_LEN);
        let hkdf = hkdf::Hkdf::<Sha256>::from_prk(&self.0).expect("the key is as long as the hash");
        hkdf.expand_multi_info(&[label, context], &mut out[..len]).expect("cut to the limit above");
    }

    /// [`Secret::expand`] into another secret.
    #[must_use]
    pub fn derive(&self, label: &[u8], context: &[u8]) -> Self {
        let mut out = Self([0; HASH_LEN]);
        self.expand(label, context, &mut out.0);
        out
    }
}

/// HMAC-SHA256 under `key` of the concatenation of `parts`.
#[must_use]
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// SHA-256 of the concatenation of `parts`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Compares in constant time. Slices of different lengths are unequal.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}

/// SHA-256 over the messages of a handshake.
#[derive(Clone)]
pub struct Transcript(sha2::Sha256);

impl core::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Transcript(..)")
    }
}

impl Transcript {
    /// Starts with the length of a protocol label as a u8, then the label (SPEC 3.5); labels are
    /// constants of at most 255 bytes.
    #[must_use]
    pub fn new(label: &[u8]) -> Self {
        let mut transcript = Self(Sha256::new());
        transcript.0.update([u8::try_from(label.len()).unwrap_or(u8::MAX)]);
        transcript.0.update(label);
        transcript
    }

    /// Adds the length of `part` as a u32, then `part`, so that no two sequences of parts collide.
    pub fn add(&mut self, part: &[u8]) {
        // No part is near 4 GiB; the bytes would still distinguish it.
        let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
        self.0.update(len.to_be_bytes());
        self.0.update(part);
    }

    /// Returns the hash of everything added.
    #[must_use]
    pub fn finish(self) -> [u8; HASH_LEN] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests;
