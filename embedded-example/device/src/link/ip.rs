//! An IP network as a link: a UDP socket of smoltcp on a network device. The socket holds one
//! datagram each way.
//!
//! ```text
//! device -> interface -> socket -> receive
//! device <- interface <- socket <- send
//! ```

use core::net::SocketAddr;

use kabar_core::time::Instant;
use rand_core::CryptoRng;
use smoltcp::iface::{self, Interface, PollIngressSingleResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::{dhcpv4, udp};
use smoltcp::wire::{HardwareAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use super::{Address, Link, Received};
use crate::profile::DATAGRAM_LEN;

/// Time until a DHCP server that does not answer is asked again (RFC 2131 4.1); smoltcp's default
/// is 10 s.
pub const DHCP_TIMEOUT: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(4);

/// The device's place in the IP network.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// The hardware address, of the same medium as the device.
    pub hardware: HardwareAddress,
    /// The IP address.
    pub addressing: Addressing,
    /// The local UDP port, not 0.
    pub port: u16,
    /// Seeds the interface's random numbers; need not be secret.
    pub seed: u64,
}

/// The source of the local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// It is configured.
    Static {
        /// The address and the network it is in.
        address: Ipv4Cidr,
        /// The router to everything outside of that network.
        gateway: Option<Ipv4Address>,
    },
    /// A DHCP server assigns it (Ethernet only). The device asks until it gets one, and again when
    /// a lease has ended.
    Dhcp,
}

impl Network {
    /// Draws a port and a seed: datagrams that are still under way to the previous start's port do
    /// not reach this one.
    pub fn draw(hardware: HardwareAddress, addressing: Addressing, rng: &mut impl CryptoRng) -> Self {
        let port = 49_152 | u16::try_from(rng.next_u32() & 0x3fff).unwrap_or(0);
        Self { hardware, addressing, port, seed: rng.next_u64() }
    }
}

/// The memory of a link except its interface. All zero when new, so that a `static` one takes no
/// flash.
#[derive(Debug)]
pub struct IpStorage<'a> {
    tables: SocketTables<'a>,
    receive: [u8; DATAGRAM_LEN],
    transmit: [u8; DATAGRAM_LEN],
}

/// smoltcp's tables of sockets and datagrams. Its empty tables are not all zero; the tag makes
/// [`SocketTables::Empty`] so.
#[derive(Debug)]
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "there is no heap to move it to")]
enum SocketTables<'a> {
    Empty = 0,
    Ready { sockets: [SocketStorage<'a>; 2], receive: [udp::PacketMetadata; 1], transmit: [udp::PacketMetadata; 1] },
}

impl IpStorage<'_> {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { tables: SocketTables::Empty, receive: [0; DATAGRAM_LEN], transmit: [0; DATAGRAM_LEN] }
    }
}

impl Default for IpStorage<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// See the module's documentation.
pub struct IpLink<'a, D> {
    device: D,
    interface: Interface,
    sockets: SocketSet<'a>,
    socket: SocketHandle,
    /// The DHCP client, if it assigns the address.
    dhcp: Option<SocketHandle>,
}

impl<D> core::fmt::Debug for IpLink<'_, D> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IpLink").finish_non_exhaustive()
    }
}

impl<'a, D: Device> IpLink<'a, D> {
    /// A link in `storage`, which it borrows permanently.
    ///
    /// # Panics
    /// On mistakes of the program: `network.hardware` is not of the device's medium or not unicast,
    /// `network.port` is 0, or DHCP is wanted without Ethernet.
    pub fn new(storage: &'a mut IpStorage<'a>, network: &Network, mut device: D, now: Instant) -> Self {
        let mut config = iface::Config::new(network.hardware);
        config.random_seed = network.seed;
        let mut interface = Interface::new(config, &mut device, network_time(now));
        if let Addressing::Static { address, gateway } = network.addressing {
            set_address(&mut interface, Some(address), gateway);
        }

        storage.tables = SocketTables::Ready {
            sockets: [SocketStorage::EMPTY; 2],
            receive: [udp::PacketMetadata::EMPTY],
            transmit: [udp::PacketMetadata::EMPTY],
        };
        let SocketTables::Ready { sockets, receive, transmit } = &mut storage.tables else {
            unreachable!("filled above")
        };
        let mut socket = udp::Socket::new(
            udp::PacketBuffer::new(&mut receive[..], &mut storage.receive[..]),
            udp::PacketBuffer::new(&mut transmit[..], &mut storage.transmit[..]),
        );
        assert!(socket.bind(network.port).is_ok(), "the UDP port is not 0");
        let mut sockets = SocketSet::new(&mut sockets[..]);
        let socket = sockets.add(socket);
        let dhcp = (network.addressing == Addressing::Dhcp).then(|| {
            assert!(matches!(network.hardware, HardwareAddress::Ethernet(_)), "DHCP needs Ethernet");
            let mut socket = dhcpv4::Socket::new();
            let mut retry = socket.get_retry_config();
            (retry.discover_timeout, retry.initial_request_timeout) = (DHCP_TIMEOUT, DHCP_TIMEOUT);
            socket.set_retry_config(retry);
            sockets.add(socket)
        });
        Self { device, interface, sockets, socket, dhcp }
    }
}

impl<D> IpLink<'_, D> {
    /// The network device.
    pub const fn device(&mut self) -> &mut D {
        &mut self.device
    }

    /// Configures the interface with the result of DHCP.
    fn update_address(&mut self) {
        let Some(dhcp) = self.dhcp else { return };
        match self.sockets.get_mut::<dhcpv4::Socket<'_>>(dhcp).poll() {
            None => {}
            Some(dhcpv4::Event::Deconfigured) => set_address(&mut self.interface, None, None),
            Some(dhcpv4::Event::Configured(lease)) => {
                set_address(&mut self.interface, Some(lease.address), lease.router);
            }
        }
    }
}

impl<D: Device> Link for IpLink<'_, D> {
    /// IPv4 only.
    fn reaches(&self, server: SocketAddr) -> bool {
        server.is_ipv4()
    }

    fn address(&self) -> Option<Address> {
        self.interface.ip_addrs().first().map(|IpCidr::Ipv4(address)| Address::Ip(*address))
    }

    fn receive<'a>(&'a mut self, now: Instant, buffer: &'a mut [u8; DATAGRAM_LEN]) -> Received<'a> {
        match self.interface.poll_ingress_single(network_time(now), &mut self.device, &mut self.sockets) {
            PollIngressSingleResult::None => return Received::Nothing,
            PollIngressSingleResult::PacketProcessed => return Received::NotForUs,
            PollIngressSingleResult::SocketStateChanged => {}
        }
        match self.sockets.get_mut::<udp::Socket<'_>>(self.socket).recv_slice(buffer) {
            Ok((len, from)) => {
                Received::Datagram { from: Some(SocketAddr::from(from.endpoint)), bytes: &mut buffer[..len] }
            }
            Err(_) => Received::NotForUs,
        }
    }

    fn maintain(&mut self, now: Instant) {
        self.update_address();
        self.interface.poll_egress(network_time(now), &mut self.device, &mut self.sockets);
    }

    fn can_send(&mut self) -> bool {
        self.sockets.get_mut::<udp::Socket<'_>>(self.socket).can_send()
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        if let SocketAddr::V4(to) = to {
            // The socket is empty and holds a whole datagram. One that it refuses (to an
            // unspecified address) counts as lost.
            let _ = self.sockets.get_mut::<udp::Socket<'_>>(self.socket).send_slice(datagram, to);
        }
    }

    fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        self.interface.poll_at(network_time(now), &self.sockets).map(client_time)
    }
}

/// Replaces address and route. Both tables have room for one entry, and are emptied first.
fn set_address(interface: &mut Interface, address: Option<Ipv4Cidr>, gateway: Option<Ipv4Address>) {
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        if let Some(address) = address {
            let _ = addresses.push(IpCidr::Ipv4(address));
        }
    });
    interface.routes_mut().remove_default_ipv4_route();
    if let Some(gateway) = gateway {
        let _ = interface.routes_mut().add_default_ipv4_route(gateway);
    }
}

/// smoltcp counts microseconds in an `i64`.
fn network_time(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

fn client_time(at: smoltcp::time::Instant) -> Instant {
    Instant::from_micros(u64::try_from(at.total_micros()).unwrap_or(0))
}
