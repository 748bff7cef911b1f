//! `kabar get`: receives a file from a room.

use std::path::{Path, PathBuf};

use clap::Args;

use super::open;
use super::transfer::{self, TransferArguments, Work};
use crate::command::TypedFile;
use crate::known_servers::KnownServers;
use crate::outcome::{CommandError, Outcome, TransferError};

/// `kabar get`.
#[derive(Debug, Args)]
pub struct GetArguments {
    /// The number of the entry that names the file, or the name of the file (of several, the last).
    /// A name in double quotes is never taken for a number: '"2026"'.
    #[arg(value_name = "ENTRY|NAME")]
    pub file: String,

    /// The room: an invite (kabar://...), the name of a room you know, or a host with or without
    /// port [default: the room that you joined last].
    #[arg(long, value_name = "INVITE|ROOM|HOST[:PORT]")]
    pub from: Option<String>,

    /// The file to write, which must not exist, or a folder [default: the setting `downloads`].
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// The session in the room.
    #[command(flatten)]
    pub session: TransferArguments,
}

pub(crate) fn run(
    arguments: GetArguments,
    data_dir: Option<PathBuf>,
    settings: Option<&Path>,
) -> Result<Outcome, CommandError> {
    let GetArguments { file, from, output, session } = arguments;
    let settings = session.settings(settings)?;
    let dir = open(data_dir)?;
    let from = match from {
        Some(from) => from,
        None => {
            let last = KnownServers::load(&dir)?.rooms().into_iter().find(|room| !room.is_left);
            last.ok_or(TransferError::NoRoom)?.room.to_string()
        }
    };
    transfer::run(Work::Get(TypedFile::parse(&file).into(), output), &from, &session, dir, settings)
}
