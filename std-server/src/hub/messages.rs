//! The messages of a connection: read from its stream and handed to its room (SPEC 6.1 to 6.3).

use kabar_core::chat::{ClientMessage, RefusedCode};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::context::Context;
use super::events::LeaveReason;
use super::peer::{Malformed, Peer, Phase};
use super::room::{Handled, Rooms};
use super::timers::Timer;

/// Handles all messages of a connection that can be handled now, within its budget.
pub(super) fn read<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    // A Join that came too early is not looked at again before its time.
    if matches!(peer.phase, Phase::Unjoined) && context.timers.get(&Timer::Join(peer.id)).is_some() {
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
        if rooms.is_saturated(limit) {
            context.turns.pause(&mut peer.turn, &mut context.counters);
            break;
        }
        if !context.has_work(&mut peer.turn) {
            break;
        }
        match handle(now, rooms, context, peer, buffer.get(2..len).unwrap_or_default()) {
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
    if let ClientMessage::Join(join) = &message {
        // SPEC 6.2
        if !matches!(peer.phase, Phase::Unjoined) || *peer.identity.get_or_insert(join.identity) != join.identity {
            return Handled::Violation;
        }
        if let Some(room) = rooms.named_mut(join.room) {
            return room.on_join(now, context, peer, join);
        }
        context.timers.set(Timer::Phase(peer.id), None);
        peer.refuse(now, context, join.name, RefusedCode::UNKNOWN_ROOM, "there is no such room here");
        return Handled::Done;
    }
    // Too early, or too late.
    let Some(room) = peer.member().and_then(|member| rooms.get_mut(member.room)) else { return Handled::Violation };
    match message {
        ClientMessage::Post(post) if post.handle == room.handle() => room.on_post(now, context, peer, &post),
        ClientMessage::ListMembers { handle } if handle == room.handle() => room.on_list_members(peer),
        ClientMessage::History { handle, before, count } if handle == room.handle() => {
            room.on_history(peer, before, count)
        }
        ClientMessage::Leave { handle } if handle == room.handle() => {
            room.remove_member(now, context, peer, LeaveReason::Left);
            peer.set_phase(context, Phase::Unjoined);
            context.timers.set(Timer::Phase(peer.id), Some(now + context.config.limits.join_time));
            Handled::Done
        }
        // About a room that it is not in.
        _ => Handled::Violation,
    }
}

/// A message broke its rules (SPEC 6.1).
fn close_for_violation<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    context.counters.broken_messages += 1;
    rooms.remove_member(now, context, peer, LeaveReason::Violation, Duration::ZERO);
    peer.close(now, context, CloseCode::MESSAGE, "");
}
