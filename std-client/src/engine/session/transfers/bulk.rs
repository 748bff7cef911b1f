//! The messages of transfers: requests, what the server answers, and the bytes of encodings.
//!
//! Memory is bounded in both directions: an upload has at most two parts of its encoding, and
//! nothing is read while the worker has too much to write.

use kabar_core::chat::{CHUNK_OVERHEAD, CancelCode, TransferMessage};
use kabar_core::content::GROUP_LEN;

use super::{Content, Context, Kind, PART_LEN, Phase, Receiving, Sending, Step, Transfer, Transfers, Wait};
use crate::engine::event::{Event, TransferFailure, TransferState};
use crate::transfers::worker::Job;

/// Received bytes that are not written, of all transfers, while more are read.
const MAX_UNWRITTEN: usize = 1 << 20;
/// Received bytes that are written at once, except for the last ones: a few groups, since a part of
/// one cannot be written.
const WRITTEN: usize = 32 << 10;
/// Parts of an encoding that are ready.
const MAX_READY: usize = 2;
/// Shortest part of an encoding that is sent, but for the last one. Spares short messages when the
/// buffer is nearly full.
const MIN_CHUNK: usize = 1_024;

impl Transfers {
    /// Requests the transfers that are not in progress.
    pub(super) fn request(&mut self, context: &mut Context<'_>) {
        let mut at = 0;
        while at < self.list.len() {
            let len = self.list.len();
            self.request_one(at, context);
            // It may be over.
            at += usize::from(self.list.len() == len);
        }
    }

    fn request_one(&mut self, at: usize, context: &mut Context<'_>) {
        let transfer = &mut self.list[at];
        if transfer.retry.is_some_and(|(until, _)| context.now < until) {
            return;
        }
        if let (Phase::Opening, Some(_)) = (&transfer.phase, transfer.retry.take()) {
            if let Err(failure) = self.open(at) {
                self.end(at, TransferState::Failed(failure), context);
            }
            return;
        }
        let (Phase::Idle, Some(Content { root, size })) = (&transfer.phase, transfer.content) else { return };
        // A server takes a content once at a time. Afterwards it has it.
        if transfer.is_upload() && self.is_sending(Content { root, size }) {
            return;
        }
        let transfer = &mut self.list[at];
        let slot = context.rooms.find(transfer.room).and_then(|room| room.slot);
        let Some(handle) = slot.and_then(|slot| context.client.handle_of(slot)) else { return };
        if !context.client.has_transfers() {
            return self.end(at, TransferState::Failed(TransferFailure::NotSupported), context);
        }
        let number = self.next_number;
        let offset = transfer.progress.measure(size, context.now).done;
        let request = match transfer.kind {
            Kind::Upload(_) => TransferMessage::Put { transfer: number, handle, root, size },
            Kind::Download(_) => TransferMessage::Get { transfer: number, handle, root, offset, length: u64::MAX },
        };
        if context.client.send_bulk(context.now, &request).is_ok() {
            self.next_number = self.next_number.wrapping_add(1);
            (transfer.number, transfer.phase) = (Some(number), Phase::Requested);
        }
    }

    /// Whether an upload of this content is in progress.
    fn is_sending(&self, content: Content) -> bool {
        self.list.iter().any(|transfer| {
            let is_in_progress = matches!(transfer.phase, Phase::Requested | Phase::Sending(_) | Phase::Ending);
            transfer.is_upload() && is_in_progress && transfer.content == Some(content)
        })
    }

    /// Takes what the server sent, as long as the disk follows.
    pub(super) fn receive(&mut self, context: &mut Context<'_>) {
        let unwritten = |transfer: &Transfer| match &transfer.phase {
            Phase::Receiving(receiving) => receiving.unwritten + receiving.pending.len(),
            _ => 0,
        };
        let mut waiting: usize = self.list.iter().map(unwritten).sum();
        let mut buffer = std::mem::replace(&mut self.buffer, Box::new([0; kabar_core::chat::MAX_MESSAGE_LEN]));
        while waiting < MAX_UNWRITTEN
            && let Some(message) = context.client.read_bulk(context.now, &mut buffer[..])
        {
            if let TransferMessage::Chunk { bytes, .. } = message {
                waiting += bytes.len();
            }
            let of = |transfer: &Transfer| transfer.number == Some(message.transfer());
            let Some(at) = self.list.iter().position(of) else { continue };
            let step = self.on_message(at, message, context);
            self.step(at, step, context);
        }
        self.buffer = buffer;
        for at in 0..self.list.len() {
            self.write_pending(at, WRITTEN);
        }
    }

    /// Gives the worker what was received, if it is at least this number of bytes.
    fn write_pending(&mut self, at: usize, least: usize) {
        let Phase::Receiving(receiving) = &mut self.list[at].phase else { return };
        if receiving.pending.len() >= least {
            let bytes = std::mem::take(&mut receiving.pending);
            receiving.unwritten += bytes.len();
            // The thread runs: it has opened the file.
            let _ = self.files.give(&self.list[at], Job::Write(bytes));
        }
    }

    /// What a message of the server means for a transfer.
    fn on_message(&mut self, at: usize, message: TransferMessage<'_>, context: &Context<'_>) -> Step {
        let transfer = &mut self.list[at];
        let (size, is_upload, now) = (transfer.size(), transfer.is_upload(), context.now);
        match (message, &mut transfer.phase) {
            (TransferMessage::PutAt { offset, .. }, Phase::Requested) if is_upload => {
                let is_boundary = offset.is_multiple_of(GROUP_LEN as u64) && offset < size;
                if offset != size && !is_boundary {
                    return TransferFailure::Protocol.into();
                }
                transfer.retry = None;
                transfer.progress.begin(offset, now);
                let is_complete = offset == size;
                transfer.phase =
                    Phase::Sending(Sending { is_encoding: !is_complete, is_complete, ..Sending::default() });
                context.sink.send(Event::Transfer(transfer.report(transfer.state(now))));
                if is_complete {
                    return Step::On;
                }
                let job = Job::Encode { from: Some(offset), max: PART_LEN };
                self.files.give(&self.list[at], job).map_or_else(Step::from, |()| Step::On)
            }
            (TransferMessage::GetAt { size: stated, offset, length, .. }, Phase::Requested) if !is_upload => {
                let from = transfer.progress.measure(size, now).done;
                if (stated, offset, offset.checked_add(length)) != (size, from, Some(size)) {
                    return TransferFailure::Protocol.into();
                }
                transfer.retry = None;
                transfer.progress.begin(offset, now);
                transfer.phase = Phase::Receiving(Receiving::default());
                context.sink.send(Event::Transfer(transfer.report(transfer.state(now))));
                self.files.give(&self.list[at], Job::Begin).map_or_else(Step::from, |()| Step::On)
            }
            (TransferMessage::Chunk { bytes, .. }, Phase::Receiving(receiving)) => {
                receiving.pending.extend_from_slice(bytes);
                Step::On
            }
            (TransferMessage::End { .. }, Phase::Receiving(_)) => {
                self.write_pending(at, 1);
                let transfer = &mut self.list[at];
                (transfer.number, transfer.phase) = (None, Phase::Storing);
                context.sink.send(Event::Transfer(transfer.report(TransferState::Storing)));
                self.files.give(&self.list[at], Job::Finish).map_or_else(Step::from, |()| Step::On)
            }
            (TransferMessage::End { .. }, Phase::Sending(sending))
                if sending.is_complete && sending.ready.is_empty() =>
            {
                (transfer.number, transfer.phase) = (None, Phase::Posting);
                Step::On
            }
            (TransferMessage::End { .. }, Phase::Ending) => {
                (transfer.number, transfer.phase) = (None, Phase::Posting);
                Step::On
            }
            (TransferMessage::Cancel { transfer: number, code, .. }, phase) => {
                if !matches!(phase, Phase::Ending) {
                    self.cancelled.push_back((number, CancelCode::CANCELLED, 0));
                }
                self.list[at].number = None;
                match code {
                    // The server stops, or it has too much to do.
                    CancelCode::CANCELLED | CancelCode::TRY_LATER => Step::Again(Wait::Server),
                    code => TransferFailure::Refused(code).into(),
                }
            }
            _ => TransferFailure::Protocol.into(),
        }
    }

    /// Sends as much as there is space for, of the uploads in turn.
    pub(super) fn transmit(&mut self, context: &mut Context<'_>) {
        while let Some((number, code, offset)) = self.cancelled.front().copied() {
            let cancel = TransferMessage::Cancel { transfer: number, code, offset };
            if context.client.send_bulk(context.now, &cancel).is_err() {
                return;
            }
            self.cancelled.pop_front();
        }
        // Ends when each has had its turn without sending.
        let mut idle = 0;
        while idle < self.list.len() {
            self.turn = self.turn.checked_rem(self.list.len()).unwrap_or(0);
            let at = self.turn;
            idle = if self.send_part(at, context) { 0 } else { idle + 1 };
            self.turn += 1;
        }
    }

    /// Sends the next part of an upload, of at most a group. Returns whether it sent something.
    fn send_part(&mut self, at: usize, context: &mut Context<'_>) -> bool {
        let transfer = &mut self.list[at];
        let (Phase::Sending(sending), Some(number)) = (&mut transfer.phase, transfer.number) else { return false };
        let mut sent = 0;
        while sent < GROUP_LEN
            && let Some((part, offset)) = sending.ready.front()
        {
            let rest = part.get(sending.sent..).unwrap_or_default();
            let space = context.client.bulk_space().saturating_sub(CHUNK_OVERHEAD);
            let len = rest.len().min(context.client.longest_chunk()).min(space);
            if len < rest.len().min(MIN_CHUNK) {
                break;
            }
            if len > 0 {
                let chunk = TransferMessage::Chunk { transfer: number, bytes: &rest[..len] };
                if context.client.send_bulk(context.now, &chunk).is_err() {
                    break;
                }
            }
            sent += len;
            sending.sent += len;
            if sending.sent == part.len() {
                transfer.progress.advance(*offset, context.now);
                sending.sent = 0;
                sending.ready.pop_front();
            }
        }
        let is_encoded = sending.is_complete;
        if !is_encoded && !sending.is_encoding && sending.ready.len() < MAX_READY {
            sending.is_encoding = true;
            // The thread runs: it has hashed the file.
            let _ = self.files.give(&self.list[at], Job::Encode { from: None, max: PART_LEN });
        } else if is_encoded && sending.ready.is_empty() {
            let end = TransferMessage::End { transfer: number };
            if context.client.send_bulk(context.now, &end).is_ok() {
                transfer.phase = Phase::Ending;
                context.sink.send(Event::Transfer(transfer.report(TransferState::Storing)));
            }
            return false;
        }
        let transfer = &mut self.list[at];
        if sent > 0 && transfer.is_report_due(context.now) {
            context.sink.send(Event::Transfer(transfer.report(transfer.state(context.now))));
        }
        sent > 0
    }
}
