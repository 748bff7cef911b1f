//! Reads the messages of a connection and hands them to its room (SPEC 6.1 to 6.3).

use kabar_core::chat::{ClientMessage, Post};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::context::Context;
use super::events::LeaveReason;
use super::join::on_join;
use super::peer::memberships::Memberships;
use super::peer::{Malformed, Peer, Phase};
use super::room::{Handled, Rooms};

/// Handles all messages of a connection that can be handled now, within its budget.
pub(super) fn read<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    // A message that exceeded its rate is not read again before its time.
    if peer.link.turn.is_held {
        return;
    }
    let mut buffer = core::mem::take(&mut context.message);
    while peer.link.is_readable() && !context.is_stopping {
        let len = match peer.link.peek_message(StreamId::Chat, &mut buffer) {
            Ok(Some(len)) => len,
            Ok(None) => break,
            Err(Malformed) if peer.link.phase == Phase::Open => {
                close_for_violation(now, rooms, context, peer);
                break;
            }
            Err(Malformed) => break,
        };
        let limit = context.config.limits.unfinished_bytes;
        if context.commits.unfinished_bytes() >= limit {
            context.turns.pause(&mut peer.link.turn, &mut context.counters);
            break;
        }
        if !context.has_work(&mut peer.link.turn) {
            break;
        }
        let handled = handle(now, rooms, context, peer, buffer.get(2..len).unwrap_or_default());
        rooms.repeat_renames(context);
        peer.link.awaits_answer = handled == Handled::Defer;
        match handled {
            Handled::Done => {}
            Handled::Defer => break,
            Handled::Violation => {
                close_for_violation(now, rooms, context, peer);
                break;
            }
        }
        context.counters.messages_in += 1;
        peer.link.connection.consume(StreamId::Chat, len);
        peer.link.turn.spend_work();
        context.turns.mark_ready(&mut peer.link.turn);
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
        Ok(Some(ClientMessage::Join(join))) => return on_join(now, rooms, context, peer, &join),
        // Only a Join keeps a refused connection from being closed.
        _ if peer.link.phase != Phase::Open => return Handled::Defer,
        Ok(Some(message)) => message,
        // SPEC 6.1: unknown types are skipped.
        Ok(None) => return Handled::Done,
        Err(_) => return Handled::Violation,
    };
    let handle = match message {
        ClientMessage::Join(_) => return Handled::Done,
        ClientMessage::Post(post) => post.handle,
        ClientMessage::Request { handle, .. } | ClientMessage::Leave { handle } => handle,
    };
    let faults = context.config.faults();
    let Peer { link, memberships } = peer;
    let counted = if faults.count_numbers_together() { highest_elsewhere(rooms, memberships, handle) } else { 0 };
    let first = memberships.members().next().map(|member| member.handle);
    let is_post = matches!(message, ClientMessage::Post(_));
    let handle = first.filter(|_| is_post && faults.post_to_first_room()).unwrap_or(handle);
    let Some((id, member)) = memberships.by_handle(handle) else { return without_room(peer) };
    let Some(room) = rooms.get_mut(id) else { return Handled::Violation };
    match message {
        ClientMessage::Join(_) => Handled::Done,
        ClientMessage::Post(post) if (1..=counted).contains(&post.number) => {
            member.due.stored = Some((post.number, 0));
            Handled::Done
        }
        ClientMessage::Post(post) => {
            let instance = if faults.post_to_first_room() { member.instance } else { post.instance };
            room.on_post(now, context, link, member, &Post { instance, ..post })
        }
        ClientMessage::Request { request, .. } => room.on_request(now, context, link, member, request),
        ClientMessage::Leave { .. } => {
            room.remove_member(now, context, peer, LeaveReason::Left, Duration::ZERO);
            Handled::Done
        }
    }
}

/// The highest number that is stored in the other rooms of a connection.
fn highest_elsewhere(rooms: &Rooms, memberships: &mut Memberships, handle: u8) -> u64 {
    let others = memberships.members_mut().filter(|(_, member)| member.handle != handle);
    others.filter_map(|(id, member)| Some(rooms.get(id)?.highest_number(member.instance))).max().unwrap_or_default()
}

/// A message with a handle that names no room of the connection (SPEC 6.2, 6.3).
fn without_room<P: Provider>(peer: &Peer<P>) -> Handled {
    match peer {
        // Its client does not know yet that the server has ended a membership.
        _ if peer.memberships.has_retired_handles() => Handled::Done,
        // It may have the handle of the next Welcome, as if it had arrived after that (SPEC 6.1).
        _ if peer.memberships.has_join() => Handled::Defer,
        _ => Handled::Violation,
    }
}

/// Closes a connection whose message is malformed or not allowed (SPEC 6.1).
pub(super) fn close_for_violation<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
) {
    context.counters.broken_messages += 1;
    rooms.end_memberships(now, context, peer, LeaveReason::Violation, Duration::ZERO);
    peer.close(now, context, CloseCode::MESSAGE, "");
}
