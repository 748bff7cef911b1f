use std::vec::Vec;

use super::super::testing::{LENGTHS, content, tree};
use super::super::{GROUP_LEN, MAX_DEPTH};
use super::*;

const GIB_4: u64 = 1 << 32;
/// The longest contents, and lengths around 4 GiB.
const LONG: [u64; 6] = [GIB_4 - 1, GIB_4, GIB_4 + 1, 1 << 63, u64::MAX - 1, u64::MAX];

fn nodes(range: GroupRange) -> Vec<Node> {
    let mut walk = Walk::new(range);
    core::iter::from_fn(|| {
        let node = walk.node();
        walk.advance();
        node
    })
    .collect()
}

#[test]
fn ranges_are_rounded_outward_to_groups() {
    let group = GROUP_LEN as u64;
    let covering = |offset, len| GroupRange::covering(5 * group + 1, offset, len).expect("within the content");
    for (offset, len, first, end) in [
        (0, 1, 0, 1),
        (0, 5 * group + 1, 0, 6),
        (group - 1, 1, 0, 1),
        (group - 1, 2, 0, 2),
        (group, group, 1, 2),
        (3 * group + 5, 2 * group - 4, 3, 6),
        (5 * group, 1, 5, 6),
        (0, 0, 0, 0),
        (group + 1, 0, 2, 2),
        (5 * group + 1, 0, 6, 6),
    ] {
        let range = covering(offset, len);
        assert_eq!((range.first, range.end), (first, end), "{offset} {len}");
    }
    assert_eq!(GroupRange::all(5 * group + 1), covering(0, 5 * group + 1));
    assert_eq!(GroupRange::starting_at(5 * group + 1, 2 * group), Ok(covering(2 * group, 3 * group + 1)));
    assert_eq!((covering(5 * group, 1).offset(), covering(5 * group, 1).end()), (5 * group, 5 * group + 1));
}

#[test]
fn ranges_beyond_the_end_are_refused() {
    for (content_len, offset, len) in [(0, 0, 1), (0, 1, 0), (10, 0, 11), (10, 11, 0), (10, 5, u64::MAX)] {
        assert_eq!(GroupRange::covering(content_len, offset, len), Err(OutOfRange), "{content_len} {offset} {len}");
    }
    assert_eq!(GroupRange::starting_at(10, 11), Err(OutOfRange));
}

#[test]
fn an_empty_content_has_one_empty_group() {
    let range = GroupRange::all(0);
    let walk = Walk::new(range);
    let node = walk.node().expect("a group");
    assert!(walk.is_root(node) && !node.is_parent() && walk.encoded_len(node) == 0);
    assert_eq!(nodes(range), [node]);
    assert_eq!([GroupRange::starting_at(0, 0), GroupRange::covering(0, 0, 0)], [Ok(range), Ok(range)]);
    assert_eq!(outboard_len(0), 0);
}

#[test]
fn the_tree_has_the_shape_of_blake3() {
    for len in LENGTHS.into_iter().chain([9, 11, 15, 16, 17].map(|groups| groups * GROUP_LEN)) {
        let (_, expected) = tree(&content(len));
        let walk = Walk::new(GroupRange::all(len as u64));
        let found = nodes(walk.range);
        assert_eq!(found.len(), expected.len(), "{len}");
        for (node, expected) in found.iter().zip(&expected) {
            assert_eq!(walk.offset_of(*node), expected.start as u64);
            assert_eq!(walk.encoded_len(*node), expected.bytes.len());
            assert_eq!(node.is_parent(), expected.is_parent);
            assert!(!node.is_parent() || node.parent_index() == expected.index, "{len} {node:?}");
        }
        let parents = expected.iter().filter(|node| node.is_parent).count() as u64;
        assert_eq!(outboard_len(len as u64), parents * 64);
    }
}

#[test]
fn a_walk_visits_the_nodes_that_its_range_touches() {
    for groups in 1..20 {
        let all = nodes(GroupRange::all(groups * GROUP));
        for (first, end) in (0..groups).flat_map(|first| (first..=groups).map(move |end| (first, end))) {
            let range = GroupRange { content_len: groups * GROUP, first, end };
            let touches = |node: &&Node| node.start < end && first < node.end;
            let expected: Vec<_> = all.iter().filter(touches).copied().collect();
            assert_eq!(nodes(range), if first < end { expected } else { Vec::new() }, "{groups} {first} {end}");
        }
    }
}

#[test]
fn the_longest_contents_are_within_bounds() {
    for len in LONG {
        let last = GroupRange::covering(len, len - 1, 1).expect("the last byte");
        assert_eq!(last.end(), len);
        assert_eq!(GroupRange::all(len).end, last.end);
        let walk = Walk::new(last);
        let path = nodes(last);
        assert!(path.len() <= last.depth() as usize + 1 && last.depth() as usize <= MAX_DEPTH, "{len}");
        let (group, parents) = path.split_last().expect("a group");
        assert_eq!(walk.offset_of(*group) + walk.encoded_len(*group) as u64, len);
        assert_eq!(parents.first().expect("a root").parent_index(), outboard_len(len) / 64 - 1);
        assert!(parents.iter().all(|node| node.end == last.end));
    }
    assert_eq!(GroupRange::all(u64::MAX).depth() as usize, MAX_DEPTH);
    assert_eq!(GroupRange::all(GIB_4).depth(), 18);
    assert_eq!(GroupRange::all(GIB_4 + 1).depth(), 19);
}

#[test]
fn the_length_of_an_encoding_is_that_of_its_nodes() {
    let group = GROUP_LEN as u64;
    for count in 0..40 {
        for len in [count * group, (count * group).saturating_sub(5)] {
            for first in 0..=count {
                for end in first..=count {
                    let (offset, end) = ((first * group).min(len), (end * group).min(len));
                    let range = GroupRange::covering(len, offset, end - offset).expect("within the content");
                    let walk = Walk::new(range);
                    let nodes: u64 = nodes(range).into_iter().map(|node| walk.encoded_len(node) as u64).sum();
                    assert_eq!(range.encoded_len(), nodes, "{len}: {offset} to {end}");
                }
            }
        }
    }
    assert_eq!(GroupRange::all(u64::MAX).encoded_len(), u64::MAX);
}
