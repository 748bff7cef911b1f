//! Proof of the nodes of an encoding, one after another (SPEC 10.3), wherever their bytes are.

use heapless::Vec;

use super::PARENT_LEN;
use super::hash::{self, NodeHash};
use super::tree::{GroupRange, Node, Walk};
use super::{NotProven, Root, TooLong};

/// Knows which node is next, and the hash that it has to have.
#[derive(Clone, Debug)]
pub(super) struct Prover<const DEPTH: usize> {
    walk: Walk,
    /// The hash that the current node has to have.
    expected: NodeHash,
    /// Hashes of the right children after the current node; the last of them is the next.
    pending: Vec<NodeHash, DEPTH>,
    failed: Option<NotProven>,
}

impl<const DEPTH: usize> Prover<DEPTH> {
    pub(super) fn new(root: Root, range: GroupRange) -> Result<Self, TooLong> {
        match usize::try_from(range.depth()) {
            Ok(depth) if depth <= DEPTH => {
                Ok(Self { walk: Walk::new(range), expected: root.0, pending: Vec::new(), failed: None })
            }
            _ => Err(TooLong),
        }
    }

    /// The next node and the length of its bytes; `None` at the end of the encoding. Once a node
    /// did not prove, that error.
    pub(super) fn node(&self) -> Result<Option<(Node, usize)>, NotProven> {
        match self.failed {
            Some(failed) => Err(failed),
            None => Ok(self.walk.node().map(|node| (node, self.walk.encoded_len(node)))),
        }
    }

    /// Whether `node` is at the top of the tree.
    pub(super) const fn is_root(&self, node: Node) -> bool {
        self.walk.is_root(node)
    }

    /// Offset of the first byte of the content in `node`.
    pub(super) const fn offset_of(&self, node: Node) -> u64 {
        self.walk.offset_of(node)
    }

    /// As [`Decoder::offset`](super::Decoder::offset).
    pub(super) fn offset(&self) -> u64 {
        self.walk.offset()
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.walk.node().is_none()
    }

    /// Proves the current node, a parent, and takes from it the hashes of the nodes that follow.
    pub(super) fn prove_parent(&mut self, node: Node, bytes: &[u8; PARENT_LEN]) -> Result<(), NotProven> {
        let (left_hash, right_hash) = hash::split(bytes);
        let is_right = hash::parent(&left_hash, &right_hash, self.is_root(node)) == self.expected;
        let Some((left, _)) = node.children().filter(|_| is_right) else { return Err(self.fail(node)) };
        self.expected = right_hash;
        if self.walk.reaches(left) {
            self.expected = left_hash;
            // There is room for one per level, and `new` has counted the levels.
            if self.pending.push(right_hash).is_err() {
                return Err(self.fail(node));
            }
        }
        self.walk.advance();
        Ok(())
    }

    /// Proves the current node, a group with the hash `hash`.
    pub(super) fn prove_group(&mut self, node: Node, hash: &NodeHash) -> Result<(), NotProven> {
        if *hash != self.expected {
            return Err(self.fail(node));
        }
        // Nothing is expected after the last group of the range.
        self.expected = self.pending.pop().unwrap_or_default();
        self.walk.advance();
        Ok(())
    }

    fn fail(&mut self, node: Node) -> NotProven {
        let failed = NotProven { offset: self.walk.offset_of(node), is_parent: node.is_parent() };
        self.failed = Some(failed);
        failed
    }
}
