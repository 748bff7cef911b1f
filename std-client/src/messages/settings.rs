//! Why a setting is invalid.

use kabar_std::config_file::{ConfigFileError, LineError};

use super::causes;
use crate::language::message;
use crate::outcome::{ConfigError, ValueError};

/// Returns one line that names the invalid setting and its origin.
pub(super) fn error(error: &ConfigError) -> String {
    match error {
        ConfigError::File(error) => file(error),
        ConfigError::Value(invalid) => {
            message!("setting-invalid", setting = invalid.place(), reason = value_error(&invalid.why))
        }
        ConfigError::NoSetting(name) => message!("setting-unknown", name = *name),
    }
}

fn file(error: &ConfigFileError) -> String {
    match error {
        ConfigFileError::Read { path, error } => {
            message!("settings-cannot-read", path = %path.display(), reason = causes::io(error))
        }
        ConfigFileError::Line { place, why } => {
            message!("setting-invalid", setting = %place, reason = line_error(why))
        }
    }
}

fn line_error(why: &LineError) -> String {
    match why {
        LineError::NotToml(words) => message!("settings-not-toml", words),
        LineError::UnknownKey { key, listed_by } => {
            message!("settings-unknown-key", key = format!("{key:?}"), command = *listed_by)
        }
        LineError::NotSingle(key) => message!("settings-not-single", key),
        LineError::NotTexts(key) => message!("settings-not-texts", key),
    }
}

fn value_error(why: &ValueError) -> String {
    match why {
        ValueError::NotOneOf { others, last } => message!("value-not-one-of", others = others.join(", "), last),
        ValueError::NotSeconds => message!("value-not-seconds"),
        ValueError::NotAPath => message!("value-not-a-path"),
        ValueError::NotAKey => message!("value-not-a-key"),
        ValueError::KeyBound { key, first } => message!("value-key-bound", key, %first),
    }
}
