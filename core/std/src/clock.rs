//! The system's monotonic clock as the core's [`Instant`].

use kabar_core::time::Instant;

/// A monotonic clock whose zero is its start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// Starts a clock at zero.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// Starts a clock at `time`, for example after the computer slept. Starts at zero if the system
    /// cannot represent an earlier origin.
    #[must_use]
    pub fn resume(time: Instant) -> Self {
        let now = std::time::Instant::now();
        let since = std::time::Duration::from_micros(time.as_micros());
        Self { origin: now.checked_sub(since).unwrap_or(now) }
    }

    /// The time since the clock's zero.
    #[must_use]
    pub fn now(self) -> Instant {
        Instant::from_micros(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
