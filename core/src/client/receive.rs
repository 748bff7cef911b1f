//! Reads messages from the stream, one per event (SPEC 6.1, 6.3). Nothing is read before the
//! caller polls, so flow control holds the server back if the caller does not poll, and the cursor
//! is never ahead of the entries that were returned.

use super::event_queue::QueuedEvent;
use super::join::{ProtocolViolation, Welcomed};
use super::retry::APPROVAL_TIMEOUT;
use super::room::{Room, RoomSlot, RoomState};
use super::{Client, EndReason, Event, Phase, write};
use crate::chat::{
    ClientMessage, DecodeError, Entry, Info, NOTICE_APPROVAL, POST_OVERHEAD, Post, PostRefusedCode, ServerMessage,
};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// Bytes of the length field.
const LENGTH_LEN: usize = 2;

/// Decodes a message as a client for `ROOMS` rooms does.
#[inline(never)] // It is needed twice, and large.
fn decode<const ROOMS: usize>(message: &[u8]) -> Result<Option<ServerMessage<'_>>, DecodeError> {
    if ROOMS == 1 { ServerMessage::decode_with::<false>(message) } else { ServerMessage::decode(message) }
}

/// An event that is ready, without the data that it borrows.
pub(super) enum ReadyEvent {
    Queued(QueuedEvent),
    /// The message in the buffer.
    Message {
        /// The room that it is about, if it is about one.
        room: RoomSlot,
        /// In bytes.
        len: usize,
    },
    Stored {
        room: RoomSlot,
        number: u64,
        seq: u64,
    },
    PostRefused {
        room: RoomSlot,
        number: u64,
        code: PostRefusedCode,
    },
    OutboxWritable(RoomSlot),
    RoomEnded {
        room: RoomSlot,
        reason: EndReason,
        unsettled: u64,
    },
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>
    Client<K, M, P, OUTBOX, MESSAGE, ROOMS>
{
    /// Continues until there is an event or nothing left to do.
    pub(super) fn next_event(&mut self, now: Instant) -> Option<ReadyEvent> {
        loop {
            if let Some(queued) = self.events.pop() {
                return Some(ReadyEvent::Queued(queued));
            }
            if let Some(ended) = self.take_ended_room() {
                return Some(ended);
            }
            if let Some((room, number)) = self.refuse_oversized() {
                return Some(ReadyEvent::PostRefused { room, number, code: PostRefusedCode::TOO_LONG });
            }
            if let Some(len) = self.take_message(now) {
                match self.handle_message(now, len) {
                    Ok(None) => {}
                    Ok(ready) => return ready,
                    // SPEC 6.1, 7: a message that violates a rule is never delivered.
                    Err(ProtocolViolation) => self.abandon_connection(now, CloseCode::MESSAGE),
                }
                continue;
            }
            if let Some(ended) = self.retry.closed.take() {
                self.closed(now, ended);
                continue;
            }
            if let Some(room) = RoomSlot::all::<ROOMS>().find(|&slot| self.outbox.take_space(slot)) {
                return Some(ReadyEvent::OutboxWritable(room));
            }
            self.drive_leave(now);
            return self.events.pop().map(ReadyEvent::Queued).or_else(|| self.take_ended_room());
        }
    }

    /// Moves the next complete message from the stream into the buffer; returns its length without
    /// the length field.
    fn take_message(&mut self, now: Instant) -> Option<usize> {
        if !self.is_connected {
            return None;
        }
        let mut length = [0; LENGTH_LEN];
        if !self.connection.peek(StreamId::Chat, 0, &mut length) {
            return None;
        }
        let len = usize::from(u16::from_be_bytes(length));
        let total = len.saturating_add(LENGTH_LEN);
        // SPEC 6.1: longer than stated. (An empty one does not decode.)
        if total > MESSAGE {
            self.abandon_connection(now, CloseCode::MESSAGE);
            return None;
        }
        let message = self.message.get_mut(..len)?;
        if !self.connection.peek(StreamId::Chat, LENGTH_LEN, message) {
            return None;
        }
        self.connection.consume(StreamId::Chat, total);
        Some(len)
    }

    /// Handles the message and returns its event, if it has one.
    #[inline(never)] // Keeps its locals out of the stack frame of the caller.
    fn handle_message(&mut self, now: Instant, len: usize) -> Result<Option<ReadyEvent>, ProtocolViolation> {
        let message = self.message.get(..len).ok_or(ProtocolViolation)?;
        // SPEC 6.1: unknown types are skipped.
        let Some(message) = decode::<ROOMS>(message).map_err(|_| ProtocolViolation)? else { return Ok(None) };
        // SPEC 6.3: a Reset is about the Welcome directly after it.
        if ROOMS > 1 && self.is_reset && !matches!(message, ServerMessage::Welcome(_)) {
            return Err(ProtocolViolation);
        }
        let room = match message {
            ServerMessage::Welcome(welcome) => {
                let slot = self.rooms.awaiting(welcome.room).ok_or(ProtocolViolation)?;
                self.name = heapless::String::try_from(welcome.name).map_err(|_| ProtocolViolation)?;
                let welcomed = Welcomed::from(&welcome);
                self.welcome(now, slot, &welcomed)?;
                return Ok(None);
            }
            ServerMessage::Reset { .. } => {
                self.reset()?;
                return Ok(None);
            }
            ServerMessage::Refused { code, room, .. } => {
                let slot = self.rooms.awaiting(room).ok_or(ProtocolViolation)?;
                self.refused(now, slot, code);
                Some(slot)
            }
            ServerMessage::Entry { handle, entry: Entry { header, .. } }
            | ServerMessage::Stub { handle, header, .. } => {
                let seq = header.seq;
                self.deliver(handle, seq)?
            }
            ServerMessage::Stored { handle, instance, number, seq } => {
                let Some(room) = self.room_of_posts(handle, instance)? else { return Ok(None) };
                let number = self.outbox.local(room, number).ok_or(ProtocolViolation)?;
                return Ok(self.outbox.settle(room, number).then_some(ReadyEvent::Stored { room, number, seq }));
            }
            ServerMessage::PostRefused { handle, instance, number, code } => {
                let Some(room) = self.room_of_posts(handle, instance)? else { return Ok(None) };
                let number = self.outbox.local(room, number).ok_or(ProtocolViolation)?;
                return Ok(self.outbox.refuse(room, number).then_some(ReadyEvent::PostRefused { room, number, code }));
            }
            ServerMessage::Info(info) => {
                if matches!(info, Info::Notice { code: NOTICE_APPROVAL, .. }) && !self.is_join_postponed() {
                    self.retry.join_deadline = now + APPROVAL_TIMEOUT;
                }
                let room = match info.handle() {
                    Some(handle) => self.rooms.joined(handle),
                    None => Some(RoomSlot::FIRST),
                };
                if let (Info::Ended { code, .. }, Some(slot), Phase::Running) = (info, room, self.phase) {
                    self.ended(now, slot, code);
                }
                room
            }
        };
        Ok(room.map(|room| ReadyEvent::Message { room, len }))
    }

    /// Advances the cursor of a room to the next entry. SPEC 7, S4: any other entry is a violation.
    /// Returns the room; `None`: it was left on this connection.
    fn deliver(&mut self, handle: u8, seq: u64) -> Result<Option<RoomSlot>, ProtocolViolation> {
        let Some(slot) = self.rooms.joined(handle) else {
            return if ROOMS > 1 && self.has_left { Ok(None) } else { Err(ProtocolViolation) };
        };
        let room = self.rooms.get_mut(slot);
        if room.cursor.checked_add(1) != Some(seq) {
            return Err(ProtocolViolation);
        }
        room.cursor = seq;
        Ok(Some(slot))
    }

    /// The room, if this is about posts of its current instance.
    fn room_of_posts(&self, handle: u8, instance: u64) -> Result<Option<RoomSlot>, ProtocolViolation> {
        let is_expected = self.rooms.any(Room::is_joined) || (ROOMS > 1 && self.has_left);
        if !is_expected {
            return Err(ProtocolViolation);
        }
        Ok(self.rooms.joined(handle).filter(|&slot| self.rooms.get(slot).instance == instance))
    }

    /// Writes posts into the stream, as far as there is room (SPEC 6.5). Joins come first.
    pub(super) fn write_posts(&mut self, now: Instant) {
        if ROOMS > 1 && self.rooms.any(|room| room.state == RoomState::Signing) {
            return;
        }
        while let Some(slot) = self.outbox.next_room(|slot| self.rooms.get(slot).is_joined()) {
            let settled = self.outbox.settled_in_instance(slot);
            let room = self.rooms.get(slot);
            let (Some(post), Some(handle)) = (self.outbox.next(slot), room.handle()) else { return };
            let len = post.body.len().saturating_add(POST_OVERHEAD);
            if len > usize::from(self.largest_message) || len > self.connection.send_space(StreamId::Chat) {
                return;
            }
            let message = ClientMessage::Post(Post {
                handle,
                instance: room.instance,
                number: post.instance_number,
                settled,
                kind: post.kind,
                body: post.body,
            });
            if !write(now, &mut self.connection, &mut self.message, &message) {
                return;
            }
            self.outbox.advance(slot);
        }
    }

    /// A post that is longer than this server accepts can never be sent: it is refused locally.
    fn refuse_oversized(&mut self) -> Option<(RoomSlot, u64)> {
        let largest = usize::from(self.largest_message);
        for slot in RoomSlot::all::<ROOMS>() {
            if self.rooms.get(slot).is_joined()
                && let Some(post) = self.outbox.next(slot)
                && post.body.len().saturating_add(POST_OVERHEAD) > largest
            {
                let number = post.number;
                return self.outbox.refuse(slot, number).then_some((slot, number));
            }
        }
        None
    }

    /// A room that has ended; its slot and its part of the outbox are free now.
    fn take_ended_room(&mut self) -> Option<ReadyEvent> {
        if ROOMS == 1 {
            return None;
        }
        let (room, reason) = RoomSlot::all::<ROOMS>().find_map(|slot| Some((slot, self.rooms.get(slot).ended()?)))?;
        self.rooms.get_mut(room).state = RoomState::Free;
        let unsettled = self.outbox.unsettled(room);
        self.outbox.clear_room(room);
        Some(ReadyEvent::RoomEnded { room, reason, unsettled })
    }

    /// Returns the event with the data that it borrows.
    pub(super) fn event(&self, ready: ReadyEvent) -> Option<Event<'_>> {
        Some(match ready {
            ReadyEvent::Queued(queued) => {
                let room = self.welcomed.of::<ROOMS>();
                match queued {
                    QueuedEvent::Disconnected(reason) => Event::Disconnected(reason),
                    QueuedEvent::Reconnected => Event::Reconnected,
                    QueuedEvent::UnknownServerKey(fingerprint) => Event::UnknownServerKey(fingerprint),
                    QueuedEvent::Reset => Event::Reset { room },
                    QueuedEvent::Gap { after, first } => Event::Gap { room, after, first },
                    QueuedEvent::Joined(joined) => Event::Joined {
                        room,
                        name: &self.name,
                        members: joined.members,
                        start: joined.start,
                        head: joined.head,
                        term: self.rooms.get(room).term,
                        is_resumed: joined.is_resumed,
                    },
                    QueuedEvent::Stored { number } => Event::Stored { room, number, seq: 0 },
                }
            }
            ReadyEvent::Message { room, len } => return self.message_event(room, len),
            ReadyEvent::Stored { room, number, seq } => Event::Stored { room: room.of::<ROOMS>(), number, seq },
            ReadyEvent::PostRefused { room, number, code } => {
                Event::PostRefused { room: room.of::<ROOMS>(), number, code }
            }
            ReadyEvent::OutboxWritable(room) => Event::OutboxWritable { room: room.of::<ROOMS>() },
            ReadyEvent::RoomEnded { room, reason, unsettled } => Event::RoomEnded { room, reason, unsettled },
        })
    }

    /// The event of the message in the buffer, which is decoded again to borrow from it.
    fn message_event(&self, room: RoomSlot, len: usize) -> Option<Event<'_>> {
        let room = room.of::<ROOMS>();
        Some(match decode::<ROOMS>(self.message.get(..len)?).ok()?? {
            ServerMessage::Entry { entry: Entry { header, body }, .. } => {
                Event::Entry { room, header, body, own: header.instance == self.rooms.get(room).instance }
            }
            ServerMessage::Stub { header, size, .. } => Event::EntryTooLarge { room, header, size },
            ServerMessage::Info(info) => Event::Info { room: info.handle().map(|_| room), info },
            ServerMessage::Refused { code, text, .. } => Event::Refused { room, code, text },
            ServerMessage::Welcome(_)
            | ServerMessage::Reset { .. }
            | ServerMessage::Stored { .. }
            | ServerMessage::PostRefused { .. } => return None,
        })
    }
}
