//! Invites in the data directory of a server that does not run. The caller holds its lock.

use std::collections::BTreeSet;

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use kabar_std::random::random_bytes;
use kabar_std::text::LineFormatter;

use super::super::CommandError;
use crate::config::Config;
use crate::console::invites::{InviteCommand, invite_text, list_invites};
use crate::console::unix_ms;
use crate::hub::Invites;
use crate::key_file::generate_secret;
use crate::store::{InviteRecord, ServerBatch, ServerState, SqliteStore, Store};

/// Executes a command; returns the lines to print. `secret`: that of the server's standing invite,
/// if it is in the data directory; `named`: the room that the command is about.
pub(super) fn execute(
    dir: &DataDir,
    config: &Config,
    like: &Invite,
    secret: Option<RoomSecret>,
    named: Option<&RoomName>,
    command: &InviteCommand,
) -> Result<Vec<String>, CommandError> {
    let mut store = SqliteStore::open(dir).map_err(CommandError::failed)?;
    let loaded = store.load_server().map_err(|error| CommandError::Failed(format!("history: {error}")))?;
    let mut invites = Invites::new(&loaded);
    let (now_ms, limit) = (unix_ms(), config.limits.invites);
    let room = named.unwrap_or(&like.room);
    let of_room = invites.standing(Some(room.as_str()));
    let is_known =
        |room: &str| loaded.rooms.iter().any(|it| it.record.name == room && !it.record.is_closed) || secret.is_some();
    if named.is_some_and(|room| !is_known(room.as_str())) {
        return Err(CommandError::Failed(format!("there is no room {room} here")));
    }
    // As the server does when it starts.
    let mut standing = of_room.clone().or_else(|| invites.standing(None));
    if let Some(secret) = &secret {
        standing = Some(invites.set_standing(now_ms, None, *secret.expose(), limit));
    }
    let lines = match command {
        InviteCommand::Show => standing.iter().map(|record| invite_text(like, record, room)).collect(),
        InviteCommand::RevokeStanding => {
            let (of, secret) = if of_room.is_some() {
                (Some(room.as_str()), random_bytes().map_err(CommandError::failed)?)
            } else if secret.is_some() {
                (None, *generate_secret(dir, &like.room).map_err(CommandError::failed)?.expose())
            } else {
                return Err(CommandError::Failed(format!("the room {room} has no standing invite")));
            };
            vec![invite_text(like, &invites.set_standing(now_ms, of, secret, limit), room)]
        }
        InviteCommand::List { with_secrets, as_json } => {
            let infos = invites.list(now_ms, |identity: &PublicIdentity| shown_name(&loaded, identity));
            let text = |record: &InviteRecord| invite_text(like, record, room);
            return Ok(list_invites(&LineFormatter::new(), infos, *with_secrets, *as_json, now_ms, text));
        }
        InviteCommand::New(terms) => {
            let secret: [u8; ROOM_SECRET_LEN] = random_bytes().map_err(CommandError::failed)?;
            let record = invites.add(now_ms, secret, terms.clone(), limit).map_err(CommandError::failed)?;
            vec![invite_text(like, &record, room)]
        }
        InviteCommand::Revoke(id) => {
            invites.revoke(*id).map_err(|error| CommandError::Failed(format!("invite {id}: {error}")))?;
            vec![format!("invite {id} is revoked")]
        }
    };
    let mut batch = ServerBatch::default();
    invites.write(now_ms, &BTreeSet::new(), &mut batch);
    store.commit(&batch.into()).map_err(|error| CommandError::Failed(format!("history: {error}")))?;
    Ok(lines)
}

/// The name that an identity used last, or else its fingerprint.
fn shown_name(loaded: &ServerState, identity: &PublicIdentity) -> String {
    let owned = loaded.names.iter().filter(|record| record.identity == *identity);
    let last = owned.max_by_key(|record| record.seen_ran_ms);
    last.map_or_else(|| Fingerprint::of_identity(identity).to_string(), |record| record.name.clone())
}
