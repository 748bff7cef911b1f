//! Invites in the data directory of a server that does not run. The caller holds its lock.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::Invite;
use kabar_std::random::random_bytes;
use kabar_std::text::LineFormatter;

use super::super::CommandError;
use crate::config::Config;
use crate::console::invites::{InviteCommand, describe_invite, invite_text};
use crate::hub::Invites;
use crate::key_file::generate_secret;
use crate::store::{InviteRecord, ServerBatch, SqliteStore, Store};

/// Executes a command; returns the lines to print.
pub(super) fn execute(
    dir: &DataDir,
    config: &Config,
    standing: &Invite,
    command: &InviteCommand,
) -> Result<Vec<String>, CommandError> {
    let mut store = SqliteStore::open(dir).map_err(CommandError::failed)?;
    let loaded = store.load_server().map_err(|error| CommandError::Failed(format!("history: {error}")))?;
    let mut invites = Invites::new(&loaded);
    let (now_ms, limit) = (unix_ms(), config.limits.invites);
    // As the server does when it starts.
    let mut secret = standing.secret.clone();
    if *command == InviteCommand::RevokeStanding {
        secret = generate_secret(dir, &standing.room).map_err(CommandError::failed)?;
    }
    invites.set_standing(now_ms, None, *secret.expose(), limit);
    let lines = match command {
        InviteCommand::Show | InviteCommand::RevokeStanding => vec![invite_text(standing, secret.expose())],
        InviteCommand::List { with_secrets } => {
            let lines = LineFormatter::new();
            let show = |info| {
                let text = shown_text(standing, &info, *with_secrets);
                [describe_invite(&lines, &info)].into_iter().chain(text)
            };
            return Ok(invites.list(now_ms).into_iter().flat_map(show).collect());
        }
        InviteCommand::New(terms) => {
            let secret: [u8; ROOM_SECRET_LEN] = random_bytes().map_err(CommandError::failed)?;
            let InviteRecord { secret, .. } =
                invites.add(now_ms, secret, terms.clone(), limit).map_err(CommandError::failed)?;
            vec![invite_text(standing, &secret)]
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

fn shown_text(like: &Invite, info: &crate::hub::InviteInfo, with_secrets: bool) -> Option<String> {
    let is_shown = with_secrets && info.state == crate::store::InviteState::InForce;
    is_shown.then(|| invite_text(like, &info.record.secret))
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
