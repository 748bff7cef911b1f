//! The command line of `kabar`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use kabar_core::crypto::rsa::KeySize;
use kabar_core::session::Fingerprint;
use kabar_server::config::{SETTINGS, Setting, parse_key_size};
use kabar_std::address::{Advertised, HostPort, parse_listen};
use kabar_std::invite::{DEFAULT_ROOM, RoomName, parse_fingerprint};

use crate::session::ReplayFrom;
use crate::ui::json;

/// How it behaves as a filter.
const PIPES: &str = "\
Without a terminal it is a filter: lines of standard input are posts, lines of standard output are what is said, notices go to standard
error. At the end of input it leaves when all is stored. What was written out is not shown again at the next visit of the same name.
Of standard input, only !q, /quit, /who and /help alone on a line are no posts.";

/// The program's name, as it is called.
pub const PROGRAM: &str = "kabar";

const DEFAULT_GIVE_UP: &str = "60";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 error, 2 usage, 3 server not reached, 4 wrong secret, \
    password or server identity, 5 name taken or not allowed, 6 something was not sent, 7 ended by the room, 130 interrupted.";

/// Encrypted group chat. One command hosts a room, one line joins it.
///
/// Without a command it asks where to go.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where identities, known servers, hosted rooms and what you have read are kept [default: the user's data directory].
    #[arg(long, global = true, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Host a room on this computer, and be in it.
    #[command(after_help = EXIT_CODES, after_long_help = long_help())]
    Host(HostArguments),
    /// Join a room.
    #[command(after_help = EXIT_CODES, after_long_help = long_help())]
    Join(JoinArguments),
    /// The servers and rooms you know: list them, forget one, take another key on purpose.
    Servers {
        /// What to do with them [default: list].
        #[command(subcommand)]
        action: Option<ServersAction>,
    },
    /// Who you are: a key per name, made at first use.
    Identity {
        /// What to do [default: list].
        #[command(subcommand)]
        action: Option<IdentityAction>,
    },
    /// Carry packets between devices on serial lines and a server, without being able to read them.
    #[cfg(unix)]
    Bridge(crate::bridge::BridgeArguments),
    /// Print what completes `kabar` in your shell.
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

/// Who one is, and how one visits a room.
#[derive(Debug, Args)]
pub struct SessionArguments {
    /// The name to be known by [default: the one you had in this room, or the one you are logged in with].
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Show what was said behind this entry, or `all` [default: what you have not seen; the last 50 at first].
    #[arg(long, value_name = "SEQ|all", value_parser = parse_since, conflicts_with = "last")]
    pub since: Option<ReplayFrom>,

    /// Show the last so many lines.
    #[arg(long, value_name = "N")]
    pub last: Option<u32>,

    /// Write what happens as objects, one per line, to standard output; see --help.
    #[arg(long)]
    pub json: bool,

    /// How long to wait, at the end, for what is not stored yet; in seconds.
    #[arg(long, value_name = "SECONDS", default_value = DEFAULT_GIVE_UP, value_parser = parse_seconds)]
    pub give_up: Duration,

    /// Lines of standard input that were something else than posts.
    #[arg(skip)]
    pub lines_taken: u64,
}

impl SessionArguments {
    /// What is meant when nothing is said.
    #[must_use]
    pub fn plain() -> Self {
        let give_up = parse_seconds(DEFAULT_GIVE_UP).unwrap_or_default();
        Self { name: None, since: None, last: None, json: false, give_up, lines_taken: 0 }
    }

    /// Which entries are wanted.
    #[must_use]
    pub fn wanted(&self) -> ReplayFrom {
        self.last.map(ReplayFrom::Last).or(self.since).unwrap_or_default()
    }
}

/// `kabar host`.
#[derive(Debug, Args)]
pub struct HostArguments {
    /// Who, and how.
    #[command(flatten)]
    pub visit: SessionArguments,

    /// Where to listen.
    #[arg(long, value_name = value_of("listen"), help = help_of("listen"), default_value = default_of("listen"), value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// What the invite names.
    #[arg(long, value_name = value_of("advertise"), help = help_of("advertise"), value_delimiter = ',')]
    pub advertise: Vec<Advertised>,

    /// The room.
    #[arg(long, value_name = value_of("room"), help = help_of("room"), default_value = default_of("room"))]
    pub room: RoomName,

    /// A second way in.
    #[arg(long, value_name = value_of("password-file"), help = help_of("password-file"), conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,

    /// Takes that password from the first line of standard input (also: KABAR_PASSWORD in the environment).
    #[arg(long)]
    pub password_stdin: bool,

    /// The size of a new key.
    #[arg(long, value_name = value_of("key-bits"), help = help_of("key-bits"), default_value = default_of("key-bits"), value_parser = parse_key_size)]
    pub key_bits: KeySize,

    /// A file for everything that is said.
    #[arg(long, value_name = value_of("transcript"), help = help_of("transcript"))]
    pub transcript: Option<PathBuf>,
}

/// `kabar join`.
#[derive(Debug, Args)]
pub struct JoinArguments {
    /// An invite (kabar://...), a host with or without port (several with commas between them), a room you know by its name, or `-` to
    /// read one of these from standard input.
    #[arg(value_name = "INVITE|HOST[:PORT]|ROOM|-")]
    pub target: String,

    /// Who, and how.
    #[command(flatten)]
    pub visit: SessionArguments,

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

    /// The room's password is the first line of standard input; lines after it are posts.
    #[arg(long)]
    pub password_stdin: bool,
}

/// `kabar servers`.
#[derive(Debug, Subcommand)]
pub enum ServersAction {
    /// List rooms, with where they are, who you are there, and the fingerprint of the server's key.
    List,
    /// Forget a room, an address or a fingerprint, with the secret that let you in.
    Forget {
        /// What to forget.
        #[arg(value_name = "ROOM|HOST[:PORT]|FINGERPRINT")]
        target: String,
    },
    /// Look at the key that a server has now, and take it from now on. Use it when a server's key has changed and you know why.
    Accept {
        /// Where the server is.
        #[arg(value_name = "HOST[:PORT]")]
        target: HostPort,
        /// Take it without asking if it is this one.
        #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
        fingerprint: Option<Fingerprint>,
    },
}

/// `kabar identity`.
#[derive(Debug, Subcommand)]
pub enum IdentityAction {
    /// Show the public key of a name.
    Show {
        /// The name [default: the one you are logged in with].
        name: Option<String>,
    },
    /// List names and their public keys.
    List,
    /// Write a name's secret key to a file, to be it on another computer as well.
    Export {
        /// A file that does not exist yet, or `-`.
        file: PathBuf,
        /// The name [default: the one you are logged in with].
        #[arg(long)]
        name: Option<String>,
    },
    /// Take a key from such a file.
    Import {
        /// The file, or `-`.
        file: PathBuf,
        /// The name to be with it [default: the one it was exported under].
        #[arg(long)]
        name: Option<String>,
    },
    /// Remove a name's key. Rooms keep the name for it for a while: nobody can be it meanwhile, you neither.
    Forget {
        /// The name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// What hosting shares with a server of its own is said and set as there.
fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

fn value_of(name: &str) -> &'static str {
    setting(name).map_or("", |setting| setting.value)
}

fn help_of(name: &str) -> &'static str {
    setting(name).map_or("", |setting| setting.help)
}

fn default_of(name: &str) -> &'static str {
    setting(name).and_then(|setting| setting.default).unwrap_or("")
}

/// What --help says and -h does not.
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
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn hosting_begins_as_a_server_does() {
        let Some(Command::Host(host)) = Cli::parse_from(["kabar", "host"]).command else { panic!("host") };
        assert_eq!((host.listen.to_string().as_str(), host.room.as_str()), ("[::]:9999", "lobby"));
        assert_eq!(host.key_bits, KeySize::Bits2048);
        let host = Cli::command().find_subcommand("host").cloned().unwrap();
        for name in ["listen", "advertise", "room", "password-file", "key-bits", "transcript"] {
            let help = host.get_arguments().find(|argument| argument.get_long() == Some(name)).unwrap().get_help();
            assert_eq!(help.map(ToString::to_string).as_deref(), setting(name).map(|setting| setting.help), "{name}");
        }
    }

    #[test]
    fn a_place_in_the_log_is_a_number_or_all() {
        assert_eq!(parse_since("all"), Ok(ReplayFrom::Since(0)));
        assert_eq!(parse_since("17"), Ok(ReplayFrom::Since(17)));
        assert!(parse_since("yesterday").is_err() && parse_since("-1").is_err());
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
