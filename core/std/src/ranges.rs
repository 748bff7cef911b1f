//! Ranges of a stream on a host: as many as a path with loss has, on the heap.

use kabar_core::transport::{RangeStorage, Span};

/// Entries that stay allocated: what a stream on a path without loss needs.
const KEPT: usize = 16;

/// At most `MAX` entries; without any, it needs almost no memory.
#[derive(Debug)]
pub struct HeapRanges<const MAX: usize>(Vec<Span>);

impl<const MAX: usize> RangeStorage for HeapRanges<MAX> {
    const EMPTY: Self = Self(Vec::new());
    const MAX: usize = MAX;

    #[inline]
    fn as_slice(&self) -> &[Span] {
        &self.0
    }

    fn splice(&mut self, from: usize, to: usize, with: &[Span]) {
        self.0.splice(from..to, with.iter().copied());
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = Vec::new();
        }
    }

    fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_memory_for_ranges_that_are_gone() {
        let mut ranges = HeapRanges::<1_000>::EMPTY;
        ranges.splice(0, 0, &[Span::default(); 3]);
        ranges.splice(1, 2, &[Span::default(); 500]);
        assert_eq!(ranges.as_slice().len(), 502);
        ranges.splice(0, 502, &[]);
        assert!(ranges.as_slice().is_empty() && ranges.0.capacity() <= KEPT);
    }
}
