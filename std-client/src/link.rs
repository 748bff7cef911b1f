//! A UDP socket of the client: connected, so that refusals are reported; replaced when it is dead.
//! Does not interpret the datagrams.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;

use kabar_core::time::{Duration, Instant};
use kabar_std::burst::Burst;
use kabar_std::interfaces::source_addr_for;
use mio::Token;
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};

use crate::poller::SocketRegistry;

/// Requested receive buffer, in bytes.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Largest buffer that one receive can fill: datagrams that the system has joined (GRO).
const JOINED_LEN: usize = 1 << 16;
/// Datagrams received, about, before everything else is served.
const DATAGRAMS_PER_WAKE: usize = 64;
/// Silence after which a socket is checked.
const SUSPECT_AFTER: Duration = Duration::from_secs(1);
/// Time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Buffers that all links receive into, one at a time.
#[derive(Debug)]
pub struct ReceiveBuffers(Vec<u8>);

impl Default for ReceiveBuffers {
    fn default() -> Self {
        Self(vec![0; quinn_udp::BATCH_SIZE * JOINED_LEN])
    }
}

/// A socket and its state.
#[derive(Debug)]
pub struct Link {
    io: UdpSocket,
    state: UdpSocketState,
    remote: SocketAddr,
    local: SocketAddr,
    token: Token,
    is_writable: bool,
    is_readable: bool,
    /// Number of refused datagrams since the last one received.
    refusals: u32,
    /// Whether sending failed in a way that this socket does not recover from.
    is_broken: bool,
    /// Time of the first datagram sent since the last one received.
    silent_since: Option<Instant>,
    checked_at: Instant,
}

impl Link {
    /// Opens a socket for datagrams to and from `remote` only.
    ///
    /// # Errors
    /// If there is no route, or no descriptor.
    pub fn open(remote: SocketAddr, sockets: &SocketRegistry, token: Token, now: Instant) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(remote), Type::DGRAM, Some(Protocol::UDP))?;
        // Any size that is granted is sufficient.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_nonblocking(true)?;
        socket.connect(&remote.into())?;
        let std = std::net::UdpSocket::from(socket);
        let state = UdpSocketState::new(UdpSockRef::from(&std))?;
        let local = std.local_addr()?;
        let mut io = UdpSocket::from_std(std);
        sockets.register(&mut io, token)?;
        let (is_writable, is_readable, is_broken) = (true, true, false);
        Ok(Self {
            io,
            state,
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

    /// Returns the token of its events.
    #[must_use]
    pub fn token(&self) -> Token {
        self.token
    }

    /// Returns the remote address.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Returns the local address.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Returns the number of refused datagrams since the last one received.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.refusals
    }

    /// Whether the system accepts datagrams.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Whether there may be datagrams to receive.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.is_readable
    }

    /// Takes an event of the poll.
    pub fn ready(&mut self, event: &mio::event::Event) {
        self.is_writable |= event.is_writable();
        self.is_readable |= event.is_readable() || event.is_error();
    }

    /// Sends what a burst has. Returns `false` if the system does not accept it now: to be sent
    /// again when [`Link::is_writable`]. After any other error it is lost like any datagram.
    pub fn send_burst(&mut self, now: Instant, burst: &mut Burst) -> bool {
        while self.is_writable {
            let contents = burst.unsent(self.segments());
            if contents.is_empty() {
                return true;
            }
            match self.send_segments(contents, burst.segment()) {
                Ok(()) => {
                    self.silent_since.get_or_insert(now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_writable = false;
                    return false;
                }
                Err(error) => self.on_send_error(&error),
            }
            let len = contents.len();
            burst.on_sent(len);
        }
        false
    }

    /// Sends a datagram. Returns `false` if the system does not accept it now; after any other
    /// error it is lost like any datagram.
    pub fn send(&mut self, now: Instant, datagram: &[u8]) -> bool {
        match self.io.send(datagram) {
            Ok(_) => {
                self.silent_since.get_or_insert(now);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_writable = false,
            Err(error) => self.on_send_error(&error),
        }
        self.is_writable
    }

    fn on_send_error(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => self.refusals += 1,
            // No route, no address, interface gone. A new socket may work; if not, it is tried
            // again.
            io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::BrokenPipe => self.is_broken = true,
            // Too large for the path, blocked by a firewall, out of memory: only this datagram is
            // lost.
            _ => {}
        }
    }

    /// Datagrams per system call. It can change with any send: a card that promised offloading may
    /// fail at it.
    #[cfg(target_os = "linux")]
    fn segments(&self) -> usize {
        self.state.max_gso_segments().clamp(1, kabar_std::burst::MAX_SEGMENTS)
    }

    #[cfg(target_os = "linux")]
    fn send_segments(&self, contents: &[u8], segment: usize) -> io::Result<()> {
        if contents.len() <= segment {
            return self.io.send(contents).map(drop);
        }
        let (destination, segment_size) = (self.remote, Some(segment));
        let transmit = quinn_udp::Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
        self.io.try_io(|| self.state.try_send(UdpSockRef::from(&self.io), &transmit))
    }

    /// Other systems refuse a destination for a socket that is connected.
    #[cfg(not(target_os = "linux"))]
    fn segments(&self) -> usize {
        1
    }

    #[cfg(not(target_os = "linux"))]
    fn send_segments(&self, contents: &[u8], _: usize) -> io::Result<()> {
        self.io.send(contents).map(drop)
    }

    /// Receives datagrams, up to a bound.
    pub fn receive(&mut self, buffers: &mut ReceiveBuffers, mut take: impl FnMut(&mut [u8])) {
        let mut taken = 0;
        while self.is_readable && taken < DATAGRAMS_PER_WAKE {
            let mut slices = buffers.0.chunks_exact_mut(JOINED_LEN).map(IoSliceMut::new);
            let mut slices: [_; quinn_udp::BATCH_SIZE] =
                std::array::from_fn(|_| slices.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
            let mut metas = [RecvMeta::default(); quinn_udp::BATCH_SIZE];
            match self.io.try_io(|| self.state.recv(UdpSockRef::from(&self.io), &mut slices, &mut metas)) {
                Ok(count) => {
                    (self.refusals, self.silent_since) = (0, None);
                    for (meta, buffer) in metas.iter().zip(&mut slices).take(count) {
                        let joined = buffer.get_mut(..meta.len).unwrap_or_default();
                        for datagram in joined.chunks_mut(meta.stride.max(1)) {
                            take(datagram);
                            taken += 1;
                        }
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => self.refusals += 1,
                    io::ErrorKind::Interrupted => {}
                    _ => self.is_readable = false,
                },
            }
        }
    }

    /// Whether this socket is dead: the computer's address changed, or sending failed for good.
    /// Checks only at intervals.
    pub fn is_dead(&mut self, now: Instant) -> bool {
        let is_suspect =
            self.is_broken || self.silent_since.is_some_and(|since| now.saturating_since(since) >= SUSPECT_AFTER);
        if !is_suspect || now.saturating_since(self.checked_at) < CHECK_INTERVAL {
            return false;
        }
        self.checked_at = now;
        self.is_broken || source_addr_for(self.remote).is_some_and(|source| source != self.local.ip())
    }

    /// Returns when to call [`Link::is_dead`] at the latest.
    #[must_use]
    pub fn check_at(&self) -> Option<Instant> {
        let suspect_at =
            if self.is_broken { Some(self.checked_at) } else { self.silent_since.map(|since| since + SUSPECT_AFTER) };
        suspect_at.map(|at| at.max(self.checked_at + CHECK_INTERVAL))
    }

    /// Replaces the socket by a new one. For the connection, this is a change of address.
    ///
    /// # Errors
    /// Those of [`Link::open`]; the old socket stays.
    pub fn renew(&mut self, sockets: &SocketRegistry, now: Instant) -> io::Result<()> {
        let mut new = Self::open(self.remote, sockets, self.token, now)?;
        self.close(sockets);
        (new.refusals, new.silent_since) = (self.refusals, self.silent_since);
        *self = new;
        Ok(())
    }

    /// Removes it from the poll, before it is dropped.
    pub fn close(&mut self, sockets: &SocketRegistry) {
        sockets.deregister(&mut self.io);
    }
}
