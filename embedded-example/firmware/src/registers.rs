//! Hardware registers of 32 bits.

/// A block of registers, as in a data sheet: a base, and offsets from there.
#[derive(Clone, Copy, Debug)]
pub struct Registers(usize);

impl Registers {
    /// The block at `base`.
    ///
    /// # Safety
    /// At every offset that [`Registers::read`] and [`Registers::write`] are called with, there is
    /// a hardware register, aligned to 4 bytes, that the program may use: reading and writing it
    /// touches no memory of the program.
    pub const unsafe fn at(base: usize) -> Self {
        Self(base)
    }

    /// Reads the register at `offset`.
    pub fn read(self, offset: usize) -> u32 {
        // SAFETY: the caller of `at` promised that there is one.
        unsafe { ((self.0 + offset) as *const u32).read_volatile() }
    }

    /// Writes the register at `offset`.
    pub fn write(self, offset: usize, value: u32) {
        // SAFETY: as in `read`.
        unsafe { ((self.0 + offset) as *mut u32).write_volatile(value) }
    }
}
