//! Who one is: a name, and the key that owns it. One key per name, made at first use, used by one process at a time.
//!
//! ```text
//! identities/NAME.key
//!   kabar identity 1
//!   seed HEX
//!   public HEX       tells a damaged file from another key
//! ```

use std::env;

use data_encoding::HEXLOWER;
use kabar_core::crypto::identity::{Identity, PUBLIC_LEN, SEED_LEN};
use kabar_server::data_dir::{DataDir, FileError, Lock, LockError};
use kabar_server::names::Name;
use kabar_server::random::random_bytes;
use zeroize::Zeroizing;

use crate::ending::{Ending, Exit};

const VERSION: &str = "kabar identity 1";
/// Names tried behind a name that was not asked for and is in use.
const MAX_SUFFIX: u32 = 100;

/// A name and its key; nobody else of this data directory is it meanwhile.
#[derive(Debug)]
pub struct Person {
    /// As it was asked for; the server may write it otherwise.
    pub name: String,
    /// Seed of the Ed25519 key.
    pub seed: Zeroizing<[u8; SEED_LEN]>,
    _lock: Lock,
}

impl Person {
    /// Becomes `wanted`, or whoever is logged in if nothing is wanted: then, if that name is in use here, with a number behind it.
    ///
    /// # Errors
    /// In one line: a name that is not allowed, in use here, or a file.
    pub fn become_one(dir: &DataDir, wanted: Option<&str>) -> Result<Self, Ending> {
        if let Some(wanted) = wanted {
            let name = Name::new(wanted).map_err(|error| Ending::new(Exit::Name, error))?;
            return Self::take(dir, wanted, &name)?.map_err(|holder| {
                let process = holder.map(|id| format!(" (process {id})")).unwrap_or_default();
                Ending::error(format_args!(
                    "{wanted} is already in use on this computer{process}: choose another --name"
                ))
            });
        }
        let base = login_name();
        for number in 1..=MAX_SUFFIX {
            let wanted = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            let Ok(name) = Name::new(&wanted) else { break };
            if let Ok(person) = Self::take(dir, &wanted, &name)? {
                return Ok(person);
            }
        }
        Err(Ending::new(Exit::Name, "no name is left: choose one with --name"))
    }

    /// `Err` inside: another process holds it.
    fn take(dir: &DataDir, wanted: &str, name: &Name) -> Result<Result<Self, Option<u32>>, Ending> {
        // Spellings that the server takes for one name share one key.
        let stem = format!("identities/{}", name.folded());
        let lock = match dir.lock(&format!("{stem}.lock")) {
            Ok(lock) => lock,
            Err(LockError::Held(holder)) => return Ok(Err(holder)),
            Err(LockError::File(error)) => return Err(Ending::error(error)),
        };
        let seed = load_or_make(dir, &format!("{stem}.key")).map_err(Ending::error)?;
        Ok(Ok(Self { name: wanted.to_owned(), seed, _lock: lock }))
    }
}

fn load_or_make(dir: &DataDir, file: &str) -> Result<Zeroizing<[u8; SEED_LEN]>, FileError> {
    let path = dir.join(file);
    if let Some(text) = dir.read(file)? {
        return parse(&text).ok_or_else(|| FileError::damaged(&path, "it is damaged; restore it from a copy"));
    }
    let seed = Zeroizing::new(random_bytes().map_err(FileError::new("make", &path))?);
    dir.replace(file, show(&seed).as_bytes())?;
    Ok(seed)
}

fn parse(text: &str) -> Option<Zeroizing<[u8; SEED_LEN]>> {
    let mut lines = text.lines();
    if lines.next()? != VERSION {
        return None;
    }
    let mut value = |name| {
        let digits = lines.next()?.strip_prefix(name)?.strip_prefix(' ')?;
        HEXLOWER.decode(digits.as_bytes()).ok().map(Zeroizing::new)
    };
    let seed = Zeroizing::new(<[u8; SEED_LEN]>::try_from(value("seed")?.as_slice()).ok()?);
    let public = <[u8; PUBLIC_LEN]>::try_from(value("public")?.as_slice()).ok()?;
    (Identity::from_seed(&seed).public().0 == public).then_some(seed)
}

fn show(seed: &[u8; SEED_LEN]) -> Zeroizing<String> {
    let public = HEXLOWER.encode(&Identity::from_seed(seed).public().0);
    let seed = Zeroizing::new(HEXLOWER.encode(seed));
    Zeroizing::new(format!("{VERSION}\nseed {}\npublic {public}\n", *seed))
}

/// The name one is logged in with, made to be allowed.
fn login_name() -> String {
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

    fn dir() -> (tempfile::TempDir, DataDir) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::open(home.path()).unwrap();
        (home, dir)
    }

    #[test]
    fn a_name_keeps_its_key_whatever_its_spelling() {
        let (_home, dir) = dir();
        let first = Person::become_one(&dir, Some("Farhan")).unwrap().seed;
        assert_eq!(Person::become_one(&dir, Some("Farhan")).unwrap().seed, first);
        assert_eq!(Person::become_one(&dir, Some("FARHAN")).unwrap().seed, first);
        assert_ne!(Person::become_one(&dir, Some("Darryl")).unwrap().seed, first);
    }

    #[test]
    fn a_name_is_one_process_at_a_time() {
        let (_home, dir) = dir();
        let _first = Person::become_one(&dir, Some("farhan")).unwrap();
        let ending = Person::become_one(&dir, Some("Farhan")).unwrap_err();
        assert_eq!(ending.exit, Exit::Error);
        assert!(ending.line.unwrap().contains(&std::process::id().to_string()));
    }

    #[test]
    fn who_asked_for_no_name_gets_one_that_is_free() {
        let (_home, dir) = dir();
        let first = Person::become_one(&dir, None).unwrap();
        let second = Person::become_one(&dir, None).unwrap();
        assert_eq!(second.name, format!("{}-2", first.name));
        assert_ne!(second.seed, first.seed);
    }

    #[test]
    fn a_name_that_is_not_allowed_is_told() {
        let (_home, dir) = dir();
        for name in ["", "a:b", "../x", "server", " x"] {
            assert_eq!(Person::become_one(&dir, Some(name)).unwrap_err().exit, Exit::Name, "{name}");
        }
    }

    #[test]
    fn a_damaged_key_is_told_and_never_replaced() {
        let (_home, dir) = dir();
        let text = show(&[7; SEED_LEN]);
        assert_eq!(parse(&text).unwrap(), Zeroizing::new([7; SEED_LEN]));
        for damaged in ["", &text[..60], &text.replacen('7', "6", 1), &text.replace("identity 1", "identity 2")] {
            dir.replace("identities/anna.key", damaged.as_bytes()).unwrap();
            let ending = Person::become_one(&dir, Some("anna")).unwrap_err();
            assert!(ending.line.unwrap().contains("anna.key"));
            assert_eq!(dir.read("identities/anna.key").unwrap().unwrap().as_str(), damaged);
        }
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
