//! The command line of `kabar`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kabar_core::session::Fingerprint;
use kabar_server::address::{Advertised, DEFAULT_PORT, parse_listen};
use kabar_server::invite::{DEFAULT_ROOM, RoomName, parse_fingerprint};

/// Encrypted group chat. One command hosts a room, one line joins it.
#[derive(Debug, Parser)]
#[command(
    name = "kabar",
    version,
    after_help = "Exit codes: 0 done, 1 error, 2 usage, 3 server not reached, 4 wrong secret, \
    password or server identity, 5 name taken or not allowed, 6 something was not sent, 7 ended by the room, 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Host a room on this computer, and be in it.
    Host(HostArguments),
    /// Join a room.
    Join(JoinArguments),
}

/// Who one is, and where that is kept.
#[derive(Debug, Args)]
pub struct PersonArguments {
    /// The name to be known by [default: the name you are logged in with].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Where identities, known servers and hosted rooms lie [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,

    /// How long to wait, at the end, for what is not sent yet; in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds)]
    pub give_up: Duration,
}

/// `kabar host`.
#[derive(Debug, Args)]
pub struct HostArguments {
    /// Who and where.
    #[command(flatten)]
    pub person: PersonArguments,

    /// Where to listen: IP:PORT, IP, or PORT (0: any that is free).
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from(([0u16; 8], DEFAULT_PORT)), value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// What the invite names, if others reach this computer by another address than it knows.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub advertise: Option<Advertised>,

    /// The room.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ROOM)]
    pub room: RoomName,

    /// Lets in, beside holders of the invite, whoever knows the password in the first line of this file.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// `kabar join`.
#[derive(Debug, Args)]
pub struct JoinArguments {
    /// An invite (kabar://...), a host with or without port, or `-` to read an invite from standard input.
    #[arg(value_name = "INVITE|HOST[:PORT]|-")]
    pub target: String,

    /// Who and where.
    #[command(flatten)]
    pub person: PersonArguments,

    /// The room, when the target is a host.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ROOM)]
    pub room: RoomName,

    /// Take the key of a server that is not known yet without asking.
    #[arg(long)]
    pub accept_new: bool,

    /// The fingerprint that the server's key must have, when the target is a host.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint, conflicts_with = "accept_new")]
    pub fingerprint: Option<Fingerprint>,

    /// The room's password is the first line of this file (also: KABAR_PASSWORD in the environment).
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,

    /// The room's password is the first line of standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 =
        text.strip_suffix('s').unwrap_or(text).parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a number of seconds".to_owned())
}

fn fingerprint(text: &str) -> Result<Fingerprint, &'static str> {
    parse_fingerprint(text).ok_or("a fingerprint is 32 letters and digits")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_may_carry_their_unit() {
        assert_eq!(parse_seconds("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "-1", "1m", "nan", "inf", "1e99"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
