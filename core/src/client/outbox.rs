//! Keeps posts in memory until they are settled (SPEC 6.5), in the order in which they were posted
//! and independent of connections.
//!
//! ```text
//! bytes:  free | record | record | ... | record of next | ... | last record | free
//!        start ----^                next_offset ----^                   end --^
//! ```
//! A record is the body's length (u16), the kind, the room's slot with two flags, and the body.
//! Records never wrap: when the free bytes at the end do not suffice, all records move to the
//! front, so that each body is one slice.
//!
//! The posts of a room are settled in the order of their numbers. A record that is settled at the
//! front is free at once. One in the middle, after a record of another room, is overwritten with
//! zeros at once and its place is free when the records move.
//!
//! Half of the bytes is divided equally between the rooms, and each room may always use its share
//! ([`Outbox::SHARE`]). The other half is for whoever comes first. A room that never settles
//! anything, because the server refuses its Join again and again, therefore blocks no other one.
//! One room alone has all bytes.
//!
//! Numbers here are the caller's: 1, 2, 3, ... per room, over all instances. Numbers on the wire
//! are relative to `base`, the last number that was settled when the current instance was assigned.

use super::room::RoomSlot;
use crate::chat::EntryKind;
use crate::slices::move_within;

/// Bytes of a record without the body.
pub const RECORD_OVERHEAD: usize = 4;

/// Flags of a record. The slot of its room is in the bits above them.
const REFUSED: u8 = 1;
/// Settled, but not at the front.
const SETTLED: u8 = 2;
const SLOT_SHIFT: u32 = 2;

/// There is no room now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// A post that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PendingPost<'a> {
    pub(super) number: u64,
    /// The number in the current instance.
    pub(super) instance_number: u64,
    pub(super) kind: EntryKind,
    pub(super) body: &'a [u8],
}

pub(super) struct Outbox<const N: usize, const ROOMS: usize> {
    bytes: [u8; N],
    start: usize,
    end: usize,
    rooms: [Numbers; ROOMS],
}

/// The state of the posts of one room.
#[derive(Clone, Copy)]
struct Numbers {
    /// Every number up to this one is settled.
    settled: u64,
    /// The last number assigned.
    last: u64,
    /// Every number up to this one was written to the stream, on this connection and since the
    /// last refusal.
    sent: u64,
    base: u64,
    /// Offset of a record, at or before that of `sent + 1`, and after that of `sent`.
    next_offset: usize,
    /// Bytes that the last post refused with [`Full`] needs.
    wanted: usize,
    /// Records that are refused but not settled, because an earlier one is not.
    refused: u32,
    /// Bytes of its records that are not settled. Not counted if there is only one room.
    held: u32,
}

impl Numbers {
    const fn new() -> Self {
        Self { settled: 0, last: 0, sent: 0, base: 0, next_offset: 0, wanted: 0, refused: 0, held: 0 }
    }
}

impl<const N: usize, const ROOMS: usize> Outbox<N, ROOMS> {
    /// Bytes that a room may use whatever the other rooms do.
    const SHARE: usize = if ROOMS == 1 { N } else { N / 2 / ROOMS };
    /// Bytes that any room may use.
    const COMMON: usize = N - Self::SHARE * ROOMS;
    /// Longest body that a room can post.
    pub(super) const LONGEST: usize = (Self::SHARE + Self::COMMON).saturating_sub(RECORD_OVERHEAD);

    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], start: 0, end: 0, rooms: [Numbers::new(); ROOMS] }
    }

    /// Removes all posts; the next one of each room is number 1.
    pub(super) fn clear(&mut self) {
        self.bytes.fill(0);
        (self.start, self.end) = (0, 0);
        self.rooms = [Numbers::new(); ROOMS];
    }

    /// Removes the posts of a room; its next one is number 1.
    pub(super) fn clear_room(&mut self, slot: RoomSlot) {
        while self.pop(slot) {}
        *self.numbers_mut(slot) = Numbers { next_offset: self.end, ..Numbers::new() };
    }

    const fn numbers(&self, slot: RoomSlot) -> &Numbers {
        &self.rooms[slot.within::<ROOMS>()]
    }

    const fn numbers_mut(&mut self, slot: RoomSlot) -> &mut Numbers {
        &mut self.rooms[slot.within::<ROOMS>()]
    }

    /// Posts that are neither stored nor refused.
    pub(super) fn unsettled(&self, slot: RoomSlot) -> u64 {
        let Numbers { last, settled, refused, .. } = *self.numbers(slot);
        last.saturating_sub(settled).saturating_sub(refused.into())
    }

    /// The number on the wire up to which every post is settled.
    pub(super) const fn settled_in_instance(&self, slot: RoomSlot) -> u64 {
        let numbers = self.numbers(slot);
        numbers.settled.saturating_sub(numbers.base)
    }

    /// Converts a number on the wire, in the current instance, to the caller's. `None`: never
    /// posted.
    pub(super) const fn local(&self, slot: RoomSlot, number: u64) -> Option<u64> {
        self.local_in(slot, false, number)
    }

    /// As [`Outbox::local`], in the current instance or in a new one, as [`Outbox::renumber`]
    /// begins it.
    pub(super) const fn local_in(&self, slot: RoomSlot, is_new: bool, number: u64) -> Option<u64> {
        let numbers = self.numbers(slot);
        let base = if is_new { numbers.settled } else { numbers.base };
        match base.checked_add(number) {
            Some(local) if local <= numbers.last => Some(local),
            _ => None,
        }
    }

    /// Whether the caller has made a post with this number.
    pub(super) const fn is_posted(&self, slot: RoomSlot, number: u64) -> bool {
        number <= self.numbers(slot).last
    }

    /// Continues an instance whose posts up to the number `settled` are settled. Returns whether
    /// that is possible: nothing was posted yet.
    pub(super) const fn resume(&mut self, slot: RoomSlot, settled: u64) -> bool {
        let numbers = self.numbers_mut(slot);
        let is_new = numbers.last == 0;
        if is_new {
            (numbers.settled, numbers.last, numbers.sent) = (settled, settled, settled);
        }
        is_new
    }

    /// A continued instance has posts up to `number`, which is above those that were posted here:
    /// the next post is the one after it.
    pub(super) const fn skip_to(&mut self, slot: RoomSlot, number: u64) {
        let numbers = self.numbers_mut(slot);
        (numbers.settled, numbers.last, numbers.sent) = (number, number, number);
    }

    /// A new instance was assigned: the lowest unsettled post is number 1 in it.
    pub(super) const fn renumber(&mut self, slot: RoomSlot) {
        let numbers = self.numbers_mut(slot);
        numbers.base = numbers.settled;
    }

    pub(super) fn push(&mut self, slot: RoomSlot, kind: EntryKind, body: &[u8]) -> Result<u64, Full> {
        let len = RECORD_OVERHEAD.saturating_add(body.len());
        let (Ok(body_len), true) = (u16::try_from(body.len()), self.admits(slot, len)) else {
            self.numbers_mut(slot).wanted = len;
            return Err(Full);
        };
        if len > N.saturating_sub(self.end) {
            self.compact();
        }
        let room = self.bytes.get_mut(self.end..).and_then(|free| free.get_mut(..len));
        let Some((head, tail)) = room.and_then(|room| room.split_first_chunk_mut::<RECORD_OVERHEAD>()) else {
            return Err(Full);
        };
        let [high, low] = body_len.to_be_bytes();
        let flags = if ROOMS == 1 { 0 } else { slot.to_bits() << SLOT_SHIFT };
        *head = [high, low, kind.0, flags];
        tail.copy_from_slice(body);
        self.end = self.end.saturating_add(len);
        let numbers = self.numbers_mut(slot);
        numbers.last = numbers.last.saturating_add(1);
        numbers.wanted = 0;
        if ROOMS > 1 {
            numbers.held = numbers.held.saturating_add(length(len));
        }
        Ok(numbers.last)
    }

    /// Whether the room may add a record of `len` bytes now.
    fn admits(&self, slot: RoomSlot, len: usize) -> bool {
        if ROOMS == 1 {
            return len <= N.saturating_sub(self.end.saturating_sub(self.start));
        }
        let (share, common) = (length(Self::SHARE), length(Self::COMMON));
        let held = self.numbers(slot).held.saturating_add(length(len));
        let others = RoomSlot::all::<ROOMS>().filter(|&other| other != slot);
        let beyond =
            others.fold(0, |sum: u32, other| sum.saturating_add(self.numbers(other).held.saturating_sub(share)));
        held <= share || held.saturating_sub(share).saturating_add(beyond) <= common
    }

    /// Whether there is room again for the post refused with [`Full`]; returns `true` once.
    pub(super) fn take_space(&mut self, slot: RoomSlot) -> bool {
        let wanted = self.numbers(slot).wanted;
        let has_space = wanted > 0 && self.admits(slot, wanted);
        if has_space {
            self.numbers_mut(slot).wanted = 0;
        }
        has_space
    }

    /// The next post to be written to the stream. `None`: all are written, or those after a
    /// refused one have to wait until it is settled, because the server ignores them until then
    /// (SPEC 6.5).
    pub(super) fn next(&mut self, slot: RoomSlot) -> Option<PendingPost<'_>> {
        if ROOMS > 1 {
            let found = self.find_from(slot, self.numbers(slot).next_offset);
            self.numbers_mut(slot).next_offset = found.map_or(self.end, |(at, _)| at);
        }
        let Numbers { sent, base, next_offset, .. } = *self.numbers(slot);
        let record = self.record(next_offset).filter(|record| !record.is_refused)?;
        let number = sent.saturating_add(1);
        let instance_number = number.saturating_sub(base);
        Some(PendingPost { number, instance_number, kind: record.kind, body: record.body })
    }

    /// Of the rooms that are wanted and have a post to be written, the one whose post is oldest.
    pub(super) fn next_room(&mut self, is_wanted: impl Fn(RoomSlot) -> bool) -> Option<RoomSlot> {
        if ROOMS == 1 {
            return Some(RoomSlot::FIRST).filter(|&slot| is_wanted(slot));
        }
        let ready = RoomSlot::all::<ROOMS>().filter(|&slot| is_wanted(slot));
        let offsets =
            ready.filter_map(|slot| self.next(slot).is_some().then_some((self.numbers(slot).next_offset, slot)));
        offsets.min().map(|(_, slot)| slot)
    }

    /// The post that [`Outbox::next`] returned was written.
    pub(super) fn advance(&mut self, slot: RoomSlot) {
        if let Some(end) = self.record(self.numbers(slot).next_offset).map(|record| record.end) {
            let numbers = self.numbers_mut(slot);
            numbers.next_offset = end;
            numbers.sent = numbers.sent.saturating_add(1);
        }
    }

    /// Starts over with the lowest unsettled post (SPEC 6.5), for a new connection.
    pub(super) const fn rewind(&mut self, slot: RoomSlot) {
        let start = self.start;
        let numbers = self.numbers_mut(slot);
        numbers.next_offset = start;
        numbers.sent = numbers.settled;
    }

    /// Every number up to `number` that was not refused is stored. Returns whether that is new.
    pub(super) fn settle(&mut self, slot: RoomSlot, number: u64) -> bool {
        let is_news = number > self.numbers(slot).settled;
        while self.numbers(slot).settled < number && self.pop(slot) {}
        self.settle_refused(slot);
        is_news
    }

    /// `number` is refused permanently: it is never sent again, and later posts are sent again
    /// once it is settled. Returns whether that is new.
    pub(super) fn refuse(&mut self, slot: RoomSlot, number: u64) -> bool {
        let Some((at, record)) = self.find(slot, number) else { return false };
        if record.is_refused {
            return false;
        }
        self.set_flag(at, REFUSED);
        let numbers = self.numbers_mut(slot);
        numbers.refused = numbers.refused.saturating_add(1);
        if numbers.sent >= number {
            (numbers.sent, numbers.next_offset) = (number.saturating_sub(1), at);
        }
        self.settle_refused(slot);
        true
    }

    /// Refused posts are settled as soon as all posts before them are.
    fn settle_refused(&mut self, slot: RoomSlot) {
        while self.find_from(slot, self.start).is_some_and(|(_, record)| record.is_refused) && self.pop(slot) {}
    }

    /// Removes the first record of a room: it is settled.
    fn pop(&mut self, slot: RoomSlot) -> bool {
        let found = self.find_from(slot, self.start).map(|(at, record)| (at, record.end, record.is_refused));
        let Some((at, end, is_refused)) = found else { return false };
        // Posts do not stay in memory once they are settled.
        if ROOMS == 1 || at == self.start {
            self.erase(at, end);
            self.start = end;
            self.skip_settled();
        } else {
            self.erase(at.saturating_add(RECORD_OVERHEAD), end);
            self.set_flag(at, SETTLED);
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let (first, last) = (self.start, self.end);
        self.move_offsets(|offset| offset.max(first).min(last));
        let numbers = self.numbers_mut(slot);
        numbers.settled = numbers.settled.saturating_add(1);
        numbers.sent = numbers.sent.max(numbers.settled);
        numbers.refused = numbers.refused.saturating_sub(is_refused.into());
        if ROOMS > 1 {
            numbers.held = numbers.held.saturating_sub(length(end.saturating_sub(at)));
        }
        true
    }

    /// Frees the records at the front that were settled when they were in the middle.
    fn skip_settled(&mut self) {
        while ROOMS > 1
            && let Some(end) = self.record(self.start).filter(|record| record.is_settled).map(|record| record.end)
        {
            self.erase(self.start, end);
            self.start = end;
        }
    }

    fn erase(&mut self, from: usize, to: usize) {
        if let Some(bytes) = self.bytes.get_mut(from..to) {
            bytes.fill(0);
        }
    }

    fn set_flag(&mut self, at: usize, flag: u8) {
        if let Some(flags) = self.bytes.get_mut(at.saturating_add(RECORD_OVERHEAD - 1)) {
            *flags |= flag;
        }
    }

    fn find(&self, slot: RoomSlot, number: u64) -> Option<(usize, Record<'_>)> {
        let mut current = self.numbers(slot).settled;
        if number <= current {
            return None;
        }
        let mut from = self.start;
        loop {
            let (at, record) = self.find_from(slot, from)?;
            current = current.saturating_add(1);
            if current == number {
                return Some((at, record));
            }
            from = record.end;
        }
    }

    /// The first record of a room that is not settled, at the offset `at` or after it.
    fn find_from(&self, slot: RoomSlot, mut at: usize) -> Option<(usize, Record<'_>)> {
        loop {
            let record = self.record(at)?;
            if ROOMS == 1 || (record.slot == slot.to_bits() && !record.is_settled) {
                return Some((at, record));
            }
            at = record.end;
        }
    }

    fn record(&self, at: usize) -> Option<Record<'_>> {
        let live = self.bytes.get(at..self.end)?;
        let (&[high, low, kind, flags], rest) = live.split_first_chunk::<RECORD_OVERHEAD>()?;
        let body_len = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(..body_len)?;
        let end = at.saturating_add(RECORD_OVERHEAD).saturating_add(body_len);
        let (is_refused, is_settled) = (flags & REFUSED != 0, flags & SETTLED != 0);
        Some(Record { kind: EntryKind(kind), slot: flags >> SLOT_SHIFT, is_refused, is_settled, body, end })
    }

    /// Moves the records that are not settled to the front.
    fn compact(&mut self) {
        let end = self.end;
        let to = if ROOMS == 1 { self.move_all() } else { self.move_unsettled() };
        self.erase(to, end);
        (self.start, self.end) = (0, to);
    }

    /// Changes the offsets of the next posts of all rooms.
    fn move_offsets(&mut self, change: impl Fn(usize) -> usize) {
        if ROOMS == 1 {
            let numbers = self.numbers_mut(RoomSlot::FIRST);
            numbers.next_offset = change(numbers.next_offset);
        } else {
            self.rooms.iter_mut().for_each(|numbers| numbers.next_offset = change(numbers.next_offset));
        }
    }

    /// As one piece. Returns where they end.
    fn move_all(&mut self) -> usize {
        let (start, end) = (self.start, self.end);
        move_within(&mut self.bytes, start..end, 0);
        self.move_offsets(|offset| offset.saturating_sub(start));
        end.saturating_sub(start)
    }

    /// One by one. Returns where they end.
    fn move_unsettled(&mut self) -> usize {
        let (mut from, mut to) = (self.start, 0usize);
        loop {
            // An offset that was moved is before `from`, so it does not move twice.
            self.move_offsets(|offset| if offset == from { to } else { offset });
            let Some((next, is_settled)) = self.record(from).map(|record| (record.end, record.is_settled)) else {
                return to;
            };
            if !is_settled {
                move_within(&mut self.bytes, from..next, to);
                to = to.saturating_add(next.saturating_sub(from));
            }
            from = next;
        }
    }
}

/// A length within the outbox, which has less than 4 GiB.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
impl<const N: usize, const ROOMS: usize> Outbox<N, ROOMS> {
    /// Whether the buffer contains `bytes` anywhere.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        self.bytes.windows(bytes.len()).any(|window| window == bytes)
    }
}

struct Record<'a> {
    kind: EntryKind,
    slot: u8,
    is_refused: bool,
    is_settled: bool,
    body: &'a [u8],
    end: usize,
}
