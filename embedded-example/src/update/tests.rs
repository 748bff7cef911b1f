use std::vec;
use std::vec::Vec;

use kabar_core::chat::{EntryHeader, MAX_FILE_BODY_LEN};
use kabar_core::content::{GROUP_LEN, Storage};

use super::flash::{BLOCK_LEN, UNIT_LEN};
use super::*;

/// A flash's bytes, and the writes until power fails: that one is done in part.
#[derive(Clone, Debug)]
struct Bytes {
    bytes: Vec<u8>,
    writes_left: usize,
}

impl Bytes {
    fn new() -> Self {
        Self { bytes: vec![0xff; 40 * BLOCK_LEN], writes_left: usize::MAX }
    }

    fn flash(&mut self) -> SimulatedFlash<&mut Self> {
        let len = self.bytes.len() as u32;
        SimulatedFlash::new(self, len)
    }
}

impl Backing for &mut Bytes {
    fn read(&mut self, address: u32, out: &mut [u8]) -> bool {
        out.copy_from_slice(&self.bytes[address as usize..][..out.len()]);
        true
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        let len = match self.writes_left {
            0 => return false,
            1 => bytes.len() / 2,
            _ => bytes.len(),
        };
        self.writes_left -= 1;
        self.bytes[address as usize..][..len].copy_from_slice(&bytes[..len]);
        len == bytes.len()
    }
}

fn image(len: usize) -> Vec<u8> {
    (0..=250).cycle().take(len).collect()
}

/// What [`Update`] does with a slot, until an operation fails.
fn store(slot: &mut Slot<SimulatedFlash<&mut Bytes>>, image: &[u8], piece: usize) -> Result<(), SimulatedError> {
    let (root, size) = (Root::of(image), image.len() as u32);
    let proven = match slot.record()?.filter(|it| it.root == root && it.size == size) {
        Some(record) => record.proven as usize,
        None => {
            slot.begin(root, size)?;
            0
        }
    };
    for (at, group) in image.chunks(GROUP_LEN).enumerate().skip(proven.div_ceil(GROUP_LEN)) {
        let mut offset = (at * GROUP_LEN) as u64;
        slot.prepare(offset, group.len())?;
        for bytes in group.chunks(piece) {
            slot.write(offset, bytes)?;
            offset += bytes.len() as u64;
        }
        slot.flush()?;
        slot.mark_proven(offset)?;
    }
    slot.mark_verified()
}

fn stored(slot: &mut Slot<SimulatedFlash<&mut Bytes>>, len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    slot.read(0, &mut out).unwrap();
    out
}

#[test]
fn flash_takes_a_unit_once_after_each_erasure() {
    let mut bytes = Bytes::new();
    let mut flash = bytes.flash();
    assert_eq!(flash.write(32, &[1; 48]), Ok(()));
    assert_eq!(flash.write(64, &[1; UNIT_LEN]), Err(SimulatedError::NotErased));
    assert_eq!(flash.erase(0), Ok(()));
    assert_eq!(flash.write(64, &[1; UNIT_LEN]), Ok(()));
    let end = flash.len();
    for wrong in [flash.write(8, &[1; 16]), flash.write(end, &[1; 16]), flash.write(0, &[1; 15]), flash.erase(16)] {
        assert_eq!(wrong, Err(SimulatedError::Address));
    }
    assert_eq!(flash.read(end - 1, &mut [0; 2]), Err(SimulatedError::Address));
}

#[test]
fn a_slot_keeps_images_of_any_length_written_in_pieces_of_any_length() {
    for (len, piece) in [(1, 1), (15, 4), (GROUP_LEN, 1000), (3 * GROUP_LEN + 17, 999), (2 * GROUP_LEN + 16, 2041)] {
        let (image, mut bytes) = (image(len), Bytes::new());
        let mut slot = Slot::new(bytes.flash());
        assert_eq!(slot.record(), Ok(None));
        store(&mut slot, &image, piece).unwrap();
        assert!(stored(&mut slot, len) == image, "{len}");
        let record = Record { root: Root::of(&image), size: len as u32, proven: len as u32, is_verified: true };
        assert_eq!(slot.record(), Ok(Some(record)));
    }
}

#[test]
fn after_a_power_failure_at_any_moment_the_record_states_no_more_than_is_stored() {
    let image = image(2 * GROUP_LEN + 100);
    let whole = {
        let mut bytes = Bytes::new();
        bytes.writes_left = 100_000;
        store(&mut Slot::new(bytes.flash()), &image, 4000).unwrap();
        100_000 - bytes.writes_left
    };
    let mut begun = [0; 3];
    for writes in 0..whole {
        let mut bytes = Bytes { writes_left: writes, ..Bytes::new() };
        assert!(store(&mut Slot::new(bytes.flash()), &image, 4000).is_err());
        bytes.writes_left = usize::MAX;
        let mut slot = Slot::new(bytes.flash());
        if let Some(record) = slot.record().unwrap() {
            let proven = record.proven as usize;
            assert!(stored(&mut slot, proven) == image[..proven], "{writes}");
            begun[proven.div_ceil(GROUP_LEN).min(2)] += 1;
        }
        store(&mut slot, &image, 4000)
            .or_else(|error| match error {
                // The last mark was written in part.
                SimulatedError::NotErased if slot.record().unwrap().unwrap().is_verified => Ok(()),
                error => Err(error),
            })
            .unwrap();
        assert!(stored(&mut slot, image.len()) == image, "{writes}");
    }
    assert!(begun.iter().all(|count| *count > 0), "{begun:?}");
}

#[test]
fn another_image_replaces_the_first() {
    let mut bytes = Bytes::new();
    let mut slot = Slot::new(bytes.flash());
    store(&mut slot, &image(GROUP_LEN), 500).unwrap();
    let second: Vec<u8> = image(2 * GROUP_LEN).iter().map(|byte| !byte).collect();
    store(&mut slot, &second, 500).unwrap();
    assert!(stored(&mut slot, second.len()) == second);
    assert_eq!(slot.record().unwrap().map(|it| it.root), Some(Root::of(&second)));
    slot.clear().unwrap();
    assert_eq!(slot.record(), Ok(None));
}

#[test]
fn only_images_of_the_trusted_member_are_taken() {
    let (root, mut body) = (Root([5; 32]), [0; MAX_FILE_BODY_LEN]);
    let mut offer = |author: &'static str, kind: EntryKind, name: &str, size: u64, from: &str| {
        let mut bytes = Bytes::new();
        let mut update = Update::new(bytes.flash(), from).unwrap();
        let len = File::new(name, size, root, "").unwrap().encode(&mut body).unwrap();
        let header = EntryHeader { seq: 1, time_ms: 1, author, instance: 1, number: 1, kind };
        update.on_event(&Event::Entry { room: RoomSlot::FIRST, header, body: &body[..len], own: false });
        (update.wanted, update.report)
    };
    let wanted = Some(Image { root, size: 9 });
    assert_eq!(offer("anna", EntryKind::FILE, "probe.fw", 9, "anna"), (wanted, None));
    for (author, kind, name, from) in [
        ("bert", EntryKind::FILE, "probe.fw", "anna"),
        ("anna", EntryKind::DATA, "probe.fw", "anna"),
        ("anna", EntryKind::FILE, "probe.bin", "anna"),
        ("", EntryKind::FILE, "probe.fw", ""),
    ] {
        assert_eq!(offer(author, kind, name, 9, from), (None, None), "{author} {name}");
    }
    for size in [0, 39 * BLOCK_LEN as u64 + 1, u64::MAX] {
        let refused = (None, Some(Report::Failed(Failure::Size)));
        assert_eq!(offer("anna", EntryKind::FILE, "probe.fw", size, "anna"), refused);
    }
}

#[test]
fn each_quarter_is_reported_once() {
    let mut bytes = Bytes::new();
    let mut update = Update::new(bytes.flash(), "anna").unwrap();
    update.image.size = 10 * GROUP_LEN as u32;
    let mut said = Vec::new();
    for group in 0..10 {
        update.report_progress(group * GROUP_LEN as u64, (group + 1) * GROUP_LEN as u64);
        update.post(|text| {
            said.push((group + 1, std::string::String::from_utf8(text.to_vec()).unwrap()));
            Ok(1)
        });
    }
    let line = |percent| std::format!("update: {percent} % of 163840 bytes");
    assert_eq!(said, [(3, line(25)), (5, line(50)), (8, line(75))]);
}
