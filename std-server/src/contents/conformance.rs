//! Tests that every store of contents must pass.

use kabar_core::content::{Decoder, Encoder, GROUP_LEN, Proven, SliceSource};

use super::*;

const GROUP: u64 = GROUP_LEN as u64;
const LENGTHS: [usize; 7] = [0, 1, GROUP_LEN, GROUP_LEN + 1, 4 * GROUP_LEN, 5 * GROUP_LEN + 7, 13 * GROUP_LEN - 1];

/// Defines all tests for the stores that `$make` creates, each with the directory it needs.
macro_rules! suite {
    ($make:expr) => {
        $crate::contents::conformance::suite!($make;
            a_content_arrives_in_any_pieces_and_leaves_in_any_pieces, any_range_can_be_read, an_upload_goes_on_where_it_was,
            nothing_unproven_is_stored, bytes_after_the_end_are_refused, a_part_is_no_content, two_uploads_of_one_content_share_it,
            a_content_that_is_there_needs_no_bytes, the_stated_length_is_proven, an_empty_content_has_one_root,
            removal_ends_uploads_and_not_downloads, unknown_keys_are_missing);
    };
    ($make:expr; $($test:ident),*) => {
        $(#[test]
        fn $test() {
            let (_home, mut contents) = $make();
            $crate::contents::conformance::$test(&mut contents);
        })*
    };
}
pub(super) use suite;

/// A content with what a sender knows about it.
pub(super) struct Sample {
    pub(super) content: Vec<u8>,
    outboard: Vec<u8>,
    pub(super) root: Root,
}

impl Sample {
    pub(super) fn new(len: usize) -> Self {
        let content: Vec<u8> = (0..=250).cycle().take(len).collect();
        let mut outboard = Vec::new();
        let root = kabar_std::content::hash(&content[..], &mut outboard).unwrap().root;
        Self { content, outboard, root }
    }

    pub(super) fn size(&self) -> u64 {
        self.content.len() as u64
    }

    fn all(&self) -> GroupRange {
        GroupRange::all(self.size())
    }

    /// The encoding from `offset` on.
    pub(super) fn encoding(&self, offset: u64) -> Vec<u8> {
        let mut source = SliceSource { content: &self.content, outboard: &self.outboard };
        let mut encoder = Encoder::new(GroupRange::starting_at(self.size(), offset).unwrap());
        let mut out = vec![0; 2 * self.content.len() + 1000];
        let len = encoder.encode(&mut source, &mut out).unwrap();
        out.truncate(len);
        out
    }
}

/// Pieces of `len` bytes and less.
pub(super) fn chunks(bytes: &[u8], len: usize) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(len)
}

fn store(contents: &mut impl ContentStore, sample: &Sample) {
    let offset = contents.open_upload(1, sample.root, sample.size()).unwrap();
    contents.append(1, &sample.encoding(offset)).unwrap();
    contents.finish(1).unwrap();
}

/// Reads and proves a range in pieces of `max` bytes.
fn fetch(contents: &mut impl ContentStore, sample: &Sample, range: GroupRange, max: usize) -> Vec<u8> {
    contents.open_download(2, sample.root, sample.size(), range).unwrap();
    let mut decoder = Decoder::<20>::new(sample.root, range).unwrap();
    let (mut out, mut group, mut received) = (Vec::new(), [0; GROUP_LEN], Vec::new());
    loop {
        out.clear();
        let is_last = contents.read(2, max, &mut out).unwrap();
        assert!(out.len() == max || is_last && out.len() <= max);
        let mut input = &out[..];
        while let Some(proven) = decoder.decode(&mut input, &mut group).unwrap() {
            if let Proven::Group { bytes, .. } = proven {
                received.extend_from_slice(bytes);
            }
        }
        if is_last {
            break;
        }
    }
    contents.close(2);
    assert!(decoder.is_finished());
    received
}

pub(super) fn a_content_arrives_in_any_pieces_and_leaves_in_any_pieces(contents: &mut impl ContentStore) {
    for (len, piece) in LENGTHS.into_iter().zip([1000, 1, 64, 5000, 16384, 100_000, 777]) {
        let sample = Sample::new(len);
        assert_eq!(contents.open_upload(7, sample.root, sample.size()).unwrap(), 0);
        let mut last = 0;
        for chunk in chunks(&sample.encoding(0), piece) {
            let offset = contents.append(7, chunk).unwrap();
            assert!(offset >= last && (offset % GROUP == 0 || offset == sample.size()));
            last = offset;
        }
        assert_eq!(last, sample.size());
        contents.finish(7).unwrap();
        assert!(matches!(contents.finish(7), Err(ContentError::Missing)));
        for max in [1 + len / 100, 1200, 1 << 20] {
            assert_eq!(fetch(contents, &sample, sample.all(), max), sample.content);
        }
    }
}

pub(super) fn any_range_can_be_read(contents: &mut impl ContentStore) {
    let sample = Sample::new(7 * GROUP_LEN + 9);
    store(contents, &sample);
    for (offset, len) in [(0, 1), (GROUP, GROUP), (3 * GROUP + 1, 2 * GROUP), (7 * GROUP, 9), (5, 0)] {
        let range = GroupRange::covering(sample.size(), offset, len).unwrap();
        let expected = &sample.content[range.offset() as usize..range.end() as usize];
        assert_eq!(fetch(contents, &sample, range, 1000), expected);
    }
}

pub(super) fn an_upload_goes_on_where_it_was(contents: &mut impl ContentStore) {
    for len in LENGTHS {
        let sample = Sample::new(len);
        // Each time one group more arrives, and a part of the next.
        let mut expected = 0;
        for _ in 0..=len / GROUP_LEN {
            let offset = contents.open_upload(1, sample.root, sample.size()).unwrap();
            assert_eq!(offset, expected);
            let encoding = sample.encoding(offset);
            let cut = encoding.len().min(GROUP_LEN + 64 * 5 + 10);
            expected = contents.append(1, &encoding[..cut]).unwrap();
            contents.close(1);
            assert!(matches!(contents.append(1, &[]), Err(ContentError::Missing)));
        }
        assert_eq!(expected, sample.size());
        let offset = contents.open_upload(1, sample.root, sample.size()).unwrap();
        assert_eq!(offset, sample.size());
        contents.finish(1).unwrap();
        assert_eq!(fetch(contents, &sample, sample.all(), 1000), sample.content);
    }
}

pub(super) fn nothing_unproven_is_stored(contents: &mut impl ContentStore) {
    let sample = Sample::new(5 * GROUP_LEN);
    let encoding = sample.encoding(0);
    for wrong in (0..encoding.len()).step_by(5009).chain([0, 70, encoding.len() - 1]) {
        let mut damaged = encoding.clone();
        damaged[wrong] ^= 0x10;
        contents.open_upload(1, sample.root, sample.size()).unwrap();
        let Err(ContentError::NotProven(failed)) = contents.append(1, &damaged) else { panic!("{wrong}") };
        assert!(matches!(contents.append(1, &encoding), Err(ContentError::NotProven(again)) if again == failed));
        assert!(matches!(contents.finish(1), Err(ContentError::NotProven(_))));
        contents.close(1);
        assert_eq!(contents.open_upload(1, sample.root, sample.size()).unwrap(), failed.offset);
        contents.close(1);
        contents.remove(sample.root).unwrap();
    }
}

pub(super) fn bytes_after_the_end_are_refused(contents: &mut impl ContentStore) {
    let sample = Sample::new(2 * GROUP_LEN);
    let longer = [sample.encoding(0), vec![0]].concat();
    contents.open_upload(1, sample.root, sample.size()).unwrap();
    let Err(ContentError::NotProven(failed)) = contents.append(1, &longer) else { panic!("accepted") };
    assert_eq!(failed.offset, sample.size());
}

pub(super) fn a_part_is_no_content(contents: &mut impl ContentStore) {
    let sample = Sample::new(3 * GROUP_LEN);
    contents.open_upload(1, sample.root, sample.size()).unwrap();
    let encoding = sample.encoding(0);
    contents.append(1, &encoding[..encoding.len() - 1]).unwrap();
    assert!(matches!(contents.finish(1), Err(ContentError::NotProven(at)) if at.offset == 2 * GROUP));
    let open = contents.open_download(2, sample.root, sample.size(), sample.all());
    assert!(matches!(open, Err(ContentError::Missing)));
    // The upload is still open.
    assert_eq!(contents.append(1, &encoding[encoding.len() - 1..]).unwrap(), sample.size());
    let open = contents.open_download(2, sample.root, sample.size(), sample.all());
    assert!(matches!(open, Err(ContentError::Missing)));
    contents.finish(1).unwrap();
    assert_eq!(fetch(contents, &sample, sample.all(), 9999), sample.content);
}

pub(super) fn two_uploads_of_one_content_share_it(contents: &mut impl ContentStore) {
    let sample = Sample::new(4 * GROUP_LEN);
    let encoding = sample.encoding(0);
    let (head, tail) = encoding.split_at(30_000);
    contents.open_upload(1, sample.root, sample.size()).unwrap();
    assert_eq!(contents.append(1, head).unwrap(), GROUP);
    assert_eq!(contents.open_upload(3, sample.root, sample.size()).unwrap(), GROUP);
    let rest = sample.encoding(GROUP);
    contents.append(3, &rest[..20_000]).unwrap();
    contents.append(1, tail).unwrap();
    contents.finish(1).unwrap();
    assert_eq!(contents.append(3, &rest[20_000..]).unwrap(), sample.size());
    contents.finish(3).unwrap();
    assert_eq!(fetch(contents, &sample, sample.all(), 9999), sample.content);
}

pub(super) fn a_content_that_is_there_needs_no_bytes(contents: &mut impl ContentStore) {
    let sample = Sample::new(2 * GROUP_LEN + 1);
    store(contents, &sample);
    assert_eq!(contents.open_upload(1, sample.root, sample.size()).unwrap(), sample.size());
    contents.finish(1).unwrap();
    contents.open_upload(1, sample.root, sample.size()).unwrap();
    contents.close(1);
    assert_eq!(fetch(contents, &sample, sample.all(), 9999), sample.content);
}

pub(super) fn the_stated_length_is_proven(contents: &mut impl ContentStore) {
    let sample = Sample::new(3 * GROUP_LEN);
    for wrong in [sample.size() - 1, sample.size() + 1, 2 * GROUP, 4 * GROUP, 1 << 30] {
        contents.open_upload(1, sample.root, wrong).unwrap();
        let longer = [sample.encoding(0), vec![0; 2 * GROUP_LEN]].concat();
        assert!(matches!(contents.append(1, &longer), Err(ContentError::NotProven(_))), "{wrong}");
        assert!(matches!(contents.finish(1), Err(ContentError::NotProven(_))), "{wrong}");
        contents.close(1);
    }
    store(contents, &sample);
    let open = contents.open_download(2, sample.root, sample.size() - 1, GroupRange::all(sample.size() - 1));
    assert!(matches!(open, Err(ContentError::Missing)));
}

pub(super) fn an_empty_content_has_one_root(contents: &mut impl ContentStore) {
    assert!(matches!(contents.open_upload(1, Root::of(b"x"), 0), Err(ContentError::NotProven(_))));
    assert!(matches!(contents.finish(1), Err(ContentError::Missing)));
    let nothing = Sample::new(0);
    assert_eq!(contents.open_upload(1, nothing.root, 0).unwrap(), 0);
    contents.finish(1).unwrap();
    assert!(fetch(contents, &nothing, nothing.all(), 1).is_empty());
}

pub(super) fn removal_ends_uploads_and_not_downloads(contents: &mut impl ContentStore) {
    let sample = Sample::new(3 * GROUP_LEN);
    store(contents, &sample);
    contents.open_download(9, sample.root, sample.size(), sample.all()).unwrap();
    contents.open_upload(8, sample.root, sample.size() + 1).unwrap();
    contents.remove(sample.root).unwrap();
    let mut out = Vec::new();
    assert!(contents.read(9, 1 << 20, &mut out).unwrap());
    assert_eq!(out, sample.encoding(0));
    assert!(matches!(contents.append(8, &[]), Err(ContentError::Missing)));
    let open = contents.open_download(2, sample.root, sample.size(), sample.all());
    assert!(matches!(open, Err(ContentError::Missing)));
    // A part goes as well, and an old upload never completes a new one.
    contents.open_upload(1, sample.root, sample.size()).unwrap();
    contents.append(1, &sample.encoding(0)).unwrap();
    contents.remove(sample.root).unwrap();
    assert_eq!(contents.open_upload(3, sample.root, sample.size()).unwrap(), 0);
    assert!(matches!(contents.finish(1), Err(ContentError::Missing)));
    contents.remove(sample.root).unwrap();
    contents.remove(Root::of(b"never there")).unwrap();
}

pub(super) fn unknown_keys_are_missing(contents: &mut impl ContentStore) {
    let sample = Sample::new(1);
    contents.close(5);
    assert!(matches!(contents.append(5, b"x"), Err(ContentError::Missing)));
    assert!(matches!(contents.finish(5), Err(ContentError::Missing)));
    assert!(matches!(contents.read(5, 10, &mut Vec::new()), Err(ContentError::Missing)));
    contents.open_upload(5, sample.root, sample.size()).unwrap();
    assert!(matches!(contents.read(5, 10, &mut Vec::new()), Err(ContentError::Missing)));
}
