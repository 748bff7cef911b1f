//! The sockets of one client: a [`Link`] per address that is tried, and one for a connection. A
//! datagram that cannot be sent is lost like any datagram.

use std::io;
use std::net::SocketAddr;

use kabar_core::time::Instant;
use kabar_std::burst::Burst;
use mio::event::Event;

use crate::link::Link;
use crate::poller::SocketRegistry;

/// Links, one per remote address.
#[derive(Debug)]
pub struct Links {
    sockets: SocketRegistry,
    all: Vec<Link>,
}

/// The result of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The system accepted it, or it is lost.
    Taken,
    /// The system does not accept it now: to be sent again after the next event.
    Later,
    /// There is no link.
    Lost,
}

impl Links {
    /// Creates it without links. They will be registered in `sockets`.
    #[must_use]
    pub const fn new(sockets: SocketRegistry) -> Self {
        Self { sockets, all: Vec::new() }
    }

    /// Opens a link if there is none to `remote`.
    ///
    /// # Errors
    /// Those of [`Link::open`].
    pub fn open(&mut self, remote: SocketAddr, now: Instant) -> io::Result<()> {
        if self.get(remote).is_none() {
            let token = self.sockets.next_token();
            self.all.push(Link::open(remote, &self.sockets, token, now)?);
        }
        Ok(())
    }

    /// Closes the links to addresses that are no longer used.
    pub fn retain(&mut self, is_used: impl Fn(SocketAddr) -> bool) {
        self.all.retain_mut(|link| {
            let is_used = is_used(link.remote());
            if !is_used {
                link.close(&self.sockets);
            }
            is_used
        });
    }

    /// Returns the link to an address.
    #[must_use]
    pub fn get(&self, remote: SocketAddr) -> Option<&Link> {
        self.all.iter().find(|link| link.remote() == remote)
    }

    /// Returns all links.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        self.all.iter_mut()
    }

    /// Sends a burst to an address.
    pub fn send_burst(&mut self, remote: SocketAddr, burst: &mut Burst, now: Instant) -> Sent {
        let Some(link) = self.all.iter_mut().find(|link| link.remote() == remote) else { return Sent::Lost };
        if link.send_burst(now, burst) { Sent::Taken } else { Sent::Later }
    }

    /// Sends a datagram to an address.
    pub fn send(&mut self, remote: SocketAddr, datagram: &[u8], now: Instant) -> Sent {
        let Some(link) = self.all.iter_mut().find(|link| link.remote() == remote) else { return Sent::Lost };
        if link.is_writable() && link.send(now, datagram) { Sent::Taken } else { Sent::Later }
    }

    /// Takes an event, if it belongs to a link.
    pub fn ready(&mut self, event: &Event) {
        if let Some(link) = self.all.iter_mut().find(|link| link.token() == event.token()) {
            link.ready(event);
        }
    }

    /// Whether there may be datagrams to receive.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.all.iter().any(Link::is_readable)
    }

    /// Replaces dead sockets.
    pub fn check_health(&mut self, now: Instant) {
        for link in &mut self.all {
            if link.is_dead(now) {
                // After an error the dead socket stays, and the next check tries again.
                let _ = link.renew(&self.sockets, now);
            }
        }
    }

    /// Returns when to call [`Links::check_health`] at the latest.
    #[must_use]
    pub fn check_at(&self) -> Option<Instant> {
        self.all.iter().filter_map(Link::check_at).min()
    }
}

impl Drop for Links {
    /// The poll outlives the client.
    fn drop(&mut self) {
        self.retain(|_| false);
    }
}
