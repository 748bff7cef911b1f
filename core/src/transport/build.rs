//! Packets to send, in two steps: [`Transport::poll_packet`] encodes the next packet and changes no
//! state; [`Transport::on_sent`] records that it was sealed and sent.

use super::buffers::{Buffer, BufferProvider};
use super::congestion::Congestion;
use super::loss::PROBES;
use super::path_mtu::SMALL;
use super::ranges::RangeStorage;
use super::sent_packets::SentPacket;
use super::{MaxData, OVERHEAD, PROBE_SLOTS, Transport, ring};
use crate::time::Instant;
use crate::wire::frame::{Frame, PATH_LEN, STREAM_HEADER_LEN, StreamId};
use crate::wire::io::Writer;

/// A body is at least as long as a PATH_CHALLENGE, so that the peer may answer with one from any
/// address (SPEC 4.4).
const MIN_BODY: usize = PATH_LEN;
/// Consecutive packets that elicit no acknowledgement, before one is made ack-eliciting: an epoch
/// ends only after one of its packets was acknowledged (SPEC 4.2), and a receive-only side would
/// never get an acknowledgement.
const MAX_ACKS_ONLY_RUN: u8 = 31;
/// Shortest stream chunk added to a packet that carries something else already: many tiny chunks
/// would fill the peer's table of gaps.
const MIN_STREAM_CHUNK: usize = 64;

/// A packet that is ready to be sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    /// Bytes of the body.
    pub(crate) len: usize,
    has_ack: bool,
    is_ack_eliciting: bool,
    packet: SentPacket,
}

impl<C: Congestion, R: RangeStorage> Transport<C, R> {
    /// Writes the body of the next packet to `out`.
    pub(crate) fn poll_packet(
        &mut self,
        now: Instant,
        memory: &mut impl BufferProvider,
        out: &mut [u8],
    ) -> Option<Outgoing> {
        if self.wants_size_probe() && self.may_elicit() && self.acquire(now, memory, Buffer::InFlight) {
            if let Some(probe) = self.size_probe(out) {
                return Some(probe);
            }
            // `out` cannot hold a probe: skip it.
            self.size.on_probe_sent();
        }
        // SPEC 5.6: the first packet is padded and elicits an acknowledgement, which proves the
        // path.
        let is_first = self.sent.next() == 0;
        let is_ack_due = self.received.is_due();
        let requests_ack = is_ack_due && (is_first || self.acks_only_run >= MAX_ACKS_ONLY_RUN);
        let with_bulk = self.may_send_bulk() && self.congestion.is_released(now);
        let is_ack_eliciting = (self.wants_to_elicit(with_bulk) || requests_ack)
            && self.may_elicit()
            && self.acquire(now, memory, Buffer::InFlight);
        if !is_ack_eliciting && self.may_elicit() && !StreamId::ALL.iter().any(|id| self.send[id.index()].has_data()) {
            self.congestion.on_unfilled();
        }
        if !is_ack_eliciting && !is_ack_due {
            return None;
        }
        // SPEC 5.6: on a path that carries only small packets, probes and acknowledgements still
        // pass.
        let is_doubtful = self.received.is_waiting() && !self.size.is_proved() && !is_first;
        let size = if self.probes == PROBES || is_doubtful { SMALL } else { self.size.current() };
        let room = usize::from(size).saturating_sub(OVERHEAD);
        let room = room.min(out.len());
        let mut writer = Writer::new(out.get_mut(..room)?);
        let has_ack = self.received.is_waiting() && self.received.encode(now, &mut writer).is_ok();
        let mut packet = SentPacket::EMPTY;
        if is_ack_eliciting {
            self.put_frames(memory, &mut writer, &mut packet, with_bulk);
            if packet.is_bare() {
                Frame::Ping.encode(&mut writer).ok()?;
            }
        }
        let least = if is_first { room } else { MIN_BODY };
        writer.zeros(least.saturating_sub(writer.len())).ok()?;
        Some(Outgoing { len: writer.len(), has_ack, is_ack_eliciting, packet })
    }

    /// Writes MAX_DATA of both streams, then as much of CHAT as fits, or else of BULK. A packet is
    /// accepted or refused as a whole, so both in one would hold CHAT up as long as the peer has no
    /// memory for BULK (SPEC 5.3).
    fn put_frames(
        &self,
        memory: &mut impl BufferProvider,
        writer: &mut Writer<'_>,
        packet: &mut SentPacket,
        with_bulk: bool,
    ) {
        for id in StreamId::ALL.into_iter().filter(|&id| self.is_credit_due(id)) {
            let offset = self.receive[id.index()].credit();
            if (Frame::MaxData { id, offset }).encode(writer).is_ok() {
                packet.set_max_data(id);
            }
        }
        let mut buffers = memory.buffers();
        for id in StreamId::ALL {
            if id == StreamId::Bulk && !with_bulk {
                continue;
            }
            let room = writer.remaining().saturating_sub(STREAM_HEADER_LEN);
            if room < MIN_STREAM_CHUNK && !packet.is_bare() {
                continue;
            }
            let Some(chunk) = self.send[id.index()].next_chunk(room) else { continue };
            let Ok(len) = usize::try_from(chunk.len()) else { continue };
            let data = ring::pieces(buffers.send(id), chunk.start, len);
            if Frame::encode_stream(writer, id, chunk.start, data).is_ok() {
                packet.set_chunk(id, chunk);
                break;
            }
        }
    }

    /// A PING padded to the full datagram size.
    fn size_probe(&self, out: &mut [u8]) -> Option<Outgoing> {
        let len = usize::from(self.size.full()).saturating_sub(OVERHEAD);
        let mut writer = Writer::new(out.get_mut(..len)?);
        Frame::Ping.encode(&mut writer).ok()?;
        writer.zeros(writer.remaining()).ok()?;
        let mut packet = SentPacket::EMPTY;
        packet.set_size_probe();
        Some(Outgoing { len, has_ack: false, is_ack_eliciting: true, packet })
    }

    /// Records that `outgoing`, the latest packet built, was sent as `number`.
    pub(crate) fn on_sent(&mut self, now: Instant, memory: &mut impl BufferProvider, outgoing: &Outgoing, number: u64) {
        self.sent.record(number);
        if outgoing.has_ack {
            self.received.on_sent();
        }
        if !outgoing.is_ack_eliciting {
            self.acks_only_run = self.acks_only_run.saturating_add(1);
            return;
        }
        let mut packet = outgoing.packet;
        packet.packet_number = number;
        packet.sent_at = now;
        packet.send_index = self.send_index;
        packet.acknowledged = if outgoing.has_ack { self.received.largest() } else { 0 };
        // A datagram is at most 1200 bytes.
        packet.size = u16::try_from(outgoing.len + OVERHEAD).unwrap_or(u16::MAX);
        self.congestion.on_sent(now, u64::from(packet.size), self.in_flight.bytes());
        let pushed = self.in_flight.push(memory.buffers().in_flight, packet);
        debug_assert!(pushed);
        let mut is_retransmission = false;
        for id in StreamId::ALL {
            let chunk = packet.chunk(id);
            if !chunk.is_empty() {
                is_retransmission |= self.send[id.index()].is_retransmission(chunk);
                self.send[id.index()].on_sent(chunk);
            }
            if packet.has_max_data(id) {
                let credit = self.receive[id.index()].credit();
                self.receive[id.index()].on_credit_sent(credit);
                self.max_data[id.index()] = MaxData { send_index: packet.send_index, is_wanted: false };
            }
        }
        if packet.is_size_probe() {
            self.size.on_probe_sent();
        } else {
            self.probes = self.probes.saturating_sub(1);
            self.wants_ping = false;
        }
        self.resent += u64::from(is_retransmission);
        self.send_index = self.send_index.wrapping_add(1);
        self.acks_only_run = 0;
        self.last_eliciting_at = now;
        // Later sends do not restart it: a steady sender must notice a silent peer too.
        self.pto_at.get_or_insert(now + self.rtt.pto(self.pto_count));
    }

    /// Whether [`Transport::poll_packet`] has a packet, if its buffers can be acquired.
    pub(crate) fn has_packet(&mut self, now: Instant) -> bool {
        let with_bulk = self.may_send_bulk() && self.congestion.is_released(now);
        self.received.is_due() || ((self.wants_to_elicit(with_bulk) || self.wants_size_probe()) && self.may_elicit())
    }

    fn is_credit_due(&self, id: StreamId) -> bool {
        self.max_data[id.index()].is_wanted || self.receive[id.index()].is_credit_due()
    }

    /// A size probe must not take the place of a packet that a probe time-out sends.
    fn wants_size_probe(&self) -> bool {
        self.size.wants_probe() && self.probes == 0
    }

    fn wants_to_elicit(&self, with_bulk: bool) -> bool {
        let has_data = |id: StreamId| (id == StreamId::Chat || with_bulk) && self.send[id.index()].has_data();
        self.wants_ping || StreamId::ALL.iter().any(|&id| self.is_credit_due(id) || has_data(id))
    }

    /// Whether window and table allow one more packet in flight.
    fn may_elicit(&self) -> bool {
        self.has_room_besides(0)
    }

    /// Whether they allow one more packet of BULK, and there is something to send.
    fn may_send_bulk(&self) -> bool {
        self.send[StreamId::Bulk.index()].has_data() && self.has_room_besides(C::CHAT_DATAGRAMS)
    }

    /// Whether they allow one more packet besides `kept` others.
    #[inline]
    fn has_room_besides(&self, kept: u8) -> bool {
        if self.probes > 0 {
            return self.in_flight.len() < self.max_in_flight;
        }
        // SPEC 5.4: the last entries are for probes.
        let ordinary = self.max_in_flight.saturating_sub(PROBE_SLOTS).max(self.max_in_flight.min(1));
        // At least one is for BULK, however few packets the peer takes.
        let kept_entries = usize::from(kept).min(ordinary.saturating_sub(1));
        let entries = self.in_flight.len().saturating_add(kept_entries);
        let datagram = u64::from(self.size.current());
        let bytes = self.in_flight.bytes().saturating_add(datagram);
        // What is kept is for CHAT, in the table and beyond the window.
        let beyond = datagram * u64::from(C::CHAT_DATAGRAMS.saturating_sub(kept));
        entries < ordinary && (self.in_flight.len() == 0 || bytes <= self.congestion.window().saturating_add(beyond))
    }
}
