//! Hashes of the nodes of the tree. The node at the top has the flag ROOT, so its hash is no
//! chaining value and cannot be taken for that of another node.

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

use super::{PARENT_LEN, ROOT_LEN};

/// Hash of a node: the root for the node at the top, otherwise its chaining value.
pub(super) type NodeHash = [u8; ROOT_LEN];

/// Splits a parent into the chaining values of its children.
pub(super) fn split(parent: &[u8; PARENT_LEN]) -> (NodeHash, NodeHash) {
    let (mut left, mut right) = ([0; ROOT_LEN], [0; ROOT_LEN]);
    let bytes = parent.iter();
    left.iter_mut().chain(&mut right).zip(bytes).for_each(|(to, from)| *to = *from);
    (left, right)
}

/// Joins two chaining values to a parent.
pub(super) fn join(left: &NodeHash, right: &NodeHash) -> [u8; PARENT_LEN] {
    let mut parent = [0; PARENT_LEN];
    parent.iter_mut().zip(left.iter().chain(right)).for_each(|(to, from)| *to = *from);
    parent
}

/// Hash of the parent of two nodes.
pub(super) fn parent(left: &NodeHash, right: &NodeHash, is_root: bool) -> NodeHash {
    if is_root {
        *merge_subtrees_root(left, right, Mode::Hash).as_bytes()
    } else {
        merge_subtrees_non_root(left, right, Mode::Hash)
    }
}

/// Hash of the group that begins at `offset`. Only a group at the top of its tree may be empty.
pub(super) fn group(offset: u64, bytes: &[u8], is_root: bool) -> NodeHash {
    let mut hasher = group_hasher(offset);
    hasher.update(bytes);
    finish_group(&hasher, is_root)
}

/// A hasher for the group that begins at `offset`, a multiple of the group length.
pub(super) fn group_hasher(offset: u64) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(offset);
    hasher
}

/// Hash of the group whose bytes `hasher` has.
pub(super) fn finish_group(hasher: &blake3::Hasher, is_root: bool) -> NodeHash {
    if is_root { *hasher.finalize().as_bytes() } else { hasher.finalize_non_root() }
}
