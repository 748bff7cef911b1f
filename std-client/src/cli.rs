//! The command line of `kabar`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kabar_core::session::Fingerprint;
use kabar_std::address::HostPort;
use kabar_std::invite::{DEFAULT_ROOM, RoomName, parse_fingerprint};

use crate::commands::host::HostArguments;
use crate::session::ReplayFrom;
use crate::ui::json;

/// The part of `--help` about pipes.
const PIPES: &str = "\
Without a terminal it is a filter: each line of standard input is posted, each entry of the room is a line of standard output, notices go
to standard error. At the end of input it leaves when everything is stored. Entries that were written are not written again when the same
name joins the next time. Only the lines !q, /quit, /who and /help are commands.";

/// The name of the program.
pub const PROGRAM: &str = "kabar";

const DEFAULT_GIVE_UP: &str = "60";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 error, 2 usage, 3 server not reached, 4 wrong secret, \
    password or server identity, 5 name taken or not allowed, 6 something was not sent, 7 ended by the room, 130 interrupted.";

/// Encrypted group chat. One command hosts a room, one line joins it.
///
/// Without a command it asks for the room.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The directory of identities, known servers, hosted rooms and your position in rooms
    /// [default: the user's data directory].
    #[arg(long, global = true, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Host a room on this computer, and join it.
    #[command(after_help = EXIT_CODES, after_long_help = long_help())]
    Host(HostArguments),
    /// Join a room.
    #[command(after_help = EXIT_CODES, after_long_help = long_help())]
    Join(JoinArguments),
    /// List or forget known servers and rooms, or accept another key of a server.
    Servers {
        /// The action [default: list].
        #[command(subcommand)]
        action: Option<ServersAction>,
    },
    /// Manage your identities: a key per name, created at first use.
    Identity {
        /// The action [default: list].
        #[command(subcommand)]
        action: Option<IdentityAction>,
    },
    /// Forward packets between devices on serial lines and a server, without being able to read
    /// them.
    #[cfg(unix)]
    Bridge(crate::bridge::BridgeArguments),
    /// Print a completion script for your shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man {
        /// Write one page per command into this directory instead.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Options of a session.
#[derive(Debug, Args)]
pub struct SessionArguments {
    /// Your name in the room [default: the one you used there last, or your login name].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Show entries after this one, or `all` [default: those you have not seen; the last 50 at
    /// first].
    #[arg(long, value_name = "SEQ|all", value_parser = parse_since, conflicts_with = "last")]
    pub since: Option<ReplayFrom>,

    /// Show the last N lines.
    #[arg(long, value_name = "N")]
    pub last: Option<u32>,

    /// Print events as JSON, one object per line; see --help.
    #[arg(long)]
    pub json: bool,

    /// How long to wait, at the end, for lines that are not stored yet, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = DEFAULT_GIVE_UP, value_parser = parse_seconds)]
    pub give_up: Duration,

    /// Lines of standard input that were not posts.
    #[arg(skip)]
    pub lines_taken: u64,
}

/// The options of a command line without any.
impl Default for SessionArguments {
    fn default() -> Self {
        let give_up = parse_seconds(DEFAULT_GIVE_UP).unwrap_or_default();
        Self { name: None, since: None, last: None, json: false, give_up, lines_taken: 0 }
    }
}

impl SessionArguments {
    /// Returns the entries to begin with.
    #[must_use]
    pub fn replay_from(&self) -> ReplayFrom {
        self.last.map(ReplayFrom::Last).or(self.since).unwrap_or_default()
    }
}

/// `kabar join`.
#[derive(Debug, Args)]
pub struct JoinArguments {
    /// An invite (kabar://...), a host with or without port (or several, separated by commas), the
    /// name of a room you know, or `-` to read one of these from standard input.
    #[arg(value_name = "INVITE|HOST[:PORT]|ROOM|-")]
    pub target: String,

    /// The session in the room.
    #[command(flatten)]
    pub session: SessionArguments,

    /// The room, when the target is a host.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ROOM)]
    pub room: RoomName,

    /// Accept the key of an unknown server without asking.
    #[arg(long)]
    pub accept_new: bool,

    /// The fingerprint that the server's key must have, when the target is a host.
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint, conflicts_with = "accept_new")]
    pub fingerprint: Option<Fingerprint>,

    /// Read the room's password from the first line of this file (also: KABAR_PASSWORD in the
    /// environment).
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,

    /// Read the room's password from the first line of standard input; the lines after it are
    /// posted.
    #[arg(long)]
    pub password_stdin: bool,
}

/// `kabar servers`.
#[derive(Debug, Subcommand)]
pub enum ServersAction {
    /// List rooms with their addresses, your name there, and the fingerprint of the server's key.
    List,
    /// Forget a room, an address or a fingerprint, together with the room's secret.
    Forget {
        /// The room, address or fingerprint.
        #[arg(value_name = "ROOM|HOST[:PORT]|FINGERPRINT")]
        target: String,
    },
    /// Fetch the key that a server has now, and accept it. Use this when a server's key has changed
    /// and you know why.
    Accept {
        /// The address of the server.
        #[arg(value_name = "HOST[:PORT]")]
        target: HostPort,
        /// Accept it without asking if it is this one.
        #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
        fingerprint: Option<Fingerprint>,
    },
}

/// `kabar identity`.
#[derive(Debug, Subcommand)]
pub enum IdentityAction {
    /// Show the public key of a name.
    Show {
        /// The name [default: your login name].
        name: Option<String>,
    },
    /// List names and their public keys.
    List,
    /// Write a name's secret key to a file, to use the name on another computer.
    Export {
        /// A file that does not exist yet, or `-`.
        file: PathBuf,
        /// The name [default: your login name].
        #[arg(long)]
        name: Option<String>,
    },
    /// Import a key from such a file.
    Import {
        /// The file, or `-`.
        file: PathBuf,
        /// The name to use it for [default: the one it was exported under].
        #[arg(long)]
        name: Option<String>,
    },
    /// Remove a name's key. Rooms reserve the name for that key for a while: nobody can use it
    /// meanwhile, not even you.
    Forget {
        /// The name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// The part of the help that `--help` shows and `-h` does not.
fn long_help() -> String {
    format!("{PIPES}\n\n{}\n\n{EXIT_CODES}", json::HELP)
}

fn parse_since(text: &str) -> Result<ReplayFrom, &'static str> {
    match text {
        "all" => Ok(ReplayFrom::Since(0)),
        number => number.parse().map(ReplayFrom::Since).map_err(|_| "neither the number of an entry nor `all`"),
    }
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
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn since_is_a_number_or_all() {
        assert_eq!(parse_since("all"), Ok(ReplayFrom::Since(0)));
        assert_eq!(parse_since("17"), Ok(ReplayFrom::Since(17)));
        assert!(parse_since("yesterday").is_err() && parse_since("-1").is_err());
    }

    #[test]
    fn seconds_may_have_a_unit() {
        assert_eq!(parse_seconds("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "-1", "1m", "nan", "inf", "1e99"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
