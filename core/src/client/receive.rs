//! Messages out of the stream, one per event (SPEC 6.1, 6.3): nothing is read before the caller
//! asks, so a caller that does not ask holds the server back, and the cursor is never ahead of the
//! entries that were returned.

use super::event_queue::QueuedEvent;
use super::join::{ProtocolViolation, Welcomed};
use super::{Client, EndReason, Event, JoinState, write};
use crate::chat::{ClientMessage, Entry, POST_OVERHEAD, Post, PostRefusedCode, RefusedCode, ServerMessage};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// Bytes of the length field.
const LENGTH_LEN: usize = 2;

/// An event that is ready, without what it borrows.
pub(super) enum ReadyEvent {
    Queued(QueuedEvent),
    /// The message in the buffer, of this length in bytes.
    Message(usize),
    /// This post is longer than the server accepts.
    TooLong(u64),
    Space,
}

/// The result of handling a message.
enum Handled {
    /// It is an event.
    Event,
    /// No event, or one that is queued.
    Silent,
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Goes on until there is an event or nothing left to do.
    pub(super) fn next_event(&mut self, now: Instant) -> Option<ReadyEvent> {
        loop {
            if let Some(told) = self.events.pop() {
                return Some(ReadyEvent::Queued(told));
            }
            if let Some(number) = self.refuse_oversized() {
                return Some(ReadyEvent::TooLong(number));
            }
            if let Some(len) = self.take_message(now) {
                match self.handle_message(now, len) {
                    Ok(Handled::Event) => return Some(ReadyEvent::Message(len)),
                    Ok(Handled::Silent) => {}
                    // SPEC 6.1, 7: never deliver what breaks the rules.
                    Err(ProtocolViolation) => self.abandon_connection(now, CloseCode::MESSAGE),
                }
                continue;
            }
            if let Some(ended) = self.retry.closed.take() {
                self.closed(now, ended);
                continue;
            }
            if self.outbox.take_space() {
                return Some(ReadyEvent::Space);
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

    fn handle_message(&mut self, now: Instant, len: usize) -> Result<Handled, ProtocolViolation> {
        let message = self.message.get(..len).ok_or(ProtocolViolation)?;
        // SPEC 6.1: unknown types are skipped.
        let Some(message) = ServerMessage::decode(message).map_err(|_| ProtocolViolation)? else {
            return Ok(Handled::Silent);
        };
        match message {
            ServerMessage::Welcome(welcome) => {
                self.name = heapless::String::try_from(welcome.name).map_err(|_| ProtocolViolation)?;
                let welcomed = Welcomed::from(&welcome);
                self.welcome(now, &welcomed)?;
                Ok(Handled::Silent)
            }
            ServerMessage::Reset { .. } => {
                self.reset()?;
                Ok(Handled::Silent)
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
                Ok(Handled::Silent)
            }
            ServerMessage::Entry { handle, entry: Entry { header, .. } }
            | ServerMessage::Stub { handle, header, .. } => {
                let seq = header.seq;
                self.deliver(handle, seq)
            }
            ServerMessage::Stored { handle, instance, number, .. } => {
                if !self.is_own_instance(handle, instance)? {
                    return Ok(Handled::Silent);
                }
                let number = self.outbox.local(number).ok_or(ProtocolViolation)?;
                Ok(if self.outbox.settle(number) { Handled::Event } else { Handled::Silent })
            }
            ServerMessage::PostRefused { handle, instance, number, .. } => {
                if !self.is_own_instance(handle, instance)? {
                    return Ok(Handled::Silent);
                }
                let number = self.outbox.local(number).ok_or(ProtocolViolation)?;
                Ok(if self.outbox.refuse(number) { Handled::Event } else { Handled::Silent })
            }
            ServerMessage::Past { handle, .. } | ServerMessage::Member { handle, .. } => {
                Ok(if self.is_current_room(handle) { Handled::Event } else { Handled::Silent })
            }
            ServerMessage::Notice { .. } => Ok(Handled::Event),
        }
    }

    /// SPEC 7, S4: exactly the next one, or the server is not believed.
    fn deliver(&mut self, handle: u8, seq: u64) -> Result<Handled, ProtocolViolation> {
        if self.join_state != JoinState::Joined {
            return Err(ProtocolViolation);
        }
        if !self.is_current_room(handle) {
            return Ok(Handled::Silent);
        }
        if self.room.cursor.checked_add(1) != Some(seq) {
            return Err(ProtocolViolation);
        }
        self.room.cursor = seq;
        Ok(Handled::Event)
    }

    /// Whether this is about posts of the present instance.
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

    /// A post that is longer than this server accepts can never be sent: it is refused here.
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

    /// The event, borrowed.
    pub(super) fn event(&self, ready: ReadyEvent) -> Option<Event<'_>> {
        Some(match ready {
            ReadyEvent::Queued(told) => match told {
                QueuedEvent::Disconnected(lost) => Event::Disconnected(lost),
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
            ReadyEvent::TooLong(number) => Event::PostRefused { number, code: PostRefusedCode::TOO_LONG },
            ReadyEvent::Space => Event::OutboxWritable,
        })
    }

    /// The message in the buffer once more: it decoded before.
    fn message_event(&self, len: usize) -> Option<Event<'_>> {
        Some(match ServerMessage::decode(self.message.get(..len)?).ok()?? {
            ServerMessage::Entry { entry, .. } => {
                let own = entry.header.instance == self.room.instance;
                Event::Entry { header: entry.header, body: entry.body, own }
            }
            ServerMessage::Stub { header, size, .. } => Event::EntryTooLarge { header, size },
            ServerMessage::Stored { number, seq, .. } => Event::Stored { number: self.outbox.local(number)?, seq },
            ServerMessage::PostRefused { number, code, .. } => {
                Event::PostRefused { number: self.outbox.local(number)?, code }
            }
            ServerMessage::Past { remaining, entry, .. } => {
                Event::HistoryEntry { remaining, entry: entry.map(|entry| (entry.header, entry.body)) }
            }
            ServerMessage::Member { remaining, name, .. } => Event::MemberListed { remaining, name },
            ServerMessage::Notice { code, text } => Event::Notice { code, text },
            ServerMessage::Welcome(_) | ServerMessage::Refused { .. } | ServerMessage::Reset { .. } => return None,
        })
    }
}
