//! Contents for tests, and their trees as the BLAKE3 paper describes them: by recursion over bytes,
//! with nothing of the arithmetic in `tree`.

use std::vec::Vec;

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

use super::{GROUP_LEN, OutboardBuilder, Root};

/// Lengths around every boundary of the first groups, and more groups than a power of two.
pub(super) const LENGTHS: [usize; 14] = [
    0,
    1,
    1024,
    1025,
    GROUP_LEN - 1,
    GROUP_LEN,
    GROUP_LEN + 1,
    2 * GROUP_LEN,
    2 * GROUP_LEN + 1,
    3 * GROUP_LEN - 1,
    4 * GROUP_LEN,
    5 * GROUP_LEN + 1024,
    7 * GROUP_LEN + 1025,
    8 * GROUP_LEN,
];

/// The input of the official vectors of BLAKE3.
pub(super) fn content(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

/// A node of the tree: a parent or a group.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) is_parent: bool,
    /// Bytes of the content in it.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The parent, or the bytes of the group.
    pub(super) bytes: Vec<u8>,
    /// Position among the parents in post-order.
    pub(super) index: u64,
}

/// The root, and all nodes in pre-order.
pub(super) fn tree(content: &[u8]) -> (Root, Vec<Node>) {
    let mut nodes = Vec::new();
    let mut parents = 0;
    let root = add(content, 0, true, &mut nodes, &mut parents);
    (Root(root), nodes)
}

/// The encoding of the groups from `first` to before `end`.
pub(super) fn encoding(nodes: &[Node], first: usize, end: usize) -> Vec<u8> {
    let wanted = |node: &&Node| first < node.end.div_ceil(GROUP_LEN).max(1) && node.start / GROUP_LEN < end;
    nodes.iter().filter(wanted).flat_map(|node| node.bytes.iter().copied()).collect()
}

/// The parents in post-order.
pub(super) fn outboard(content: &[u8]) -> Vec<u8> {
    let mut outboard = Vec::new();
    let mut builder = OutboardBuilder::new();
    let mut emit = |parent: &[u8; 64]| -> Result<(), ()> {
        outboard.extend_from_slice(parent);
        Ok(())
    };
    builder.update(&mut &content[..], &mut emit).expect("a vector takes all");
    builder.finish(&mut emit).expect("a vector takes all");
    outboard
}

fn add(bytes: &[u8], start: usize, is_root: bool, nodes: &mut Vec<Node>, parents: &mut u64) -> [u8; 32] {
    let at = nodes.len();
    nodes.push(Node { is_parent: false, start, end: start + bytes.len(), bytes: bytes.to_vec(), index: 0 });
    if bytes.len() <= GROUP_LEN {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(start as u64).update(bytes);
        return if is_root { hasher.finalize().into() } else { hasher.finalize_non_root() };
    }
    let mut left_len = 1024;
    while 2 * left_len < bytes.len() {
        left_len *= 2;
    }
    let (left, right) = bytes.split_at(left_len);
    let left = add(left, start, false, nodes, parents);
    let right = add(right, start + left_len, false, nodes, parents);
    nodes[at].is_parent = true;
    nodes[at].bytes = [left, right].concat();
    nodes[at].index = *parents;
    *parents += 1;
    if is_root {
        merge_subtrees_root(&left, &right, Mode::Hash).into()
    } else {
        merge_subtrees_non_root(&left, &right, Mode::Hash)
    }
}
