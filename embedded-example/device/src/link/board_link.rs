//! The link of a board that has network hardware and a serial port, chosen when the device starts.

use core::net::SocketAddr;

use kabar_core::time::Instant;

use super::{Address, Link, Received};
use crate::profile::DATAGRAM_LEN;

/// One of two links. Takes as much memory as the larger one.
#[derive(Debug)]
pub enum BoardLink<I, S> {
    /// An IP network.
    Ip(I),
    /// A serial line.
    Serial(S),
}

/// Evaluates `$result` with the link of either kind.
macro_rules! each {
    ($board_link:expr, $link:ident => $result:expr) => {
        match $board_link {
            BoardLink::Ip($link) => $result,
            BoardLink::Serial($link) => $result,
        }
    };
}

impl<I: Link, S: Link> Link for BoardLink<I, S> {
    fn reaches(&self, server: SocketAddr) -> bool {
        each!(self, link => link.reaches(server))
    }

    fn address(&self) -> Option<Address> {
        each!(self, link => link.address())
    }

    fn receive<'a>(&'a mut self, now: Instant, buffer: &'a mut [u8; DATAGRAM_LEN]) -> Received<'a> {
        each!(self, link => Link::receive(link, now, buffer))
    }

    fn maintain(&mut self, now: Instant) {
        each!(self, link => link.maintain(now));
    }

    fn can_send(&mut self) -> bool {
        each!(self, link => link.can_send())
    }

    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        each!(self, link => Link::send(link, to, datagram));
    }

    fn poll_timeout(&mut self, now: Instant) -> Option<Instant> {
        each!(self, link => link.poll_timeout(now))
    }
}
