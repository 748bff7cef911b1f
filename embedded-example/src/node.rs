//! A member of a room on an IP network: UDP socket, interface and client, driven by one call.
//!
//! ```text
//! device -> interface -> socket -> client -> events         (each frame, one after another: the socket holds one datagram)
//! device <- interface <- socket <- client                   (until it has nothing to say, or the device takes no more)
//! ```
//!
//! While the interface has no address the client rests: its timers wait, and what is posted stays with it.

use core::net::SocketAddr;

use kabar_core::client::{Config, ConfigError, Event};
use kabar_core::time::Instant;
use smoltcp::iface::{self, Interface, PollIngressSingleResult, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::Device;
use smoltcp::socket::{dhcpv4, udp};
use smoltcp::wire::{HardwareAddress, IpCidr, Ipv4Address, Ipv4Cidr};

use crate::profile::{self, DATAGRAM_LEN, DeviceClient};

/// Frames taken from the device per [`Node::poll`]: a flood does not keep the device from its other work.
pub const MAX_FRAMES_PER_POLL: usize = 16;
/// Datagrams given to the device per [`Node::poll`] (SPEC 5.4).
pub const MAX_DATAGRAMS_PER_POLL: usize = 10;
/// So long a DHCP server is waited for before it is asked again (RFC 2131 4.1). smoltcp's own would be 10 s.
pub const DHCP_TIMEOUT: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(4);

/// Where this node is in the IP network.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// The address of the hardware; of the same medium as the device.
    pub hardware: HardwareAddress,
    /// The own address.
    pub addressing: Addressing,
    /// The own UDP port, not 0.
    pub port: u16,
    /// Random; for what the interface draws. It need not be secret.
    pub seed: u64,
}

/// Where the own address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// It is known.
    Static {
        /// The own address and its network.
        address: Ipv4Cidr,
        /// Where everything outside of that network is sent.
        gateway: Option<Ipv4Address>,
    },
    /// The network gives one (Ethernet only). It is asked for as long as it takes, and again when a lease has ended.
    Dhcp,
}

/// Why a node did not begin to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The server's address is not one of IPv4, which is all that this example speaks.
    NotIpv4,
    /// The client does not take the configuration.
    Config(ConfigError),
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotIpv4 => f.write_str("the server's address is not an IPv4 address"),
            Self::Config(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

/// All the memory of a node but for the interface: its size is the static RAM that a member costs. New, it is all zero, so that a
/// `static` one takes no flash.
#[derive(Debug)]
pub struct Storage<'a> {
    client: DeviceClient,
    slots: Slots<'a>,
    receive: [u8; DATAGRAM_LEN],
    transmit: [u8; DATAGRAM_LEN],
    datagram: [u8; DATAGRAM_LEN],
}

/// What smoltcp keeps about a socket and its two datagrams. Its own empty values are not all zero; a tag of its own makes this one so.
#[derive(Debug)]
#[repr(u8)]
#[allow(clippy::large_enum_variant, reason = "there is no heap to move it to")]
enum Slots<'a> {
    Empty = 0,
    Ready { sockets: [SocketStorage<'a>; 2], receive: [udp::PacketMetadata; 1], transmit: [udp::PacketMetadata; 1] },
}

impl Storage<'_> {
    /// Empty; the client is idle.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            client: profile::client(),
            slots: Slots::Empty,
            receive: [0; DATAGRAM_LEN],
            transmit: [0; DATAGRAM_LEN],
            datagram: [0; DATAGRAM_LEN],
        }
    }
}

impl Default for Storage<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A node: see the module's documentation.
///
/// Call [`Node::poll`] when the device has a frame, at [`Node::poll_timeout`], and after every other call; that is all.
pub struct Node<'a> {
    client: &'a mut DeviceClient,
    interface: Interface,
    sockets: SocketSet<'a>,
    socket: SocketHandle,
    /// The address comes from there.
    dhcp: Option<SocketHandle>,
    datagram: &'a mut [u8; DATAGRAM_LEN],
    /// The last poll ended at a bound, not for lack of work.
    unfinished: bool,
}

impl core::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").field("state", &self.client.state()).finish_non_exhaustive()
    }
}

impl<'a> Node<'a> {
    /// A node in `storage`, which stays lent to it. The client is idle until [`Node::start`].
    ///
    /// # Panics
    /// If `network.hardware` is not of the device's medium or not unicast, `network.port` is 0, or there is DHCP without Ethernet:
    /// mistakes of the program.
    pub fn new<D: Device + ?Sized>(
        storage: &'a mut Storage<'a>,
        network: &Network,
        device: &mut D,
        now: Instant,
    ) -> Self {
        let mut config = iface::Config::new(network.hardware);
        config.random_seed = network.seed;
        let mut interface = Interface::new(config, device, network_time(now));
        if let Addressing::Static { address, gateway } = network.addressing {
            set_address(&mut interface, Some(address), gateway);
        }

        storage.slots = Slots::Ready {
            sockets: [SocketStorage::EMPTY; 2],
            receive: [udp::PacketMetadata::EMPTY],
            transmit: [udp::PacketMetadata::EMPTY],
        };
        let Slots::Ready { sockets, receive, transmit } = &mut storage.slots else { unreachable!("filled above") };
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
        Self {
            client: &mut storage.client,
            interface,
            sockets,
            socket,
            dhcp,
            datagram: &mut storage.datagram,
            unfinished: false,
        }
    }

    /// Begins to join. `seed` is fresh and secret.
    ///
    /// # Errors
    /// [`StartError`]; nothing was begun.
    pub fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), StartError> {
        if !config.server.is_ipv4() {
            return Err(StartError::NotIpv4);
        }
        self.client.start(config, seed, now).map_err(StartError::Config)
    }

    /// The client: to post, to ask, to leave. Call [`Node::poll`] afterwards.
    pub fn client(&mut self) -> &mut DeviceClient {
        self.client
    }

    /// The own address, once there is one.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Cidr> {
        self.interface.ip_addrs().first().map(|IpCidr::Ipv4(address)| *address)
    }

    /// Does everything that is due: frames in, timers, events, frames out.
    pub fn poll<D: Device + ?Sized>(&mut self, now: Instant, device: &mut D, mut on_event: impl FnMut(Event<'_>)) {
        let at = network_time(now);
        let all_in = (0..MAX_FRAMES_PER_POLL).any(|_| {
            match self.interface.poll_ingress_single(at, device, &mut self.sockets) {
                PollIngressSingleResult::None => return true,
                PollIngressSingleResult::PacketProcessed => {}
                PollIngressSingleResult::SocketStateChanged => self.receive(now, &mut on_event),
            }
            false
        });

        self.update_address();

        if self.client_timeout().is_some_and(|due| due <= now) {
            self.client.handle_timeout(now);
        }
        self.drain_events(&mut on_event);

        self.interface.poll_egress(at, device, &mut self.sockets);
        let all_out = (0..MAX_DATAGRAMS_PER_POLL).any(|_| {
            let sent = self.transmit(now);
            self.interface.poll_egress(at, device, &mut self.sockets);
            !sent
        });
        self.unfinished = !(all_in && all_out);
        self.drain_events(&mut on_event);
    }

    /// When to call [`Node::poll`] if no frame comes before; `None`: only then.
    pub fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        if self.unfinished {
            return Some(now);
        }
        let network = self.interface.poll_at(network_time(now), &self.sockets).map(client_time);
        [network, self.client_timeout()].into_iter().flatten().min()
    }

    /// When the client wants to be called: not before there is an address.
    fn client_timeout(&self) -> Option<Instant> {
        self.address().and_then(|_| self.client.poll_timeout())
    }

    /// What DHCP learned to the interface.
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

    /// The datagram in the socket to the client.
    fn receive(&mut self, now: Instant, on_event: &mut impl FnMut(Event<'_>)) {
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        if let Ok((len, from)) = socket.recv_slice(self.datagram) {
            let from = SocketAddr::from(from.endpoint);
            self.client.handle_datagram(now, from, &mut self.datagram[..len]);
            self.drain_events(on_event);
        }
    }

    fn drain_events(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        while let Some(event) = self.client.poll_event() {
            on_event(event);
        }
    }

    /// The client's next datagram into the socket. `false`: there is none, or the one before still waits there.
    fn transmit(&mut self, now: Instant) -> bool {
        if self.address().is_none() {
            return false;
        }
        let socket = self.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        if !socket.can_send() {
            return false;
        }
        let Some(transmit) = self.client.poll_transmit(now, self.datagram) else { return false };
        if let SocketAddr::V4(to) = transmit.to {
            // The socket is empty and holds a whole datagram. What it refuses (an address that is none) is lost on the way.
            let _ = socket.send_slice(&self.datagram[..transmit.len], to);
        }
        true
    }
}

/// Both tables have at least one place, and are emptied first.
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

/// smoltcp counts in signed microseconds.
fn network_time(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

fn client_time(at: smoltcp::time::Instant) -> Instant {
    Instant::from_micros(u64::try_from(at.total_micros()).unwrap_or(0))
}

#[cfg(all(test, feature = "host"))]
mod tests;
