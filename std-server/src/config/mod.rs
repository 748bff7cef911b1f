//! The configuration of the server: every setting with one value and its origin.
//!
//! `jiff`'s durations are not used: they have no days without a calendar and no sizes, so the
//! parser of [`units`] would stay.

mod flags;
mod settings;
mod sources;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use data_encoding::HEXLOWER_PERMISSIVE;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::crypto::rsa::KeySize;
use kabar_core::session::Fingerprint;

use crate::hub::{HubLimits, LIMITS, Limit};
use crate::logging::{LevelFilter, LogFormat, parse_level};
use crate::units;
use kabar_std::address::{Advertised, parse_advertised, parse_listen};
use kabar_std::config_file::Keys;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{RoomName, parse_fingerprint};

pub use flags::{InviteArgs, RoomArgs, RunFlags, StorageArgs};
pub use kabar_std::config_file::{File, Origin};
pub use settings::{SETTINGS, Setting, limits_table, variable};
pub use sources::Flags;

use sources::{Sources, all_names};

/// The name of the configuration file in the data directory.
pub const FILE_NAME: &str = "kabar-server.toml";

/// The keys of a configuration file.
const KEYS: Keys = Keys { form: settings::form, tables: &[], listed_by: "kabar-server config" };

/// The default port of the metrics.
const METRICS_PORT: u16 = 9_998;

/// A valid configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The addresses that invites name, in this order.
    pub advertise: Vec<Advertised>,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The room.
    pub room: RoomName,
    /// The size of a key that is generated.
    pub key_size: KeySize,
    /// Whether newcomers wait for an operator.
    pub admission: Admission,
    /// Who may create rooms.
    pub create_rooms: CreateRooms,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// Whether classic clients are admitted.
    pub classic: bool,
    /// The file with the password of classic clients.
    pub classic_password_file: Option<PathBuf>,
    /// The room that classic clients join, if it is not that of the server.
    pub classic_room: Option<RoomName>,
    /// The operators, besides those that commands appoint.
    pub operators: Vec<Fingerprint>,
    /// The file that gets every entry as a line of text.
    pub transcript: Option<PathBuf>,
    /// The address that serves metrics.
    pub metrics: Option<SocketAddr>,
    /// The format of log records.
    pub log_format: LogFormat,
    /// The least important log records that are written.
    pub log_level: LevelFilter,
    /// The limits of the hub.
    pub limits: HubLimits,
    /// Every setting: name, value as text if it has one, origin.
    resolved: Vec<(&'static str, Option<OsString>, Origin)>,
}

impl Config {
    /// Resolves every setting. A flag takes precedence over the environment, that over the
    /// configuration file, and that over the default.
    ///
    /// # Errors
    /// One line that names the invalid setting and its origin.
    pub fn resolve(flags: &Flags, environment: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, String> {
        let mut sources = Sources { flags, environment, file: File::default() };
        let named = sources.get("config").map(|(path, _)| PathBuf::from(path));
        if let Some(path) = &named {
            sources.file = File::read(path, true, KEYS).map_err(|error| error.to_string())?;
        }
        let mut resolved = Vec::new();
        let data_dir = path(&sources, "data-dir", &mut resolved).or_else(DataDir::default_path);
        let data_dir = data_dir.ok_or("there is no home directory: use --data-dir DIR")?;
        if named.is_none() {
            sources.file = File::read(&data_dir.join(FILE_NAME), false, KEYS).map_err(|error| error.to_string())?;
            if let Some((_, origin)) = sources.file.get("data-dir") {
                return Err(format!("{origin}: data-dir: this file is in the data directory already"));
            }
        }
        resolved.push(match sources.get("config") {
            Some((path, origin)) => ("config", Some(path), origin),
            None => ("config", None, Origin::Default),
        });
        let mut limits = HubLimits::default();
        for limit in LIMITS {
            resolve_limit(&sources, limit, &mut limits, &mut resolved)?;
        }
        if limits.retry_min > limits.retry_max {
            return Err("retry-min is longer than retry-max".to_owned());
        }
        let resolved = &mut resolved;
        let config = Self {
            listen: resolve_setting(&sources, "listen", resolved, |text| {
                parse_listen(text).map_err(|error| error.to_string())
            })?
            .ok_or("listen has no value")?,
            advertise: resolve_setting(&sources, "advertise", resolved, |text| {
                parse_advertised(text).map_err(|error| error.to_string())
            })?
            .unwrap_or_default(),
            room: resolve_setting(&sources, "room", resolved, parse_room)?.ok_or("room has no value")?,
            key_size: resolve_setting(&sources, "key-bits", resolved, parse_key_size)?
                .ok_or("key-bits has no value")?,
            admission: resolve_setting(&sources, "admission", resolved, parse_admission)?.unwrap_or_default(),
            create_rooms: resolve_setting(&sources, "create-rooms", resolved, parse_create_rooms)?.unwrap_or_default(),
            password_file: path(&sources, "password-file", resolved),
            classic: resolve_setting(&sources, "classic", resolved, parse_bool)?.unwrap_or_default(),
            classic_password_file: path(&sources, "classic-password-file", resolved),
            classic_room: resolve_setting(&sources, "classic-room", resolved, parse_room)?,
            operators: resolve_setting(&sources, "operator", resolved, parse_operators)?.unwrap_or_default(),
            transcript: path(&sources, "transcript", resolved),
            metrics: resolve_setting(&sources, "metrics", resolved, parse_metrics)?,
            log_format: resolve_setting(&sources, "log-format", resolved, |text| text.parse().map_err(str::to_owned))?
                .unwrap_or_default(),
            log_level: resolve_setting(&sources, "log-level", resolved, |text| {
                parse_level(text).map_err(str::to_owned)
            })?
            .unwrap_or(LevelFilter::INFO),
            data_dir,
            limits,
            resolved: Vec::new(),
        };
        Ok(Self { resolved: std::mem::take(resolved), ..config })
    }

    /// As [`Config::resolve`], with the environment of this process.
    ///
    /// # Errors
    /// As [`Config::resolve`].
    pub fn from_process(flags: &Flags) -> Result<Self, String> {
        Self::resolve(flags, &|variable| std::env::var_os(variable))
    }

    /// Returns the origin of a setting's value.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.resolved.iter().find(|(known, ..)| *known == name).map(|(_, _, origin)| origin)
    }

    /// Formats every setting as a line of a configuration file, with its origin as a comment. A
    /// setting without a value is a comment.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let line = |name| {
            let (_, value, origin) = self.resolved.iter().find(|(known, ..)| *known == name)?;
            let value = match name {
                "data-dir" => Some(self.data_dir.as_os_str().to_owned()),
                _ => value.clone(),
            };
            let is_plain = settings::form(name).is_some()
                && !(name == "data-dir" && self.origin("config") == Some(&Origin::Default));
            let start = if is_plain { "" } else { "# " };
            Some(match value {
                Some(value) => format!("{start}{name} = {:?}  # {origin}\n", value.to_string_lossy()),
                None => format!("# {name} is not set\n"),
            })
        };
        all_names().filter_map(line).collect()
    }
}

type ResolvedSettings = Vec<(&'static str, Option<OsString>, Origin)>;

fn resolve_setting<T>(
    sources: &Sources<'_>,
    name: &'static str,
    resolved: &mut ResolvedSettings,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let default = || settings::setting(name)?.default.map(|value| (value.into(), Origin::Default));
    let Some((value, origin)) = sources.get(name).or_else(default) else {
        resolved.push((name, None, Origin::Default));
        return Ok(None);
    };
    let parsed = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned()).and_then(parse);
    let parsed = parsed.map_err(|error| error_for(name, &value, &origin, &error))?;
    resolved.push((name, Some(value), origin));
    Ok(Some(parsed))
}

fn resolve_limit(
    sources: &Sources<'_>,
    limit: &'static Limit,
    limits: &mut HubLimits,
    resolved: &mut ResolvedSettings,
) -> Result<(), String> {
    let show = |raw| units::format(limit.unit, raw);
    let Some((value, origin)) = sources.get(limit.name) else {
        resolved.push((limit.name, Some(show(limit.default).into()), Origin::Default));
        return Ok(());
    };
    let raw = value.to_str().and_then(|text| units::parse(limit.unit, text));
    if !raw.is_some_and(|raw| limit.set(limits, raw)) {
        let error = format!("it must be {} from {} to {}", units::hint(limit.unit), show(limit.min), show(limit.max));
        return Err(error_for(limit.name, &value, &origin, &error));
    }
    resolved.push((limit.name, Some(value), origin));
    Ok(())
}

/// Resolves a path. One from a configuration file is relative to that file's directory.
fn path(sources: &Sources<'_>, name: &'static str, resolved: &mut ResolvedSettings) -> Option<PathBuf> {
    let Some((value, origin)) = sources.get(name) else {
        resolved.push((name, None, Origin::Default));
        return None;
    };
    let path = match origin {
        Origin::File(..) => sources.file.folder().join(&value),
        _ => PathBuf::from(&value),
    };
    resolved.push((name, Some(path.clone().into_os_string()), origin));
    Some(path)
}

fn error_for(name: &str, value: &OsString, origin: &Origin, error: &str) -> String {
    let value = value.to_string_lossy();
    match origin {
        Origin::File(..) => format!("{origin}: {name}: {value:?}: {error}"),
        _ => format!("{origin} {value:?}: {error}"),
    }
}

/// Parses the size of a key in bits.
///
/// # Errors
/// A sentence.
pub fn parse_key_size(text: &str) -> Result<KeySize, String> {
    match text {
        "2048" => Ok(KeySize::Bits2048),
        "3072" => Ok(KeySize::Bits3072),
        "4096" => Ok(KeySize::Bits4096),
        _ => Err("it must be 2048, 3072 or 4096".to_owned()),
    }
}

fn parse_room(text: &str) -> Result<RoomName, String> {
    text.parse().map_err(|error: kabar_std::invite::InvalidRoomName| error.to_string())
}

fn parse_bool(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "it must be true or false".to_owned())
}

/// Parses fingerprints or public keys, separated by commas.
fn parse_operators(text: &str) -> Result<Vec<Fingerprint>, String> {
    let operator = |text: &str| {
        let key = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().and_then(|key| key.try_into().ok());
        key.map(|key| Fingerprint::of_identity(&PublicIdentity(key))).or_else(|| parse_fingerprint(text))
    };
    let operators = text.split(',').map(|text| operator(text.trim())).collect::<Option<_>>();
    operators
        .ok_or_else(|| "it must be a fingerprint (32 characters) or a public key (64 hexadecimal digits)".to_owned())
}

/// Whether newcomers, who have an invite or know the password, wait for an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// They are admitted.
    #[default]
    Invite,
    /// They wait until an operator lets them in.
    Approve,
}

fn parse_admission(text: &str) -> Result<Admission, String> {
    match text {
        "invite" => Ok(Admission::Invite),
        "approve" => Ok(Admission::Approve),
        _ => Err("it must be invite or approve".to_owned()),
    }
}

/// Who may create rooms from a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreateRooms {
    /// Operators only.
    #[default]
    Operators,
    /// All members.
    Members,
}

fn parse_create_rooms(text: &str) -> Result<CreateRooms, String> {
    match text {
        "operators" => Ok(CreateRooms::Operators),
        "members" => Ok(CreateRooms::Members),
        _ => Err("it must be operators or members".to_owned()),
    }
}

/// Parses the address for metrics; on this computer only if just a port is given.
fn parse_metrics(text: &str) -> Result<SocketAddr, String> {
    let digits = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = digits.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let ip = |text: &str| text.parse::<IpAddr>().ok().map(|ip| (ip, METRICS_PORT).into());
    text.parse().ok().or_else(|| ip(text)).ok_or_else(|| "it must be PORT, IP:PORT or [IPV6]:PORT".to_owned())
}

#[cfg(test)]
mod tests;
