//! The sockets of one client to a server: a [`Link`] per address that is tried, and one when it is
//! known. A datagram without a way is lost, as on the way: whoever sent it will try again.

use std::io;
use std::net::SocketAddr;

use kabar_core::time::Instant;
use mio::event::Event;
use mio::{Registry, Token};

use crate::link::Link;

/// Links, each to another address.
#[derive(Debug)]
pub struct Links {
    all: Vec<Link>,
    next_token: usize,
}

/// The outcome of sending a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The system took it.
    Taken,
    /// The system has no room now: to be given again after the next event.
    Later,
    /// There is no link.
    Lost,
}

impl Links {
    /// None. Their events will have this token and those that follow.
    #[must_use]
    pub const fn new(first_token: usize) -> Self {
        Self { all: Vec::new(), next_token: first_token }
    }

    /// Opens a link if there is none to `remote`.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub fn open(&mut self, remote: SocketAddr, registry: &Registry, now: Instant) -> io::Result<()> {
        if self.get(remote).is_none() {
            let token = Token(self.next_token);
            self.next_token += 1;
            self.all.push(Link::open(remote, registry, token, now)?);
        }
        Ok(())
    }

    /// Closes those to addresses that are of no use any more.
    pub fn retain(&mut self, registry: &Registry, is_used: impl Fn(SocketAddr) -> bool) {
        self.all.retain_mut(|link| {
            let is_used = is_used(link.remote());
            if !is_used {
                link.close(registry);
            }
            is_used
        });
    }

    /// The link to an address.
    #[must_use]
    pub fn get(&self, remote: SocketAddr) -> Option<&Link> {
        self.all.iter().find(|link| link.remote() == remote)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        self.all.iter_mut()
    }

    /// Sends a datagram by the link to this address.
    pub fn send(&mut self, remote: SocketAddr, datagram: &[u8], now: Instant) -> Sent {
        let Some(link) = self.all.iter_mut().find(|link| link.remote() == remote) else { return Sent::Lost };
        if link.is_writable() && link.send(now, datagram) { Sent::Taken } else { Sent::Later }
    }

    /// Takes an event, if it is of one of them.
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

    /// Replaces sockets that are dead: the computer's address changed, or sending fails for good.
    pub fn check_health(&mut self, registry: &Registry, now: Instant) {
        for link in &mut self.all {
            if link.is_dead(now) {
                // If there is no other, the dead one stays; the next look tries again.
                drop(link.renew(registry, now));
            }
        }
    }

    /// When to call [`Links::check_health`] at the latest.
    #[must_use]
    pub fn check_at(&self) -> Option<Instant> {
        self.all.iter().filter_map(Link::check_at).min()
    }
}
