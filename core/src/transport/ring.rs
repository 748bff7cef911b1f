//! Bytes of a stream in a ring buffer: the byte at stream offset `o` is stored at `o` modulo the
//! length.

/// Copies `data`, at most as long as `ring`, into it as the bytes from `offset` on.
#[inline]
pub(crate) fn write(ring: &mut [u8], offset: u64, data: &[u8]) {
    debug_assert!(data.len() <= ring.len());
    let at = position(ring.len(), offset);
    let Some((wrapped, straight)) = ring.split_at_mut_checked(at) else { return };
    let (head, tail) = data.split_at_checked(straight.len()).unwrap_or((data, &[]));
    for (to, from) in [(straight, head), (wrapped, tail)] {
        if let Some(to) = to.get_mut(..from.len()) {
            to.copy_from_slice(from);
        }
    }
}

/// The `len` bytes from `offset` on, as two slices; `len` is at most the length of `ring`.
#[inline]
pub(crate) fn pieces(ring: &[u8], offset: u64, len: usize) -> [&[u8]; 2] {
    debug_assert!(len <= ring.len());
    let at = position(ring.len(), offset);
    let (wrapped, straight) = ring.split_at_checked(at).unwrap_or((&[], ring));
    let head = len.min(straight.len());
    [straight.get(..head).unwrap_or(&[]), wrapped.get(..len - head).unwrap_or(&[])]
}

/// Copies the bytes from `offset` on out of `ring`.
pub(crate) fn read(ring: &[u8], offset: u64, out: &mut [u8]) {
    let [head, tail] = pieces(ring, offset, out.len());
    let Some((first, second)) = out.split_at_mut_checked(head.len()) else { return };
    for (to, from) in [(first, head), (second, tail)] {
        if let Some(to) = to.get_mut(..from.len()) {
            to.copy_from_slice(from);
        }
    }
}

#[inline]
fn position(len: usize, offset: u64) -> usize {
    // A ring is shorter than 2^64, so the rest fits a usize. Most rings are a power of two long,
    // and a division is slow.
    let rest = u64::try_from(len).ok().and_then(|len| match len.checked_sub(1) {
        Some(mask) if len.is_power_of_two() => Some(offset & mask),
        _ => offset.checked_rem(len),
    });
    rest.and_then(|rest| usize::try_from(rest).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_around_the_end() {
        let mut ring = [0; 5];
        write(&mut ring, 13, b"abcd");
        assert_eq!(&ring, b"cd\0ab");
        let mut out = [0; 4];
        read(&ring, 13, &mut out);
        assert_eq!(&out, b"abcd");
        read(&ring, 14, &mut out[..2]);
        assert_eq!(&out[..2], b"bc");
    }

    #[test]
    fn holds_as_many_bytes_as_its_length() {
        let mut ring = [0; 4];
        write(&mut ring, u64::MAX - 1, b"wxyz");
        let mut out = [0; 4];
        read(&ring, u64::MAX - 1, &mut out);
        assert_eq!(&out, b"wxyz");
    }

    #[test]
    fn an_empty_ring_holds_nothing() {
        write(&mut [], 3, b"");
        read(&[], 3, &mut []);
    }
}
