//! A client for hostile tests: it seals any frames, valid or not, and acknowledges everything. It
//! never retransmits.

use kabar_core::chat::message::{client_proof, join_statement};
use kabar_core::chat::{Authentication, ClientMessage, Join, MAX_MESSAGE_LEN, ServerMessage, Start};
use kabar_core::connection::StreamId;
use kabar_core::crypto::identity::Identity;
use kabar_core::internals::frame::{ACK_HEADER_LEN, Frame, Frames, STREAM_HEADER_LEN};
use kabar_core::internals::packet::SEALED_HEADER_LEN;
use kabar_core::internals::{ClientHandshake, HandshakeEvent, RetrySchedule, Session};
use kabar_core::internals::{EPOCH_BITS, OVERHEAD};
use kabar_core::session::HandshakeOutput;
use kabar_core::session::TransportParameters;
use kabar_core::time::Instant;
use kabar_std::provider::Accelerated;

use crate::sim::keys::SimKey;

/// Longest datagram (SPEC 2.1).
const DATAGRAM_LEN: usize = 1200;
/// Bytes of frames that fit into a datagram.
pub const BODY_LEN: usize = DATAGRAM_LEN - OVERHEAD;
/// Bytes of messages that fit into a datagram.
pub const MESSAGES_LEN: usize = BODY_LEN - STREAM_HEADER_LEN;
/// Steps of a handshake between two packets, plus one.
const STEPS: usize = 4;
/// Every body is padded to this length (SPEC 4.4).
const MIN_BODY_LEN: usize = 9;

/// A client during its handshake and on its connection.
pub struct Raw {
    handshake: ClientHandshake<SimKey>,
    connection: Option<Connection>,
    identity: Identity,
    secret: [u8; 16],
    room: &'static str,
}

struct Connection {
    session: Session<Accelerated>,
    /// Offset of the next byte to send.
    offset: u64,
    /// The largest packet number that was received and not acknowledged.
    largest: Option<u64>,
    /// Offset up to which the server accepts bytes.
    limit: u64,
    /// The largest packet number that was received.
    largest_received: u64,
    instance: u64,
    number: u64,
}

impl Raw {
    /// Starts a handshake; all its random values, and its identity, come from `seed`.
    #[must_use]
    pub fn new(now: Instant, seed: &[u8; 32], secret: [u8; 16], room: &'static str) -> Self {
        let parameters = TransportParameters {
            datagram: DATAGRAM_LEN as u16,
            packets: 64,
            message: MAX_MESSAGE_LEN as u16,
            chat: 1 << 30,
            bulk: 0,
            ack_delay_ms: 5,
            tick_us: 1_000,
            idle_s: 600,
        };
        let mut handshake = ClientHandshake::new();
        handshake.start(now, *seed, None, parameters, RetrySchedule::Initial);
        Self { handshake, connection: None, identity: Identity::from_seed(seed), secret, room }
    }

    /// The next packet of the handshake.
    pub fn handshake_packet(&mut self, now: Instant) -> Option<Vec<u8>> {
        let mut out = [0; DATAGRAM_LEN];
        self.handshake.poll_transmit::<Accelerated>(now, &mut out).map(|len| out[..len].to_vec())
    }

    /// Handles a datagram from the server.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &mut [u8]) {
        if let Some(connection) = &mut self.connection {
            connection.handle_datagram(datagram);
            return;
        }
        let _ = self.handshake.handle_datagram::<Accelerated>(now, datagram);
        self.handle_timeout(now);
    }

    /// Performs the steps of the handshake that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for _ in 0..STEPS {
            while let Some(event) = self.handshake.poll_event() {
                match event {
                    HandshakeEvent::UnknownServerKey(_) => self.handshake.accept_key(now),
                    HandshakeEvent::Established(established) => {
                        self.connection = Some(Connection::new(now, &established));
                    }
                }
            }
            self.handshake.handle_timeout(now);
        }
    }

    /// Whether the handshake is complete.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// The instance of the Welcome; 0 before it.
    #[must_use]
    pub fn instance(&self) -> u64 {
        self.connection.as_ref().map_or(0, |connection| connection.instance)
    }

    /// Number of bytes that the server accepts now.
    #[must_use]
    pub fn credit(&self) -> u64 {
        self.connection.as_ref().map_or(0, |connection| connection.limit - connection.offset)
    }

    /// The number of its next post.
    pub fn next_number(&mut self) -> u64 {
        let Some(connection) = &mut self.connection else { return 0 };
        connection.number += 1;
        connection.number
    }

    /// A Join with the room's secret.
    #[must_use]
    pub fn join(&self, name: &str, max_entry_len: u16) -> Vec<u8> {
        let Some(connection) = &self.connection else { return Vec::new() };
        let (exporter, identity) = (connection.session.exporter().expose(), self.identity.public());
        let mut statement = [0; 160];
        let len = join_statement(exporter, &identity, self.room, &mut statement).unwrap_or_default();
        message(&ClientMessage::Join(Join {
            room: self.room,
            name,
            identity,
            signature: self.identity.sign(&statement[..len]),
            authentication: Authentication::Secret(client_proof(&self.secret, exporter)),
            instance: connection.instance,
            start: Start::Head,
            max_entry_len,
            is_default_name: false,
        }))
    }

    /// A packet with these frames.
    pub fn packet(&mut self, now: Instant, frames: &[u8]) -> Vec<u8> {
        let Some(connection) = &mut self.connection else { return Vec::new() };
        connection.packet(now, frames)
    }

    /// A packet with the next bytes of the stream.
    pub fn stream_packet(&mut self, now: Instant, bytes: &[u8]) -> Vec<u8> {
        let frames = self.stream_frames(bytes, bytes.len());
        self.packet(now, &frames)
    }

    /// The next bytes of the stream as frames of `step` bytes.
    pub fn stream_frames(&mut self, bytes: &[u8], step: usize) -> Vec<u8> {
        let Some(connection) = &mut self.connection else { return Vec::new() };
        let mut frames = Vec::new();
        for data in bytes.chunks(step.max(1)) {
            push_stream(&mut frames, connection.offset, data);
            connection.offset += data.len() as u64;
        }
        frames
    }

    /// Frames of one byte, each after a gap.
    #[must_use]
    pub fn frames_with_gaps(&self, count: u64) -> Vec<u8> {
        let mut frames = Vec::new();
        let offset = self.connection.as_ref().map_or(0, |connection| connection.offset);
        (1..=count).for_each(|at| push_stream(&mut frames, offset + 2 * at, &[0]));
        frames
    }

    /// As many ACK frames of 32 ranges as fit, for packets that the server has sent.
    #[must_use]
    pub fn acks_of_many_ranges(&self, ranges: u8) -> Vec<u8> {
        let largest = self.connection.as_ref().map_or(0, |connection| connection.largest_received);
        let ranges = ranges.min((largest / 2) as u8);
        let mut frame = ack_frame(largest, 0, ranges);
        (0..ranges).for_each(|_| frame.extend([0, 0, 0, 1, 0, 0, 0, 1]));
        frame.repeat(BODY_LEN / frame.len())
    }

    /// Acknowledges everything received since the last call.
    pub fn acknowledge(&mut self, now: Instant) -> Option<Vec<u8>> {
        let connection = self.connection.as_mut()?;
        let largest = connection.largest.take()?;
        let frame = ack_frame(largest, u32::try_from(largest).unwrap_or(u32::MAX), 0);
        Some(connection.packet(now, &frame))
    }
}

impl core::fmt::Debug for Raw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Raw").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

impl Connection {
    fn new(now: Instant, established: &HandshakeOutput) -> Self {
        let session = Session::new(now, established, EPOCH_BITS);
        Self {
            session,
            offset: 0,
            largest: None,
            limit: established.remote.chat.into(),
            largest_received: 0,
            instance: 0,
            number: 0,
        }
    }

    fn packet(&mut self, now: Instant, frames: &[u8]) -> Vec<u8> {
        let len = frames.len().clamp(MIN_BODY_LEN, BODY_LEN);
        let mut datagram = vec![0; len + OVERHEAD];
        let body = frames.get(..len).unwrap_or(frames);
        datagram[SEALED_HEADER_LEN..SEALED_HEADER_LEN + body.len()].copy_from_slice(body);
        let _ = self.session.seal(now, &mut datagram, len);
        datagram
    }

    fn handle_datagram(&mut self, datagram: &mut [u8]) {
        let Ok(opened) = self.session.open(datagram) else { return };
        self.largest = self.largest.max(Some(opened.packet_number));
        self.largest_received = self.largest_received.max(opened.packet_number);
        for frame in Frames::new(opened.body).flatten() {
            match frame {
                // Welcome is the first message to a member.
                Frame::Stream { id: StreamId::Chat, offset: 0, data } => {
                    if let Some(Ok(Some(ServerMessage::Welcome(welcome)))) = data.get(2..).map(ServerMessage::decode) {
                        self.instance = welcome.instance;
                    }
                }
                Frame::MaxData { id: StreamId::Chat, offset } => self.limit = self.limit.max(offset),
                _ => {}
            }
        }
    }
}

/// A message as it is sent on the stream.
#[must_use]
pub fn message(message: &ClientMessage<'_>) -> Vec<u8> {
    let mut bytes = vec![0; 2 * MAX_MESSAGE_LEN];
    let len = message.encode(&mut bytes).unwrap_or_default();
    bytes.truncate(len);
    bytes
}

fn push_stream(frames: &mut Vec<u8>, offset: u64, data: &[u8]) {
    frames.extend([0x03, 0]);
    frames.extend(offset.to_be_bytes());
    frames.extend((data.len() as u16).to_be_bytes());
    frames.extend(data);
}

fn ack_frame(largest: u64, first: u32, ranges: u8) -> Vec<u8> {
    let mut frame = Vec::with_capacity(ACK_HEADER_LEN);
    frame.push(0x02);
    frame.extend(largest.to_be_bytes());
    frame.extend(0_u32.to_be_bytes());
    frame.extend(first.to_be_bytes());
    frame.push(ranges);
    frame
}
