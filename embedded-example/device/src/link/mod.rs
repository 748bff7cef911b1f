//! How a device's datagrams reach the server: over an IP network, or over a byte stream.
//!
//! * [`ip`]: [`IpLink`]: a UDP socket of smoltcp on a network device.
//! * [`serial`]: a UART, whose other end is a bridge that forwards the packets (SPEC 2.5).
//! * [`board_link`]: [`BoardLink`]: one of the two, for a device that decides at its start.
//!
//! [`Node`](crate::Node) drives any of them.

pub mod board_link;
pub mod ip;
pub mod serial;

use core::net::SocketAddr;

use kabar_core::time::Instant;
use smoltcp::wire::Ipv4Cidr;

pub use board_link::BoardLink;
pub use ip::{Addressing, IpLink, IpStorage, Network};
pub use serial::SERIAL_PEER;

use crate::profile::DATAGRAM_LEN;

/// Carries datagrams. There are no errors: the client sends again what is lost on the way.
pub trait Link {
    /// Whether a link of this kind can ever lead to `server`.
    fn reaches(&self, server: SocketAddr) -> bool;

    /// The local address; `None`: nothing gets through now.
    fn address(&self) -> Option<Address>;

    /// Receives what arrived next. A datagram is in `buffer` or in the link's own memory.
    fn receive<'a>(&'a mut self, now: Instant, buffer: &'a mut [u8; DATAGRAM_LEN]) -> Received<'a>;

    /// Runs the link's own protocols, and passes on what was sent as far as the hardware takes it.
    fn maintain(&mut self, now: Instant);

    /// Whether [`Link::send`] has room for a datagram.
    fn can_send(&mut self) -> bool;

    /// Sends a datagram of at most [`DATAGRAM_LEN`] bytes. If the hardware is busy it waits in the
    /// link until [`Link::maintain`].
    fn send(&mut self, to: SocketAddr, datagram: &[u8]);

    /// When to call [`Link::maintain`] if nothing arrives before; `None`: not until then.
    fn poll_timeout(&mut self, now: Instant) -> Option<Instant>;
}

/// The result of [`Link::receive`].
#[derive(Debug)]
pub enum Received<'a> {
    /// Nothing has arrived.
    Nothing,
    /// Something that is not a datagram for the client.
    NotForUs,
    /// A datagram. `from` is `None` on a link with a single peer.
    Datagram {
        /// The sender, as far as it is known.
        from: Option<SocketAddr>,
        /// The datagram.
        bytes: &'a mut [u8],
    },
}

/// The local address of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// In an IP network.
    Ip(Ipv4Cidr),
    /// At one end of a line.
    Line,
}
