//! The receiving side: proves each parent and each group before anything uses it (SPEC 10.3).

use heapless::Vec;

use super::hash::{self, NodeHash};
use super::tree::{GroupRange, Node, Walk};
use super::{GROUP_LEN, MAX_DEPTH, PARENT_LEN, Root};

/// Proves the encoding of a range of groups.
///
/// `DEPTH` bounds the length of contents: [`GROUP_LEN`] times 2^`DEPTH` bytes. The size of a
/// decoder is 32 bytes per level and 128 at most; the buffer for a group belongs to the caller.
#[derive(Clone, Debug)]
pub struct Decoder<const DEPTH: usize = MAX_DEPTH> {
    walk: Walk,
    /// The hash that the current node has to have.
    expected: NodeHash,
    /// Hashes of the right children after the current node; the last of them is the next.
    pending: Vec<NodeHash, DEPTH>,
    /// Bytes of the current node that are in the buffer.
    filled: usize,
    failed: Option<NotProven>,
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

/// A parent or a group does not have the hash that it should have. Everything before it is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotProven {
    /// Offset in the content of the first byte of the group, or of the groups below the parent.
    pub offset: u64,
    /// Whether it is a parent.
    pub is_parent: bool,
}

/// The content is longer than the decoder was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooLong;

impl<const DEPTH: usize> Decoder<DEPTH> {
    /// A decoder for the encoding of `range`, which states the length of the content.
    ///
    /// The length is proven with the last group of the content, not before.
    ///
    /// # Errors
    /// [`TooLong`] if the tree has more than `DEPTH` levels.
    pub fn new(root: Root, range: GroupRange) -> Result<Self, TooLong> {
        match usize::try_from(range.depth()) {
            Ok(depth) if depth <= DEPTH => {
                Ok(Self { walk: Walk::new(range), expected: root.0, pending: Vec::new(), filled: 0, failed: None })
            }
            _ => Err(TooLong),
        }
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
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let Some(node) = self.walk.node() else { return Ok(None) };
        let len = self.walk.encoded_len(node);
        self.fill(input, buffer.get_mut(..len).unwrap_or_default());
        if self.filled < len {
            return Ok(None);
        }
        self.filled = 0;
        let bytes = buffer.get(..len).unwrap_or_default();
        let Some(proven) = self.prove(node, bytes) else {
            let failed = NotProven { offset: self.walk.offset_of(node), is_parent: node.is_parent() };
            self.failed = Some(failed);
            return Err(failed);
        };
        self.walk.advance();
        Ok(Some(proven))
    }

    /// Offset of the next group: everything before it in the range is proven, and a later decoder
    /// continues there.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.walk.offset()
    }

    /// Whether all groups of the range are proven.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.walk.node().is_none()
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

    /// Checks the hash of the current node, and takes from it those of the nodes that follow.
    fn prove<'b>(&mut self, node: Node, bytes: &'b [u8]) -> Option<Proven<'b>> {
        let is_root = self.walk.is_root(node);
        let Some((left, _)) = node.children() else {
            let offset = self.walk.offset_of(node);
            if hash::group(offset, bytes, is_root) != self.expected {
                return None;
            }
            // Nothing is expected after the last group of the range.
            self.expected = self.pending.pop().unwrap_or_default();
            return Some(Proven::Group { offset, bytes });
        };
        let bytes = bytes.first_chunk()?;
        let (left_hash, right_hash) = hash::split(bytes);
        if hash::parent(&left_hash, &right_hash, is_root) != self.expected {
            return None;
        }
        self.expected = right_hash;
        if self.walk.reaches(left) {
            self.expected = left_hash;
            // There is room for one per level, and `new` has counted the levels.
            self.pending.push(right_hash).ok()?;
        }
        Some(Proven::Parent { index: node.parent_index(), bytes })
    }
}

impl core::fmt::Display for NotProven {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let node = if self.is_parent { "parent" } else { "group" };
        write!(f, "the {node} at offset {} does not belong to the content", self.offset)
    }
}

impl core::error::Error for NotProven {}

impl core::fmt::Display for TooLong {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the content is too long")
    }
}

impl core::error::Error for TooLong {}

#[cfg(test)]
mod tests;
