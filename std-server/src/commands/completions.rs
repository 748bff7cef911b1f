//! `kabar-server completions SHELL`: prints a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{CommandError, print};
use crate::cli::{self, PROGRAM};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// [`CommandError::Failed`] if it cannot be written.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut cli::Arguments::command(), PROGRAM, &mut script);
    print(&script)
}
