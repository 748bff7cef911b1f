//! The client of hosts and devices: handshake, connection, join, outbox, reconnecting and resuming
//! (SPEC 4.5, 6, 7).
//!
//! ```text
//! Idle -start-> Connecting -> (UnknownServerKey) -> Joining -> Online
//! Online -> (silence, hint, server gone) -> Connecting in parallel -> Joining (resume) -> Online
//! any -> Ended: refused, replaced, kicked, left
//! ```
//!
//! The crate documentation has the drive contract and its loop.
//!
//! # The files
//!
//! * `config`, `event`: configuration and output; `event_queue`: events not returned yet.
//! * `secrets`: identity, credential, randomness. `zero_option`: an option whose `None` is all
//!   zero.
//! * `reconnect`: connection attempts, hints, silence. `retry`: its bookkeeping and back-off.
//! * `join`: Join and Welcome. `leave`: how a client ends.
//! * `outbox`: posts until they are settled. `receive`: messages from the stream, one per event.

use core::net::SocketAddr;

mod config;
mod event;
mod event_queue;
mod join;
mod leave;
mod outbox;
mod receive;
mod reconnect;
mod retry;
mod secrets;
#[cfg(test)]
mod tests;
mod zero_option;

pub use config::{Config, ConfigError, Credential, MIN_MESSAGE_LEN};
pub use event::{ClientCounters, DisconnectReason, EndReason, Event, Output, PostError, RequestError, State};
pub use outbox::RECORD_OVERHEAD;

use crate::chat::{
    ClientMessage, EntryKind, MAX_BODY_LEN, MAX_MESSAGE_LEN, MAX_NAME_LEN, MAX_TEXT_LEN, POST_OVERHEAD, Request, Term,
};
use crate::connection::{Connection, Transmit};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::session::{ClientHandshake, Fingerprint};
use crate::time::{Duration, Instant};
use crate::transport::BufferProvider;
use crate::wire::MAX_DATAGRAM;
use crate::wire::frame::StreamId;

use config::StoredConfig;
use event_queue::{EventQueue, QueuedEvent};
use join::Room;
use outbox::Outbox;
use retry::Retry;
use secrets::Secrets;
use zero_option::ZeroOption;

/// Phase of a client, from start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Idle,
    Running,
    /// Everything is settled and Leave is written: it has to arrive, in bounded time.
    Leaving,
    /// CLOSE is being sent.
    Closing,
    Ended,
}

/// Progress from a connection to membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum JoinState {
    /// No connection.
    Disconnected,
    /// Connected; the Join is not signed yet.
    Signing,
    /// Join is written, Welcome is awaited.
    AwaitingWelcome,
    Joined,
}

/// The client. `OUTBOX` is the number of bytes for unsettled posts (each takes its body and
/// [`RECORD_OVERHEAD`]), `MESSAGE` the largest message in bytes (length field included) that it
/// sends or accepts: [`MIN_MESSAGE_LEN`] to [`MAX_MESSAGE_LEN`].
pub struct Client<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize> {
    connection: Connection<M, P>,
    handshake: ClientHandshake<K>,
    outbox: Outbox<OUTBOX>,
    /// The message being encoded, or the last one received.
    message: [u8; MESSAGE],
    name: heapless::String<MAX_NAME_LEN>,
    config: StoredConfig,
    secrets: Secrets,
    room: Room,
    retry: Retry,
    events: EventQueue,
    counters: ClientCounters,
    phase: Phase,
    join_state: JoinState,
    /// [`Client::leave`] was called.
    is_leaving: bool,
    /// Why the client ended, until that was reported.
    ended: ZeroOption<EndReason>,
    /// [`Client::pause_events`] was called.
    is_paused: bool,
    /// Deadline for the acknowledgement of Leave.
    leave_deadline: Instant,
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
    /// Creates an idle client with its buffers in `memory`. All zero bytes if `memory` is.
    #[must_use]
    pub const fn new(memory: M) -> Self {
        const { assert!(MESSAGE >= MIN_MESSAGE_LEN && MESSAGE <= MAX_MESSAGE_LEN) };
        Self {
            connection: Connection::new(memory),
            handshake: ClientHandshake::new(),
            outbox: Outbox::new(),
            message: [0; MESSAGE],
            name: heapless::String::new(),
            config: StoredConfig::new(),
            secrets: Secrets::new(),
            room: Room::new(),
            retry: Retry::new(),
            events: EventQueue::new(),
            counters: ClientCounters::new(),
            phase: Phase::Idle,
            join_state: JoinState::Disconnected,
            is_leaving: false,
            ended: ZeroOption::None,
            is_paused: false,
            leave_deadline: Instant::ZERO,
        }
    }

    /// Starts the client. `seed` must be fresh and secret: all randomness is derived from it. Any
    /// earlier state is discarded, except for [`Client::counters`].
    ///
    /// # Errors
    /// [`ConfigError`]; the client is unchanged.
    pub fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), ConfigError> {
        let stated = StoredConfig::validate(config, self.connection.memory().capacity(), MESSAGE)?;
        self.secrets.set(config.identity, &config.credential, seed);
        self.connection.reset();
        self.handshake.stop();
        self.outbox.clear();
        self.name.clear();
        self.config = stated;
        self.room = Room::new();
        self.retry = Retry::new();
        self.retry.expected = config.fingerprint.into();
        self.events = EventQueue::new();
        self.phase = Phase::Running;
        self.join_state = JoinState::Disconnected;
        self.is_leaving = false;
        self.ended = ZeroOption::None;
        self.begin_attempt(now);
        Ok(())
    }

    /// Handles a datagram, in place. Datagrams for others are dropped and counted.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        if self.phase == Phase::Idle {
            self.counters.malformed = self.counters.malformed.saturating_add(1);
            return;
        }
        self.dispatch_datagram(now, from, datagram);
        self.poll_children(now);
        self.drive_leave(now);
    }

    /// Does the work that is due: at most one public-key operation.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.phase == Phase::Idle {
            return;
        }
        if !self.connection.is_finished() {
            self.connection.handle_timeout(now);
        }
        // At most one of these runs, so at most one public-key operation.
        if self.join_state == JoinState::Signing {
            self.send_join(now);
        } else if self.handshake.is_active() {
            self.handshake.handle_timeout(now);
        }
        self.poll_children(now);
        self.reconnect(now);
        self.drive_leave(now);
    }

    /// Returns the next thing to do: events first, then datagrams, then the time-out, and
    /// [`Event::Ended`] after the last datagram. An event counts as delivered once it is returned.
    /// Call this after every other call that takes `&mut self`, until it returns
    /// [`Output::Timeout`].
    ///
    /// A datagram is written to the front of `buf`, which takes [`MAX_DATAGRAM`] bytes. While `buf`
    /// is shorter, datagrams wait: pass `&mut []` when none can be sent, and call again when one
    /// can.
    pub fn poll_output(&mut self, now: Instant, buf: &mut [u8]) -> Output<'_> {
        if !self.is_paused
            && let Some(ready) = self.next_event(now)
        {
            // A message that is ready was decoded once, so it always is an event.
            return self.event(ready).map_or(Output::Timeout(Some(now)), Output::Event);
        }
        if buf.len() >= MAX_DATAGRAM {
            if let Some(transmit) = self.next_transmit(now, buf) {
                return Output::Transmit(transmit);
            }
            self.on_drained(now);
        }
        if !self.is_paused
            && let Some(reason) = self.ended.take()
        {
            return Output::Event(Event::Ended(reason));
        }
        Output::Timeout(self.deadline(now))
    }

    /// Withholds events until [`Client::resume_events`], for a caller that cannot take them now.
    /// Datagrams and timers continue, and flow control holds the server back once the receive
    /// buffer is full, so nothing is lost.
    pub const fn pause_events(&mut self) {
        self.is_paused = true;
    }

    /// Lets [`Client::poll_output`] return events again.
    pub const fn resume_events(&mut self) {
        self.is_paused = false;
    }

    fn next_transmit(&mut self, now: Instant, buf: &mut [u8]) -> Option<Transmit> {
        if self.handshake.is_active()
            && let Some(len) = self.handshake.poll_transmit::<P>(now, buf)
        {
            return Some(Transmit { to: self.retry.to, len });
        }
        self.write_posts(now);
        if self.connection.is_finished() { None } else { self.connection.poll_transmit(now, buf) }
    }

    /// When [`Client::handle_timeout`] has something to do.
    fn deadline(&self, now: Instant) -> Option<Instant> {
        if self.phase == Phase::Idle {
            return None;
        }
        if self.join_state == JoinState::Signing {
            return Some(now);
        }
        let connection = if self.connection.is_finished() { None } else { self.connection.poll_timeout() };
        let handshake = if self.handshake.is_active() { self.handshake.poll_timeout() } else { None };
        [connection, handshake, self.reconnect_timeout(), self.leave_timeout()].into_iter().flatten().min()
    }

    /// Accepts the key of [`Event::UnknownServerKey`]; from now on no other one is accepted.
    pub fn accept_key(&mut self, now: Instant) {
        if let Some(fingerprint) = self.retry.offered.take() {
            self.expect_key(now, fingerprint);
        }
    }

    /// Rejects the key of [`Event::UnknownServerKey`], which ends the client.
    pub fn reject_key(&mut self, now: Instant) {
        if self.retry.offered.take().is_some() {
            self.terminate(now, EndReason::KeyRejected);
        }
    }

    /// Adds a post to the outbox and returns its number: 1, 2, 3, ... It stays there until it is
    /// settled.
    ///
    /// # Errors
    /// [`PostError`]; nothing was added.
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
        Ok(number)
    }

    /// Requests information or a change: [`Event::Info`] has the answers.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent.
    pub fn request(&mut self, now: Instant, request: Request<'_>) -> Result<(), RequestError> {
        if self.phase != Phase::Running || self.join_state != JoinState::Joined {
            return Err(RequestError::NotJoined);
        }
        let message = ClientMessage::Request { handle: self.room.handle, request };
        if write(now, &mut self.connection, &mut self.message, &message) { Ok(()) } else { Err(RequestError::Full) }
    }

    /// Leaves once every post is settled (or at once if it is not online and no post is
    /// unsettled). [`Event::Ended`] follows. Posts are no longer accepted.
    pub fn leave(&mut self, now: Instant) {
        self.is_leaving = true;
        self.drive_leave(now);
    }

    /// Leaves now, without waiting for unsettled posts; informs the server if possible.
    /// [`Event::Ended`] follows.
    pub fn abort(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Running | Phase::Leaving | Phase::Closing) {
            self.terminate(now, EndReason::Left);
        }
    }

    /// Sets the server's address (after a name was resolved again, or another of its addresses
    /// answered). The next attempt uses it, and so does the current one as long as it waits for a
    /// Challenge; an open connection is not affected.
    pub fn set_server(&mut self, server: SocketAddr) {
        self.config.server = server;
        if self.handshake.says_hello() {
            self.retry.to = server;
        }
    }

    /// The remote address of the attempt or connection: the source of a datagram on a link where it
    /// can only be the server's (SPEC 2.5).
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.retry.to
    }

    /// The state of the client.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Idle => State::Idle,
            Phase::Ended => State::Ended,
            Phase::Leaving | Phase::Closing => State::Online,
            _ if self.join_state == JoinState::Joined && !self.retry.is_lost => State::Online,
            _ if self.room.is_member => State::Reconnecting,
            _ if self.join_state == JoinState::Disconnected => State::Connecting { answered: self.retry.is_answered },
            _ => State::Joining,
        }
    }

    /// Posts that are neither stored nor refused.
    #[must_use]
    pub const fn unsettled(&self) -> u64 {
        self.outbox.unsettled()
    }

    /// The last entry delivered and its term; `None` before the first Joined.
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

    /// The counters, summed over all connections of this client.
    #[must_use]
    pub fn counters(&self) -> ClientCounters {
        let mut counters = self.counters;
        counters.add(&self.connection.counters());
        counters
    }
}

/// Writes a message into the stream, if there is room now; `buffer` is overwritten.
fn write<M: BufferProvider, P: Provider>(
    now: Instant,
    connection: &mut Connection<M, P>,
    buffer: &mut [u8],
    message: &ClientMessage<'_>,
) -> bool {
    let Ok(len) = message.encode(buffer) else { return false };
    let Some(bytes) = buffer.get(..len) else { return false };
    connection.send(now, StreamId::Chat, &[bytes]).is_ok()
}
