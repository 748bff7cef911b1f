//! `kabar-server config`: every setting, its value, and who said so.

use super::{CommandError, print};
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
    print(config.to_toml().as_bytes())
}
