//! The operating system's randomness: the only source of secrets in these programs.

use std::io;

use getrandom::SysRng;
use rand_core::TryRng;

/// `LEN` fresh secret bytes.
///
/// # Errors
/// The operating system's; nothing can be done without randomness.
pub fn random_bytes<const LEN: usize>() -> io::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    SysRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}
