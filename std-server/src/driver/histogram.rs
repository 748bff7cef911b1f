//! A histogram that any thread can update without waiting.

use std::sync::atomic::{AtomicU64, Ordering};

/// Fraction of the unit in which sums are stored.
const PARTS: f64 = 1e6;

/// Counts values by upper bound.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One per bound, and one for larger values.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Upper bounds, and the number of values up to each.
    pub buckets: Vec<(f64, u64)>,
    /// Number of values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
}

impl Histogram {
    /// Creates a histogram with these upper bounds, in rising order.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value; negative ones count as 0.
    pub fn observe(&self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // Saturates: a float that is too large or negative becomes the nearest integer.
        self.sum.fetch_add((value * PARTS) as u64, Ordering::Relaxed);
    }

    /// Returns the current state.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut count = 0;
        let mut up_to = |at: &AtomicU64| {
            count += at.load(Ordering::Relaxed);
            count
        };
        let sums: Vec<u64> = self.counts.iter().map(&mut up_to).collect();
        let buckets = self.bounds.iter().copied().zip(sums).collect();
        Snapshot { buckets, count, sum: self.sum.load(Ordering::Relaxed) as f64 / PARTS }
    }
}

impl Snapshot {
    /// Returns the mean, if there are values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_values_up_to_each_bound() {
        let histogram = Histogram::new(&[1.0, 10.0]);
        assert_eq!(histogram.snapshot().mean(), None);
        for value in [0.5, 1.0, 2.0, 10.0, 11.0] {
            histogram.observe(value);
        }
        let expected = Snapshot { buckets: vec![(1.0, 2), (10.0, 4)], count: 5, sum: 24.5 };
        assert_eq!(histogram.snapshot(), expected);
        assert_eq!(expected.mean(), Some(4.9));
    }

    #[test]
    fn takes_absurd_values() {
        let histogram = Histogram::new(&[1.0]);
        for value in [-1.0, f64::NAN, f64::MIN_POSITIVE] {
            histogram.observe(value);
        }
        assert_eq!(histogram.snapshot().count, 3);
    }
}
