//! A member of a room at the end of a link: the link and the client, driven by one call.
//!
//! ```text
//! link -> client -> events         (each datagram, one after another)
//! link <- client                   (until it has nothing to send, or the link takes no more)
//! ```
//!
//! While the link has no address the client's timers wait, and posts stay in its outbox.

use kabar_core::client::{Config, ConfigError, Event, Output, RoomSlot};
use kabar_core::time::Instant;
use kabar_core::transport::BufferProvider;

use crate::link::{Address, Link, Received};
use crate::profile::{self, DATAGRAM_LEN, DeviceClient, DeviceMemory};

/// Frames received from the link per [`Node::poll`]: a flood does not keep the device from its
/// other work.
pub const MAX_FRAMES_PER_POLL: usize = 16;
/// Datagrams sent to the link per [`Node::poll`] (SPEC 5.4).
pub const MAX_DATAGRAMS_PER_POLL: usize = 10;

/// Why a node cannot begin to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The link cannot reach the server's address: on an IP network, it is not an IPv4 address.
    Unreachable,
    /// The client rejects the configuration.
    Config(ConfigError),
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the server's address is not an IPv4 address"),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

/// The memory of a node except its link: its size is the static RAM that a member takes. All zero
/// when new, so that a `static` one takes no flash.
#[derive(Debug)]
pub struct Storage<M: BufferProvider = DeviceMemory> {
    client: DeviceClient<M>,
    datagram: [u8; DATAGRAM_LEN],
}

impl Storage {
    /// An idle client.
    #[must_use]
    pub const fn new() -> Self {
        Self { client: profile::client(), datagram: [0; DATAGRAM_LEN] }
    }
}

impl<M: BufferProvider> Storage<M> {
    /// An idle client whose connection has other memory, as
    /// [`FileMemory`](crate::profile::FileMemory).
    #[must_use]
    pub const fn with_memory(memory: M) -> Self {
        Self { client: DeviceClient::new(memory), datagram: [0; DATAGRAM_LEN] }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::new()
    }
}

/// A node: see the module's documentation.
///
/// Call [`Node::poll`] when something has arrived on the link, at [`Node::poll_timeout`], and after
/// every other call; that is all.
pub struct Node<'a, L, M: BufferProvider = DeviceMemory> {
    storage: &'a mut Storage<M>,
    link: L,
    /// When the client has something to do.
    deadline: Option<Instant>,
    /// Whether the last poll ended at a bound, not for lack of work.
    unfinished: bool,
}

impl<L, M: BufferProvider> core::fmt::Debug for Node<'_, L, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").field("state", &self.storage.client.state(RoomSlot::FIRST)).finish_non_exhaustive()
    }
}

impl<'a, L: Link, M: BufferProvider> Node<'a, L, M> {
    /// A node in `storage`, which it borrows permanently. The client is idle until [`Node::start`].
    pub const fn new(storage: &'a mut Storage<M>, link: L) -> Self {
        Self { storage, link, deadline: None, unfinished: false }
    }

    /// Begins to join. `seed` is fresh and secret.
    ///
    /// # Errors
    /// [`StartError`]; the client stays idle.
    pub fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), StartError> {
        if !self.link.reaches(config.server) {
            return Err(StartError::Unreachable);
        }
        self.storage.client.start(config, seed, now).map_err(StartError::Config)
    }

    /// The client: to post, to ask, to leave. Call [`Node::poll`] afterwards.
    pub const fn client(&mut self) -> &mut DeviceClient<M> {
        &mut self.storage.client
    }

    /// The link.
    pub const fn link(&mut self) -> &mut L {
        &mut self.link
    }

    /// The link's address, once there is one.
    #[must_use]
    pub fn address(&self) -> Option<Address> {
        self.link.address()
    }

    /// Does everything that is due: datagrams in, timers, events, datagrams out.
    pub fn poll(&mut self, now: Instant, mut on_event: impl FnMut(Event<'_>)) {
        let all_in = (0..MAX_FRAMES_PER_POLL).any(|_| self.receive(now, &mut on_event));
        self.link.maintain(now);

        if self.client_timeout().is_some_and(|due| due <= now) {
            self.storage.client.handle_timeout(now);
        }

        // Sending may take a while on a slow line, so a datagram that arrived meanwhile is received
        // before the next one is sent.
        let all_out = (0..MAX_DATAGRAMS_PER_POLL).any(|_| {
            let can_send = self.address().is_some() && self.link.can_send();
            let is_all = self.drain(now, can_send, &mut on_event);
            if !is_all {
                self.receive(now, &mut on_event);
            }
            is_all
        });
        self.unfinished = !(all_in && all_out);
    }

    /// When to call [`Node::poll`] if nothing arrives before; `None`: not until then.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        if self.unfinished {
            return Some(now);
        }
        [self.link.poll_timeout(now), self.client_timeout()].into_iter().flatten().min()
    }

    /// When the client is due; `None` while nothing gets through.
    fn client_timeout(&self) -> Option<Instant> {
        self.address().and(self.deadline)
    }

    /// Passes the next datagram received to the client. Returns `true` if nothing arrived.
    fn receive(&mut self, now: Instant, on_event: &mut impl FnMut(Event<'_>)) -> bool {
        let Storage { client, datagram } = &mut *self.storage;
        match self.link.receive(now, datagram) {
            Received::Nothing => return true,
            Received::NotForUs => {}
            Received::Datagram { from, bytes } => {
                client.handle_datagram(now, from.unwrap_or(client.server()), bytes);
                self.drain(now, false, on_event);
            }
        }
        false
    }

    /// Passes events on, and then one datagram if `can_send`. Returns `true` if nothing is left
    /// that can be done now.
    fn drain(&mut self, now: Instant, can_send: bool, on_event: &mut impl FnMut(Event<'_>)) -> bool {
        let Storage { client, datagram } = &mut *self.storage;
        loop {
            let room = if can_send { &mut datagram[..] } else { &mut [] };
            match client.poll_output(now, room) {
                Output::Event(event) => on_event(event),
                Output::Transmit(transmit) => {
                    self.link.send(transmit.to, &datagram[..transmit.len]);
                    self.link.maintain(now);
                    return false;
                }
                Output::Timeout(deadline) => {
                    self.deadline = deadline;
                    return true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
