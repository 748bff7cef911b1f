//! The client on a socket and a clock: feeds it, carries away its datagrams, waits. Events are the caller's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use kabar_core::client::Config;
use kabar_core::connection::Transmit;
use kabar_core::time::Instant;
use kabar_core::transport::InlineBuffers;
use kabar_std::clock::Clock;
use kabar_std::random::random_bytes;
use mio::{Events, Poll, Token, Waker};

use crate::links::{Links, Sent};
use crate::profile::StdClient;
use crate::race::{Answer, Race};

const WAKE: Token = Token(1);
const OUTPUT: Token = Token(2);
/// Sockets have this and what follows.
const FIRST_SOCKET: usize = 3;
/// First bytes of packets (SPEC 2).
const HELLO: u8 = 0x11;
const CHALLENGE: u8 = 0x12;
const INITIATE: u8 = 0x13;
/// Datagrams taken before everything else has its turn.
const DATAGRAMS_PER_WAKE: usize = 64;
/// Longest datagram of the protocol, and one byte to see that one is longer.
const BUFFER: usize = 1201;

/// A client, its sockets and its clock. There is one socket per address of the server that is tried, and
/// one when it is known.
#[derive(Debug)]
pub struct Driver {
    /// The client. After any call to it: take its events, then [`Driver::transmit`], then [`Driver::wait`].
    pub client: Box<StdClient>,
    clock: Clock,
    poll: Poll,
    links: Links,
    race: Race,
    /// Where the connection leads.
    peer: Option<SocketAddr>,
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
        let client = Box::new(StdClient::new(InlineBuffers::new()));
        let driver = Self {
            client,
            clock: Clock::start(),
            poll,
            links: Links::new(FIRST_SOCKET),
            race: Race::default(),
            peer: None,
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

    /// Begins, or begins again, with one address of the server; [`Driver::set_addresses`] names more.
    ///
    /// # Errors
    /// If the system gives no randomness, or something in `config` is too long.
    pub fn start(&mut self, config: &Config<'_>) -> io::Result<()> {
        let now = self.now();
        (self.unsent, self.peer) = (None, None);
        self.race = Race::new([config.server], config.fingerprint);
        self.client.start(config, random_bytes()?, now).map_err(io::Error::other)
    }

    /// All addresses at which the server may be, the best first. They are tried together until one
    /// answers, now and whenever the connection is lost. One that is up stays.
    pub fn set_addresses(&mut self, addresses: &[SocketAddr]) {
        let present = self.client.server();
        let others = addresses.iter().copied().filter(|address| *address != present);
        match addresses.first() {
            Some(&first) if !addresses.contains(&present) => {
                self.client.set_server(first);
                self.race.set_addresses(others.chain([present]));
            }
            _ => self.race.set_addresses([present].into_iter().chain(others)),
        }
    }

    /// Whether every address said at least this many times that nobody listens there, or cannot be
    /// reached at all.
    #[must_use]
    pub fn is_unreachable(&self, refusals: u32) -> bool {
        let is_refused = |address| self.links.get(address).is_some_and(|link| link.refusals() >= refusals);
        self.race.addresses().all(|address| is_refused(address) || self.race.error(address).is_some())
    }

    /// Takes the reason why nothing can be sent, if nothing can be sent to any address of the server.
    #[must_use]
    pub fn take_link_error(&mut self) -> Option<io::Error> {
        let addresses: Vec<SocketAddr> = self.race.addresses().collect();
        if addresses.iter().any(|address| self.race.error(*address).is_none()) {
            return None;
        }
        self.race.take_error(*addresses.first()?)
    }

    /// Whether some address answered with another key than the expected one, and another may still have
    /// that.
    #[must_use]
    pub fn has_foreign_key(&self) -> bool {
        self.race.has_foreign()
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
        self.start_addresses(now);
        loop {
            if self.unsent.is_none() {
                self.unsent = self.client.poll_transmit(now, &mut self.out);
            }
            let Some(Transmit { to, len }) = self.unsent else { return };
            match self.out[0] {
                HELLO => {
                    self.race.say_hello(&self.out[..len], now);
                    let started: Vec<SocketAddr> = self.race.started().collect();
                    started.into_iter().for_each(|address| self.send_hello(address, now));
                    self.start_addresses(now);
                }
                first => {
                    if first == INITIATE {
                        self.race.decided(to);
                    } else {
                        self.race.opened(to);
                        self.peer = Some(to);
                    }
                    self.link_to(to, now);
                    match self.links.send(to, &self.out[..len], now) {
                        Sent::Taken => self.traffic.sent += len as u64,
                        Sent::Later => return,
                        Sent::Lost => {}
                    }
                }
            }
            // Sent; or lost, as on the way: the client will try again.
            self.unsent = None;
        }
    }

    /// Waits for a datagram, a deadline of the client, `until`, or a wake-up, and feeds the client.
    pub fn wait(&mut self, until: Option<Instant>) {
        let now = self.now();
        let next = [until, self.client.poll_timeout(), self.links.check_at(), self.race.deadline()];
        let next = if self.links.is_readable() { Some(now) } else { next.into_iter().flatten().min() };
        let timeout = next.map(|next| StdDuration::from_micros(next.saturating_since(now).as_micros()));
        let mut events = Events::with_capacity(16);
        // Interrupted by a signal: go round.
        drop(self.poll.poll(&mut events, timeout));
        for event in &events {
            if event.token() == OUTPUT {
                self.is_output_gone |= event.is_error() || event.is_write_closed();
            } else {
                self.links.ready(event);
            }
        }
        self.receive();
        let now = self.now();
        if self.client.poll_timeout().is_some_and(|at| at <= now) {
            self.client.handle_timeout(now);
        }
        self.links.check_health(self.poll.registry(), now);
    }

    fn receive(&mut self) {
        let mut buffer = [0; BUFFER];
        for link in self.links.iter_mut() {
            let remote = link.remote();
            for _ in 0..DATAGRAMS_PER_WAKE {
                let Some(len) = link.receive(&mut buffer) else { break };
                self.traffic.received += len as u64;
                let now = self.clock.now();
                let datagram = &mut buffer[..len];
                let is_challenge = datagram.first() == Some(&CHALLENGE);
                match if is_challenge { self.race.answered(remote, datagram) } else { Answer::Unknown } {
                    Answer::PassOver => continue,
                    Answer::Take => redirect(&mut self.client, remote),
                    Answer::Unknown => {}
                }
                self.client.handle_datagram(now, remote, datagram);
            }
            if link.refusals() > 0 {
                self.race.refused(remote);
            }
        }
    }

    /// Says Hello to the addresses whose turn has come.
    fn start_addresses(&mut self, now: Instant) {
        while let Some(address) = self.race.start_next(now) {
            self.send_hello(address, now);
        }
    }

    /// A Hello that the system does not take now is lost: the client says it again.
    fn send_hello(&mut self, address: SocketAddr, now: Instant) {
        self.link_to(address, now);
        if self.links.send(address, self.race.hello(), now) == Sent::Taken {
            self.traffic.sent += self.race.hello().len() as u64;
        }
    }

    /// Makes a socket for an address if there is none, and closes those that are of no use any more.
    fn link_to(&mut self, to: SocketAddr, now: Instant) {
        let (peer, server, race) = (self.peer, self.client.server(), &self.race);
        let registry = self.poll.registry();
        self.links.retain(registry, |remote| {
            remote == to || Some(remote) == peer || remote == server || race.started().any(|address| address == remote)
        });
        let error = self.links.open(to, registry, now).err();
        self.race.set_error(to, error);
    }
}

/// Sends the attempt under way to whoever answered, unless somebody else answered before.
fn redirect(client: &mut StdClient, to: SocketAddr) {
    let before = client.server();
    client.set_server(to);
    if client.server() != to {
        client.set_server(before);
    }
}

#[cfg(test)]
mod tests;
