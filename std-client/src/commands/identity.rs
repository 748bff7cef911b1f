//! `kabar identity`: the keys that own names.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;

use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::output::remark;
use kabar_std::reading::decode;
use zeroize::Zeroizing;

use super::servers::ask_yes;
use super::{CommandError, Outcome, open, print};
use crate::cli::IdentityAction;
use crate::identity::{IdentityError, StoredIdentity, login_name};

/// Longest file that is read as an exported key, in bytes.
const MAX_FILE_LEN: u64 = 4_096;

/// Why `kabar identity` failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityCommandError {
    /// The name has no key on this computer.
    #[error("no key for {0}")]
    NoKey(String),
    /// The exported key has no name, and none was given.
    #[error("the file contains no name")]
    NoNameInFile,
    /// The name has another key than the one to import.
    #[error("{0} has another key")]
    OtherKey(String),
    /// The question must be answered, and nobody can be asked.
    #[error("not confirmed")]
    NotConfirmed,
    /// The question was answered with no.
    #[error("declined")]
    Declined,
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The file to import is not text.
    #[error("{file:?} is not text: {why}")]
    NotText {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file to import or to export to cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The terminal cannot be read.
    #[error("cannot read from the terminal: {0}")]
    Terminal(#[from] io::Error),
}

pub(super) fn run(action: Option<IdentityAction>, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
    let dir = open(data_dir)?;
    match action.unwrap_or(IdentityAction::List) {
        IdentityAction::Show { name } => {
            let name = name.unwrap_or_else(login_name);
            print(format!("{}\n", row(&name, &stored(&dir, &name)?)).as_bytes())
        }
        IdentityAction::List => list(&dir),
        IdentityAction::Export { file, name } => export(&dir, file, name.unwrap_or_else(login_name)),
        IdentityAction::Import { file, name } => Ok(import(&dir, file, name)?),
        IdentityAction::Forget { name, yes } => Ok(forget(&dir, name, yes)?),
    }
}

fn list(dir: &DataDir) -> Result<Outcome, CommandError> {
    let names = StoredIdentity::names(dir)?;
    if names.is_empty() {
        remark("no names yet: a key is created when you first join or host under a name");
    }
    let mut table = String::new();
    for name in names {
        if let Some(stored) = StoredIdentity::load(dir, &name)? {
            table.push_str(&row(&name, &stored));
            table.push('\n');
        }
    }
    print(table.as_bytes())
}

fn row(name: &str, stored: &StoredIdentity) -> String {
    format!("{}  {name}", stored.fingerprint())
}

fn stored(dir: &DataDir, name: &str) -> Result<StoredIdentity, IdentityCommandError> {
    StoredIdentity::load(dir, name)?.ok_or_else(|| IdentityCommandError::NoKey(name.to_owned()))
}

fn export(dir: &DataDir, file: PathBuf, name: String) -> Result<Outcome, CommandError> {
    let text = stored(dir, &name)?.export(&name);
    if file.as_os_str() == "-" {
        return print(text.as_bytes());
    }
    let mut options = OpenOptions::new();
    // Never replaces a file, and is private from the beginning.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut to = options.open(&file)?;
        to.write_all(text.as_bytes())?;
        to.sync_all()
    };
    write().map_err(FileError::new("write", &file))?;
    Ok(Outcome::IdentityExported { name, file })
}

fn import(dir: &DataDir, file: PathBuf, name: Option<String>) -> Result<Outcome, IdentityCommandError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_LEN as usize));
    let read = if file.as_os_str() == "-" {
        io::stdin().lock().take(MAX_FILE_LEN).read_to_end(&mut bytes)
    } else {
        File::open(&file).and_then(|from| from.take(MAX_FILE_LEN).read_to_end(&mut bytes))
    };
    read.map_err(FileError::new("read", &file))?;
    let text = decode(&bytes).map_err(|why| IdentityCommandError::NotText { file: file.clone(), why })?;
    let (found, imported) = StoredIdentity::import(text)
        .ok_or_else(|| FileError::damaged(&file, "not a Kabar key file, or the file is damaged"))?;
    let name = name.or(found).ok_or(IdentityCommandError::NoNameInFile)?;
    match StoredIdentity::load(dir, &name)? {
        Some(present) if present.fingerprint() == imported.fingerprint() => {}
        Some(_) => return Err(IdentityCommandError::OtherKey(name)),
        None => imported.store(dir, &name)?,
    }
    Ok(Outcome::IdentityImported { name, fingerprint: imported.fingerprint() })
}

fn forget(dir: &DataDir, name: String, is_confirmed: bool) -> Result<Outcome, IdentityCommandError> {
    let stored = stored(dir, &name)?;
    if !is_confirmed {
        if !io::stdin().is_terminal() {
            return Err(IdentityCommandError::NotConfirmed);
        }
        let question = format!(
            "Forget the key {} of {name}? Without a copy of it, nobody can use the name {name} in rooms that know it.",
            stored.fingerprint()
        );
        if !ask_yes(&question)? {
            return Err(IdentityCommandError::Declined);
        }
    }
    StoredIdentity::forget(dir, &name)?;
    Ok(Outcome::IdentityForgotten(name))
}
