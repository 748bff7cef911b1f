//! Configuration files in TOML: one `key = value` per setting, in tables if the program has such
//! keys. An unknown key is an error, and every error names its line.
//!
//! `figment` is not used: it knows the file of a value but not its line.

mod origin;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

pub use origin::Origin;

use crate::reading::read_file;

/// Longest file in bytes that is read.
const MAX_FILE_LEN: usize = 1 << 20;

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text, a number, or `true` or `false`.
    Single,
    /// The same, or a list of at least one text.
    List,
}

/// The keys that a configuration file may contain.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// Returns the form of a value; `None`: there is no such key. A key in a table is
    /// `TABLE.KEY`.
    pub form: fn(&str) -> Option<Form>,
    /// The tables.
    pub tables: &'static [&'static str],
    /// The command that lists all keys.
    pub listed_by: &'static str,
}

/// The values of a configuration file.
#[derive(Clone, Debug, Default)]
pub struct File {
    path: PathBuf,
    values: Values,
}

/// Each value by its key, and its line.
type Values = BTreeMap<String, (OsString, usize)>;

/// Why a configuration file is not used. Displayed as one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFileError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line of it is invalid.
    #[error("{place}: {why}")]
    Line {
        /// The file and the line.
        place: Origin,
        /// Why.
        why: LineError,
    },
}

/// Why a line of a configuration file is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is not TOML; the parser's words.
    #[error("{0}")]
    NotToml(String),
    /// There is no such key.
    #[error("unknown key {key:?}; `{listed_by}` lists all")]
    UnknownKey {
        /// The key.
        key: String,
        /// The command that lists all keys.
        listed_by: &'static str,
    },
    /// The value of this key must be single.
    #[error("{0}: the value must be a text, a number, true or false")]
    NotSingle(String),
    /// The list of this key has other items than texts, or none.
    #[error("{0}: the list must hold texts, and one at least")]
    NotTexts(String),
}

impl File {
    /// Reads a file. If it does not exist and need not, returns an empty one.
    ///
    /// # Errors
    /// [`ConfigFileError`], with the file, the line number and the key.
    pub fn read(path: &Path, must_exist: bool, keys: Keys) -> Result<Self, ConfigFileError> {
        match read_file(path, MAX_FILE_LEN) {
            Ok(text) => Self::parse(path, &text, keys),
            // An invalid data directory is reported when it is opened.
            Err(error)
                if !must_exist && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                Ok(Self::default())
            }
            Err(error) => Err(ConfigFileError::Read { path: path.to_path_buf(), error }),
        }
    }

    /// Parses the text of the file at `path`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(path: &Path, text: &str, keys: Keys) -> Result<Self, ConfigFileError> {
        let parser = Parser { path, text, keys };
        let mut values = BTreeMap::new();
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let words = error.message().lines().next().unwrap_or("not TOML").to_owned();
            parser.error(at, LineError::NotToml(words))
        })?;
        parser.table(table.get_ref(), None, &mut values)?;
        Ok(Self { path: path.to_path_buf(), values })
    }

    /// Returns the names of the values that it has.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// Returns the value of `name` and its origin. A list is one text with commas.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(OsString, Origin)> {
        let (value, line) = self.values.get(name)?;
        Some((value.clone(), Origin::File(self.path.clone(), *line)))
    }

    /// The directory that relative paths in the file are relative to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// Returns the directory of the user's configuration files; `None`: there is no home directory.
#[must_use]
pub fn user_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "kabar").map(|dirs| dirs.config_dir().to_path_buf())
}

/// The text that is parsed.
struct Parser<'a> {
    path: &'a Path,
    text: &'a str,
    keys: Keys,
}

impl Parser<'_> {
    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    fn error(&self, at: usize, why: LineError) -> ConfigFileError {
        ConfigFileError::Line { place: Origin::File(self.path.to_path_buf(), self.line(at)), why }
    }

    /// Adds the values of a table; `name`: `None` for the file itself.
    fn table(&self, table: &DeTable<'_>, name: Option<&str>, values: &mut Values) -> Result<(), ConfigFileError> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let (word, at) = (key.get_ref(), key.span().start);
            match value.get_ref() {
                DeValue::Table(inner) if name.is_none() && self.keys.tables.contains(&word.as_ref()) => {
                    self.table(inner, Some(word), values)?;
                }
                value => {
                    let name = name.map_or_else(|| word.to_string(), |table| format!("{table}.{word}"));
                    let text = self.value(&name, value, at)?;
                    values.insert(name, (text.into(), self.line(at)));
                }
            }
        }
        Ok(())
    }

    fn value(&self, name: &str, value: &DeValue<'_>, at: usize) -> Result<String, ConfigFileError> {
        let Some(form) = (self.keys.form)(name) else {
            let (key, listed_by) = (name.to_owned(), self.keys.listed_by);
            return Err(self.error(at, LineError::UnknownKey { key, listed_by }));
        };
        match value {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            DeValue::Boolean(is_true) => Ok(is_true.to_string()),
            DeValue::Array(items) if form == Form::List => {
                joined(items).ok_or_else(|| self.error(at, LineError::NotTexts(name.to_owned())))
            }
            _ => Err(self.error(at, LineError::NotSingle(name.to_owned()))),
        }
    }
}

/// Joins the texts of a list with commas.
fn joined(items: &DeArray<'_>) -> Option<String> {
    let text = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    };
    let texts: Vec<String> = items.iter().map(text).collect::<Option<_>>()?;
    if texts.is_empty() { None } else { Some(texts.join(",")) }
}

#[cfg(test)]
mod tests;
