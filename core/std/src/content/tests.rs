use std::io::{Seek, SeekFrom};

use kabar_core::content::{SliceSource, outboard_len};

use super::*;

const GROUP: usize = GROUP_LEN;
const LENGTHS: [usize; 8] = [0, 1, GROUP, GROUP + 1, 4 * GROUP, 5 * GROUP + 7, 8 * GROUP, 20 * GROUP - 1];

fn content(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

fn hashed(content: &[u8]) -> (Hashed, Vec<u8>) {
    let mut outboard = Vec::new();
    (hash(content, &mut outboard).unwrap(), outboard)
}

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

/// Returns at most 1000 bytes at once, and is interrupted before each.
struct Slow<'a>(&'a [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = out.len().min(1000);
        self.0.read(&mut out[..len])
    }
}

#[test]
fn hashes_what_a_reader_returns_in_any_pieces() {
    for len in LENGTHS {
        let content = content(len);
        let (hashed, outboard) = hashed(&content);
        assert_eq!(hashed, Hashed { root: Root::of(&content), size: len as u64 });
        assert_eq!(outboard.len() as u64, outboard_len(len as u64));
        let mut slow = Vec::new();
        assert_eq!(hash(Slow(&content, false), &mut slow).unwrap(), hashed);
        assert_eq!(slow, outboard);
    }
}

#[test]
fn stops_hashing_when_it_should() {
    let (content, mut seen) = (content(40 * GROUP), Vec::new());
    let stopped = hash_with(&content[..], io::sink(), |done| {
        seen.push(done);
        seen.len() < 2
    });
    assert_eq!((stopped.unwrap(), seen), (None, vec![4 * GROUP as u64, 8 * GROUP as u64]));
}

#[test]
fn reports_errors_of_the_writer() {
    let mut full = [0; 10];
    assert!(hash(&content(3 * GROUP)[..], &mut full[..]).is_err());
}

#[test]
fn a_file_is_encoded_as_its_bytes_are() {
    for len in LENGTHS {
        let content = content(len);
        let (_, outboard) = hashed(&content);
        let encode = |source: &mut dyn FnMut(&mut Encoder, &mut [u8]) -> usize| {
            let (mut encoder, mut all) = (Encoder::new(GroupRange::all(len as u64)), vec![0; 2 * len + 100]);
            let len = source(&mut encoder, &mut all);
            all[..len].to_vec()
        };
        let mut slices = SliceSource { content: &content, outboard: &outboard };
        let expected = encode(&mut |encoder, out| encoder.encode(&mut slices, out).unwrap());
        for outboard in [Outboard::File(file(&outboard)), Outboard::Bytes(outboard.clone())] {
            let mut source = FileSource { content: file(&content), outboard };
            assert_eq!(encode(&mut |encoder, out| encoder.encode(&mut source, out).unwrap()), expected);
        }
    }
}

#[test]
fn a_file_that_became_shorter_is_an_error() {
    let content = content(3 * GROUP);
    let (_, outboard) = hashed(&content);
    let mut source = FileSource { content: file(&content[..GROUP]), outboard: Outboard::Bytes(outboard) };
    let error = source.content(GROUP as u64, &mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(source.parent(2).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(source.parent(u64::MAX).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    source.outboard = Outboard::File(file(&[0; 64]));
    assert!(source.parent(0).is_ok());
    assert_eq!(source.parent(u64::MAX).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn finds_the_part_that_proves() {
    for len in LENGTHS {
        let content = content(len);
        let (Hashed { root, size }, outboard) = hashed(&content);
        let proven_of = |content: &[u8], outboard: &[u8]| proven(root, size, &mut SliceSource { content, outboard });
        assert_eq!(proven_of(&content, &outboard), size);
        for cut in [0, 1, GROUP - 1, GROUP, GROUP + 1, 3 * GROUP].into_iter().filter(|cut| *cut < len) {
            assert_eq!(proven_of(&content[..cut], &outboard), (cut / GROUP * GROUP) as u64, "{len} cut at {cut}");
            let mut changed = content.clone();
            changed[cut] ^= 1;
            assert_eq!(proven_of(&changed, &outboard), (cut / GROUP * GROUP) as u64, "{len} changed at {cut}");
        }
        // Without the parent at the top nothing proves.
        if len > GROUP {
            let top = outboard.len() - PARENT_LEN;
            assert_eq!(proven_of(&content, &outboard[..top]), 0);
            let zeros = [&outboard[..top], &[0; PARENT_LEN]].concat();
            assert_eq!(proven_of(&content, &zeros), 0);
        }
    }
}

#[test]
fn an_empty_content_is_whole_under_its_own_root_only() {
    let mut nothing = SliceSource { content: &[], outboard: &[] };
    assert!(is_whole(Root::of(b""), 0, &mut nothing));
    assert!(!is_whole(Root::of(b"x"), 0, &mut nothing));
    assert!(!is_whole(Root::of(b"x"), 1, &mut nothing));
    assert!(is_whole(Root::of(b"x"), 1, &mut SliceSource { content: b"x", outboard: &[] }));
}

#[test]
fn reads_and_writes_at_positions() {
    let file = tempfile::tempfile().unwrap();
    write_at(&file, 10, b"later").unwrap();
    write_at(&file, 0, b"first").unwrap();
    let mut bytes = [1; 15];
    read_at(&file, 0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"first\0\0\0\0\0later");
    assert!(read_at(&file, 11, &mut [0; 5]).is_err());
}
