//! Flash, as a product's part has it, and a simulated one.

use core::fmt::Debug;

/// Bytes that are erased together.
pub const BLOCK_LEN: usize = 4096;
/// Bytes that are written together, once after each erasure.
pub const UNIT_LEN: usize = 16;
/// Every byte of an erased block.
pub const ERASED: u8 = 0xff;

/// The flash of a slot. Addresses begin at 0. A product implements it for its part; larger blocks
/// are erased with [`crate::update::Slot`] only if a group of 16 KiB has a whole number of them.
pub trait Flash {
    /// Why an operation failed.
    type Error: Copy + Debug;

    /// Its length in bytes, a multiple of [`BLOCK_LEN`].
    fn len(&self) -> u32;

    /// Whether it has no blocks.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Erases the block at `address`, a multiple of [`BLOCK_LEN`].
    ///
    /// # Errors
    /// Those of the part.
    fn erase(&mut self, address: u32) -> Result<(), Self::Error>;

    /// Writes whole units, at a multiple of [`UNIT_LEN`]; they are erased.
    ///
    /// # Errors
    /// Those of the part.
    fn write(&mut self, address: u32, units: &[u8]) -> Result<(), Self::Error>;

    /// Fills `out` from `address` on.
    ///
    /// # Errors
    /// Those of the part.
    fn read(&mut self, address: u32, out: &mut [u8]) -> Result<(), Self::Error>;
}

/// Where a simulated flash keeps its bytes, so that they outlive a restart: a file.
pub trait Backing {
    /// Fills `out` from `address` on. Returns whether it could.
    fn read(&mut self, address: u32, out: &mut [u8]) -> bool;

    /// Replaces the bytes from `address` on. Returns whether it could.
    fn write(&mut self, address: u32, bytes: &[u8]) -> bool;
}

/// Flash for tests, with the rules of real parts: a unit is written once after its block was
/// erased.
#[derive(Debug)]
pub struct SimulatedFlash<B> {
    backing: B,
    len: u32,
}

/// Why an operation of a simulated flash failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedError {
    /// Beyond the end, or not a multiple of a block or a unit.
    Address,
    /// The unit was written before and not erased since.
    NotErased,
    /// The backing failed.
    Backing,
}

impl<B: Backing> SimulatedFlash<B> {
    /// Flash of `len` bytes, rounded down to blocks.
    pub const fn new(backing: B, len: u32) -> Self {
        Self { backing, len: len - len % BLOCK_LEN as u32 }
    }

    fn check(&self, address: u32, len: usize, unit: usize) -> Result<(), SimulatedError> {
        let end = u32::try_from(len).ok().and_then(|len| address.checked_add(len));
        let is_whole = (address as usize).is_multiple_of(unit) && len.is_multiple_of(unit);
        if is_whole && end.is_some_and(|end| end <= self.len) { Ok(()) } else { Err(SimulatedError::Address) }
    }
}

impl<B: Backing> Flash for SimulatedFlash<B> {
    type Error = SimulatedError;

    fn len(&self) -> u32 {
        self.len
    }

    fn erase(&mut self, address: u32) -> Result<(), SimulatedError> {
        self.check(address, BLOCK_LEN, BLOCK_LEN)?;
        for at in (address..).step_by(256).take(BLOCK_LEN / 256) {
            if !self.backing.write(at, &[ERASED; 256]) {
                return Err(SimulatedError::Backing);
            }
        }
        Ok(())
    }

    fn write(&mut self, address: u32, units: &[u8]) -> Result<(), SimulatedError> {
        self.check(address, units.len(), UNIT_LEN)?;
        let mut before = [0; 256];
        for (at, units) in (address..).step_by(256).zip(units.chunks(256)) {
            let before = before.get_mut(..units.len()).unwrap_or_default();
            if !self.backing.read(at, before) {
                return Err(SimulatedError::Backing);
            }
            if before.iter().any(|byte| *byte != ERASED) {
                return Err(SimulatedError::NotErased);
            }
            if !self.backing.write(at, units) {
                return Err(SimulatedError::Backing);
            }
        }
        Ok(())
    }

    fn read(&mut self, address: u32, out: &mut [u8]) -> Result<(), SimulatedError> {
        self.check(address, out.len(), 1)?;
        if self.backing.read(address, out) { Ok(()) } else { Err(SimulatedError::Backing) }
    }
}
