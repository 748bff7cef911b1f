//! `kabar-server man`: the manual pages, generated from the command line definition.

use std::path::PathBuf;

use super::{CommandError, print};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Writes the page of every subcommand into this directory instead.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the main page of the program whose command line is `command`, or writes all pages.
///
/// # Errors
/// [`CommandError::Failed`] if they cannot be written.
pub fn run(arguments: &Arguments, command: clap::Command) -> Result<(), CommandError> {
    let Some(out) = &arguments.out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(CommandError::failed)?;
        return print(&page);
    };
    let failed = |error| CommandError::Failed(format!("cannot write manual pages to {}: {error}", out.display()));
    std::fs::create_dir_all(out).map_err(failed)?;
    clap_mangen::generate_to(command, out).map_err(failed)
}
