//! Why a setting is invalid.

use kabar_std::config_file::{ConfigFileError, Origin};

/// Why the settings cannot be used. Displayed as one line that names the invalid setting and its
/// origin.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file cannot be used.
    #[error(transparent)]
    File(#[from] ConfigFileError),
    /// A value is invalid.
    #[error(transparent)]
    Value(#[from] Box<InvalidValue>),
    /// The program asks for a setting that it does not have.
    #[error("there is no setting {0}")]
    NoSetting(&'static str),
}

/// An invalid value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", self.place())]
pub struct InvalidValue {
    /// The setting.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The origin of the value.
    pub origin: Origin,
    /// Why it is invalid.
    pub why: ValueError,
}

impl InvalidValue {
    /// Returns the beginning of a line about it.
    #[must_use]
    pub fn place(&self) -> String {
        let Self { name, value, origin, .. } = self;
        match origin {
            Origin::File(..) => format!("{origin}: {name}: {value:?}"),
            _ => format!("{origin} {value:?}"),
        }
    }
}

/// Why the value of a setting is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It is none of these texts: those before the last one, and the last one.
    #[error("it must be {} or {last}", others.join(", "))]
    NotOneOf {
        /// The texts, without the last one.
        others: Vec<String>,
        /// The last text.
        last: String,
    },
    /// It is no number of seconds.
    #[error("not a number of seconds")]
    NotSeconds,
    /// It is no path.
    #[error("it must be a path or auto")]
    NotAPath,
    /// It is no key.
    #[error("not a key: write, for example, ctrl-n, alt-enter, f1 or pageup")]
    NotAKey,
    /// This key has another function.
    #[error("{key} is bound at {first}, too")]
    KeyBound {
        /// The key.
        key: String,
        /// Where it is bound.
        first: Origin,
    },
}
