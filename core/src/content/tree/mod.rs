//! The tree over the groups of a content, as arithmetic (SPEC 10.1): ranges of groups, the node
//! that covers them, its children, and the nodes of an encoding in order.

use super::{GROUP_LEN, PARENT_LEN};

/// [`GROUP_LEN`] for offsets.
pub(super) const GROUP: u64 = 16 * 1024;
const _: () = assert!(GROUP_LEN == 16 * 1024);
/// [`PARENT_LEN`] for offsets.
const PARENT: u64 = 64;
const _: () = assert!(PARENT_LEN == 64);

/// Adjacent groups of a content, possibly none (SPEC 10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GroupRange {
    content_len: u64,
    /// Index of the first group.
    first: u64,
    /// Index after the last group.
    end: u64,
}

/// The range is not within the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct OutOfRange;

/// Groups `start..end`, not empty: a group, or all that is below a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    start: u64,
    end: u64,
}

/// The nodes of the encoding of a range, in order (SPEC 10.2).
#[derive(Clone, Debug)]
pub(super) struct Walk {
    range: GroupRange,
    node: Option<Node>,
}

/// Length in bytes of the outboard of a content (SPEC 10.5).
#[must_use]
pub const fn outboard_len(content_len: u64) -> u64 {
    group_count(content_len).saturating_sub(1).saturating_mul(PARENT)
}

/// Number of groups of a content, 1 or more.
pub(super) const fn group_count(content_len: u64) -> u64 {
    match content_len.div_ceil(GROUP) {
        // The group of an empty content is empty.
        0 => 1,
        count => count,
    }
}

impl GroupRange {
    /// All groups of a content of `content_len` bytes.
    #[must_use]
    pub const fn all(content_len: u64) -> Self {
        Self { content_len, first: 0, end: group_count(content_len) }
    }

    /// The group that contains the byte at `offset`, and all groups after it; no group if `offset`
    /// is the end of a content that is not empty.
    ///
    /// # Errors
    /// [`OutOfRange`] if `offset` is beyond the end.
    pub const fn starting_at(content_len: u64, offset: u64) -> Result<Self, OutOfRange> {
        match content_len.checked_sub(offset) {
            Some(len) => Self::covering(content_len, offset, len),
            None => Err(OutOfRange),
        }
    }

    /// The groups that contain the `len` bytes from `offset` on.
    ///
    /// # Errors
    /// [`OutOfRange`] if they are not within the content.
    pub const fn covering(content_len: u64, offset: u64, len: u64) -> Result<Self, OutOfRange> {
        match offset.checked_add(len) {
            Some(_) if content_len == 0 && offset == 0 && len == 0 => Ok(Self::all(0)),
            Some(_) if offset <= content_len && len == 0 => {
                let first = offset.div_ceil(GROUP);
                Ok(Self { content_len, first, end: first })
            }
            Some(end) if end <= content_len => {
                Ok(Self { content_len, first: offset / GROUP, end: end.div_ceil(GROUP) })
            }
            _ => Err(OutOfRange),
        }
    }

    /// Length of the content in bytes.
    #[must_use]
    pub const fn content_len(&self) -> u64 {
        self.content_len
    }

    /// Offset of the first byte of the first group.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset_of(self.first)
    }

    /// Offset after the last byte of the last group.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.offset_of(self.end)
    }

    /// Length of the encoding in bytes (SPEC 10.2): the groups, and the parents above them. At most
    /// `u64::MAX`, which contents of more than 2^63 bytes reach.
    #[must_use]
    pub fn encoded_len(&self) -> u64 {
        let groups = self.end().saturating_sub(self.offset());
        let Some(last) = self.end.checked_sub(1).filter(|last| self.first <= *last) else { return 0 };
        let count = group_count(self.content_len);
        let parents = (1..=self.depth()).fold(0_u64, |parents, level| {
            // The parents of a level have 2^level groups each, but the last one has the rest. Half
            // of that or less is no parent of this level, but the node below it.
            let has_part =
                count.wrapping_sub(1) & (1_u64 << level).wrapping_sub(1) < 1_u64 << (level.saturating_sub(1));
            let is_last = last >> level == count.saturating_sub(1) >> level;
            let touched = (last >> level).saturating_sub(self.first >> level).saturating_add(1);
            parents.saturating_add(touched).saturating_sub(u64::from(has_part && is_last))
        });
        groups.saturating_add(parents.saturating_mul(PARENT))
    }

    /// Levels of parents above the groups of the content: at most
    /// [`MAX_DEPTH`](super::MAX_DEPTH).
    pub(super) const fn depth(&self) -> u32 {
        group_count(self.content_len).next_power_of_two().trailing_zeros()
    }

    /// Offset at which a group begins, or the length of the content for groups after its last.
    const fn offset_of(&self, group: u64) -> u64 {
        let offset = group.saturating_mul(GROUP);
        if offset < self.content_len { offset } else { self.content_len }
    }
}

impl Node {
    /// The largest node that begins with group `start`: the root for 0, otherwise a right child.
    const fn largest_at(start: u64, groups: u64) -> Self {
        // A left child begins with the same group as its parent, so this is the node that follows
        // all nodes before `start` in pre-order.
        let lowest_bit = start & start.wrapping_neg();
        let end = start.saturating_add(lowest_bit);
        Self { start, end: if start == 0 || end > groups { groups } else { end } }
    }

    pub(super) const fn is_parent(self) -> bool {
        self.children().is_some()
    }

    /// The two children, or `None` for a group.
    pub(super) const fn children(self) -> Option<(Self, Self)> {
        let count = self.end.saturating_sub(self.start);
        if count < 2 {
            return None;
        }
        // The largest power of two below `count`.
        let middle = self.start.saturating_add(count.div_ceil(2).next_power_of_two());
        Some((Self { start: self.start, end: middle }, Self { start: middle, end: self.end }))
    }

    /// Position of the parent among all parents in post-order (SPEC 10.5).
    pub(super) fn parent_index(self) -> u64 {
        // The groups before it are in one perfect subtree per bit of their number. A subtree of g
        // groups has g - 1 parents, and this one is the last of its subtree.
        self.end.saturating_sub(2).saturating_sub(u64::from(self.start.count_ones()))
    }
}

impl Walk {
    pub(super) const fn new(range: GroupRange) -> Self {
        let root = Node { start: 0, end: group_count(range.content_len) };
        Self { range, node: if range.first < range.end { Some(root) } else { None } }
    }

    /// The next node of the encoding, or `None` at its end.
    pub(super) const fn node(&self) -> Option<Node> {
        self.node
    }

    /// Whether `node` is at the top of the tree.
    pub(super) const fn is_root(&self, node: Node) -> bool {
        node.start == 0 && node.end == group_count(self.range.content_len)
    }

    /// Whether `left`, the left child of the current node, is in the encoding.
    pub(super) const fn reaches(&self, left: Node) -> bool {
        self.range.first < left.end
    }

    /// Offset of the first byte of the content in `node`.
    pub(super) const fn offset_of(&self, node: Node) -> u64 {
        self.range.offset_of(node.start)
    }

    /// Length of `node` in the encoding: of a parent, or of the bytes of a group.
    pub(super) fn encoded_len(&self, node: Node) -> usize {
        if node.is_parent() {
            return PARENT_LEN;
        }
        let len = self.range.offset_of(node.end).saturating_sub(self.range.offset_of(node.start));
        usize::try_from(len).unwrap_or(GROUP_LEN)
    }

    /// Offset of the next group of the range.
    pub(super) fn offset(&self) -> u64 {
        self.node.map_or(self.range.end(), |node| self.range.offset_of(node.start.max(self.range.first)))
    }

    /// Goes to the node after the current one.
    pub(super) const fn advance(&mut self) {
        let Some(node) = self.node else { return };
        self.node = match node.children() {
            Some((left, right)) => Some(if self.reaches(left) { left } else { right }),
            None if node.end < self.range.end => Some(Node::largest_at(node.end, group_count(self.range.content_len))),
            None => None,
        };
    }
}

impl core::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the range is not within the content")
    }
}

impl core::error::Error for OutOfRange {}

#[cfg(test)]
mod tests;
