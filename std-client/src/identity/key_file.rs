//! The key of a name as it is stored.
//!
//! ```text
//! identities/NAME.key
//!   kabar identity 1
//!   name NAME        in exported ones only
//!   seed HEX
//!   public HEX       distinguishes a damaged file from another key
//! ```

use data_encoding::HEXLOWER;
use kabar_core::crypto::identity::{Identity, PUBLIC_LEN, SEED_LEN};
use kabar_core::crypto::sha256;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, LockError};
use kabar_std::invite::show_fingerprint;
use kabar_std::names::{Name, NameError};
use kabar_std::random::random_bytes;
use zeroize::Zeroizing;

const VERSION: &str = "kabar identity 1";
const FOLDER: &str = "identities";
/// Held while a key is created, so that two processes do not create two keys for one name. Outside
/// the folder of the names.
const CREATION_LOCK: &str = "identities.lock";
/// Why an identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The name is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// All names up to the highest number are in use.
    #[error("no free name found")]
    NoFreeName,
    /// Another process uses it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file cannot be read or written, or is damaged.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Returns the file name without its ending. Spellings that the server treats as one name share one
/// key.
pub(super) fn stem(name: &Name) -> String {
    format!("{FOLDER}/{}", name.folded())
}

pub(super) fn load_or_create_seed(dir: &DataDir, file: &str) -> Result<Zeroizing<[u8; SEED_LEN]>, FileError> {
    if let Some(seed) = load_seed(dir, file)? {
        return Ok(seed);
    }
    let _lock = dir.lock_waiting(CREATION_LOCK)?;
    if let Some(seed) = load_seed(dir, file)? {
        return Ok(seed);
    }
    let seed = Zeroizing::new(random_bytes().map_err(FileError::new("create", &dir.join(file)))?);
    dir.replace(file, format_key(None, &seed).as_bytes())?;
    Ok(seed)
}

fn load_seed(dir: &DataDir, file: &str) -> Result<Option<Zeroizing<[u8; SEED_LEN]>>, FileError> {
    let Some(text) = dir.read(file)? else { return Ok(None) };
    let damaged = || FileError::damaged(&dir.join(file), "the file is damaged; restore it from a copy");
    parse(&text).map(|(_, seed)| Some(seed)).ok_or_else(damaged)
}

/// The key of a name as it is stored: to be displayed, exported, imported or forgotten.
#[derive(Debug)]
pub struct StoredIdentity {
    seed: Zeroizing<[u8; SEED_LEN]>,
}

impl StoredIdentity {
    /// Returns the names that have a key on this computer, case-folded and sorted.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn names(dir: &DataDir) -> Result<Vec<String>, FileError> {
        let folder = dir.join(FOLDER);
        let files = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(FileError::new("read", &folder))?,
        };
        let names = files.filter_map(|file| Some(file.ok()?.file_name().to_str()?.strip_suffix(".key")?.to_owned()));
        let mut names: Vec<_> = names.collect();
        names.sort();
        Ok(names)
    }

    /// Loads the key of `name`, if it has one.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn load(dir: &DataDir, name: &str) -> Result<Option<Self>, IdentityError> {
        let seed = load_seed(dir, &file(name)?)?;
        Ok(seed.map(|seed| Self { seed }))
    }

    /// Stores it as the key of `name`.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn store(&self, dir: &DataDir, name: &str) -> Result<(), IdentityError> {
        Ok(dir.replace(&file(name)?, format_key(None, &self.seed).as_bytes())?)
    }

    /// Removes the key of `name`, unless a process uses it.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn forget(dir: &DataDir, name: &str) -> Result<(), IdentityError> {
        let name = Name::new(name)?;
        let _lock = dir.lock(&format!("{}.lock", stem(&name)))?;
        let path = dir.join(&format!("{}.key", stem(&name)));
        Ok(std::fs::remove_file(&path).map_err(FileError::new("remove", &path))?)
    }

    /// Returns the fingerprint of the public key: the first 160 bits of its SHA-256.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = sha256(&[&Identity::from_seed(&self.seed).public().0]);
        let mut short = Fingerprint([0; 20]);
        short.0.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        show_fingerprint(&short)
    }

    /// Returns the text of an exported key.
    #[must_use]
    pub fn export(&self, name: &str) -> Zeroizing<String> {
        format_key(Some(name), &self.seed)
    }

    /// Parses an exported key, and the name in it.
    #[must_use]
    pub fn import(text: &str) -> Option<(Option<String>, Self)> {
        parse(text).map(|(name, seed)| (name, Self { seed }))
    }
}

fn file(name: &str) -> Result<String, NameError> {
    Name::new(name).map(|name| format!("{}.key", stem(&name)))
}

pub(super) fn parse(text: &str) -> Option<(Option<String>, Zeroizing<[u8; SEED_LEN]>)> {
    let mut lines = text.lines().peekable();
    if lines.next()? != VERSION {
        return None;
    }
    let name = lines.next_if(|line| line.starts_with("name ")).and_then(|line| line.strip_prefix("name "));
    let mut value = |name| {
        let digits = lines.next()?.strip_prefix(name)?.strip_prefix(' ')?;
        HEXLOWER.decode(digits.as_bytes()).ok().map(Zeroizing::new)
    };
    let seed = Zeroizing::new(<[u8; SEED_LEN]>::try_from(value("seed")?.as_slice()).ok()?);
    let public = <[u8; PUBLIC_LEN]>::try_from(value("public")?.as_slice()).ok()?;
    (Identity::from_seed(&seed).public().0 == public).then_some((name.map(str::to_owned), seed))
}

pub(super) fn format_key(name: Option<&str>, seed: &[u8; SEED_LEN]) -> Zeroizing<String> {
    let name = name.map(|name| format!("name {name}\n")).unwrap_or_default();
    let public = HEXLOWER.encode(&Identity::from_seed(seed).public().0);
    let seed = Zeroizing::new(HEXLOWER.encode(seed));
    Zeroizing::new(format!("{VERSION}\n{name}seed {}\npublic {public}\n", *seed))
}
