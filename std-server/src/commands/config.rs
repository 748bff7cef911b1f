//! `kabar-server config`: prints every setting with its value and origin.

use super::{CommandError, print};
use crate::config::{Config, RunFlags};

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    flags: RunFlags,
}

/// Prints the settings as a configuration file.
///
/// # Errors
/// [`CommandError::Usage`] if a setting is invalid.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = Config::from_process(&arguments.flags.flags).map_err(CommandError::Usage)?;
    print(config.to_toml().as_bytes())
}
