//! Measurements of a server's worker threads.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::histogram::Histogram;
use crate::store::StoreFigures;

/// Measurements of a server's worker threads; any thread can read them.
#[derive(Debug)]
pub struct WorkerMetrics {
    /// Seconds until a commit returned.
    pub commit_time: Histogram,
    /// Entries per committed batch.
    pub batch_entries: Histogram,
    /// Seconds of public-key work per handshake.
    pub handshake_time: Histogram,
    store: Mutex<Option<StoreFigures>>,
}

impl WorkerMetrics {
    /// Creates empty metrics.
    pub(super) fn new() -> Self {
        const TIMES: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
        const SIZES: &[f64] = &[0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0];
        Self {
            commit_time: Histogram::new(TIMES),
            batch_entries: Histogram::new(SIZES),
            handshake_time: Histogram::new(TIMES),
            store: Mutex::new(None),
        }
    }

    /// The latest figures of the store.
    #[must_use]
    pub fn store(&self) -> Option<StoreFigures> {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the figures of the store.
    pub(super) fn set_store(&self, figures: Option<StoreFigures>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    /// Records a successful commit.
    pub(super) fn record_commit(&self, took: Duration, entries: usize) {
        self.commit_time.observe(took.as_secs_f64());
        self.batch_entries.observe(u32::try_from(entries).unwrap_or(u32::MAX).into());
    }
}
