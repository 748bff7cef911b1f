//! Datagrams to and from a classic server, which are neither sealed nor confirmed: a socket per
//! address until one has answered, then one in all.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use kabar_core::time::Instant;
use kabar_std::clock::Clock;
use mio::event::Event as SocketEvent;

use super::{Traffic, Waits};
use crate::link::{Link, ReceiveBuffers};
use crate::links::{Links, Sent};
use crate::poller::SocketRegistry;

/// Datagrams that wait to be taken while more are received. Further ones stay in the system's
/// buffer, or are lost.
const MAX_WAITING: usize = 128;

/// The sockets of a session on a classic server.
#[derive(Debug)]
pub struct ClassicDriver {
    clock: Clock,
    links: Links,
    received: ReceiveBuffers,
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    traffic: Traffic,
}

impl ClassicDriver {
    /// Creates one without sockets. They will be in this poll.
    #[must_use]
    pub fn new(sockets: SocketRegistry, clock: Clock) -> Self {
        let (links, received) = (Links::new(sockets), ReceiveBuffers::default());
        Self { clock, links, received, waiting: VecDeque::new(), traffic: Traffic::default() }
    }

    /// Returns the present time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Opens a socket for an address if there is none.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(&mut self, remote: SocketAddr) -> io::Result<()> {
        self.links.open(remote, self.clock.now())
    }

    /// Closes the sockets for all other addresses.
    pub fn keep_only(&mut self, remote: SocketAddr) {
        self.links.retain(|address| address == remote);
    }

    /// Sends a datagram. A server is an address to the dialect, so a socket is never replaced.
    pub fn send(&mut self, remote: SocketAddr, datagram: &[u8]) -> Sent {
        let sent = self.links.send(remote, datagram, self.clock.now());
        if sent == Sent::Taken {
            self.traffic.sent += datagram.len() as u64;
        }
        sent
    }

    /// Returns the next datagram and its sender.
    pub fn poll(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.waiting.pop_front()
    }

    /// Returns how many datagrams in sequence an address has refused.
    #[must_use]
    pub fn refusals(&self, remote: SocketAddr) -> u32 {
        self.links.get(remote).map_or(0, Link::refusals)
    }

    /// Returns the number of bytes sent and received.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }
}

impl Waits for ClassicDriver {
    fn wake_at(&self, now: Instant) -> Option<Instant> {
        (self.links.is_readable() && self.has_room()).then_some(now)
    }

    fn ready(&mut self, event: &SocketEvent) {
        self.links.ready(event);
    }

    fn handle_input(&mut self) {
        if !self.has_room() {
            return;
        }
        let Self { links, received, waiting, traffic, .. } = self;
        for link in links.iter_mut() {
            let remote = link.remote();
            link.receive(received, |datagram| {
                traffic.received += datagram.len() as u64;
                waiting.push_back((remote, datagram.to_vec()));
            });
        }
    }
}
