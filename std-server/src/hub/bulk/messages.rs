//! Reads the messages on stream BULK of a connection (SPEC 6.8).

use kabar_core::chat::{CancelCode, TransferMessage};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::content::{GroupRange, OutOfRange, Root};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::{COLLECTED, STORED};
use crate::hub::context::Context;
use crate::hub::messages::close_for_violation;
use crate::hub::peer::pool::Pooled;
use crate::hub::peer::{Malformed, Peer, Phase};
use crate::hub::room::{Handled, Rooms};
use crate::hub::room_id::RoomId;
use crate::hub::transfers::jobs::{ContentTask, IndexJob};
use crate::hub::transfers::table::NewTransfer;
use crate::hub::transfers::transfer::{Content, Incoming, Reply, Stage};
use crate::store::Offer;

/// Handles all messages on stream BULK that can be handled now, within the budget of the
/// connection.
pub(in crate::hub) fn read<P: Provider>(now: Instant, rooms: &mut Rooms, context: &mut Context<P>, peer: &mut Peer<P>) {
    // SPEC 6.8: memory for transfers is for members only.
    if !peer.memberships.was_member() {
        if peer.link.phase == Phase::Open && peer.link.connection.memory().is_some_and(Pooled::holds_bulk) {
            close_for_violation(now, rooms, context, peer);
        }
        return;
    }
    let mut buffer = core::mem::take(&mut context.message);
    while peer.link.phase == Phase::Open && !context.is_stopping {
        let handled = match peer.link.peek_message(StreamId::Bulk, &mut buffer) {
            Ok(None) => break,
            Ok(Some(_)) if !context.has_work(&mut peer.link.turn) => break,
            Ok(Some(len)) => {
                let message = TransferMessage::decode(buffer.get(2..len).unwrap_or_default());
                let handled = message.map_or(Handled::Violation, |it| handle(now, rooms, context, peer, it));
                if handled == Handled::Done {
                    context.counters.messages_in += 1;
                    peer.link.connection.consume(StreamId::Bulk, len);
                    peer.link.turn.spend_work();
                    context.turns.mark_ready(&mut peer.link.turn);
                }
                handled
            }
            Err(Malformed) => Handled::Violation,
        };
        match handled {
            Handled::Done => {}
            Handled::Defer => break,
            Handled::Violation => {
                close_for_violation(now, rooms, context, peer);
                break;
            }
        }
    }
    context.message = buffer;
}

/// Handles one message. `None`: its type is unknown.
fn handle<P: Provider>(
    now: Instant,
    rooms: &Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    message: Option<TransferMessage<'_>>,
) -> Handled {
    match message {
        Some(TransferMessage::Put { transfer, handle, root, size }) => {
            put(now, rooms, context, peer, transfer, handle, Content { root, size })
        }
        Some(TransferMessage::Get { transfer, handle, root, offset, length }) => {
            get(now, rooms, context, peer, transfer, handle, root, (offset, length))
        }
        Some(TransferMessage::Chunk { transfer, bytes }) => chunk(now, context, peer.link.id, transfer, bytes),
        Some(TransferMessage::End { transfer }) => end(context, peer.link.id, transfer),
        Some(TransferMessage::Cancel { transfer, .. }) => cancel(context, peer.link.id, transfer),
        Some(TransferMessage::PutAt { .. } | TransferMessage::GetAt { .. }) | None => Handled::Done,
    }
}

/// Whether a new transfer may begin: the room of its handle, or why not.
fn admit<P: Provider>(
    rooms: &Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    handle: u8,
    is_upload: bool,
) -> Result<RoomId, CancelCode> {
    let (room, member) = peer.memberships.by_handle(handle).ok_or(CancelCode::NOT_PERMITTED)?;
    if is_upload && rooms.get(room).is_none_or(|room| room.is_muted(member.identity)) {
        return Err(CancelCode::NOT_PERMITTED);
    }
    if context.transfers.is_full_for(peer.link.id, is_upload) {
        return Err(CancelCode::TRY_LATER);
    }
    if context.transfers.len() >= context.config.limits.transfers {
        context.counters.transfers_full += 1;
        return Err(CancelCode::TRY_LATER);
    }
    Ok(room)
}

fn refuse<P: Provider>(context: &mut Context<P>, connection: u32, number: u32, code: CancelCode) -> Handled {
    if context.transfers.refuse(connection, number, code) { Handled::Done } else { Handled::Defer }
}

fn put<P: Provider>(
    now: Instant,
    rooms: &Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    number: u32,
    handle: u8,
    content: Content,
) -> Handled {
    let connection = peer.link.id;
    if context.transfers.key_of(connection, number).is_some() {
        return Handled::Violation;
    }
    let room = match admit(rooms, context, peer, handle, true) {
        Ok(room) => room,
        Err(code) => return refuse(context, connection, number, code),
    };
    let stage = Stage::Reserving;
    let key = context.transfers.insert(now, NewTransfer { connection, number, room, content, is_upload: true, stage });
    reserve(now, context, peer, key);
    Handled::Done
}

/// Reserves the space of an upload.
pub(super) fn reserve<P: Provider>(now: Instant, context: &mut Context<P>, peer: &Peer<P>, key: u64) {
    let now_ms = context.wall_ms(now);
    let quota = context.config.limits.file_quota();
    let Some((transfer, owner)) = context.transfers.get_mut(key).zip(peer.link.identity) else { return };
    transfer.stage = Stage::Reserving;
    let Content { root, size } = transfer.content;
    let offer = Offer { root, size, owner, now_ms };
    context.transfers.begin_index_job(IndexJob::Reserve { key, offer, quota });
}

#[expect(clippy::too_many_arguments, reason = "the fields of one message")]
fn get<P: Provider>(
    now: Instant,
    rooms: &Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
    number: u32,
    handle: u8,
    root: Root,
    (offset, length): (u64, u64),
) -> Handled {
    let connection = peer.link.id;
    if context.transfers.key_of(connection, number).is_some() {
        return Handled::Violation;
    }
    let room = match admit(rooms, context, peer, handle, false) {
        Ok(room) => room,
        Err(code) => return refuse(context, connection, number, code),
    };
    let Some(name) = rooms.get(room).map(|room| room.name().into()) else { return Handled::Violation };
    let (content, stage) = (Content { root, size: 0 }, Stage::Finding { offset, length });
    let key = context.transfers.insert(now, NewTransfer { connection, number, room, content, is_upload: false, stage });
    context.transfers.begin_index_job(IndexJob::Find { key, room: name, root });
    Handled::Done
}

/// The groups that a Get requests of a content of `size` bytes.
pub(super) fn requested(size: u64, offset: u64, length: u64) -> Result<GroupRange, OutOfRange> {
    match length {
        u64::MAX => GroupRange::starting_at(size, offset),
        length => GroupRange::covering(size, offset, length),
    }
}

/// A part of an upload arrived.
fn chunk<P: Provider>(now: Instant, context: &mut Context<P>, connection: u32, number: u32, bytes: &[u8]) -> Handled {
    let transfers = &mut context.transfers;
    let Some(key) = transfers.key_of(connection, number) else { return Handled::Done };
    let is_busy = transfers.is_busy(key);
    let Some(transfer) = transfers.get_mut(key) else { return Handled::Done };
    let incoming = match &mut transfer.stage {
        Stage::Receiving(incoming) => incoming,
        // Sent before the Cancel arrived.
        Stage::Over => return Handled::Done,
        _ => return Handled::Violation,
    };
    let len = bytes.len() as u64;
    if len > incoming.missing {
        return Handled::Violation;
    }
    if !incoming.unstored.is_empty() || incoming.collected.len() + bytes.len() > COLLECTED {
        return Handled::Defer;
    }
    incoming.missing -= len;
    incoming.collected.extend_from_slice(bytes);
    transfer.active_at = now;
    if !is_busy {
        store_collected(context, key);
    }
    Handled::Done
}

/// Gives what an upload has collected to a worker, if it is enough.
pub(super) fn store_collected<P: Provider>(context: &mut Context<P>, key: u64) {
    let Some(Stage::Receiving(incoming)) = context.transfers.get_mut(key).map(|it| &mut it.stage) else { return };
    let bytes = match incoming {
        Incoming { unstored, .. } if !unstored.is_empty() => core::mem::take(unstored),
        Incoming { collected, missing, .. }
            if collected.len() >= STORED || (*missing == 0 && !collected.is_empty()) =>
        {
            core::mem::take(collected)
        }
        _ => return,
    };
    context.transfers.begin_job(key, ContentTask::Append(bytes));
}

/// The client has sent everything.
fn end<P: Provider>(context: &mut Context<P>, connection: u32, number: u32) -> Handled {
    let Some(transfer) = context.transfers.key_of(connection, number).and_then(|key| context.transfers.get(key)) else {
        return Handled::Done;
    };
    match &transfer.stage {
        // Once it is stored, it is finished.
        Stage::Receiving(incoming) if incoming.missing > 0 => Handled::Violation,
        _ if !transfer.is_upload => Handled::Violation,
        _ => Handled::Done,
    }
}

fn cancel<P: Provider>(context: &mut Context<P>, connection: u32, number: u32) -> Handled {
    let Some(key) = context.transfers.key_of(connection, number) else { return Handled::Done };
    if context.transfers.get(key).is_some_and(|it| !matches!(it.stage, Stage::Over)) {
        context.transfers.end(key, Some(Reply::Cancel { code: CancelCode::CANCELLED, offset: 0 }));
    }
    Handled::Done
}

/// Cancels the upload of a client that sent what does not prove, and closes its connection after
/// that.
pub(super) fn close_after_cancel<P: Provider>(
    now: Instant,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    peer: &mut Peer<P>,
) {
    context.counters.broken_messages += 1;
    rooms.end_memberships(
        now,
        context,
        peer,
        crate::hub::events::LeaveReason::Violation,
        kabar_core::time::Duration::ZERO,
    );
    peer.close_after_delivery(now, context, CloseCode::MESSAGE);
}
