use std::vec;
use std::vec::Vec;

use super::super::testing::{LENGTHS, content, encoding, outboard, tree};
use super::super::{GROUP_LEN, GroupRange};
use super::*;

/// The encoding in pieces of at most `piece_len` bytes.
fn encode(source: &mut SliceSource<'_>, range: GroupRange, piece_len: usize) -> Vec<u8> {
    let (mut encoder, mut out, mut piece) = (Encoder::new(range), Vec::new(), vec![0; piece_len]);
    loop {
        let len = encoder.encode(source, &mut piece).expect("all in memory");
        out.extend_from_slice(&piece[..len]);
        if encoder.is_finished() {
            assert_eq!(encoder.encode(source, &mut piece), Ok(0));
            return out;
        }
        assert_eq!(len, piece_len, "a piece is full except at the end");
    }
}

#[test]
fn the_encoding_of_a_range_has_its_groups_and_the_parents_above_them() {
    for len in LENGTHS {
        let content = content(len);
        let (outboard, (_, nodes)) = (outboard(&content), tree(&content));
        let mut source = SliceSource { content: &content, outboard: &outboard };
        let groups = len.div_ceil(GROUP_LEN).max(1);
        for (first, end) in (0..groups).flat_map(|first| (first + 1..=groups).map(move |end| (first, end))) {
            let offset = first * GROUP_LEN;
            let range_len = (end * GROUP_LEN).min(len) - offset;
            let range = GroupRange::covering(len as u64, offset as u64, range_len as u64).expect("within the content");
            let found = encode(&mut source, range, 7000 + first);
            assert!(found == encoding(&nodes, first, end), "{len} {first} {end}");
        }
    }
}

#[test]
fn an_encoding_does_not_depend_on_the_size_of_the_pieces() {
    let content = content(3 * GROUP_LEN + 5);
    let outboard = outboard(&content);
    let mut source = SliceSource { content: &content, outboard: &outboard };
    let range = GroupRange::all(content.len() as u64);
    let whole = encode(&mut source, range, content.len() + 3 * PARENT_LEN);
    for piece_len in [1, 63, 64, 65, 1200, GROUP_LEN - 1, GROUP_LEN + 65] {
        assert!(encode(&mut source, range, piece_len) == whole, "{piece_len}");
    }
}

#[test]
fn the_encoding_of_no_groups_is_empty() {
    for (len, offset) in [(1, 1), (GROUP_LEN as u64, GROUP_LEN as u64), (u64::MAX, u64::MAX)] {
        let encoder = Encoder::new(GroupRange::starting_at(len, offset).expect("within the content"));
        assert!(encoder.is_finished(), "{len}");
        assert_eq!(encoder.offset(), len);
    }
}

/// Fails at every other read.
struct Flaky<'a>(SliceSource<'a>, u32);

impl Flaky<'_> {
    fn fails(&mut self) -> Result<(), OutOfBounds> {
        self.1 += 1;
        if self.1 % 2 == 1 { Err(OutOfBounds) } else { Ok(()) }
    }
}

impl Source for Flaky<'_> {
    type Error = OutOfBounds;

    fn parent(&mut self, index: u64) -> Result<[u8; PARENT_LEN], OutOfBounds> {
        self.fails()?;
        self.0.parent(index)
    }

    fn content(&mut self, offset: u64, out: &mut [u8]) -> Result<(), OutOfBounds> {
        self.fails()?;
        self.0.content(offset, out)
    }
}

#[test]
fn a_failed_read_is_repeated_and_nothing_is_lost() {
    let content = content(2 * GROUP_LEN + 700);
    let (outboard, (_, nodes)) = (outboard(&content), tree(&content));
    let mut source = Flaky(SliceSource { content: &content, outboard: &outboard }, 0);
    let mut encoder = Encoder::new(GroupRange::all(content.len() as u64));
    let (mut found, mut errors, mut piece) = (Vec::new(), 0, [0; 5000]);
    while !encoder.is_finished() {
        match encoder.encode(&mut source, &mut piece) {
            Ok(len) => found.extend_from_slice(&piece[..len]),
            Err(OutOfBounds) => errors += 1,
        }
    }
    assert!(found == encoding(&nodes, 0, 3));
    assert!(errors > 0);
}

#[test]
fn bytes_that_memory_does_not_have_are_an_error() {
    let content = content(3 * GROUP_LEN);
    let outboard = outboard(&content);
    let range = GroupRange::all(content.len() as u64);
    let mut out = vec![0; content.len() + 2 * PARENT_LEN];
    let mut short = SliceSource { content: &content[1..], outboard: &outboard };
    let mut encoder = Encoder::new(range);
    assert_eq!(encoder.encode(&mut short, &mut out), Ok(2 * PARENT_LEN + 2 * GROUP_LEN));
    assert_eq!(encoder.encode(&mut short, &mut out), Err(OutOfBounds));
    let mut without = SliceSource { content: &content, outboard: &[] };
    assert_eq!(Encoder::new(range).encode(&mut without, &mut out), Err(OutOfBounds));
}
