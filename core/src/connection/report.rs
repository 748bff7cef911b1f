//! The output of a connection: datagrams, events, errors, counters.

use core::net::SocketAddr;

use crate::session::OpenError;
use crate::wire::frame::{CloseCode, StreamId};

/// A datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The destination.
    pub to: SocketAddr,
    /// Length in bytes, from the start of the buffer.
    pub len: usize,
}

/// An event of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// New bytes can be read from this stream.
    Readable(StreamId),
    /// The peer moved to another address.
    Moved(SocketAddr),
    /// The connection ended. No event follows; bytes received before can still be read.
    Closed(Closed),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The peer closed it.
    ByPeer(CloseCode),
    /// This side closed it: by [`Connection::close`](super::Connection::close), or because the peer
    /// broke a rule.
    Locally(CloseCode),
    /// No authentic packet was received for the idle time-out.
    Idle,
}

/// Why a datagram was dropped. Only the counter of the same name changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// The session did not open it (SPEC 4).
    Open(OpenError),
    /// Its data does not fit now; it is not acknowledged (SPEC 5.3).
    BufferFull,
    /// The connection is not open.
    NotOpen,
}

/// The send ring has no room for all of the data; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendBufferFull;

/// Counts since [`Connection::open`](super::Connection::open). They only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Counters {
    /// Packets sealed and sent.
    pub sent: u64,
    /// Packets opened and accepted.
    pub received: u64,
    /// Packets whose stream data was sent again.
    pub resent: u64,
    /// Packets declared lost.
    pub lost: u64,
    /// Dropped as [`OpenError::NotAuthentic`].
    pub not_authentic: u64,
    /// Dropped as [`OpenError::Replayed`].
    pub replayed: u64,
    /// Dropped as [`OpenError::Stale`].
    pub stale: u64,
    /// Dropped as [`OpenError::Malformed`].
    pub malformed: u64,
    /// Dropped as [`Dropped::BufferFull`].
    pub buffer_full: u64,
}

impl Counters {
    pub(super) const NONE: Self = Self {
        sent: 0,
        received: 0,
        resent: 0,
        lost: 0,
        not_authentic: 0,
        replayed: 0,
        stale: 0,
        malformed: 0,
        buffer_full: 0,
    };

    /// Counts a packet that the session did not open.
    pub(super) fn count(&mut self, error: OpenError) -> Dropped {
        match error {
            OpenError::Malformed => self.malformed += 1,
            OpenError::NotAuthentic => self.not_authentic += 1,
            OpenError::Replayed => self.replayed += 1,
            OpenError::Stale => self.stale += 1,
        }
        Dropped::Open(error)
    }
}

impl core::fmt::Display for Dropped {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::BufferFull => f.write_str("no room for its data"),
            Self::NotOpen => f.write_str("connection is not open"),
        }
    }
}

impl core::error::Error for Dropped {}

impl core::fmt::Display for SendBufferFull {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("send ring is full")
    }
}

impl core::error::Error for SendBufferFull {}
