//! The receiving half of a stream: data in any order becomes bytes in order (SPEC 5.2, 5.3).

use super::ranges::{RangeSet, Span};
use super::ring;

/// Ranges received ahead of a gap that a stream remembers (SPEC 8).
pub(crate) const MAX_GAPS: usize = 16;

/// Why data is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamError {
    /// It goes beyond the limit that was given.
    FlowControl,
    /// It does not fit: the gap table is full.
    NoRoom,
}

/// What was received: everything below `end`, and some ranges above. Small enough to try things on a copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    end: u64,
    ahead: RangeSet<MAX_GAPS>,
}

/// Receives one stream, without its ring.
#[derive(Debug)]
pub(crate) struct Assembler {
    /// Bytes consumed by the reader.
    read: u64,
    arrived: Arrived,
    /// What the peer was last told it may send in all.
    limit: u64,
    /// How far the limit may be ahead of the reader: at most the length of the ring.
    window: u64,
}

impl Arrived {
    const EMPTY: Self = Self { end: 0, ahead: RangeSet::EMPTY };

    /// Whether all of `span` is here already.
    pub(crate) fn covers(&self, span: Span) -> bool {
        self.ahead.covers(Span::new(span.start.max(self.end), span.end))
    }

    /// Adds `span`. What begins at or below the end of the contiguous part always fits: it takes no entry.
    fn insert(&mut self, span: Span) -> Result<(), StreamError> {
        if span.start > self.end {
            return self.ahead.insert(span).map_err(|_| StreamError::NoRoom);
        }
        self.end = self.end.max(span.end);
        while let Some(first) = self.ahead.first().filter(|first| first.start <= self.end) {
            self.end = self.end.max(first.end);
            self.ahead.pop_first();
        }
        Ok(())
    }
}

impl Assembler {
    pub(crate) const CLOSED: Self = Self { read: 0, arrived: Arrived::EMPTY, limit: 0, window: 0 };

    /// Begins at offset 0 with the limit that the handshake stated and a ring of `ring_len` bytes.
    pub(crate) fn open(limit: u64, ring_len: usize) -> Self {
        let ring_len = u64::try_from(ring_len).unwrap_or(u64::MAX);
        Self { limit, window: limit.min(ring_len), ..Self::CLOSED }
    }

    /// Bytes consumed by the reader.
    pub(crate) const fn consumed(&self) -> u64 {
        self.read
    }

    /// For trying several frames before any is applied.
    pub(crate) const fn arrived(&self) -> Arrived {
        self.arrived
    }

    /// Whether `span` can be taken after what `tentative` has taken; then it is taken there.
    pub(crate) fn check(&self, tentative: &mut Arrived, span: Span) -> Result<(), StreamError> {
        // SPEC 5.2
        if span.end > self.limit {
            return Err(StreamError::FlowControl);
        }
        // Only when more was stated than there is memory for.
        if span.end > self.read.saturating_add(self.window) {
            return Err(StreamError::NoRoom);
        }
        tentative.insert(span)
    }

    /// Takes `data` at `offset`, which [`Assembler::check`] allowed; copies only what is not here yet.
    pub(crate) fn take(&mut self, ring: &mut [u8], offset: u64, data: &[u8]) {
        let span = Span::new(offset, offset.saturating_add(len_u64(data)));
        let mut copy = |from: u64, to: u64| {
            let range = usize::try_from(from - offset).ok().zip(usize::try_from(to - offset).ok());
            if let Some(piece) = range.and_then(|(from, to)| data.get(from..to)) {
                ring::write(ring, from, piece);
            }
        };
        let mut at = span.start.max(self.arrived.end);
        for known in self.arrived.ahead.as_slice() {
            if known.start >= span.end {
                break;
            }
            if at < known.start {
                copy(at, known.start);
            }
            at = at.max(known.end);
        }
        if at < span.end {
            copy(at, span.end);
        }
        let taken = self.arrived.insert(span);
        debug_assert_eq!(taken, Ok(()));
    }

    /// Bytes in order that are not consumed.
    #[inline]
    pub(crate) fn readable(&self) -> usize {
        usize::try_from(self.arrived.end.saturating_sub(self.read)).unwrap_or(usize::MAX)
    }

    /// Whether the ring holds nothing.
    #[inline]
    pub(crate) const fn is_drained(&self) -> bool {
        self.arrived.end == self.read && self.arrived.ahead.is_empty()
    }

    /// Copies readable bytes, beginning `skip` ahead. `false` if there are fewer.
    #[inline]
    pub(crate) fn peek(&self, ring: &[u8], skip: usize, out: &mut [u8]) -> bool {
        let enough = skip.checked_add(out.len()).is_some_and(|end| end <= self.readable());
        if enough {
            ring::read(ring, self.read.saturating_add(u64::try_from(skip).unwrap_or(u64::MAX)), out);
        }
        enough
    }

    /// Consumes up to `len` readable bytes.
    pub(crate) fn consume(&mut self, len: usize) {
        self.read += u64::try_from(len.min(self.readable())).unwrap_or(0);
    }

    /// Forgets what lies behind a gap, because the gap will never be filled.
    pub(crate) fn discard_out_of_order(&mut self) {
        self.arrived.ahead = RangeSet::EMPTY;
    }

    /// The limit that could be given now.
    #[inline]
    pub(crate) fn credit(&self) -> u64 {
        self.limit.max(self.read.saturating_add(self.window))
    }

    /// Whether that is worth a MAX_DATA: a quarter of the window, or anything once the window is closed (a reader may need the rest of
    /// a message before it consumes more).
    #[inline]
    pub(crate) fn is_credit_due(&self) -> bool {
        let more = self.credit() - self.limit;
        more > 0 && (more >= self.window / 4 || self.arrived.end >= self.limit)
    }

    /// A MAX_DATA of `limit` went out.
    pub(crate) fn on_credit_sent(&mut self, limit: u64) {
        self.limit = self.limit.max(limit);
    }
}

pub(crate) fn len_u64(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const RING: usize = 64;

    fn offer(assembler: &mut Assembler, ring: &mut [u8], offset: u64, data: &[u8]) -> Result<(), StreamError> {
        let mut tentative = assembler.arrived();
        assembler.check(&mut tentative, Span::new(offset, offset + len_u64(data)))?;
        assembler.take(ring, offset, data);
        Ok(())
    }

    fn read_all(assembler: &mut Assembler, ring: &[u8]) -> Vec<u8> {
        let mut out = std::vec![0; assembler.readable()];
        assert!(assembler.peek(ring, 0, &mut out));
        assembler.consume(out.len());
        out
    }

    #[test]
    fn delivers_in_order_what_arrives_out_of_order() {
        let (mut assembler, mut ring) = (Assembler::open(64, RING), [0; RING]);
        offer(&mut assembler, &mut ring, 3, b"def").unwrap();
        assert_eq!(assembler.readable(), 0);
        assert!(!assembler.is_drained());
        offer(&mut assembler, &mut ring, 0, b"abcd").unwrap();
        assert_eq!(read_all(&mut assembler, &ring), b"abcdef");
        assert!(assembler.is_drained());
    }

    #[test]
    fn keeps_the_first_copy_of_every_byte() {
        let (mut assembler, mut ring) = (Assembler::open(64, RING), [0; RING]);
        offer(&mut assembler, &mut ring, 2, b"CD").unwrap();
        offer(&mut assembler, &mut ring, 6, b"G").unwrap();
        offer(&mut assembler, &mut ring, 0, b"ab--ef-h").unwrap();
        offer(&mut assembler, &mut ring, 0, b"--------").unwrap();
        assert_eq!(read_all(&mut assembler, &ring), b"abCDefGh");
    }

    #[test]
    fn refuses_data_beyond_the_limit() {
        let (mut assembler, mut ring) = (Assembler::open(8, RING), [0; RING]);
        assert_eq!(offer(&mut assembler, &mut ring, 0, b"123456789"), Err(StreamError::FlowControl));
        assert_eq!(offer(&mut assembler, &mut ring, 8, b"9"), Err(StreamError::FlowControl));
        assert_eq!(offer(&mut assembler, &mut ring, 0, b"12345678"), Ok(()));
    }

    #[test]
    fn a_limit_larger_than_the_ring_drops_instead_of_overwriting() {
        let (mut assembler, mut ring) = (Assembler::open(1000, RING), [0; RING]);
        assert_eq!(offer(&mut assembler, &mut ring, 64, b"x"), Err(StreamError::NoRoom));
        assert_eq!(offer(&mut assembler, &mut ring, 63, b"x"), Ok(()));
    }

    #[test]
    fn a_full_gap_table_still_takes_what_comes_next_in_order() {
        let (mut assembler, mut ring) = (Assembler::open(64, RING), [0; RING]);
        for gap in 0..16 {
            offer(&mut assembler, &mut ring, 2 + 3 * gap, b"x").unwrap();
        }
        assert_eq!(offer(&mut assembler, &mut ring, 60, b"x"), Err(StreamError::NoRoom));
        assert_eq!(offer(&mut assembler, &mut ring, 0, b"y"), Ok(()));
        assert_eq!(offer(&mut assembler, &mut ring, 4, b"y"), Ok(()));
        assert_eq!(offer(&mut assembler, &mut ring, 1, b"y"), Ok(()));
        assert_eq!(read_all(&mut assembler, &ring), b"yyx");
        assert_eq!(offer(&mut assembler, &mut ring, 60, b"x"), Ok(()));
    }

    #[test]
    fn gives_credit_after_a_quarter_of_the_window() {
        let (mut assembler, mut ring) = (Assembler::open(64, RING), [0; RING]);
        offer(&mut assembler, &mut ring, 0, &[1; 40]).unwrap();
        assembler.consume(15);
        assert!(!assembler.is_credit_due());
        assembler.consume(1);
        assert!(assembler.is_credit_due());
        assert_eq!(assembler.credit(), 80);
        assembler.on_credit_sent(80);
        assert!(!assembler.is_credit_due());
    }

    #[test]
    fn gives_any_credit_when_the_window_is_closed() {
        let (mut assembler, mut ring) = (Assembler::open(64, RING), [0; RING]);
        offer(&mut assembler, &mut ring, 0, &[1; 64]).unwrap();
        assert!(!assembler.is_credit_due());
        assembler.consume(1);
        assert!(assembler.is_credit_due());
    }

    #[test]
    fn a_closed_stream_takes_nothing_and_gives_no_credit() {
        let (mut assembler, mut ring) = (Assembler::open(0, 0), []);
        assert_eq!(offer(&mut assembler, &mut ring, 0, b"x"), Err(StreamError::FlowControl));
        assert!(!assembler.is_credit_due());
    }

    proptest! {
        /// Whatever is offered in whatever order: what is read is the stream, and what was taken is never lost.
        #[test]
        fn is_the_stream_whatever_the_order(
            steps in proptest::collection::vec((0..90_u64, 1..20_usize, 0..30_usize), 1..200),
        ) {
            let stream: Vec<u8> = (0..=255).cycle().take(20_000).collect();
            let (mut assembler, mut ring) = (Assembler::open(64, RING), [0; RING]);
            let mut taken = std::vec![false; stream.len()];
            let mut read = 0;
            for (ahead, len, consume) in steps {
                let start = (assembler.read + ahead).saturating_sub(20) as usize;
                let span = Span::new(start as u64, (start + len) as u64);
                let known = assembler.arrived().covers(span);
                prop_assert_eq!(known, taken[start..start + len].iter().all(|&taken| taken));
                match offer(&mut assembler, &mut ring, start as u64, &stream[start..start + len]) {
                    Ok(()) => taken[start..start + len].fill(true),
                    Err(StreamError::FlowControl) => prop_assert!(span.end > assembler.limit),
                    Err(StreamError::NoRoom) => prop_assert!(assembler.arrived.ahead.as_slice().len() == MAX_GAPS),
                }
                let end = taken.iter().position(|&taken| !taken).unwrap();
                prop_assert_eq!(assembler.readable(), end - read);
                let consume = consume.min(assembler.readable());
                let mut out = std::vec![0; consume];
                prop_assert!(assembler.peek(&ring, 0, &mut out));
                prop_assert_eq!(&out[..], &stream[read..read + consume]);
                assembler.consume(consume);
                read += consume;
                if assembler.is_credit_due() {
                    assembler.on_credit_sent(assembler.credit());
                }
            }
        }
    }
}
