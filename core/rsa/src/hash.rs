//! SHA-256 of several parts.

use sha2::{Digest, Sha256};

/// Length of a SHA-256 hash in bytes.
pub(crate) const HASH_LEN: usize = 32;

/// SHA-256 of the concatenation of `parts`.
#[inline]
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
