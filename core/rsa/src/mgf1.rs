//! MGF1 with SHA-256 (RFC 8017, B.2.1): the mask generation function of OAEP and PSS.

use zeroize::Zeroizing;

use crate::hash::{HASH_LEN, sha256};

/// Masks `data` with the mask of `seed`. A second call removes the mask.
#[inline]
pub(super) fn mask(seed: &[u8], data: &mut [u8]) {
    for (counter, part) in (0_u32..).zip(data.chunks_mut(HASH_LEN)) {
        let mask = Zeroizing::new(sha256(&[seed, &counter.to_be_bytes()]));
        part.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
    }
}
