//! Local identities: a name, and the key that owns it. There is one key per name, created at first
//! use.
//!
//! A process that uses an identity holds a lock file next to the key. A process for which no name
//! was requested avoids names that are locked; a process for which that very name was requested
//! uses it anyway and replaces the first one in the room.
//!
//! `key_file`: the files; they are read and written also without the name being in use.

mod key_file;

use std::env;

use kabar_core::crypto::identity::SEED_LEN;
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError};
use kabar_std::names::Name;
use zeroize::Zeroizing;

pub use key_file::{IdentityError, StoredIdentity};
use key_file::{load_or_create_seed, stem};

/// Highest number appended to a name that is in use and was not requested.
const MAX_SUFFIX: u32 = 100;

/// A name and its key, in use by this process.
#[derive(Debug)]
pub struct LocalIdentity {
    /// The name as it was requested; the server may normalise it.
    pub name: String,
    /// The name as it is compared: normalised and case-folded.
    pub folded: String,
    /// Seed of the Ed25519 key.
    pub seed: Zeroizing<[u8; SEED_LEN]>,
    /// Whether the name has a number because the usual one is in use.
    pub is_temporary: bool,
    /// Whether this very name was requested.
    pub was_requested: bool,
    /// `None`: another process held the lock.
    _lock: Option<Lock>,
}

impl LocalIdentity {
    /// Loads the identity `requested`, or creates it. Without a request: `usual`, or else the login
    /// name; if that is in use on this computer, with the first number that is free appended.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn load_or_create(dir: &DataDir, requested: Option<&str>, usual: Option<&str>) -> Result<Self, IdentityError> {
        if let Some(requested) = requested {
            let name = Name::new(requested)?;
            let lock = Self::lock(dir, &name)?;
            return Self::load(dir, requested, &name, lock).map(|identity| Self { was_requested: true, ..identity });
        }
        let base = usual.filter(|usual| Name::new(usual).is_ok()).map_or_else(login_name, str::to_owned);
        for number in 1..=MAX_SUFFIX {
            let candidate = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            let Ok(name) = Name::new(&candidate) else { break };
            if let Some(lock) = Self::lock(dir, &name)? {
                let identity = Self::load(dir, &candidate, &name, Some(lock))?;
                return Ok(Self { is_temporary: number > 1, ..identity });
            }
        }
        Err(IdentityError::NoFreeName)
    }

    /// Returns `None` if another process holds the lock.
    fn lock(dir: &DataDir, name: &Name) -> Result<Option<Lock>, FileError> {
        match dir.lock(&format!("{}.lock", stem(name))) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Held(_)) => Ok(None),
            Err(LockError::File(error)) => Err(error),
        }
    }

    fn load(dir: &DataDir, requested: &str, name: &Name, lock: Option<Lock>) -> Result<Self, IdentityError> {
        let seed = load_or_create_seed(dir, &format!("{}.key", stem(name)))?;
        let (name, folded) = (requested.to_owned(), name.folded().to_owned());
        Ok(Self { name, folded, seed, is_temporary: false, was_requested: false, _lock: lock })
    }
}

/// Returns the login name of the user, without characters that are not allowed in a name.
#[must_use]
pub fn login_name() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|variable| env::var(variable).ok());
    allowed(&name.unwrap_or_default())
}

/// Returns the nearest name that is allowed and leaves room for a number.
fn allowed(name: &str) -> String {
    let mut name: String = name.chars().filter(|c| Name::new(&c.to_string()).is_ok() || *c == ' ').collect();
    while name.len() > 24 {
        name.pop();
    }
    let name = name.trim();
    if Name::new(name).is_ok() { name.to_owned() } else { "guest".to_owned() }
}

#[cfg(test)]
mod tests;
