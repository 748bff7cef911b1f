//! `kabar identity`: lists, exports, imports and forgets the keys that own names.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;

use clap::Subcommand;
use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::output::remark;
use kabar_std::reading::decode;
use zeroize::Zeroizing;

use super::{ask_yes, open, print};
use crate::identity::{StoredIdentity, login_name};
use crate::messages::{lists, questions};
use crate::outcome::{CommandError, IdentityCommandError, Outcome};

/// Longest file that is read as an exported key, in bytes.
const MAX_FILE_LEN: u64 = 4_096;

/// `kabar identity`.
#[derive(Debug, Subcommand)]
pub enum IdentityAction {
    /// Show the fingerprint of the key of a name.
    Show {
        /// The name [default: your login name].
        name: Option<String>,
    },
    /// List names and the fingerprints of their keys.
    List,
    /// Write a name's secret key to a file, to use the name on another computer.
    Export {
        /// A file that does not exist yet, or `-` for standard output.
        file: PathBuf,
        /// The name [default: your login name].
        #[arg(long)]
        name: Option<String>,
    },
    /// Import a key from a file that `kabar identity export` wrote.
    Import {
        /// The file, or `-` for standard input.
        file: PathBuf,
        /// The name to use it for [default: the one it was exported under].
        #[arg(long)]
        name: Option<String>,
    },
    /// Remove a name's key. Rooms reserve the name for that key for a while: nobody can use it
    /// meanwhile, not even you.
    Forget {
        /// The name.
        name: String,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(action: Option<IdentityAction>, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
    let dir = open(data_dir)?;
    match action.unwrap_or(IdentityAction::List) {
        IdentityAction::Show { name } => {
            let name = name.unwrap_or_else(login_name);
            print(lists::identity(&name, &stored(&dir, &name)?.fingerprint()).as_bytes())
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
        remark(lists::NO_NAMES);
    }
    let mut table = String::new();
    for name in names {
        if let Some(stored) = StoredIdentity::load(dir, &name)? {
            table.push_str(&lists::identity(&name, &stored.fingerprint()));
        }
    }
    print(table.as_bytes())
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
        if !ask_yes(&questions::forget_identity(&name, &stored.fingerprint()))? {
            return Err(IdentityCommandError::Declined);
        }
    }
    StoredIdentity::forget(dir, &name)?;
    Ok(Outcome::IdentityForgotten(name))
}
