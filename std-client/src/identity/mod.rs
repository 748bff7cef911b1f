//! Local identities: the keys by which servers recognise a person. A user has one on a computer,
//! `identity.key`, made at first use; further persons have a label each, and
//! `identities/LABEL.key`. Names are not stored here: the server knows the names of an identity.
//!
//! | options | key | name |
//! |---|---|---|
//! | none | `identity.key` | the one used last on the server; at first the login name |
//! | `--name NAME` | `identity.key` | exactly NAME |
//! | `--identity LABEL` | `identities/LABEL.key` | the one used last on the server; at first LABEL |
//!
//! Where an earlier version made a key for a name (`former`), that key is used as it was: for
//! `--name NAME`, and without options in the rooms last joined under that name.
//!
//! Several processes may use one identity at once: each is a session of the same member. So a key
//! is not locked, only its creation.
//!
//! `key_file`: the files. `export`: a key in a file that goes to another computer. `stored`: what
//! `kabar identity` does with them.

mod export;
mod former;
mod key_file;
mod stored;

use std::env;

use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::names::{Name, NameError};

pub use export::{ExportError, Exported};
use former::FormerKeys;
pub use key_file::Key;
use key_file::{PERSON_FILE, file_of, load_or_create};
pub use stored::{Imported, StoredChoice, StoredIdentity};

/// Why an identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The name or label is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file cannot be read or written, or is damaged.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The options that choose an identity and its name.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdentityChoice<'a> {
    /// The label of a further person.
    pub label: Option<&'a str>,
    /// The requested name.
    pub name: Option<&'a str>,
    /// The name that was used last in the room, if it is known.
    pub usual: Option<&'a str>,
}

/// An identity, and the name to join with.
#[derive(Clone, Debug)]
pub struct LocalIdentity {
    /// The key.
    pub key: Key,
    /// The name: as it was requested, or the default one.
    pub name: String,
    /// Whether the name was not requested, so that the server may choose another one.
    pub is_default_name: bool,
    /// The case-folded names under which earlier versions used this key.
    pub former_names: Vec<String>,
    owner: Owner,
}

/// How a key is chosen again.
#[derive(Clone, Debug)]
enum Owner {
    /// Without options: it is the user's own. The case-folded names that choose another key.
    Person(Vec<String>),
    /// By a label.
    Label,
    /// By this name, for which an earlier version made it.
    Name(String),
}

impl LocalIdentity {
    /// Opens the identity that the options choose, and makes its key at first use.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn open(dir: &DataDir, choice: IdentityChoice<'_>) -> Result<Self, IdentityError> {
        let IdentityChoice { label, name: requested, usual } = choice;
        let is_default_name = requested.is_none();
        let requested = requested.map(|name| Name::existing(name).map(|folded| (name, folded))).transpose()?;
        let label = label.map(|label| Name::existing(label).map(|folded| (label, folded))).transpose()?;
        let usual = usual.and_then(|usual| Some((usual, Name::existing(usual).ok()?)));
        let former = FormerKeys::load(dir)?;
        for (_, name) in requested.iter().chain(&label) {
            // Rules that became stricter take a name from nobody.
            let is_usual = usual.as_ref().is_some_and(|(_, usual)| usual.folded() == name.folded());
            if !is_usual && former.find(dir, name.folded())?.is_none() {
                name.check_new()?;
            }
        }
        if let Some((label, folded)) = &label {
            let key = load_or_create(dir, &file_of(folded), true, || Ok(None))?;
            let name = requested.map_or(*label, |(name, _)| name);
            return Ok(Self::new(key, name, is_default_name, &former, Owner::Label));
        }
        let person = person(dir, &former)?;
        let named = requested.as_ref().or(usual.as_ref());
        if let Some((name, folded)) = named
            && let Some(key) = former.find(dir, folded.folded())?.filter(|key| *key != person)
        {
            return Ok(Self::new(key, name, is_default_name, &former, Owner::Name((*name).to_owned())));
        }
        let others = former.names_of_others(&person);
        let name = named.map_or_else(login_name, |(name, _)| (*name).to_owned());
        Ok(Self::new(person, &name, is_default_name, &former, Owner::Person(others)))
    }

    fn new(key: Key, name: &str, is_default_name: bool, former: &FormerKeys, owner: Owner) -> Self {
        let former_names = former.names_of(&key);
        Self { key, name: name.to_owned(), is_default_name, former_names, owner }
    }

    /// Takes the identity and the default name of a room that is known as joined under `name`,
    /// unless the options chose others.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn apply_usual_name(&mut self, dir: &DataDir, name: &str) -> Result<(), IdentityError> {
        if self.is_default_name && !matches!(self.owner, Owner::Label) {
            *self = Self::open(dir, IdentityChoice { usual: Some(name), ..IdentityChoice::default() })?;
        }
        Ok(())
    }

    /// Returns the name to store for a room that it is in as `name`: with this name, and without
    /// options, it is chosen there again. `None`: nothing is to be stored.
    #[must_use]
    pub fn usual_name(&self, name: &str) -> Option<String> {
        match &self.owner {
            Owner::Person(others) => {
                let folded = Name::existing(name).ok()?;
                (!others.iter().any(|other| other == folded.folded())).then(|| name.to_owned())
            }
            Owner::Label => None,
            Owner::Name(name) => Some(name.clone()),
        }
    }
}

/// Loads the user's own key, or makes it: the key of the name that was used last with an earlier
/// version, or a new one.
fn person(dir: &DataDir, former: &FormerKeys) -> Result<Key, FileError> {
    load_or_create(dir, PERSON_FILE, false, || former.used_last(dir))
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
