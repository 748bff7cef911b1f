//! Two engines with sockets and a clock, on one thread.
//!
//! An error that a socket reports for a datagram (connection refused, no route, no memory) is
//! ignored: only that datagram is lost.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as StdDuration;

use kabar_core::time::{Duration, Instant};
use kabar_std::clock::Clock;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};

use super::clients::{ClientId, Clients};
use super::counts::Report;
use super::engine::Engine;
use super::faults::Faults;
use super::payload::Payload;

#[cfg(test)]
mod tests;

const DOWNSTREAM: Token = Token(0);
const WAKE: Token = Token(1);
const FIRST_CLIENT: ClientId = 2;
/// Datagrams or errors that are taken from one socket before the next socket is served.
const MAX_PER_TURN: usize = 64;
/// Largest UDP datagram.
const MAX_DATAGRAM: usize = 1 << 16;
/// Requested size of receive buffers, in bytes, so that only the configured faults lose datagrams.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Addresses and faults of a relay.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Address of the server.
    pub server: SocketAddr,
    /// Faults on the way to the server.
    pub up: Faults,
    /// Faults on the way to clients.
    pub down: Faults,
    /// Interval at which clients are given another port.
    pub rebind: Option<Duration>,
    /// Seed of the faults.
    pub seed: u64,
}

/// A relay that is bound to its address.
#[derive(Debug)]
pub struct Relay {
    downstream: UdpSocket,
    local: SocketAddr,
    clients: Clients,
    up: Engine<ClientId>,
    down: Engine<ClientId>,
    /// Sockets that may have more datagrams; the system reports readiness only once.
    readable: BTreeSet<Token>,
    poll: Poll,
    clock: Clock,
    control: Control,
}

/// Controls a running relay from any thread.
#[derive(Clone, Debug)]
pub struct Control {
    requests: Arc<Requests>,
    waker: Arc<Waker>,
}

#[derive(Debug, Default)]
struct Requests {
    end: AtomicBool,
    report: AtomicBool,
}

impl Control {
    /// Ends the relay.
    pub fn end(&self) {
        self.request(&self.requests.end);
    }

    /// Requests a report.
    pub fn report(&self) {
        self.request(&self.requests.report);
    }

    fn request(&self, what: &AtomicBool) {
        what.store(true, Ordering::Release);
        let _ = self.waker.wake();
    }
}

impl Relay {
    /// Binds the address to listen on.
    ///
    /// # Errors
    /// If the address cannot be bound, or is the server's (`InvalidInput`).
    pub fn bind(setup: &Setup) -> io::Result<Self> {
        let mut downstream = UdpSocket::bind(setup.listen)?;
        widen_buffer(&downstream);
        let local = downstream.local_addr()?;
        let server = setup.server;
        let is_here = local.ip() == server.ip() || (local.ip().is_unspecified() && server.ip().is_loopback());
        if local.port() == server.port() && is_here {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it would relay to itself"));
        }
        let poll = Poll::new()?;
        poll.registry().register(&mut downstream, DOWNSTREAM, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        Ok(Self {
            downstream,
            local,
            clients: Clients::new(server, setup.rebind, FIRST_CLIENT),
            up: Engine::new(setup.up, Payload::PACKET, setup.seed, 0),
            down: Engine::new(setup.down, Payload::PACKET, setup.seed, 1),
            readable: BTreeSet::new(),
            poll,
            clock: Clock::start(),
            control: Control { requests: Arc::default(), waker },
        })
    }

    /// Address that it listens on, with the real port.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// A handle to control the relay while it runs.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// The counters so far.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            up: self.up.counts(),
            down: self.down.counts(),
            clients: self.clients.len(),
            rebinds: self.clients.rebinds,
            rejected: self.clients.rejected,
        }
    }

    /// Relays until [`Control::end`]. Calls `show` with a report at the interval `every` and after
    /// [`Control::report`]; `show` must not block.
    ///
    /// # Errors
    /// If the system cannot wait for sockets.
    pub fn run(&mut self, every: Option<Duration>, mut show: impl FnMut(Report)) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut report_at = every.map(|every| self.clock.now() + every);
        let mut buffer = vec![0; MAX_DATAGRAM];
        loop {
            self.receive(&mut buffer);
            let now = self.clock.now();
            self.clients.handle_timeout(self.poll.registry(), now);
            self.send(now);
            if report_at.is_some_and(|at| at <= now) {
                report_at = every.map(|every| now + every);
                show(self.report());
            }
            if self.control.requests.report.swap(false, Ordering::AcqRel) {
                show(self.report());
            }
            if self.control.requests.end.load(Ordering::Acquire) {
                return Ok(());
            }
            self.wait(&mut events, report_at)?;
        }
    }

    fn wait(&mut self, events: &mut Events, report_at: Option<Instant>) -> io::Result<()> {
        let deadlines = [self.up.deadline(), self.down.deadline(), self.clients.deadline(), report_at];
        let now = self.clock.now();
        let next = if self.readable.is_empty() { deadlines.into_iter().flatten().min() } else { Some(now) };
        let timeout = next.map(|next| StdDuration::from_micros(next.saturating_since(now).as_micros()));
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => self.readable.extend(events.iter().map(|event| event.token()).filter(|token| *token != WAKE)),
        }
        Ok(())
    }

    /// Receives datagrams, up to a bound per socket.
    fn receive(&mut self, buffer: &mut [u8]) {
        let now = self.clock.now();
        let Self { readable, clients, downstream, up, down, poll, .. } = self;
        readable.retain(|&token| {
            let mut is_noise = true;
            for _ in 0..MAX_PER_TURN {
                let received = match token {
                    DOWNSTREAM => downstream.recv_from(buffer).map(|(len, from)| {
                        if let Some(id) = clients.id_of(from, poll.registry(), now) {
                            up.push(now, &id, &buffer[..len]);
                        }
                    }),
                    Token(id) => clients.receive(id, buffer, now).map(|len| down.push(now, &id, &buffer[..len])),
                };
                match received {
                    Ok(()) => is_noise = false,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                    Err(_) => {}
                }
            }
            // A socket with nothing but errors waits for its next event, so that it does not keep
            // the loop busy.
            !is_noise
        });
    }

    /// Sends the datagrams that are due.
    fn send(&mut self, now: Instant) {
        while let Some((id, datagram)) = self.up.poll(now) {
            self.clients.send(id, &datagram);
        }
        while let Some((id, datagram)) = self.down.poll(now) {
            if let Some(address) = self.clients.address(id) {
                let _ = self.downstream.send_to(&datagram, address);
            }
        }
    }
}

/// Requests a larger receive buffer; a smaller one than requested is acceptable.
pub(super) fn widen_buffer(socket: &UdpSocket) {
    let _ = socket2::SockRef::from(socket).set_recv_buffer_size(RECEIVE_BUFFER);
}
