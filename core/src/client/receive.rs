//! Messages out of the stream, one per event (SPEC 6.1, 6.3): nothing is read before the caller asks, so a caller that does not ask
//! holds the server back, and the cursor never is ahead of what was told.

use super::join::{Breach, Welcomed};
use super::pending::Told;
use super::{Client, EndReason, Event, Link, write};
use crate::chat::{ClientMessage, Entry, Post, PostRefusedCode, RefusedCode, ServerMessage};
use crate::client::POST_OVERHEAD;
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// Bytes of the length field.
const LENGTH_LEN: usize = 2;

/// An event that is ready, without what it borrows.
pub(super) enum Ready {
    Told(Told),
    /// The message in the buffer, of so many bytes.
    Message(usize),
    /// This post is longer than the server takes.
    TooLong(u64),
    Space,
}

/// What came of a message.
enum Taken {
    /// It is an event.
    Event,
    /// Nothing to tell, or it is told by what is pending.
    Silent,
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Goes on until there is an event or nothing left to do.
    pub(super) fn next_ready(&mut self) -> Option<Ready> {
        loop {
            if let Some(told) = self.pending.pop() {
                return Some(Ready::Told(told));
            }
            if let Some(number) = self.give_up_too_long() {
                return Some(Ready::TooLong(number));
            }
            if let Some(len) = self.take_message() {
                match self.handle_message(len) {
                    Ok(Taken::Event) => return Some(Ready::Message(len)),
                    Ok(Taken::Silent) => {}
                    // SPEC 6.1, 7: never deliver what breaks the rules.
                    Err(Breach) => self.give_up(CloseCode::MESSAGE),
                }
                continue;
            }
            if let Some(ended) = self.retry.closed.take() {
                self.closed(ended);
                continue;
            }
            if self.outbox.take_space() {
                return Some(Ready::Space);
            }
            self.progress_leave();
            return self.pending.pop().map(Ready::Told);
        }
    }

    /// Moves the next complete message from the stream into the buffer; returns its length without the length field.
    fn take_message(&mut self) -> Option<usize> {
        if !matches!(self.link, Link::Waiting | Link::Online) {
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
            self.give_up(CloseCode::MESSAGE);
            return None;
        }
        let message = self.message.get_mut(..len)?;
        if !self.connection.peek(StreamId::Chat, LENGTH_LEN, message) {
            return None;
        }
        self.connection.consume(StreamId::Chat, total);
        self.is_dirty = true;
        Some(len)
    }

    fn handle_message(&mut self, len: usize) -> Result<Taken, Breach> {
        let message = self.message.get(..len).ok_or(Breach)?;
        // SPEC 6.1: unknown types are skipped.
        let Some(message) = ServerMessage::decode(message).map_err(|_| Breach)? else { return Ok(Taken::Silent) };
        match message {
            ServerMessage::Welcome(welcome) => {
                self.name = heapless::String::try_from(welcome.name).map_err(|_| Breach)?;
                let welcomed = Welcomed::from(&welcome);
                self.welcome(&welcomed)?;
                Ok(Taken::Silent)
            }
            ServerMessage::Reset { .. } => {
                self.reset()?;
                Ok(Taken::Silent)
            }
            ServerMessage::Refused { code, .. } => {
                if self.link != Link::Waiting {
                    return Err(Breach);
                }
                if code == RefusedCode::TRY_LATER {
                    self.refused_for_now();
                } else {
                    self.end(EndReason::Refused(code));
                }
                Ok(Taken::Silent)
            }
            ServerMessage::Entry { handle, entry: Entry { header, .. } }
            | ServerMessage::Stub { handle, header, .. } => {
                let seq = header.seq;
                self.deliver(handle, seq)
            }
            ServerMessage::Stored { handle, instance, number, .. } => {
                if !self.is_mine(handle, instance)? {
                    return Ok(Taken::Silent);
                }
                let number = self.outbox.local(number).ok_or(Breach)?;
                Ok(if self.outbox.settle(number) { Taken::Event } else { Taken::Silent })
            }
            ServerMessage::PostRefused { handle, instance, number, .. } => {
                if !self.is_mine(handle, instance)? {
                    return Ok(Taken::Silent);
                }
                let number = self.outbox.local(number).ok_or(Breach)?;
                Ok(if self.outbox.refuse(number) { Taken::Event } else { Taken::Silent })
            }
            ServerMessage::Past { handle, .. } | ServerMessage::Member { handle, .. } => {
                Ok(if self.is_here(handle) { Taken::Event } else { Taken::Silent })
            }
            ServerMessage::Notice { .. } => Ok(Taken::Event),
        }
    }

    /// SPEC 7, S4: exactly the next one, or the server is not believed.
    fn deliver(&mut self, handle: u8, seq: u64) -> Result<Taken, Breach> {
        if self.link != Link::Online {
            return Err(Breach);
        }
        if !self.is_here(handle) {
            return Ok(Taken::Silent);
        }
        if self.room.cursor.checked_add(1) != Some(seq) {
            return Err(Breach);
        }
        self.room.cursor = seq;
        Ok(Taken::Event)
    }

    /// Whether this is about posts of the present instance.
    fn is_mine(&self, handle: u8, instance: u64) -> Result<bool, Breach> {
        if self.link != Link::Online {
            return Err(Breach);
        }
        Ok(self.is_here(handle) && self.room.instance == instance)
    }

    /// Writes posts into the stream, as far as there is room (SPEC 6.5).
    pub(super) fn pump(&mut self) {
        if self.link != Link::Online {
            return;
        }
        let settled = self.outbox.settled_on_wire();
        while let Some(post) = self.outbox.next() {
            let len = post.body.len().saturating_add(POST_OVERHEAD);
            if len > usize::from(self.room.largest_message) || len > self.connection.send_space(StreamId::Chat) {
                return;
            }
            let message = ClientMessage::Post(Post {
                handle: self.room.handle,
                instance: self.room.instance,
                number: post.wire_number,
                settled,
                kind: post.kind,
                body: post.body,
            });
            if !write(&mut self.connection, &mut self.message, &message) {
                return;
            }
            self.outbox.advance();
        }
    }

    /// A post that is longer than this server takes can never be sent: it is refused here.
    fn give_up_too_long(&mut self) -> Option<u64> {
        if self.link != Link::Online {
            return None;
        }
        let largest = usize::from(self.room.largest_message);
        let post = self.outbox.next()?;
        let number = post.number;
        if post.body.len().saturating_add(POST_OVERHEAD) <= largest {
            return None;
        }
        self.is_dirty = true;
        self.outbox.refuse(number).then_some(number)
    }

    /// The event, borrowed.
    pub(super) fn event(&self, ready: Ready) -> Option<Event<'_>> {
        Some(match ready {
            Ready::Told(told) => match told {
                Told::Lost(lost) => Event::Lost(lost),
                Told::Recovered => Event::Recovered,
                Told::KeyOffered(fingerprint) => Event::KeyOffered(fingerprint),
                Told::Reset => Event::Reset,
                Told::Gap { after, first } => Event::Gap { after, first },
                Told::Joined(joined) => Event::Joined {
                    name: &self.name,
                    members: joined.members,
                    start: joined.start,
                    head: joined.head,
                    term: self.room.term,
                    resumed: joined.resumed,
                },
                Told::Stored { number } => Event::Stored { number, seq: 0 },
                Told::Ended(reason) => Event::Ended(reason),
            },
            Ready::Message(len) => return self.message_event(len),
            Ready::TooLong(number) => Event::PostRefused { number, code: PostRefusedCode::TOO_LONG },
            Ready::Space => Event::OutboxSpace,
        })
    }

    /// The message in the buffer once more: it decoded before.
    fn message_event(&self, len: usize) -> Option<Event<'_>> {
        Some(match ServerMessage::decode(self.message.get(..len)?).ok()?? {
            ServerMessage::Entry { entry, .. } => {
                let own = entry.header.instance == self.room.instance;
                Event::Entry { header: entry.header, body: entry.body, own }
            }
            ServerMessage::Stub { header, size, .. } => Event::Stub { header, size },
            ServerMessage::Stored { number, seq, .. } => Event::Stored { number: self.outbox.local(number)?, seq },
            ServerMessage::PostRefused { number, code, .. } => {
                Event::PostRefused { number: self.outbox.local(number)?, code }
            }
            ServerMessage::Past { remaining, entry, .. } => {
                Event::Past { remaining, entry: entry.map(|entry| (entry.header, entry.body)) }
            }
            ServerMessage::Member { remaining, name, .. } => Event::Member { remaining, name },
            ServerMessage::Notice { code, text } => Event::Notice { code, text },
            ServerMessage::Welcome(_) | ServerMessage::Refused { .. } | ServerMessage::Reset { .. } => return None,
        })
    }
}
