//! Packets in flight and their content, so that lost data can be sent again.

use super::ranges::Span;
use crate::slices::move_within;
use crate::time::Instant;
use crate::wire::frame::{Ack, StreamId};

/// One packet in flight.
#[derive(Clone, Copy, Debug)]
pub struct SentPacket {
    pub(crate) packet_number: u64,
    pub(crate) sent_at: Instant,
    /// The largest number that it acknowledged; 0: none.
    pub(crate) acknowledged: u64,
    starts: [u64; 2],
    /// Count of ack-eliciting packets sent before it, wrapping. Loss is counted in packets, not in
    /// packet numbers (SPEC 5.4).
    pub(crate) send_index: u32,
    lens: [u16; 2],
    /// Of the whole datagram in bytes.
    pub(crate) size: u16,
    flags: u8,
}

const SIZE_PROBE: u8 = 1;
/// For CHAT; shifted by one for BULK.
const MAX_DATA: u8 = 2;

/// A server keeps many of them.
const _: () = assert!(size_of::<SentPacket>() <= 64);

impl SentPacket {
    /// An unused entry, all zero.
    pub const EMPTY: Self = Self {
        packet_number: 0,
        sent_at: Instant::ZERO,
        acknowledged: 0,
        starts: [0; 2],
        send_index: 0,
        lens: [0; 2],
        size: 0,
        flags: 0,
    };

    /// The stream data it carried; may be empty.
    #[inline]
    pub(crate) fn chunk(&self, id: StreamId) -> Span {
        let (start, len) = (self.starts[id.index()], self.lens[id.index()]);
        Span::new(start, start.saturating_add(u64::from(len)))
    }

    #[inline]
    pub(crate) fn set_chunk(&mut self, id: StreamId, chunk: Span) {
        self.starts[id.index()] = chunk.start;
        // Chunks are cut to what a frame's length field holds.
        self.lens[id.index()] = u16::try_from(chunk.len()).unwrap_or(u16::MAX);
    }

    pub(crate) const fn has_max_data(&self, id: StreamId) -> bool {
        self.flags & (MAX_DATA << id.index()) != 0
    }

    pub(crate) const fn set_max_data(&mut self, id: StreamId) {
        self.flags |= MAX_DATA << id.index();
    }

    /// Whether it only probes a datagram size (SPEC 5.6).
    pub(crate) const fn is_size_probe(&self) -> bool {
        self.flags & SIZE_PROBE != 0
    }

    pub(crate) const fn set_size_probe(&mut self) {
        self.flags |= SIZE_PROBE;
    }

    /// Whether it has no frame that must arrive, PING aside.
    pub(crate) const fn is_bare(&self) -> bool {
        self.lens[0] == 0 && self.lens[1] == 0 && self.flags == 0
    }
}

/// State of the table of packets in flight. Its entries, in the order of sending, are in
/// [`Buffer::InFlight`](super::Buffer::InFlight), from `head` on. A table may be exchanged for a
/// longer one that has the same entries.
#[derive(Debug)]
pub(crate) struct SentPackets {
    head: usize,
    len: usize,
    bytes: u64,
}

impl SentPackets {
    pub(crate) const EMPTY: Self = Self { head: 0, len: 0, bytes: 0 };

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes in flight.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The packets in flight, oldest first.
    #[inline]
    pub(crate) fn live<'a>(&self, packets: &'a [SentPacket]) -> &'a [SentPacket] {
        packets.get(self.head..).and_then(|packets| packets.get(..self.len)).unwrap_or(&[])
    }

    /// Adds the newest. `false` if the table is full.
    #[inline]
    pub(crate) fn push(&mut self, packets: &mut [SentPacket], packet: SentPacket) -> bool {
        if self.head + self.len == packets.len() && self.head > 0 {
            let end = packets.len();
            move_within(packets, self.head..end, 0);
            self.head = 0;
        }
        let Some(free) = packets.get_mut(self.head + self.len) else { return false };
        *free = packet;
        self.len += 1;
        self.bytes += u64::from(packet.size);
        true
    }

    /// Removes the packets that `ack` acknowledges, newest first.
    pub(crate) fn remove_acked(
        &mut self,
        packets: &mut [SentPacket],
        ack: &Ack<'_>,
        mut each: impl FnMut(&SentPacket),
    ) {
        let Some(live) = packets.get_mut(self.head..).and_then(|packets| packets.get_mut(..self.len)) else { return };
        // Those that are newer stay where they are; the others that stay move towards them.
        let until = live.partition_point(|packet| packet.packet_number <= ack.largest);
        let mut ranges = ack.ranges();
        let mut range = ranges.next();
        let mut first = until;
        for at in (0..until).rev() {
            let Some(&packet) = live.get(at) else { break };
            while range.as_ref().is_some_and(|range| *range.start() > packet.packet_number) {
                range = ranges.next();
            }
            if range.as_ref().is_some_and(|range| range.contains(&packet.packet_number)) {
                self.bytes -= u64::from(packet.size);
                each(&packet);
                continue;
            }
            first -= 1;
            if first == at && range.is_none() {
                // Nothing was removed, and nothing older will be.
                first = 0;
                break;
            }
            if let Some(entry) = live.get_mut(first) {
                *entry = packet;
            }
        }
        self.drop_first(first);
    }

    /// Removes the oldest `count`.
    pub(crate) fn drop_oldest(&mut self, packets: &[SentPacket], count: usize) {
        let live = self.live(packets);
        let count = count.min(live.len());
        self.bytes -= live.iter().take(count).map(|packet| u64::from(packet.size)).sum::<u64>();
        self.drop_first(count);
    }

    fn drop_first(&mut self, count: usize) {
        self.len -= count;
        // Without entries, the table may be exchanged for any other.
        self.head = if self.len == 0 { 0 } else { self.head + count };
    }
}

#[cfg(test)]
mod tests;
