//! The sending half of a stream: what was written, sent, acknowledged and lost (SPEC 5.2).

use super::ranges::{RangeSet, Span};
use super::ring;

/// Ranges of each kind that a stream remembers. When they run out, more is sent again than is needed; nothing is forgotten.
const MAX_RANGES: usize = 16;

/// Sends one stream, without its ring. Every byte from `acked` to `next` is acknowledged, or lost, or in flight.
#[derive(Debug)]
pub(crate) struct SendStream {
    /// Everything below is acknowledged and out of the ring.
    acked: u64,
    /// Everything from here on was never sent.
    next: u64,
    /// Everything below is in the ring.
    written: u64,
    /// The peer takes everything below.
    limit: u64,
    /// Acknowledged ahead of a gap.
    ahead: RangeSet<MAX_RANGES>,
    /// To be sent again.
    lost: RangeSet<MAX_RANGES>,
}

impl SendStream {
    pub(crate) const CLOSED: Self =
        Self { acked: 0, next: 0, written: 0, limit: 0, ahead: RangeSet::EMPTY, lost: RangeSet::EMPTY };

    /// Begins at offset 0 with the limit that the peer stated.
    pub(crate) const fn open(limit: u64) -> Self {
        Self { limit, ..Self::CLOSED }
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

    /// MAX_DATA came. It never lowers the limit.
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

    /// What to send next, at most `room` bytes: the lowest that was lost before anything new.
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

    /// Whether a part of `span` was sent before.
    #[inline]
    pub(crate) const fn is_repeat(&self, span: Span) -> bool {
        span.start < self.next
    }

    /// A chunk from [`SendStream::next_chunk`] went out.
    #[inline]
    pub(crate) fn on_sent(&mut self, chunk: Span) {
        self.next = self.next.max(chunk.end);
        // It begins where the first lost range does, so that is never split.
        let _ = self.lost.remove(chunk);
    }

    /// A packet with `span` was acknowledged. Whether space became free.
    pub(crate) fn on_acked(&mut self, span: Span) -> bool {
        let before = self.acked;
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
        self.acked > before
    }

    /// The highest of the ranges acknowledged ahead and `span` is treated as lost, so that the lowest stay known.
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

    /// A packet with `span` is taken to be lost (or to be probed for).
    pub(crate) fn on_lost(&mut self, span: Span) {
        let mut at = span.start.max(self.acked);
        let end = span.end.min(self.next);
        for known in self.ahead.as_slice() {
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn sent(stream: &mut SendStream, room: usize) -> Span {
        let chunk = stream.next_chunk(room).expect("a chunk");
        stream.on_sent(chunk);
        chunk
    }

    fn written(limit: u64, len: usize) -> (SendStream, [u8; 64]) {
        let (mut stream, mut ring) = (SendStream::open(limit), [0; 64]);
        let bytes: Vec<u8> = (0..64).collect();
        stream.write(&mut ring, &bytes[..len]);
        (stream, ring)
    }

    #[test]
    fn sends_in_order_and_no_further_than_the_limit() {
        let (mut stream, ring) = written(30, 50);
        assert_eq!(sent(&mut stream, 20), Span::new(0, 20));
        assert_eq!(sent(&mut stream, 20), Span::new(20, 30));
        assert_eq!((stream.next_chunk(20), stream.unsent()), (None, 20));
        assert!(!stream.has_data());
        stream.on_max_data(40);
        stream.on_max_data(20);
        let chunk = sent(&mut stream, 20);
        let mut out = [0; 10];
        ring::read(&ring, chunk.start, &mut out);
        assert_eq!(out, [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
    }

    #[test]
    fn sends_what_was_lost_again_before_anything_new() {
        let (mut stream, _) = written(64, 50);
        let (a, b) = (sent(&mut stream, 10), sent(&mut stream, 10));
        sent(&mut stream, 10);
        stream.on_lost(b);
        assert!(stream.is_repeat(b));
        assert_eq!(sent(&mut stream, 100), b);
        assert_eq!(sent(&mut stream, 5), Span::new(30, 35));
        stream.on_lost(a);
        stream.on_acked(a);
        assert_eq!(sent(&mut stream, 100), Span::new(35, 50));
    }

    #[test]
    fn joins_what_was_lost_with_what_is_new_when_they_touch() {
        let (mut stream, _) = written(64, 50);
        let a = sent(&mut stream, 10);
        stream.on_lost(a);
        assert_eq!(sent(&mut stream, 100), Span::new(0, 50));
        assert!(!stream.has_data());
    }

    #[test]
    fn frees_the_ring_only_up_to_the_first_gap() {
        let (mut stream, _) = written(64, 50);
        let (a, b) = (sent(&mut stream, 10), sent(&mut stream, 10));
        assert!(!stream.on_acked(b));
        assert_eq!(stream.unacknowledged(), 50);
        assert!(stream.on_acked(a));
        assert_eq!(stream.unacknowledged(), 30);
        assert!(!stream.on_acked(a));
    }

    #[test]
    fn an_acknowledged_range_is_not_lost_any_more() {
        let (mut stream, _) = written(64, 50);
        let (a, b, c) = (sent(&mut stream, 10), sent(&mut stream, 10), sent(&mut stream, 10));
        stream.on_acked(b);
        stream.on_lost(Span::new(a.start, c.end));
        assert_eq!(sent(&mut stream, 100), a);
        assert_eq!(stream.next_chunk(5), Some(Span::new(20, 25)));
    }

    proptest! {
        /// Random losses and acknowledgements in any order, more of them than the sets have entries: in the end everything is
        /// acknowledged, and never a byte that did not arrive.
        #[test]
        fn never_forgets_a_byte(choices in proptest::collection::vec((any::<u8>(), any::<u16>()), 1..600)) {
            let total = 2_000;
            let (mut stream, mut ring) = (SendStream::open(u64::MAX), std::vec![0; total]);
            stream.write(&mut ring, &std::vec![7; total]);
            let (mut in_flight, mut arrived) = (Vec::new(), std::vec![false; total]);
            let mut step = |choice: u8, pick: u16, stream: &mut SendStream, in_flight: &mut Vec<Span>| {
                let pick = usize::from(pick);
                if choice < 128 || in_flight.is_empty() {
                    if let Some(chunk) = stream.next_chunk(1 + pick % 9) {
                        stream.on_sent(chunk);
                        in_flight.push(chunk);
                    }
                } else {
                    let chunk: Span = in_flight.swap_remove(pick % in_flight.len());
                    if choice < 190 {
                        stream.on_lost(chunk);
                    } else {
                        arrived[chunk.start as usize..chunk.end as usize].fill(true);
                        stream.on_acked(chunk);
                    }
                }
                // The ring may let go only of what arrived.
                assert!(arrived[..stream.acked as usize].iter().all(|&arrived| arrived));
            };
            for (choice, pick) in choices {
                step(choice, pick, &mut stream, &mut in_flight);
            }
            let mut rounds = 0;
            while stream.unacknowledged() > 0 {
                // Now all that is in flight arrives, oldest first.
                for chunk in in_flight.drain(..) {
                    stream.on_acked(chunk);
                }
                while let Some(chunk) = stream.next_chunk(9).filter(|_| in_flight.len() < 5) {
                    stream.on_sent(chunk);
                    in_flight.push(chunk);
                }
                rounds += 1;
                prop_assert!(rounds < 1_000, "stuck: {stream:?}");
            }
        }
    }
}
