//! The client of hosts and devices: handshake, connection, join, outbox, reconnecting and resuming
//! (SPEC 4.5, 6, 7).
//!
//! ```text
//! Idle -start-> Connecting -> (UnknownServerKey) -> Joining -> Online
//! Online -> (silence, hint, server gone) -> Connecting in parallel -> Joining (resume) -> Online
//! any -> Ended: refused, replaced, kicked, left
//! ```
//!
//! One connection carries all rooms of the client. Each joins, resumes and ends by itself; the
//! connection, the outbox and the identity are common.
//!
//! The crate documentation has the drive contract and its loop.
//!
//! # The files
//!
//! * `config`, `event`: configuration and output; `event_queue`: events not returned yet.
//! * `secrets`: identity, credential, randomness. `zero_option`: an option whose `None` is all
//!   zero.
//! * `reconnect`: connection attempts, hints, silence. `retry`: its bookkeeping and back-off.
//! * `room`: the table of rooms and the membership in each.
//! * `join`: Join and Welcome. `leave`: how a client, or a room of it, ends.
//! * `outbox`: posts until they are settled. `receive`: messages from the stream, one per event.
//! * `transfer`: messages of transfers, on the other stream.
//! * `download`: a transfer into the storage of a device.

use core::net::SocketAddr;

mod config;
mod download;
mod event;
mod event_queue;
mod join;
mod leave;
mod outbox;
mod receive;
mod reconnect;
mod retry;
mod room;
mod secrets;
#[cfg(test)]
mod tests;
mod transfer;
mod zero_option;

pub use config::{Config, ConfigError, Credential, JoinError, MIN_MESSAGE_LEN, RoomConfig};
pub use download::{Download, DownloadError, DownloadRequest, DownloadRequestError, DownloadStep};
pub use event::{ClientCounters, DisconnectReason, EndReason, Event, Output, PostError, RequestError, State};
pub use outbox::RECORD_OVERHEAD;
pub use room::{MAX_ROOMS, RoomSlot};

use crate::chat::{
    ClientMessage, EntryKind, MAX_BODY_LEN, MAX_MESSAGE_LEN, MAX_TEXT_LEN, POST_OVERHEAD, Request, Term,
};
use crate::connection::{Connection, Transmit};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::session::{ClientHandshake, Fingerprint};
use crate::time::{Duration, Instant};
use crate::transport::BufferProvider;
use crate::wire::MAX_DATAGRAM;
use crate::wire::frame::StreamId;

use config::{NameString, StoredConfig};
use event_queue::{EventQueue, QueuedEvent};
use outbox::Outbox;
use retry::Retry;
use room::{RoomState, Rooms};
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

/// The client. `OUTBOX` is the number of bytes for unsettled posts (each takes its body and
/// [`RECORD_OVERHEAD`]), `MESSAGE` the largest message in bytes (length field included) that it
/// sends or accepts: [`MIN_MESSAGE_LEN`] to [`MAX_MESSAGE_LEN`]. `ROOMS` is the number of rooms
/// that it can be in at once, up to [`MAX_ROOMS`].
///
/// Half of the outbox is divided equally between the rooms, so that no room can use up the others'
/// part; each room may use the other half as long as there is space. A client for one room has all
/// of it.
pub struct Client<
    K: ServerKey,
    M: BufferProvider,
    P: Provider,
    const OUTBOX: usize,
    const MESSAGE: usize,
    const ROOMS: usize = 1,
> {
    connection: Connection<M, P>,
    handshake: ClientHandshake<K>,
    outbox: Outbox<OUTBOX, ROOMS>,
    /// The message being encoded, or the last one received.
    message: [u8; MESSAGE],
    /// The name in the last Welcome.
    name: NameString,
    config: StoredConfig,
    secrets: Secrets,
    rooms: Rooms<ROOMS>,
    retry: Retry,
    events: EventQueue,
    counters: ClientCounters,
    phase: Phase,
    /// A connection is open, or has messages that were not read yet.
    is_connected: bool,
    /// Reset was received, its Welcome not yet.
    is_reset: bool,
    /// A room was left on this connection, so messages about it may still arrive.
    has_left: bool,
    /// The room of the last Welcome, which the queued events are about.
    welcomed: RoomSlot,
    /// Largest message that the server of this connection accepts, in bytes.
    largest_message: u16,
    /// [`Client::leave`] was called.
    is_leaving: bool,
    /// Why the client ended, until that was reported.
    ended: ZeroOption<EndReason>,
    /// [`Client::pause_events`] was called.
    is_paused: bool,
    /// Deadline for the acknowledgement of Leave.
    leave_deadline: Instant,
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>
    core::fmt::Debug for Client<K, M, P, OUTBOX, MESSAGE, ROOMS>
{
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut client = f.debug_struct("Client");
        for slot in RoomSlot::all::<ROOMS>() {
            client.field("state", &self.state(slot));
            client.field("unsettled", &self.unsettled(slot)).field("cursor", &self.cursor(slot));
        }
        client.finish_non_exhaustive()
    }
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>
    Client<K, M, P, OUTBOX, MESSAGE, ROOMS>
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
            name: NameString::new(),
            config: StoredConfig::new(),
            secrets: Secrets::new(),
            rooms: Rooms::new(),
            retry: Retry::new(),
            events: EventQueue::new(),
            counters: ClientCounters::new(),
            phase: Phase::Idle,
            is_connected: false,
            is_reset: false,
            has_left: false,
            welcomed: RoomSlot::FIRST,
            largest_message: 0,
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
        let (room, max_entry_len) = config.room().validate(MESSAGE)?;
        self.secrets.set(config.identity, seed);
        self.connection.reset();
        self.handshake.stop();
        self.outbox.clear();
        self.name.clear();
        self.config = stated;
        self.rooms.clear();
        self.rooms.get_mut(RoomSlot::FIRST).set(&config.room(), room, max_entry_len);
        self.retry = Retry::new();
        self.retry.expected = config.fingerprint.into();
        self.events = EventQueue::new();
        self.phase = Phase::Running;
        self.is_connected = false;
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
        if let Some(slot) = self.due_join() {
            self.send_join(now, slot);
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
        if self.due_join().is_some() {
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

    /// Adds a room while the client is running, connected or not. Its events state the slot that is
    /// returned; [`Event::Joined`] is the first of them, unless the server refuses the Join.
    ///
    /// # Errors
    /// [`JoinError`]; nothing was changed.
    pub fn join(&mut self, now: Instant, config: &RoomConfig<'_>) -> Result<RoomSlot, JoinError> {
        const { assert!(ROOMS > 1, "a client for one room joins it by `start`") };
        if self.phase != Phase::Running || self.is_leaving {
            return Err(JoinError::NotRunning);
        }
        let (name, max_entry_len) = config.validate(MESSAGE).map_err(JoinError::Config)?;
        if self.rooms.any(|room| room.state != RoomState::Free && room.name == name) {
            return Err(JoinError::AlreadyJoined);
        }
        let slot = self.rooms.find(|room| room.state == RoomState::Free).ok_or(JoinError::Full)?;
        let room = self.rooms.get_mut(slot);
        room.set(config, name, max_entry_len);
        if self.is_connected {
            room.state = RoomState::Signing;
        } else if !self.handshake.is_active() && !self.retry.next.is_some() {
            self.begin_attempt(now);
        }
        Ok(slot)
    }

    /// Leaves a room once each of its posts is settled; [`Event::RoomEnded`] follows. Posts to it
    /// are no longer accepted. After the last room, the client keeps running; [`Client::leave`]
    /// ends it.
    pub fn part(&mut self, now: Instant, slot: RoomSlot) {
        const { assert!(ROOMS > 1, "a client for one room leaves it by `leave`") };
        self.rooms.get_mut(slot).is_parting = true;
        self.drive_leave(now);
    }

    /// Adds a post to the outbox and returns its number: 1, 2, 3, ... in each room. It stays there
    /// until it is settled.
    ///
    /// # Errors
    /// [`PostError`]; nothing was added.
    pub fn post(&mut self, slot: RoomSlot, kind: EntryKind, body: &[u8]) -> Result<u64, PostError> {
        let room = self.rooms.get(slot);
        let has_room = ROOMS == 1 || (room.is_used() && !room.is_parting);
        if self.phase != Phase::Running || self.is_leaving || !has_room {
            return Err(PostError::NotRunning);
        }
        if !kind.is_postable() {
            return Err(PostError::Kind);
        }
        let longest = if kind.is_text() { MAX_TEXT_LEN } else { MAX_BODY_LEN };
        let fits = longest.min(MESSAGE.saturating_sub(POST_OVERHEAD)).min(Outbox::<OUTBOX, ROOMS>::LONGEST);
        if body.len() > fits {
            return Err(PostError::TooLong);
        }
        if kind.is_text() && core::str::from_utf8(body).is_err() {
            return Err(PostError::NotText);
        }
        let number = self.outbox.push(slot, kind, body).map_err(|_| PostError::Full)?;
        Ok(number)
    }

    /// Continues the posts of an earlier run of the caller in a room, in the instance that it had
    /// there (SPEC 6.5): the next post has the number after `settled`, the last number that is
    /// settled in it. Call it directly after [`Client::start`] or [`Client::join`]. If the server
    /// has forgotten the instance, it assigns another one and the posts are renumbered in it; the
    /// caller's numbers stay.
    ///
    /// The caller stores the instance, `settled`, and each post after it, before it posts it here.
    /// If more is stored under the instance than the caller posts, [`Event::Stored`] states the
    /// highest such number, and the next post has the number after that.
    ///
    /// Returns whether it does; not if the Join was sent or something was posted already.
    #[must_use]
    pub fn resume(&mut self, slot: RoomSlot, instance: u64, settled: u64) -> bool {
        const { assert!(ROOMS > 1, "a client for one room numbers its posts from 1") };
        let room = self.rooms.get_mut(slot);
        let is_new = matches!(room.state, RoomState::Waiting | RoomState::Signing) && room.instance == 0;
        let is_resumed = is_new && self.outbox.resume(slot, settled);
        if is_resumed {
            room.instance = instance;
        }
        is_resumed
    }

    /// Takes the next number for a post that the server refused in an earlier run: it is never
    /// sent, and posts after it wait until those before it are settled (SPEC 6.5).
    ///
    /// # Errors
    /// [`PostError`]; nothing was added.
    pub fn post_refused(&mut self, slot: RoomSlot) -> Result<u64, PostError> {
        let number = self.post(slot, EntryKind::DATA, &[])?;
        self.outbox.refuse(slot, number);
        Ok(number)
    }

    /// The instance under which posts to a room are sent; 0: none yet. It may change only with
    /// [`Event::Joined`], which is returned before a post is sent under the new one.
    #[must_use]
    pub fn instance(&self, slot: RoomSlot) -> u64 {
        self.rooms.get(slot).instance
    }

    /// Requests information or a change: [`Event::Info`] has the answers.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent.
    pub fn request(&mut self, now: Instant, slot: RoomSlot, request: Request<'_>) -> Result<(), RequestError> {
        let handle = self.rooms.get(slot).handle().filter(|_| self.phase == Phase::Running);
        let handle = handle.ok_or(RequestError::NotJoined)?;
        let message = ClientMessage::Request { handle, request };
        if write(now, &mut self.connection, &mut self.message, &message) { Ok(()) } else { Err(RequestError::Full) }
    }

    /// Leaves all rooms once every post is settled (or at once if it is not online and no post is
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

    /// The state of the client in a room. `Idle`: the slot has no room.
    #[must_use]
    pub fn state(&self, slot: RoomSlot) -> State {
        let room = self.rooms.get(slot);
        match self.phase {
            Phase::Idle => State::Idle,
            Phase::Ended => State::Ended,
            _ if ROOMS > 1 && !room.is_used() => State::Idle,
            Phase::Leaving | Phase::Closing => State::Online,
            _ if room.is_joined() && !self.retry.is_lost => State::Online,
            _ if room.is_member => State::Reconnecting,
            _ if !self.is_connected => State::Connecting { answered: self.retry.is_answered },
            _ => State::Joining,
        }
    }

    /// Posts to a room that are neither stored nor refused.
    #[must_use]
    pub fn unsettled(&self, slot: RoomSlot) -> u64 {
        self.outbox.unsettled(slot)
    }

    /// The last entry of a room that was delivered, and its term; `None` before its first Joined.
    #[must_use]
    pub fn cursor(&self, slot: RoomSlot) -> Option<(u64, Term)> {
        let room = self.rooms.get(slot);
        room.is_member.then_some((room.cursor, room.term))
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
