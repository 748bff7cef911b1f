//! `kabar join`: derives the configuration of a session from the command line and the known
//! servers.

use std::io;
use std::path::PathBuf;

use clap::Args;
use kabar_std::invite::RoomName;
use kabar_std::reading::first_line;
use zeroize::Zeroizing;

use super::arguments::{KeyArguments, SessionArguments};
use super::request::{Rooms, at_server, with_invite};
use super::session::SessionConfig;
use super::target::{Found, Target, find_room, usable_places};
use super::{open, password};
use crate::config::Config;
use crate::engine::{ClassicRequest, ConnectRequest};
use crate::identity::login_name;
use crate::line;
use crate::outcome::{CommandError, Outcome, TargetError};

/// `kabar join`.
#[derive(Debug, Args)]
pub struct JoinArguments {
    /// An invite (kabar://...), a host with or without port (or several, separated by commas), the
    /// name of a room you know, or `-` to read one of these from standard input.
    #[arg(value_name = "INVITE|HOST[:PORT]|ROOM|-")]
    pub target: String,

    /// Further rooms of the same server: their names, or invites to them.
    #[arg(value_name = "ROOM|INVITE")]
    pub further: Vec<String>,

    /// The session in the room.
    #[command(flatten)]
    pub session: SessionArguments,

    /// A room; may be repeated. When the target is a host, the first one is shown first [default:
    /// lobby]; otherwise they are joined as well.
    #[arg(long, value_name = "NAME")]
    pub room: Vec<RoomName>,

    /// The key of the server.
    #[command(flatten)]
    pub key: KeyArguments,

    /// Join the room of a classic server, which is the Python program that Kabar comes from, or a
    /// kabar-server with --classic. Nothing there is protected: anyone on the way reads every line
    /// and the password.
    #[arg(long, conflicts_with_all = [
        "further", "room", "identity", "accept_new", "fingerprint", "since", "last",
    ])]
    pub classic: bool,

    /// Read the room's password from the first line of this file (also: KABAR_PASSWORD in the
    /// environment; with --classic: KABAR_CLASSIC_PASSWORD).
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,

    /// Read the room's password from the first line of standard input; the lines after it are
    /// posted.
    #[arg(long)]
    pub password_stdin: bool,
}

/// Longest line that is read as an invite, in bytes.
const MAX_INVITE_LEN: usize = 16 << 10;

pub(crate) fn run(
    arguments: JoinArguments,
    data_dir: Option<PathBuf>,
    settings: Config,
) -> Result<Outcome, CommandError> {
    configure(arguments, data_dir, settings).map(|session| Outcome::Session(session.run(drop)))
}

/// Configures the session that the command line describes.
fn configure(
    arguments: JoinArguments,
    data_dir: Option<PathBuf>,
    settings: Config,
) -> Result<SessionConfig, CommandError> {
    let JoinArguments { target, further, session: mut how, room, key, classic, password_file, password_stdin } =
        arguments;
    let is_on_stdin = target == "-";
    let target = match target.as_str() {
        "-" if password_stdin => return Err(TargetError::BothOnStdin.into()),
        "-" => first_line(io::stdin().lock(), MAX_INVITE_LEN).map_err(TargetError::from)?.to_string(),
        target => target.to_owned(),
    };
    how.lines_taken = u64::from(password_stdin || is_on_stdin);
    // Errors in the command line are reported before anything is created.
    if classic {
        let password = password::read_or(password_file.as_deref(), password_stdin, password::CLASSIC_VARIABLE)?;
        let request = classic_request(&target, &how, password)?;
        return Ok(SessionConfig::on(ConnectRequest::Classic(request), open(data_dir)?, &how, settings));
    }
    let target = Target::parse(&target)?;
    let mut rooms = Rooms::of_options(room);
    for further in &further {
        rooms.add(Target::parse(further)?, &target)?;
    }
    how.check_names()?;
    key.check(&target)?;
    let password = password::read(password_file.as_deref(), password_stdin)?;
    let dir = open(data_dir)?;
    let server = match target {
        Target::Invite(invite) => {
            let server = with_invite(invite, rooms, &how, &dir)?;
            return Ok(SessionConfig::on(server, dir, &how, settings));
        }
        Target::Server(server) => server,
        Target::Word(word) => match find_room(&word, &dir)?? {
            Found::Room(server, room) => {
                rooms.put_first(room, None);
                server
            }
            Found::Host(server) => server,
        },
    };
    let server = at_server(server, rooms, key.policy(), password, &how, &dir)?;
    Ok(SessionConfig::on(server, dir, &how, settings))
}

/// Requests a classic server. The identity and the known servers have nothing to do with it.
fn classic_request(
    typed: &str,
    how: &SessionArguments,
    password: Option<Zeroizing<String>>,
) -> Result<ClassicRequest, CommandError> {
    // No name has a colon, which would end it.
    how.check_names()?;
    let name = how.name.clone().unwrap_or_else(login_name);
    Ok(ClassicRequest {
        places: usable_places(typed.parse().map_err(TargetError::Address)?)?,
        room: RoomName::new("classic").unwrap_or_default(),
        name,
        password,
        can_ask: line::can_ask(),
        hide_joins: how.hide_joins,
    })
}
