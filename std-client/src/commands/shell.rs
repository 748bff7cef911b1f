//! `kabar completions` and `kabar man`, generated from the definition of the command line.

use std::path::Path;

use clap::CommandFactory;
use kabar_std::data_dir::FileError;

use super::{CommandError, Outcome, print};
use crate::cli::{Cli, PROGRAM};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<Outcome, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
    print(&script)
}

pub(super) fn manual(out: Option<&Path>) -> Result<Outcome, CommandError> {
    let command = Cli::command();
    let Some(folder) = out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(CommandError::Print)?;
        return print(&page);
    };
    std::fs::create_dir_all(folder).map_err(FileError::new("create", folder))?;
    clap_mangen::generate_to(command, folder).map_err(FileError::new("write to", folder))?;
    Ok(Outcome::Done)
}
