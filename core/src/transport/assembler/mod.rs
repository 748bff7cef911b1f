//! The receiving half of a stream: puts data into order (SPEC 5.2, 5.3).

use super::ranges::{RangeSet, RangeStorage, Span};
use super::ring;

/// Why data was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamError {
    /// It exceeds the limit that was granted.
    FlowControl,
    /// It does not fit: the gap table is full.
    NoRoom,
}

/// What a packet's frames checked so far would change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tentative {
    /// The end of the contiguous part.
    end: u64,
    /// Ranges ahead of it that would be new, at most.
    new: usize,
}

/// The receiver of one stream, without its ring: it has everything below `end`, and some ranges
/// above.
#[derive(Debug)]
pub(crate) struct Assembler<R> {
    /// Bytes consumed by the reader.
    read: u64,
    end: u64,
    ahead: RangeSet<R>,
    /// Latest limit granted to the peer: bytes of the stream in total.
    limit: u64,
    /// Largest distance from the reader to the limit; at most the length of the ring.
    window: u64,
}

impl<R: RangeStorage> Assembler<R> {
    pub(crate) const CLOSED: Self = Self { read: 0, end: 0, ahead: RangeSet::EMPTY, limit: 0, window: 0 };

    /// Begins again at offset 0 with the limit that the handshake stated and a ring of `ring_len`
    /// bytes; closed if both are 0.
    pub(crate) fn begin(&mut self, limit: u64, ring_len: usize) {
        self.ahead.clear();
        (self.read, self.end, self.limit) = (0, 0, limit);
        self.window = limit.min(u64::try_from(ring_len).unwrap_or(u64::MAX));
    }

    #[cfg(test)]
    pub(crate) fn open(limit: u64, ring_len: usize) -> Self {
        let mut stream = Self::CLOSED;
        stream.begin(limit, ring_len);
        stream
    }

    /// Bytes consumed by the reader.
    pub(crate) const fn consumed(&self) -> u64 {
        self.read
    }

    /// Before the first frame of a packet.
    pub(crate) const fn tentative(&self) -> Tentative {
        Tentative { end: self.end, new: 0 }
    }

    /// Whether all of `span` was received.
    pub(crate) fn covers(&self, span: Span) -> bool {
        self.ahead.covers(Span::new(span.start.max(self.end), span.end))
    }

    /// Checks whether `span` can be accepted after everything in `tentative`, and adds it there.
    pub(crate) fn check(&self, tentative: &mut Tentative, span: Span) -> Result<(), StreamError> {
        // SPEC 5.2
        if span.end > self.limit {
            return Err(StreamError::FlowControl);
        }
        // Happens only if the limit granted exceeds the ring.
        if span.end > self.read.saturating_add(self.window) {
            return Err(StreamError::NoRoom);
        }
        // Data that begins in the contiguous part always fits, because it takes no entry.
        if span.start <= tentative.end {
            tentative.end = self.contiguous(tentative.end.max(span.end));
            return Ok(());
        }
        let rest = self.ahead.after(tentative.end);
        let at = rest.partition_point(|entry| entry.end < span.start);
        if rest.get(at).is_none_or(|entry| entry.start > span.end) {
            tentative.new += 1;
            if rest.len() + tentative.new > R::MAX {
                return Err(StreamError::NoRoom);
            }
        }
        Ok(())
    }

    /// The end of the contiguous part once it reaches `end`.
    fn contiguous(&self, mut end: u64) -> u64 {
        for entry in self.ahead.after(end) {
            if entry.start > end {
                break;
            }
            end = end.max(entry.end);
        }
        end
    }

    /// Stores `data` at `offset`, which [`Assembler::check`] accepted; copies only what is new.
    pub(crate) fn take(&mut self, ring: &mut [u8], offset: u64, data: &[u8]) {
        let span = Span::new(offset, offset.saturating_add(len_u64(data)));
        let mut copy = |from: u64, to: u64| {
            let range = usize::try_from(from - offset).ok().zip(usize::try_from(to - offset).ok());
            if let Some(piece) = range.and_then(|(from, to)| data.get(from..to)) {
                ring::write(ring, from, piece);
            }
        };
        let mut at = span.start.max(self.end);
        for known in self.ahead.after(at) {
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
        self.insert(span);
    }

    fn insert(&mut self, span: Span) {
        if span.start > self.end {
            let inserted = self.ahead.insert(span);
            debug_assert_eq!(inserted, Ok(()));
            return;
        }
        self.end = self.end.max(span.end);
        while let Some(first) = self.ahead.first().filter(|first| first.start <= self.end) {
            self.end = self.end.max(first.end);
            self.ahead.pop_first();
        }
    }

    /// Bytes received in order and not consumed.
    #[inline]
    pub(crate) fn readable(&self) -> usize {
        usize::try_from(self.end.saturating_sub(self.read)).unwrap_or(usize::MAX)
    }

    /// Whether the ring holds nothing.
    #[inline]
    pub(crate) fn is_drained(&self) -> bool {
        self.end == self.read && self.ahead.is_empty()
    }

    /// Copies readable bytes from `skip` on; `false` if there are fewer.
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

    /// Discards data after a gap, because the gap will never be filled.
    pub(crate) fn discard_out_of_order(&mut self) {
        self.ahead.clear();
    }

    /// The limit that could be granted now.
    #[inline]
    pub(crate) fn credit(&self) -> u64 {
        self.limit.max(self.read.saturating_add(self.window))
    }

    /// Whether a MAX_DATA is due: after a quarter of the window, or for any credit once the window
    /// is closed (a reader may need the rest of a message before it consumes more).
    #[inline]
    pub(crate) fn is_credit_due(&self) -> bool {
        let more = self.credit() - self.limit;
        more > 0 && (more >= self.window / 4 || self.end >= self.limit)
    }

    /// A MAX_DATA of `limit` was sent.
    pub(crate) fn on_credit_sent(&mut self, limit: u64) {
        self.limit = self.limit.max(limit);
    }
}

pub(crate) fn len_u64(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
