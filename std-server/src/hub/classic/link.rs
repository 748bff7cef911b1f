//! The way to one classic member. It takes the place of a connection: what the room writes to the
//! member are the messages of SPEC 6.3, which become lines here, and the texts of the client become
//! messages of SPEC 6.2. The log, the order and the rules of the room are those of every member.

use core::fmt;
use core::net::SocketAddr;
use std::collections::VecDeque;
use std::sync::Arc;

use kabar_core::chat::{
    ClientMessage, EndedCode, EntryHeader, EntryKind, Info, MAX_MESSAGE_LEN, Post, PostRefusedCode, RefusedCode,
    ServerMessage,
};
use kabar_core::classic::{Answer, MAX_DATAGRAM, PrivateKey, encode_line};
use kabar_core::connection::{CloseCode, Closed, ConnectionEvent, SendBufferFull, StreamId, Transmit};
use kabar_core::time::{Duration, Instant};
use kabar_std::text::{Content, Line, LineFormatter};

use crate::hub::fairness::limiter::{Bucket, Rate};

/// Bytes of lines that wait to be sent to a member. More than [`PACE`] sends at once, so that there
/// is always something left that makes the room go on.
const MAX_OUTGOING: usize = 48 << 10;
/// What a line counts for at least.
const MIN_LINE: usize = 64;
/// Messages of a member that wait to be read; beyond this its texts are dropped, as its network
/// drops them.
const MAX_INCOMING: usize = 64;
/// Datagrams to a member: 16 at once (16 KiB: a quarter of the smallest default of a receive buffer
/// that is in use, 64 KiB of Windows, and less than the 42,080 bytes of FreeBSD), then 250 in a
/// second.
const PACE: Rate = Rate { burst: 16, interval: Duration::from_millis(4) };
/// Texts of a member: as a person types, or a small program.
const TEXTS: Rate = Rate { burst: 64, interval: Duration::from_millis(50) };
/// Answers to what does not decrypt, from the address of a member.
const ERRORS: Rate = Rate { burst: 5, interval: Duration::from_secs(1) };

/// The way to one classic member.
pub(in crate::hub) struct ClassicLink {
    address: SocketAddr,
    key: PrivateKey,
    /// The name as its client states it, without the mark.
    name: Box<str>,
    exporter: [u8; 32],
    lines: Arc<LineFormatter>,
    timeout: Duration,
    /// When the last text of it came that decrypted.
    heard: Instant,
    membership: Option<Membership>,
    state: State,
    /// Messages to be read, each with its length field.
    incoming: VecDeque<Box<[u8]>>,
    /// Datagrams to be sent.
    outgoing: VecDeque<Box<[u8]>>,
    /// What they count for.
    outgoing_len: usize,
    pace: Bucket,
    texts: Bucket,
    errors: Bucket,
    is_readable: bool,
    /// Its end, until it is fetched.
    closed: Option<Closed>,
}

/// What the Welcome of a link states.
#[derive(Clone, Copy, Debug)]
struct Membership {
    handle: u8,
    instance: u64,
    /// Number of the last post.
    number: u64,
    /// The head at the Join: its own lines up to here are history.
    head: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// What waits is still sent.
    Closed,
    /// Nothing is sent.
    Reset,
}

/// The parts of a new link.
#[derive(Debug)]
pub(in crate::hub) struct NewLink<'a> {
    pub(in crate::hub) address: SocketAddr,
    pub(in crate::hub) key: PrivateKey,
    pub(in crate::hub) name: &'a str,
    pub(in crate::hub) exporter: [u8; 32],
    pub(in crate::hub) lines: Arc<LineFormatter>,
    pub(in crate::hub) timeout: Duration,
}

impl fmt::Debug for ClassicLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, name, state, membership, .. } = self;
        let mut out = f.debug_struct("ClassicLink");
        out.field("address", address).field("name", name).field("state", state).field("membership", membership);
        out.finish_non_exhaustive()
    }
}

impl ClassicLink {
    /// A link whose first message is `join`.
    pub(in crate::hub) fn new(now: Instant, new: NewLink<'_>, join: &[u8]) -> Self {
        let NewLink { address, key, name, exporter, lines, timeout } = new;
        Self {
            address,
            key,
            name: name.into(),
            exporter,
            lines,
            timeout,
            heard: now,
            membership: None,
            state: State::Open,
            incoming: VecDeque::from([join.into()]),
            outgoing: VecDeque::new(),
            outgoing_len: 0,
            pace: Bucket::FULL,
            texts: Bucket::FULL,
            errors: Bucket::FULL,
            is_readable: true,
            closed: None,
        }
    }

    /// The key under which its client encrypts.
    pub(in crate::hub) const fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The name as its client states it.
    pub(in crate::hub) const fn name(&self) -> &str {
        &self.name
    }

    /// Whether one more text may be decrypted. Nothing is taken yet: whoever forges the address
    /// and has no key does not use up what the member may send.
    pub(in crate::hub) fn may_decrypt(&self, now: Instant) -> bool {
        self.texts.has_token(now, TEXTS)
    }

    /// Notes that a datagram of `len` bytes decrypted.
    pub(in crate::hub) fn note_text(&mut self, now: Instant, key: PrivateKey, len: usize) {
        // A long one takes as much time as several.
        (0..len.div_ceil(MAX_DATAGRAM)).for_each(|_| _ = self.texts.take(now, TEXTS));
        (self.heard, self.key) = (now, key);
    }

    /// Whether a datagram that does not decrypt is answered.
    pub(in crate::hub) fn take_error(&mut self, now: Instant) -> bool {
        self.errors.take(now, ERRORS)
    }

    /// Adds a post to what the room reads. `false`: the client is no member yet, or too much waits.
    pub(in crate::hub) fn post(&mut self, message: &str) -> bool {
        let Some(membership) = self.membership.as_mut().filter(|_| self.incoming.len() < MAX_INCOMING) else {
            return false;
        };
        let Membership { handle, instance, number, .. } = *membership;
        // Nothing is sent a second time, so every number before this one is settled.
        let (kind, body, settled) = (EntryKind::TEXT, message.as_bytes(), number);
        let post = Post { handle, instance, number: number + 1, settled, kind, body };
        let mut buffer = [0; MAX_MESSAGE_LEN];
        let Ok(len) = ClientMessage::Post(post).encode(&mut buffer) else { return false };
        membership.number += 1;
        self.incoming.push_back(buffer[..len].into());
        self.is_readable = true;
        true
    }

    /// Sends an answer to the client.
    pub(in crate::hub) fn answer(&mut self, answer: Answer<'_>) {
        self.push(format_args!("{answer}"));
    }

    /// Sends the answers to a login.
    pub(in crate::hub) fn answer_login(&mut self) {
        let name = self.name.clone();
        self.answer(Answer::Joined(&name));
        self.answer(Answer::Accepted);
    }

    fn push(&mut self, text: fmt::Arguments<'_>) {
        let mut out = [0; MAX_DATAGRAM];
        let len = encode_line(text, &mut out);
        self.outgoing_len += len.max(MIN_LINE);
        self.outgoing.push_back(out[..len].into());
    }

    /// Takes whole messages of the server, all or none.
    pub(in crate::hub) fn send(&mut self, parts: &[&[u8]]) -> Result<(), SendBufferFull> {
        let bytes = parts.concat();
        if self.state != State::Open || bytes.len() > self.send_space() {
            return Err(SendBufferFull);
        }
        let mut rest = &bytes[..];
        while let Some((prefix, after)) = rest.split_first_chunk::<2>() {
            let len = usize::from(u16::from_be_bytes(*prefix)).min(after.len());
            let (message, after) = after.split_at(len);
            if let Ok(Some(message)) = ServerMessage::decode(message) {
                self.show(&message);
            }
            rest = after;
        }
        Ok(())
    }

    /// Makes lines of a message.
    fn show(&mut self, message: &ServerMessage<'_>) {
        match *message {
            ServerMessage::Welcome(welcome) => {
                self.membership = Some(Membership {
                    handle: welcome.handle,
                    instance: welcome.instance,
                    number: welcome.highest_stored,
                    head: welcome.head,
                });
                self.answer_login();
            }
            ServerMessage::Refused { code: RefusedCode::NAME_TAKEN, .. } => self.answer(Answer::NameTaken),
            ServerMessage::Refused { text, .. } => self.push(format_args!("Not admitted: {text}.")),
            ServerMessage::Entry { entry, .. } => self.show_entry(&entry.header, Content::Body(entry.body)),
            ServerMessage::Stub { header, size, .. } => self.show_entry(&header, Content::Omitted(size)),
            ServerMessage::PostRefused { code, .. } => match code {
                PostRefusedCode::MUTED => self.push(format_args!("Not posted: you are muted.")),
                PostRefusedCode::TOO_LONG => self.push(format_args!("Not posted: the message is too long.")),
                _ => self.push(format_args!("Not posted.")),
            },
            ServerMessage::Info(Info::Notice { text, .. }) => self.push(format_args!("Notice: {text}.")),
            ServerMessage::Info(Info::Ended { code, text, .. }) => {
                let what = match code {
                    EndedCode::KICKED => "You were kicked from the chat!",
                    EndedCode::BANNED => "You were banned from the chat!",
                    EndedCode::CLOSED => "The room was closed.",
                    _ => "You are no longer in the chat.",
                };
                if text.is_empty() {
                    self.push(format_args!("{what}"));
                } else {
                    self.push(format_args!("Removed from the chat: {text}."));
                }
            }
            // The dialect has no words for these.
            ServerMessage::Reset { .. } | ServerMessage::Stored { .. } | ServerMessage::Info(_) => {}
        }
    }

    /// Makes a line of an entry. As in the original, a client is not sent what it has written
    /// itself, and joins and leaves are no history.
    fn show_entry(&mut self, header: &EntryHeader<'_>, content: Content<'_>) {
        let Some(Membership { instance, head, .. }) = self.membership else { return };
        let is_history = header.seq <= head;
        let is_presence = matches!(header.kind, EntryKind::JOINED | EntryKind::LEFT);
        if (is_history && is_presence) || (!is_history && header.instance == instance) {
            return;
        }
        let EntryHeader { time_ms, author, kind, .. } = *header;
        let line = self.lines.format(&Line { time_ms, author, address: None, kind, content });
        self.push(format_args!("{line}"));
    }

    /// Bytes of messages that it takes now.
    pub(in crate::hub) const fn send_space(&self) -> usize {
        MAX_OUTGOING.saturating_sub(self.outgoing_len)
    }

    /// What waits to be sent, in bytes.
    pub(in crate::hub) const fn unsent(&self) -> usize {
        self.outgoing_len
    }

    pub(in crate::hub) fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        if self.outgoing.is_empty() || !self.pace.take(now, PACE) {
            return None;
        }
        let datagram = self.outgoing.pop_front()?;
        self.outgoing_len -= datagram.len().max(MIN_LINE);
        out.get_mut(..datagram.len())?.copy_from_slice(&datagram);
        Some(Transmit { to: self.address, len: datagram.len() })
    }

    pub(in crate::hub) fn poll_timeout(&self) -> Option<Instant> {
        let next_line = (!self.outgoing.is_empty()).then(|| self.pace.token_at(PACE));
        let end = self.is_open().then(|| self.heard + self.timeout);
        next_line.into_iter().chain(end).min()
    }

    pub(in crate::hub) fn handle_timeout(&mut self, now: Instant) {
        if self.is_open() && now >= self.heard + self.timeout {
            self.state = State::Closed;
            self.closed = Some(Closed::Idle);
        }
    }

    pub(in crate::hub) fn poll_event(&mut self) -> Option<ConnectionEvent> {
        if core::mem::take(&mut self.is_readable) {
            return Some(ConnectionEvent::Readable(StreamId::Chat));
        }
        self.closed.take().map(ConnectionEvent::Closed)
    }

    /// Bytes of messages that wait to be read.
    pub(in crate::hub) fn readable(&self) -> usize {
        self.incoming.iter().map(|message| message.len()).sum()
    }

    /// Copies a part of the next message.
    pub(in crate::hub) fn peek(&self, skip: usize, out: &mut [u8]) -> bool {
        let next = self.incoming.front().and_then(|message| message.get(skip..)?.get(..out.len()));
        if let Some(next) = next {
            out.copy_from_slice(next);
        }
        next.is_some()
    }

    /// Removes the next message.
    pub(in crate::hub) fn consume(&mut self) {
        self.incoming.pop_front();
    }

    pub(in crate::hub) fn close(&mut self, code: CloseCode, reason: &str) {
        if self.state != State::Open {
            return;
        }
        if code == CloseCode::SHUTDOWN {
            self.push(format_args!("The chat is closing: {reason}."));
        }
        self.state = State::Closed;
        self.incoming.clear();
    }

    pub(in crate::hub) fn reset(&mut self) {
        self.state = State::Reset;
        self.outgoing.clear();
        self.outgoing_len = 0;
    }

    pub(in crate::hub) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub(in crate::hub) fn is_finished(&self) -> bool {
        !self.is_open() && self.outgoing.is_empty()
    }

    pub(in crate::hub) fn remote(&self) -> Option<SocketAddr> {
        Some(self.address)
    }

    pub(in crate::hub) fn silence(&self, now: Instant) -> Duration {
        now.saturating_since(self.heard)
    }

    pub(in crate::hub) const fn exporter(&self) -> &[u8; 32] {
        &self.exporter
    }
}
