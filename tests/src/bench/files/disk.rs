//! Contents of files, and the speed of the disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::bench::Error;

/// Bytes per write.
const BLOCK: usize = 1 << 20;

/// Writes a file whose content depends on the seed, so that no two have a content in common.
pub(super) fn create(path: &Path, bytes: u64, seed: u64) -> Result<(), Error> {
    let mut file = File::create(path).map_err(Error::io("create a file"))?;
    let (mut rng, mut block) = (ChaCha20Rng::seed_from_u64(seed), vec![0; BLOCK]);
    let mut left = usize::try_from(bytes).map_err(|_| Error::new("the file is too long"))?;
    while left > 0 {
        let len = left.min(BLOCK);
        rng.fill_bytes(&mut block[..len]);
        file.write_all(&block[..len]).map_err(Error::io("write a file"))?;
        left -= len;
    }
    // What is written back later would slow down the measurement.
    file.sync_all().map_err(Error::io("write a file"))
}

/// Fills a buffer with bytes that depend on the seed.
pub(super) fn fill(buffer: &mut [u8], seed: u64) {
    ChaCha20Rng::seed_from_u64(seed).fill_bytes(buffer);
}

/// Writes and synchronises a file of this length, as `dd conv=fsync` does. Returns seconds.
pub(super) fn write_and_sync(dir: &Path, bytes: u64) -> Result<f64, Error> {
    let path = dir.join("disk");
    let block = vec![0x5a; BLOCK];
    let begin = Instant::now();
    let mut file = File::create(&path).map_err(Error::io("create a file"))?;
    for _ in 0..bytes.div_ceil(BLOCK as u64) {
        file.write_all(&block).map_err(Error::io("write a file"))?;
    }
    file.sync_all().map_err(Error::io("write a file"))?;
    let took = begin.elapsed().as_secs_f64();
    std::fs::remove_file(&path).map_err(Error::io("remove a file"))?;
    Ok(took)
}
