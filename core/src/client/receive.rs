//! Reads messages from the stream, one per event (SPEC 6.1, 6.3). Nothing is read before the
//! caller polls, so flow control holds the server back if the caller does not poll, and the cursor
//! is never ahead of the entries that were returned.

use super::event_queue::QueuedEvent;
use super::join::{ProtocolViolation, Welcomed};
use super::retry::APPROVAL_TIMEOUT;
use super::{Client, EndReason, Event, JoinState, write};
use crate::chat::{
    ClientMessage, Entry, Info, NOTICE_APPROVAL, POST_OVERHEAD, Post, PostRefusedCode, RefusedCode, ServerMessage,
};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// Bytes of the length field.
const LENGTH_LEN: usize = 2;

/// An event that is ready, without the data that it borrows.
pub(super) enum ReadyEvent {
    Queued(QueuedEvent),
    /// The message in the buffer, of this length in bytes.
    Message(usize),
    Stored {
        number: u64,
        seq: u64,
    },
    PostRefused {
        number: u64,
        code: PostRefusedCode,
    },
    OutboxWritable,
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Continues until there is an event or nothing left to do.
    pub(super) fn next_event(&mut self, now: Instant) -> Option<ReadyEvent> {
        loop {
            if let Some(queued) = self.events.pop() {
                return Some(ReadyEvent::Queued(queued));
            }
            if let Some(number) = self.refuse_oversized() {
                return Some(ReadyEvent::PostRefused { number, code: PostRefusedCode::TOO_LONG });
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
            if self.outbox.take_space() {
                return Some(ReadyEvent::OutboxWritable);
            }
            self.drive_leave(now);
            return self.events.pop().map(ReadyEvent::Queued);
        }
    }

    /// Moves the next complete message from the stream into the buffer; returns its length without
    /// the length field.
    fn take_message(&mut self, now: Instant) -> Option<usize> {
        if !matches!(self.join_state, JoinState::AwaitingWelcome | JoinState::Joined) {
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
    fn handle_message(&mut self, now: Instant, len: usize) -> Result<Option<ReadyEvent>, ProtocolViolation> {
        let message = self.message.get(..len).ok_or(ProtocolViolation)?;
        // SPEC 6.1: unknown types are skipped.
        let Some(message) = ServerMessage::decode(message).map_err(|_| ProtocolViolation)? else { return Ok(None) };
        let is_event = match message {
            ServerMessage::Welcome(welcome) => {
                self.name = heapless::String::try_from(welcome.name).map_err(|_| ProtocolViolation)?;
                let welcomed = Welcomed::from(&welcome);
                self.welcome(now, &welcomed)?;
                false
            }
            ServerMessage::Reset { .. } => {
                self.reset()?;
                false
            }
            ServerMessage::Refused { code, .. } => {
                if self.join_state != JoinState::AwaitingWelcome {
                    return Err(ProtocolViolation);
                }
                if code == RefusedCode::TRY_LATER {
                    self.refused_for_now(now);
                } else {
                    self.terminate(now, EndReason::Refused(code));
                }
                true
            }
            ServerMessage::Entry { handle, entry: Entry { header, .. } }
            | ServerMessage::Stub { handle, header, .. } => {
                let seq = header.seq;
                self.deliver(handle, seq)?
            }
            ServerMessage::Stored { handle, instance, number, seq } => {
                if !self.is_own_instance(handle, instance)? {
                    return Ok(None);
                }
                let number = self.outbox.local(number).ok_or(ProtocolViolation)?;
                return Ok(self.outbox.settle(number).then_some(ReadyEvent::Stored { number, seq }));
            }
            ServerMessage::PostRefused { handle, instance, number, code } => {
                if !self.is_own_instance(handle, instance)? {
                    return Ok(None);
                }
                let number = self.outbox.local(number).ok_or(ProtocolViolation)?;
                return Ok(self.outbox.refuse(number).then_some(ReadyEvent::PostRefused { number, code }));
            }
            ServerMessage::Info(info) => {
                if matches!(info, Info::Notice { code: NOTICE_APPROVAL, .. }) {
                    self.retry.join_deadline = now + APPROVAL_TIMEOUT;
                }
                info.handle().is_none_or(|handle| self.is_current_room(handle))
            }
        };
        Ok(is_event.then_some(ReadyEvent::Message(len)))
    }

    /// Advances the cursor to the next entry. SPEC 7, S4: any other entry is a violation. Returns
    /// whether it is an entry of this room.
    fn deliver(&mut self, handle: u8, seq: u64) -> Result<bool, ProtocolViolation> {
        if self.join_state != JoinState::Joined {
            return Err(ProtocolViolation);
        }
        if !self.is_current_room(handle) {
            return Ok(false);
        }
        if self.room.cursor.checked_add(1) != Some(seq) {
            return Err(ProtocolViolation);
        }
        self.room.cursor = seq;
        Ok(true)
    }

    /// Whether this is about posts of the current instance.
    fn is_own_instance(&self, handle: u8, instance: u64) -> Result<bool, ProtocolViolation> {
        if self.join_state != JoinState::Joined {
            return Err(ProtocolViolation);
        }
        Ok(self.is_current_room(handle) && self.room.instance == instance)
    }

    /// Writes posts into the stream, as far as there is room (SPEC 6.5).
    pub(super) fn write_posts(&mut self, now: Instant) {
        if self.join_state != JoinState::Joined {
            return;
        }
        let settled = self.outbox.settled_in_instance();
        while let Some(post) = self.outbox.next() {
            let len = post.body.len().saturating_add(POST_OVERHEAD);
            if len > usize::from(self.room.largest_message) || len > self.connection.send_space(StreamId::Chat) {
                return;
            }
            let message = ClientMessage::Post(Post {
                handle: self.room.handle,
                instance: self.room.instance,
                number: post.instance_number,
                settled,
                kind: post.kind,
                body: post.body,
            });
            if !write(now, &mut self.connection, &mut self.message, &message) {
                return;
            }
            self.outbox.advance();
        }
    }

    /// A post that is longer than this server accepts can never be sent: it is refused locally.
    fn refuse_oversized(&mut self) -> Option<u64> {
        if self.join_state != JoinState::Joined {
            return None;
        }
        let largest = usize::from(self.room.largest_message);
        let post = self.outbox.next()?;
        let number = post.number;
        if post.body.len().saturating_add(POST_OVERHEAD) <= largest {
            return None;
        }
        self.outbox.refuse(number).then_some(number)
    }

    /// Returns the event with the data that it borrows.
    pub(super) fn event(&self, ready: ReadyEvent) -> Option<Event<'_>> {
        Some(match ready {
            ReadyEvent::Queued(queued) => match queued {
                QueuedEvent::Disconnected(reason) => Event::Disconnected(reason),
                QueuedEvent::Reconnected => Event::Reconnected,
                QueuedEvent::UnknownServerKey(fingerprint) => Event::UnknownServerKey(fingerprint),
                QueuedEvent::Reset => Event::Reset,
                QueuedEvent::Gap { after, first } => Event::Gap { after, first },
                QueuedEvent::Joined(joined) => Event::Joined {
                    name: &self.name,
                    members: joined.members,
                    start: joined.start,
                    head: joined.head,
                    term: self.room.term,
                    is_resumed: joined.is_resumed,
                },
                QueuedEvent::Stored { number } => Event::Stored { number, seq: 0 },
            },
            ReadyEvent::Message(len) => return self.message_event(len),
            ReadyEvent::Stored { number, seq } => Event::Stored { number, seq },
            ReadyEvent::PostRefused { number, code } => Event::PostRefused { number, code },
            ReadyEvent::OutboxWritable => Event::OutboxWritable,
        })
    }

    /// The event of the message in the buffer, which is decoded again to borrow from it.
    fn message_event(&self, len: usize) -> Option<Event<'_>> {
        Some(match ServerMessage::decode(self.message.get(..len)?).ok()?? {
            ServerMessage::Entry { entry: Entry { header, body }, .. } => {
                Event::Entry { header, body, own: header.instance == self.room.instance }
            }
            ServerMessage::Stub { header, size, .. } => Event::EntryTooLarge { header, size },
            ServerMessage::Info(info) => Event::Info(info),
            ServerMessage::Refused { code, text } => Event::Refused { code, text },
            ServerMessage::Welcome(_)
            | ServerMessage::Reset { .. }
            | ServerMessage::Stored { .. }
            | ServerMessage::PostRefused { .. } => return None,
        })
    }
}
