//! `kabar config`: prints every setting with its value and origin.

use std::path::Path;

use super::print;
use crate::config::settings::{LANGUAGE, SETTINGS};
use crate::config::{Config, default_path};
use crate::language::Language;
use crate::outcome::{CommandError, Outcome};

/// Returns the part of the help that lists the settings.
#[must_use]
pub fn long_help() -> String {
    let path = default_path().map_or_else(|| "config.toml".to_owned(), |path| path.display().to_string());
    let rows = SETTINGS.iter().map(|setting| format!("  {:12} {} [{}]\n", setting.name, setting.help, setting.default));
    format!(
        "The output is a configuration file: save it as {path} and change what you like. The table [keys] has the \
         keys of a full screen, by action; `none` takes them away.\n\nSettings:\n{}",
        rows.collect::<String>()
    )
}

/// Prints the settings as a configuration file. `language`: that of the command line.
///
/// # Errors
/// [`CommandError::Config`] if a setting is invalid.
pub fn run(language: Option<Language>, file: Option<&Path>) -> Result<Outcome, CommandError> {
    let flags = [(LANGUAGE, language.map(|language| language.code().to_owned()))];
    print(Config::from_process(&flags, file).map_err(CommandError::Config)?.to_toml().as_bytes())
}
