//! Acknowledgement and loss of sent packets (RFC 9002 section 6; SPEC 5.4).

use super::buffers::BufferProvider;
use super::congestion::Congestion;
use super::ranges::RangeStorage;
use super::send::SendStream;
use super::sent_packets::SentPacket;
use super::{MaxData, Transport};
use crate::time::{Duration, Instant};
use crate::wire::frame::{Ack, StreamId};

/// A packet is lost when one sent this many packets later is acknowledged (RFC 9002, 6.1.1).
const PACKET_THRESHOLD: u32 = 3;
/// After this many consecutive probe time-outs the window falls to its minimum (instead of RFC
/// 9002, 7.6, which uses the same number).
const PERSISTENT_PTOS: u32 = 3;
/// Packets sent at a probe time-out.
pub(super) const PROBES: u8 = 2;

impl<C: Congestion, R: RangeStorage> Transport<C, R> {
    /// Handles an ACK of packet numbers that were all sent.
    pub(crate) fn on_ack(&mut self, now: Instant, memory: &mut impl BufferProvider, ack: &Ack<'_>) {
        let window = self.congestion.window();
        let is_limited = self.in_flight.bytes().saturating_add(2 * u64::from(self.size.current())) > window;
        let before = self.in_flight.bytes();
        let mut is_any = false;
        let mut sample = None;
        self.in_flight.remove_acked(memory.buffers().in_flight, ack, |packet| {
            is_any = true;
            self.size.on_acked(packet.size, packet.is_size_probe());
            if packet.packet_number == ack.largest {
                sample = Some(now.saturating_since(packet.sent_at));
            }
            self.largest_acked_index = match self.largest_acked_index {
                Some(largest) if !is_after(packet.send_index, largest) => Some(largest),
                _ => Some(packet.send_index),
            };
            self.received.on_ack_acknowledged(packet.acknowledged);
            self.congestion.on_acked(packet.sent_at, u64::from(packet.size), is_limited);
            for id in StreamId::ALL {
                let chunk = packet.chunk(id);
                if !chunk.is_empty() {
                    self.send[id.index()].on_acked(chunk);
                }
            }
        });
        self.largest_acked = self.largest_acked.max(Some(ack.largest));
        let sample = sample.map(|sample| self.rtt.sample(sample, Duration::from_micros(u64::from(ack.delay_us))));
        let bytes = self.in_flight.bytes();
        self.congestion.on_ack(now, sample, before.saturating_sub(bytes), bytes);
        if is_any {
            if self.pto_count >= PERSISTENT_PTOS {
                self.congestion.on_persistent_congestion();
            }
            self.pto_count = 0;
            self.probes = 0;
            self.arm_probe_timeout();
        }
        self.detect_losses(now, memory);
    }

    /// Removes packets that are lost by now and sets the timers.
    pub(crate) fn detect_losses(&mut self, now: Instant, memory: &mut impl BufferProvider) {
        let delay = self.rtt.loss_delay();
        let packets = memory.buffers().in_flight;
        let live = self.in_flight.live(packets);
        let largest_index = self.largest_acked_index;
        let is_lost = |packet: &SentPacket| {
            let by_count = largest_index
                .is_some_and(|largest| is_after(largest, packet.send_index.wrapping_add(PACKET_THRESHOLD - 1)));
            by_count || packet.sent_at + delay <= now
        };
        // Packets are in the order of sending, so lost ones come first.
        let before = |packet: &&SentPacket| self.largest_acked.is_some_and(|largest| packet.packet_number < largest);
        let count = live.iter().take_while(before).take_while(|packet| is_lost(packet)).count();
        self.loss_at = live.get(count).filter(before).map(|packet| packet.sent_at + delay);
        self.drop_oldest(now, packets, count);
        if count > 0 {
            self.arm_probe_timeout();
        }
    }

    fn arm_probe_timeout(&mut self) {
        self.pto_at = (self.in_flight.len() > 0).then(|| self.last_eliciting_at + self.rtt.pto(self.pto_count));
    }

    /// Declares the oldest `count` packets lost.
    fn drop_oldest(&mut self, now: Instant, packets: &mut [SentPacket], count: usize) {
        let mut last_sent_at = None;
        let mut bytes = 0_u64;
        for packet in self.in_flight.live(packets).iter().take(count) {
            self.lost += 1;
            // The loss of a size probe is no sign of congestion (RFC 8899).
            if !packet.is_size_probe() {
                last_sent_at = Some(packet.sent_at);
                bytes = bytes.saturating_add(u64::from(packet.size));
                self.size.on_lost(now, packet.packet_number, packet.size, self.sent.next());
            }
            send_again(packet, &mut self.send, &mut self.max_data);
        }
        self.in_flight.drop_oldest(packets, count);
        if let Some(sent_at) = last_sent_at {
            self.congestion.on_lost(now, sent_at, bytes);
        }
        self.congestion.on_datagram_size(u64::from(self.size.current()));
    }

    /// The probe time-out expired.
    pub(crate) fn on_probe_timeout(&mut self, now: Instant, memory: &mut impl BufferProvider) {
        self.pto_count = self.pto_count.saturating_add(1);
        self.probe(now, memory);
    }

    /// Sends the content of the oldest packets again, regardless of the window, in the entries kept
    /// for that.
    pub(crate) fn probe(&mut self, now: Instant, memory: &mut impl BufferProvider) {
        let packets = memory.buffers().in_flight;
        // If the table is full, including the entries for probes, the oldest packet makes room.
        let excess = (self.in_flight.len() + 1).saturating_sub(self.max_in_flight);
        self.drop_oldest(now, packets, excess);
        for packet in self.in_flight.live(packets).iter().take(usize::from(PROBES)) {
            send_again(packet, &mut self.send, &mut self.max_data);
        }
        self.probes = PROBES;
        self.wants_ping = true;
        self.pto_at = Some(now + self.rtt.pto(self.pto_count));
    }
}

/// Marks the content of `packet` to be sent again. Of MAX_DATA, only the latest counts.
fn send_again(packet: &SentPacket, send: &mut [SendStream<impl RangeStorage>; 2], max_data: &mut [MaxData; 2]) {
    for id in StreamId::ALL {
        send[id.index()].on_lost(packet.chunk(id));
        let max_data = &mut max_data[id.index()];
        max_data.is_wanted |= packet.has_max_data(id) && packet.send_index == max_data.send_index;
    }
}

/// Whether send_index `a` was given after `b`, across the wrap.
const fn is_after(a: u32, b: u32) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && ahead < 1 << 31
}
