//! Detects that this computer was suspended: one clock counts all time since boot, another one
//! stops while the computer sleeps.

use std::time::Duration as StdDuration;

use kabar_core::time::{Duration, Instant};

/// Shorter sleeps are not reported: the two clocks are not read at the same moment.
const SHORTEST: StdDuration = StdDuration::from_secs(2);
/// How long after waking up a lost connection is attributed to the sleep.
const RECENT: Duration = Duration::from_secs(60);

/// Detects sleeps of this computer, and remembers the last one.
#[derive(Debug)]
pub(super) struct SleepMonitor {
    /// Total time asleep since boot; `None`: not known on this system.
    total: Option<StdDuration>,
    last: Option<(StdDuration, Instant)>,
}

impl Default for SleepMonitor {
    fn default() -> Self {
        Self { total: total(), last: None }
    }
}

impl SleepMonitor {
    /// Detects a sleep since the last call.
    pub(super) fn look(&mut self, now: Instant) {
        self.take(total(), now);
    }

    fn take(&mut self, total: Option<StdDuration>, now: Instant) {
        let (Some(before), Some(total)) = (self.total, total) else { return };
        let slept = total.saturating_sub(before);
        if slept >= SHORTEST {
            (self.total, self.last) = (Some(total), Some((slept, now)));
        }
    }

    /// Returns how long the last sleep was, if it ended less than [`RECENT`] ago.
    pub(super) fn recent(&self, now: Instant) -> Option<StdDuration> {
        let (slept, woke_at) = self.last?;
        (now.saturating_since(woke_at) <= RECENT).then_some(slept)
    }
}

/// Returns the time that this computer was asleep since boot.
#[cfg(target_os = "linux")]
fn total() -> Option<StdDuration> {
    use nix::time::{ClockId, clock_gettime};
    // Read last, so that the difference is not too small.
    let awake = StdDuration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?);
    let all = StdDuration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
    Some(all.saturating_sub(awake))
}

/// Other systems do not have both clocks.
#[cfg(not(target_os = "linux"))]
fn total() -> Option<StdDuration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: StdDuration = StdDuration::from_secs(3_600);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn reports_the_last_sleep_for_a_minute() {
        let mut sleep = SleepMonitor { total: Some(HOUR), last: None };
        sleep.take(Some(HOUR + StdDuration::from_millis(1_900)), at(1));
        assert_eq!(sleep.recent(at(1)), None, "that is none");
        sleep.take(Some(HOUR * 3 + StdDuration::from_secs(10)), at(2));
        sleep.take(Some(HOUR * 3 + StdDuration::from_secs(10)), at(3));
        assert_eq!(sleep.recent(at(62)), Some(HOUR * 2 + StdDuration::from_secs(10)));
        assert_eq!(sleep.recent(at(63)), None);
    }

    #[test]
    fn reports_nothing_without_both_clocks() {
        let mut sleep = SleepMonitor { total: None, last: None };
        sleep.take(None, at(1));
        sleep.take(Some(HOUR), at(2));
        assert_eq!(sleep.recent(at(2)), None);
    }

    #[test]
    fn reports_no_sleep_while_awake() {
        let mut sleep = SleepMonitor::default();
        std::thread::sleep(StdDuration::from_millis(20));
        sleep.look(at(1));
        assert_eq!(sleep.recent(at(1)), None);
    }
}
