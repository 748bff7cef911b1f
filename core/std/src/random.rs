//! The operating system's random generator, the only source of secrets in the programs.

use std::io;

use getrandom::SysRng;
use rand_core::TryRng;

/// Returns `LEN` random bytes.
///
/// # Errors
/// The operating system's error; nothing can be done without randomness.
pub fn random_bytes<const LEN: usize>() -> io::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    SysRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
