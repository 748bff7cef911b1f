//! Who one is: a name, and the key that owns it. One key per name, made at first use. A process that is somebody holds a lock beside the
//! key, so that who asks for no name does not become the same; who asks for that very name does, and takes the place in the room.
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
use kabar_core::crypto::kdf::sha256;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError};
use kabar_std::invite::show_fingerprint;
use kabar_std::names::Name;
use kabar_std::random::random_bytes;
use zeroize::Zeroizing;

use crate::exit::{Exit, ExitReport};

const VERSION: &str = "kabar identity 1";
const FOLDER: &str = "identities";
/// Held by whoever makes a key, so that two who become the same person at once do not make two. In
/// no folder where names are.
const MAKING: &str = "identities.lock";
/// Names tried behind a name that was not asked for and is in use.
const MAX_SUFFIX: u32 = 100;

/// A name and its key.
#[derive(Debug)]
pub struct LocalIdentity {
    /// As it was asked for; the server may write it otherwise.
    pub name: String,
    /// As it is compared.
    pub folded: String,
    /// Seed of the Ed25519 key.
    pub seed: Zeroizing<[u8; SEED_LEN]>,
    /// Whether the name was only taken because the usual one is in use.
    pub is_temporary: bool,
    /// Whether this very name was asked for.
    pub is_wanted: bool,
    /// `None`: another process was this person before.
    _lock: Option<Lock>,
}

impl LocalIdentity {
    /// Becomes `wanted`; or, if nothing is wanted, `usual`; or whoever is logged in. If nothing is wanted and that name is in use here,
    /// there is a number behind it.
    ///
    /// # Errors
    /// In one line: a name that is not allowed, or a file.
    pub fn load_or_create(dir: &DataDir, wanted: Option<&str>, usual: Option<&str>) -> Result<Self, ExitReport> {
        if let Some(wanted) = wanted {
            let name = Name::new(wanted).map_err(not_allowed)?;
            let lock = Self::lock(dir, &name)?.ok();
            return Self::load(dir, wanted, &name, lock).map(|person| Self { is_wanted: true, ..person });
        }
        let base = usual.filter(|usual| Name::new(usual).is_ok()).map_or_else(login_name, str::to_owned);
        for number in 1..=MAX_SUFFIX {
            let wanted = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            let Ok(name) = Name::new(&wanted) else { break };
            if let Ok(lock) = Self::lock(dir, &name)? {
                let person = Self::load(dir, &wanted, &name, Some(lock))?;
                return Ok(Self { is_temporary: number > 1, ..person });
            }
        }
        Err(ExitReport::new(Exit::Name, "no name is left: choose one with --name"))
    }

    /// `Err` inside: another process holds it.
    fn lock(dir: &DataDir, name: &Name) -> Result<Result<Lock, ()>, ExitReport> {
        match dir.lock(&format!("{}.lock", stem(name))) {
            Ok(lock) => Ok(Ok(lock)),
            Err(LockError::Held(_)) => Ok(Err(())),
            Err(LockError::File(error)) => Err(ExitReport::error(error)),
        }
    }

    fn load(dir: &DataDir, wanted: &str, name: &Name, lock: Option<Lock>) -> Result<Self, ExitReport> {
        let seed = load_or_make(dir, &format!("{}.key", stem(name))).map_err(ExitReport::error)?;
        let (name, folded) = (wanted.to_owned(), name.folded().to_owned());
        Ok(Self { name, folded, seed, is_temporary: false, is_wanted: false, _lock: lock })
    }
}

/// Whether a name may be used, and why not.
///
/// # Errors
/// In one line.
pub fn check_name(name: &str) -> Result<(), ExitReport> {
    Name::new(name).map(drop).map_err(not_allowed)
}

fn not_allowed(error: kabar_std::names::NameError) -> ExitReport {
    ExitReport::new(Exit::Name, format_args!("{error}: choose another name"))
}

/// Spellings that the server takes for one name share one key.
fn stem(name: &Name) -> String {
    format!("{FOLDER}/{}", name.folded())
}

fn load_or_make(dir: &DataDir, file: &str) -> Result<Zeroizing<[u8; SEED_LEN]>, FileError> {
    if let Some(seed) = load(dir, file)? {
        return Ok(seed);
    }
    let _lock = dir.lock_waiting(MAKING)?;
    if let Some(seed) = load(dir, file)? {
        return Ok(seed);
    }
    let seed = Zeroizing::new(random_bytes().map_err(FileError::new("make", &dir.join(file)))?);
    dir.replace(file, show(None, &seed).as_bytes())?;
    Ok(seed)
}

fn load(dir: &DataDir, file: &str) -> Result<Option<Zeroizing<[u8; SEED_LEN]>>, FileError> {
    let Some(text) = dir.read(file)? else { return Ok(None) };
    let damaged = || FileError::damaged(&dir.join(file), "it is damaged; restore it from a copy");
    parse(&text).map(|(_, seed)| Some(seed)).ok_or_else(damaged)
}

/// A key as it is kept: to be shown, carried to another computer, or forgotten.
#[derive(Debug)]
pub struct StoredIdentity {
    seed: Zeroizing<[u8; SEED_LEN]>,
}

impl StoredIdentity {
    /// The names that have a key here, as they are compared.
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

    /// The key of `name`, if it has one.
    ///
    /// # Errors
    /// In one line.
    pub fn load(dir: &DataDir, name: &str) -> Result<Option<Self>, ExitReport> {
        let seed = load(dir, &file(name)?).map_err(ExitReport::error)?;
        Ok(seed.map(|seed| Self { seed }))
    }

    /// Makes it the key of `name`.
    ///
    /// # Errors
    /// In one line.
    pub fn keep(&self, dir: &DataDir, name: &str) -> Result<(), ExitReport> {
        dir.replace(&file(name)?, show(None, &self.seed).as_bytes()).map_err(ExitReport::error)
    }

    /// Removes the key of `name`, unless somebody is that name just now.
    ///
    /// # Errors
    /// In one line.
    pub fn forget(dir: &DataDir, name: &str) -> Result<(), ExitReport> {
        let name = Name::new(name).map_err(not_allowed)?;
        let _lock = dir.lock(&format!("{}.lock", stem(&name))).map_err(ExitReport::error)?;
        let path = dir.join(&format!("{}.key", stem(&name)));
        std::fs::remove_file(&path).map_err(FileError::new("remove", &path)).map_err(ExitReport::error)
    }

    /// What the public key is known by: the first 160 bits of its hash.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hash = sha256(&[&Identity::from_seed(&self.seed).public().0]);
        let mut short = Fingerprint([0; 20]);
        short.0.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        show_fingerprint(&short)
    }

    /// The text of an exported key.
    #[must_use]
    pub fn export(&self, name: &str) -> Zeroizing<String> {
        show(Some(name), &self.seed)
    }

    /// Reads it, and the name in it.
    #[must_use]
    pub fn import(text: &str) -> Option<(Option<String>, Self)> {
        parse(text).map(|(name, seed)| (name, Self { seed }))
    }
}

fn file(name: &str) -> Result<String, ExitReport> {
    Name::new(name).map(|name| format!("{}.key", stem(&name))).map_err(not_allowed)
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

fn show(name: Option<&str>, seed: &[u8; SEED_LEN]) -> Zeroizing<String> {
    let name = name.map(|name| format!("name {name}\n")).unwrap_or_default();
    let public = HEXLOWER.encode(&Identity::from_seed(seed).public().0);
    let seed = Zeroizing::new(HEXLOWER.encode(seed));
    Zeroizing::new(format!("{VERSION}\n{name}seed {}\npublic {public}\n", *seed))
}

/// The name one is logged in with, made to be allowed.
#[must_use]
pub fn login_name() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|variable| env::var(variable).ok());
    allowed(&name.unwrap_or_default())
}

/// The nearest name that is allowed, with room for a number behind it.
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
    fn a_name_keeps_its_key_whatever_its_spelling() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap().seed;
        assert_eq!(LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap().seed, first);
        assert_eq!(LocalIdentity::load_or_create(&dir, Some("FARHAN"), None).unwrap().seed, first);
        assert_ne!(LocalIdentity::load_or_create(&dir, Some("Darryl"), None).unwrap().seed, first);
    }

    #[test]
    fn who_asks_for_a_name_in_use_is_the_same_person() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, Some("farhan"), None).unwrap();
        let second = LocalIdentity::load_or_create(&dir, Some("Farhan"), None).unwrap();
        assert_eq!(first.seed, second.seed);
    }

    #[test]
    fn several_who_become_a_new_person_at_once_are_the_same() {
        let (_home, dir) = temporary_dir();
        let start = std::sync::Barrier::new(8);
        let become_probe = || {
            start.wait();
            LocalIdentity::load_or_create(&dir, Some("probe"), None).unwrap().seed
        };
        let seeds: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(become_probe)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seeds.iter().all(|seed| *seed == seeds[0]));
    }

    #[test]
    fn the_usual_name_is_taken_unless_it_is_in_use_or_another_is_wanted() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, None, Some("farhan")).unwrap();
        assert_eq!((first.name.as_str(), first.is_temporary), ("farhan", false));
        let second = LocalIdentity::load_or_create(&dir, None, Some("farhan")).unwrap();
        assert_eq!((second.name.as_str(), second.is_temporary), ("farhan-2", true));
        assert_eq!(LocalIdentity::load_or_create(&dir, Some("anna"), Some("farhan")).unwrap().name, "anna");
    }

    #[test]
    fn who_asked_for_no_name_gets_one_that_is_free() {
        let (_home, dir) = temporary_dir();
        let first = LocalIdentity::load_or_create(&dir, None, None).unwrap();
        let second = LocalIdentity::load_or_create(&dir, None, None).unwrap();
        assert_eq!(second.name, format!("{}-2", first.name));
        assert_ne!(second.seed, first.seed);
    }

    #[test]
    fn a_name_that_is_not_allowed_is_told() {
        let (_home, dir) = temporary_dir();
        for name in ["", "a:b", "../x", "server", " x"] {
            assert_eq!(LocalIdentity::load_or_create(&dir, Some(name), None).unwrap_err().exit, Exit::Name, "{name}");
        }
    }

    #[test]
    fn a_damaged_key_is_told_and_never_replaced() {
        let (_home, dir) = temporary_dir();
        let text = show(None, &[7; SEED_LEN]);
        assert_eq!(parse(&text).unwrap(), (None, Zeroizing::new([7; SEED_LEN])));
        for damaged in ["", &text[..60], &text.replacen('7', "6", 1), &text.replace("identity 1", "identity 2")] {
            dir.replace("identities/anna.key", damaged.as_bytes()).unwrap();
            let ending = LocalIdentity::load_or_create(&dir, Some("anna"), None).unwrap_err();
            assert!(ending.line.unwrap().contains("anna.key"));
            assert_eq!(dir.read("identities/anna.key").unwrap().unwrap().as_str(), damaged);
        }
    }

    #[test]
    fn a_key_is_carried_to_another_computer() {
        let (_home, here) = temporary_dir();
        let (_other, there) = temporary_dir();
        let seed = LocalIdentity::load_or_create(&here, Some("Farhan"), None).unwrap().seed;
        let kept = StoredIdentity::load(&here, "farhan").unwrap().unwrap();
        let (name, carried) = StoredIdentity::import(&kept.export("Farhan")).unwrap();
        assert_eq!(name.as_deref(), Some("Farhan"));
        carried.keep(&there, "Farhan").unwrap();
        assert_eq!(LocalIdentity::load_or_create(&there, Some("farhan"), None).unwrap().seed, seed);
        assert_eq!(StoredIdentity::names(&there).unwrap(), ["farhan"]);
        assert_eq!(kept.fingerprint().len(), 32);
        StoredIdentity::forget(&there, "FARHAN").unwrap();
        assert!(
            StoredIdentity::load(&there, "farhan").unwrap().is_none()
                && StoredIdentity::names(&there).unwrap().is_empty()
        );
    }

    #[test]
    fn who_is_in_use_is_not_forgotten() {
        let (_home, dir) = temporary_dir();
        let _person = LocalIdentity::load_or_create(&dir, Some("anna"), None).unwrap();
        assert!(StoredIdentity::forget(&dir, "anna").unwrap_err().line.unwrap().contains("in use"));
        assert!(StoredIdentity::load(&dir, "anna").unwrap().is_some());
    }

    #[test]
    fn a_login_name_becomes_an_allowed_one() {
        assert_eq!(allowed("farhan"), "farhan");
        assert_eq!(allowed("far:han@home"), "farhanhome");
        assert_eq!(allowed(" DOMAIN/me "), "DOMAINme");
        assert_eq!(allowed(""), "guest");
        assert_eq!(allowed("server"), "guest");
        assert!(allowed(&"\u{e9}".repeat(40)).len() <= 24);
    }
}
