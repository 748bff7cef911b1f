//! Round-trip time, loss delay and probe time-out (RFC 9002, 5 and 6.2; SPEC 5.4).

use crate::time::Duration;

/// Round-trip time before the first sample (RFC 9002, 6.2.2).
const INITIAL: Duration = Duration::from_millis(333);
/// Timer granularity, at least (RFC 9002, 6.1.2).
const GRANULARITY: Duration = Duration::from_millis(1);
/// Longest probe time-out.
const MAX_PTO: Duration = Duration::from_secs(2);

/// Estimates the round-trip time.
#[derive(Debug)]
pub(crate) struct RttEstimator {
    /// Zero before the first sample.
    smoothed: Duration,
    variation: Duration,
    latest: Duration,
    min: Duration,
    /// Longest delay of an acknowledgement by the peer.
    max_ack_delay: Duration,
    /// The coarser clock of both sides.
    tick: Duration,
    is_sampled: bool,
}

impl RttEstimator {
    pub(crate) const CLOSED: Self = Self {
        smoothed: Duration::ZERO,
        variation: Duration::ZERO,
        latest: Duration::ZERO,
        min: Duration::ZERO,
        max_ack_delay: Duration::ZERO,
        tick: Duration::ZERO,
        is_sampled: false,
    };

    /// Without a sample.
    pub(crate) fn open(max_ack_delay: Duration, tick: Duration) -> Self {
        Self { max_ack_delay, tick: tick.max(GRANULARITY), ..Self::CLOSED }
    }

    /// Discards all samples, for a new path.
    pub(crate) fn forget(&mut self) {
        *self = Self::open(self.max_ack_delay, self.tick);
    }

    /// Adds a sample; `ack_delay` is the delay that the peer reports. Returns the sample without the
    /// delay.
    pub(crate) fn sample(&mut self, latest: Duration, ack_delay: Duration) -> Duration {
        self.latest = latest;
        if !self.is_sampled {
            self.is_sampled = true;
            self.min = latest;
            self.smoothed = latest;
            self.variation = latest / 2;
            return latest;
        }
        self.min = self.min.min(latest);
        // SPEC 5.4: the reported delay counts up to the maximum that the peer stated.
        let ack_delay = ack_delay.min(self.max_ack_delay);
        let adjusted = if latest >= self.min + ack_delay { latest.saturating_sub(ack_delay) } else { latest };
        let deviation = self.smoothed.saturating_sub(adjusted).max(adjusted.saturating_sub(self.smoothed));
        self.variation = (self.variation * 3 + deviation) / 4;
        self.smoothed = (self.smoothed * 7 + adjusted) / 8;
        adjusted
    }

    /// Smoothed; `None` before the first sample.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.is_sampled.then_some(self.smoothed)
    }

    /// A packet sent this long before one that is acknowledged is lost (time threshold 9/8). At
    /// most the longest probe time-out, because no probe time-out runs meanwhile.
    pub(crate) fn loss_delay(&self) -> Duration {
        let longest = if self.is_sampled { self.smoothed.max(self.latest) } else { INITIAL };
        (longest * 9 / 8).max(self.tick).min(MAX_PTO)
    }

    /// The probe time-out after `expired` consecutive ones.
    #[inline]
    pub(crate) fn pto(&self, expired: u32) -> Duration {
        let (smoothed, variation) =
            if self.is_sampled { (self.smoothed, self.variation) } else { (INITIAL, INITIAL / 2) };
        let base = smoothed + (variation * 4).max(self.tick) + self.max_ack_delay;
        // A factor of 2^20 always exceeds the cap.
        (base * (1 << expired.min(20))).min(MAX_PTO)
    }
}

#[cfg(test)]
mod tests;
