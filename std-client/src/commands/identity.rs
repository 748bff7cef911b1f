//! `kabar identity`: the keys that own names.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::output::remark;
use kabar_std::reading::decode;
use zeroize::Zeroizing;

use super::open;
use super::servers::{ask_yes, print};
use crate::cli::IdentityAction;
use crate::exit::{Exit, ExitReport};
use crate::identity::{StoredIdentity, login_name};

/// Longest file that is taken for an exported key, in bytes.
const MAX_FILE_LEN: u64 = 4_096;

pub(super) fn run(action: Option<IdentityAction>, data_dir: Option<PathBuf>) -> Result<ExitReport, ExitReport> {
    let dir = open(data_dir)?;
    match action.unwrap_or(IdentityAction::List) {
        IdentityAction::Show { name } => {
            let name = name.unwrap_or_else(login_name);
            print(format!("{}\n", row(&name, &kept(&dir, &name)?)).as_bytes())
        }
        IdentityAction::List => list(&dir),
        IdentityAction::Export { file, name } => export(&dir, &file, &name.unwrap_or_else(login_name)),
        IdentityAction::Import { file, name } => import(&dir, &file, name),
        IdentityAction::Forget { name, yes } => forget(&dir, &name, yes),
    }
}

fn list(dir: &DataDir) -> Result<ExitReport, ExitReport> {
    let names = StoredIdentity::names(dir).map_err(ExitReport::error)?;
    if names.is_empty() {
        remark("no names yet: a key is made when you first join or host under a name");
    }
    let mut table = String::new();
    for name in names {
        let kept = StoredIdentity::load(dir, &name)?;
        if let Some(kept) = kept {
            table.push_str(&row(&name, &kept));
            table.push('\n');
        }
    }
    print(table.as_bytes())
}

fn row(name: &str, kept: &StoredIdentity) -> String {
    format!("{}  {name}", kept.fingerprint())
}

fn kept(dir: &DataDir, name: &str) -> Result<StoredIdentity, ExitReport> {
    StoredIdentity::load(dir, name)?
        .ok_or_else(|| ExitReport::error(format_args!("{name} has no key here: kabar identity lists who has")))
}

fn export(dir: &DataDir, file: &Path, name: &str) -> Result<ExitReport, ExitReport> {
    let text = kept(dir, name)?.export(name);
    if file == Path::new("-") {
        return print(text.as_bytes());
    }
    let failed = |error| ExitReport::error(FileError::new("write", file)(error));
    let mut options = OpenOptions::new();
    // Never over something that is there, and for its owner only from the beginning.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).and_then(|mut to| to.write_all(text.as_bytes()).and_then(|()| to.sync_all())).map_err(failed)?;
    Ok(ExitReport::new(
        Exit::Done,
        format_args!("the key of {name} is in {}: whoever has that file is {name}", file.display()),
    ))
}

fn import(dir: &DataDir, file: &Path, name: Option<String>) -> Result<ExitReport, ExitReport> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_LEN as usize));
    let read = if file == Path::new("-") {
        io::stdin().lock().take(MAX_FILE_LEN).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|from| from.take(MAX_FILE_LEN).read_to_end(&mut bytes))
    };
    read.map_err(FileError::new("read", file)).map_err(ExitReport::error)?;
    let text = decode(&bytes).map_err(|why| ExitReport::error(format_args!("cannot use {}: {why}", file.display())))?;
    let (found, kept) = StoredIdentity::import(text)
        .ok_or_else(|| ExitReport::error(FileError::damaged(file, "it is no key of Kabar, or damaged")))?;
    let name = name.or(found).ok_or_else(|| ExitReport::usage("the file names nobody: say --name NAME"))?;
    match StoredIdentity::load(dir, &name)? {
        Some(present) if present.fingerprint() == kept.fingerprint() => {}
        Some(_) => {
            let line = format!(
                "{name} has another key here: export it, forget it with `kabar identity forget {name}`, then import"
            );
            return Err(ExitReport::error(line));
        }
        None => kept.keep(dir, &name)?,
    }
    Ok(ExitReport::new(Exit::Done, format_args!("you can be {name} here now: {}", kept.fingerprint())))
}

fn forget(dir: &DataDir, name: &str, is_sure: bool) -> Result<ExitReport, ExitReport> {
    let kept = kept(dir, name)?;
    if !is_sure {
        if !io::stdin().is_terminal() {
            return Err(ExitReport::usage("nothing was forgotten: say --yes to forget without being asked"));
        }
        let question = format!(
            "Forget the key {} of {name}? Without a copy nobody can be {name} where it is taken.",
            kept.fingerprint()
        );
        if !ask_yes(&question)? {
            return Err(ExitReport::error("nothing was forgotten"));
        }
    }
    StoredIdentity::forget(dir, name)?;
    Ok(ExitReport::new(Exit::Done, format_args!("forgotten: {name}")))
}
