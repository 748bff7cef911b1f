//! `kabar completions` and `kabar man`: made from the command line itself, so that they say what it takes.

use std::path::Path;

use clap::CommandFactory;
use kabar_std::data_dir::FileError;

use super::servers::print;
use crate::cli::{Cli, PROGRAM};
use crate::exit::{Exit, ExitReport};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<ExitReport, ExitReport> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
    print(&script)
}

pub(super) fn manual(out: Option<&Path>) -> Result<ExitReport, ExitReport> {
    let command = Cli::command();
    let Some(folder) = out else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(ExitReport::error)?;
        return print(&page);
    };
    std::fs::create_dir_all(folder).map_err(FileError::new("make the directory", folder)).map_err(ExitReport::error)?;
    clap_mangen::generate_to(command, folder).map_err(FileError::new("write to", folder)).map_err(ExitReport::error)?;
    Ok(ExitReport::quiet(Exit::Done))
}
