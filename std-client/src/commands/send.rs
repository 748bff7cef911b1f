//! `kabar send`: sends files to a room.

use std::path::{Path, PathBuf};

use clap::Args;

use super::open;
use super::transfer::{self, TransferArguments, Work, name_of};
use crate::outcome::{CommandError, Outcome, TransferError};

/// `kabar send`.
#[derive(Debug, Args)]
pub struct SendArguments {
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// The room: an invite (kabar://...), the name of a room you know, or a host with or without
    /// port.
    #[arg(long, value_name = "INVITE|ROOM|HOST[:PORT]")]
    pub to: String,

    /// The name of the file in the room [default: its own].
    #[arg(long = "as", value_name = "NAME")]
    pub file_name: Option<String>,

    /// The session in the room.
    #[command(flatten)]
    pub session: TransferArguments,
}

pub(crate) fn run(
    arguments: SendArguments,
    data_dir: Option<PathBuf>,
    settings: Option<&Path>,
) -> Result<Outcome, CommandError> {
    let SendArguments { files, to, file_name, session } = arguments;
    let files = match (file_name, files.as_slice()) {
        (Some(name), [_]) => files.into_iter().map(|path| (path, name.clone())).collect(),
        (Some(_), _) => return Err(TransferError::OneName.into()),
        (None, _) => files.into_iter().map(|path| name_of(&path).map(|name| (path, name))).collect::<Result<_, _>>()?,
    };
    let settings = session.settings(settings)?;
    transfer::run(Work::Send(files), &to, &session, open(data_dir)?, settings)
}
