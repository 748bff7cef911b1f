//! Takes the results of jobs on contents and on their index.

use kabar_core::chat::CancelCode;
use kabar_core::content::{GROUP_LEN, GroupRange};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::delivery::read_ahead;
use super::messages::{self, read, requested};
use crate::contents::ContentError;
use crate::hub::context::Context;
use crate::hub::messages::read as read_chat;
use crate::hub::peer::Peers;
use crate::hub::room::Rooms;
use crate::hub::timers::Timer;
use crate::hub::transfers::jobs::{ContentDone, ContentResult, ContentTask, IndexDone, IndexJob};
use crate::hub::transfers::table::NO_TRANSFER;
use crate::hub::transfers::transfer::{Content, Incoming, Outgoing, Reply, Stage};
use crate::hub::upkeep::PURGE_INTERVAL;
use crate::store::{MAX_COLLECTED, Reservation};

/// By how much an upload is resumed too late, if that fault is injected.
const LATE: u64 = GROUP_LEN as u64;

/// A job on a content is done.
pub(in crate::hub) fn on_content_done<P: Provider>(
    now: Instant,
    peers: &mut Peers<P>,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    done: ContentDone,
) {
    let ContentDone { key, result } = done;
    match result {
        ContentResult::Removed(failed) => {
            context.counters.contents_not_removed += failed as u64;
            context.transfers.end_collection();
            return;
        }
        ContentResult::Closed => {
            let freed = context.transfers.on_closed(key);
            return wake_waiting(now, peers, context, freed);
        }
        _ => {}
    }
    debug_assert_ne!(key, NO_TRANSFER);
    if !context.transfers.end_job(key) {
        return;
    }
    let Some(connection) = context.transfers.get(key).map(|it| it.connection) else { return };
    match result {
        ContentResult::Opened(Ok(offset)) => on_opened_upload(now, context, key, offset),
        ContentResult::Opened(Err(ContentError::NotProven(not_proven)))
        | ContentResult::Appended(_, Err(ContentError::NotProven(not_proven)))
        | ContentResult::Finished(Err(ContentError::NotProven(not_proven))) => {
            context.counters.uploads_not_proven += 1;
            let reply = Reply::Cancel { code: CancelCode::NOT_PROVEN, offset: not_proven.offset };
            context.transfers.end(key, Some(reply));
            if let Some(peer) = peers.get_mut(connection) {
                messages::close_after_cancel(now, rooms, context, peer);
            }
            return;
        }
        ContentResult::Appended(bytes, result) => on_appended(now, peers, context, key, bytes, result),
        ContentResult::Finished(Ok(())) => record(now, context, key),
        ContentResult::OpenedDownload(Ok(())) => on_opened_download(context, key),
        ContentResult::Read(bytes, Ok(is_last)) => on_read(now, context, key, bytes, is_last),
        ContentResult::Opened(Err(error))
        | ContentResult::Finished(Err(error))
        | ContentResult::OpenedDownload(Err(error))
        | ContentResult::Read(_, Err(error)) => fail(now, context, key, &error),
        ContentResult::Closed | ContentResult::Removed(_) => {}
    }
    serve(now, peers, rooms, context, connection);
}

/// Sends what a connection has now, and reads on.
fn serve<P: Provider>(
    now: Instant,
    peers: &mut Peers<P>,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    connection: u32,
) {
    let Some(peer) = peers.get_mut(connection) else { return };
    context.turns.mark_ready(&mut peer.link.turn);
    read(now, rooms, context, peer);
}

/// Ends a transfer whose content cannot be stored or read.
fn fail<P: Provider>(now: Instant, context: &mut Context<P>, key: u64, error: &ContentError) {
    let downloaded = context.transfers.get(key).filter(|it| !it.is_upload).map(|it| it.content.root);
    let code = match (error, downloaded) {
        (ContentError::Missing, Some(root)) => {
            let now_ms = context.wall_ms(now);
            context.transfers.begin_index_job(IndexJob::Lost { root, now_ms });
            CancelCode::REMOVED
        }
        _ => CancelCode::TRY_LATER,
    };
    context.counters.transfers_failed += 1;
    context.transfers.end(key, Some(Reply::Cancel { code, offset: 0 }));
}

fn on_opened_upload<P: Provider>(now: Instant, context: &mut Context<P>, key: u64, offset: u64) {
    let Some(transfer) = context.transfers.get_mut(key) else { return };
    let size = transfer.content.size;
    let is_late = context.config.faults().resume_too_late() && offset > 0 && offset + LATE < size;
    let offset = if is_late { offset + LATE } else { offset };
    transfer.active_at = now;
    transfer.replies.push(Reply::PutAt { offset });
    let missing = GroupRange::starting_at(size, offset).map_or(0, |range| range.encoded_len());
    if missing > 0 {
        transfer.stage = Stage::Receiving(Incoming { missing, proven: offset, ..Incoming::default() });
        return;
    }
    transfer.stage = Stage::Finishing;
    context.transfers.begin_job(key, ContentTask::Finish);
}

fn on_appended<P: Provider>(
    now: Instant,
    peers: &mut Peers<P>,
    context: &mut Context<P>,
    key: u64,
    bytes: Vec<u8>,
    result: Result<u64, ContentError>,
) {
    let Some(transfer) = context.transfers.get_mut(key) else { return };
    let (connection, room) = (transfer.connection, transfer.room);
    let Stage::Receiving(incoming) = &mut transfer.stage else { return };
    match result {
        Ok(proven) => {
            if proven > incoming.proven {
                transfer.active_at = now;
            }
            incoming.proven = proven;
            if incoming.missing == 0 && incoming.collected.is_empty() {
                if context.config.faults().record_before_durable() {
                    return record(now, context, key);
                }
                transfer.stage = Stage::Finishing;
                context.transfers.begin_job(key, ContentTask::Finish);
            } else {
                messages::store_collected(context, key);
            }
        }
        // It waits, and its client is notified; the chat goes on.
        Err(ContentError::Full) => {
            (incoming.unstored, transfer.active_at) = (bytes, now);
            context.counters.uploads_held += 1;
            let pause = context.config.limits.retry_max;
            context.timers.set_if_unset(Timer::Contents, now + pause);
            if let Some((link, member)) = peers.member_mut(connection, room) {
                member.due.storage_notice = true;
                context.turns.mark_ready(&mut link.turn);
            }
        }
        Err(error) => fail(now, context, key, &error),
    }
}

/// Tries again to store what the disk had no space for.
pub(in crate::hub) fn retry_storing<P: Provider>(context: &mut Context<P>) {
    for key in context.transfers.keys() {
        let held = match context.transfers.get(key).map(|it| &it.stage) {
            Some(Stage::Receiving(incoming)) => !incoming.unstored.is_empty(),
            _ => false,
        };
        if held && !context.transfers.is_busy(key) {
            messages::store_collected(context, key);
        }
    }
}

/// Records that an upload is durable.
fn record<P: Provider>(now: Instant, context: &mut Context<P>, key: u64) {
    let now_ms = context.wall_ms(now);
    let Some(transfer) = context.transfers.get_mut(key) else { return };
    transfer.stage = Stage::Recording;
    let Content { root, size } = transfer.content;
    context.transfers.begin_index_job(IndexJob::Complete { key, root, size, now_ms });
}

fn on_opened_download<P: Provider>(context: &mut Context<P>, key: u64) {
    let Some(transfer) = context.transfers.get_mut(key) else { return };
    let Stage::OpeningDownload(range) = transfer.stage else { return };
    let (size, offset) = (transfer.content.size, range.offset());
    transfer.replies.push(Reply::GetAt { size, offset, length: range.end() - offset });
    transfer.stage = Stage::Sending(Outgoing::default());
    context.counters.downloads_sent += 1;
    read_ahead(&mut context.transfers, key);
}

fn on_read<P: Provider>(now: Instant, context: &mut Context<P>, key: u64, mut bytes: Vec<u8>, is_last: bool) {
    if context.config.faults().alter_downloads()
        && let Some(byte) = bytes.first_mut()
    {
        *byte ^= 1;
    }
    let Some(transfer) = context.transfers.get_mut(key) else { return };
    let Stage::Sending(outgoing) = &mut transfer.stage else { return };
    if outgoing.unsent().is_empty() {
        // Its client had nothing to take until now.
        transfer.active_at = now;
        *outgoing = Outgoing { bytes, sent: 0, is_last };
    } else {
        let mut unsent = outgoing.bytes.split_off(outgoing.sent);
        unsent.append(&mut bytes);
        *outgoing = Outgoing { bytes: unsent, sent: 0, is_last };
    }
    read_ahead(&mut context.transfers, key);
}

/// An upload of a content has ended: the next one of it takes its place.
fn wake_waiting<P: Provider>(now: Instant, peers: &Peers<P>, context: &mut Context<P>, freed: Option<Content>) {
    let waiting = freed.and_then(|content| context.transfers.waiting_for(content));
    let Some(key) = waiting else { return };
    if let Some(peer) = context.transfers.get(key).and_then(|it| peers.get(it.connection)) {
        messages::reserve(now, context, peer, key);
    }
}

/// A job on the index is done.
pub(in crate::hub) fn on_index_done<P: Provider>(
    now: Instant,
    peers: &mut Peers<P>,
    rooms: &mut Rooms,
    context: &mut Context<P>,
    done: IndexDone,
) {
    context.transfers.end_index_job();
    let key = match done {
        IndexDone::Reserve { key, result } => {
            on_reserved(now, context, key, result.ok());
            key
        }
        IndexDone::Complete { key, result } => {
            on_recorded(context, key, result.ok());
            key
        }
        IndexDone::Find { key, result } => {
            on_found(context, key, result.ok());
            key
        }
        IndexDone::Touch { connection, root, size, result } => {
            let is_known = context.transfers.answer_check(connection, Content { root, size }, result.ok());
            if let Some(peer) = peers.get_mut(connection).filter(|_| is_known) {
                context.turns.mark_ready(&mut peer.link.turn);
                read_chat(now, rooms, context, peer);
            }
            return;
        }
        IndexDone::Lost => return,
        IndexDone::Collect { result } => {
            let mut roots = result.unwrap_or_default();
            if roots.len() >= MAX_COLLECTED {
                context.timers.set(Timer::Collect, Some(now + PURGE_INTERVAL));
            }
            roots.retain(|root| !context.transfers.is_written(*root));
            context.counters.contents_collected += roots.len() as u64;
            if roots.is_empty() {
                context.transfers.end_collection();
            } else {
                context.transfers.begin_removal(roots);
            }
            return;
        }
    };
    if let Some(connection) = context.transfers.get(key).map(|it| it.connection) {
        serve(now, peers, rooms, context, connection);
    }
}

/// `None`: the store failed.
fn on_recorded<P: Provider>(context: &mut Context<P>, key: u64, recorded: Option<bool>) {
    let code = match recorded {
        Some(true) => {
            context.counters.uploads_stored += 1;
            return context.transfers.end(key, Some(Reply::End));
        }
        Some(false) => {
            // The operator has removed it: nothing refers to its file.
            let root = context.transfers.get(key).map(|transfer| transfer.content.root);
            context.transfers.begin_removal(root.into_iter().collect());
            CancelCode::REMOVED
        }
        None => CancelCode::TRY_LATER,
    };
    context.transfers.end(key, Some(Reply::Cancel { code, offset: 0 }));
}

/// `None`: the store failed.
fn on_reserved<P: Provider>(now: Instant, context: &mut Context<P>, key: u64, reservation: Option<Reservation>) {
    let Some(transfer) = context.transfers.get_mut(key) else { return };
    if !matches!(transfer.stage, Stage::Reserving) {
        return;
    }
    let counters = &mut context.counters;
    let code = match reservation {
        Some(Reservation::Complete) => {
            transfer.replies.push(Reply::PutAt { offset: transfer.content.size });
            context.transfers.end(key, Some(Reply::End));
            return;
        }
        Some(Reservation::Reserved) => {
            let content = transfer.content;
            (transfer.active_at, transfer.stage) = (now, Stage::Waiting);
            if context.transfers.begin_writing(key) {
                if let Some(transfer) = context.transfers.get_mut(key) {
                    transfer.stage = Stage::OpeningUpload;
                }
                context.transfers.begin_job(key, ContentTask::OpenUpload(content));
            }
            return;
        }
        Some(Reservation::TooLarge) => {
            counters.files_too_large += 1;
            CancelCode::TOO_LARGE
        }
        Some(Reservation::MemberQuota) => {
            counters.member_files_full += 1;
            CancelCode::MEMBER_QUOTA
        }
        Some(Reservation::ServerQuota) => {
            counters.all_files_full += 1;
            CancelCode::SERVER_QUOTA
        }
        None => CancelCode::TRY_LATER,
    };
    context.transfers.end(key, Some(Reply::Cancel { code, offset: 0 }));
}

/// `None`: the store failed. `Some(None)`: no entry of the room names the content.
fn on_found<P: Provider>(context: &mut Context<P>, key: u64, found: Option<Option<u64>>) {
    let Some(transfer) = context.transfers.get_mut(key) else { return };
    let Stage::Finding { offset, length } = transfer.stage else { return };
    let range = match found {
        Some(Some(size)) => {
            transfer.content.size = size;
            requested(size, offset, length).map_err(|_| CancelCode::OUT_OF_RANGE)
        }
        Some(None) => Err(CancelCode::NOT_FOUND),
        None => Err(CancelCode::TRY_LATER),
    };
    match range {
        Ok(range) => {
            transfer.stage = Stage::OpeningDownload(range);
            let content = transfer.content;
            context.transfers.begin_job(key, ContentTask::OpenDownload(content, range));
        }
        Err(code) => context.transfers.end(key, Some(Reply::Cancel { code, offset: 0 })),
    }
}
