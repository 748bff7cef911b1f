//! Reads the messages of a connection and hands them to its room (SPEC 6.1 to 6.3).

use kabar_core::chat::{ClientMessage, Join};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::context::Context;
use super::events::LeaveReason;
use super::peer::{Malformed, Peer, Phase};
use super::room::{Handled, Room, Rooms};
use super::timers::Timer;

/// Handles all messages of a connection that can be handled now, within its budget.
pub(super) fn read<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    // A message that exceeded its rate is not read again before its time.
    if peer.turn.is_held {
        return;
    }
    let mut buffer = core::mem::take(&mut context.message);
    while peer.is_readable() && !context.is_stopping {
        let len = match peer.peek_message(&mut buffer) {
            Ok(Some(len)) => len,
            Ok(None) => break,
            Err(Malformed) => {
                close_for_violation(now, rooms, context, peer);
                break;
            }
        };
        let limit = context.config.limits.unfinished_bytes;
        if context.commits.unfinished_bytes() >= limit {
            context.turns.pause(&mut peer.turn, &mut context.counters);
            break;
        }
        if !context.has_work(&mut peer.turn) {
            break;
        }
        let handled = handle(now, rooms, context, peer, buffer.get(2..len).unwrap_or_default());
        rooms.repeat_renames(context);
        match handled {
            Handled::Done => {}
            Handled::Defer => break,
            Handled::Violation => {
                close_for_violation(now, rooms, context, peer);
                break;
            }
        }
        context.counters.messages_in += 1;
        peer.connection.consume(StreamId::Chat, len);
        peer.turn.spend_work();
        context.turns.mark_ready(&mut peer.turn);
    }
    context.message = buffer;
}

/// Handles one message (SPEC 6.2, 6.3).
fn handle<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    message: &[u8],
) -> Handled {
    let message = match ClientMessage::decode(message) {
        Ok(Some(message)) => message,
        // SPEC 6.1: unknown types are skipped.
        Ok(None) => return Handled::Done,
        Err(_) => return Handled::Violation,
    };
    match message {
        ClientMessage::Join(join) => on_join(now, rooms, context, peer, &join),
        ClientMessage::Post(post) => {
            let Some(room) = room_of(rooms, peer, post.handle) else { return Handled::Violation };
            room.on_post(now, context, peer, &post)
        }
        ClientMessage::Request { handle, request } => {
            let Some(room) = room_of(rooms, peer, handle) else { return Handled::Violation };
            room.on_request(now, context, peer, request)
        }
        ClientMessage::Leave { handle } => {
            let Some(room) = room_of(rooms, peer, handle) else { return Handled::Violation };
            room.remove_member(now, context, peer, LeaveReason::Left);
            peer.set_phase(context, Phase::Unjoined);
            context.timers.set(Timer::Phase(peer.id), Some(now + context.config.limits.join_time));
            Handled::Done
        }
    }
}

/// The room that the connection is in, if it is the one with this handle. A message for another
/// room, or one that comes too early or too late, is a violation.
fn room_of<'a, P: Provider>(rooms: &'a mut Rooms, peer: &Peer<P>, handle: u8) -> Option<&'a mut Room> {
    rooms.get_mut(peer.member()?.room).filter(|room| room.handle() == handle)
}

fn on_join<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    join: &Join<'_>,
) -> Handled {
    // SPEC 6.2
    if !matches!(peer.phase, Phase::Unjoined) || *peer.identity.get_or_insert(join.identity) != join.identity {
        return Handled::Violation;
    }
    if let Some(room) = rooms.named_mut(join.room) {
        return room.on_join(now, context, peer, join);
    }
    context.refuse_unknown_room(now, peer, join);
    Handled::Done
}

/// Closes a connection whose message is malformed or not allowed (SPEC 6.1).
fn close_for_violation<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    context.counters.broken_messages += 1;
    rooms.remove_member(now, context, peer, LeaveReason::Violation, Duration::ZERO);
    peer.close(now, context, CloseCode::MESSAGE, "");
}
