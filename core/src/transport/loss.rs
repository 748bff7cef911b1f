//! What became of the packets we sent (RFC 9002 section 6; SPEC 5.4).

use super::congestion::Congestion;
use super::in_flight::SentPacket;
use super::memory::BufferProvider;
use super::send::SendStream;
use super::{MaxData, Transport};
use crate::time::{Duration, Instant};
use crate::wire::frame::{Ack, StreamId};

/// A packet is lost when one sent so many packets later is acknowledged (RFC 9002, 6.1.1).
const PACKET_THRESHOLD: u32 = 3;
/// After so many probe time-outs in a row the window is the smallest (in the place of RFC 9002, 7.6, which has the same number).
const PERSISTENT_PTOS: u32 = 3;
/// Packets that leave at a probe time-out.
pub(super) const PROBES: u8 = 2;

impl Transport {
    /// Takes an ACK whose numbers were all sent.
    pub(crate) fn on_ack(&mut self, now: Instant, memory: &mut impl BufferProvider, ack: &Ack<'_>) {
        let window = self.congestion.window();
        let is_limited = self.table.bytes().saturating_add(2 * u64::from(self.size.current())) > window;
        let mut is_any = false;
        let mut sample = None;
        self.table.take_acked(memory.buffers().in_flight, ack, |slot| {
            is_any = true;
            self.size.on_acked(slot.size, slot.is_size_probe());
            if slot.packet_number == ack.largest {
                sample = Some(now.saturating_since(slot.sent_at));
            }
            self.largest_acked_index = match self.largest_acked_index {
                Some(largest) if !is_after(slot.send_index, largest) => Some(largest),
                _ => Some(slot.send_index),
            };
            self.received.on_ack_acknowledged(slot.acknowledged);
            self.congestion.on_acked(slot.sent_at, u64::from(slot.size), is_limited);
            for id in StreamId::ALL {
                let chunk = slot.chunk(id);
                if !chunk.is_empty() && self.send[id.index()].on_acked(chunk) {
                    self.has_new_space[id.index()] |= core::mem::take(&mut self.is_blocked[id.index()]);
                }
            }
        });
        self.largest_acked = self.largest_acked.max(Some(ack.largest));
        if let Some(sample) = sample {
            self.rtt.sample(sample, Duration::from_micros(u64::from(ack.delay_us)));
        }
        if is_any {
            if self.pto_count >= PERSISTENT_PTOS {
                self.congestion.on_persistent();
            }
            self.pto_count = 0;
            self.probes = 0;
            self.arm_probe_timeout();
        }
        self.detect_losses(now, memory);
    }

    /// Takes out what is lost by now and sets the timers.
    pub(crate) fn detect_losses(&mut self, now: Instant, memory: &mut impl BufferProvider) {
        let delay = self.rtt.loss_delay();
        let slots = memory.buffers().in_flight;
        let live = self.table.live(slots);
        let largest_index = self.largest_acked_index;
        let is_lost = |slot: &SentPacket| {
            let by_count = largest_index
                .is_some_and(|largest| is_after(largest, slot.send_index.wrapping_add(PACKET_THRESHOLD - 1)));
            by_count || slot.sent_at + delay <= now
        };
        // Slots are in the order of sending, so what is lost comes first.
        let before = |slot: &&SentPacket| self.largest_acked.is_some_and(|largest| slot.packet_number < largest);
        let count = live.iter().take_while(before).take_while(|slot| is_lost(slot)).count();
        self.loss_at = live.get(count).filter(before).map(|slot| slot.sent_at + delay);
        self.drop_oldest(now, slots, count);
        if count > 0 {
            self.arm_probe_timeout();
        }
    }

    fn arm_probe_timeout(&mut self) {
        self.pto_at = (self.table.len() > 0).then(|| self.last_eliciting_at + self.rtt.pto(self.pto_count));
    }

    /// Takes the oldest `count` packets for lost.
    fn drop_oldest(&mut self, now: Instant, slots: &mut [SentPacket], count: usize) {
        let mut last_sent_at = None;
        for slot in self.table.live(slots).iter().take(count) {
            self.lost += 1;
            // A probe for a size is expected to be lost (RFC 8899): no sign of congestion.
            if !slot.is_size_probe() {
                last_sent_at = Some(slot.sent_at);
                self.size.on_lost(now, slot.packet_number, slot.size, self.sent.next());
            }
            send_again(slot, &mut self.send, &mut self.max_data);
        }
        self.table.drop_oldest(slots, count);
        if let Some(sent_at) = last_sent_at {
            self.congestion.on_lost(now, sent_at);
        }
        self.congestion.on_datagram_size(u64::from(self.size.current()));
    }

    /// The probe time-out expired.
    pub(crate) fn on_probe_timeout(&mut self, now: Instant, memory: &mut impl BufferProvider) {
        self.pto_count = self.pto_count.saturating_add(1);
        self.probe(now, memory);
    }

    /// Sends the oldest packets' content again, outside the window and in the slots kept for that.
    pub(crate) fn probe(&mut self, now: Instant, memory: &mut impl BufferProvider) {
        let slots = memory.buffers().in_flight;
        // With every slot taken, even those for probes, the oldest packet makes room.
        let excess = (self.table.len() + 1).saturating_sub(self.max_in_flight);
        self.drop_oldest(now, slots, excess);
        for slot in self.table.live(slots).iter().take(usize::from(PROBES)) {
            send_again(slot, &mut self.send, &mut self.max_data);
        }
        self.probes = PROBES;
        self.wants_ping = true;
        self.pto_at = Some(now + self.rtt.pto(self.pto_count));
    }
}

/// What `slot` carried is to be sent again. Of MAX_DATA only the newest counts.
fn send_again(slot: &SentPacket, send: &mut [SendStream; 2], max_data: &mut [MaxData; 2]) {
    for id in StreamId::ALL {
        send[id.index()].on_lost(slot.chunk(id));
        let max_data = &mut max_data[id.index()];
        max_data.is_wanted |= slot.has_max_data(id) && slot.send_index == max_data.send_index;
    }
}

/// Whether send_index `a` was given after `b`, across the wrap.
const fn is_after(a: u32, b: u32) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && ahead < 1 << 31
}
