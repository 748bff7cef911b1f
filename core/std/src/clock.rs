//! The system's monotonic clock, as the core takes time.

use kabar_core::time::Instant;

/// Counts from its own start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// Starts at zero.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// Goes on at `time`, as the system's clock does after the computer slept; at zero if the
    /// system has no time before its start.
    #[must_use]
    pub fn resume(time: Instant) -> Self {
        let now = std::time::Instant::now();
        let since = std::time::Duration::from_micros(time.as_micros());
        Self { origin: now.checked_sub(since).unwrap_or(now) }
    }

    /// The time.
    #[must_use]
    pub fn now(self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
