//! A member of a room at the end of a link: the link and the client, driven by one call.
//!
//! ```text
//! link -> client -> events         (each datagram, one after another)
//! link <- client                   (until it has nothing to say, or the link takes no more)
//! ```
//!
//! While the link has no address the client rests: its timers wait, and what is posted stays with it.

use kabar_core::client::{Config, ConfigError, Event, Output};
use kabar_core::time::Instant;

use crate::link::{Address, Link, Received};
use crate::profile::{self, DATAGRAM_LEN, DeviceClient};

/// What is taken from the link per [`Node::poll`]: a flood does not keep the device from its other work.
pub const MAX_FRAMES_PER_POLL: usize = 16;
/// Datagrams given to the link per [`Node::poll`] (SPEC 5.4).
pub const MAX_DATAGRAMS_PER_POLL: usize = 10;

/// Why a node did not begin to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The link does not lead to the server's address: on an IP network, one that is not of IPv4.
    Unreachable,
    /// The client does not take the configuration.
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

/// The memory of a node but for its link: its size is the static RAM that a member costs. New, it is all zero, so that a `static` one
/// takes no flash.
#[derive(Debug)]
pub struct Storage {
    client: DeviceClient,
    datagram: [u8; DATAGRAM_LEN],
}

impl Storage {
    /// The client is idle.
    #[must_use]
    pub const fn new() -> Self {
        Self { client: profile::client(), datagram: [0; DATAGRAM_LEN] }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::new()
    }
}

/// A node: see the module's documentation.
///
/// Call [`Node::poll`] when something has come on the link, at [`Node::poll_timeout`], and after every other call; that is all.
pub struct Node<'a, L> {
    storage: &'a mut Storage,
    link: L,
    /// When the client wants to be called.
    deadline: Option<Instant>,
    /// The last poll ended at a bound, not for lack of work.
    unfinished: bool,
}

impl<L> core::fmt::Debug for Node<'_, L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").field("state", &self.storage.client.state()).finish_non_exhaustive()
    }
}

impl<'a, L: Link> Node<'a, L> {
    /// A node in `storage`, which stays lent to it. The client is idle until [`Node::start`].
    pub const fn new(storage: &'a mut Storage, link: L) -> Self {
        Self { storage, link, deadline: None, unfinished: false }
    }

    /// Begins to join. `seed` is fresh and secret.
    ///
    /// # Errors
    /// [`StartError`]; nothing was begun.
    pub fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), StartError> {
        if !self.link.reaches(config.server) {
            return Err(StartError::Unreachable);
        }
        self.storage.client.start(config, seed, now).map_err(StartError::Config)
    }

    /// The client: to post, to ask, to leave. Call [`Node::poll`] afterwards.
    pub const fn client(&mut self) -> &mut DeviceClient {
        &mut self.storage.client
    }

    /// The link.
    pub const fn link(&mut self) -> &mut L {
        &mut self.link
    }

    /// The own address, once there is one.
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

        // To send may take a while on a slow line: what came meanwhile is taken before the next one.
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

    /// When to call [`Node::poll`] if nothing comes before; `None`: only then.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        if self.unfinished {
            return Some(now);
        }
        [self.link.poll_timeout(now), self.client_timeout()].into_iter().flatten().min()
    }

    /// When the client wants to be called: not before something gets through.
    fn client_timeout(&self) -> Option<Instant> {
        self.address().and(self.deadline)
    }

    /// What came next to the client. `true`: nothing did.
    fn receive(&mut self, now: Instant, on_event: &mut impl FnMut(Event<'_>)) -> bool {
        let Storage { client, datagram } = &mut *self.storage;
        match self.link.receive(now, datagram) {
            Received::Nothing => return true,
            Received::Other => {}
            Received::Datagram { from, bytes } => {
                client.handle_datagram(now, from.unwrap_or(client.server()), bytes);
                self.drain(now, false, on_event);
            }
        }
        false
    }

    /// Hands over events, and then one datagram if the link takes one. `true`: nothing is left that can be done now.
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

#[cfg(all(test, feature = "host"))]
mod tests;
