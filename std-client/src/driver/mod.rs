//! The client on sockets and a clock: handles datagrams and timers, and sends. [`wait`] waits for
//! several of them. The caller handles the client's events; the driver knows nothing of rooms and
//! screens. [`classic`]: the sockets of a session on a classic server.

pub mod classic;

use std::io;
use std::net::SocketAddr;
use std::time::Duration as StdDuration;

use kabar_core::client::{Config, Event, Output, RoomSlot, State};
use kabar_core::connection::Transmit;
use kabar_core::time::Instant;
use kabar_std::burst::{Burst, MAX_SEGMENTS};
use kabar_std::clock::Clock;
use kabar_std::random::random_bytes;
use mio::event::Event as SocketEvent;

use crate::link::ReceiveBuffers;
use crate::links::{Links, Sent};
use crate::poller::{Poller, SocketRegistry};
use crate::profile::{HeapBuffers, StdClient};
use crate::race::{Answer, Race};

/// First bytes of packets (SPEC 2).
const HELLO: u8 = 0x11;
const CHALLENGE: u8 = 0x12;
const INITIATE: u8 = 0x13;

/// A client, its sockets and its clock. While connecting, there is one socket per address of the
/// server; afterwards, one in all.
#[derive(Debug)]
pub struct Driver {
    /// The client. After any call to it: [`Driver::poll_event`] until there is none, then
    /// [`Driver::transmit`], then [`wait`].
    pub client: Box<StdClient>,
    clock: Clock,
    links: Links,
    race: Race,
    /// The remote address of the connection.
    peer: Option<SocketAddr>,
    /// Datagrams that the system did not accept yet.
    burst: Burst,
    received: ReceiveBuffers,
    /// When the client wants to be called.
    deadline: Option<Instant>,
    traffic: Traffic,
}

/// Bytes of datagrams, of all sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

impl Driver {
    /// Creates an idle client with sockets of this poll. All clients of the poll have the same
    /// clock.
    #[must_use]
    pub fn new(sockets: SocketRegistry, clock: Clock) -> Self {
        Self {
            client: Box::new(StdClient::new(HeapBuffers::default())),
            clock,
            links: Links::new(sockets),
            race: Race::default(),
            peer: None,
            burst: Burst::default(),
            received: ReceiveBuffers::default(),
            deadline: None,
            traffic: Traffic::default(),
        }
    }

    /// Returns the present time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Starts the client, or restarts it, with one address of the server; [`Driver::set_addresses`]
    /// adds more.
    ///
    /// # Errors
    /// If the system gives no randomness, or a value in `config` is too long.
    pub fn start(&mut self, config: &Config<'_>) -> io::Result<()> {
        let now = self.now();
        self.burst.clear();
        self.peer = None;
        self.race = Race::new([config.server], config.fingerprint);
        self.client.start(config, random_bytes()?, now).map_err(io::Error::other)
    }

    /// Sets all addresses of the server, the best first. They are tried together until one answers,
    /// now and whenever the connection is lost. An open connection stays.
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

    /// Whether every address refused at least this many datagrams, or cannot be reached.
    #[must_use]
    pub fn is_unreachable(&self, refusals: u32) -> bool {
        let is_refused = |address| self.links.get(address).is_some_and(|link| link.refusals() >= refusals);
        self.race.addresses().all(|address| is_refused(address) || self.race.error(address).is_some())
    }

    /// Takes the reason why nothing can be sent, if nothing can be sent to any address of the
    /// server.
    #[must_use]
    pub fn take_link_error(&mut self) -> Option<io::Error> {
        let addresses: Vec<SocketAddr> = self.race.addresses().collect();
        if addresses.iter().any(|address| self.race.error(*address).is_none()) {
            return None;
        }
        self.race.take_error(*addresses.first()?)
    }

    /// Whether an address answered with another key than the expected one, while another may still
    /// have that.
    #[must_use]
    pub fn has_other_key(&self) -> bool {
        self.race.has_other_key()
    }

    /// Returns the number of bytes sent and received.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The client's next event. Datagrams stay with it until [`Driver::transmit`].
    pub fn poll_event(&mut self) -> Option<Event<'_>> {
        match self.client.poll_output(self.clock.now(), &mut []) {
            Output::Event(event) => Some(event),
            Output::Transmit(_) | Output::Timeout(_) => None,
        }
    }

    /// Sends what the client has to send. Events stay with it until [`Driver::poll_event`].
    pub fn transmit(&mut self) {
        let now = self.now();
        self.start_addresses(now);
        self.client.pause_events();
        let mut deadline = None;
        loop {
            let Self { client, burst, .. } = self;
            let is_last = !burst.fill(&mut |out| poll_transmit(client, now, out, &mut deadline));
            if let Some(to) = self.burst.to()
                && self.send(to, now)
            {
                // The system accepts none now.
                poll_transmit(&mut self.client, now, &mut [], &mut deadline);
                break;
            }
            self.burst.advance();
            if is_last {
                break;
            }
        }
        self.deadline = deadline;
        self.client.resume_events();
        if self.client.state(RoomSlot::FIRST) == State::Ended {
            // An event for it waits.
            self.deadline = Some(now);
        }
    }

    /// Sends the burst. Whether it has to be sent later; otherwise it is sent, or it is lost as on
    /// the network, and the client sends it again.
    fn send(&mut self, to: SocketAddr, now: Instant) -> bool {
        let datagrams = self.burst.unsent(MAX_SEGMENTS);
        let len = datagrams.len() as u64;
        match datagrams.first() {
            Some(&HELLO) => {
                self.race.set_hello(datagrams, now);
                let started: Vec<SocketAddr> = self.race.started().collect();
                started.into_iter().for_each(|address| self.send_hello(address, now));
                self.start_addresses(now);
                return false;
            }
            Some(&INITIATE) => self.race.on_initiate(to),
            _ => {
                self.race.on_connected(to);
                self.peer = Some(to);
            }
        }
        self.link_to(to, now);
        let sent = self.links.send_burst(to, &mut self.burst, now);
        self.traffic.sent += len - self.burst.unsent(MAX_SEGMENTS).len() as u64;
        sent == Sent::Later
    }

    fn receive(&mut self) {
        let Self { client, clock, links, race, received, traffic, .. } = self;
        for link in links.iter_mut() {
            let remote = link.remote();
            link.receive(received, |datagram| {
                traffic.received += datagram.len() as u64;
                let is_challenge = datagram.first() == Some(&CHALLENGE);
                match if is_challenge { race.on_challenge(remote, datagram) } else { Answer::Other } {
                    Answer::Ignore => return,
                    Answer::Use => redirect(client, remote),
                    Answer::Other => {}
                }
                client.handle_datagram(clock.now(), remote, datagram);
            });
            if link.refusals() > 0 {
                race.on_refused(remote);
            }
        }
    }

    /// Starts the addresses that are due.
    fn start_addresses(&mut self, now: Instant) {
        while let Some(address) = self.race.start_next(now) {
            self.send_hello(address, now);
        }
    }

    /// Sends a Hello. One that the system does not accept is lost: the client repeats it.
    fn send_hello(&mut self, address: SocketAddr, now: Instant) {
        self.link_to(address, now);
        if self.links.send(address, self.race.hello(), now) == Sent::Taken {
            self.traffic.sent += self.race.hello().len() as u64;
        }
    }

    /// Opens a socket for an address if there is none, and closes those that are no longer used.
    fn link_to(&mut self, to: SocketAddr, now: Instant) {
        let (peer, server, race) = (self.peer, self.client.server(), &self.race);
        self.links.retain(|remote| {
            remote == to || Some(remote) == peer || remote == server || race.started().any(|address| address == remote)
        });
        let error = self.links.open(to, now).err();
        self.race.set_error(to, error);
    }
}

/// What [`wait`] waits for: sockets, and a time.
pub trait Waits {
    /// Returns when to call [`Waits::handle_input`] at the latest.
    fn wake_at(&self, now: Instant) -> Option<Instant>;

    /// Takes an event of the poll, if it belongs to one of the sockets.
    fn ready(&mut self, event: &SocketEvent);

    /// Handles a bounded number of the datagrams that arrived, and what is due.
    fn handle_input(&mut self);
}

impl Waits for Driver {
    fn wake_at(&self, now: Instant) -> Option<Instant> {
        let next = [self.deadline, self.links.check_at(), self.race.deadline()];
        if self.links.is_readable() { Some(now) } else { next.into_iter().flatten().min() }
    }

    fn ready(&mut self, event: &SocketEvent) {
        self.links.ready(event);
    }

    /// Feeds the client with the datagrams that arrived, and its timer.
    fn handle_input(&mut self) {
        self.receive();
        let now = self.now();
        if self.deadline.is_some_and(|at| at <= now) {
            self.client.handle_timeout(now);
        }
        self.links.check_health(now);
    }
}

/// Waits for a datagram of one of these clients, a deadline of theirs, `until`, or a wake-up, and
/// feeds them. Each handles a bounded number of datagrams, so that none delays the others.
pub fn wait(poller: &mut Poller, clock: Clock, drivers: &mut [&mut dyn Waits], until: Option<Instant>) {
    let now = clock.now();
    let next = drivers.iter().filter_map(|driver| driver.wake_at(now)).chain(until).min();
    let timeout = next.map(|next| StdDuration::from_micros(next.saturating_since(now).as_micros()));
    poller.wait(timeout, |event: &SocketEvent| {
        drivers.iter_mut().for_each(|driver| driver.ready(event));
    });
    drivers.iter_mut().for_each(|driver| driver.handle_input());
}

/// The client's next datagram, in `out`. If there is none, `deadline` is when to call it again.
fn poll_transmit(
    client: &mut StdClient,
    now: Instant,
    out: &mut [u8],
    deadline: &mut Option<Instant>,
) -> Option<Transmit> {
    loop {
        match client.poll_output(now, out) {
            Output::Transmit(transmit) => return Some(transmit),
            Output::Event(_) => {}
            Output::Timeout(at) => {
                *deadline = at;
                return None;
            }
        }
    }
}

/// Continues the attempt in progress with the address that answered, unless another one answered
/// before.
fn redirect(client: &mut StdClient, to: SocketAddr) {
    let before = client.server();
    client.set_server(to);
    if client.server() != to {
        client.set_server(before);
    }
}

#[cfg(test)]
mod tests;
