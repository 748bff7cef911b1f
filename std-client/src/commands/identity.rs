//! `kabar identity`: displays, exports and imports the keys by which servers recognise a person.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use kabar_core::chat::MAX_PASSWORD_LEN;
use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::output::remark;
use kabar_std::password::from_first_line;
use kabar_std::reading::{decode, first_line_of_file};
use zeroize::Zeroizing;

use super::{open, print};
use crate::identity::{Exported, StoredChoice, StoredIdentity};
use crate::known_servers::KnownServers;
use crate::line::terminal::read_password;
use crate::messages::{lists, questions};
use crate::outcome::{CommandError, IdentityCommandError, Outcome};

/// Longest file that is read as an exported key, in bytes.
const MAX_FILE_LEN: u64 = 4_096;
/// The file of an export without a name.
const DEFAULT_FILE: &str = "kabar-identity.key";

/// `kabar identity`.
#[derive(Debug, Subcommand)]
pub enum IdentityAction {
    /// Write your secret key to a file, to be the same person on another computer.
    Export {
        /// A file that does not exist yet, or `-` for standard output.
        #[arg(default_value = DEFAULT_FILE)]
        file: PathBuf,
        /// The identity with this label [default: your own].
        #[arg(long, value_name = "LABEL")]
        identity: Option<String>,
        /// Ask for a passphrase, and seal the key with it.
        #[arg(long)]
        passphrase: bool,
        /// Seal the key with the passphrase in the first line of this file.
        #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
        passphrase_file: Option<PathBuf>,
    },
    /// Be the person whose key `kabar identity export` wrote, on this computer too.
    Import {
        /// The file, or `-` for standard input.
        file: PathBuf,
        /// Store it under this label, beside your own [default: as your own].
        #[arg(long, value_name = "LABEL")]
        identity: Option<String>,
        /// Replace another identity, and keep its key in a file.
        #[arg(long)]
        replace: bool,
        /// Read the passphrase from the first line of this file.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
}

pub(crate) fn run(action: Option<IdentityAction>, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
    let dir = open(data_dir)?;
    match action {
        None => list(&dir),
        Some(IdentityAction::Export { file, identity, passphrase, passphrase_file }) => {
            let passphrase = match passphrase_file {
                Some(path) => Some(read_passphrase(&path)?),
                None if passphrase => Some(ask_new_passphrase()?),
                None => None,
            };
            export(&dir, file, identity.as_deref(), passphrase.as_ref().map(|passphrase| passphrase.as_str()))
        }
        Some(IdentityAction::Import { file, identity, replace, passphrase_file }) => {
            Ok(import(&dir, &file, identity.as_deref(), replace, passphrase_file.as_deref())?)
        }
    }
}

fn list(dir: &DataDir) -> Result<Outcome, CommandError> {
    let all = StoredIdentity::all(dir)?;
    if all.is_empty() {
        remark(&lists::no_identity());
    }
    let rows = all.iter().map(|stored| lists::identity(stored, &names(dir, stored)));
    print(rows.collect::<String>().as_bytes())
}

/// Returns the names that are known of an identity.
fn names(dir: &DataDir, stored: &StoredIdentity) -> Vec<String> {
    let mut names = match &stored.choice {
        StoredChoice::Person => {
            let rooms = KnownServers::load(dir).map(|known| known.rooms()).unwrap_or_default();
            let others = StoredIdentity::all(dir).unwrap_or_default();
            let is_other = |name: &String| {
                others.iter().any(|other| matches!(&other.choice, StoredChoice::Name(of) if *of == name.to_lowercase()))
            };
            rooms.into_iter().map(|room| room.name).filter(|name| !name.is_empty() && !is_other(name)).collect()
        }
        StoredChoice::Label(_) | StoredChoice::Name(_) => Vec::new(),
    };
    names.extend(stored.former_names.clone());
    let mut seen = Vec::new();
    names.retain(|name| {
        let folded = name.to_lowercase();
        let is_new = !seen.contains(&folded);
        seen.push(folded);
        is_new
    });
    names
}

fn export(
    dir: &DataDir,
    file: PathBuf,
    label: Option<&str>,
    passphrase: Option<&str>,
) -> Result<Outcome, CommandError> {
    let missing = || IdentityCommandError::NoIdentity(label.map(str::to_owned));
    let stored = StoredIdentity::find(dir, label)?.ok_or_else(missing)?;
    let name = names(dir, &stored).into_iter().next().or_else(|| label.map(str::to_owned));
    let text = Exported::format(&stored.key, name.as_deref(), passphrase).map_err(IdentityCommandError::from)?;
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
    Ok(Outcome::IdentityExported { file, is_sealed: passphrase.is_some() })
}

fn import(
    dir: &DataDir,
    file: &Path,
    label: Option<&str>,
    replaces: bool,
    passphrase_file: Option<&Path>,
) -> Result<Outcome, IdentityCommandError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_LEN as usize));
    let read = if file.as_os_str() == "-" {
        io::stdin().lock().take(MAX_FILE_LEN).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|from| from.take(MAX_FILE_LEN).read_to_end(&mut bytes))
    };
    read.map_err(FileError::new("read", file))?;
    let text = decode(&bytes).map_err(|why| IdentityCommandError::NotText { file: file.to_owned(), why })?;
    let exported = Exported::parse(text)?;
    let passphrase = match passphrase_file {
        _ if !exported.is_protected() => None,
        Some(path) => Some(read_passphrase(path)?),
        None if io::stdin().is_terminal() && file.as_os_str() != "-" => Some(ask_passphrase(&questions::passphrase())?),
        None => None,
    };
    let key = exported.open(passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    match StoredIdentity::import(dir, label, &key, replaces)? {
        Ok(imported) => Ok(Outcome::IdentityImported { fingerprint: key.fingerprint(), imported }),
        Err(present) => Err(IdentityCommandError::OtherIdentity(Box::new(present))),
    }
}

fn read_passphrase(path: &Path) -> Result<Zeroizing<String>, IdentityCommandError> {
    let text = first_line_of_file(path, MAX_PASSWORD_LEN).map_err(FileError::new("read", path))?;
    from_first_line(&text).map_err(|_| IdentityCommandError::Passphrase)
}

fn ask_new_passphrase() -> Result<Zeroizing<String>, IdentityCommandError> {
    if !io::stdin().is_terminal() {
        return Err(IdentityCommandError::NoTerminal);
    }
    let first = ask_passphrase(&questions::new_passphrase())?;
    if ask_passphrase(&questions::passphrase_again())? == first {
        Ok(first)
    } else {
        Err(IdentityCommandError::Mistyped)
    }
}

fn ask_passphrase(question: &str) -> Result<Zeroizing<String>, IdentityCommandError> {
    let ask = |was_not_utf8| {
        let why = if was_not_utf8 { questions::password_not_utf8() } else { String::new() };
        let _ = write!(io::stderr(), "{why}{question}");
    };
    from_first_line(&read_password(ask)?).map_err(|_| IdentityCommandError::Passphrase)
}
