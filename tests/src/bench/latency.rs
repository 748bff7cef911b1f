//! One-way latencies.

use serde::Serialize;

/// All latencies, in microseconds.
#[derive(Debug, Default)]
pub(super) struct Latencies(Vec<u32>);

/// Percentiles of latencies.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    /// Half of the values are not above this, in ms.
    pub p50_ms: f64,
    /// 99 of 100 values are not above this, in ms.
    pub p99_ms: f64,
    /// The largest value, in ms.
    pub max_ms: f64,
}

impl Latencies {
    pub(super) fn push(&mut self, micros: u64) {
        self.0.push(u32::try_from(micros).unwrap_or(u32::MAX));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn percentiles(mut self) -> Percentiles {
        self.0.sort_unstable();
        let at = |part: usize| {
            let rank = (self.0.len() * part).div_ceil(100).saturating_sub(1);
            f64::from(self.0.get(rank).copied().unwrap_or_default()) / 1_000.0
        };
        Percentiles { p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut latencies = Latencies::default();
        (1..=200).rev().for_each(|ms| latencies.push(ms * 1_000));
        let Percentiles { p50_ms, p99_ms, max_ms } = latencies.percentiles();
        assert_eq!((p50_ms, p99_ms, max_ms), (100.0, 198.0, 200.0));
        assert_eq!(Latencies::default().percentiles().max_ms, 0.0);
    }
}
