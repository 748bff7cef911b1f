use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::testing::{LENGTHS, Node, content, encoding, tree};
use super::super::tree::Walk;
use super::*;

const LARGE: usize = 5 * GROUP_LEN + 100;

/// What a decoder yields from `encoding` in pieces of `piece_len` bytes: the offset and the bytes
/// of each group, the number of bytes left over, and how it ended.
struct Decoded {
    groups: Vec<(u64, Vec<u8>)>,
    parents: Vec<u64>,
    rest: usize,
    end: Result<bool, NotProven>,
}

fn decode(root: Root, range: GroupRange, encoding: &[u8], piece_len: usize) -> Decoded {
    let mut decoder = Decoder::<10>::new(root, range).expect("short contents");
    let mut buffer = Box::new([0; GROUP_LEN]);
    let mut decoded = Decoded { groups: Vec::new(), parents: Vec::new(), rest: encoding.len(), end: Ok(false) };
    // One empty piece in the end, for the group of an empty content.
    for piece in encoding.chunks(piece_len).chain([&[][..]]) {
        let mut input = piece;
        loop {
            let proven = decoder.decode(&mut input, &mut buffer);
            match proven {
                Ok(Some(Proven::Parent { index, .. })) => decoded.parents.push(index),
                Ok(Some(Proven::Group { offset, bytes })) => decoded.groups.push((offset, bytes.to_vec())),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut input, &mut buffer), Err(error), "an error is permanent");
                    assert_eq!(decoder.offset(), range.offset().max(error.offset));
                    decoded.end = Err(error);
                    return decoded;
                }
            }
        }
        decoded.rest -= piece.len() - input.len();
        assert!(input.is_empty() || decoder.is_finished());
    }
    decoded.end = Ok(decoder.is_finished());
    decoded
}

fn all(len: usize) -> GroupRange {
    GroupRange::all(len as u64)
}

fn joined(groups: &[(u64, Vec<u8>)]) -> Vec<u8> {
    groups.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect()
}

#[test]
fn each_group_is_proven_in_order() {
    for len in LENGTHS {
        let content = content(len);
        let (root, nodes) = tree(&content);
        let encoding = encoding(&nodes, 0, usize::MAX);
        for piece_len in [1200, 16 * GROUP_LEN] {
            let decoded = decode(root, all(len), &encoding, piece_len);
            assert_eq!((decoded.end, decoded.rest), (Ok(true), 0), "{len}");
            assert_eq!(decoded.groups.len(), len.div_ceil(GROUP_LEN).max(1));
            assert!(
                decoded
                    .groups
                    .iter()
                    .map(|(offset, _)| *offset as usize)
                    .eq((0..).step_by(GROUP_LEN).take(decoded.groups.len()))
            );
            assert!(joined(&decoded.groups) == content, "{len}");
            let parents = nodes.iter().filter(|node| node.is_parent).map(|node| node.index);
            assert!(decoded.parents.iter().copied().eq(parents), "{len}");
        }
    }
}

#[test]
fn decoding_continues_at_any_group() {
    let content = content(LARGE);
    let (root, nodes) = tree(&content);
    for first in 0..6 {
        for end in first + 1..=6 {
            let (start, stop) = (first * GROUP_LEN, (end * GROUP_LEN).min(LARGE));
            let range = GroupRange::covering(LARGE as u64, start as u64, (stop - start) as u64).expect("within");
            let decoded = decode(root, range, &encoding(&nodes, first, end), 3000);
            assert_eq!((decoded.end, decoded.rest), (Ok(true), 0), "{first} {end}");
            assert_eq!(decoded.groups[0].0, start as u64);
            assert!(joined(&decoded.groups) == content[start..stop], "{first} {end}");
        }
    }
}

#[test]
fn the_node_that_does_not_prove_is_named_and_nothing_after_it_is_yielded() {
    let content = content(LARGE);
    let (root, nodes) = tree(&content);
    let encoding = encoding(&nodes, 0, usize::MAX);
    let mut at = 0;
    for node in &nodes {
        for byte in [at, at + node.bytes.len() - 1] {
            let mut damaged = encoding.clone();
            damaged[byte] ^= 0x10;
            let decoded = decode(root, all(LARGE), &damaged, 4096);
            let error = NotProven { offset: node.start as u64, is_parent: node.is_parent };
            assert_eq!(decoded.end, Err(error), "{byte}");
            assert!(joined(&decoded.groups) == content[..node.start], "{byte}");
        }
        at += node.bytes.len();
    }
}

#[test]
fn a_parent_is_named_by_the_first_group_below_it() {
    let content = content(LARGE);
    let (root, nodes) = tree(&content);
    let range = GroupRange::starting_at(LARGE as u64, 3 * GROUP_LEN as u64).expect("within the content");
    let encoding = encoding(&nodes, 3, 6);
    // The root, the node over the groups 0 to 3, and the one over 2 and 3.
    for (at, first) in [(0, 0), (PARENT_LEN, 0), (2 * PARENT_LEN, 2)] {
        let mut damaged = encoding.clone();
        damaged[at] ^= 1;
        let error = NotProven { offset: first * GROUP_LEN as u64, is_parent: true };
        assert_eq!(decode(root, range, &damaged, 500).end, Err(error), "{at}");
    }
}

#[test]
fn children_in_the_wrong_order_are_not_proven() {
    let content = content(LARGE);
    let (root, nodes) = tree(&content);
    let encoding = encoding(&nodes, 0, usize::MAX);
    // The values of the root's children, exchanged.
    let exchanged = [&encoding[32..64], &encoding[..32], &encoding[64..]].concat();
    assert_eq!(decode(root, all(LARGE), &exchanged, 999).end, Err(NotProven { offset: 0, is_parent: true }));
    // The first two groups, exchanged: both are full and have the same parent.
    let groups = 3 * PARENT_LEN;
    let (first, second) = encoding[groups..groups + 2 * GROUP_LEN].split_at(GROUP_LEN);
    let exchanged = [&encoding[..groups], second, first, &encoding[groups + 2 * GROUP_LEN..]].concat();
    assert_eq!(decode(root, all(LARGE), &exchanged, 999).end, Err(NotProven { offset: 0, is_parent: false }));
}

#[test]
fn equal_groups_are_proven_only_in_their_places() {
    // Two groups of zeros: they differ in their position only.
    let (root, nodes) = tree(&[0; 2 * GROUP_LEN]);
    let swapped = [&nodes[0].bytes[32..], &nodes[0].bytes[..32], &[0; 2 * GROUP_LEN]].concat();
    assert_eq!(decode(root, all(2 * GROUP_LEN), &swapped, 999).end, Err(NotProven { offset: 0, is_parent: true }));
}

#[test]
fn the_length_is_proven_with_the_last_group() {
    for len in [0, 1, 1024, GROUP_LEN, GROUP_LEN + 1, 2 * GROUP_LEN, LARGE, 6 * GROUP_LEN] {
        let content = content(len);
        let (root, nodes) = tree(&content);
        let mut encoding = encoding(&nodes, 0, usize::MAX);
        // More than enough bytes for each length that is stated.
        encoding.resize(encoding.len() + 4 * GROUP_LEN, 0);
        for stated in [0, 1, len / 2, len - len.min(1), len + 1, len + 1024, len + GROUP_LEN, 2 * len, 4 * LARGE] {
            if stated == len {
                continue;
            }
            let decoded = decode(root, all(stated), &encoding, 10_000);
            assert!(decoded.end.is_err(), "{len} {stated}: {:?}", decoded.end);
            // What was yielded is the content all the same.
            assert!(content.starts_with(&joined(&decoded.groups)), "{len} {stated}");
            assert!(decoded.groups.len() < len.div_ceil(GROUP_LEN).max(1), "{len} {stated}");
        }
    }
}

#[test]
fn an_empty_content_is_proven_without_input() {
    let decoded = decode(Root::of(&[]), all(0), &[], 1);
    assert_eq!((decoded.groups, decoded.end), (vec![(0, Vec::new())], Ok(true)));
    let decoded = decode(Root::of(&[0]), all(0), &[], 1);
    assert_eq!(decoded.end, Err(NotProven { offset: 0, is_parent: false }));
}

#[test]
fn a_chaining_value_is_no_root() {
    let content = content(2 * GROUP_LEN);
    let (_, nodes) = tree(&content);
    let left = Root(*nodes[0].bytes.first_chunk().expect("a chaining value"));
    let decoded = decode(left, all(GROUP_LEN), &content[..GROUP_LEN], 5000);
    assert_eq!(decoded.end, Err(NotProven { offset: 0, is_parent: false }));
}

#[test]
fn bytes_after_the_encoding_are_left_over() {
    let content = content(GROUP_LEN + 1);
    let (root, nodes) = tree(&content);
    let mut encoding = encoding(&nodes, 0, usize::MAX);
    encoding.extend_from_slice(&[1, 2, 3]);
    let decoded = decode(root, all(content.len()), &encoding, 2 * GROUP_LEN);
    assert_eq!((decoded.end, decoded.rest), (Ok(true), 3));
}

#[test]
fn a_range_without_groups_needs_no_bytes() {
    let range = GroupRange::starting_at(100, 100).expect("the end");
    let decoded = decode(Root([0; 32]), range, &[7], 1);
    assert_eq!((decoded.groups.len(), decoded.end, decoded.rest), (0, Ok(true), 1));
}

#[test]
fn contents_longer_than_the_depth_are_refused() {
    let groups = |count: u64| GroupRange::all(count * GROUP_LEN as u64);
    assert!(Decoder::<0>::new(Root([0; 32]), groups(1)).is_ok());
    assert_eq!(Decoder::<0>::new(Root([0; 32]), groups(2)).err(), Some(TooLong));
    assert!(Decoder::<3>::new(Root([0; 32]), groups(8)).is_ok());
    assert_eq!(Decoder::<3>::new(Root([0; 32]), groups(9)).err(), Some(TooLong));
    assert!(Decoder::<MAX_DEPTH>::new(Root([0; 32]), GroupRange::all(u64::MAX)).is_ok());
}

/// Contents of these lengths are too long for a test, so the hashes beside the path to the last
/// group are arbitrary values.
#[test]
fn the_last_group_of_a_long_content_is_proven() {
    for len in [1 << 32, (1 << 32) + 1, (1 << 32) - 1, u64::MAX] {
        let range = GroupRange::covering(len, len - 1, 1).expect("the last byte");
        let mut walk = Walk::new(range);
        let mut nodes = Vec::new();
        while let Some(node) = walk.node() {
            nodes.push(node);
            walk.advance();
        }
        let group = nodes.pop().expect("a group");
        let bytes = content(walk.encoded_len(group));
        let mut hash = hash::group(walk.offset_of(group), &bytes, false);
        let mut parents = Vec::new();
        for node in nodes.iter().rev() {
            let sibling = [nodes.len() as u8; 32];
            parents.insert(0, hash::join(&sibling, &hash));
            hash = hash::parent(&sibling, &hash, walk.is_root(*node));
        }
        let encoding = [parents.concat(), bytes.clone()].concat();
        let mut decoder = Decoder::<MAX_DEPTH>::new(Root(hash), range).expect("deep enough");
        let (mut input, mut buffer) = (&encoding[..], Box::new([0; GROUP_LEN]));
        let mut last = None;
        while let Some(proven) = decoder.decode(&mut input, &mut buffer).expect("proven") {
            if let Proven::Group { offset, bytes } = proven {
                last = Some((offset, bytes.to_vec()));
            }
        }
        assert!(last == Some((range.offset(), bytes)) && decoder.is_finished(), "{len}");
    }
}

#[test]
fn has_bounded_size() {
    assert!(size_of::<Decoder<0>>() <= 128, "{}", size_of::<Decoder<0>>());
    assert!(size_of::<Decoder<6>>() <= 128 + 6 * 32);
    assert!(size_of::<Decoder>() <= 128 + MAX_DEPTH * 32);
}

/// The node that contains the byte at `at` of the encoding.
fn node_at<'a>(nodes: &[&'a Node], mut at: usize) -> Option<&'a Node> {
    nodes.iter().copied().find(|node| {
        let is_here = at < node.bytes.len();
        at = at.wrapping_sub(node.bytes.len());
        is_here
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_encoding_yields_a_proven_prefix_and_names_the_first_change(
        len in 1usize..9 * GROUP_LEN,
        first in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..4),
        piece_len in 1usize..2 * GROUP_LEN,
    ) {
        let content = content(len);
        let (root, nodes) = tree(&content);
        let first = first.index(len.div_ceil(GROUP_LEN));
        let start = first * GROUP_LEN;
        let range = GroupRange::starting_at(len as u64, start as u64).expect("within the content");
        let original = encoding(&nodes, first, usize::MAX);
        let mut changed = original.clone();
        for (at, change) in changes {
            changed[at.index(original.len())] ^= change;
        }
        let decoded = decode(root, range, &changed, piece_len);
        let sent: Vec<&Node> = nodes.iter().filter(|node| node.end > start).collect();
        // Changes may cancel each other.
        let change = original.iter().zip(&changed).position(|(a, b)| a != b);
        match change.and_then(|at| node_at(&sent, at)) {
            None => prop_assert_eq!(decoded.end, Ok(true)),
            Some(node) => {
                prop_assert_eq!(decoded.end, Err(NotProven { offset: node.start as u64, is_parent: node.is_parent }));
                prop_assert!(joined(&decoded.groups) == content[start..node.start.max(start)]);
            }
        }
    }

    #[test]
    fn a_cut_encoding_yields_the_groups_that_are_whole(
        len in 0usize..9 * GROUP_LEN,
        keep in any::<prop::sample::Index>(),
        piece_len in 1usize..2 * GROUP_LEN,
    ) {
        let content = content(len);
        let (root, nodes) = tree(&content);
        let original = encoding(&nodes, 0, usize::MAX);
        let keep = keep.index(original.len() + 1);
        let decoded = decode(root, all(len), &original[..keep], piece_len);
        prop_assert_eq!(decoded.end, Ok(keep == original.len()));
        let whole = node_at(&nodes.iter().collect::<Vec<_>>(), keep).map_or(len, |node| node.start);
        prop_assert!(joined(&decoded.groups) == content[..whole]);
    }
}
