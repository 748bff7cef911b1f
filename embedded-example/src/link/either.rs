//! One of two kinds of link, chosen when the device starts.

use core::net::SocketAddr;

use kabar_core::time::Instant;

use super::{Address, Link, Received};
use crate::profile::DATAGRAM_LEN;

/// A link of either kind. Takes as much memory as the larger one.
#[derive(Debug)]
pub enum Either<A, B> {
    /// The one.
    Left(A),
    /// The other.
    Right(B),
}

/// Asks whichever link it is.
macro_rules! each {
    ($either:expr, $link:ident => $result:expr) => {
        match $either {
            Either::Left($link) => $result,
            Either::Right($link) => $result,
        }
    };
}

impl<A: Link, B: Link> Link for Either<A, B> {
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
