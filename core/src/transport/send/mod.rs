//! The sending half of a stream: data written, sent, acknowledged and lost (SPEC 5.2).

use super::ranges::{RangeSet, RangeStorage, Span};
use super::ring;

/// The sender of one stream, without its ring. Every byte from `acked` to `next` is acknowledged,
/// or lost, or in flight. When no entry is left for a range, more data than necessary is sent
/// again; none is lost.
#[derive(Debug)]
pub(crate) struct SendStream<R> {
    /// Everything below is acknowledged and out of the ring.
    acked: u64,
    /// Everything from here on has not been sent.
    next: u64,
    /// Everything below is in the ring.
    written: u64,
    /// The peer accepts everything below.
    limit: u64,
    /// Acknowledged ahead of a gap.
    ahead: RangeSet<R>,
    /// To be sent again.
    lost: RangeSet<R>,
}

impl<R: RangeStorage> SendStream<R> {
    pub(crate) const CLOSED: Self =
        Self { acked: 0, next: 0, written: 0, limit: 0, ahead: RangeSet::EMPTY, lost: RangeSet::EMPTY };

    /// Begins again at offset 0 with the peer's initial limit; closed if that is 0. In place: the
    /// image of a closed stream would be some hundred zeros in a device's flash.
    pub(crate) fn begin(&mut self, limit: u64) {
        self.ahead.clear();
        self.lost.clear();
        (self.acked, self.next, self.written, self.limit) = (0, 0, 0, limit);
    }

    #[cfg(test)]
    pub(crate) fn open(limit: u64) -> Self {
        let mut stream = Self::CLOSED;
        stream.begin(limit);
        stream
    }

    /// Bytes written and not acknowledged.
    #[inline]
    pub(crate) fn unacknowledged(&self) -> usize {
        usize::try_from(self.written - self.acked).unwrap_or(usize::MAX)
    }

    /// Bytes acknowledged in order.
    pub(crate) const fn acknowledged(&self) -> u64 {
        self.acked
    }

    /// Appends `part` to a ring that has room for it.
    #[inline]
    pub(crate) fn write(&mut self, ring: &mut [u8], part: &[u8]) {
        ring::write(ring, self.written, part);
        self.written = self.written.saturating_add(u64::try_from(part.len()).unwrap_or(0));
    }

    /// Whether the peer has granted credit for any byte of the stream.
    pub(crate) const fn is_taken(&self) -> bool {
        self.limit > 0
    }

    /// MAX_DATA was received. It never lowers the limit.
    pub(crate) fn on_max_data(&mut self, limit: u64) {
        self.limit = self.limit.max(limit);
    }

    /// Whether there is anything to send.
    #[inline]
    pub(crate) fn has_data(&self) -> bool {
        !self.lost.is_empty() || self.next < self.written.min(self.limit)
    }

    /// Bytes written and never sent.
    #[inline]
    pub(crate) fn unsent(&self) -> usize {
        usize::try_from(self.written.saturating_sub(self.next)).unwrap_or(usize::MAX)
    }

    /// The next range to send, at most `room` bytes: lost data, lowest first, before new data.
    #[inline]
    pub(crate) fn next_chunk(&self, room: usize) -> Option<Span> {
        let fresh = self.written.min(self.limit).max(self.next);
        let span = match self.lost.first() {
            Some(lost) if lost.end == self.next => Span::new(lost.start, fresh),
            Some(lost) => lost,
            None => Span::new(self.next, fresh),
        };
        let room = u64::try_from(room.min(usize::from(u16::MAX))).unwrap_or(0);
        let chunk = Span::new(span.start, span.end.min(span.start.saturating_add(room)));
        (!chunk.is_empty()).then_some(chunk)
    }

    /// Whether any of `span` was sent before.
    #[inline]
    pub(crate) const fn is_retransmission(&self, span: Span) -> bool {
        span.start < self.next
    }

    /// A chunk from [`SendStream::next_chunk`] was sent.
    #[inline]
    pub(crate) fn on_sent(&mut self, chunk: Span) {
        self.next = self.next.max(chunk.end);
        // It begins where the first lost range does, so that is never split.
        let _ = self.lost.remove(chunk);
    }

    /// A packet with `span` was acknowledged.
    pub(crate) fn on_acked(&mut self, span: Span) {
        // If that would split a range and there is no entry left, it is sent once more.
        let _ = self.lost.remove(span);
        if span.start > self.acked {
            let span = Span::new(span.start, span.end.min(self.next));
            if self.ahead.insert(span).is_err() {
                self.make_room_for(span);
            }
        } else {
            self.acked = self.acked.max(span.end.min(self.next));
        }
        while let Some(first) = self.ahead.first().filter(|first| first.start <= self.acked) {
            self.acked = self.acked.max(first.end);
            self.ahead.pop_first();
        }
        let _ = self.lost.remove(Span::new(0, self.acked));
    }

    /// Treats the highest of the ranges acknowledged ahead and `span` as lost, so that the lowest
    /// stay known.
    fn make_room_for(&mut self, span: Span) {
        let highest = match self.ahead.last() {
            Some(last) if last.start > span.start => {
                self.ahead.pop_last();
                let inserted = self.ahead.insert(span);
                debug_assert!(inserted.is_ok());
                last
            }
            _ => span,
        };
        self.lost.insert_or_bridge(highest);
    }

    /// A packet with `span` is considered lost, or is sent again as a probe.
    pub(crate) fn on_lost(&mut self, span: Span) {
        let mut at = span.start.max(self.acked);
        let end = span.end.min(self.next);
        for known in self.ahead.after(at) {
            if known.start >= end {
                break;
            }
            let missing = Span::new(at, end.min(known.start));
            if !missing.is_empty() {
                self.lost.insert_or_bridge(missing);
            }
            at = at.max(known.end);
        }
        let missing = Span::new(at, end);
        if !missing.is_empty() {
            self.lost.insert_or_bridge(missing);
        }
    }
}

#[cfg(test)]
mod tests;
