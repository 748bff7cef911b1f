//! Clients of three sizes through one interface, so that a scenario can mix them.

use std::net::SocketAddr;

use kabar_core::chat::{EntryKind, Request, Term, TransferMessage};
use kabar_core::client::{
    Client, ClientCounters, Config, ConfigError, JoinError, Output, PostError, RequestError, RoomConfig, RoomSlot,
    State,
};
use kabar_core::crypto::Portable;
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;
use kabar_core::transport::{BufferProvider, InlineBuffers};

use super::keys::SimKey;

/// Size of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Buffers of a client on a host.
    Host,
    /// Buffers of a client on a microcontroller.
    Device,
    /// The smallest buffers that the protocol permits.
    Tiny,
}

/// A client of any size.
pub trait HarnessClient: std::fmt::Debug {
    /// See [`Client::start`].
    ///
    /// # Errors
    /// The configuration is not possible.
    fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), ConfigError>;
    /// See [`Client::join`].
    ///
    /// # Errors
    /// See [`Client::join`]. A client for one room has no slot for another one.
    fn join(&mut self, now: Instant, config: &RoomConfig<'_>) -> Result<RoomSlot, JoinError>;
    /// See [`Client::part`]. A client for one room does nothing.
    fn part(&mut self, now: Instant, slot: RoomSlot);
    /// See [`Client::handle_datagram`].
    fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]);
    /// See [`Client::handle_timeout`].
    fn handle_timeout(&mut self, now: Instant);
    /// See [`Client::poll_output`].
    fn poll_output(&mut self, now: Instant, out: &mut [u8]) -> Output<'_>;
    /// See [`Client::pause_events`] and [`Client::resume_events`].
    fn set_events_paused(&mut self, is_paused: bool);
    /// See [`Client::accept_key`].
    fn accept_key(&mut self, now: Instant);
    /// See [`Client::reject_key`].
    fn reject_key(&mut self, now: Instant);
    /// See [`Client::post`].
    ///
    /// # Errors
    /// See [`Client::post`].
    fn post(&mut self, slot: RoomSlot, kind: EntryKind, body: &[u8]) -> Result<u64, PostError>;
    /// See [`Client::request`].
    ///
    /// # Errors
    /// See [`Client::request`].
    fn request(&mut self, now: Instant, slot: RoomSlot, request: Request<'_>) -> Result<(), RequestError>;
    /// See [`Client::leave`].
    fn leave(&mut self, now: Instant);
    /// See [`Client::abort`].
    fn abort(&mut self, now: Instant);
    /// See [`Client::state`].
    fn state(&self, slot: RoomSlot) -> State;
    /// See [`Client::unsettled`].
    fn unsettled(&self, slot: RoomSlot) -> u64;
    /// See [`Client::cursor`].
    fn cursor(&self, slot: RoomSlot) -> Option<(u64, Term)>;
    /// See [`Client::fingerprint`].
    fn fingerprint(&self) -> Option<Fingerprint>;
    /// See [`Client::handle_of`].
    fn handle_of(&self, slot: RoomSlot) -> Option<u8>;
    /// See [`Client::connection_number`].
    fn connection_number(&self) -> u64;
    /// See [`Client::has_transfers`].
    fn has_transfers(&self) -> bool;
    /// See [`Client::bulk_space`].
    fn bulk_space(&self) -> usize;
    /// See [`Client::send_bulk`].
    ///
    /// # Errors
    /// See [`Client::send_bulk`].
    fn send_bulk(&mut self, now: Instant, message: &TransferMessage<'_>) -> Result<(), RequestError>;
    /// See [`Client::read_bulk`].
    fn read_bulk<'b>(&mut self, now: Instant, buf: &'b mut [u8]) -> Option<TransferMessage<'b>>;
    /// See [`Client::counters`].
    fn counters(&self) -> ClientCounters;
}

/// The largest body that a client of `size` accepts.
#[must_use]
pub fn max_entry_len(size: Size) -> u16 {
    match size {
        Size::Host => 4352,
        Size::Device => 1900,
        Size::Tiny => 500,
    }
}

/// The number of rooms that a client of `size` can be in.
#[must_use]
pub fn max_rooms(size: Size) -> usize {
    match size {
        Size::Host => HOST_ROOMS,
        Size::Device | Size::Tiny => 1,
    }
}

const HOST_ROOMS: usize = 4;

/// A client of `size` that was not started.
#[must_use]
pub fn client(size: Size) -> Box<dyn HarnessClient> {
    match size {
        Size::Host => {
            let memory = InlineBuffers::<16384, 16384, 8192, 32>::default();
            Box::new(Client::<SimKey, _, Portable, 16384, 4480, HOST_ROOMS>::new(memory))
        }
        Size::Device => one_room::<InlineBuffers<2048, 2048, 0, 12>, 2048, 2048>(),
        Size::Tiny => one_room::<InlineBuffers<700, 700, 0, 6>, 600, 640>(),
    }
}

fn one_room<M: BufferProvider + Default + std::fmt::Debug + 'static, const OUTBOX: usize, const MESSAGE: usize>()
-> Box<dyn HarnessClient> {
    Box::new(Client::<SimKey, M, Portable, OUTBOX, MESSAGE>::new(M::default()))
}

macro_rules! harness_client {
    ($rooms:expr, |$client:ident, $now:ident, $config:ident| $join:expr, |$slot:ident| $part:expr) => {
        impl<M: BufferProvider + std::fmt::Debug, const OUTBOX: usize, const MESSAGE: usize> HarnessClient
            for Client<SimKey, M, Portable, OUTBOX, MESSAGE, { $rooms }>
        {
            fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), ConfigError> {
                self.start(config, seed, now)
            }
            fn join(&mut self, $now: Instant, $config: &RoomConfig<'_>) -> Result<RoomSlot, JoinError> {
                let $client = self;
                $join
            }
            fn part(&mut self, $now: Instant, $slot: RoomSlot) {
                let $client = self;
                $part
            }
            fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
                self.handle_datagram(now, from, datagram);
            }
            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
            fn poll_output(&mut self, now: Instant, out: &mut [u8]) -> Output<'_> {
                self.poll_output(now, out)
            }
            fn set_events_paused(&mut self, is_paused: bool) {
                if is_paused {
                    self.pause_events();
                } else {
                    self.resume_events();
                }
            }
            fn accept_key(&mut self, now: Instant) {
                self.accept_key(now);
            }
            fn reject_key(&mut self, now: Instant) {
                self.reject_key(now);
            }
            fn post(&mut self, slot: RoomSlot, kind: EntryKind, body: &[u8]) -> Result<u64, PostError> {
                self.post(slot, kind, body)
            }
            fn request(&mut self, now: Instant, slot: RoomSlot, request: Request<'_>) -> Result<(), RequestError> {
                self.request(now, slot, request)
            }
            fn leave(&mut self, now: Instant) {
                self.leave(now);
            }
            fn abort(&mut self, now: Instant) {
                self.abort(now);
            }
            fn state(&self, slot: RoomSlot) -> State {
                self.state(slot)
            }
            fn unsettled(&self, slot: RoomSlot) -> u64 {
                self.unsettled(slot)
            }
            fn cursor(&self, slot: RoomSlot) -> Option<(u64, Term)> {
                self.cursor(slot)
            }
            fn fingerprint(&self) -> Option<Fingerprint> {
                self.fingerprint()
            }
            fn handle_of(&self, slot: RoomSlot) -> Option<u8> {
                self.handle_of(slot)
            }
            fn connection_number(&self) -> u64 {
                self.connection_number()
            }
            fn has_transfers(&self) -> bool {
                self.has_transfers()
            }
            fn bulk_space(&self) -> usize {
                self.bulk_space()
            }
            fn send_bulk(&mut self, now: Instant, message: &TransferMessage<'_>) -> Result<(), RequestError> {
                self.send_bulk(now, message)
            }
            fn read_bulk<'b>(&mut self, now: Instant, buf: &'b mut [u8]) -> Option<TransferMessage<'b>> {
                self.read_bulk(now, buf)
            }
            fn counters(&self) -> ClientCounters {
                self.counters()
            }
        }
    };
}

harness_client!(1, |_client, _now, _config| Err(JoinError::Full), |_slot| ());
harness_client!(HOST_ROOMS, |client, now, config| client.join(now, config), |slot| client.part(now, slot));
