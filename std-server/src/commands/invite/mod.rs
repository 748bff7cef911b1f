//! `kabar-server invite`: prints, lists, makes and revokes invites: through the running server, or
//! in the data directory while none runs.

mod offline;
mod qr;

use std::io::{self, IsTerminal};
use std::path::Path;

use clap::Subcommand;
use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::session::Fingerprint;
use kabar_std::address::{Advertised, Places};
use kabar_std::advertise::reachable;
use kabar_std::data_dir::{DataDir, LockError, SERVER_LOCK};
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use kabar_std::output::remark;

use super::{CommandError, PROGRAM, ctl, print};
use crate::config::{Config, InviteArgs, Origin};
use crate::console::invites::{InviteCommand, parse_uses, parse_validity};
use crate::hub::InviteTerms;
use crate::key_file::{load_key, load_secret};
use crate::room_host::{last_places, places};

/// Arguments of `invite`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without a command, it prints the standing invite: the one that the server prints at its start. \
                        Changes take effect at once in a running server. Whoever an invite has admitted stays \
                        admitted when it ends."
)]
pub struct Arguments {
    #[command(flatten)]
    invite_args: InviteArgs,
    /// Also shows the invite as a QR code.
    #[arg(long, global = true)]
    qr: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the invites: id, state, who made it, age, uses.
    List {
        /// Also prints the full text of those in force.
        #[arg(long)]
        secrets: bool,
        /// Prints one JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Makes an invite to all open rooms, or to the room that --room names, and prints it.
    New {
        /// How long it is valid: 7d, 12h, 30m.
        #[arg(long, value_name = "TIME", value_parser = parse_validity)]
        expires: Option<u64>,
        /// How many people it admits.
        #[arg(long, value_name = "N", value_parser = parse_uses)]
        uses: Option<u32>,
    },
    /// Ends an invite, or replaces the standing one.
    Revoke {
        /// The id that `list` shows, or `standing`.
        #[arg(value_name = "ID|standing", value_parser = parse_target)]
        target: Target,
    },
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Standing,
    Id(u32),
}

fn parse_target(text: &str) -> Result<Target, String> {
    match text {
        "standing" => Ok(Target::Standing),
        _ => text.parse().map(Target::Id).map_err(|_| "it must be a number or \"standing\"".to_owned()),
    }
}

impl Action {
    /// The command; `room`: the room of a new invite.
    fn command(&self, room: Option<&RoomName>) -> InviteCommand {
        match *self {
            Self::List { secrets, json } => InviteCommand::List { with_secrets: secrets, as_json: json },
            Self::New { expires, uses } => {
                let room = room.map(ToString::to_string);
                InviteCommand::New(InviteTerms { room, valid_ms: expires, uses, ..InviteTerms::default() })
            }
            Self::Revoke { target: Target::Standing } => InviteCommand::RevokeStanding,
            Self::Revoke { target: Target::Id(id) } => InviteCommand::Revoke(id),
        }
    }
}

/// Executes the command.
///
/// # Errors
/// [`CommandError`].
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = arguments.invite_args.resolve().map_err(CommandError::Usage)?;
    let unused = || {
        let path = config.data_dir.display();
        CommandError::Failed(format!("no server has run in {path} yet: start {PROGRAM} there once"))
    };
    if !config.data_dir.is_dir() {
        return Err(unused());
    }
    let dir = DataDir::open(&config.data_dir).map_err(CommandError::failed)?;
    let key = load_key(&dir).map_err(CommandError::failed)?.ok_or_else(unused)?;
    let named = matches!(config.origin("room"), Some(Origin::Flag(_))).then_some(&config.room);
    let secret = load_secret(&dir, &config.room).map_err(CommandError::failed)?;
    if secret.is_none() && named.is_none() {
        return Err(unused());
    }
    let command = arguments.action.as_ref().map_or(InviteCommand::Show, |action| action.command(named));
    let fingerprint = Fingerprint::of_modulus(key.modulus());
    let invite = |places, secret| Invite { places, room: config.room.clone(), fingerprint, secret };
    // A private room has its own invite.
    if let (InviteCommand::Show, Some(secret), None) = (&command, &secret, named) {
        return show(&[invite(find_places(&dir, &config)?, secret.clone()).to_string()], arguments.qr);
    }
    let lines = match dir.lock(SERVER_LOCK) {
        Ok(_held) => {
            let like = invite(find_places(&dir, &config)?, RoomSecret::new([0; ROOM_SECRET_LEN]));
            let lines = offline::execute(&dir, &config, &like, secret, named, &command)?;
            report(&command, || "no server runs here: it is in effect when the server is started".to_owned());
            lines
        }
        Err(LockError::Held(id)) => {
            let lines = ask_server(dir.path(), &config.advertise, named, &command)?;
            let process = id.map_or_else(String::new, |id| format!(" (process {id})"));
            report(&command, || format!("in effect at once, in the running server{process}"));
            lines
        }
        Err(LockError::File(error)) => return Err(CommandError::failed(error)),
    };
    let is_invite = !matches!(command, InviteCommand::List { .. } | InviteCommand::Revoke(_));
    show(&lines, arguments.qr && is_invite)
}

/// Reports who executed a command that changes something.
fn report(command: &InviteCommand, who: impl FnOnce() -> String) {
    if !matches!(command, InviteCommand::Show | InviteCommand::List { .. }) {
        remark(&format!("{PROGRAM}: {}", who()));
    }
}

/// Lets the running server execute a command. Invites in its answer get the addresses that are
/// advertised, if there are any; without a port, that of the server.
fn ask_server(
    dir: &Path,
    advertise: &[Advertised],
    room: Option<&RoomName>,
    command: &InviteCommand,
) -> Result<Vec<String>, CommandError> {
    let lines = ctl::ask(dir, room, &format!("invite {}", command.arguments()))?;
    if advertise.is_empty() {
        return Ok(lines);
    }
    let readdressed = |line: String| {
        // The whole line, or a text in an object.
        let found = line.split('"').find_map(|text| Some((text, text.parse::<Invite>().ok()?)));
        let Some((text, invite)) = found else { return line };
        let places = places(advertise, &[], invite.places.first().port);
        line.replace(text, &Invite { places, ..invite }.to_string())
    };
    Ok(lines.into_iter().map(readdressed).collect())
}

/// Prints lines; the first also as a QR code.
fn show(lines: &[String], with_qr: bool) -> Result<(), CommandError> {
    let picture = lines.first().filter(|_| with_qr).map(|invite| qr::code(invite, io::stdout().is_terminal()));
    let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    text.push_str(&picture.unwrap_or_default());
    print(text.as_bytes())
}

/// Returns the addresses that the server puts into its invites: the advertised ones, else those of
/// the last invite.
pub(super) fn find_places(dir: &DataDir, config: &Config) -> Result<Places, CommandError> {
    let last = last_places(dir, &config.room).map_err(CommandError::failed)?;
    let port =
        last.as_ref().map(|last| last.first().port).or((config.listen.port() != 0).then_some(config.listen.port()));
    let missing = || {
        let why = "the server chooses its port when it starts, and has not run yet";
        CommandError::Failed(format!("{why}: start it once, or use --advertise HOST:PORT"))
    };
    let has_ports = !config.advertise.is_empty() && config.advertise.iter().all(|place| place.port.is_some());
    match last {
        Some(last) if config.advertise.is_empty() => Ok(last),
        _ if has_ports => Ok(places(&config.advertise, &[], 0)),
        _ => Ok(places(&config.advertise, &reachable(config.listen.ip()), port.ok_or_else(missing)?)),
    }
}
