//! The subcommands of `kabar-server`: each is a module with `Arguments` and a function `run`.

pub mod backup;
pub mod check;
pub mod completions;
pub mod config;
mod contents;
pub mod ctl;
pub mod files;
pub mod history;
pub mod invite;
pub mod man;
pub mod restore;
pub mod room;
pub mod run;

use std::fmt;
use std::io::{self, Write};

/// The name of the program, on the command line and in its messages.
pub const PROGRAM: &str = "kabar-server";

/// A subcommand failed; displays as one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The command line, the environment or the configuration is invalid: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Any other failure: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// The failure was reported already; the exit code.
    #[error("exit code {0}")]
    AlreadyReported(u8),
}

/// Prints to standard output.
fn print(bytes: &[u8]) -> Result<(), CommandError> {
    let mut out = io::stdout();
    said(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Converts the result of printing. A closed pipe is not a failure: its reader has read enough.
fn said(result: io::Result<()>) -> Result<(), CommandError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Failed(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

impl CommandError {
    /// A failure with the message of `error`.
    #[must_use]
    pub fn failed(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::AlreadyReported(code) => *code,
        }
    }
}
