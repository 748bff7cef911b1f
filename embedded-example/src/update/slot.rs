//! A slot of flash with an image, and how much of that is proven.
//!
//! ```text
//! block 0     record: what is downloaded           written when a download begins
//!             a unit per group                     written when the group is proven
//!             the last unit                        written when the root of the whole is proven
//! block 1 ... the image                            a group is erased before its first byte is written
//! ```
//!
//! A power failure at any moment leaves a record that states no more than what is proven.

use kabar_core::content::{GROUP_LEN, ROOT_LEN, Root, Storage};

use super::flash::{BLOCK_LEN, ERASED, Flash, UNIT_LEN};

/// The first bytes of a record.
const MAGIC: &[u8; 8] = b"kabar-fw";
/// Bytes of a record: the magic, the root, the length, and a check of these.
const RECORD_LEN: usize = 4 * UNIT_LEN;
const CHECKED_LEN: usize = MAGIC.len() + ROOT_LEN + 8;
const _: () = assert!(RECORD_LEN == CHECKED_LEN + UNIT_LEN);

/// Groups that a slot can have: a unit of block 0 for each.
const MAX_GROUPS: u32 = ((BLOCK_LEN - RECORD_LEN) / UNIT_LEN - 1) as u32;
/// Where the unit of the first group is.
const FIRST_MARK: u32 = RECORD_LEN as u32;
/// Where the unit of the whole is.
const LAST_MARK: u32 = (BLOCK_LEN - UNIT_LEN) as u32;
/// Where the image begins.
const IMAGE: u32 = BLOCK_LEN as u32;
/// A unit that is written.
const MARK: [u8; UNIT_LEN] = [0; UNIT_LEN];

const GROUP: u32 = GROUP_LEN as u32;
const _: () = assert!(GROUP_LEN.is_multiple_of(BLOCK_LEN) && BLOCK_LEN.is_multiple_of(UNIT_LEN));

/// What a slot has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// The content.
    pub root: Root,
    /// Its length in bytes.
    pub size: u32,
    /// Everything before it is proven, in bytes.
    pub proven: u32,
    /// Whether the root of all of it was proven, too.
    pub is_verified: bool,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Slot<F> {
    flash: F,
    /// Groups that are marked as proven.
    marked: u32,
    /// Bytes of an incomplete unit, and their number: flash takes whole ones.
    unit: [u8; UNIT_LEN],
    held: usize,
    /// The address after the last byte.
    end: u32,
}

impl<F: Flash> Slot<F> {
    /// The slot in all of `flash`.
    pub const fn new(flash: F) -> Self {
        Self { flash, marked: 0, unit: [ERASED; UNIT_LEN], held: 0, end: IMAGE }
    }

    /// Most bytes of an image.
    pub fn capacity(&self) -> u32 {
        self.flash.len().saturating_sub(IMAGE).min(MAX_GROUPS * GROUP)
    }

    /// What it has; `None`: nothing.
    ///
    /// # Errors
    /// Those of the flash.
    pub fn record(&mut self) -> Result<Option<Record>, F::Error> {
        let mut bytes = [0; RECORD_LEN];
        self.flash.read(0, &mut bytes)?;
        let (checked, check) = bytes.split_at(CHECKED_LEN);
        let fields = checked.strip_prefix(MAGIC).and_then(|rest| rest.split_first_chunk::<ROOT_LEN>());
        let Some((root, size)) = fields.filter(|_| check_of(checked) == check) else { return Ok(None) };
        let Some(size) = size.first_chunk().and_then(|size| u32::try_from(u64::from_be_bytes(*size)).ok()) else {
            return Ok(None);
        };
        self.marked = 0;
        while self.marked < size.div_ceil(GROUP).min(MAX_GROUPS) && self.is_written(FIRST_MARK + self.marked * 16)? {
            self.marked += 1;
        }
        let proven = self.marked.saturating_mul(GROUP).min(size);
        Ok(Some(Record { root: Root(*root), size, proven, is_verified: self.is_written(LAST_MARK)? }))
    }

    /// Begins with another content.
    ///
    /// # Errors
    /// Those of the flash.
    pub fn begin(&mut self, root: Root, size: u32) -> Result<(), F::Error> {
        let mut bytes = [0; RECORD_LEN];
        let (checked, check) = bytes.split_at_mut(CHECKED_LEN);
        let fields = MAGIC.iter().chain(&root.0).copied().chain(u64::from(size).to_be_bytes());
        checked.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        check.copy_from_slice(&check_of(checked));
        self.clear()?;
        self.flash.write(0, &bytes)
    }

    /// Marks the groups before `offset` as proven.
    ///
    /// # Errors
    /// Those of the flash.
    pub fn mark_proven(&mut self, offset: u64) -> Result<(), F::Error> {
        let groups = u32::try_from(offset.div_ceil(GROUP.into())).unwrap_or(MAX_GROUPS).min(MAX_GROUPS);
        while self.marked < groups {
            self.flash.write(FIRST_MARK + self.marked * UNIT_LEN as u32, &MARK)?;
            self.marked += 1;
        }
        Ok(())
    }

    /// Marks the whole as proven.
    ///
    /// # Errors
    /// Those of the flash.
    pub fn mark_verified(&mut self) -> Result<(), F::Error> {
        self.flash.write(LAST_MARK, &MARK)
    }

    /// Forgets what it has.
    ///
    /// # Errors
    /// Those of the flash.
    pub fn clear(&mut self) -> Result<(), F::Error> {
        self.marked = 0;
        self.flash.erase(0)
    }

    /// Whether a unit is written, if only in part: power may have failed meanwhile.
    fn is_written(&mut self, address: u32) -> Result<bool, F::Error> {
        let mut unit = [0; UNIT_LEN];
        self.flash.read(address, &mut unit)?;
        Ok(unit.iter().any(|byte| *byte != ERASED))
    }
}

impl<F: Flash> Storage for Slot<F> {
    type Error = F::Error;

    fn prepare(&mut self, offset: u64, len: usize) -> Result<(), F::Error> {
        self.held = 0;
        let first = address_of(offset);
        (0..len.div_ceil(BLOCK_LEN)).try_for_each(|block| self.flash.erase(first + (block * BLOCK_LEN) as u32))
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), F::Error> {
        let (mut address, mut rest) = (address_of(offset), bytes);
        while !rest.is_empty() {
            let whole = if self.held == 0 { rest.len() / UNIT_LEN * UNIT_LEN } else { 0 };
            let len = if whole > 0 { whole } else { rest.len().min(UNIT_LEN - self.held) };
            let (now, later) = rest.split_at(len);
            if whole > 0 {
                self.flash.write(address, now)?;
            } else {
                let free = self.unit.iter_mut().skip(self.held);
                free.zip(now).for_each(|(to, from)| *to = *from);
                self.held += len;
            }
            address = address.saturating_add(len as u32);
            (self.end, rest) = (address, later);
            if self.held == UNIT_LEN {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), F::Error> {
        if self.held > 0 {
            self.unit.iter_mut().skip(self.held).for_each(|byte| *byte = ERASED);
            self.flash.write(self.end.saturating_sub(self.held as u32), &self.unit)?;
            self.held = 0;
        }
        Ok(())
    }

    fn read(&mut self, offset: u64, out: &mut [u8]) -> Result<(), F::Error> {
        self.flash.read(address_of(offset), out)
    }
}

/// Where a byte of the image is. What is beyond the flash is refused by it.
fn address_of(offset: u64) -> u32 {
    u32::try_from(offset.saturating_add(IMAGE.into())).unwrap_or(u32::MAX - GROUP)
}

/// Finds a record that was not written as a whole.
fn check_of(checked: &[u8]) -> [u8; UNIT_LEN] {
    let mut check = [0; UNIT_LEN];
    check.iter_mut().zip(Root::of(checked).0).for_each(|(to, from)| *to = from);
    check
}
