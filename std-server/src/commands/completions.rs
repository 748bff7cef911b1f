//! `kabar-server completions SHELL`: prints a completion script for a shell.

use clap_complete::Shell;

use super::{CommandError, PROGRAM, print};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Prints the script for the program whose command line is `command`.
///
/// # Errors
/// [`CommandError::Failed`] if it cannot be written.
pub fn run(arguments: &Arguments, mut command: clap::Command) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, PROGRAM, &mut script);
    print(&script)
}
