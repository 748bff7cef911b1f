//! Delivery to a connection: its memberships in turn, as far as its send ring has space.
//!
//! A membership whose turn ends because the ring is full or the budget is used up comes last the
//! next time. So a line in one room waits for at most one filling of the ring by each of the
//! others.

use kabar_core::chat::EndedCode;
use kabar_core::connection::StreamId;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::context::Context;
use super::peer::Peer;
use super::room::{Progress, Rooms};

/// Fills the send ring of a connection.
pub(super) fn deliver<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    // If the pool had no ring, the connection itself asks again soon, and delivery continues then.
    if peer.link.has_unsent() {
        if !peer.link.send_unsent(now, &mut context.counters) {
            return;
        }
        // It was not read meanwhile.
        context.turns.defer(&mut peer.link.turn);
    }
    // Memberships that had nothing, one after the other.
    let mut without_work = 0;
    while without_work < peer.memberships.placed() {
        without_work += 1;
        let Peer { link, memberships } = &mut *peer;
        let next = memberships.next().filter(|(_, member)| member.has_work());
        let Some((id, member)) = next else {
            memberships.end_turn();
            continue;
        };
        let space = link.connection.send_space(StreamId::Chat);
        let listed = rooms.deliver_list(now, context, link, member);
        let Some(room) = rooms.get_mut(id) else { return };
        let progress = if listed == Progress::Nothing { room.deliver(now, context, link, member) } else { listed };
        match progress {
            Progress::Done => without_work = 0,
            Progress::Nothing => {}
            Progress::Full => {
                if link.connection.send_space(StreamId::Chat) < space {
                    memberships.end_turn();
                }
                return;
            }
            Progress::Later => return memberships.end_turn(),
            Progress::Gone => {
                // It joins again: its Welcome states the first entry that is kept.
                room.end_membership(now, context, peer, EndedCode::GAP, "entries that you have not received are gone");
                without_work = 0;
                continue;
            }
        }
        memberships.end_turn();
    }
}
