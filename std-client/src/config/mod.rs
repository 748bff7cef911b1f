//! The settings of a person: how rooms are displayed, and what keys do. Each has one value and its
//! origin: a flag, the environment, the configuration file, or the default, in this order.
//!
//! * [`settings`]: the table that flags, environment variables, keys of the file and
//!   `kabar config` follow. The actions of [`keys`](crate::view::keys) are in the table `[keys]`.

pub mod settings;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kabar_std::config_file::{ConfigFileError, File, Form, Keys, Origin};

use crate::language::Language;
use crate::outcome::{ConfigError, InvalidValue, ValueError};
use crate::screen::Appearance;
use crate::screen::notify::Notifications;
use crate::screen::theme::{Background, Depth, Theme};
use crate::view::keys::{Action, Bindings, Key};
use settings::{LANGUAGE, Setting, variable};

/// The name of the configuration file.
pub const FILE_NAME: &str = "config.toml";

/// The table of keys.
const KEYS_TABLE: &str = "keys";

/// The keys of a configuration file.
const KEYS: Keys = Keys { form, tables: &[KEYS_TABLE], listed_by: "kabar config" };

/// A valid configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether lines are displayed and typed one below the other, instead of a full screen.
    pub is_plain: bool,
    /// How long the next post may take to be stored, at the end.
    pub give_up: Duration,
    /// The folder for files that are received; `None`: that of the desktop.
    pub downloads: Option<PathBuf>,
    /// Whether the page in a browser displays pictures.
    pub shows_pictures: bool,
    /// What a full screen looks like, and what keys do there.
    pub appearance: Appearance,
    resolved: Vec<Resolved>,
}

/// A setting in a configuration file.
#[derive(Clone, Debug)]
struct Resolved {
    name: String,
    /// As it is written in a file.
    value: String,
    origin: Origin,
}

/// Returns the language that is set; `None`: that of the environment's locale. An invalid setting
/// counts as none: what uses the other settings reports it.
#[must_use]
pub fn language(
    flag: Option<Language>,
    environment: &dyn Fn(&str) -> Option<OsString>,
    file: Option<&Path>,
) -> Option<Language> {
    if flag.is_some() {
        return flag;
    }
    let file = read(file).unwrap_or_default();
    let mut sources = Sources { flags: &[], environment, file: &file, resolved: Vec::new() };
    sources.get(LANGUAGE, settings::language).ok().flatten()
}

/// Reads the file that was named, or else the user's, which need not exist.
fn read(file: Option<&Path>) -> Result<File, ConfigFileError> {
    match file {
        Some(path) => File::read(path, true, KEYS),
        None => default_path().map_or_else(|| Ok(File::default()), |path| File::read(&path, false, KEYS)),
    }
}

/// The values given on the command line.
pub type Flags<'a> = &'a [(&'static str, Option<String>)];

impl Config {
    /// Resolves every setting. `file`: the one that was named, or else the user's, which need not
    /// exist.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn resolve(
        flags: Flags<'_>,
        environment: &dyn Fn(&str) -> Option<OsString>,
        file: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let file = read(file)?;
        let mut sources = Sources { flags, environment, file: &file, resolved: Vec::new() };
        let variable = |name| environment(name).map(|value| value.to_string_lossy().into_owned());
        let (no_color, term, colorterm) = (variable("NO_COLOR"), variable("TERM"), variable("COLORTERM"));
        let depth = Depth::of(no_color.as_deref(), term.as_deref(), colorterm.as_deref());
        let background = Background::of(variable("COLORFGBG").as_deref());
        let _ = sources.get(LANGUAGE, settings::language)?;
        let is_plain = sources.get("plain", settings::truth)?;
        let appearance = Appearance {
            time_format: sources.get("time-format", settings::time_format)?,
            joins: sources.get("joins", settings::joins)?,
            theme: Theme {
                background: sources.get("background", settings::background)?.unwrap_or(background),
                depth: sources.get("colours", settings::depth)?.unwrap_or(depth),
            },
            notifications: Notifications {
                has_bell: sources.get("bell", settings::truth)?,
                has_desktop: sources.get("notify", settings::truth)?,
            },
            has_mouse: sources.get("mouse", settings::truth)?,
            bindings: Bindings::default(),
        };
        let give_up = sources.get("give-up", settings::seconds)?;
        let downloads = sources.get("downloads", settings::folder)?;
        let shows_pictures = sources.get("pictures", settings::truth)?;
        let appearance = Appearance { bindings: sources.bindings()?, ..appearance };
        Ok(Self { is_plain, give_up, downloads, shows_pictures, appearance, resolved: sources.resolved })
    }

    /// As [`Config::resolve`], with the environment of this process.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn from_process(flags: Flags<'_>, file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::resolve(flags, &|variable| std::env::var_os(variable), file)
    }

    /// Formats every setting as a line of a configuration file, with its origin as a comment.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for Resolved { name, value, origin } in &self.resolved {
            let key = match name.strip_prefix(KEYS_TABLE).and_then(|rest| rest.strip_prefix('.')) {
                Some(key) if !text.contains("\n[") => {
                    text.push_str(&format!("\n[{KEYS_TABLE}]\n"));
                    key
                }
                Some(key) => key,
                None => name,
            };
            text.push_str(&format!("{key} = {value}  # {origin}\n"));
        }
        text
    }
}

/// Returns the path of the user's configuration file; `None`: there is no home directory.
#[must_use]
pub fn default_path() -> Option<PathBuf> {
    kabar_std::config_file::user_dir().map(|dir| dir.join(FILE_NAME))
}

/// Returns the form of the value of a key of the file; `None`: there is no such key.
fn form(name: &str) -> Option<Form> {
    if let Some(action) = name.strip_prefix(KEYS_TABLE).and_then(|rest| rest.strip_prefix('.')) {
        return Action::named(action).map(|_| Form::List);
    }
    Setting::named(name).map(|_| Form::Single)
}

/// Parses the value of a setting.
type Parse<T> = fn(&str) -> Result<T, ValueError>;

struct Sources<'a> {
    flags: Flags<'a>,
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    file: &'a File,
    resolved: Vec<Resolved>,
}

impl Sources<'_> {
    /// Parses the value of a setting, and keeps its origin.
    fn get<T>(&mut self, name: &'static str, parse: Parse<T>) -> Result<T, ConfigError> {
        let setting = Setting::named(name).ok_or(ConfigError::NoSetting(name))?;
        let (value, origin) = self.find(setting);
        let parsed = parse(&value).map_err(|why| invalid(name, &value, &origin, why))?;
        // Texts are quoted, numbers and truth values are not.
        let is_bare = value == "true" || value == "false" || value.parse::<u64>().is_ok();
        let value = if is_bare { value } else { format!("{value:?}") };
        self.resolved.push(Resolved { name: name.to_owned(), value, origin });
        Ok(parsed)
    }

    fn find(&self, setting: &Setting) -> (String, Origin) {
        let name = setting.name;
        if let Some((_, Some(value))) = self.flags.iter().find(|(known, _)| *known == name) {
            return (value.clone(), Origin::Flag(setting.flag()));
        }
        let variable = variable(name);
        // An empty variable counts as unset.
        if let Some(value) = (self.environment)(&variable).filter(|value| !value.is_empty()) {
            return (value.to_string_lossy().into_owned(), Origin::Environment(variable));
        }
        match self.file.get(name) {
            Some((value, origin)) => (value.to_string_lossy().into_owned(), origin),
            None => (setting.default.to_owned(), Origin::Default),
        }
    }

    /// The default bindings, with those of the file.
    fn bindings(&mut self) -> Result<Bindings, ConfigError> {
        let mut bindings = Bindings::default();
        let mut bound: Vec<(Key, Origin)> = Vec::new();
        for (name, action) in Action::all() {
            let name = format!("{KEYS_TABLE}.{name}");
            let Some((value, origin)) = self.file.get(&name) else { continue };
            let value = value.to_string_lossy();
            let keys = settings::keys(&value).map_err(|why| invalid(&name, &value, &origin, why))?;
            for key in &keys {
                if let Some((_, first)) = bound.iter().find(|(known, _)| known == key) {
                    let why = ValueError::KeyBound { key: key.to_string(), first: first.clone() };
                    return Err(invalid(&name, &value, &origin, why));
                }
                bound.push((*key, origin.clone()));
            }
            bindings.bind(action, &keys);
        }
        for (name, action) in Action::all() {
            let name = format!("{KEYS_TABLE}.{name}");
            let origin = self.file.get(&name).map_or(Origin::Default, |(_, origin)| origin);
            let keys: Vec<_> = bindings.keys(action).map(|key| format!("{:?}", key.to_string())).collect();
            let value = if keys.is_empty() { "\"none\"".to_owned() } else { format!("[{}]", keys.join(", ")) };
            self.resolved.push(Resolved { name, value, origin });
        }
        Ok(bindings)
    }
}

fn invalid(name: &str, value: &str, origin: &Origin, why: ValueError) -> ConfigError {
    let (name, value, origin) = (name.to_owned(), value.to_owned(), origin.clone());
    Box::new(InvalidValue { name, value, origin, why }).into()
}

#[cfg(test)]
mod tests;
