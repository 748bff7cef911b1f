//! The client on a socket and a clock: feeds it, carries away its datagrams, waits. Events are the caller's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use kabar_core::client::Config;
use kabar_core::connection::Transmit;
use kabar_core::time::Instant;
use kabar_core::transport::Fixed;
use kabar_server::clock::Clock;
use kabar_server::random::random_bytes;
use mio::{Events, Poll, Token, Waker};

use crate::link::Link;
use crate::profile::LaptopClient;

const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);
const OUTPUT: Token = Token(2);
/// Datagrams taken before everything else has its turn.
const DATAGRAMS_PER_WAKE: usize = 64;
/// Longest datagram of the protocol, and one byte to see that one is longer.
const BUFFER: usize = 1201;

/// A client, its socket and its clock.
#[derive(Debug)]
pub struct Driver {
    /// The client. After any call to it: take its events, then [`Driver::transmit`], then [`Driver::wait`].
    pub client: Box<LaptopClient>,
    clock: Clock,
    poll: Poll,
    link: Option<Link>,
    /// Why there is no link, or none to the present server.
    link_error: Option<io::Error>,
    out: [u8; BUFFER],
    /// A datagram in `out` that the system did not take yet.
    unsent: Option<Transmit>,
    is_output_gone: bool,
    traffic: Traffic,
}

/// Bytes of datagrams, over all sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Given to the system.
    pub sent: u64,
    /// Got from it.
    pub received: u64,
}

impl Driver {
    /// A client that is idle, and what wakes it from other threads.
    ///
    /// # Errors
    /// If the system gives no poll.
    pub fn new() -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let client = Box::new(LaptopClient::new(Fixed::new()));
        let driver = Self {
            client,
            clock: Clock::start(),
            poll,
            link: None,
            link_error: None,
            out: [0; BUFFER],
            unsent: None,
            is_output_gone: false,
            traffic: Traffic::default(),
        };
        Ok((driver, waker))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Begins, or begins again.
    ///
    /// # Errors
    /// If the system gives no randomness, or something in `config` is too long.
    pub fn start(&mut self, config: &Config<'_>) -> io::Result<()> {
        let now = self.now();
        (self.link_error, self.unsent) = (None, None);
        self.client.start(config, random_bytes()?, now).map_err(io::Error::other)
    }

    /// Times that the other computer said that nobody listens.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.link.as_ref().map_or(0, Link::refusals)
    }

    /// Why nothing can be sent to the server, if that is so.
    #[must_use]
    pub fn link_error(&self) -> Option<&io::Error> {
        self.link_error.as_ref()
    }

    /// Wakes up also when nobody reads standard output any more, if that is a pipe: a reader that has gone should not be noticed only
    /// when somebody speaks.
    #[cfg(unix)]
    pub fn watch_output(&mut self) {
        let output = std::os::fd::AsRawFd::as_raw_fd(&io::stdout());
        // A file cannot be watched, and need not be.
        drop(self.poll.registry().register(&mut mio::unix::SourceFd(&output), OUTPUT, mio::Interest::WRITABLE));
    }

    /// Elsewhere, writing tells.
    #[cfg(not(unix))]
    pub fn watch_output(&mut self) {}

    /// Whether nobody reads standard output any more.
    #[must_use]
    pub fn is_output_gone(&self) -> bool {
        self.is_output_gone
    }

    /// What went over the wire.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Sends what the client has to send.
    pub fn transmit(&mut self) {
        let now = self.now();
        loop {
            if self.unsent.is_none() {
                self.unsent = self.client.poll_transmit(now, &mut self.out);
            }
            let Some(Transmit { to, len }) = self.unsent else { return };
            self.link_to(to, now);
            if let (None, Some(link)) = (&self.link_error, &mut self.link) {
                if !(link.is_writable() && link.send(now, &self.out[..len])) {
                    return;
                }
                self.traffic.sent += len as u64;
            }
            // Sent; or lost, as on the way: the client will try again.
            self.unsent = None;
        }
    }

    /// Waits for a datagram, a deadline of the client, `until`, or a wake-up, and feeds the client.
    pub fn wait(&mut self, until: Option<Instant>) {
        let now = self.now();
        let is_readable = self.link.as_ref().is_some_and(Link::is_readable);
        let next = [until, self.client.poll_timeout(), self.link.as_ref().and_then(Link::look_at)];
        let next = if is_readable { Some(now) } else { next.into_iter().flatten().min() };
        let timeout = next.map(|next| StdDuration::from_micros(next.saturating_since(now).as_micros()));
        let mut events = Events::with_capacity(8);
        // Interrupted by a signal: go round.
        drop(self.poll.poll(&mut events, timeout));
        for event in &events {
            match (event.token(), &mut self.link) {
                (SOCKET, Some(link)) => link.ready(event),
                (OUTPUT, _) => self.is_output_gone |= event.is_error() || event.is_write_closed(),
                _ => {}
            }
        }
        self.receive();
        let now = self.now();
        if self.client.poll_timeout().is_some_and(|at| at <= now) {
            self.client.handle_timeout(now);
        }
        self.look_after_link(now);
    }

    fn receive(&mut self) {
        let Some(link) = &mut self.link else { return };
        let mut buffer = [0; BUFFER];
        for _ in 0..DATAGRAMS_PER_WAKE {
            let Some(len) = link.receive(&mut buffer) else { return };
            self.traffic.received += len as u64;
            let now = self.clock.now();
            self.client.handle_datagram(now, link.remote(), &mut buffer[..len]);
        }
    }

    fn link_to(&mut self, to: SocketAddr, now: Instant) {
        let registry = self.poll.registry();
        let opened = match &mut self.link {
            Some(link) if link.remote() == to => Ok(()),
            Some(link) => link.renew(to, registry, now),
            none => Link::open(to, registry, SOCKET, now).map(|link| *none = Some(link)),
        };
        self.link_error = opened.err();
    }

    fn look_after_link(&mut self, now: Instant) {
        if let Some(link) = &mut self.link
            && link.is_dead(now)
        {
            let remote = link.remote();
            // If there is no other, the dead one stays; the next look tries again.
            drop(link.renew(remote, self.poll.registry(), now));
        }
    }
}

#[cfg(test)]
mod tests;
