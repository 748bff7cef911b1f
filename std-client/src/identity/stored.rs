//! Keys as `kabar identity` lists, exports and imports them.

use std::path::PathBuf;

use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::names::Name;

use super::former::FormerKeys;
use super::key_file::{self, Key, KeyFile, PERSON_FILE, file_of};
use super::{IdentityError, person};

/// Keys that an import replaced. Outside the folder of labels.
const ASIDE: &str = "replaced";

/// A stored identity.
#[derive(Clone, Debug)]
pub struct StoredIdentity {
    /// How it is chosen.
    pub choice: StoredChoice,
    /// Its key.
    pub key: Key,
    /// Its file.
    pub path: PathBuf,
    /// The case-folded names under which earlier versions used it.
    pub former_names: Vec<String>,
}

/// The options that choose a stored identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredChoice {
    /// None: it is the user's own.
    Person,
    /// `--identity LABEL`.
    Label(String),
    /// `--name NAME`: an earlier version made it for this name.
    Name(String),
}

/// An identity that was imported.
#[derive(Debug)]
pub struct Imported {
    /// Its file.
    pub path: PathBuf,
    /// The file of the identity that was there before.
    pub aside: Option<PathBuf>,
}

impl StoredIdentity {
    /// Loads all, the user's own first. Damaged files are left out. Makes the user's own from the
    /// keys of an earlier version, but no new one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn all(dir: &DataDir) -> Result<Vec<Self>, FileError> {
        let former = FormerKeys::load(dir)?;
        let mut all: Vec<Self> = Self::person_if_any(dir, &former)?.into_iter().collect();
        for (name, file) in key_file::list(dir)? {
            let Ok(Some(KeyFile { key, is_label })) = key_file::load(dir, &file) else { continue };
            if !is_label && all.first().is_some_and(|person| person.key == key) {
                continue;
            }
            let choice = if is_label { StoredChoice::Label(name) } else { StoredChoice::Name(name) };
            let former_names = former.names_of(&key);
            all.push(Self { choice, key, path: dir.join(&file), former_names });
        }
        Ok(all)
    }

    /// Loads the one with this label, or else the user's own; `None`: there is none yet.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn find(dir: &DataDir, label: Option<&str>) -> Result<Option<Self>, IdentityError> {
        let former = FormerKeys::load(dir)?;
        let Some(label) = label else { return Ok(Self::person_if_any(dir, &former)?) };
        let file = file_of(&Name::existing(label)?);
        let found = key_file::load(dir, &file)?;
        Ok(found.map(|KeyFile { key, .. }| Self {
            choice: StoredChoice::Label(label.to_owned()),
            former_names: former.names_of(&key),
            key,
            path: dir.join(&file),
        }))
    }

    fn person_if_any(dir: &DataDir, former: &FormerKeys) -> Result<Option<Self>, FileError> {
        let is_there = key_file::load(dir, PERSON_FILE)?.is_some() || former.used_last(dir)?.is_some();
        if !is_there {
            return Ok(None);
        }
        let key = person(dir, former)?;
        let (choice, path) = (StoredChoice::Person, dir.join(PERSON_FILE));
        Ok(Some(Self { choice, former_names: former.names_of(&key), key, path }))
    }

    /// Stores `key` as the identity with this label, or else as the user's own. If another one is
    /// there, `replaces` decides whether it is put aside; otherwise returns it.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn import(
        dir: &DataDir,
        label: Option<&str>,
        key: &Key,
        replaces: bool,
    ) -> Result<Result<Imported, Self>, IdentityError> {
        let file =
            label.map(Name::existing).transpose()?.map_or_else(|| PERSON_FILE.to_owned(), |label| file_of(&label));
        let present = Self::find(dir, label)?;
        let mut aside = None;
        let _lock = dir.lock_waiting(key_file::CREATION_LOCK)?;
        if let Some(present) = present.filter(|present| present.key != *key) {
            if !replaces {
                return Ok(Err(present));
            }
            let name = format!("{ASIDE}/{}.key", present.key.fingerprint());
            key_file::store(dir, &name, &present.key, false)?;
            aside = Some(dir.join(&name));
        }
        key_file::store(dir, &file, key, label.is_some())?;
        Ok(Ok(Imported { path: dir.join(&file), aside }))
    }
}
