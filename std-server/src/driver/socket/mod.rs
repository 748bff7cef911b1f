//! The server's UDP socket: dual stack, a large receive buffer, replies that leave from the address
//! that was sent to, and bursts to one peer in one system call. A failure to send or receive a
//! datagram counts as its loss, never as an error.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::connection::Transmit;
use kabar_std::burst::{Burst, MAX_SEGMENTS};
use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use super::local_addrs::LocalAddrs;

/// Requested size of the receive buffer in bytes. Systems may grant less (Linux:
/// `net.core.rmem_max`).
const RECEIVE_BUFFER: usize = 4 << 20;
/// Largest buffer that one receive can fill: datagrams of one peer that the kernel has joined
/// (GRO).
const GRO_BUFFER_LEN: usize = 1 << 16;
/// Receive buffers per system call.
const BATCH: usize = 16;
/// Datagrams received before other work gets its turn.
const DATAGRAMS_PER_WAKE: usize = 64;

/// The socket and its buffers.
#[derive(Debug)]
pub(super) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    receive_buffer: usize,
    /// `None` if the socket is bound to one address.
    local_addrs: Option<LocalAddrs>,
    buffers: Vec<u8>,
    burst: Burst,
}

/// The result of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Everything was sent.
    All,
    /// The rest waits until the socket is writable.
    Blocked,
}

impl Socket {
    /// Binds a socket; one for all IPv6 addresses also receives IPv4.
    pub(super) fn bind(listen: SocketAddr) -> io::Result<Self> {
        let raw = match open(listen) {
            // Fall back to IPv4 on a computer without IPv6.
            Err(error)
                if listen.is_ipv6() && listen.ip().is_unspecified() && error.kind() != io::ErrorKind::AddrInUse =>
            {
                open((Ipv4Addr::UNSPECIFIED, listen.port()).into()).map_err(|_| error)?
            }
            opened => opened?,
        };
        // Any size will do.
        let _ = raw.set_recv_buffer_size(RECEIVE_BUFFER);
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
            burst: Burst::default(),
        })
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// The size in bytes of the receive buffer that the system granted.
    pub(super) fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    pub(super) fn source(&mut self) -> &mut impl mio::event::Source {
        &mut self.io
    }

    /// Receives datagrams up to a bound; returns `false` if there may be more.
    pub(super) fn receive(&mut self, mut take: impl FnMut(SocketAddr, &mut [u8])) -> bool {
        let mut taken = 0;
        while taken < DATAGRAMS_PER_WAKE {
            let mut slices: Vec<_> = self.buffers.chunks_exact_mut(GRO_BUFFER_LEN).map(IoSliceMut::new).collect();
            let mut metas = [RecvMeta::default(); BATCH];
            let received = self.io.try_io(|| self.state.recv(UdpSockRef::from(&self.io), &mut slices, &mut metas));
            let count = match received {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                // An ICMP error for an earlier send. It counts, so that such errors cannot occupy
                // the loop.
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

    /// Sends the datagrams that `next` returns, until it returns `None` or the socket blocks.
    pub(super) fn send(&mut self, mut next: impl FnMut(&mut [u8]) -> Option<Transmit>) -> Sent {
        loop {
            let is_last = !self.burst.fill(&mut next);
            if let Some(to) = self.burst.to()
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
        loop {
            // The number of segments can change with any send: a card that promised offloading may
            // fail at it.
            let segments = self.state.max_gso_segments().clamp(1, MAX_SEGMENTS);
            let contents = self.burst.unsent(segments);
            if contents.is_empty() {
                return Sent::All;
            }
            let segment_size = (contents.len() > self.burst.segment()).then_some(self.burst.segment());
            let transmit = quinn_udp::Transmit { destination, ecn: None, contents, segment_size, src_ip };
            match self.io.try_io(|| self.state.try_send(UdpSockRef::from(&self.io), &transmit)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Blocked,
                // Sent, or lost: no route, too large, or refused by a firewall.
                _ => {
                    let len = contents.len();
                    self.burst.on_sent(len);
                }
            }
        }
    }

    /// Converts an address to the socket's family.
    fn socket_address(&self, to: SocketAddr) -> SocketAddr {
        match (self.local, to) {
            (SocketAddr::V6(_), SocketAddr::V4(to)) => (to.ip().to_ipv6_mapped(), to.port()).into(),
            _ => to,
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

/// Converts an IPv4-mapped address to IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => (ip, address.port()).into(),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests;
