//! The client's UDP socket: connected, so that a refusal is heard; replaced when it is dead.

use std::io;
use std::net::SocketAddr;

use kabar_core::time::{Duration, Instant};
use kabar_std::advertise::source_addr_for;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};

/// Receive buffer asked for, in bytes.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Silence after which it is looked whether the socket is dead.
const SUSPECT_AFTER: Duration = Duration::from_secs(1);
/// Time between two such looks.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// A socket and what is known of its health.
#[derive(Debug)]
pub struct Link {
    io: UdpSocket,
    remote: SocketAddr,
    local: SocketAddr,
    token: Token,
    is_writable: bool,
    is_readable: bool,
    /// Times that the other computer said that nobody listens.
    refusals: u32,
    /// Sending failed in a way that this socket will not recover from.
    is_broken: bool,
    /// Since when nothing came although something was sent.
    silent_since: Option<Instant>,
    checked_at: Instant,
}

impl Link {
    /// A socket for datagrams to and from `remote` only.
    ///
    /// # Errors
    /// If there is no route, or no socket.
    pub fn open(remote: SocketAddr, registry: &Registry, token: Token, now: Instant) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(remote), Type::DGRAM, Some(Protocol::UDP))?;
        // Whatever is granted will do.
        drop(socket.set_recv_buffer_size(RECEIVE_BUFFER));
        socket.set_nonblocking(true)?;
        socket.connect(&remote.into())?;
        let std = std::net::UdpSocket::from(socket);
        let local = std.local_addr()?;
        let mut io = UdpSocket::from_std(std);
        registry.register(&mut io, token, Interest::READABLE | Interest::WRITABLE)?;
        let (is_writable, is_readable, is_broken) = (true, true, false);
        Ok(Self {
            io,
            remote,
            local,
            token,
            is_writable,
            is_readable,
            refusals: 0,
            is_broken,
            silent_since: None,
            checked_at: now,
        })
    }

    /// What its events carry.
    #[must_use]
    pub fn token(&self) -> Token {
        self.token
    }

    /// Where it leads.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// From where it leads there.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Times that the other computer said that nobody listens, since something was heard.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.refusals
    }

    /// Whether the system takes datagrams.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Whether the system may have datagrams.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.is_readable
    }

    /// Takes what the poll said.
    pub fn ready(&mut self, event: &mio::event::Event) {
        self.is_writable |= event.is_writable();
        self.is_readable |= event.is_readable() || event.is_error();
    }

    /// Sends a datagram. `false`: not now; give it again when [`Link::is_writable`]. Any failure but that loses it, as the way might.
    pub fn send(&mut self, now: Instant, datagram: &[u8]) -> bool {
        match self.io.send(datagram) {
            Ok(_) => {
                self.silent_since.get_or_insert(now);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => self.is_writable = false,
                io::ErrorKind::ConnectionRefused => self.refusals += 1,
                // No route, no address, interface gone. Without a route at all a new socket fails as well, and is tried again.
                io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkDown
                | io::ErrorKind::AddrNotAvailable
                | io::ErrorKind::NotConnected
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::BrokenPipe => self.is_broken = true,
                // Too large for the way, held back by a firewall, out of memory: that datagram's loss.
                _ => {}
            },
        }
        self.is_writable
    }

    /// The next datagram, in `buffer`; `None` when there is none now.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Option<usize> {
        while self.is_readable {
            match self.io.recv(buffer) {
                Ok(len) => {
                    (self.refusals, self.silent_since) = (0, None);
                    return Some(len);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => self.refusals += 1,
                    io::ErrorKind::Interrupted => {}
                    _ => self.is_readable = false,
                },
            }
        }
        None
    }

    /// Whether this socket is dead: the computer's address changed, or sending fails for good. Looks now and then only.
    pub fn is_dead(&mut self, now: Instant) -> bool {
        let is_suspect =
            self.is_broken || self.silent_since.is_some_and(|since| now.saturating_since(since) >= SUSPECT_AFTER);
        if !is_suspect || now.saturating_since(self.checked_at) < CHECK_INTERVAL {
            return false;
        }
        self.checked_at = now;
        self.is_broken || source_addr_for(self.remote).is_some_and(|source| source != self.local.ip())
    }

    /// When to ask [`Link::is_dead`] at the latest.
    #[must_use]
    pub fn check_at(&self) -> Option<Instant> {
        let suspect_at =
            if self.is_broken { Some(self.checked_at) } else { self.silent_since.map(|since| since + SUSPECT_AFTER) };
        suspect_at.map(|at| at.max(self.checked_at + CHECK_INTERVAL))
    }

    /// Puts a new socket in its place. The connection above does not notice more than a new address.
    ///
    /// # Errors
    /// As [`Link::open`]; the old one stays.
    pub fn renew(&mut self, registry: &Registry, now: Instant) -> io::Result<()> {
        let mut new = Self::open(self.remote, registry, self.token, now)?;
        self.close(registry);
        (new.refusals, new.silent_since) = (self.refusals, self.silent_since);
        *self = new;
        Ok(())
    }

    /// Before it is dropped.
    pub fn close(&mut self, registry: &Registry) {
        drop(registry.deregister(&mut self.io));
    }
}
