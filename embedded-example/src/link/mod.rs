//! How a device's datagrams get to the server: over an IP network, or over a byte stream.
//!
//! * [`ip`]: [`IpLink`]: a UDP socket of smoltcp on a network device.
//! * [`serial`]: a UART, on whose other end a bridge carries the packets on (SPEC 2.5).
//! * [`either`]: [`Either`]: one of two, for a device that decides at its start.
//!
//! [`Node`](crate::Node) drives any of them.

pub mod either;
pub mod ip;
pub mod serial;

use core::net::SocketAddr;

use kabar_core::time::Instant;
use smoltcp::wire::Ipv4Cidr;

pub use either::Either;
pub use ip::{Addressing, IpLink, IpStorage, Network};
pub use serial::FAR_END;

use crate::profile::DATAGRAM_LEN;

/// A way for datagrams. What gets lost on it is sent again by who needs it, so nothing here has errors.
pub trait Link {
    /// Whether this kind of link leads to `server`, ever.
    fn reaches(&self, server: SocketAddr) -> bool;

    /// Where this end is; `None`: nothing gets through now.
    fn address(&self) -> Option<Address>;

    /// Takes in what came next. A datagram lies in `buffer` or in the link's own memory.
    fn receive<'a>(&'a mut self, now: Instant, buffer: &'a mut [u8; DATAGRAM_LEN]) -> Received<'a>;

    /// Does what the link does by itself, and hands on what was sent as far as the hardware takes it.
    fn maintain(&mut self, now: Instant);

    /// Whether [`Link::send`] has room for a datagram.
    fn can_send(&mut self) -> bool;

    /// Sends a datagram of at most [`DATAGRAM_LEN`] bytes. It waits here until [`Link::maintain`] if it has to.
    fn send(&mut self, to: SocketAddr, datagram: &[u8]);

    /// When to call [`Link::maintain`] if nothing comes before; `None`: only then.
    fn poll_timeout(&mut self, now: Instant) -> Option<Instant>;
}

/// What [`Link::receive`] took in.
#[derive(Debug)]
pub enum Received<'a> {
    /// There is nothing.
    Nothing,
    /// Something that is no datagram for the client.
    Other,
    /// A datagram. `from` is `None` on a link that has one other end only.
    Datagram {
        /// Who sent it, as far as can be told.
        from: Option<SocketAddr>,
        /// The datagram.
        bytes: &'a mut [u8],
    },
}

/// Where an end of a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// In an IP network.
    Ip(Ipv4Cidr),
    /// At a line that has two ends.
    Line,
}
