//! A packet goes out, in two steps: [`Transport::poll_packet`] says what it would be and changes nothing; when it was sealed,
//! [`Transport::on_sent`] makes it so.

use super::congestion::Congestion;
use super::in_flight::SentPacket;
use super::loss::PROBES;
use super::memory::{Buffer, BufferProvider};
use super::size::SMALL;
use super::{MaxData, OVERHEAD, PROBE_SLOTS, Transport, ring};
use crate::time::Instant;
use crate::wire::frame::{Frame, PATH_LEN, STREAM_HEADER_LEN, StreamId};
use crate::wire::io::Writer;

/// A body is at least as long as a PATH_CHALLENGE, so that the other side may answer with one wherever it comes from (SPEC 4.4).
const MIN_BODY: usize = PATH_LEN;
/// Packets in a row that the peer does not acknowledge, before one asks it to: an epoch is left only after one of its packets was
/// acknowledged (SPEC 4.2), and a side that only reads would never have one.
const MAX_ACKS_ONLY_RUN: u8 = 31;
/// Less room than that in a packet which carries something else already is left to padding or nothing: crumbs would fill the peer's gap
/// table.
const MIN_STREAM_CHUNK: usize = 64;

/// A packet that could be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    /// Bytes of the body.
    pub(crate) len: usize,
    has_ack: bool,
    is_ack_eliciting: bool,
    slot: SentPacket,
}

impl Transport {
    /// The body of the next packet, in `out`.
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
            // A buffer that cannot hold it: nothing to try.
            self.size.on_probe_sent();
        }
        // SPEC 5.6: the first is padded, and acknowledged, so that it proves the path.
        let is_first = self.sent.next() == 0;
        let is_ack_due = self.received.is_due();
        let asks = is_ack_due && (is_first || self.acks_only_run >= MAX_ACKS_ONLY_RUN);
        let is_ack_eliciting =
            (self.wants_to_elicit() || asks) && self.may_elicit() && self.acquire(now, memory, Buffer::InFlight);
        if !is_ack_eliciting && !is_ack_due {
            return None;
        }
        // SPEC 5.6: where only small packets pass, what is probed for and what is acknowledged do.
        let is_doubtful = self.received.is_waiting() && !self.size.is_proved() && !is_first;
        let size = if self.probes == PROBES || is_doubtful { SMALL } else { self.size.current() };
        let room = usize::from(size).saturating_sub(OVERHEAD);
        let room = room.min(out.len());
        let mut writer = Writer::new(out.get_mut(..room)?);
        let has_ack = self.received.is_waiting() && self.received.encode(now, &mut writer).is_ok();
        let mut slot = SentPacket::EMPTY;
        if is_ack_eliciting {
            self.put_frames(memory, &mut writer, &mut slot);
            if slot.is_bare() {
                Frame::Ping.encode(&mut writer).ok()?;
            }
        }
        let least = if is_first { room } else { MIN_BODY };
        writer.zeros(least.saturating_sub(writer.len())).ok()?;
        Some(Outgoing { len: writer.len(), has_ack, is_ack_eliciting: is_ack_eliciting, slot })
    }

    /// MAX_DATA of both streams, then as much of CHAT as fits, then of BULK.
    fn put_frames(&self, memory: &mut impl BufferProvider, writer: &mut Writer<'_>, slot: &mut SentPacket) {
        for id in StreamId::ALL.into_iter().filter(|&id| self.is_credit_due(id)) {
            let offset = self.receive[id.index()].credit();
            if (Frame::MaxData { id, offset }).encode(writer).is_ok() {
                slot.set_max_data(id);
            }
        }
        let mut parts = memory.buffers();
        for id in StreamId::ALL {
            let room = writer.remaining().saturating_sub(STREAM_HEADER_LEN);
            if room < MIN_STREAM_CHUNK && !slot.is_bare() {
                continue;
            }
            let Some(chunk) = self.send[id.index()].next_chunk(room) else { continue };
            let Ok(len) = usize::try_from(chunk.len()) else { continue };
            let data = ring::pieces(parts.send(id), chunk.start, len);
            if Frame::encode_stream(writer, id, chunk.start, data).is_ok() {
                slot.set_chunk(id, chunk);
            }
        }
    }

    /// A padded PING of the full datagram size.
    fn size_probe(&self, out: &mut [u8]) -> Option<Outgoing> {
        let len = usize::from(self.size.full()).saturating_sub(OVERHEAD);
        let mut writer = Writer::new(out.get_mut(..len)?);
        Frame::Ping.encode(&mut writer).ok()?;
        writer.zeros(writer.remaining()).ok()?;
        let mut slot = SentPacket::EMPTY;
        slot.set_size_probe();
        Some(Outgoing { len, has_ack: false, is_ack_eliciting: true, slot })
    }

    /// `outgoing`, the last one built, left under `number`.
    pub(crate) fn on_sent(&mut self, now: Instant, memory: &mut impl BufferProvider, outgoing: &Outgoing, number: u64) {
        self.sent.record(number);
        if outgoing.has_ack {
            self.received.on_sent();
        }
        if !outgoing.is_ack_eliciting {
            self.acks_only_run = self.acks_only_run.saturating_add(1);
            return;
        }
        let mut slot = outgoing.slot;
        slot.packet_number = number;
        slot.sent_at = now;
        slot.send_index = self.send_index;
        slot.acknowledged = if outgoing.has_ack { self.received.largest() } else { 0 };
        // A datagram is at most 1200 bytes.
        slot.size = u16::try_from(outgoing.len + OVERHEAD).unwrap_or(u16::MAX);
        let pushed = self.table.push(memory.buffers().in_flight, slot);
        debug_assert!(pushed);
        let mut is_repeat = false;
        for id in StreamId::ALL {
            let chunk = slot.chunk(id);
            if !chunk.is_empty() {
                is_repeat |= self.send[id.index()].is_repeat(chunk);
                self.send[id.index()].on_sent(chunk);
            }
            if slot.has_max_data(id) {
                let credit = self.receive[id.index()].credit();
                self.receive[id.index()].on_credit_sent(credit);
                self.max_data[id.index()] = MaxData { send_index: slot.send_index, is_wanted: false };
            }
        }
        if slot.is_size_probe() {
            self.size.on_probe_sent();
        } else {
            self.probes = self.probes.saturating_sub(1);
            self.wants_ping = false;
        }
        self.resent += u64::from(is_repeat);
        self.send_index = self.send_index.wrapping_add(1);
        self.acks_only_run = 0;
        self.last_eliciting_at = now;
        // Not pushed out by what is sent meanwhile: a steady sender must notice a silent peer too.
        self.pto_at.get_or_insert(now + self.rtt.pto(self.pto_count));
    }

    /// Whether [`Transport::poll_packet`] has something, memory permitting.
    pub(crate) fn has_packet(&self) -> bool {
        self.received.is_due() || ((self.wants_to_elicit() || self.wants_size_probe()) && self.may_elicit())
    }

    fn is_credit_due(&self, id: StreamId) -> bool {
        self.max_data[id.index()].is_wanted || self.receive[id.index()].is_credit_due()
    }

    /// Not in the place of what leaves at a probe time-out.
    fn wants_size_probe(&self) -> bool {
        self.size.wants_probe() && self.probes == 0
    }

    fn wants_to_elicit(&self) -> bool {
        self.wants_ping || StreamId::ALL.iter().any(|&id| self.is_credit_due(id) || self.send[id.index()].has_data())
    }

    /// Whether window and table allow one more packet in flight.
    fn may_elicit(&self) -> bool {
        if self.probes > 0 {
            return self.table.len() < self.max_in_flight;
        }
        // SPEC 5.4: the last slots are for probes.
        let ordinary = self.max_in_flight.saturating_sub(PROBE_SLOTS).max(self.max_in_flight.min(1));
        let bytes = self.table.bytes().saturating_add(u64::from(self.size.current()));
        self.table.len() < ordinary && (self.table.len() == 0 || bytes <= self.congestion.window())
    }
}
