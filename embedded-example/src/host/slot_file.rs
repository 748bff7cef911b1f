//! A file as the flash of a slot, so that it outlives the program.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::vec;

use crate::update::flash::{Backing, ERASED};
use crate::update::{SimulatedError, SimulatedFlash};

/// Bytes of a new file: an image of 1 MiB and its record.
const LEN: usize = (1 << 20) + 4096;

/// See the module's documentation.
#[derive(Debug)]
pub struct SlotFile(File);

/// Flash in the file at `path`, which is created erased.
///
/// # Errors
/// The file cannot be opened, read, or created.
pub fn open(path: &Path) -> io::Result<SimulatedFlash<SlotFile>> {
    if !path.exists() {
        std::fs::write(path, vec![ERASED; LEN])?;
    }
    let file = File::options().read(true).write(true).open(path)?;
    let len = u32::try_from(file.metadata()?.len()).unwrap_or(u32::MAX);
    Ok(SimulatedFlash::new(SlotFile(file), len))
}

impl Backing for SlotFile {
    fn read(&mut self, address: u32, out: &mut [u8]) -> bool {
        self.0.seek(SeekFrom::Start(address.into())).is_ok() && self.0.read_exact(out).is_ok()
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        self.0.seek(SeekFrom::Start(address.into())).is_ok() && self.0.write_all(bytes).is_ok()
    }
}

impl core::fmt::Display for SimulatedError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Address => "beyond the end of the flash",
            Self::NotErased => "a unit of the flash is written twice",
            Self::Backing => "the file of the flash cannot be read or written",
        })
    }
}

impl core::error::Error for SimulatedError {}
