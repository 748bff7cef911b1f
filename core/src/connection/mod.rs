//! One peer: a session and a transport composed (SPEC 4.4, 5.6 to 5.8).
//!
//! The crate documentation has the drive contract. There are three polls, because a server asks for
//! datagrams and time-outs of many connections separately.
//!
//! * `path`: the peer's address, and the validation of a new one.
//! * `close_state`: how a connection ends: CLOSE, and the period of silence after it.
//! * `report`: the datagrams, events, errors and counters that its owner gets.

mod close_state;
mod path;
mod report;

#[cfg(test)]
mod tests;

use core::net::SocketAddr;

use crate::crypto::Provider;
use crate::session::sealed::EPOCH_BITS;
use crate::session::{HandshakeOutput, Role, SealError, Session};
use crate::time::{Duration, Instant};
use crate::transport::{BufferProvider, OVERHEAD, Refused, Start, Transport};
use crate::wire::frame::Frame;
use crate::wire::io::{BufferFull, Writer};
use crate::wire::packet::{HELLO_LENS, SEALED_HEADER_LEN};
use close_state::{CloseState, Phase};
use path::Path;

pub use crate::transport::MAX_BURST;
pub use crate::wire::frame::{CloseCode, StreamId};
pub use report::{Closed, ConnectionEvent, Counters, Dropped, SendBufferFull, Transmit};

/// Bytes of the length field before a message.
const LENGTH_LEN: usize = 2;
/// Pause between two bursts.
const BURST_PAUSE: Duration = Duration::from_millis(1);

const _: () = assert!(OVERHEAD == crate::session::sealed::OVERHEAD);

/// One peer. Closed until [`Connection::open`]; can be opened again, in place, with another
/// session.
#[derive(Debug)]
pub struct Connection<M: BufferProvider, P: Provider> {
    memory: M,
    session: SessionSlot<P>,
    transport: Transport<M::Congestion, M::Ranges>,
    path: Path,
    close_state: CloseState,
    idle: Duration,
    idle_at: Option<Instant>,
    /// Clients only: when to send a keep-alive.
    keep_alive_at: Option<Instant>,
    /// Number of the next packet to send, as of the last authentic packet received.
    number_at_receive: u64,
    consecutive_ptos: u32,
    /// Packets that may still be sent at this wake-up.
    burst_left: u8,
    resume_at: Option<Instant>,
    /// No packet number is left until the peer acknowledges a packet.
    is_exhausted: bool,
    counters: Counters,
}

/// An optional session. Not an `Option`, because the bit pattern of its `None` is unspecified and
/// a static connection has to be all zero.
#[derive(Debug)]
#[repr(u8)]
#[expect(clippy::large_enum_variant, reason = "there is nowhere else to put it")]
enum SessionSlot<P: Provider> {
    Empty = 0,
    Open(Session<P>) = 1,
}

impl<P: Provider> SessionSlot<P> {
    const fn as_ref(&self) -> Option<&Session<P>> {
        match self {
            Self::Empty => None,
            Self::Open(session) => Some(session),
        }
    }

    const fn as_mut(&mut self) -> Option<&mut Session<P>> {
        match self {
            Self::Empty => None,
            Self::Open(session) => Some(session),
        }
    }
}

impl<M: BufferProvider, P: Provider> Connection<M, P> {
    /// Creates a closed connection with its buffers in `memory`.
    #[must_use]
    pub const fn new(memory: M) -> Self {
        Self {
            memory,
            session: SessionSlot::Empty,
            transport: Transport::CLOSED,
            path: Path::NONE,
            close_state: CloseState::NONE,
            idle: Duration::ZERO,
            idle_at: None,
            keep_alive_at: None,
            number_at_receive: 0,
            consecutive_ptos: 0,
            burst_left: 0,
            resume_at: None,
            is_exhausted: false,
            counters: Counters::NONE,
        }
    }

    /// Opens the connection, or opens it again; the content of the rings is discarded. `remote` is
    /// the peer's address.
    pub fn open(&mut self, now: Instant, established: &HandshakeOutput, remote: SocketAddr) {
        self.open_with_epoch_bits(now, established, remote, EPOCH_BITS);
    }

    /// [`Connection::open`] with `1 << epoch_bits` packet numbers per epoch on both sides, for
    /// tests that cross epochs. At least 6 bits are needed, so that a receive-only side has a
    /// packet acknowledged in each epoch.
    fn open_with_epoch_bits(
        &mut self,
        now: Instant,
        established: &HandshakeOutput,
        remote: SocketAddr,
        epoch_bits: u32,
    ) {
        let HandshakeOutput { local, remote: limits, .. } = established;
        let is_server = established.role == Role::Server;
        // SPEC 5.6
        let starts_small = usize::from(established.hello_len) == HELLO_LENS[1];
        self.transport.open(now, &mut self.memory, Start { local, remote: limits, starts_small });
        self.transport.reset_counts();
        self.session = SessionSlot::Open(Session::new(now, established, epoch_bits));
        self.path = Path::new(remote, is_server, &established.exporter);
        self.close_state = CloseState::OPEN;
        // SPEC 2.4
        self.idle = Duration::from_secs(u64::from(local.idle_s.min(limits.idle_s)));
        self.burst_left = self.transport.burst();
        self.resume_at = None;
        self.is_exhausted = false;
        self.counters = Counters::NONE;
        self.on_authenticated(now);
        if !is_server {
            // SPEC 3: the server has no connection before it receives a sealed packet.
            self.transport.ping();
        }
    }

    /// [`Connection::open`] with `1 << epoch_bits` packet numbers per epoch on both sides, as
    /// `Session::new` takes it; for fuzzers, which cannot wait for 2^20 packets.
    #[cfg(feature = "internals")]
    pub fn open_with_short_epochs(
        &mut self,
        now: Instant,
        established: &HandshakeOutput,
        remote: SocketAddr,
        epoch_bits: u32,
    ) {
        self.open_with_epoch_bits(now, established, remote, epoch_bits);
    }

    /// For servers: derives the challenges of SPEC 4.4 from `key`, which must be fresh and secret.
    /// Without it they are derived from the exporter, so that the peer could predict them. Call it
    /// after [`Connection::open`].
    pub fn set_path_key(&mut self, key: [u8; 32]) {
        self.path.set_key(key);
    }

    /// Acknowledges packets that it drops as [`Dropped::BufferFull`], which violates SPEC 5.3, for
    /// tests that must detect it. Call it after [`Connection::open`].
    #[cfg(feature = "fault-injection")]
    pub fn acknowledge_unchecked(&mut self) {
        self.transport.acknowledge_unchecked();
    }

    /// Handles a Sealed datagram whose CRC and type were checked, in place.
    ///
    /// # Errors
    /// [`Dropped`]: the datagram was dropped and counted.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) -> Result<(), Dropped> {
        let datagram_len = datagram.len();
        let session = match self.close_state.phase() {
            Phase::Open | Phase::Closing => self.session.as_mut().ok_or(Dropped::NotOpen)?,
            Phase::Idle | Phase::Draining => return Err(Dropped::NotOpen),
        };
        let opened = session.open(datagram).map_err(|error| self.counters.count(error))?;
        // Authentic: state changes from here on.
        self.burst_left = self.transport.burst();
        if self.close_state.phase() == Phase::Closing {
            self.close_state.on_packet(now, opened.body);
            return Ok(());
        }
        self.on_authenticated(now);
        if opened.is_newest {
            self.path.on_newest(now, from, datagram_len);
        }
        let taken = match self.transport.handle_packet(now, &mut self.memory, opened.packet_number, opened.body) {
            Ok(taken) => taken,
            Err(Refused::NoRoom) => {
                self.counters.buffer_full += 1;
                return Err(Dropped::BufferFull);
            }
            Err(Refused::Close(code)) => {
                self.end(now, Closed::Locally(code), "");
                return Ok(());
            }
        };
        self.counters.received += 1;
        if let Some((number, session)) = taken.acknowledged.zip(self.session.as_mut()) {
            session.on_acknowledged(number);
            self.is_exhausted = false;
        }
        if let Some(data) = taken.challenge {
            self.path.on_challenge(from, data);
        }
        if let Some(is_other_host) = taken.response.and_then(|data| self.path.on_response(from, data)) {
            self.transport.on_moved(now, &mut self.memory, is_other_host);
        }
        if let Some(code) = taken.close {
            self.end(now, Closed::ByPeer(code), "");
        }
        Ok(())
    }

    /// Handles expired timers.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.burst_left = self.transport.burst();
        match self.close_state.phase() {
            Phase::Idle => {}
            Phase::Closing | Phase::Draining => {
                if self.close_state.is_over(now) {
                    self.wipe();
                }
            }
            Phase::Open if is_due(self.idle_at, now) => {
                // SPEC 5.8
                self.end(now, Closed::Idle, "");
                self.wipe();
            }
            Phase::Open => {
                if is_due(self.keep_alive_at, now) {
                    // The probe time-out repeats it until a packet arrives.
                    self.keep_alive_at = None;
                    self.transport.ping();
                }
                if is_due(self.resume_at, now) {
                    self.resume_at = None;
                }
                self.path.handle_timeout(now);
                if self.transport.handle_timeout(now, &mut self.memory) {
                    self.consecutive_ptos = self.consecutive_ptos.saturating_add(1);
                }
            }
        }
    }

    /// The next datagram to send, in `out` (at least 1200 bytes).
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        match self.close_state.phase() {
            Phase::Idle | Phase::Draining => return None,
            Phase::Closing => return self.transmit_close(now, out),
            Phase::Open if self.is_exhausted => return None,
            Phase::Open => {}
        }
        if let Some((to, frame)) = self.path.poll(now, self.transport.pto()) {
            return self.transmit_frame(now, out, to, &frame);
        }
        if self.burst_left == 0 {
            // SPEC 5.4
            if self.transport.has_packet(now) {
                self.resume_at.get_or_insert(now + BURST_PAUSE);
            }
            return None;
        }
        let body = body_mut(out)?;
        let outgoing = self.transport.poll_packet(now, &mut self.memory, body)?;
        let Some((number, len)) = self.seal(now, out, outgoing.len) else {
            self.transport.release_empty(&mut self.memory);
            return None;
        };
        self.transport.on_sent(now, &mut self.memory, &outgoing, number);
        self.burst_left -= 1;
        Some(Transmit { to: self.path.remote(), len })
    }

    /// The next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<ConnectionEvent> {
        if let Some(remote) = self.path.take_moved() {
            return Some(ConnectionEvent::Moved(remote));
        }
        for id in StreamId::ALL {
            if self.transport.take_readable(id) {
                return Some(ConnectionEvent::Readable(id));
            }
        }
        self.close_state.take_ended().map(ConnectionEvent::Closed)
    }

    /// When to call [`Connection::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.close_state.phase() {
            Phase::Idle => None,
            Phase::Closing | Phase::Draining => Some(self.close_state.until()),
            Phase::Open => {
                [self.idle_at, self.keep_alive_at, self.resume_at, self.path.deadline(), self.transport.poll_timeout()]
                    .into_iter()
                    .flatten()
                    .min()
            }
        }
    }

    /// Appends the concatenation of `parts` to a stream, all or nothing.
    ///
    /// # Errors
    /// [`SendBufferFull`]: ordinary; there may be room after the next datagram or time-out. Also
    /// returned when the connection is not open.
    pub fn send(&mut self, now: Instant, stream: StreamId, parts: &[&[u8]]) -> Result<(), SendBufferFull> {
        self.burst_left = self.transport.burst();
        let is_taken = self.is_open() && self.transport.write(now, &mut self.memory, stream, parts);
        if is_taken { Ok(()) } else { Err(SendBufferFull) }
    }

    /// Whether the peer takes data on a stream: its window was not 0 in the handshake (SPEC 2.4).
    #[must_use]
    pub fn is_taken(&self, stream: StreamId) -> bool {
        self.is_open() && self.transport.is_taken(stream)
    }

    /// Bytes free in the stream's send ring.
    #[must_use]
    pub fn send_space(&self, stream: StreamId) -> usize {
        if self.is_open() { self.transport.send_space(&self.memory, stream) } else { 0 }
    }

    /// Bytes in the send ring that the peer has not acknowledged. Zero once the connection has
    /// ended.
    #[must_use]
    pub fn unacknowledged(&self, stream: StreamId) -> usize {
        self.transport.unacknowledged(stream)
    }

    /// Bytes of the stream that the peer acknowledged in order, since it opened.
    #[must_use]
    pub fn acknowledged(&self, stream: StreamId) -> u64 {
        self.transport.acknowledged(stream)
    }

    /// Bytes of the stream that were consumed, since it opened.
    #[must_use]
    pub fn consumed(&self, stream: StreamId) -> u64 {
        self.transport.consumed(stream)
    }

    /// Bytes in the send ring that were never sent, because of the window, the peer's limit or the
    /// burst limit of this wake-up.
    #[must_use]
    pub fn unsent(&self, stream: StreamId) -> usize {
        self.transport.unsent(stream)
    }

    /// Bytes that can be read now.
    #[must_use]
    pub fn readable(&self, stream: StreamId) -> usize {
        self.transport.readable(stream)
    }

    /// Copies the next `out.len()` readable bytes, beginning `skip` bytes ahead, without consuming
    /// them. `false` if there are fewer.
    pub fn peek(&mut self, stream: StreamId, skip: usize, out: &mut [u8]) -> bool {
        self.transport.peek(&mut self.memory, stream, skip, out)
    }

    /// Consumes `len` readable bytes (at most all there are), which gives the peer credit to send
    /// more.
    pub fn consume(&mut self, stream: StreamId, len: usize) {
        self.burst_left = self.transport.burst();
        self.transport.consume(&mut self.memory, stream, len);
    }

    /// Consumes the next message of a stream, a u16 length and as many bytes (SPEC 6.1), and
    /// returns it in `out`, without its length. `None`: it is not complete yet.
    ///
    /// # Errors
    /// [`BufferFull`]: the message is longer than `out`. Nothing is consumed; close the connection,
    /// because the peer exceeded the limit stated to it.
    pub fn read_message<'a>(
        &mut self,
        stream: StreamId,
        out: &'a mut [u8],
    ) -> Result<Option<&'a mut [u8]>, BufferFull> {
        let mut len = [0; LENGTH_LEN];
        if !self.peek(stream, 0, &mut len) {
            return Ok(None);
        }
        let len = usize::from(u16::from_be_bytes(len));
        let message = out.get_mut(..len).ok_or(BufferFull)?;
        if !self.peek(stream, LENGTH_LEN, message) {
            return Ok(None);
        }
        self.consume(stream, LENGTH_LEN + len);
        Ok(Some(message))
    }

    /// Closes the connection; the next [`Connection::poll_transmit`] sends CLOSE. `reason` is cut
    /// to 64 bytes. Unacknowledged data may never arrive: to be sure that all of it arrives, first
    /// wait for [`Connection::unacknowledged`] to become 0.
    pub fn close(&mut self, now: Instant, code: CloseCode, reason: &str) {
        if self.is_open() {
            self.end(now, Closed::Locally(code), reason);
        }
    }

    /// Discards the connection without sending CLOSE and wipes the keys. Received data is discarded
    /// too.
    pub fn reset(&mut self) {
        self.transport.close(&mut self.memory);
        self.close_state = CloseState::NONE;
        self.wipe();
    }

    /// Whether the connection is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.close_state.phase() == Phase::Open
    }

    /// Whether the connection has nothing left to do, not even to answer with CLOSE: it can be
    /// dropped or opened again.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.close_state.phase() == Phase::Idle
    }

    /// Requests a packet that the peer has to acknowledge. Unless it does, the connection is silent
    /// after some probe time-outs.
    pub(crate) fn probe(&mut self) {
        self.burst_left = self.transport.burst();
        self.transport.ping();
    }

    /// The peer's address.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        (!self.is_finished()).then(|| self.path.remote())
    }

    /// Time since the last authentic packet was received.
    #[must_use]
    pub fn silence(&self, now: Instant) -> Duration {
        let left = self.idle_at.map_or(self.idle, |idle_at| idle_at.saturating_since(now));
        self.idle.saturating_sub(left)
    }

    /// Smoothed round-trip time; `None` before the first sample.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.transport.rtt()
    }

    /// Binds proofs to this connection (SPEC 6.2).
    #[must_use]
    pub fn exporter(&self) -> Option<&[u8; 32]> {
        self.session.as_ref().map(|session| session.exporter().expose())
    }

    /// Whether a Hint that echoes `packet_number` is plausible: that packet is in flight, and no
    /// authentic packet was received since it was sent (SPEC 4.5).
    pub(crate) fn is_hint_plausible(&self, packet_number: u64) -> bool {
        // Packets sent since then cannot have been acknowledged.
        self.is_open() && packet_number >= self.number_at_receive && self.transport.was_sent(packet_number)
    }

    /// Consecutive probe time-outs without an authentic packet (SPEC 4.5: three count as silence).
    pub(crate) fn consecutive_ptos(&self) -> u32 {
        self.consecutive_ptos
    }

    /// The counters since [`Connection::open`].
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { lost: self.transport.lost(), resent: self.transport.resent(), ..self.counters }
    }

    /// The buffers of this connection.
    #[must_use]
    pub fn memory(&self) -> &M {
        &self.memory
    }

    fn on_authenticated(&mut self, now: Instant) {
        self.idle_at = Some(now + self.idle);
        // SPEC 5.8
        self.keep_alive_at = (!self.path.is_server()).then(|| now + self.idle / 3);
        self.number_at_receive = self.transport.next_number();
        self.consecutive_ptos = 0;
    }

    fn transmit_close(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let body_len = self.close_state.poll(now, self.transport.pto(), &mut Writer::new(body_mut(out)?))?;
        let (_, len) = self.seal(now, out, body_len)?;
        Some(Transmit { to: self.path.remote(), len })
    }

    /// A packet of one frame, outside of what the transport keeps in flight.
    fn transmit_frame(&mut self, now: Instant, out: &mut [u8], to: SocketAddr, frame: &Frame<'_>) -> Option<Transmit> {
        frame.encode(&mut Writer::new(body_mut(out)?)).ok()?;
        let (number, len) = self.seal(now, out, frame.encoded_len())?;
        self.transport.on_other_sent(number);
        Some(Transmit { to, len })
    }

    fn seal(&mut self, now: Instant, out: &mut [u8], body_len: usize) -> Option<(u64, usize)> {
        match self.session.as_mut()?.seal(now, out, body_len) {
            Ok(sealed) => {
                self.counters.sent += 1;
                Some(sealed)
            }
            Err(error) => {
                self.is_exhausted = error == SealError::Exhausted;
                None
            }
        }
    }

    fn end(&mut self, now: Instant, ended: Closed, reason: &str) {
        self.close_state.begin(now, ended, reason, self.transport.pto());
        self.transport.stop(&mut self.memory);
    }

    /// Wipes the keys; nothing is left to do.
    fn wipe(&mut self) {
        self.session = SessionSlot::Empty;
        self.path.wipe();
        self.close_state.finish();
    }
}

/// The part of a datagram for the body, with the greatest length that fits.
fn body_mut(out: &mut [u8]) -> Option<&mut [u8]> {
    let len = out.len().checked_sub(OVERHEAD)?;
    out.get_mut(SEALED_HEADER_LEN..SEALED_HEADER_LEN + len)
}

fn is_due(at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| at <= now)
}
