//! The one client of laptop and device: handshake, connection, join, outbox, *stored*, reconnect and resume (SPEC 4.5, 6, 7).
//!
//! ```text
//! Idle -start-> Connecting -> (KeyOffered) -> Joining -> Online -> (silence, hint, server gone) -> Connecting beside the old
//! connection -> Joining (resume) -> Online ...                      Ended: refused, replaced, kicked, left
//! ```
//!
//! # The drive contract
//!
//! After `start`, any `handle_*` or any other call that takes `&mut self`: drain [`Client::poll_transmit`] and [`Client::poll_event`], then
//! sleep until [`Client::poll_timeout`] or the next datagram. No call does more than one public-key operation; while steps remain,
//! `poll_timeout` returns *now*. Not for interrupt context.
//!
//! # The files
//!
//! * `config`, `event`: what comes in and goes out; `pending`: what was not told yet.
//! * `secrets`: identity, credential, randomness. `maybe`: why an idle client is all zero.
//! * `reconnect`: attempts, hints, silence: when there is a connection. `retry`: its bookkeeping and back-off.
//! * `join`: Join and Welcome: when there is a member. `leave`: how it ends.
//! * `outbox`: posts until they are settled. `receive`: messages out of the stream, one per event.
//!
#![doc = include_str!("drive.md")]

use core::net::SocketAddr;

mod config;
mod event;
mod join;
mod leave;
mod maybe;
mod outbox;
mod pending;
mod receive;
mod reconnect;
mod retry;
mod secrets;
#[cfg(test)]
mod tests;

pub use config::{Config, ConfigError, Credential, ENTRY_OVERHEAD, MIN_MESSAGE_LEN, POST_OVERHEAD};
pub use event::{ClientCounters, EndReason, Event, Lost, PostError, State};
pub use outbox::RECORD_OVERHEAD;

use crate::chat::{
    ClientMessage, EntryKind, MAX_BODY_LEN, MAX_HISTORY, MAX_MESSAGE_LEN, MAX_NAME_LEN, MAX_TEXT_LEN, Term,
};
use crate::connection::{Connection, Transmit};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::session::{ClientHandshake, Fingerprint};
use crate::time::{Duration, Instant};
use crate::transport::BufferProvider;
use crate::wire::frame::StreamId;

use config::Stated;
use join::Room;
use outbox::Outbox;
use pending::{Pending, Told};
use retry::Retry;
use secrets::Secrets;

/// From start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Idle,
    Running,
    /// Everything is settled and Leave is written: it has to arrive, in bounded time.
    Leaving,
    /// CLOSE goes out.
    Closing,
    Ended,
}

/// The way from a connection to a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Link {
    /// No connection.
    Down,
    /// Connected; the Join is to be signed.
    Sign,
    /// Join is written, Welcome is awaited.
    Waiting,
    Online,
}

/// The client. `OUTBOX` is the bytes kept for posts that are not settled (each takes its body and [`RECORD_OVERHEAD`]), `MESSAGE` the
/// largest message in bytes (length field included) that it sends or takes: [`MIN_MESSAGE_LEN`] to [`MAX_MESSAGE_LEN`].
pub struct Client<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize> {
    connection: Connection<M, P>,
    handshake: ClientHandshake<K>,
    outbox: Outbox<OUTBOX>,
    /// The message being encoded, or the last one received.
    message: [u8; MESSAGE],
    name: heapless::String<MAX_NAME_LEN>,
    stated: Stated,
    secrets: Secrets,
    room: Room,
    retry: Retry,
    pending: Pending,
    counters: ClientCounters,
    phase: Phase,
    link: Link,
    /// [`Client::leave`] was called.
    is_leaving: bool,
    /// Something may wait for [`Client::poll_transmit`].
    is_dirty: bool,
    /// When Leave has to have arrived.
    leave_by: Instant,
    /// Of the last call that said.
    now: Instant,
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize> core::fmt::Debug
    for Client<K, M, P, OUTBOX, MESSAGE>
{
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state())
            .field("unsettled", &self.unsettled())
            .field("cursor", &self.cursor())
            .finish_non_exhaustive()
    }
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Idle, in `memory`. All zero bytes if `memory` is.
    #[must_use]
    pub const fn new(memory: M) -> Self {
        const { assert!(MESSAGE >= MIN_MESSAGE_LEN && MESSAGE <= MAX_MESSAGE_LEN) };
        Self {
            connection: Connection::new(memory),
            handshake: ClientHandshake::new(),
            outbox: Outbox::new(),
            message: [0; MESSAGE],
            name: heapless::String::new(),
            stated: Stated::new(),
            secrets: Secrets::new(),
            room: Room::new(),
            retry: Retry::new(),
            pending: Pending::new(),
            counters: ClientCounters::new(),
            phase: Phase::Idle,
            link: Link::Down,
            is_leaving: false,
            is_dirty: false,
            leave_by: Instant::ZERO,
            now: Instant::ZERO,
        }
    }

    /// Begins. `seed` must be fresh and secret: everything random comes from it. Whatever was there before is forgotten, but for
    /// [`Client::counters`].
    ///
    /// # Errors
    /// [`ConfigError`]; the client is as it was.
    pub fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), ConfigError> {
        let stated = Stated::take(config, self.connection.memory().capacity(), MESSAGE)?;
        self.secrets.set(config.identity, &config.credential, seed);
        self.connection.abandon();
        self.handshake.stop();
        self.outbox.clear();
        self.name.clear();
        self.stated = stated;
        self.room = Room::new();
        self.retry = Retry::new();
        self.retry.expected = config.fingerprint.into();
        self.pending = Pending::new();
        self.phase = Phase::Running;
        self.link = Link::Down;
        self.is_leaving = false;
        self.now = now;
        self.begin_attempt();
        Ok(())
    }

    /// Takes a datagram, in place. What is not for this client is dropped and counted.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        self.now = now;
        if self.phase == Phase::Idle {
            self.counters.malformed = self.counters.malformed.saturating_add(1);
            return;
        }
        self.sort_datagram(from, datagram);
        self.absorb();
        self.progress_leave();
    }

    /// Does what is due: at most one public-key operation.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        if self.phase == Phase::Idle {
            return;
        }
        if !self.connection.is_finished() {
            self.connection.handle_timeout(now);
        }
        // One of these, so one public-key operation.
        if self.link == Link::Sign {
            self.send_join();
        } else if self.handshake.is_active() {
            self.handshake.handle_timeout(now);
        }
        self.absorb();
        self.reconnect();
        self.progress_leave();
    }

    /// The next datagram to send, in `out` (at least 1200 bytes).
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        self.now = now;
        if self.handshake.is_active()
            && let Some(len) = self.handshake.poll_transmit::<P>(now, out)
        {
            return Some(Transmit { to: self.retry.to, len });
        }
        self.pump();
        if !self.connection.is_finished()
            && let Some(transmit) = self.connection.poll_transmit(now, out)
        {
            return Some(transmit);
        }
        self.is_dirty = false;
        self.finish_leave();
        None
    }

    /// What happened. An entry counts as delivered once it was returned.
    pub fn poll_event(&mut self) -> Option<Event<'_>> {
        let ready = self.next_ready()?;
        self.event(ready)
    }

    /// When to call [`Client::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.phase == Phase::Idle {
            return None;
        }
        if self.is_dirty || self.link == Link::Sign {
            return Some(self.now);
        }
        let connection = if self.connection.is_finished() { None } else { self.connection.poll_timeout() };
        let handshake = if self.handshake.is_active() { self.handshake.poll_timeout() } else { None };
        [connection, handshake, self.reconnect_timeout(), self.leave_timeout()].into_iter().flatten().min()
    }

    /// Answers [`Event::KeyOffered`]. `false` ends the client.
    pub fn answer_key(&mut self, now: Instant, accept: bool) {
        self.now = now;
        self.answer_offer(accept);
    }

    /// Takes a post into the outbox and returns its number: 1, 2, 3, ... It stays there until it is settled.
    ///
    /// # Errors
    /// [`PostError`]; nothing was taken.
    pub fn post(&mut self, kind: EntryKind, body: &[u8]) -> Result<u64, PostError> {
        if self.phase != Phase::Running || self.is_leaving {
            return Err(PostError::NotRunning);
        }
        if !kind.is_postable() {
            return Err(PostError::Kind);
        }
        let longest = if kind.is_text() { MAX_TEXT_LEN } else { MAX_BODY_LEN };
        let fits = longest.min(MESSAGE.saturating_sub(POST_OVERHEAD)).min(OUTBOX.saturating_sub(RECORD_OVERHEAD));
        if body.len() > fits {
            return Err(PostError::TooLong);
        }
        if kind.is_text() && core::str::from_utf8(body).is_err() {
            return Err(PostError::NotText);
        }
        let number = self.outbox.push(kind, body).map_err(|_| PostError::Full)?;
        self.is_dirty = true;
        Ok(number)
    }

    /// Asks who is here. `false`: not online, or no room to ask now.
    pub fn who(&mut self) -> bool {
        self.ask(&ClientMessage::ListMembers { handle: self.room.handle })
    }

    /// Asks for up to `count` (1 to 200) entries before `before` (0 = the head). `false`: not online, or no room to ask now.
    pub fn history(&mut self, before: u64, count: u8) -> bool {
        let count = count.clamp(1, MAX_HISTORY);
        self.ask(&ClientMessage::History { handle: self.room.handle, before, count })
    }

    /// Leaves once every post is settled (or at once when not online with nothing unsettled). [`Event::Ended`] follows. Posts are no
    /// longer taken.
    pub fn leave(&mut self, now: Instant) {
        self.now = now;
        self.is_leaving = true;
        self.progress_leave();
    }

    /// Leaves now, whatever is unsettled: says so to the server if it can. [`Event::Ended`] follows.
    pub fn abort(&mut self, now: Instant) {
        self.now = now;
        if matches!(self.phase, Phase::Running | Phase::Leaving | Phase::Closing) {
            self.end(EndReason::Left);
        }
    }

    /// The server is elsewhere now (a name was resolved again, or another of its addresses answered). The next attempt goes there, and
    /// so does the one under way as long as it waits for a Challenge; a connection that is up stays.
    pub fn set_server(&mut self, server: SocketAddr) {
        self.stated.server = server;
        if self.handshake.says_hello() {
            self.retry.to = server;
        }
    }

    /// Where the attempt or the connection goes: whence a datagram comes that can only be the server's (SPEC 2.5).
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.retry.to
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Idle => State::Idle,
            Phase::Ended => State::Ended,
            Phase::Leaving | Phase::Closing => State::Online,
            _ if self.link == Link::Online && !self.retry.is_lost => State::Online,
            _ if self.room.is_member => State::Lost,
            _ if self.link == Link::Down => State::Connecting { answered: self.retry.is_answered },
            _ => State::Joining,
        }
    }

    /// Posts that are neither stored nor refused.
    #[must_use]
    pub const fn unsettled(&self) -> u64 {
        self.outbox.unsettled()
    }

    /// The last entry delivered and the term it is known under; `None` before the first Joined.
    #[must_use]
    pub fn cursor(&self) -> Option<(u64, Term)> {
        self.room.is_member.then_some((self.room.cursor, self.room.term))
    }

    /// The fingerprint of the server's key, once known.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.retry.fingerprint()
    }

    /// Smoothed round-trip time.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.connection.rtt()
    }

    /// What was counted, over all connections of this client.
    #[must_use]
    pub fn counters(&self) -> ClientCounters {
        let mut counters = self.counters;
        counters.add(&self.connection.counters());
        counters
    }

    fn ask(&mut self, question: &ClientMessage<'_>) -> bool {
        let written = self.phase == Phase::Running
            && self.link == Link::Online
            && write(&mut self.connection, &mut self.message, question);
        self.is_dirty |= written;
        written
    }
}

/// Writes a message into the stream, if there is room now; `buffer` is overwritten.
fn write<M: BufferProvider, P: Provider>(
    connection: &mut Connection<M, P>,
    buffer: &mut [u8],
    message: &ClientMessage<'_>,
) -> bool {
    let Ok(len) = message.encode(buffer) else { return false };
    let Some(bytes) = buffer.get(..len) else { return false };
    connection.send(StreamId::Chat, &[bytes]).is_ok()
}
