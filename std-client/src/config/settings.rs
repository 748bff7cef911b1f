//! The table of settings, and how their values are parsed.

use std::path::PathBuf;
use std::time::Duration;

use crate::language::Language;
use crate::outcome::ValueError;
use crate::screen::theme::{Background, Depth};
use crate::view::keys::Key;
use crate::view::transcript::Joins;
use crate::view::transcript::line::TimeFormat;

/// The setting of the language.
pub const LANGUAGE: &str = "language";

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name: `NAME` in the configuration file, `KABAR_NAME` in the environment, and `--NAME`
    /// where there is such a flag, but for `--lang`.
    pub name: &'static str,
    /// What it decides, and its values.
    pub help: &'static str,
    /// The default value.
    pub default: &'static str,
}

const fn setting(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting { name, help, default }
}

/// All settings but keys.
pub const SETTINGS: &[Setting] = &[
    setting(LANGUAGE, "auto", "the language of what you read: en, id, or auto (as LC_ALL, LC_MESSAGES and LANG say)"),
    setting("plain", "false", "a prompt below the messages instead of a full screen: true or false"),
    setting("time-format", "minutes", "times of messages: minutes, seconds or none"),
    setting("joins", "folded", "joins and leaves: folded into one line, shown, or hidden"),
    setting("background", "auto", "the background of the terminal: dark, light, or auto (as COLORFGBG says)"),
    setting("colours", "auto", "auto (as NO_COLOR, TERM and COLORTERM say), none, 16 or 256"),
    setting("bell", "true", "a bell when you are mentioned: true or false"),
    setting("notify", "true", "a notification of the desktop then, if the terminal can (OSC 9): true or false"),
    setting("mouse", "true", "use the mouse (select text with Shift then): true or false"),
    setting("downloads", "auto", "the folder for files that you receive: a path, or auto (that of your desktop)"),
    setting("pictures", "true", "display pictures in the page of kabar web: true or false"),
    setting("give-up", "60", "seconds that may pass, at the end, until the next line is stored"),
];

impl Setting {
    /// Returns the setting with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// Returns its flag, without the dashes.
    #[must_use]
    pub fn flag(&self) -> &'static str {
        if self.name == LANGUAGE { "lang" } else { self.name }
    }
}

/// Returns the environment variable of a setting.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("KABAR_{}", name.replace('-', "_").to_ascii_uppercase())
}

/// Returns the value for the text, or an error that lists the texts.
fn one_of<T: Clone>(text: &str, values: &[(&str, T)]) -> Result<T, ValueError> {
    let found = values.iter().find(|(known, _)| *known == text).map(|(_, value)| value.clone());
    found.ok_or_else(|| {
        let (last, others) = values.split_last().map_or_else(Default::default, |(last, others)| {
            (last.0.to_owned(), others.iter().map(|(known, _)| (*known).to_owned()).collect())
        });
        ValueError::NotOneOf { others, last }
    })
}

/// The language; `None`: as the environment says.
pub(super) fn language(text: &str) -> Result<Option<Language>, ValueError> {
    let languages = Language::all().map(|language| (language.code(), Some(language)));
    one_of(text, &std::iter::once(("auto", None)).chain(languages).collect::<Vec<_>>())
}

pub(super) fn truth(text: &str) -> Result<bool, ValueError> {
    one_of(text, &[("true", true), ("false", false)])
}

pub(super) fn time_format(text: &str) -> Result<TimeFormat, ValueError> {
    one_of(text, &[("minutes", TimeFormat::Minutes), ("seconds", TimeFormat::Seconds), ("none", TimeFormat::None)])
}

pub(super) fn joins(text: &str) -> Result<Joins, ValueError> {
    one_of(text, &[("folded", Joins::Folded), ("shown", Joins::Shown), ("hidden", Joins::Hidden)])
}

/// The background; `None`: as the environment says.
pub(super) fn background(text: &str) -> Result<Option<Background>, ValueError> {
    one_of(text, &[("auto", None), ("dark", Some(Background::Dark)), ("light", Some(Background::Light))])
}

/// The colours; `None`: those that the environment allows.
pub(super) fn depth(text: &str) -> Result<Option<Depth>, ValueError> {
    let values =
        [("auto", None), ("none", Some(Depth::Monochrome)), ("16", Some(Depth::Sixteen)), ("256", Some(Depth::Many))];
    one_of(text, &values)
}

/// The folder for downloads; `None`: that of the desktop.
pub(super) fn folder(text: &str) -> Result<Option<PathBuf>, ValueError> {
    match text {
        "auto" => Ok(None),
        "" => Err(ValueError::NotAPath),
        path => Ok(Some(path.into())),
    }
}

/// Parses a number of seconds.
///
/// # Errors
/// [`ValueError::NotSeconds`].
pub fn seconds(text: &str) -> Result<Duration, ValueError> {
    let seconds: f64 = text.strip_suffix('s').unwrap_or(text).parse().map_err(|_| ValueError::NotSeconds)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| ValueError::NotSeconds)
}

/// Parses keys, separated by commas; `none`: there are none. A comma is no key: it is text.
pub(super) fn keys(text: &str) -> Result<Vec<Key>, ValueError> {
    if text == "none" {
        return Ok(Vec::new());
    }
    text.split(',').map(|key| key.trim().parse::<Key>().map_err(|_| ValueError::NotAKey)).collect()
}
