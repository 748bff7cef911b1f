//! The configuration file: one `key = value` per setting. An unknown key is an error.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::origin::Origin;
use super::settings::{is_known, is_list};
use kabar_std::reading::read_file;

/// The name of the configuration file in the data directory.
pub const FILE_NAME: &str = "kabar-server.toml";

/// Longest file in bytes that is read.
const MAX_FILE_LEN: usize = 1 << 20;

/// The values of a configuration file.
#[derive(Clone, Debug, Default)]
pub struct File {
    path: PathBuf,
    values: BTreeMap<String, (OsString, usize)>,
}

impl File {
    /// Reads a file. If it does not exist and need not, returns an empty one.
    ///
    /// # Errors
    /// One line that names the file, the line number and the key.
    pub fn read(path: &Path, must_exist: bool) -> Result<Self, String> {
        match read_file(path, MAX_FILE_LEN) {
            Ok(text) => Self::parse(path, &text),
            // An invalid data directory is reported when it is opened.
            Err(error)
                if !must_exist && matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                Ok(Self::default())
            }
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let line_of = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let place = |at: usize| format!("{}:{}", path.display(), line_of(at));
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            format!("{}: {}", place(at), error.message().lines().next().unwrap_or("not TOML"))
        })?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let (name, at) = (key.get_ref().to_string(), key.span().start);
            if !is_known(&name) {
                return Err(format!("{}: unknown key {name:?}; `kabar-server config` lists all", place(at)));
            }
            let value: OsString = match value.get_ref() {
                DeValue::String(text) => text.as_ref().into(),
                DeValue::Integer(number) if number.radix() == 10 => number.as_str().into(),
                DeValue::Array(items) if is_list(&name) => joined(items)
                    .ok_or_else(|| format!("{}: {name}: the list must hold texts, and one at least", place(at)))?
                    .into(),
                _ => return Err(format!("{}: {name}: the value must be a text or a number", place(at))),
            };
            values.insert(name, (value, line_of(at)));
        }
        Ok(Self { path: path.to_path_buf(), values })
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
