//! The sources of a setting's value: flag, environment, configuration file and default, in this
//! order.

use std::ffi::{OsStr, OsString};

use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, ArgMatches, ValueHint};

use super::settings::{SETTINGS, Setting, is_list, is_switch, setting, variable};
use crate::hub::{LIMITS, Limit};
use crate::units;
use kabar_std::config_file::{File, Origin};

/// The values given on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    given: Vec<(&'static str, OsString)>,
}

impl Flags {
    /// Collects the flags of these settings.
    pub(super) fn of(matches: &ArgMatches, names: impl IntoIterator<Item = &'static str>) -> Self {
        let value = |name| {
            let values: Vec<OsString> = matches.get_many::<OsString>(name)?.cloned().collect();
            Some((name, values.join(OsStr::new(","))))
        };
        Self { given: names.into_iter().filter_map(value).collect() }
    }

    fn get(&self, name: &str) -> Option<(OsString, Origin)> {
        let (name, value) = self.given.iter().find(|(known, _)| *known == name)?;
        Some((value.clone(), Origin::Flag(name)))
    }
}

/// Defines the flag of a setting.
pub(super) fn flag_of_setting(setting: &'static Setting) -> Arg {
    let flag = flag(setting.name, setting.value);
    let default = setting.default.map_or_else(String::new, |default| format!(" [default: {default}]"));
    flag.help(format!("{}{default} [env: {}]", setting.help, variable(setting.name)))
}

/// Defines the flag of a limit, which only the long help shows.
pub(super) fn flag_of_limit(limit: &'static Limit) -> Arg {
    let help = format!("{} [default: {}]", limit.help, units::format(limit.unit, limit.default));
    flag(limit.name, units::placeholder(limit.unit)).help(help).help_heading("Limits").hide_short_help(true)
}

fn flag(name: &'static str, value: &'static str) -> Arg {
    // The kind of completion that a shell offers for the value.
    let hint = match value {
        "FILE" => ValueHint::FilePath,
        "DIR" => ValueHint::DirPath,
        _ => ValueHint::Other,
    };
    let action = if is_list(name) { ArgAction::Append } else { ArgAction::Set };
    let flag = Arg::new(name).long(name).value_name(value).value_hint(hint).action(action);
    let flag = flag.value_parser(OsStringValueParser::new());
    if is_switch(name) { flag.num_args(0..=1).require_equals(true).default_missing_value("true") } else { flag }
}

/// All sources, in order of precedence.
pub(super) struct Sources<'a> {
    pub(super) flags: &'a Flags,
    pub(super) environment: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) file: File,
}

impl Sources<'_> {
    /// Returns the value with the highest precedence, and its origin.
    pub(super) fn get(&self, name: &str) -> Option<(OsString, Origin)> {
        self.flags.get(name).or_else(|| self.in_environment(name)).or_else(|| self.file.get(name))
    }

    /// An empty variable counts as unset.
    fn in_environment(&self, name: &str) -> Option<(OsString, Origin)> {
        let variable = variable(name);
        let value = (self.environment)(&variable).filter(|value| !value.is_empty())?;
        Some((value, Origin::Environment(variable)))
    }
}

/// Returns the names of all settings, limits included.
pub(super) fn all_names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name).chain(LIMITS.iter().map(|limit| limit.name))
}

/// Defines the flags of the named settings.
pub(super) fn flags_of(names: &'static [&'static str]) -> impl Iterator<Item = Arg> {
    names.iter().filter_map(|name| setting(name)).map(flag_of_setting)
}
