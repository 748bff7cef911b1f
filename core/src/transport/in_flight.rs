//! The packets in flight: what they carried, so that what is lost can be sent again.

use super::ranges::Span;
use crate::time::Instant;
use crate::wire::frame::{Ack, StreamId};

/// One packet in flight.
#[derive(Clone, Copy, Debug)]
pub struct SentPacket {
    pub(crate) packet_number: u64,
    pub(crate) sent_at: Instant,
    /// The largest number that it acknowledged; 0 when none.
    pub(crate) acknowledged: u64,
    starts: [u64; 2],
    /// Ack-eliciting packets sent before it, wrapping: distance in packets sent, not in numbers (SPEC 5.4).
    pub(crate) send_index: u32,
    lens: [u16; 2],
    /// Of the whole datagram in bytes.
    pub(crate) size: u16,
    flags: u8,
}

const ACKED: u8 = 1;
const SIZE_PROBE: u8 = 2;
/// For CHAT; shifted by one for BULK.
const MAX_DATA: u8 = 4;

/// A server holds many.
const _: () = assert!(size_of::<SentPacket>() <= 64);

impl SentPacket {
    /// Free. All zero.
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

    /// Whether it only tries a datagram size (SPEC 5.6).
    pub(crate) const fn is_size_probe(&self) -> bool {
        self.flags & SIZE_PROBE != 0
    }

    pub(crate) const fn set_size_probe(&mut self) {
        self.flags |= SIZE_PROBE;
    }

    /// Whether it has a frame that must arrive, PING aside.
    pub(crate) const fn is_bare(&self) -> bool {
        self.lens[0] == 0 && self.lens[1] == 0 && self.flags == 0
    }
}

/// The table's state beside its slots, which are in the order of sending.
#[derive(Debug)]
pub(crate) struct SentPackets {
    len: usize,
    bytes: u64,
}

impl SentPackets {
    pub(crate) const EMPTY: Self = Self { len: 0, bytes: 0 };

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Bytes in flight.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The slots in use, oldest first.
    #[inline]
    pub(crate) fn live<'a>(&self, slots: &'a [SentPacket]) -> &'a [SentPacket] {
        slots.get(..self.len).unwrap_or(&[])
    }

    /// Adds the newest. `false` if there is no slot left.
    #[inline]
    pub(crate) fn push(&mut self, slots: &mut [SentPacket], slot: SentPacket) -> bool {
        let Some(free) = slots.get_mut(self.len) else { return false };
        *free = slot;
        self.len += 1;
        self.bytes += u64::from(slot.size);
        true
    }

    /// Takes out what `ack` acknowledges, oldest first.
    pub(crate) fn take_acked(&mut self, slots: &mut [SentPacket], ack: &Ack<'_>, mut each: impl FnMut(&SentPacket)) {
        let Some(live) = slots.get_mut(..self.len) else { return };
        let mut ranges = ack.ranges();
        let mut range = ranges.next();
        let mut oldest = None;
        for (at, slot) in live.iter_mut().enumerate().rev() {
            while range.as_ref().is_some_and(|range| *range.start() > slot.packet_number) {
                range = ranges.next();
            }
            let Some(range) = &range else { break };
            if range.contains(&slot.packet_number) {
                slot.flags |= ACKED;
                oldest = Some(at);
            }
        }
        let Some(oldest) = oldest else { return };
        let mut kept = oldest;
        for at in oldest..live.len() {
            let slot = live[at];
            if slot.flags & ACKED == 0 {
                live[kept] = slot;
                kept += 1;
            } else {
                self.bytes -= u64::from(slot.size);
                each(&SentPacket { flags: slot.flags & !ACKED, ..slot });
            }
        }
        self.len = kept;
    }

    /// Takes out the oldest `count`.
    pub(crate) fn drop_oldest(&mut self, slots: &mut [SentPacket], count: usize) {
        let Some(live) = slots.get_mut(..self.len) else { return };
        let count = count.min(live.len());
        self.bytes -= live.iter().take(count).map(|slot| u64::from(slot.size)).sum::<u64>();
        live.copy_within(count.., 0);
        self.len -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{Frame, Frames};
    use crate::wire::io::Writer;
    use std::vec::Vec;

    fn table(numbers: &[u64]) -> (SentPackets, [SentPacket; 8]) {
        let (mut table, mut slots) = (SentPackets::EMPTY, [SentPacket::EMPTY; 8]);
        for &packet_number in numbers {
            assert!(table.push(&mut slots, SentPacket { packet_number, size: 100, ..SentPacket::EMPTY }));
        }
        (table, slots)
    }

    fn numbers(table: &SentPackets, slots: &[SentPacket]) -> Vec<u64> {
        table.live(slots).iter().map(|slot| slot.packet_number).collect()
    }

    fn take(table: &mut SentPackets, slots: &mut [SentPacket], ranges: &[core::ops::RangeInclusive<u64>]) -> Vec<u64> {
        let mut buffer = [0; 300];
        let mut writer = Writer::new(&mut buffer);
        Ack::encode_ranges(&mut writer, 0, ranges.iter().cloned()).unwrap();
        let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
        let mut taken = Vec::new();
        table.take_acked(slots, &ack, |slot| taken.push(slot.packet_number));
        taken
    }

    #[test]
    fn takes_out_exactly_what_is_acknowledged_oldest_first() {
        let (mut table, mut slots) = table(&[3, 5, 6, 9, 12]);
        assert_eq!(take(&mut table, &mut slots, &[9..=20, 5..=7, 1..=2]), [5, 6, 9, 12]);
        assert_eq!(numbers(&table, &slots), [3]);
        assert_eq!(table.bytes(), 100);
        assert_eq!(take(&mut table, &mut slots, &[9..=20]), []);
        assert_eq!(take(&mut table, &mut slots, &[0..=20]), [3]);
        assert_eq!((table.len(), table.bytes()), (0, 0));
    }

    #[test]
    fn refuses_more_than_there_are_slots() {
        let (mut table, mut slots) = table(&[0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(!table.push(&mut slots, SentPacket { size: 1, ..SentPacket::EMPTY }));
        assert!(!table.push(&mut [], SentPacket::EMPTY));
        assert_eq!(table.bytes(), 800);
    }

    #[test]
    fn drops_the_oldest() {
        let (mut table, mut slots) = table(&[3, 5, 6]);
        table.drop_oldest(&mut slots, 2);
        assert_eq!(numbers(&table, &slots), [6]);
        table.drop_oldest(&mut slots, 2);
        assert_eq!((table.len(), table.bytes()), (0, 0));
    }

    #[test]
    fn a_slot_remembers_what_its_packet_carried() {
        let mut slot = SentPacket::EMPTY;
        assert!(slot.is_bare());
        slot.set_chunk(StreamId::Bulk, Span::new(7, 9));
        slot.set_max_data(StreamId::Chat);
        assert_eq!(slot.chunk(StreamId::Bulk), Span::new(7, 9));
        assert!(slot.chunk(StreamId::Chat).is_empty());
        assert!(slot.has_max_data(StreamId::Chat) && !slot.has_max_data(StreamId::Bulk));
        assert!(!slot.is_bare() && !slot.is_size_probe());
    }
}
