//! The settings of the server: the limits of the hub, and those in the table here. Flags,
//! environment variables, keys of the configuration file and the manual are made from both.

use crate::hub::{LIMITS, Limit};
use crate::units;
use kabar_std::config_file::Form;
use kabar_std::invite::DEFAULT_ROOM;

/// A setting that is not a limit.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name: `--NAME` on the command line, `NAME` in the configuration file, `KABAR_NAME` in
    /// the environment.
    pub name: &'static str,
    /// The placeholder for its value in help texts.
    pub value: &'static str,
    /// The help text.
    pub help: &'static str,
    /// The default value, if there is one that can be written.
    pub default: Option<&'static str>,
    /// Whether a configuration file may contain it.
    pub in_file: bool,
}

/// All settings that are not limits.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "listen",
        value: "ADDR",
        help: "Where to listen: IP:PORT, IP, or PORT (0: any that is free)",
        default: Some("[::]:9999"),
        in_file: true,
    },
    Setting {
        name: "advertise",
        value: "HOST[:PORT]",
        help: "Address that invites name, if others reach this computer at another address than it finds; for several, \
               repeat it or use commas",
        default: None,
        in_file: true,
    },
    Setting {
        name: "data-dir",
        value: "DIR",
        help: "Where key, secrets and history are stored; for one server at a time [default: the user's data directory]",
        default: None,
        in_file: true,
    },
    Setting {
        name: "config",
        value: "FILE",
        help: "The configuration file [default: kabar-server.toml in the data directory, if it is there]",
        default: None,
        in_file: false,
    },
    Setting { name: "room", value: "NAME", help: "The room", default: Some(DEFAULT_ROOM), in_file: true },
    Setting {
        name: "key-bits",
        value: "BITS",
        help: "Size of the server's RSA key if there is none yet: 2048 (the only size for microcontrollers), 3072 or 4096",
        default: Some("2048"),
        in_file: true,
    },
    Setting {
        name: "admission",
        value: "HOW",
        help: "Whether newcomers with an invite or the password are admitted (invite), or also wait until an operator lets \
               them in (approve): accept NAME",
        default: Some("invite"),
        in_file: true,
    },
    Setting {
        name: "create-rooms",
        value: "WHO",
        help: "Who may create rooms: operators, or all members",
        default: Some("operators"),
        in_file: true,
    },
    Setting {
        name: "password-file",
        value: "FILE",
        help: "Also admits members who know the password in the first line of this file",
        default: None,
        in_file: true,
    },
    Setting {
        name: "classic",
        value: "BOOL",
        help: "Also admits clients of the project's Python ancestor, by a password of their own; protects nothing of what \
               they write and read",
        default: Some("false"),
        in_file: true,
    },
    Setting {
        name: "classic-password-file",
        value: "FILE",
        help: "The password of classic clients, in the first line of this file (also: KABAR_CLASSIC_PASSWORD in the \
               environment); not that of the room, because it is sent in effective clear",
        default: None,
        in_file: true,
    },
    Setting {
        name: "classic-room",
        value: "NAME",
        help: "The room that classic clients join [default: the room of the server]",
        default: None,
        in_file: true,
    },
    Setting {
        name: "operator",
        value: "KEY",
        help: "A person who operates this server from any client: the fingerprint that `kabar identity` shows, or the \
               public key; for several, repeat it or use commas",
        default: None,
        in_file: true,
    },
    Setting {
        name: "transcript",
        value: "FILE",
        help: "Appends every line of the room to this file as plain text",
        default: None,
        in_file: true,
    },
    Setting {
        name: "metrics",
        value: "ADDR",
        help: "Serves metrics for Prometheus at http://ADDR/metrics: PORT (on 127.0.0.1) or IP:PORT",
        default: None,
        in_file: true,
    },
    Setting {
        name: "log-format",
        value: "FORMAT",
        help: "Log records on standard error: text, or json for one object per line, events of the room included",
        default: Some("text"),
        in_file: true,
    },
    Setting {
        name: "log-level",
        value: "LEVEL",
        help: "Least important log records to write: off, error, warn, info, debug, trace (with texts of the room)",
        default: Some("info"),
        in_file: true,
    },
];

/// The settings that locate a room's data.
pub(super) const ROOM_ARGS: &[&str] = &["data-dir", "config", "room"];

/// The settings that locate the data of all rooms.
pub(super) const STORAGE_ARGS: &[&str] = &["data-dir", "config"];

/// The settings of a room, and those that determine the addresses in invites.
pub(super) const INVITE_ARGS: &[&str] = &["data-dir", "config", "room", "listen", "advertise"];

/// The settings that take several values: repeated flags, or values separated by commas; in a
/// configuration file also a list.
const LISTS: &[&str] = &["advertise", "operator"];

/// Whether a setting takes several values. They are stored as one text with commas.
pub(super) fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// The settings that are on if their flag has no value.
const SWITCHES: &[&str] = &["classic"];

/// Whether the flag of a setting may have no value.
pub(super) fn is_switch(name: &str) -> bool {
    SWITCHES.contains(&name)
}

/// Returns the setting with this name.
#[must_use]
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// Returns the form of the value of this key of a configuration file; `None`: there is no such key.
pub(super) fn form(name: &str) -> Option<Form> {
    let is_known = setting(name).map_or_else(|| Limit::named(name).is_some(), |setting| setting.in_file);
    is_known.then_some(if is_list(name) { Form::List } else { Form::Single })
}

/// Returns the environment variable of a setting.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("KABAR_{}", name.replace('-', "_").to_ascii_uppercase())
}

/// Returns the table of limits in Markdown.
#[must_use]
pub fn limits_table() -> String {
    let counter = |limit: &Limit| crate::metrics::counter_name(limit.counter);
    let row = |limit: &Limit| {
        let default = units::format(limit.unit, limit.default);
        format!("| `--{}` | {default} | {} | `{}` |\n", limit.name, limit.help, counter(limit))
    };
    let head = "| flag and key | default | what it bounds | counter of times it was reached |\n|---|---|---|---|\n";
    head.to_owned() + &LIMITS.iter().map(row).collect::<String>()
}

#[cfg(test)]
mod tests;
