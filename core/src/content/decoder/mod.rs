//! The receiving side: proves each parent and each group before anything uses it (SPEC 10.3).

use super::prover::Prover;
use super::tree::GroupRange;
use super::{GROUP_LEN, MAX_DEPTH, NotProven, PARENT_LEN, Root, TooLong, hash};

/// Proves the encoding of a range of groups.
///
/// `DEPTH` bounds the length of contents: [`GROUP_LEN`] times 2^`DEPTH` bytes. The size of a
/// decoder is 32 bytes per level and 128 at most; the buffer for a group belongs to the caller.
#[derive(Clone, Debug)]
pub struct Decoder<const DEPTH: usize = MAX_DEPTH> {
    prover: Prover<DEPTH>,
    /// Bytes of the current node that are in the buffer.
    filled: usize,
}

/// A proven part of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven<'a> {
    /// A parent. A receiver that passes the content on stores it in its outboard; others ignore it.
    Parent {
        /// Position in the outboard, in parents.
        index: u64,
        /// Chaining values of the two children.
        bytes: &'a [u8; PARENT_LEN],
    },
    /// A group, the next one of the range.
    Group {
        /// Offset of its first byte in the content.
        offset: u64,
        /// All of its bytes: [`GROUP_LEN`], fewer in the last group.
        bytes: &'a [u8],
    },
}

impl<const DEPTH: usize> Decoder<DEPTH> {
    /// A decoder for the encoding of `range`, which states the length of the content.
    ///
    /// The length is proven with the last group of the content, not before.
    ///
    /// # Errors
    /// [`TooLong`] if the tree has more than `DEPTH` levels.
    pub fn new(root: Root, range: GroupRange) -> Result<Self, TooLong> {
        Ok(Self { prover: Prover::new(root, range)?, filled: 0 })
    }

    /// Consumes bytes from `input` until a parent or a group is proven. Call it again with the
    /// rest, until it returns `None`: then `input` is empty, or the encoding has ended.
    ///
    /// `buffer` has to be the same in each call; it is free after a group was returned.
    ///
    /// # Errors
    /// [`NotProven`]; every further call returns it again.
    pub fn decode<'b>(
        &mut self,
        input: &mut &[u8],
        buffer: &'b mut [u8; GROUP_LEN],
    ) -> Result<Option<Proven<'b>>, NotProven> {
        let Some((node, len)) = self.prover.node()? else { return Ok(None) };
        self.fill(input, buffer.get_mut(..len).unwrap_or_default());
        if self.filled < len {
            return Ok(None);
        }
        self.filled = 0;
        let bytes = buffer.get(..len).unwrap_or_default();
        if node.is_parent()
            && let Some(bytes) = bytes.first_chunk()
        {
            self.prover.prove_parent(node, bytes)?;
            return Ok(Some(Proven::Parent { index: node.parent_index(), bytes }));
        }
        let offset = self.prover.offset_of(node);
        self.prover.prove_group(node, &hash::group(offset, bytes, self.prover.is_root(node)))?;
        Ok(Some(Proven::Group { offset, bytes }))
    }

    /// Offset of the next group: everything before it in the range is proven, and a later decoder
    /// continues there.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.prover.offset()
    }

    /// Whether all groups of the range are proven.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.prover.is_finished()
    }

    /// Appends bytes of `input` to the `filled` bytes of `place`, until that is full.
    fn fill(&mut self, input: &mut &[u8], place: &mut [u8]) {
        let free = place.get_mut(self.filled..).unwrap_or_default();
        let len = free.len().min(input.len());
        if let (Some((bytes, rest)), Some(free)) = (input.split_at_checked(len), free.get_mut(..len)) {
            free.copy_from_slice(bytes);
            *input = rest;
            self.filled = self.filled.saturating_add(len);
        }
    }
}

#[cfg(test)]
mod tests;
