//! A scripted peer without a transport: sends the frames that a test gives it, and returns the
//! packets that it receives.

use core::net::SocketAddr;
use core::ops::RangeInclusive;
use std::vec::Vec;

use super::link::{CLIENT, Pooled, SERVER, at, established, limits};
use crate::connection::{Closed, Connection, ConnectionEvent, Dropped};
use crate::crypto::Portable;
use crate::session::{Role, Session};
use crate::time::{Duration, Instant};
use crate::wire::frame::{Ack, CloseCode, Frame, Frames, StreamId};
use crate::wire::io::Writer;
use crate::wire::packet::TransportParameters;

/// A real connection in the tested role, and the session of its peer.
#[derive(Debug)]
pub(super) struct ScriptedPeer {
    pub(super) now: Instant,
    pub(super) connection: Connection<Pooled, Portable>,
    pub(super) session: Session<Portable>,
    /// Its address.
    pub(super) address: SocketAddr,
}

/// A packet that the connection sent.
#[derive(Debug)]
pub(super) struct ReceivedPacket {
    pub(super) to: SocketAddr,
    pub(super) number: u64,
    /// Length of the datagram.
    pub(super) len: usize,
    pub(super) body: Vec<u8>,
}

pub(super) const CHAT: StreamId = StreamId::Chat;

impl ReceivedPacket {
    pub(super) fn frames(&self) -> Vec<Frame<'_>> {
        Frames::new(&self.body).map(|frame| frame.expect("we send frames that decode")).collect()
    }

    pub(super) fn acked(&self) -> Option<Vec<RangeInclusive<u64>>> {
        self.frames().iter().find_map(|frame| match frame {
            Frame::Ack(ack) => Some(ack.ranges().collect()),
            _ => None,
        })
    }

    pub(super) fn max_data(&self) -> Option<u64> {
        self.frames().iter().find_map(|frame| match frame {
            Frame::MaxData { id: CHAT, offset } => Some(*offset),
            _ => None,
        })
    }

    /// Offset and length of the CHAT data.
    pub(super) fn chat(&self) -> Option<(u64, usize)> {
        self.frames().iter().find_map(|frame| match frame {
            Frame::Stream { id: CHAT, offset, data } => Some((*offset, data.len())),
            _ => None,
        })
    }

    pub(super) fn is_ack_eliciting(&self) -> bool {
        self.frames().iter().any(Frame::is_ack_eliciting)
    }
}

/// The body made of `frames`.
pub(super) fn body(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut buffer = [0; 1200];
    let mut writer = Writer::new(&mut buffer);
    frames.iter().for_each(|frame| frame.encode(&mut writer).unwrap());
    writer.written().to_vec()
}

pub(super) fn stream(offset: u64, data: &[u8]) -> Frame<'_> {
    Frame::Stream { id: CHAT, offset, data }
}

/// A body that acknowledges `ranges`, highest first.
pub(super) fn ack(ranges: &[RangeInclusive<u64>]) -> Vec<u8> {
    let mut buffer = [0; 300];
    let mut writer = Writer::new(&mut buffer);
    Ack::encode_ranges(&mut writer, 0, ranges.iter().cloned()).unwrap();
    writer.written().to_vec()
}

impl ScriptedPeer {
    /// Creates the peer of a connection in `role` with its buffers in `memory`.
    pub(super) fn new(role: Role, memory: Pooled) -> Self {
        Self::with(role, memory, |_| {}, |_| {}, 20)
    }

    /// [`ScriptedPeer::new`] with changed limits of the connection and of the peer.
    pub(super) fn with(
        role: Role,
        memory: Pooled,
        own: impl Fn(&mut TransportParameters),
        puppets: impl Fn(&mut TransportParameters),
        epoch_bits: u32,
    ) -> Self {
        let (mut here, mut there) = (limits(&memory), limits(&Pooled::large()));
        own(&mut here);
        puppets(&mut there);
        let now = at(5_000);
        let mut connection = Connection::new(memory);
        let (ours, theirs, address) = match role {
            Role::Client => {
                let [client, server] = established(here, there);
                (client, server, SERVER)
            }
            Role::Server => {
                let [client, server] = established(there, here);
                (server, client, CLIENT)
            }
        };
        connection.open_with_epoch_bits(now, &ours, address, epoch_bits);
        Self { now, connection, session: Session::new(now, &theirs, epoch_bits), address }
    }

    /// A datagram with this body.
    pub(super) fn sealed(&mut self, body: &[u8]) -> Vec<u8> {
        let mut datagram = std::vec![0; body.len() + 33];
        datagram[13..13 + body.len()].copy_from_slice(body);
        self.session.seal(self.now, &mut datagram, body.len()).unwrap();
        datagram
    }

    /// Sends a body.
    pub(super) fn send(&mut self, body: &[u8]) -> Result<(), Dropped> {
        let mut datagram = self.sealed(body);
        self.connection.handle_datagram(self.now, self.address, &mut datagram)
    }

    /// Returns the packets that the connection sends now.
    pub(super) fn receive(&mut self) -> Vec<ReceivedPacket> {
        let (mut received, mut out) = (Vec::new(), [0; 1200]);
        while let Some(transmit) = self.connection.poll_transmit(self.now, &mut out) {
            let opened = self.session.open(&mut out[..transmit.len]).expect("sealed for us");
            let (number, body) = (opened.packet_number, opened.body.to_vec());
            let packet = ReceivedPacket { to: transmit.to, number, len: transmit.len, body };
            if let Some(ranges) = packet.acked() {
                self.session.on_acknowledged(*ranges[0].end());
            }
            received.push(packet);
        }
        received
    }

    /// Advances the clock by `span`, handles timers, and returns the packets sent meanwhile.
    pub(super) fn wait(&mut self, span: Duration) -> Vec<ReceivedPacket> {
        let until = self.now + span;
        let mut received = self.receive();
        while let Some(next) = self.connection.poll_timeout().filter(|&next| next <= until) {
            self.now = self.now.max(next);
            self.connection.handle_timeout(self.now);
            received.extend(self.receive());
        }
        self.now = until;
        received
    }

    pub(super) fn events(&mut self) -> Vec<ConnectionEvent> {
        core::iter::from_fn(|| self.connection.poll_event()).collect()
    }

    /// Asserts that the connection closed with `code` on this side and sends CLOSE.
    #[track_caller]
    pub(super) fn expect_closed(&mut self, code: CloseCode) {
        let events = self.events();
        assert_eq!(events.last(), Some(&ConnectionEvent::Closed(Closed::Locally(code))), "{events:?}");
        let received = self.receive();
        let closes = received
            .iter()
            .flat_map(ReceivedPacket::frames)
            .any(|frame| matches!(frame, Frame::Close { code: sent, .. } if sent == code));
        assert!(closes, "{received:?}");
    }
}
