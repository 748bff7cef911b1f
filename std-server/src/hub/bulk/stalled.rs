//! Ends transfers whose clients do not do their part: senders that stop, receivers that do not
//! read. What an upload has proven stays, so it can go on later.

use kabar_core::chat::CancelCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use crate::hub::context::Context;
use crate::hub::peer::Peers;
use crate::hub::timers::Timer;
use crate::hub::transfers::transfer::{Reply, Stage, Transfer};

/// Ends the transfers that have made no progress for too long.
pub(in crate::hub) fn end_stalled<P: Provider>(now: Instant, peers: &mut Peers<P>, context: &mut Context<P>) {
    let patience = context.config.limits.transfer_time;
    for key in context.transfers.keys() {
        let is_busy = context.transfers.is_busy(key);
        let Some(transfer) = context.transfers.get(key) else { continue };
        if is_busy || !awaits_client(transfer) || now.saturating_since(transfer.active_at) < patience {
            continue;
        }
        context.counters.transfers_stalled += 1;
        let (connection, is_over) = (transfer.connection, matches!(transfer.stage, Stage::Over));
        let reply = Reply::Cancel { code: CancelCode::TRY_LATER, offset: 0 };
        context.transfers.end(key, (!is_over).then_some(reply));
        if let Some(peer) = peers.get_mut(connection) {
            context.turns.mark_ready(&mut peer.link.turn);
        }
    }
    watch(now, context);
}

/// Looks for transfers without progress again, as long as there are any transfers.
pub(in crate::hub) fn watch<P: Provider>(now: Instant, context: &mut Context<P>) {
    if context.transfers.is_empty() {
        context.timers.set(Timer::Transfers, None);
    } else {
        context.timers.set_if_unset(Timer::Transfers, now + context.config.limits.transfer_time);
    }
}

/// Whether its client is to act next: to send, or to take what is sent.
fn awaits_client(transfer: &Transfer) -> bool {
    match &transfer.stage {
        Stage::Receiving(incoming) => incoming.unstored.is_empty(),
        Stage::Sending(_) | Stage::Over => true,
        _ => false,
    }
}
