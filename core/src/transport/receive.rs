//! Received packets: all frames of a packet are accepted, or none (SPEC 5.3).

use super::Transport;
use super::assembler::{StreamError, len_u64};
use super::buffers::{Buffer, BufferProvider};
use super::congestion::Congestion;
use super::ranges::{RangeStorage, Span};
use crate::time::Instant;
use crate::wire::frame::{CloseCode, Frame, FrameError, Frames, StreamId};

/// Why a packet was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its data does not fit now.
    NoRoom,
    /// It breaks a rule.
    Close(CloseCode),
}

/// Content of a packet that is not for the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ControlFrames {
    /// The largest packet number that it acknowledges.
    pub(crate) acknowledged: Option<u64>,
    /// The data of a PATH_CHALLENGE.
    pub(crate) challenge: Option<[u8; 8]>,
    /// The data of a PATH_RESPONSE.
    pub(crate) response: Option<[u8; 8]>,
    /// The peer ends the connection.
    pub(crate) close: Option<CloseCode>,
}

impl<C: Congestion, R: RangeStorage> Transport<C, R> {
    /// Handles the frames of an authentic packet.
    pub(crate) fn handle_packet(
        &mut self,
        now: Instant,
        memory: &mut impl BufferProvider,
        number: u64,
        body: &[u8],
    ) -> Result<ControlFrames, Refused> {
        let checked = self.check(now, memory, body);
        #[cfg(feature = "fault-injection")]
        if checked.is_err() && self.acknowledges_unchecked {
            core::hint::black_box("kabar-core: fault-injection is compiled in");
            self.received.on_packet(now, number, true, self.ack_delay);
        }
        checked?;
        let mut control = ControlFrames::default();
        let mut is_ack_eliciting = false;
        for frame in Frames::new(body).flatten() {
            is_ack_eliciting |= frame.is_ack_eliciting();
            match frame {
                Frame::Ping => {}
                Frame::Ack(ack) => {
                    self.on_ack(now, memory, &ack);
                    control.acknowledged = control.acknowledged.max(Some(ack.largest));
                }
                Frame::Stream { id, offset, data } => {
                    let stream = &mut self.receive[id.index()];
                    let before = stream.readable();
                    stream.take(memory.buffers().receive(id), offset, data);
                    self.has_new_data[id.index()] |= stream.readable() > before;
                }
                Frame::MaxData { id, offset } => self.send[id.index()].on_max_data(offset),
                Frame::PathChallenge(data) => control.challenge = Some(data),
                Frame::PathResponse(data) => control.response = Some(data),
                Frame::Close { code, .. } => control.close = Some(code),
            }
        }
        self.received.on_packet(now, number, is_ack_eliciting, self.ack_delay);
        self.release_empty(memory);
        Ok(control)
    }

    /// Checks that every frame can be accepted, and acquires the buffers for it. A protocol
    /// violation takes precedence over a lack of room.
    fn check(&mut self, now: Instant, memory: &mut impl BufferProvider, body: &[u8]) -> Result<(), Refused> {
        let mut tentative = [None; 2];
        let mut needs_ring = [false; 2];
        let mut has_room = true;
        for frame in Frames::new(body) {
            match frame {
                // SPEC 5.1
                Err(FrameError::Malformed(_)) => return Err(Refused::Close(CloseCode::FRAME)),
                // SPEC 5.2
                Err(FrameError::UnknownStream) => return Err(Refused::Close(CloseCode::PROTOCOL)),
                // SPEC 5.3
                Ok(Frame::Ack(ack)) if !ack.ranges().all(|range| self.sent.contains(&range)) => {
                    return Err(Refused::Close(CloseCode::PROTOCOL));
                }
                Ok(Frame::Stream { id, offset, data }) => {
                    let span = Span::new(offset, offset.saturating_add(len_u64(data)));
                    let stream = &self.receive[id.index()];
                    let tentative = tentative[id.index()].get_or_insert_with(|| stream.tentative());
                    needs_ring[id.index()] |= !stream.covers(span);
                    match stream.check(tentative, span) {
                        Ok(()) => {}
                        // SPEC 5.2
                        Err(StreamError::FlowControl) => return Err(Refused::Close(CloseCode::FLOW_CONTROL)),
                        Err(StreamError::NoRoom) => has_room = false,
                    }
                }
                Ok(_) => {}
            }
        }
        for id in StreamId::ALL {
            has_room = has_room && (!needs_ring[id.index()] || self.acquire(now, memory, Buffer::receive(id)));
        }
        if has_room {
            return Ok(());
        }
        self.release_empty(memory);
        Err(Refused::NoRoom)
    }
}
