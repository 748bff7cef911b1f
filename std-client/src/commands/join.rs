//! `kabar join`: derives the configuration of a session from the command line and the known
//! servers.

use std::io;
use std::path::PathBuf;

use clap::Args;
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{DEFAULT_ROOM, Invite, RoomName};
use kabar_std::reading::first_line;
use zeroize::Zeroizing;

use super::arguments::{SessionArguments, fingerprint};
use super::target::{Target, find_room, usable_places};
use super::{open, password};
use crate::known_servers::KnownServers;
use crate::outcome::{CommandError, Outcome, TargetError};
use crate::session::{self, FrontEnd, KeyPolicy, RoomCredential, SessionConfig};
use crate::ui::Ui;

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

/// Longest line that is read as an invite, in bytes.
const MAX_INVITE_LEN: usize = 16 << 10;

pub(crate) fn run(arguments: JoinArguments, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
    let is_json = arguments.session.json;
    configure(arguments, data_dir).map(|config| run_session(config, is_json))
}

/// Runs a session in a room of another process.
pub(super) fn run_session(config: SessionConfig, is_json: bool) -> Outcome {
    let open = |cursor, sender| Ok(Box::new(Ui::start(is_json, cursor, sender)?) as Box<dyn FrontEnd>);
    Outcome::Session(session::run(config, open, drop))
}

/// Configures the session that the command line describes.
fn configure(arguments: JoinArguments, data_dir: Option<PathBuf>) -> Result<SessionConfig, CommandError> {
    let JoinArguments { target, session: mut how, room, accept_new, fingerprint, password_file, password_stdin } =
        arguments;
    let is_on_stdin = target == "-";
    let target = match target.as_str() {
        "-" if password_stdin => return Err(TargetError::BothOnStdin.into()),
        "-" => first_line(io::stdin().lock(), MAX_INVITE_LEN).map_err(TargetError::from)?.to_string(),
        target => target.to_owned(),
    };
    how.lines_taken = u64::from(password_stdin || is_on_stdin);
    // Errors in the command line are reported before anything is created.
    let target = Target::parse(&target)?;
    how.check_names()?;
    if matches!(target, Target::Invite(_)) && (fingerprint.is_some() || accept_new) {
        return Err(TargetError::KeyOptionWithInvite.into());
    }
    let password = password::read(password_file.as_deref(), password_stdin)?;
    let dir = open(data_dir)?;
    let (server, room) = match target {
        Target::Invite(invite) => return with_invite(invite, how, dir),
        Target::Server(server) => (server, room),
        Target::Word(word) => find_room(&word, room, &dir)??,
    };
    let key_policy = match (fingerprint, accept_new) {
        (Some(typed), _) => KeyPolicy::Expected(typed),
        (None, true) => KeyPolicy::AcceptNew,
        (None, false) => KeyPolicy::Ask,
    };
    at_server(server, room, key_policy, password, how, dir)
}

/// Configures a session with the key and the secret of an invite.
pub(super) fn with_invite(invite: Invite, how: SessionArguments, dir: DataDir) -> Result<SessionConfig, CommandError> {
    let Invite { places, room, fingerprint, secret } = invite;
    let places = usable_places(places)?;
    let known = KnownServers::load(&dir)?.find_key(&fingerprint, &room);
    let usual = known.and_then(|known| known.name);
    let (key_policy, credential) = (KeyPolicy::Invited(fingerprint), RoomCredential::Secret(secret));
    session_config(places, room, key_policy, credential, usual.as_deref(), how, dir)
}

/// Configures a session with a typed address, with the stored information about it or with a
/// password. A key that is known there is the expected one, unless another was typed.
pub(super) fn at_server(
    server: Places,
    room: RoomName,
    key_policy: KeyPolicy,
    password: Option<Zeroizing<String>>,
    how: SessionArguments,
    dir: DataDir,
) -> Result<SessionConfig, CommandError> {
    let known = KnownServers::load(&dir)?.find_any(&server, &room);
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
    session_config(server, room, key_policy, credential, usual.as_deref(), how, dir)
}

fn session_config(
    server: Places,
    room: RoomName,
    key_policy: KeyPolicy,
    credential: RoomCredential,
    usual: Option<&str>,
    how: SessionArguments,
    dir: DataDir,
) -> Result<SessionConfig, CommandError> {
    let identity = how.open_identity(&dir, usual)?;
    Ok(SessionConfig {
        server,
        room,
        identity,
        key_policy,
        credential,
        dir,
        hide_joins: how.hide_joins,
        replay_from: how.replay_from(),
        give_up: how.give_up,
        is_host: false,
        lines_taken: how.lines_taken,
    })
}
