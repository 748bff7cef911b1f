//! SHA-256 transcripts, HKDF-SHA256 (RFC 5869) and HMAC-SHA256 (RFC 2104).

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Length of a SHA-256 hash, of a [`Secret`] and of a MAC in bytes.
pub const HASH_LEN: usize = 32;

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
        let _ = (salt, ikm);
        todo!()
    }

    /// HKDF-Expand with this secret as the pseudorandom key; `info` is the concatenation of `label` and `context`.
    /// `out` is at most 255 * 32 bytes; what is beyond that is left untouched (callers ask for at most 64 bytes).
    pub fn expand(&self, label: &[u8], context: &[u8], out: &mut [u8]) {
        let _ = (label, context, out);
        todo!()
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
    let _ = (key, parts);
    todo!()
}

/// SHA-256 of the concatenation of `parts`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let _ = parts;
    todo!()
}

/// Compares in constant time; slices of different length are unequal.
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    subtle::ConstantTimeEq::ct_eq(a, b).into()
}

/// A running SHA-256 over everything both sides saw.
#[derive(Clone)]
pub struct Transcript(sha2::Sha256);

impl core::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Transcript(..)")
    }
}

impl Transcript {
    /// Starts with a protocol label.
    #[must_use]
    pub fn new(label: &[u8]) -> Self {
        let _ = label;
        todo!()
    }

    /// Adds `part` behind its length as a u32, so that no two sequences of parts collide.
    pub fn add(&mut self, part: &[u8]) {
        let _ = part;
        todo!()
    }

    /// The hash of everything added.
    #[must_use]
    pub fn finish(self) -> [u8; HASH_LEN] {
        todo!()
    }
}
