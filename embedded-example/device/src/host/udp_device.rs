//! A network device of smoltcp over an ordinary UDP socket: it needs no privileges and no driver.
//!
//! The packets that smoltcp transmits are parsed (IPv4, UDP) and their payload is sent to the real
//! address; datagrams that the socket receives get IPv4 and UDP headers and are passed to smoltcp.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use smoltcp::phy::{self, ChecksumCapabilities, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, UDP_HEADER_LEN, UdpPacket, UdpRepr};

/// Largest IP packet in bytes.
pub const MTU: usize = 1500;
/// Bytes of both headers: none has options.
const HEADERS_LEN: usize = smoltcp::wire::IPV4_HEADER_LEN + UDP_HEADER_LEN;

/// See the module's documentation.
#[derive(Debug)]
pub struct UdpDevice {
    socket: UdpSocket,
    /// The address that the node believes it has.
    node: SocketAddrV4,
    receive: [u8; MTU],
    transmit: [u8; MTU],
}

impl UdpDevice {
    /// A device for a node at `node`, which may be any address: it is not visible outside of the
    /// process.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn open(node: SocketAddrV4) -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, node, receive: [0; MTU], transmit: [0; MTU] })
    }

    /// Sleeps until something can be received, at most for `limit` (which the operating system may
    /// round up to its tick).
    ///
    /// # Errors
    /// Those of setting up the socket.
    pub fn wait(&self, limit: Duration) -> io::Result<()> {
        if limit.is_zero() {
            return Ok(());
        }
        self.socket.set_nonblocking(false)?;
        self.socket.set_read_timeout(Some(limit))?;
        // A time-out, data and network errors all end the wait.
        let _ = self.socket.peek_from(&mut [0]);
        self.socket.set_nonblocking(true)
    }
}

impl Device for UdpDevice {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let (len, from) = self.socket.recv_from(&mut self.receive[HEADERS_LEN..]).ok()?;
        let SocketAddr::V4(from) = from else { return None };
        let packet = &mut self.receive[..HEADERS_LEN + len];
        wrap(packet, from, self.node);
        Some((RxToken { packet }, TxToken { socket: &self.socket, buffer: &mut self.transmit }))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        Some(TxToken { socket: &self.socket, buffer: &mut self.transmit })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// A packet received.
#[derive(Debug)]
pub struct RxToken<'a> {
    packet: &'a [u8],
}

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.packet)
    }
}

/// The right to transmit one packet.
#[derive(Debug)]
pub struct TxToken<'a> {
    socket: &'a UdpSocket,
    buffer: &'a mut [u8; MTU],
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let packet = &mut self.buffer[..len];
        let result = fill(packet);
        if let Some((payload, to)) = unwrap(packet) {
            // A datagram that cannot be sent now counts as lost.
            let _ = self.socket.send_to(payload, to);
        }
        result
    }
}

/// Puts headers before the payload, which begins at [`HEADERS_LEN`].
pub(crate) fn wrap(packet: &mut [u8], from: SocketAddrV4, to: SocketAddrV4) {
    let checksums = ChecksumCapabilities::default();
    let ip = Ipv4Repr {
        src_addr: *from.ip(),
        dst_addr: *to.ip(),
        next_header: IpProtocol::Udp,
        payload_len: packet.len() - smoltcp::wire::IPV4_HEADER_LEN,
        hop_limit: 64,
    };
    let mut packet = Ipv4Packet::new_unchecked(packet);
    ip.emit(&mut packet, &checksums);
    let udp = UdpRepr { src_port: from.port(), dst_port: to.port() };
    let payload_len = ip.payload_len - UDP_HEADER_LEN;
    let (src, dst) = (IpAddress::Ipv4(*from.ip()), IpAddress::Ipv4(*to.ip()));
    udp.emit(&mut UdpPacket::new_unchecked(packet.payload_mut()), &src, &dst, payload_len, |_| {}, &checksums);
}

/// The payload of a UDP packet and where it goes; `None` for anything else.
pub(crate) fn unwrap(packet: &[u8]) -> Option<(&[u8], SocketAddrV4)> {
    let checksums = ChecksumCapabilities::default();
    let packet = Ipv4Packet::new_checked(packet).ok()?;
    let ip = Ipv4Repr::parse(&packet, &checksums).ok()?;
    if ip.next_header != IpProtocol::Udp {
        return None;
    }
    let datagram = UdpPacket::new_checked(packet.payload()).ok()?;
    let udp = UdpRepr::parse(&datagram, &ip.src_addr.into(), &ip.dst_addr.into(), &checksums).ok()?;
    Some((datagram.payload(), SocketAddrV4::new(ip.dst_addr, udp.dst_port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::phy::{RxToken as _, TxToken as _};

    const NODE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 4000);

    #[test]
    fn forwards_datagrams_both_ways() {
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        far.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let SocketAddr::V4(far_address) = far.local_addr().unwrap() else { panic!("asked for IPv4") };
        let mut device = UdpDevice::open(NODE).unwrap();

        let mut packet = [0; HEADERS_LEN + 5];
        packet[HEADERS_LEN..].copy_from_slice(b"hello");
        wrap(&mut packet, NODE, far_address);
        let token = device.transmit(Instant::ZERO).unwrap();
        token.consume(packet.len(), |buffer| buffer.copy_from_slice(&packet));
        let mut datagram = [0; 64];
        let (len, back) = far.recv_from(&mut datagram).unwrap();
        assert_eq!(&datagram[..len], b"hello");

        far.send_to(b"and back", back).unwrap();
        device.wait(Duration::from_secs(10)).unwrap();
        let (received, _) = device.receive(Instant::ZERO).expect("a datagram waits");
        received.consume(|packet| assert_eq!(unwrap(packet), Some((&b"and back"[..], NODE))));
        assert!(device.receive(Instant::ZERO).is_none());
    }

    #[test]
    fn drops_packets_that_are_not_udp() {
        let mut packet = [0; HEADERS_LEN + 5];
        wrap(&mut packet, NODE, NODE);
        assert!(unwrap(&packet).is_some());
        for at in [0, 9, 10, HEADERS_LEN - 2, HEADERS_LEN] {
            let mut damaged = packet;
            damaged[at] ^= 1;
            assert_eq!(unwrap(&damaged), None, "byte {at}");
        }
        assert_eq!(unwrap(&packet[..HEADERS_LEN - 1]), None);
    }
}
