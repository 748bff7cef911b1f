//! How far a transfer is, how fast, and how long it still takes.

use std::collections::VecDeque;

use kabar_core::time::{Duration, Instant};

/// The time over which the rate is measured.
const WINDOW: Duration = Duration::from_secs(5);
/// The shortest time between two samples. Bounds their number.
const SAMPLE: Duration = Duration::from_millis(250);

/// Measures a transfer. The rate is that of the last seconds.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    done: u64,
    samples: VecDeque<(Instant, u64)>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Bytes that were transferred, also by earlier processes.
    pub done: u64,
    /// Bytes per second; `None`: not known yet.
    pub rate: Option<u64>,
    /// How long the rest takes at this rate.
    pub left: Option<Duration>,
}

impl Progress {
    /// The transfer begins, or goes on, at this byte. The time before does not count.
    pub fn begin(&mut self, done: u64, now: Instant) {
        self.done = done;
        self.samples.clear();
        self.samples.push_back((now, done));
    }

    /// Everything before this byte is transferred.
    pub fn advance(&mut self, done: u64, now: Instant) {
        self.done = done;
        if self.samples.back().is_none_or(|(last, _)| now >= *last + SAMPLE) {
            self.samples.push_back((now, done));
        }
        // One sample before the window remains, so that the rate covers all of it.
        while self.samples.get(1).is_some_and(|(second, _)| *second + WINDOW <= now) {
            self.samples.pop_front();
        }
    }

    /// Returns how far the transfer of `size` bytes is.
    #[must_use]
    pub fn measure(&self, size: u64, now: Instant) -> Measured {
        let rate = self.samples.front().and_then(|(since, before)| {
            let micros = now.saturating_since(*since).as_micros();
            let bytes = u128::from(self.done.saturating_sub(*before));
            let rate = (bytes * 1_000_000).checked_div(u128::from(micros))?;
            u64::try_from(rate).ok().filter(|rate| micros >= SAMPLE.as_micros() && *rate > 0)
        });
        let rest = size.saturating_sub(self.done);
        let left = rate.map(|rate| Duration::from_secs(rest.div_ceil(rate)));
        Measured { done: self.done, rate, left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(ms)
    }

    #[test]
    fn rate_is_that_of_the_last_seconds() {
        let mut progress = Progress::default();
        progress.begin(1_000_000, at(0));
        assert_eq!(progress.measure(2_000_000, at(0)), Measured { done: 1_000_000, rate: None, left: None });
        for second in 1..=10 {
            progress.advance(1_000_000 + second * 1_000, at(second * 1_000));
        }
        for second in 11..=20 {
            progress.advance(1_010_000 + (second - 10) * 50_000, at(second * 1_000));
        }
        let measured = progress.measure(2_000_000, at(20_000));
        assert_eq!((measured.done, measured.rate), (1_510_000, Some(50_000)));
        assert_eq!(measured.left, Some(Duration::from_secs(10)));
        assert!(progress.samples.len() <= 21);
    }

    #[test]
    fn a_transfer_that_stands_still_has_no_time_left() {
        let mut progress = Progress::default();
        progress.begin(0, at(0));
        progress.advance(10, at(10));
        let measured = progress.measure(100, at(60_000_000_000));
        assert_eq!((measured.rate, measured.left), (None, None));
    }
}
