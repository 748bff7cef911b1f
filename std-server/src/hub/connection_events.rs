//! Handles what happens on a connection: its events, the messages that become readable, and its
//! deadlines.

use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::connection::{Closed, ConnectionEvent};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::bulk;
use super::context::Context;
use super::events::LeaveReason;
use super::messages::read;
use super::peer::memberships::Stage;
use super::peer::{Peer, Phase};
use super::room::Rooms;
use super::room_id::RoomId;
use super::timers::Timer;

/// Finishes the turn of a connection that has nothing more to send now.
pub(super) fn settle<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    peer.link.turn.is_ready = false;
    peer.link.note_progress(now);
    drain_events(now, rooms, context, peer);
    // The reason is acknowledged: the connection can be closed (SPEC 5.7).
    if let Phase::Closing(code) = peer.link.phase
        && peer.memberships.loading.is_empty()
        && peer.link.connection.unacknowledged(StreamId::Chat) == 0
        && peer.link.connection.unacknowledged(StreamId::Bulk) == 0
    {
        peer.close(now, context, code, "");
    }
}

/// Handles the events of a connection after an authentic packet or a time-out.
pub(super) fn on_connection_input<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
) {
    drain_events(now, rooms, context, peer);
    // What arrived out of order is no event, and takes memory nevertheless.
    if !peer.memberships.was_member() {
        bulk::read(now, rooms, context, peer);
    }
    context.turns.mark_ready(&mut peer.link.turn);
}

fn drain_events<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    while let Some(event) = peer.link.connection.poll_event() {
        match event {
            ConnectionEvent::Readable(StreamId::Chat) => read(now, rooms, context, peer),
            ConnectionEvent::Readable(StreamId::Bulk) => bulk::read(now, rooms, context, peer),
            ConnectionEvent::Moved(to) => peer.on_moved(context, to),
            ConnectionEvent::Closed(ended) => on_closed(now, rooms, context, peer, ended),
            // Every acknowledgement makes the connection ready anyway.
            _ => {}
        }
    }
}

/// Handles the end of a connection.
fn on_closed<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    ended: Closed,
) {
    let (reason, silence) = match ended {
        Closed::ByPeer(CloseCode::LEFT) => (LeaveReason::Left, Duration::ZERO),
        Closed::Idle => {
            context.counters.classic_timed_out += u64::from(peer.link.connection.is_classic());
            (LeaveReason::Vanished, Duration::from_secs(u64::from(peer.link.idle_s)))
        }
        Closed::Locally(_) => (LeaveReason::Violation, Duration::ZERO),
        _ => (LeaveReason::Vanished, Duration::ZERO),
    };
    rooms.end_memberships(now, context, peer, reason, silence);
    peer.on_closed(context);
}

/// Handles the end of the time for a connection's phase.
pub(super) fn on_phase_timer<P: Provider>(now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) {
    // It may not know yet that the server has ended its membership.
    let is_informed =
        !peer.memberships.has_retired_handles() || peer.link.connection.unacknowledged(StreamId::Chat) == 0;
    match peer.link.phase {
        // Its Join may have arrived: it is the server that does not read it.
        Phase::Open if peer.link.turn.is_paused || !is_informed => {
            context.timers.set(Timer::Phase(peer.link.id), Some(now + context.config.limits.join_time));
        }
        Phase::Open | Phase::Closing(_) if !peer.memberships.loading.is_empty() => {
            context.timers.set(Timer::Phase(peer.link.id), Some(now + context.config.limits.join_time));
        }
        Phase::Open => {
            context.counters.not_joined += 1;
            peer.close(now, context, CloseCode::NOT_JOINED, "no join in time");
        }
        Phase::Closing(code) => {
            context.counters.refusals_unheard += 1;
            peer.close(now, context, code, "");
        }
        Phase::Closed => {}
    }
}

/// Handles the end of the time for a Join.
pub(super) fn on_join_timer<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    room: RoomId,
) {
    let Some(room) = rooms.get_mut(room) else { return };
    match peer.memberships.stage(room.id()) {
        Some(Stage::Checking) => room.on_password_timer(now, context, peer),
        Some(Stage::Waiting) => room.on_approval_timer(now, context, peer),
        Some(Stage::Joining | Stage::Member(_)) | None => {}
    }
}
