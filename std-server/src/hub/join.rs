//! Join (SPEC 6.2), as far as it does not depend on the room: its signature, its rate, and in how
//! many rooms the connection is.

use kabar_core::chat::message::join_statement;
use kabar_core::chat::{Join, RefusedCode};
use kabar_core::connection::CloseCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::context::Context;
use super::loads::LoadResult;
use super::peer::loading::LoadingJoin;
use super::peer::memberships::Stage;
use super::peer::{Peer, Phase};
use super::room::{Found, Handled, JoinError, Rooms, refuse_unknown};

/// Length of the statement that a Join signs, with the longest name of a room.
const STATEMENT_LEN: usize = 11 + 32 + 32 + 255;

/// Handles a Join. Only the messages after it wait for the rate of its identity; those of other
/// rooms wait neither for its room to be loaded nor for its answer.
pub(super) fn on_join<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    join: &Join<'_>,
) -> Handled {
    let is_same = *peer.link.identity.get_or_insert(join.identity) == join.identity;
    // A refused connection may join another room before it is closed (SPEC 6.3).
    if peer.link.phase == Phase::Closing(CloseCode::REFUSED) && (!is_same || peer.link.endings.contains(join.room)) {
        return Handled::Defer;
    }
    if peer.memberships.loading.contains(join.room) {
        return Handled::Defer;
    }
    let id = rooms.id_of(join.room);
    // SPEC 6.2
    match id.and_then(|id| peer.memberships.stage(id)) {
        Some(Stage::Member(_)) => return Handled::Violation,
        // It is one once the first Join is answered, as if it had arrived then (SPEC 6.1).
        Some(Stage::Checking | Stage::Waiting | Stage::Joining) => return Handled::Defer,
        None if !is_same => return Handled::Violation,
        None => {}
    }
    match check(peer, join, context.config.limits.rooms_per_member) {
        Err((code, text)) => {
            context.counters.rooms_per_member_full += u64::from(code == RefusedCode::ROOM_FULL);
            peer.refuse(now, context, join.room, join.name, code, &text);
        }
        Ok(_) if !take_token(now, context, peer, join) => return Handled::Defer,
        Ok(exporter) => find_room(now, rooms, context, peer, join, &exporter, None),
    }
    Handled::Done
}

/// The load that a Join waits for is done.
pub(super) fn on_room_loaded<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    name: &str,
    result: LoadResult,
) {
    let loading = peer.memberships.loading.take(name);
    let Some(join) = loading.as_ref().and_then(LoadingJoin::join) else { return };
    let Some(exporter) = peer.link.connection.exporter().copied() else { return };
    find_room(now, rooms, context, peer, &join, &exporter, Some(result));
    rooms.repeat_renames(context);
}

/// Passes a Join to its room, if that is in memory or was loaded with this result.
fn find_room<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    join: &Join<'_>,
    exporter: &[u8; 32],
    result: Option<LoadResult>,
) {
    let (code, text) = match rooms.find(join.room, result) {
        Found::Room(room) if result.is_some() || room.exists_for(context, join, exporter) => {
            return room.on_join(now, context, peer, join);
        }
        // Whether a private room exists shows neither in the answer nor in the time for it.
        Found::Room(_) | Found::Later => return peer.begin_loading(context, join),
        Found::Unknown => refuse_unknown(context, join, exporter),
        Found::Unreadable => (RefusedCode::TRY_LATER, "the server cannot read the room at the moment".into()),
    };
    peer.refuse(now, context, join.room, join.name, code, &text);
}

/// Returns the exporter of the connection.
fn check<P: Provider>(peer: &Peer<P>, join: &Join<'_>, limit: usize) -> Result<[u8; 32], JoinError> {
    let Some(exporter) = peer.link.connection.exporter() else { return Err((RefusedCode::TRY_LATER, "".into())) };
    // SPEC 6.2
    let mut statement = [0; STATEMENT_LEN];
    let len = join_statement(exporter, &join.identity, join.room, &mut statement).unwrap_or_default();
    if !join.identity.verify(&statement[..len], &join.signature) {
        return Err((RefusedCode::SIGNATURE, "the signature does not verify".into()));
    }
    if peer.memberships.len() >= limit {
        return Err((
            RefusedCode::ROOM_FULL,
            "you are in as many rooms as this server permits; leave one of them".into(),
        ));
    }
    Ok(*exporter)
}

/// Takes a token of the identity's rate. The first Joins of a connection for different rooms need
/// one together. `false`: there is none, and the Join is read again later.
fn take_token<P: Provider>(now: Instant, context: &mut Context<P>, peer: &mut Peer<P>, join: &Join<'_>) -> bool {
    if peer.link.is_counted && !peer.link.endings.contains(join.room) {
        return true;
    }
    if !context.people.visits.take_join(now, join.identity) {
        context.counters.joins_held += 1;
        peer.link.read_later(context, now + context.people.visits.join_interval());
        return false;
    }
    peer.link.is_counted = true;
    true
}
