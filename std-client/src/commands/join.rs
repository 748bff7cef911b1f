//! `kabar join`: derives the configuration of a session from the command line and the known
//! servers.

use std::io;
use std::path::PathBuf;

use clap::Args;
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use kabar_std::reading::first_line;
use zeroize::Zeroizing;

use super::arguments::{SessionArguments, fingerprint};
use super::target::{Found, Target, find_room, usable_places};
use super::{open, password};
use crate::engine::{KeyPolicy, RoomCredential, RoomRequest, ServerRequest};
use crate::known_servers::KnownServers;
use crate::line::{self, LineConfig};
use crate::outcome::{CommandError, Outcome, TargetError};
use crate::profile;

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

/// Longest line that is read as an invite, in bytes.
const MAX_INVITE_LEN: usize = 16 << 10;

pub(crate) fn run(arguments: JoinArguments, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
    configure(arguments, data_dir).map(run_session)
}

/// Runs a session in rooms of other processes.
pub(super) fn run_session(config: LineConfig) -> Outcome {
    Outcome::Session(line::run(config, drop))
}

/// Configures the session that the command line describes.
fn configure(arguments: JoinArguments, data_dir: Option<PathBuf>) -> Result<LineConfig, CommandError> {
    let JoinArguments {
        target,
        further,
        session: mut how,
        room,
        accept_new,
        fingerprint,
        password_file,
        password_stdin,
    } = arguments;
    let is_on_stdin = target == "-";
    let target = match target.as_str() {
        "-" if password_stdin => return Err(TargetError::BothOnStdin.into()),
        "-" => first_line(io::stdin().lock(), MAX_INVITE_LEN).map_err(TargetError::from)?.to_string(),
        target => target.to_owned(),
    };
    how.lines_taken = u64::from(password_stdin || is_on_stdin);
    // Errors in the command line are reported before anything is created.
    let target = Target::parse(&target)?;
    let mut rooms = Rooms::of_options(room);
    for further in &further {
        rooms.add(Target::parse(further)?, &target)?;
    }
    how.check_names()?;
    if matches!(target, Target::Invite(_)) && (fingerprint.is_some() || accept_new) {
        return Err(TargetError::KeyOptionWithInvite.into());
    }
    let password = password::read(password_file.as_deref(), password_stdin)?;
    let dir = open(data_dir)?;
    let server = match target {
        Target::Invite(invite) => return with_invite(invite, rooms, how, dir),
        Target::Server(server) => server,
        Target::Word(word) => match find_room(&word, &dir)?? {
            Found::Room(server, room) => {
                rooms.put_first(room, None);
                server
            }
            Found::Host(server) => server,
        },
    };
    let key_policy = match (fingerprint, accept_new) {
        (Some(typed), _) => KeyPolicy::Expected(typed),
        (None, true) => KeyPolicy::AcceptNew,
        (None, false) => KeyPolicy::Ask,
    };
    at_server(server, rooms, key_policy, password, how, dir)
}

/// The rooms that are requested, the one to be shown first.
#[derive(Debug, Default)]
pub(super) struct Rooms(Vec<(RoomName, Option<RoomSecret>)>);

impl Rooms {
    pub(super) fn of_options(rooms: impl IntoIterator<Item = RoomName>) -> Self {
        let mut all = Self::default();
        rooms.into_iter().for_each(|room| all.push(room, None));
        all
    }

    fn push(&mut self, room: RoomName, secret: Option<RoomSecret>) {
        match self.0.iter_mut().find(|(known, _)| *known == room) {
            Some((_, known)) => *known = secret.or(known.take()),
            None => self.0.push((room, secret)),
        }
    }

    /// Puts a room before the others.
    pub(super) fn put_first(&mut self, room: RoomName, secret: Option<RoomSecret>) {
        self.0.retain(|(known, _)| *known != room);
        self.0.insert(0, (room, secret));
    }

    /// Adds a further target: a room of the server of the first one.
    fn add(&mut self, further: Target, first: &Target) -> Result<(), TargetError> {
        match (further, first) {
            (Target::Invite(invite), Target::Invite(first)) if invite.fingerprint != first.fingerprint => {
                return Err(TargetError::OtherServer);
            }
            (Target::Invite(invite), Target::Invite(_)) => self.push(invite.room, Some(invite.secret)),
            (Target::Word(word), _) => match RoomName::new(&word) {
                Ok(room) => self.push(room, None),
                Err(_) => return Err(TargetError::NoRoom(word)),
            },
            (Target::Invite(_), _) => return Err(TargetError::InviteNotFirst),
            (Target::Server(server), _) => return Err(TargetError::NoRoom(server.first().to_string())),
        }
        Ok(())
    }

    pub(super) fn first(&self) -> RoomName {
        self.0.first().map(|(room, _)| room.clone()).unwrap_or_default()
    }

    /// The rooms as the session takes them, the first one with this credential.
    fn requested(self, first: RoomCredential) -> Vec<RoomRequest> {
        let name = self.first();
        let others = self.0.into_iter().skip(1).map(|(name, secret)| {
            let secret = secret.map(|secret| vec![RoomCredential::Secret(secret), RoomCredential::None]);
            RoomRequest { name, credentials: secret.unwrap_or_default() }
        });
        std::iter::once(RoomRequest { name, credentials: vec![first] }).chain(others).collect()
    }
}

/// Configures a session with the key and the secret of an invite.
pub(super) fn with_invite(
    invite: Invite,
    mut rooms: Rooms,
    how: SessionArguments,
    dir: DataDir,
) -> Result<LineConfig, CommandError> {
    let Invite { places, room, fingerprint, secret } = invite;
    let places = usable_places(places)?;
    let known = KnownServers::load(&dir)?.find_key(&fingerprint, &room);
    let usual = known.and_then(|known| known.name);
    rooms.put_first(room, None);
    let rooms = rooms.requested(RoomCredential::Secret(secret));
    session_config(places, rooms, KeyPolicy::Invited(fingerprint), usual.as_deref(), how, dir)
}

/// Configures a session with a typed address, with the stored information about it or with a
/// password. A key that is known there is the expected one, unless another was typed.
pub(super) fn at_server(
    server: Places,
    rooms: Rooms,
    key_policy: KeyPolicy,
    password: Option<Zeroizing<String>>,
    how: SessionArguments,
    dir: DataDir,
) -> Result<LineConfig, CommandError> {
    let known = KnownServers::load(&dir)?.find_any(&server, &rooms.first());
    let key_policy = match (key_policy, &known) {
        (KeyPolicy::Ask | KeyPolicy::AcceptNew, Some(known)) => KeyPolicy::Expected(known.fingerprint),
        (key_policy, _) => key_policy,
    };
    // A secret is only for the server that it belongs to.
    let known = known.filter(|known| key_policy == KeyPolicy::Expected(known.fingerprint));
    let usual = known.as_ref().and_then(|known| known.name.clone());
    let credential = match (password, known.and_then(|known| known.secret)) {
        (Some(password), _) => RoomCredential::Password(password),
        (None, Some(secret)) => RoomCredential::Secret(secret),
        (None, None) => RoomCredential::None,
    };
    session_config(server, rooms.requested(credential), key_policy, usual.as_deref(), how, dir)
}

fn session_config(
    places: Places,
    rooms: Vec<RoomRequest>,
    key_policy: KeyPolicy,
    usual: Option<&str>,
    how: SessionArguments,
    dir: DataDir,
) -> Result<LineConfig, CommandError> {
    if rooms.len() > profile::ROOMS {
        return Err(TargetError::TooManyRooms.into());
    }
    let identity = how.open_identity(&dir, usual)?;
    let server = ServerRequest {
        places,
        rooms,
        identity,
        key_policy,
        replay_from: how.replay_from(),
        can_ask: line::can_ask(),
        hide_joins: how.hide_joins,
        is_host: false,
    };
    let SessionArguments { give_up, lines_taken, json: is_json, .. } = how;
    Ok(LineConfig { servers: vec![server], dir, give_up, lines_taken, is_json, hosting: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(room: &str, key: char) -> Target {
        let key = key.to_string().repeat(32);
        Target::parse(&format!("kabar://here:1/{room}/{key}.{}", "A".repeat(26))).unwrap()
    }

    #[test]
    fn rooms_of_one_server_are_requested_once_each() {
        let mut rooms = Rooms::of_options(["ops", "den", "ops"].map(|room| RoomName::new(room).unwrap()));
        rooms.add(Target::Word("attic".to_owned()), &invite("lobby", 'A')).unwrap();
        rooms.add(invite("den", 'A'), &invite("lobby", 'A')).unwrap();
        rooms.put_first(RoomName::default(), None);
        let requested = rooms.requested(RoomCredential::None);
        let names: Vec<_> = requested.iter().map(|room| (room.name.as_str(), room.credentials.len())).collect();
        assert_eq!(names, [("lobby", 1), ("ops", 0), ("den", 2), ("attic", 0)], "an invite, or else none");
    }

    #[test]
    fn further_targets_are_rooms_of_the_same_server() {
        let (lobby, host) = (invite("lobby", 'A'), Target::parse("here:1").unwrap());
        let add = |further, first: &Target| Rooms::default().add(further, first);
        assert_eq!(add(invite("ops", 'B'), &lobby), Err(TargetError::OtherServer));
        assert_eq!(add(invite("ops", 'A'), &host), Err(TargetError::InviteNotFirst));
        assert_eq!(add(Target::parse("there:1").unwrap(), &lobby), Err(TargetError::NoRoom("there:1".to_owned())));
        assert_eq!(add(Target::Word("ops".to_owned()), &host), Ok(()));
    }
}
