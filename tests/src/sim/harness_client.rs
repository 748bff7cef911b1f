//! Clients of three sizes through one interface, so that a scenario can mix them.

use std::net::SocketAddr;

use kabar_core::chat::{EntryKind, Request, Term};
use kabar_core::client::{
    Client, ClientCounters, Config, ConfigError, Output, PostError, RequestError, RoomSlot, State,
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
    fn post(&mut self, kind: EntryKind, body: &[u8]) -> Result<u64, PostError>;
    /// See [`Client::request`].
    ///
    /// # Errors
    /// See [`Client::request`].
    fn request(&mut self, now: Instant, request: Request<'_>) -> Result<(), RequestError>;
    /// See [`Client::leave`].
    fn leave(&mut self, now: Instant);
    /// See [`Client::abort`].
    fn abort(&mut self, now: Instant);
    /// See [`Client::state`].
    fn state(&self) -> State;
    /// See [`Client::unsettled`].
    fn unsettled(&self) -> u64;
    /// See [`Client::cursor`].
    fn cursor(&self) -> Option<(u64, Term)>;
    /// See [`Client::fingerprint`].
    fn fingerprint(&self) -> Option<Fingerprint>;
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

/// A client of `size` that was not started.
#[must_use]
pub fn client(size: Size) -> Box<dyn HarnessClient> {
    match size {
        Size::Host => idle::<InlineBuffers<16384, 16384, 0, 32>, 16384, 4480>(),
        Size::Device => idle::<InlineBuffers<2048, 2048, 0, 12>, 2048, 2048>(),
        Size::Tiny => idle::<InlineBuffers<700, 700, 0, 6>, 600, 640>(),
    }
}

fn idle<M: BufferProvider + Default + std::fmt::Debug + 'static, const OUTBOX: usize, const MESSAGE: usize>()
-> Box<dyn HarnessClient> {
    Box::new(Client::<SimKey, M, Portable, OUTBOX, MESSAGE>::new(M::default()))
}

impl<M: BufferProvider + std::fmt::Debug, const OUTBOX: usize, const MESSAGE: usize> HarnessClient
    for Client<SimKey, M, Portable, OUTBOX, MESSAGE>
{
    fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), ConfigError> {
        self.start(config, seed, now)
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
    fn post(&mut self, kind: EntryKind, body: &[u8]) -> Result<u64, PostError> {
        self.post(RoomSlot::FIRST, kind, body)
    }
    fn request(&mut self, now: Instant, request: Request<'_>) -> Result<(), RequestError> {
        self.request(now, RoomSlot::FIRST, request)
    }
    fn leave(&mut self, now: Instant) {
        self.leave(now);
    }
    fn abort(&mut self, now: Instant) {
        self.abort(now);
    }
    fn state(&self) -> State {
        self.state(RoomSlot::FIRST)
    }
    fn unsettled(&self) -> u64 {
        self.unsettled(RoomSlot::FIRST)
    }
    fn cursor(&self) -> Option<(u64, Term)> {
        self.cursor(RoomSlot::FIRST)
    }
    fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint()
    }
    fn counters(&self) -> ClientCounters {
        self.counters()
    }
}
