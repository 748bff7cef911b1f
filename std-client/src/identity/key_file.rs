//! Files with the key of an identity.
//!
//! ```text
//! identity.key, identities/LABEL.key
//!   kabar identity 1
//!   seed HEX
//!   public HEX       distinguishes a damaged file from another key
//!   label            in identities/ only; a file without it is the key of a name
//! ```
//! Earlier versions made a key for each name, as `identities/NAME.key`. They read the files of this
//! version, too: they ignore the last line.

use std::io;

use data_encoding::HEXLOWER;
use kabar_core::crypto::identity::{Identity, PUBLIC_LEN, PublicIdentity, SEED_LEN};
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, Unusable};
use kabar_std::invite::show_fingerprint;
use kabar_std::names::Name;
use kabar_std::random::random_bytes;
use zeroize::Zeroizing;

/// The file of the user's own identity.
pub(super) const PERSON_FILE: &str = "identity.key";
const VERSION: &str = "kabar identity 1";
const FOLDER: &str = "identities";
const LABEL: &str = "label";
/// Held while a key is created, so that two processes do not create two. Outside the folder.
pub(super) const CREATION_LOCK: &str = "identities.lock";

/// The secret key of an identity.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; SEED_LEN]>);

/// What a key file has.
#[derive(Clone, Debug)]
pub(super) struct KeyFile {
    pub(super) key: Key,
    /// Whether it was made for a label. Otherwise it is the key of a name, or the user's own.
    pub(super) is_label: bool,
}

impl Key {
    /// The key with this seed.
    #[must_use]
    pub fn from_seed(seed: Zeroizing<[u8; SEED_LEN]>) -> Self {
        Self(seed)
    }

    /// The seed of the Ed25519 key.
    #[must_use]
    pub fn seed(&self) -> &[u8; SEED_LEN] {
        &self.0
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> [u8; PUBLIC_LEN] {
        Identity::from_seed(&self.0).public().0
    }

    /// Returns the fingerprint of the public half: the first 160 bits of its SHA-256.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        show_fingerprint(&Fingerprint::of_identity(&PublicIdentity(self.public())))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").finish_non_exhaustive()
    }
}

/// Returns the file of a label, or of a name of earlier versions. Spellings that are one name share
/// one file.
pub(super) fn file_of(name: &Name) -> String {
    format!("{FOLDER}/{}.key", name.folded())
}

/// Returns the lock file of a name. Earlier versions wrote it whenever they used the name.
pub(super) fn lock_of(folded: &str) -> String {
    format!("{FOLDER}/{folded}.lock")
}

/// Loads the key in `file`, if there is one.
///
/// # Errors
/// [`FileError`], also if the file is damaged.
pub(super) fn load(dir: &DataDir, file: &str) -> Result<Option<KeyFile>, FileError> {
    let Some(text) = dir.read(file)? else { return Ok(None) };
    let damaged = || FileError::damaged(&dir.join(file), Unusable::DamagedKey);
    parse(&text).map(Some).ok_or_else(damaged)
}

/// Loads the key in `file`, or makes the one that `first` returns; `None`: a random one.
///
/// # Errors
/// [`FileError`].
pub(super) fn load_or_create(
    dir: &DataDir,
    file: &str,
    is_label: bool,
    first: impl FnOnce() -> Result<Option<Key>, FileError>,
) -> Result<Key, FileError> {
    if let Some(found) = load(dir, file)? {
        return Ok(found.key);
    }
    let _lock = dir.lock_waiting(CREATION_LOCK)?;
    if let Some(found) = load(dir, file)? {
        return Ok(found.key);
    }
    let key = match first()? {
        Some(key) => key,
        None => Key(Zeroizing::new(random_bytes().map_err(FileError::new("create", &dir.join(file)))?)),
    };
    store(dir, file, &key, is_label)?;
    Ok(key)
}

/// Writes a key.
///
/// # Errors
/// [`FileError`].
pub(super) fn store(dir: &DataDir, file: &str, key: &Key, is_label: bool) -> Result<(), FileError> {
    dir.replace(file, format(key, is_label).as_bytes())
}

/// Returns the case-folded names and labels that have a key in the folder, sorted, with their
/// files.
///
/// # Errors
/// [`FileError`].
pub(super) fn list(dir: &DataDir) -> Result<Vec<(String, String)>, FileError> {
    let folder = dir.join(FOLDER);
    let files = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(FileError::new("read", &folder))?,
    };
    let names = files.filter_map(|file| Some(file.ok()?.file_name().to_str()?.strip_suffix(".key")?.to_owned()));
    let mut names: Vec<_> = names.map(|name| (format!("{FOLDER}/{name}.key"), name)).collect();
    names.sort();
    Ok(names.into_iter().map(|(file, name)| (name, file)).collect())
}

pub(super) fn parse(text: &str) -> Option<KeyFile> {
    let mut lines = text.lines().peekable();
    if lines.next()? != VERSION {
        return None;
    }
    // Earlier versions exported the name with the key.
    let _ = lines.next_if(|line| line.starts_with("name "));
    let mut value = |name| {
        let digits = lines.next()?.strip_prefix(name)?.strip_prefix(' ')?;
        HEXLOWER.decode(digits.as_bytes()).ok().map(Zeroizing::new)
    };
    let key = Key(Zeroizing::new(value("seed")?.as_slice().try_into().ok()?));
    let public = value("public")?;
    let is_label = lines.next() == Some(LABEL);
    (key.public() == public.as_slice()).then_some(KeyFile { key, is_label })
}

pub(super) fn format(key: &Key, is_label: bool) -> Zeroizing<String> {
    let (seed, public) = (Zeroizing::new(HEXLOWER.encode(key.seed())), HEXLOWER.encode(&key.public()));
    let label = if is_label { format!("{LABEL}\n") } else { String::new() };
    Zeroizing::new(format!("{VERSION}\nseed {}\npublic {public}\n{label}", *seed))
}
