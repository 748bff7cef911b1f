//! Keeps posts in memory until they are settled (SPEC 6.5), in the order of their numbers and
//! independent of connections.
//!
//! ```text
//! bytes:  free | settled.. | record of settled+1 | ... | record of next | ... | record of last | free
//!                start ----^                       next_offset ----^                      end --^
//! ```
//! A record is the body's length (u16), the kind, whether it was refused, and the body. Records
//! never wrap: when the free bytes at the end do not suffice, all records move to the front, so
//! that each body is one slice.
//!
//! Numbers here are the caller's: 1, 2, 3, ... over all instances. Numbers on the wire are
//! relative to `base`, the last number that was settled when the current instance was assigned.

use crate::chat::EntryKind;

/// Bytes of a record without the body.
pub const RECORD_OVERHEAD: usize = 4;

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

pub(super) struct Outbox<const N: usize> {
    bytes: [u8; N],
    start: usize,
    end: usize,
    /// Every number up to this one is settled.
    settled: u64,
    /// The last number assigned.
    last: u64,
    /// Every number up to this one was written to the stream, on this connection and since the
    /// last refusal.
    sent: u64,
    /// Offset of the record of `sent + 1`.
    next_offset: usize,
    /// Records that are refused but not settled, because an earlier one is not.
    refused: u64,
    /// Bytes that the last post refused with [`Full`] needs.
    wanted: usize,
    base: u64,
}

impl<const N: usize> Outbox<N> {
    pub(super) const fn new() -> Self {
        Self {
            bytes: [0; N],
            start: 0,
            end: 0,
            settled: 0,
            last: 0,
            sent: 0,
            next_offset: 0,
            refused: 0,
            wanted: 0,
            base: 0,
        }
    }

    /// Removes all posts; the next one is number 1.
    pub(super) fn clear(&mut self) {
        self.bytes.fill(0);
        (self.start, self.end, self.next_offset) = (0, 0, 0);
        (self.settled, self.last, self.sent) = (0, 0, 0);
        (self.refused, self.wanted, self.base) = (0, 0, 0);
    }

    /// Posts that are neither stored nor refused.
    pub(super) const fn unsettled(&self) -> u64 {
        self.last.saturating_sub(self.settled).saturating_sub(self.refused)
    }

    /// The number on the wire up to which every post is settled.
    pub(super) const fn settled_in_instance(&self) -> u64 {
        self.settled.saturating_sub(self.base)
    }

    /// Converts a number on the wire, in the current instance, to the caller's. `None`: never
    /// posted.
    pub(super) const fn local(&self, number: u64) -> Option<u64> {
        match self.base.checked_add(number) {
            Some(local) if local <= self.last => Some(local),
            _ => None,
        }
    }

    /// A new instance was assigned: the lowest unsettled post is number 1 in it.
    pub(super) const fn renumber(&mut self) {
        self.base = self.settled;
    }

    pub(super) fn push(&mut self, kind: EntryKind, body: &[u8]) -> Result<u64, Full> {
        let len = RECORD_OVERHEAD.saturating_add(body.len());
        let (Ok(body_len), true) = (u16::try_from(body.len()), len <= self.free()) else {
            self.wanted = len;
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
        *head = [high, low, kind.0, 0];
        tail.copy_from_slice(body);
        self.end = self.end.saturating_add(len);
        self.last = self.last.saturating_add(1);
        self.wanted = 0;
        Ok(self.last)
    }

    /// Whether there is room again for the post refused with [`Full`]; returns `true` once.
    pub(super) fn take_space(&mut self) -> bool {
        let has_space = self.has_space();
        if has_space {
            self.wanted = 0;
        }
        has_space
    }

    pub(super) const fn has_space(&self) -> bool {
        self.wanted > 0 && self.wanted <= self.free()
    }

    /// The next post to be written to the stream. `None`: all are written, or those after a
    /// refused one have to wait until it is settled, because the server ignores them until then
    /// (SPEC 6.5).
    pub(super) fn next(&self) -> Option<PendingPost<'_>> {
        let record = self.record(self.next_offset).filter(|record| !record.is_refused)?;
        let number = self.sent.saturating_add(1);
        let instance_number = number.saturating_sub(self.base);
        Some(PendingPost { number, instance_number, kind: record.kind, body: record.body })
    }

    /// The post that [`Outbox::next`] returned was written.
    pub(super) fn advance(&mut self) {
        if let Some(end) = self.record(self.next_offset).map(|record| record.end) {
            self.next_offset = end;
            self.sent = self.sent.saturating_add(1);
        }
    }

    /// Starts over with the lowest unsettled post (SPEC 6.5), for a new connection.
    pub(super) const fn rewind(&mut self) {
        self.next_offset = self.start;
        self.sent = self.settled;
    }

    /// Every number up to `number` that was not refused is stored. Returns whether that is new.
    pub(super) fn settle(&mut self, number: u64) -> bool {
        let is_news = number > self.settled;
        while self.settled < number && self.pop() {}
        self.settle_refused();
        is_news
    }

    /// `number` is refused permanently: it is never sent again, and later posts are sent again
    /// once it is settled. Returns whether that is new.
    pub(super) fn refuse(&mut self, number: u64) -> bool {
        let Some((at, record)) = self.find(number) else { return false };
        if record.is_refused {
            return false;
        }
        if let Some(flag) = self.bytes.get_mut(at.saturating_add(RECORD_OVERHEAD - 1)) {
            *flag = 1;
        }
        self.refused = self.refused.saturating_add(1);
        if self.sent >= number {
            (self.sent, self.next_offset) = (number.saturating_sub(1), at);
        }
        self.settle_refused();
        true
    }

    /// Refused posts are settled as soon as all posts before them are.
    fn settle_refused(&mut self) {
        while self.record(self.start).is_some_and(|record| record.is_refused) && self.pop() {}
    }

    /// Removes the first record: it is settled.
    fn pop(&mut self) -> bool {
        let Some((end, is_refused)) = self.record(self.start).map(|record| (record.end, record.is_refused)) else {
            return false;
        };
        // Posts do not stay in memory once they are settled.
        if let Some(bytes) = self.bytes.get_mut(self.start..end) {
            bytes.fill(0);
        }
        self.start = end;
        self.settled = self.settled.saturating_add(1);
        self.refused = self.refused.saturating_sub(u64::from(is_refused));
        if self.sent < self.settled {
            (self.sent, self.next_offset) = (self.settled, self.start);
        }
        if self.start == self.end {
            (self.start, self.end, self.next_offset) = (0, 0, 0);
        }
        true
    }

    fn find(&self, number: u64) -> Option<(usize, Record<'_>)> {
        if number <= self.settled {
            return None;
        }
        let mut at = self.start;
        let mut current = self.settled;
        loop {
            let record = self.record(at)?;
            current = current.saturating_add(1);
            if current == number {
                return Some((at, record));
            }
            at = record.end;
        }
    }

    fn record(&self, at: usize) -> Option<Record<'_>> {
        let live = self.bytes.get(at..self.end)?;
        let (&[high, low, kind, refused], rest) = live.split_first_chunk::<RECORD_OVERHEAD>()?;
        let body_len = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(..body_len)?;
        let end = at.saturating_add(RECORD_OVERHEAD).saturating_add(body_len);
        Some(Record { kind: EntryKind(kind), is_refused: refused != 0, body, end })
    }

    const fn free(&self) -> usize {
        N.saturating_sub(self.end.saturating_sub(self.start))
    }

    fn compact(&mut self) {
        let live = self.end.saturating_sub(self.start);
        self.bytes.copy_within(self.start..self.end, 0);
        if let Some(rest) = self.bytes.get_mut(live..self.end) {
            rest.fill(0);
        }
        self.next_offset = self.next_offset.saturating_sub(self.start);
        (self.start, self.end) = (0, live);
    }
}

#[cfg(test)]
impl<const N: usize> Outbox<N> {
    /// Whether the buffer contains `bytes` anywhere.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        self.bytes.windows(bytes.len()).any(|window| window == bytes)
    }
}

struct Record<'a> {
    kind: EntryKind,
    is_refused: bool,
    body: &'a [u8],
    end: usize,
}
