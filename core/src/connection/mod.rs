//! One peer: a session and a transport composed (SPEC 4.4, 5.6 to 5.8).
//!
//! # The drive contract
//!
//! After any `handle_*`, [`Connection::send`], [`Connection::consume`] or [`Connection::close`]: drain
//! [`Connection::poll_transmit`] and [`Connection::poll_event`], then sleep until [`Connection::poll_timeout`] or the next datagram.

use core::net::SocketAddr;

use crate::crypto::Provider;
use crate::session::{Established, OpenError, Session};
use crate::time::{Duration, Instant};
use crate::transport::Memory;
use crate::wire::frame::{CloseCode, StreamId};

/// A datagram to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where to.
    pub to: SocketAddr,
    /// How many bytes of the buffer.
    pub len: usize,
}

/// What happened on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// New bytes can be read from this stream.
    Readable(StreamId),
    /// Space became free in this stream's send ring after [`Full`] was given.
    Writable(StreamId),
    /// The peer is reached at another address now.
    Moved(SocketAddr),
    /// It is over. Nothing more comes; bytes received before can still be read.
    Closed(Ended),
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The peer closed it.
    ByPeer(CloseCode),
    /// This side closed it: by [`Connection::close`], or because the peer broke a rule.
    Here(CloseCode),
    /// Nothing authenticated for the idle time-out.
    Idle,
}

/// Why a datagram was dropped. Nothing changed but the counter of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// SPEC 4.
    Open(OpenError),
    /// Its data does not fit now; it is not acknowledged (SPEC 5.3).
    NoRoom,
    /// The connection is not open.
    NotOpen,
}

/// The send ring has no room for all of it; nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Counts since [`Connection::open`]. They only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Counters {
    /// Packets sealed and given out.
    pub sent: u64,
    /// Packets opened and taken.
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
    /// Dropped as [`Dropped::NoRoom`].
    pub no_room: u64,
}

/// One peer. Closed until [`Connection::open`]; can be opened again, in place, with another session.
#[derive(Debug)]
pub struct Connection<M: Memory, P: Provider> {
    memory: M,
    session: Option<Session<P>>,
}

impl<M: Memory, P: Provider> Connection<M, P> {
    /// Closed, in `memory`.
    #[must_use]
    pub const fn new(memory: M) -> Self {
        Self { memory, session: None }
    }

    /// Opens, or opens again: whatever was in the rings is forgotten. `remote` is where the peer is.
    pub fn open(&mut self, now: Instant, established: &Established, remote: SocketAddr) {
        let _ = (now, established, remote);
        todo!()
    }

    /// Takes a Sealed datagram (its CRC and type were checked), in place.
    ///
    /// # Errors
    /// [`Dropped`]: noise of the network; counted.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) -> Result<(), Dropped> {
        let _ = (now, from, datagram);
        todo!()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// The next datagram to send, in `out` (at least 1200 bytes).
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let _ = (now, out);
        todo!()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<ConnectionEvent> {
        todo!()
    }

    /// When to call [`Connection::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Appends the concatenation of `parts` to a stream, all or nothing.
    ///
    /// # Errors
    /// [`Full`]: ordinary; an event [`ConnectionEvent::Writable`] follows when there is room. Also when not open.
    pub fn send(&mut self, stream: StreamId, parts: &[&[u8]]) -> Result<(), Full> {
        let _ = (stream, parts);
        todo!()
    }

    /// Bytes free in the stream's send ring.
    #[must_use]
    pub fn send_space(&self, stream: StreamId) -> usize {
        let _ = stream;
        todo!()
    }

    /// Bytes in the send ring that the peer has not acknowledged.
    #[must_use]
    pub fn unacknowledged(&self, stream: StreamId) -> usize {
        let _ = stream;
        todo!()
    }

    /// Bytes that can be read now.
    #[must_use]
    pub fn readable(&self, stream: StreamId) -> usize {
        let _ = stream;
        todo!()
    }

    /// Copies the next `out.len()` readable bytes, beginning `skip` bytes ahead, without consuming them. `false` if there are fewer.
    pub fn peek(&mut self, stream: StreamId, skip: usize, out: &mut [u8]) -> bool {
        let _ = (stream, skip, out);
        todo!()
    }

    /// Consumes `len` readable bytes (at most all there are), which gives the peer credit to send more.
    pub fn consume(&mut self, stream: StreamId, len: usize) {
        let _ = (stream, len);
        todo!()
    }

    /// Closes; CLOSE goes out with the next [`Connection::poll_transmit`]. `reason` is cut to 64 bytes.
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        let _ = (now, code, reason);
        todo!()
    }

    /// Gives up without a word and wipes the keys.
    pub fn abandon(&mut self) {
        todo!()
    }

    /// Whether data can flow.
    #[must_use]
    pub fn is_open(&self) -> bool {
        todo!()
    }

    /// Whether nothing is left to do, not even to answer with CLOSE: it can be dropped or opened again.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        todo!()
    }

    /// Where the peer is.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        todo!()
    }

    /// Smoothed round-trip time; `None` before the first sample.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        todo!()
    }

    /// For proofs about this very connection (SPEC 6.2).
    #[must_use]
    pub fn exporter(&self) -> Option<&[u8; 32]> {
        self.session.as_ref().map(|session| session.exporter().expose())
    }

    /// Whether a Hint that echoes `packet_number` is to be heeded: it is in flight and nothing authenticated came since it was sent
    /// (SPEC 4.5).
    #[must_use]
    pub fn heeds_hint(&self, packet_number: u64) -> bool {
        let _ = packet_number;
        todo!()
    }

    /// Consecutive probe time-outs without anything authenticated (SPEC 4.5: three are silence).
    #[must_use]
    pub fn silent_probes(&self) -> u32 {
        todo!()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        todo!()
    }

    /// The memory it works in.
    #[must_use]
    pub fn memory(&self) -> &M {
        &self.memory
    }
}
