//! A byte stream as a link: core's [`SerialLink`] over anything that reads and writes bytes.
//!
//! The other end of the line is usually `kabar bridge` on a host, which forwards the packets to the
//! server and cannot read them. A stream that fails is a line on which nothing gets through. The
//! link is implemented for a reference, because it contains a buffer that a device keeps in a
//! `static`.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_io::{Read, ReadReady, Write};
use kabar_core::serial::SerialLink;
use kabar_core::time::Instant;

use super::{Address, Link, Received};
use crate::profile::DATAGRAM_LEN;

/// Stands for the other end of a line, which has no address: an address for documentation, which no
/// host has (RFC 5737).
pub const SERIAL_PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9999);

impl<T: Read + ReadReady + Write> Link for &mut SerialLink<T> {
    fn reaches(&self, _: SocketAddr) -> bool {
        true
    }

    fn address(&self) -> Option<Address> {
        Some(Address::Line)
    }

    fn receive<'a>(&'a mut self, _: Instant, _: &'a mut [u8; DATAGRAM_LEN]) -> Received<'a> {
        let has_bytes = self.stream().read_ready().unwrap_or(false);
        match (**self).receive() {
            Ok(Some(bytes)) => Received::Datagram { from: None, bytes },
            // There may be more after what was read.
            Ok(None) if has_bytes => Received::NotForUs,
            Ok(None) | Err(_) => Received::Nothing,
        }
    }

    fn maintain(&mut self, _: Instant) {}

    fn can_send(&mut self) -> bool {
        true
    }

    /// Blocks until the stream has taken the whole frame.
    fn send(&mut self, _: SocketAddr, datagram: &[u8]) {
        let _ = (**self).send(datagram);
    }

    fn poll_timeout(&mut self, _: Instant) -> Option<Instant> {
        None
    }
}

#[cfg(test)]
mod tests;
