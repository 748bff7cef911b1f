//! MGF1 with SHA-256 (RFC 8017, B.2.1): the mask that OAEP and PSS lay over their blocks.

use zeroize::Zeroizing;

use crate::hash::{HASH_LEN, sha256};

/// Lays the mask that `seed` gives over `data`; done twice it is undone.
#[inline]
pub(super) fn mask(seed: &[u8], data: &mut [u8]) {
    for (counter, part) in (0_u32..).zip(data.chunks_mut(HASH_LEN)) {
        let mask = Zeroizing::new(sha256(&[seed, &counter.to_be_bytes()]));
        part.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
    }
}
