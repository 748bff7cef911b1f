//! The server's UDP socket: dual stack, a large receive buffer, answers that leave from the address they were sent to, bursts to one
//! peer in one system call. What goes wrong with one datagram is that datagram's loss, never an error.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::connection::Transmit;
use kabar_core::wire::MAX_DATAGRAM;
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use super::local_addrs::LocalAddrs;

/// Receive buffer asked for, in bytes. Systems give less unless told otherwise (Linux: `net.core.rmem_max`).
const RECEIVE_BUFFER: usize = 4 << 20;
/// Largest thing one receive can give: many datagrams of one peer, joined by the kernel.
const GRO_BUFFER_LEN: usize = 1 << 16;
/// Such buffers per system call.
const BATCH: usize = 16;
/// Datagrams after which receiving pauses for everything else.
const DATAGRAMS_PER_WAKE: usize = 64;
/// Most datagrams in one send: the burst that one peer may get per wake-up (SPEC 5.4).
const MAX_BURST: usize = kabar_core::connection::MAX_BURST as usize;

/// The socket and the memory it needs.
#[derive(Debug)]
pub(super) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    receive_buffer: usize,
    /// Only a socket that listens on every address has a choice.
    local_addrs: Option<LocalAddrs>,
    buffers: Vec<u8>,
    burst: Burst,
}

/// Whether the system took what was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// All of it.
    All,
    /// Not now; what is left waits until the socket is writable.
    Blocked,
}

/// Datagrams of one length (the last may be shorter) to one peer.
#[derive(Debug)]
struct Burst {
    bytes: Vec<u8>,
    to: Option<SocketAddr>,
    len: usize,
    segment: usize,
    /// Bytes that the system took. Nothing is added behind the first.
    sent: usize,
    /// Bytes behind `len` of a datagram that begins the next burst, and where it goes.
    next: Option<Transmit>,
}

impl Socket {
    /// Binds, for IPv4 too if `listen` is every IPv6 address.
    pub(super) fn bind(listen: SocketAddr) -> io::Result<Self> {
        let raw = match open(listen) {
            // A computer without IPv6 still has IPv4.
            Err(error)
                if listen.is_ipv6() && listen.ip().is_unspecified() && error.kind() != io::ErrorKind::AddrInUse =>
            {
                open((Ipv4Addr::UNSPECIFIED, listen.port()).into()).map_err(|_| error)?
            }
            opened => opened?,
        };
        // Whatever is granted will do.
        drop(raw.set_recv_buffer_size(RECEIVE_BUFFER));
        let receive_buffer = raw.recv_buffer_size()?;
        let std = std::net::UdpSocket::from(raw);
        let state = UdpSocketState::new(UdpSockRef::from(&std))?;
        let local = std.local_addr()?;
        Ok(Self {
            io: UdpSocket::from_std(std),
            state,
            local,
            receive_buffer,
            local_addrs: local.ip().is_unspecified().then(LocalAddrs::default),
            buffers: vec![0; BATCH * GRO_BUFFER_LEN],
            burst: Burst::new(),
        })
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Bytes of receive buffer that the system granted.
    pub(super) fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    pub(super) fn source(&mut self) -> &mut impl mio::event::Source {
        &mut self.io
    }

    /// Takes what has come, up to a bound; `false` if there may be more.
    pub(super) fn receive(&mut self, mut take: impl FnMut(SocketAddr, &mut [u8])) -> bool {
        let mut taken = 0;
        while taken < DATAGRAMS_PER_WAKE {
            let mut slices: Vec<_> = self.buffers.chunks_exact_mut(GRO_BUFFER_LEN).map(IoSliceMut::new).collect();
            let mut metas = [RecvMeta::default(); BATCH];
            let received = self.io.try_io(|| self.state.recv(UdpSockRef::from(&self.io), &mut slices, &mut metas));
            let count = match received {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // Noise of an earlier send that came back; it counts, so that noise alone cannot hold the loop.
                Err(_) => {
                    taken += 1;
                    continue;
                }
            };
            for (meta, buffer) in metas.iter().take(count).zip(self.buffers.chunks_exact_mut(GRO_BUFFER_LEN)) {
                let from = canonical(meta.addr);
                if let (Some(local_addrs), Some(ip)) = (&mut self.local_addrs, meta.dst_ip) {
                    local_addrs.learn(from, ip);
                }
                let joined = buffer.get_mut(..meta.len).unwrap_or_default();
                for datagram in joined.chunks_mut(meta.stride.max(1)) {
                    take(from, datagram);
                    taken += 1;
                }
            }
        }
        false
    }

    /// Sends what `next` gives until it gives nothing, or until the system takes no more.
    pub(super) fn send(&mut self, mut next: impl FnMut(&mut [u8]) -> Option<Transmit>) -> Sent {
        loop {
            let is_last = !self.burst.fill(&mut next);
            if let Some(to) = self.burst.to
                && self.send_burst(to) == Sent::Blocked
            {
                return Sent::Blocked;
            }
            self.burst.advance();
            if is_last {
                return Sent::All;
            }
        }
    }

    fn send_burst(&mut self, to: SocketAddr) -> Sent {
        let destination = self.socket_address(to);
        let src_ip = self.local_addrs.as_ref().and_then(|local_addrs| local_addrs.of(to));
        while self.burst.sent < self.burst.len {
            // How many go at once can change with any send: a card that promised offloading may fail at it.
            let segments = self.state.max_gso_segments().clamp(1, MAX_BURST);
            let contents = self.burst.unsent(segments);
            let segment_size = (contents.len() > self.burst.segment).then_some(self.burst.segment);
            let transmit = quinn_udp::Transmit { destination, ecn: None, contents, segment_size, src_ip };
            match self.io.try_io(|| self.state.try_send(UdpSockRef::from(&self.io), &transmit)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Blocked,
                // Sent; or no route, too large, refused by a firewall: lost, as on the way.
                _ => self.burst.sent += contents.len(),
            }
        }
        Sent::All
    }

    /// As the socket's family writes it.
    fn socket_address(&self, to: SocketAddr) -> SocketAddr {
        match (self.local, to) {
            (SocketAddr::V6(_), SocketAddr::V4(to)) => (to.ip().to_ipv6_mapped(), to.port()).into(),
            _ => to,
        }
    }
}

impl Burst {
    fn new() -> Self {
        Self { bytes: vec![0; (MAX_BURST + 1) * MAX_DATAGRAM], to: None, len: 0, segment: 0, sent: 0, next: None }
    }

    /// Adds datagrams while they belong together. `false`: there are no more.
    fn fill(&mut self, next: &mut impl FnMut(&mut [u8]) -> Option<Transmit>) -> bool {
        if self.next.is_some() || self.sent > 0 {
            return true;
        }
        loop {
            let Some(transmit) = next(&mut self.bytes[self.len..]) else { return false };
            if !self.add(transmit) {
                self.next = Some(transmit);
                return true;
            }
        }
    }

    fn add(&mut self, Transmit { to, len }: Transmit) -> bool {
        if self.to.is_none() {
            (self.to, self.segment) = (Some(to), len.max(1));
        }
        // A shorter one was the last.
        let is_open = self.len.is_multiple_of(self.segment) && self.len / self.segment < MAX_BURST;
        let belongs = self.to == Some(to) && is_open && len <= self.segment;
        if belongs {
            self.len += len;
        }
        belongs
    }

    /// What is left to send, up to so many datagrams.
    fn unsent(&self, segments: usize) -> &[u8] {
        let end = self.len.min(self.sent + segments * self.segment);
        &self.bytes[self.sent..end]
    }

    /// Begins the next burst with the datagram that did not belong to this one.
    fn advance(&mut self) {
        let start = std::mem::take(&mut self.len);
        (self.to, self.sent) = (None, 0);
        if let Some(transmit) = self.next.take() {
            self.bytes.copy_within(start..start + transmit.len, 0);
            self.add(transmit);
        }
    }
}

fn open(listen: SocketAddr) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
    if listen.is_ipv6() {
        socket.set_only_v6(!listen.ip().is_unspecified())?;
    }
    socket.bind(&listen.into())?;
    Ok(socket)
}

/// An IPv4 address is one, whatever socket it came over.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => (ip, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests;
