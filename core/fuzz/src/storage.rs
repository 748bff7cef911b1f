//! Contents in the storage of a device (SPEC 10.3): its decoder proves what the one in memory does,
//! over any failures of the storage, and finds what the storage does not keep.

use kabar_core::content::{
    GROUP_LEN, GroupRange, NotProven, SliceSource, Storage, StorageDecoder, StorageError, StorageHasher,
};

use super::content::{DEPTH, Made, decode, encode};
use super::input::Input;

/// Takes `data` as: number of failures u8, operations before each of them u8, a byte that wears off
/// u24 (none if that is 0), then as `content`, without the length that the receiver expects.
pub fn check(data: &[u8]) {
    let mut fields = Input(data);
    let failures = fields.number(1) % 8;
    let fails_in: Vec<u8> = (0..failures).map(|_| fields.byte()).collect();
    let worn = fields.number(3).checked_sub(1);
    let Made { content, outboard, root, offset, piece_len } = Made::new(&mut fields);
    let range = GroupRange::starting_at(content.len() as u64, offset as u64).expect("within the content");
    let encoding = encode(range, SliceSource { content: &content, outboard: &outboard }, piece_len);
    let changed = fields.change(&encoding);
    let start = range.offset() as usize;

    let in_memory = decode(root, range, &changed, piece_len, &content);
    let end = |offset: u64| (offset as usize + GROUP_LEN).min(content.len()) as u64;
    let groups = in_memory.nodes.iter().filter(|node| !node.is_parent);
    let expected: Vec<u64> = groups.map(|node| end(node.offset)).collect();

    // What is before the range was proven before.
    let mut slot = Slot { bytes: content[..start].to_vec(), worn, ..Slot::default() };
    slot.fails_in = fails_in;
    let mut decoder = StorageDecoder::<DEPTH>::new(root, range).expect("its depth is sufficient");
    let (proven, error) = decode_into(&mut slot, &mut decoder, &changed, piece_len);
    let proven_end = proven.last().map_or(start, |end| *end as usize);
    assert!(expected.starts_with(&proven));
    if slot.has_lost {
        // It is read back before it counts.
        assert!(slot.bytes.get(start..proven_end) == content.get(start..proven_end));
        return;
    }
    assert_eq!((proven, error, decoder.is_finished()), (expected, in_memory.error, in_memory.is_finished));
    assert_eq!(slot.bytes[..proven_end], content[..proven_end]);
    if decoder.is_finished() && slot.bytes.len() == content.len() {
        let mut hasher = StorageHasher::<DEPTH>::new(content.len() as u64).expect("its depth is sufficient");
        let found = loop {
            if let Ok(Some(found)) = hasher.step(&mut slot) {
                break found;
            }
        };
        assert_eq!(found, root);
    }
}

/// Decodes in pieces, and repeats what fails. Returns where the proven groups end.
fn decode_into(
    slot: &mut Slot,
    decoder: &mut StorageDecoder<DEPTH>,
    encoding: &[u8],
    piece_len: usize,
) -> (Vec<u64>, Option<NotProven>) {
    let mut proven = Vec::new();
    // The empty piece is for the group of an empty content.
    for mut piece in encoding.chunks(piece_len).chain([&[][..]]) {
        loop {
            match decoder.decode(&mut piece, slot) {
                Ok(Some(end)) => {
                    assert_eq!(end, decoder.offset());
                    proven.push(end);
                }
                Ok(None) => break,
                Err(StorageError::Storage(Broken)) => {}
                Err(StorageError::NotProven(error)) => return (proven, Some(error)),
            }
        }
    }
    (proven, None)
}

/// A slot of flash that holds writes back until it is flushed, and checks how it is used.
#[derive(Default)]
struct Slot {
    bytes: Vec<u8>,
    held_back: Vec<u8>,
    /// Where the group ends that was prepared last.
    prepared_end: u64,
    /// Operations before each failure.
    fails_in: Vec<u8>,
    /// Bits of this byte are lost when it is written.
    worn: Option<usize>,
    has_lost: bool,
}

/// An operation failed.
#[derive(Debug)]
struct Broken;

impl Slot {
    fn count(&mut self) -> Result<(), Broken> {
        match self.fails_in.last_mut() {
            Some(0) => {
                self.fails_in.pop();
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
        assert!(offset.is_multiple_of(GROUP_LEN as u64) && len <= GROUP_LEN && self.bytes.len() as u64 >= offset);
        self.bytes.truncate(offset as usize);
        self.held_back.clear();
        self.prepared_end = offset + len as u64;
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Broken> {
        self.count()?;
        assert_eq!(offset as usize, self.bytes.len() + self.held_back.len());
        assert!(offset + bytes.len() as u64 <= self.prepared_end);
        self.held_back.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.count()?;
        self.bytes.append(&mut self.held_back);
        if let Some(byte) = self.worn.and_then(|at| self.bytes.get_mut(at)) {
            self.has_lost |= *byte & 0x0f != 0;
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
