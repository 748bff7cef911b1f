//! Local identities: a name, and the key that owns it. There is one key per name, created at first
//! use.
//!
//! A process that uses an identity holds a lock file beside the key. A process for which no name
//! was requested avoids names that are locked; a process for which that very name was requested
//! uses it all the same and replaces the first one in the room.
//!
//! ```text
//! identities/NAME.key
//!   kabar identity 1
//!   name NAME        in exported ones only
//!   seed HEX
//!   public HEX       tells a damaged file from another key
//! ```

use std::env;

use data_encoding::HEXLOWER;
use kabar_core::crypto::identity::{Identity, PUBLIC_LEN, SEED_LEN};
use kabar_core::crypto::sha256;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError};
use kabar_std::invite::show_fingerprint;
use kabar_std::names::{Name, NameError};
use kabar_std::random::random_bytes;
use zeroize::Zeroizing;

const VERSION: &str = "kabar identity 1";
const FOLDER: &str = "identities";
/// Held while a key is created, so that two processes do not create two keys for one name. Outside
/// the folder of the names.
const CREATION_LOCK: &str = "identities.lock";
/// Highest number appended to a name that is in use and was not requested.
const MAX_SUFFIX: u32 = 100;

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

/// Returns the file name without its ending. Spellings that the server takes for one name share one
/// key.
fn stem(name: &Name) -> String {
    format!("{FOLDER}/{}", name.folded())
}

fn load_or_create_seed(dir: &DataDir, file: &str) -> Result<Zeroizing<[u8; SEED_LEN]>, FileError> {
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

fn parse(text: &str) -> Option<(Option<String>, Zeroizing<[u8; SEED_LEN]>)> {
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

fn format_key(name: Option<&str>, seed: &[u8; SEED_LEN]) -> Zeroizing<String> {
    let name = name.map(|name| format!("name {name}\n")).unwrap_or_default();
    let public = HEXLOWER.encode(&Identity::from_seed(seed).public().0);
    let seed = Zeroizing::new(HEXLOWER.encode(seed));
    Zeroizing::new(format!("{VERSION}\n{name}seed {}\npublic {public}\n", *seed))
}

/// Returns the login name of the user, with what is not allowed in a name left out.
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
mod tests {
    use super::*;
    use crate::temporary_dir;

    #[test]
    fn spellings_of_one_name_share_one_key() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap().seed;
        assert_eq!(LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap().seed, first);
        assert_eq!(LocalIdentity::load_or_create(&dir, Some("FARHAN"), None).unwrap().seed, first);
        assert_ne!(LocalIdentity::load_or_create(&dir, Some("Darryl"), None).unwrap().seed, first);
    }

    #[test]
    fn requested_name_in_use_has_the_same_key() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, Some("farhan"), None).unwrap();
        let second = LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap();
        assert_eq!(first.seed, second.seed);
    }

    #[test]
    fn processes_that_create_one_identity_at_once_get_one_key() {
        let (_home, dir) = temporary_dir();
        let start = std::sync::Barrier::new(8);
        let create_probe = || {
            start.wait();
            LocalIdentity::load_or_create(&dir, Some("probe"), None).unwrap().seed
        };
        let seeds: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(create_probe)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seeds.iter().all(|seed| *seed == seeds[0]));
    }

    #[test]
    fn uses_the_usual_name_unless_it_is_in_use_or_another_is_requested() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, None, Some("farhan")).unwrap();
        assert_eq!((first.name.as_str(), first.is_temporary), ("farhan", false));
        let second = LocalIdentity::load_or_create(&dir, None, Some("farhan")).unwrap();
        assert_eq!((second.name.as_str(), second.is_temporary), ("farhan-2", true));
        assert_eq!(LocalIdentity::load_or_create(&dir, Some("anna"), Some("farhan")).unwrap().name, "anna");
    }

    #[test]
    fn picks_a_free_name_when_none_is_requested() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, None, None).unwrap();
        let second = LocalIdentity::load_or_create(&dir, None, None).unwrap();
        assert_eq!(second.name, format!("{}-2", first.name));
        assert_ne!(second.seed, first.seed);
    }

    #[test]
    fn rejects_a_name_that_is_not_allowed() {
        let (_home, dir) = temporary_dir();
        for name in ["", "a:b", "../x", "server", " x"] {
            let error = LocalIdentity::load_or_create(&dir, Some(name), None).unwrap_err();
            assert!(matches!(error, IdentityError::Name(_)), "{name}");
        }
    }

    #[test]
    fn reports_a_damaged_key_and_never_replaces_it() {
        let (_home, dir) = temporary_dir();
        let text = format_key(None, &[7; SEED_LEN]);
        assert_eq!(parse(&text).unwrap(), (None, Zeroizing::new([7; SEED_LEN])));
        for damaged in ["", &text[..60], &text.replacen('7', "6", 1), &text.replace("identity 1", "identity 2")] {
            dir.replace("identities/anna.key", damaged.as_bytes()).unwrap();
            let error = LocalIdentity::load_or_create(&dir, Some("anna"), None).unwrap_err();
            assert!(error.to_string().contains("anna.key"));
            assert_eq!(dir.read("identities/anna.key").unwrap().unwrap().as_str(), damaged);
        }
    }

    #[test]
    fn exported_key_is_imported_on_another_computer() {
        let (_home, here) = temporary_dir();
        let (_other, there) = temporary_dir();
        let seed = LocalIdentity::load_or_create(&here, Some("Farhan"), None).unwrap().seed;
        let stored = StoredIdentity::load(&here, "farhan").unwrap().unwrap();
        let (name, imported) = StoredIdentity::import(&stored.export("Farhan")).unwrap();
        assert_eq!(name.as_deref(), Some("Farhan"));
        imported.store(&there, "Farhan").unwrap();
        assert_eq!(LocalIdentity::load_or_create(&there, Some("farhan"), None).unwrap().seed, seed);
        assert_eq!(StoredIdentity::names(&there).unwrap(), ["farhan"]);
        assert_eq!(stored.fingerprint().len(), 32);
        StoredIdentity::forget(&there, "FARHAN").unwrap();
        assert!(
            StoredIdentity::load(&there, "farhan").unwrap().is_none()
                && StoredIdentity::names(&there).unwrap().is_empty()
        );
    }

    #[test]
    fn identity_in_use_is_not_forgotten() {
        let (_home, dir) = temporary_dir();
        let _identity = LocalIdentity::load_or_create(&dir, Some("anna"), None).unwrap();
        assert!(StoredIdentity::forget(&dir, "anna").unwrap_err().to_string().contains("in use"));
        assert!(StoredIdentity::load(&dir, "anna").unwrap().is_some());
    }

    #[test]
    fn login_name_becomes_an_allowed_name() {
        assert_eq!(allowed("farhan"), "farhan");
        assert_eq!(allowed("far:han@home"), "farhanhome");
        assert_eq!(allowed(" DOMAIN/me "), "DOMAINme");
        assert_eq!(allowed(""), "guest");
        assert_eq!(allowed("server"), "guest");
        assert!(allowed(&"\u{e9}".repeat(40)).len() <= 24);
    }
}
