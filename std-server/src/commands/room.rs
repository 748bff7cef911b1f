//! `kabar-server room`: lists, creates, changes and closes rooms, also while no server runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use kabar_core::chat::EntryKind;
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, LockError, SERVER_LOCK};
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use kabar_std::output::remark;
use kabar_std::random::random_bytes;

use super::invite::find_places;
use super::{CommandError, PROGRAM, ctl, print};
use crate::config::{Config, StorageArgs};
use crate::console::invites::invite_text;
use crate::console::rooms::{ARGUMENTS, RoomCommand, describe_room};
use crate::console::unix_ms;
use crate::hub::{Invites, OperatorError, RESERVED_ROOMS, RoomChange, RoomInfo};
use crate::key_file::load_key;
use crate::store::{
    Commit, InviteRecord, LogEntry, RoomBatch, RoomRecord, RoomSummary, ServerBatch, ServerState, SqliteStore, Store,
    Visibility,
};

/// Arguments of `room`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "kabar-server room [OPTIONS] list\n       \
kabar-server room [OPTIONS] add NAME [private] [TOPIC]...\n       \
kabar-server room [OPTIONS] set NAME topic|open|private|keep-age|keep-entries|keep-bytes [VALUE]...\n       \
kabar-server room [OPTIONS] close NAME",
    after_help = "An open room takes every member of the server; a private one only those who have an invite of that room: \
`kabar-server invite --room NAME`. What is kept of a room's log is a time (30d), a number or a size (64MiB), `off`, or `default` for \
the server's own setting. A closed room keeps its log, and `add` opens it again. A running server does this at once."
)]
pub struct Arguments {
    #[command(flatten)]
    storage: StorageArgs,

    /// What to do, and with which room.
    #[arg(value_name = "COMMAND", required = true)]
    command: Vec<String>,
}

/// Executes the command.
///
/// # Errors
/// [`CommandError`].
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let text = arguments.command.join(" ");
    let usage = || CommandError::Usage(format!("usage: {PROGRAM} room{ARGUMENTS}"));
    let command = RoomCommand::parse(&text).ok_or_else(usage)?;
    let config = arguments.storage.resolve().map_err(CommandError::Usage)?;
    if !config.data_dir.is_dir() {
        let path = config.data_dir.display();
        return Err(CommandError::Failed(format!("no server has run in {path} yet: start {PROGRAM} there once")));
    }
    let dir = DataDir::open(&config.data_dir).map_err(CommandError::failed)?;
    let lines = match dir.lock(SERVER_LOCK) {
        Ok(_held) => {
            let is_change = command != RoomCommand::List;
            let lines = execute(&dir, &config, command)?;
            if is_change {
                remark(&format!("{PROGRAM}: no server runs here: it is in effect when the server is started"));
            }
            lines
        }
        Err(LockError::Held(_)) => ctl::ask(dir.path(), None, &format!("room {text}"))?,
        Err(LockError::File(error)) => return Err(CommandError::failed(error)),
    };
    print(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes())
}

/// Executes a command on the data directory of a server that does not run. The caller holds its
/// lock.
fn execute(dir: &DataDir, config: &Config, command: RoomCommand) -> Result<Vec<String>, CommandError> {
    let mut store = SqliteStore::open(dir).map_err(CommandError::failed)?;
    let loaded = store.load_server().map_err(|error| CommandError::Failed(format!("history: {error}")))?;
    let refused = |name: &str, why: OperatorError| CommandError::Failed(format!("room {name}: {why}"));
    let known = |name: &str| loaded.rooms.iter().find(|room| room.record.name == name);
    let open = |name: &str| {
        let room = known(name).filter(|room| !room.record.is_closed);
        room.cloned().ok_or_else(|| refused(name, OperatorError::NoSuchRoom))
    };
    let mut invite = None;
    let (name, done, commit) = match command {
        RoomCommand::List => return Ok(loaded.rooms.iter().map(|room| describe_room(&info(room))).collect()),
        RoomCommand::Add { name, visibility, topic } => {
            let closed = known(name.as_str()).cloned();
            let record = match closed.as_ref().map(|room| room.record.clone()) {
                Some(RoomRecord { is_closed: false, .. }) => {
                    return Err(refused(name.as_str(), OperatorError::RoomExists));
                }
                None if RESERVED_ROOMS.contains(&name.as_str()) => {
                    return Err(refused(name.as_str(), OperatorError::ReservedName));
                }
                None if loaded.rooms.len() >= config.limits.rooms => {
                    return Err(refused(name.as_str(), OperatorError::TooManyRooms));
                }
                None => RoomRecord { created_ms: Some(unix_ms()), ..RoomRecord::named(name.as_str()) },
                Some(closed) => closed,
            };
            // SPEC 6.3: one that was there before states the change of its topic.
            let entry = closed.filter(|_| record.topic != topic).map(|room| topic_entry(room.head + 1, &topic));
            let record = RoomRecord { visibility, topic, is_closed: false, ..record };
            let mut batch = server(vec![record]);
            if visibility == Visibility::Private {
                // Nobody finds it without.
                invite = begin_invites(dir, config, &loaded, &name, &mut batch)?;
            }
            (name, "is open now", commit_of(batch, entry))
        }
        RoomCommand::Set { name, change } => {
            let RoomSummary { mut record, head, .. } = open(name.as_str())?;
            let is_topic = matches!(change, RoomChange::Topic(_));
            change.apply(&mut record);
            let entry = is_topic.then(|| topic_entry(head + 1, &record.topic));
            (name, "is changed", commit_of(server(vec![record]), entry))
        }
        RoomCommand::Close { name } if name == config.room => {
            return Err(refused(name.as_str(), OperatorError::FirstRoom));
        }
        RoomCommand::Close { name } => {
            let record = RoomRecord { is_closed: true, ..open(name.as_str())?.record };
            let invites = ended_invites(&loaded, name.as_str());
            (name, "is closed; its log stays", commit_of(ServerBatch { invites, ..server(vec![record]) }, None))
        }
    };
    store.commit(&commit).map_err(CommandError::failed)?;
    Ok([format!("room {name} {done}")].into_iter().chain(invite).collect())
}

fn info(room: &RoomSummary) -> RoomInfo {
    RoomInfo { record: room.record.clone(), first: room.first, head: room.head, members: 0 }
}

fn server(rooms: Vec<RoomRecord>) -> ServerBatch {
    ServerBatch { rooms, ..ServerBatch::default() }
}

/// A commit of a changed room, with the entry about the change, if there is one.
fn commit_of(server: ServerBatch, entry: Option<LogEntry>) -> Commit {
    let room = server.rooms.first().map(|record| record.name.clone()).unwrap_or_default();
    let batch = entry.map(|entry| RoomBatch { room, entries: vec![entry], ..RoomBatch::default() });
    Commit { rooms: batch.into_iter().map(Arc::new).collect(), ..server.into() }
}

/// Writes the standing invite of a private room into the batch. Returns its text; `None`: the
/// address of the server is not known before it starts.
fn begin_invites(
    dir: &DataDir,
    config: &Config,
    loaded: &ServerState,
    room: &RoomName,
    batch: &mut ServerBatch,
) -> Result<Option<String>, CommandError> {
    let mut invites = Invites::new(loaded);
    let now_ms = unix_ms();
    let secret = random_bytes().map_err(CommandError::failed)?;
    let standing = invites.standing(Some(room.as_str()));
    let record =
        standing.unwrap_or_else(|| invites.set_standing(now_ms, Some(room.as_str()), secret, config.limits.invites));
    invites.write(now_ms, &BTreeSet::new(), batch);
    let key = load_key(dir).map_err(CommandError::failed)?;
    let (Some(key), Ok(places)) = (key, find_places(dir, config)) else { return Ok(None) };
    let (fingerprint, secret) = (Fingerprint::of_modulus(key.modulus()), RoomSecret::new(record.secret));
    let like = Invite { places, room: room.clone(), fingerprint, secret };
    Ok(Some(invite_text(&like, &record, room)))
}

/// The entry about a new topic that was set where the server runs.
fn topic_entry(seq: u64, topic: &str) -> LogEntry {
    let author = "server".to_owned();
    let body = topic.as_bytes().to_vec();
    LogEntry { seq, time_ms: unix_ms(), author, instance: 0, number: 0, kind: EntryKind::TOPIC, body }
}

/// The invites of a room, which end.
fn ended_invites(loaded: &ServerState, room: &str) -> Vec<InviteRecord> {
    let of_room = loaded.invites.iter().filter(|it| it.room.as_deref() == Some(room) && !it.is_revoked);
    of_room.map(|it| InviteRecord { is_revoked: true, ..it.clone() }).collect()
}
