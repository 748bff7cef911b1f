//! Sets of numbers as disjoint ranges, in bounded memory: an array on devices, what the provider
//! chooses on hosts.

use core::ops::RangeInclusive;

use crate::slices::move_within;

/// A range of numbers, half-open: an entry of a [`RangeStorage`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// No entry is left for another range; the set is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SetFull;

/// Entries of a set of ranges. What is in them is the business of their owner.
pub trait RangeStorage: core::fmt::Debug {
    /// No entries; all zero.
    const EMPTY: Self;
    /// Most entries.
    const MAX: usize;

    /// The entries.
    fn as_slice(&self) -> &[Span];

    /// Replaces the entries `from..to` by `with`. The owner keeps the order of both, the number of
    /// entries and [`RangeStorage::MAX`].
    fn splice(&mut self, from: usize, to: usize, with: &[Span]);

    /// Removes all entries.
    fn clear(&mut self);
}

/// At most `N` entries, in place.
#[derive(Debug)]
pub struct ArrayRanges<const N: usize> {
    spans: [Span; N],
    len: usize,
}

/// What a device remembers of each kind (SPEC 8).
pub type DeviceRanges = ArrayRanges<16>;

impl<const N: usize> RangeStorage for ArrayRanges<N> {
    const EMPTY: Self = Self { spans: [Span::EMPTY; N], len: 0 };
    const MAX: usize = N;

    #[inline]
    fn as_slice(&self) -> &[Span] {
        self.spans.get(..self.len).unwrap_or(&[])
    }

    fn splice(&mut self, from: usize, to: usize, with: &[Span]) {
        let len = self.len + with.len() - (to - from);
        if len <= N {
            move_within(&mut self.spans, to..self.len, from + with.len());
            for (entry, span) in self.spans.iter_mut().skip(from).zip(with) {
                *entry = *span;
            }
            self.len = len;
        }
    }

    fn clear(&mut self) {
        // What they were may stay, so that there is nothing to copy.
        self.len = 0;
    }
}

/// At most [`RangeStorage::MAX`] ranges: disjoint, not adjacent, ascending, none empty.
#[derive(Debug)]
pub(crate) struct RangeSet<R>(R);

impl Span {
    pub(crate) const EMPTY: Self = Self { start: 0, end: 0 };

    pub(crate) const fn new(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    pub(crate) const fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    pub(crate) fn intersect(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// The same as an inclusive range of packet numbers; meaningless if empty.
    pub(crate) fn inclusive(self) -> RangeInclusive<u64> {
        self.start..=self.end.saturating_sub(1)
    }
}

impl<R: RangeStorage> RangeSet<R> {
    pub(crate) const EMPTY: Self = Self(R::EMPTY);

    #[inline]
    pub(crate) fn as_slice(&self) -> &[Span] {
        self.0.as_slice()
    }

    /// Removes all ranges.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// The ranges that end after `number`.
    #[inline]
    pub(crate) fn after(&self, number: u64) -> &[Span] {
        let spans = self.as_slice();
        spans.get(spans.partition_point(|entry| entry.end <= number)..).unwrap_or(&[])
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<Span> {
        self.as_slice().first().copied()
    }

    #[inline]
    pub(crate) fn last(&self) -> Option<Span> {
        self.as_slice().last().copied()
    }

    /// Whether all of `span` is in the set.
    #[inline]
    pub(crate) fn covers(&self, span: Span) -> bool {
        let spans = self.as_slice();
        let at = spans.partition_point(|entry| entry.end < span.end);
        span.is_empty() || spans.get(at).is_some_and(|entry| entry.start <= span.start)
    }

    /// Adds `span`, joined with the ranges that it touches.
    pub(crate) fn insert(&mut self, span: Span) -> Result<(), SetFull> {
        if span.is_empty() {
            return Ok(());
        }
        let spans = self.as_slice();
        let from = spans.partition_point(|entry| entry.end < span.start);
        let to = spans.partition_point(|entry| entry.start <= span.end);
        let joined = spans
            .get(from..to)
            .into_iter()
            .flatten()
            .fold(span, |joined, entry| Span { start: joined.start.min(entry.start), end: joined.end.max(entry.end) });
        self.splice(from, to, &[joined])
    }

    /// Adds `span`; if no entry is left, together with the whole gap to its nearest neighbour. May
    /// add numbers, never loses one.
    pub(crate) fn insert_or_bridge(&mut self, span: Span) {
        if self.insert(span).is_ok() {
            return;
        }
        let spans = self.as_slice();
        let at = spans.partition_point(|entry| entry.end < span.start);
        let below = at.checked_sub(1).and_then(|below| spans.get(below)).map(|entry| entry.end);
        let above = spans.get(at).map(|entry| entry.start);
        let bridged = match (below, above) {
            (Some(below), Some(above)) if span.start.abs_diff(below) > above.abs_diff(span.end) => {
                Span::new(span.start, above)
            }
            (Some(below), _) => Span::new(below, span.end),
            (None, Some(above)) => Span::new(span.start, above),
            (None, None) => span,
        };
        // It touches an entry now, so it needs no new one.
        let inserted = self.insert(bridged);
        debug_assert!(inserted.is_ok() || R::MAX == 0);
    }

    /// Removes `span`. Fails only if that splits a range and no entry is left.
    pub(crate) fn remove(&mut self, span: Span) -> Result<(), SetFull> {
        let spans = self.as_slice();
        let from = spans.partition_point(|entry| entry.end <= span.start);
        let to = spans.partition_point(|entry| entry.start < span.end);
        let Some(hit) = spans.get(from..to).filter(|hit| !hit.is_empty() && !span.is_empty()) else {
            return Ok(());
        };
        let left = hit.first().map_or(Span::EMPTY, |entry| Span::new(entry.start, span.start));
        let right = hit.last().map_or(Span::EMPTY, |entry| Span::new(span.end, entry.end));
        match (left.is_empty(), right.is_empty()) {
            (true, true) => self.splice(from, to, &[]),
            (false, true) => self.splice(from, to, &[left]),
            (true, false) => self.splice(from, to, &[right]),
            (false, false) => self.splice(from, to, &[left, right]),
        }
    }

    pub(crate) fn pop_first(&mut self) -> Option<Span> {
        let first = self.first()?;
        let _ = self.splice(0, 1, &[]);
        Some(first)
    }

    pub(crate) fn pop_last(&mut self) -> Option<Span> {
        let last = self.last()?;
        let len = self.as_slice().len();
        let _ = self.splice(len - 1, len, &[]);
        Some(last)
    }

    /// Replaces the entries `from..to` by `with`.
    fn splice(&mut self, from: usize, to: usize, with: &[Span]) -> Result<(), SetFull> {
        if self.as_slice().len() + with.len() - (to - from) > R::MAX {
            return Err(SetFull);
        }
        self.0.splice(from, to, with);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
