//! The subcommands of `kabar-server`: each is a module with `Arguments` and a function `run`.

pub mod backup;
pub mod check;
pub mod completions;
pub mod history;
pub mod man;
pub mod run;

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::data_dir::DataDir;
use crate::invite::{DEFAULT_ROOM, RoomName};

/// A command failed, in one line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The command line, the environment or the configuration is wrong: exit code 2.
    Usage(String),
    /// Everything else: exit code 1.
    Failed(String),
}

/// Which room in which data directory: what every subcommand asks for that works without a running server.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// Where the server's data lies [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// The room.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ROOM)]
    pub room: RoomName,
}

impl Place {
    /// The directory.
    ///
    /// # Errors
    /// [`CommandError::Usage`] if none is named and there is no home directory.
    pub fn data_dir(&self) -> Result<PathBuf, CommandError> {
        data_dir(self.data_dir.clone())
    }
}

/// The directory that is named, or the user's.
fn data_dir(named: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    let named = named.or_else(DataDir::default_path);
    named.ok_or_else(|| CommandError::Usage("there is no home directory: use --data-dir DIR".to_owned()))
}

/// What became of printing. A reader who has read enough is no failure.
fn said(result: io::Result<()>) -> Result<(), CommandError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Failed(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

impl CommandError {
    /// A failure that says what `error` says.
    #[must_use]
    pub fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// What the program exits with.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Failed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for CommandError {}
