//! How a client is reached: by a connection of sealed packets, or by lines in clear (SPEC 11).
//! Rooms write the same messages to both.

use core::net::SocketAddr;

use kabar_core::connection::{
    CloseCode, Connection, ConnectionEvent, Counters, Dropped, SendBufferFull, StreamId, Transmit,
};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::pool::Pooled;
use crate::hub::classic::ClassicLink;

/// The way to a client.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are sealed, and each is in a box of its peer")]
pub(in crate::hub) enum Route<P: Provider> {
    /// Sealed packets.
    Sealed(Connection<Pooled, P>),
    /// The datagrams of the classic dialect, which protect nothing.
    Classic(Box<ClassicLink>),
}

/// Calls the method of either way.
macro_rules! either {
    ($route:expr, $it:ident => $call:expr) => {
        match $route {
            Route::Sealed($it) => $call,
            Route::Classic($it) => $call,
        }
    };
}

impl<P: Provider> Route<P> {
    pub(in crate::hub) const fn is_classic(&self) -> bool {
        matches!(self, Self::Classic(_))
    }

    /// The link, if it is one of the classic dialect.
    pub(in crate::hub) fn classic_mut(&mut self) -> Option<&mut ClassicLink> {
        match self {
            Self::Sealed(_) => None,
            Self::Classic(link) => Some(link),
        }
    }

    /// The memory that it has of the pool.
    pub(in crate::hub) fn memory(&self) -> Option<&Pooled> {
        match self {
            Self::Sealed(connection) => Some(connection.memory()),
            Self::Classic(_) => None,
        }
    }

    /// Bytes of the pool that it holds.
    pub(super) fn held_in_all(&self) -> usize {
        self.memory().map_or(0, Pooled::held_in_all)
    }

    /// Handles a sealed packet with its id. Classic clients have none.
    pub(in crate::hub) fn handle_datagram(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &mut [u8],
    ) -> Result<(), Dropped> {
        match self {
            Self::Sealed(connection) => connection.handle_datagram(now, from, datagram),
            Self::Classic(_) => Err(Dropped::Open(kabar_core::session::OpenError::NotAuthentic)),
        }
    }

    pub(in crate::hub) fn handle_timeout(&mut self, now: Instant) {
        either!(self, it => it.handle_timeout(now));
    }

    pub(in crate::hub) fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        either!(self, it => it.poll_transmit(now, out))
    }

    pub(in crate::hub) fn poll_event(&mut self) -> Option<ConnectionEvent> {
        either!(self, it => it.poll_event())
    }

    pub(in crate::hub) fn poll_timeout(&self) -> Option<Instant> {
        either!(self, it => it.poll_timeout())
    }

    /// Writes whole messages to a stream, all or none.
    pub(in crate::hub) fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        parts: &[&[u8]],
    ) -> Result<(), SendBufferFull> {
        match self {
            Self::Sealed(connection) => connection.send(now, stream, parts),
            Self::Classic(link) if stream == StreamId::Chat => link.send(parts),
            Self::Classic(_) => Err(SendBufferFull),
        }
    }

    pub(in crate::hub) fn is_taken(&self, stream: StreamId) -> bool {
        match self {
            Self::Sealed(connection) => connection.is_taken(stream),
            Self::Classic(link) => stream == StreamId::Chat && link.is_open(),
        }
    }

    pub(in crate::hub) fn send_space(&self, stream: StreamId) -> usize {
        match self {
            Self::Sealed(connection) => connection.send_space(stream),
            Self::Classic(link) => {
                if stream == StreamId::Chat {
                    link.send_space()
                } else {
                    0
                }
            }
        }
    }

    pub(in crate::hub) fn unsent(&self, stream: StreamId) -> usize {
        match self {
            Self::Sealed(connection) => connection.unsent(stream),
            Self::Classic(link) => {
                if stream == StreamId::Chat {
                    link.unsent()
                } else {
                    0
                }
            }
        }
    }

    /// Bytes that the client may not have received. Of a classic one, those that are not sent.
    pub(in crate::hub) fn unacknowledged(&self, stream: StreamId) -> usize {
        match self {
            Self::Sealed(connection) => connection.unacknowledged(stream),
            Self::Classic(_) => self.unsent(stream),
        }
    }

    pub(in crate::hub) fn readable(&self, stream: StreamId) -> usize {
        match self {
            Self::Sealed(connection) => connection.readable(stream),
            Self::Classic(link) => {
                if stream == StreamId::Chat {
                    link.readable()
                } else {
                    0
                }
            }
        }
    }

    pub(in crate::hub) fn peek(&mut self, stream: StreamId, skip: usize, out: &mut [u8]) -> bool {
        match self {
            Self::Sealed(connection) => connection.peek(stream, skip, out),
            Self::Classic(link) => stream == StreamId::Chat && link.peek(skip, out),
        }
    }

    pub(in crate::hub) fn consume(&mut self, stream: StreamId, len: usize) {
        match self {
            Self::Sealed(connection) => connection.consume(stream, len),
            Self::Classic(link) => link.consume(),
        }
    }

    pub(in crate::hub) fn close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        match self {
            Self::Sealed(connection) => connection.close(now, code, reason),
            Self::Classic(link) => link.close(code, reason),
        }
    }

    pub(in crate::hub) fn reset(&mut self) {
        either!(self, it => it.reset());
    }

    pub(in crate::hub) fn is_open(&self) -> bool {
        either!(self, it => it.is_open())
    }

    pub(in crate::hub) fn is_finished(&self) -> bool {
        either!(self, it => it.is_finished())
    }

    pub(in crate::hub) fn remote(&self) -> Option<SocketAddr> {
        either!(self, it => it.remote())
    }

    pub(in crate::hub) fn silence(&self, now: Instant) -> Duration {
        either!(self, it => it.silence(now))
    }

    pub(in crate::hub) fn rtt(&self) -> Option<Duration> {
        match self {
            Self::Sealed(connection) => connection.rtt(),
            Self::Classic(_) => None,
        }
    }

    /// The secret that its Joins prove that they belong to it.
    pub(in crate::hub) fn exporter(&self) -> Option<&[u8; 32]> {
        match self {
            Self::Sealed(connection) => connection.exporter(),
            Self::Classic(link) => Some(link.exporter()),
        }
    }

    pub(in crate::hub) fn counters(&self) -> Counters {
        match self {
            Self::Sealed(connection) => connection.counters(),
            Self::Classic(_) => Counters::default(),
        }
    }
}
