//! Round-trip time and what follows from it (RFC 9002, 5 and 6.2; SPEC 5.4).

use crate::time::Duration;

/// Before the first sample (RFC 9002, 6.2.2).
const INITIAL: Duration = Duration::from_millis(333);
/// The finest granularity that timers are trusted with (RFC 9002, 6.1.2).
const GRANULARITY: Duration = Duration::from_millis(1);
/// No probe time-out is longer.
const MAX_PTO: Duration = Duration::from_secs(2);

/// Estimates the round-trip time.
#[derive(Debug)]
pub(crate) struct RttEstimator {
    /// Zero before the first sample.
    smoothed: Duration,
    variation: Duration,
    latest: Duration,
    min: Duration,
    /// How far the peer may delay an acknowledgement.
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

    /// Forgets all samples: the path is another one.
    pub(crate) fn forget(&mut self) {
        *self = Self::open(self.max_ack_delay, self.tick);
    }

    /// Takes a sample; `ack_delay` is what the peer says it waited.
    pub(crate) fn sample(&mut self, latest: Duration, ack_delay: Duration) {
        self.latest = latest;
        if !self.is_sampled {
            self.is_sampled = true;
            self.min = latest;
            self.smoothed = latest;
            self.variation = latest / 2;
            return;
        }
        self.min = self.min.min(latest);
        // SPEC 5.4: what a peer may say it waited is bounded by what it stated.
        let ack_delay = ack_delay.min(self.max_ack_delay);
        let adjusted = if latest >= self.min + ack_delay { latest.saturating_sub(ack_delay) } else { latest };
        let deviation = self.smoothed.saturating_sub(adjusted).max(adjusted.saturating_sub(self.smoothed));
        self.variation = (self.variation * 3 + deviation) / 4;
        self.smoothed = (self.smoothed * 7 + adjusted) / 8;
    }

    /// Smoothed; `None` before the first sample.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        self.is_sampled.then_some(self.smoothed)
    }

    /// A packet sent this long before one that is acknowledged is lost (time threshold 9/8). Never longer
    /// than a probe time-out is, which does not run meanwhile.
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
        // A factor of 2^20 is beyond the cap in any case.
        (base * (1 << expired.min(20))).min(MAX_PTO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn open() -> RttEstimator {
        RttEstimator::open(ms(5), ms(1))
    }

    #[test]
    fn the_first_sample_is_the_estimate() {
        let mut rtt = open();
        assert_eq!(rtt.smoothed(), None);
        assert_eq!(rtt.pto(0), ms(333 + 4 * 166 + 5) + Duration::from_micros(2_000));
        rtt.sample(ms(100), ms(5));
        assert_eq!(rtt.smoothed(), Some(ms(100)));
        assert_eq!(rtt.pto(0), ms(100 + 200 + 5));
        assert_eq!(rtt.loss_delay(), Duration::from_micros(112_500));
    }

    #[test]
    fn later_samples_are_smoothed_as_in_rfc_9002() {
        let mut rtt = open();
        rtt.sample(ms(80), ms(0));
        rtt.sample(ms(160), ms(0));
        assert_eq!(rtt.smoothed(), Some(ms(90)));
        assert_eq!(rtt.variation, ms(50));
    }

    #[test]
    fn what_the_peer_says_it_waited_is_bounded_by_what_it_stated() {
        let mut rtt = open();
        rtt.sample(ms(80), ms(0));
        rtt.sample(ms(160), ms(1_000));
        // (7 * 80 + 155) / 8
        assert_eq!(rtt.smoothed(), Some(Duration::from_micros(89_375)));
    }

    #[test]
    fn a_delay_that_cannot_be_is_not_subtracted() {
        let mut rtt = open();
        rtt.sample(ms(80), ms(0));
        rtt.sample(ms(82), ms(5));
        assert_eq!(rtt.smoothed(), Some(Duration::from_micros(80_250)));
    }

    #[test]
    fn the_probe_time_out_doubles_up_to_two_seconds() {
        let mut rtt = open();
        rtt.sample(ms(100), ms(0));
        assert_eq!(rtt.pto(1), ms(610));
        assert_eq!(rtt.pto(2), ms(1_220));
        assert_eq!(rtt.pto(3), ms(2_000));
        assert_eq!(rtt.pto(u32::MAX), ms(2_000));
        rtt.sample(Duration::MAX, ms(0));
        assert_eq!(rtt.pto(0), ms(2_000));
    }

    #[test]
    fn a_coarse_clock_lengthens_the_probe_time_out() {
        let mut rtt = RttEstimator::open(ms(5), ms(100));
        for _ in 0..100 {
            rtt.sample(ms(10), ms(0));
        }
        assert_eq!(rtt.pto(0), ms(10 + 100 + 5));
        assert_eq!(rtt.loss_delay(), ms(100));
        rtt.forget();
        assert_eq!(rtt.smoothed(), None);
    }
}
