//! Writes to stream BULK of a connection: its transfers in turn, a group of each.

use kabar_core::chat::{CHUNK_OVERHEAD, MAX_MESSAGE_LEN, MAX_TRANSFER_HEAD, TransferMessage};
use kabar_core::connection::StreamId;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::{READ_AHEAD, TURN};
use crate::hub::context::Context;
use crate::hub::counters::Counters;
use crate::hub::peer::Link;
use crate::hub::transfers::jobs::ContentTask;
use crate::hub::transfers::table::Transfers;
use crate::hub::transfers::transfer::{Outgoing, Reply, Stage};

/// Fills the send ring of stream BULK.
pub(in crate::hub) fn deliver<P: Provider>(now: Instant, context: &mut Context<P>, link: &mut Link<P>) {
    let connection = link.id;
    if !link.connection.is_taken(StreamId::Bulk) {
        return;
    }
    let Context { transfers, counters, .. } = context;
    while let Some((transfer, code)) = transfers.next_refusal(connection) {
        if !send(now, link, counters, &TransferMessage::Cancel { transfer, code, offset: 0 }) {
            return;
        }
        transfers.remove_refusal(connection);
    }
    loop {
        let mut has_sent = false;
        for key in transfers.keys_of(connection) {
            match deliver_one(now, transfers, counters, link, key) {
                Turn::Sent => has_sent = true,
                Turn::Nothing => continue,
                // Whoever waits for space longest is the next to get some.
                Turn::Full { has_sent: true } => return transfers.note_served(connection, key),
                Turn::Full { has_sent: false } => return,
            }
            transfers.note_served(connection, key);
        }
        if !has_sent {
            return;
        }
    }
}

/// What became of a transfer's turn.
enum Turn {
    Sent,
    /// It has nothing to send.
    Nothing,
    /// The ring is full, before or after it has sent something.
    Full {
        has_sent: bool,
    },
}

fn deliver_one<P: Provider>(
    now: Instant,
    transfers: &mut Transfers,
    counters: &mut Counters,
    link: &mut Link<P>,
    key: u64,
) -> Turn {
    let Some(transfer) = transfers.get_mut(key) else { return Turn::Nothing };
    let (number, mut has_sent) = (transfer.number, false);
    while let Some(reply) = transfer.replies.first().copied() {
        if !send(now, link, counters, &reply.message(number)) {
            return Turn::Full { has_sent };
        }
        (transfer.active_at, has_sent) = (now, true);
        transfer.replies.remove(0);
    }
    let stage = &mut transfer.stage;
    match stage {
        Stage::Over => {
            transfers.remove(key);
            return Turn::Sent;
        }
        Stage::Sending(outgoing) => {
            let sent = send_groups(now, link, counters, number, outgoing);
            let is_full = sent < TURN && !outgoing.unsent().is_empty();
            if sent > 0 {
                (transfer.active_at, has_sent) = (now, true);
            }
            read_ahead(transfers, key);
            if is_full {
                return Turn::Full { has_sent };
            }
        }
        _ => {}
    }
    if has_sent { Turn::Sent } else { Turn::Nothing }
}

/// Sends bytes of a download for one turn, as far as the ring has space. Returns their number.
fn send_groups<P: Provider>(
    now: Instant,
    link: &mut Link<P>,
    counters: &mut Counters,
    transfer: u32,
    outgoing: &mut Outgoing,
) -> usize {
    let longest = usize::from(link.message_limit).min(MAX_MESSAGE_LEN) - CHUNK_OVERHEAD;
    let mut sent = 0;
    while sent < TURN {
        let unsent = outgoing.unsent();
        let bytes = &unsent[..unsent.len().min(longest)];
        if bytes.is_empty() || !send(now, link, counters, &TransferMessage::Chunk { transfer, bytes }) {
            break;
        }
        sent += bytes.len();
        outgoing.sent += bytes.len();
    }
    sent
}

/// Has more bytes of a download read, or ends it after the last.
pub(super) fn read_ahead(transfers: &mut Transfers, key: u64) {
    let is_busy = transfers.is_busy(key);
    let Some(Stage::Sending(outgoing)) = transfers.get_mut(key).map(|it| &mut it.stage) else { return };
    if outgoing.is_last {
        if outgoing.unsent().is_empty() {
            transfers.end(key, Some(Reply::End));
        }
    } else if !is_busy && outgoing.unsent().len() < READ_AHEAD {
        transfers.begin_job(key, ContentTask::Read(READ_AHEAD));
    }
}

/// Writes a message, if the ring has space for it.
fn send<P: Provider>(now: Instant, link: &mut Link<P>, counters: &mut Counters, message: &TransferMessage<'_>) -> bool {
    let mut head = [0; MAX_TRANSFER_HEAD];
    let Ok(parts) = message.encode_parts(&mut head) else { return false };
    let was_sent = link.connection.send(now, StreamId::Bulk, &parts).is_ok();
    counters.messages_out += u64::from(was_sent);
    was_sent
}
