//! Handles what happens on a connection: its events, the messages that become readable, and the
//! deadlines of its phase.

use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::connection::{Closed, ConnectionEvent};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::context::Context;
use super::events::LeaveReason;
use super::messages::read;
use super::peer::{Peer, Phase};
use super::room::Rooms;
use super::timers::Timer;

/// Finishes the turn of a connection that has nothing more to send now.
pub(super) fn settle<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    peer.turn.is_ready = false;
    peer.note_progress(now);
    drain_events(now, rooms, context, peer);
    // The reason is acknowledged: the connection can be closed (SPEC 5.7).
    if let Phase::Refused(code) = peer.phase
        && peer.connection.unacknowledged(StreamId::Chat) == 0
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
    context.turns.mark_ready(&mut peer.turn);
}

fn drain_events<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    while let Some(event) = peer.connection.poll_event() {
        match event {
            ConnectionEvent::Readable(StreamId::Chat) => read(now, rooms, context, peer),
            ConnectionEvent::Moved(to) => peer.on_moved(context, to),
            ConnectionEvent::Closed(ended) => on_closed(now, rooms, context, peer, ended),
            // Every acknowledgement makes the connection ready anyway; BULK is closed.
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
        Closed::Idle => (LeaveReason::Vanished, Duration::from_secs(u64::from(peer.idle_s))),
        Closed::Locally(_) => (LeaveReason::Violation, Duration::ZERO),
        _ => (LeaveReason::Vanished, Duration::ZERO),
    };
    rooms.remove_member(now, context, peer, reason, silence);
    peer.set_phase(context, Phase::Closed);
    context.timers.set(Timer::Phase(peer.id), None);
    context.turns.mark_ready(&mut peer.turn);
}

/// Handles the end of the time for a connection's phase.
pub(super) fn on_phase_timer<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
) {
    match peer.phase {
        // Its Join may have arrived: it is the server that does not read it.
        Phase::Unjoined if peer.turn.is_paused || context.loads.is_waiting(peer.id) => {
            context.timers.set(Timer::Phase(peer.id), Some(now + context.config.limits.join_time));
        }
        Phase::Unjoined => {
            context.counters.not_joined += 1;
            peer.close(now, context, CloseCode::NOT_JOINED, "no join in time");
        }
        Phase::Checking(_) => context.on_password_timer(now, peer),
        Phase::Waiting(room) => {
            if let Some(room) = rooms.get_mut(room) {
                room.on_approval_timer(now, context, peer);
            }
        }
        Phase::Refused(code) => {
            context.counters.refusals_unheard += 1;
            peer.close(now, context, code, "");
        }
        Phase::Joining(_) | Phase::Member(_) | Phase::Closed => {}
    }
}
