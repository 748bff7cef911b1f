use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::testing::{LENGTHS, content, encoding, tree};
use super::*;

/// A slot that holds writes back until it is flushed, and checks the contract.
#[derive(Default)]
struct Slot {
    bytes: Vec<u8>,
    held_back: Vec<u8>,
    /// The group that was prepared last.
    prepared: (u64, usize),
    prepares: Vec<u64>,
    /// The operation that fails next, counted down.
    fails_in: Option<usize>,
    /// Bits of this byte are lost when it is written.
    worn: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken;

impl Slot {
    fn count(&mut self) -> Result<(), Broken> {
        match self.fails_in.as_mut() {
            Some(0) => {
                self.fails_in = None;
                Err(Broken)
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Storage for Slot {
    type Error = Broken;

    fn prepare(&mut self, offset: u64, len: usize) -> Result<(), Broken> {
        self.count()?;
        assert!(offset.is_multiple_of(GROUP_LEN as u64) && self.bytes.len() as u64 >= offset && len <= GROUP_LEN);
        self.bytes.truncate(offset as usize);
        self.held_back.clear();
        self.prepared = (offset, len);
        self.prepares.push(offset);
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Broken> {
        self.count()?;
        assert_eq!(offset as usize, self.bytes.len() + self.held_back.len());
        assert!(offset + bytes.len() as u64 <= self.prepared.0 + self.prepared.1 as u64);
        self.held_back.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.count()?;
        self.bytes.append(&mut self.held_back);
        if let Some(byte) = self.worn.and_then(|at| self.bytes.get_mut(at)) {
            *byte &= 0xf0;
        }
        Ok(())
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> Result<(), Broken> {
        self.count()?;
        out.copy_from_slice(&self.bytes[offset as usize..][..out.len()]);
        Ok(())
    }
}

/// Decodes pieces of an encoding into `slot`, past errors of the slot. Returns the offsets that
/// were proven, and the bytes left over.
fn decode<'a>(
    decoder: &mut StorageDecoder<10>,
    pieces: impl Iterator<Item = &'a [u8]>,
    slot: &mut Slot,
) -> Result<(Vec<u64>, usize), NotProven> {
    let (mut proven, mut rest) = (Vec::new(), 0);
    // One empty piece in the end, for the group of an empty content.
    for piece in pieces.chain([&[][..]]) {
        let mut input = piece;
        loop {
            match decoder.decode(&mut input, slot) {
                Ok(Some(offset)) => proven.push(offset),
                Ok(None) => break,
                Err(StorageError::Storage(Broken)) => {}
                Err(StorageError::NotProven(error)) => {
                    let again = decoder.decode(&mut input, slot);
                    assert_eq!(again, Err(StorageError::NotProven(error)), "an error is permanent");
                    return Err(error);
                }
            }
        }
        assert!(input.is_empty() || decoder.is_finished());
        rest += input.len();
    }
    Ok((proven, rest))
}

fn decoder(root: Root, len: usize, offset: usize) -> StorageDecoder<10> {
    StorageDecoder::new(root, GroupRange::starting_at(len as u64, offset as u64).unwrap()).unwrap()
}

#[test]
fn each_group_is_proven_from_the_storage_in_order() {
    for len in LENGTHS {
        let content = content(len);
        let (root, nodes) = tree(&content);
        let encoding = encoding(&nodes, 0, usize::MAX);
        for piece_len in [1, 1200, 16 * GROUP_LEN] {
            let (mut decoder, mut slot) = (decoder(root, len, 0), Slot::default());
            let (proven, rest) = decode(&mut decoder, encoding.chunks(piece_len), &mut slot).unwrap();
            let ends = (0..len.div_ceil(GROUP_LEN).max(1)).map(|at| len.min((at + 1) * GROUP_LEN) as u64);
            assert!(proven.iter().copied().eq(ends), "{len}: {proven:?}");
            assert!(slot.bytes == content && decoder.is_finished() && rest == 0, "{len}");
            assert_eq!(slot.prepares.len(), proven.len(), "each group is prepared once");
        }
    }
}

#[test]
fn an_encoding_may_be_split_at_each_byte() {
    let content = content(GROUP_LEN + 300);
    let (root, nodes) = tree(&content);
    let encoding = encoding(&nodes, 0, usize::MAX);
    for at in 0..encoding.len() {
        let (mut decoder, mut slot) = (decoder(root, content.len(), 0), Slot::default());
        let (first, second) = encoding.split_at(at);
        let proven = decode(&mut decoder, [first, second].into_iter(), &mut slot);
        assert_eq!(proven, Ok((vec![GROUP_LEN as u64, content.len() as u64], 0)), "{at}");
        assert!(slot.bytes == content);
    }
}

#[test]
fn a_group_continues_after_a_proven_prefix() {
    let content = content(5 * GROUP_LEN + 100);
    let (root, nodes) = tree(&content);
    for first in 0..=5 {
        let from = first * GROUP_LEN;
        let mut slot = Slot { bytes: content[..from].to_vec(), ..Slot::default() };
        let mut decoder = decoder(root, content.len(), from);
        decode(&mut decoder, encoding(&nodes, first, usize::MAX).chunks(999), &mut slot).unwrap();
        assert!(slot.bytes == content, "{first}");
        assert_eq!(slot.prepares.first(), Some(&(from as u64)));
    }
}

#[test]
fn a_storage_that_does_not_hold_what_was_written_does_not_prove() {
    let content = content(3 * GROUP_LEN);
    let (root, nodes) = tree(&content);
    let mut slot = Slot { worn: Some(GROUP_LEN + 7), ..Slot::default() };
    let error = decode(&mut decoder(root, content.len(), 0), [&encoding(&nodes, 0, 3)[..]].into_iter(), &mut slot);
    assert_eq!(error, Err(NotProven { offset: GROUP_LEN as u64, is_parent: false }));
}

#[test]
fn after_an_error_of_the_storage_the_operation_is_repeated() {
    let content = content(2 * GROUP_LEN + 9);
    let (root, nodes) = tree(&content);
    for fails_in in 0..120 {
        let mut slot = Slot { fails_in: Some(fails_in), ..Slot::default() };
        let mut decoder = decoder(root, content.len(), 0);
        decode(&mut decoder, encoding(&nodes, 0, 3).chunks(1000), &mut slot).unwrap();
        assert!(slot.bytes == content, "{fails_in}");
    }
}

#[test]
fn a_hasher_computes_the_root_of_what_is_stored() {
    for len in LENGTHS {
        let content = content(len);
        let mut slot = Slot { bytes: content.clone(), ..Slot::default() };
        let mut hasher = StorageHasher::<3>::new(len as u64).unwrap();
        let mut steps = 1;
        let root = loop {
            match hasher.step(&mut slot).unwrap() {
                Some(root) => break root,
                None => steps += 1,
            }
        };
        assert_eq!((root, steps), (tree(&content).0, len.div_ceil(GROUP_LEN).max(1)), "{len}");
        assert_eq!(hasher.step(&mut slot), Ok(Some(root)), "{len}");
    }
}

#[test]
fn contents_longer_than_the_depth_are_refused() {
    let longest = 8 * GROUP_LEN as u64;
    assert!(StorageHasher::<3>::new(longest).is_ok());
    assert_eq!(StorageHasher::<3>::new(longest + 1).err(), Some(TooLong));
    assert!(StorageDecoder::<3>::new(Root([0; 32]), GroupRange::all(longest)).is_ok());
    assert_eq!(StorageDecoder::<3>::new(Root([0; 32]), GroupRange::all(longest + 1)).err(), Some(TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_encoding_proves_the_same_groups_as_in_memory(
        at in 0..3 * GROUP_LEN + 228, change in 1..=255_u8, piece_len in 1..3000_usize,
    ) {
        let content = content(3 * GROUP_LEN + 100);
        let (root, nodes) = tree(&content);
        let mut changed = encoding(&nodes, 0, usize::MAX);
        changed[at] ^= change;
        let mut slot = Slot::default();
        let mut decoder = decoder(root, content.len(), 0);
        let error = decode(&mut decoder, changed.chunks(piece_len), &mut slot).unwrap_err();
        let mut in_memory = super::super::Decoder::<10>::new(root, GroupRange::all(content.len() as u64)).unwrap();
        let (mut input, mut buffer) = (&changed[..], std::boxed::Box::new([0; GROUP_LEN]));
        let expected = loop {
            match in_memory.decode(&mut input, &mut buffer) {
                Ok(proven) => assert!(proven.is_some()),
                Err(error) => break error,
            }
        };
        prop_assert_eq!(error, expected);
        prop_assert_eq!(decoder.offset(), in_memory.offset());
        let proven = decoder.offset() as usize;
        prop_assert!(slot.bytes[..proven] == content[..proven]);
    }
}
