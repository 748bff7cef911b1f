//! `kabar-server config`: every setting, its value, and who said so.

use std::io::Write;

use super::{CommandError, said};
use crate::config::{Config, RunFlags};

/// Of `config`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    flags: RunFlags,
}

/// Prints them as a configuration file.
///
/// # Errors
/// [`CommandError::Usage`] if one is wrong.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = Config::from_process(&arguments.flags.flags).map_err(CommandError::Usage)?;
    said(std::io::stdout().write_all(config.show().as_bytes()))
}
