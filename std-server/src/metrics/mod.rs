//! Metrics for Prometheus, in its text format 0.0.4.
//!
//! * [`text`]: formats the page. [`listener`]: serves it over HTTP.
//! * [`Metrics`]: what the worker threads measure.
//!
//! `prometheus-client` is not used: its counters are atomics, where the hub adds to plain integers
//! several times per datagram; its histograms take a lock; and it writes OpenMetrics, whose names
//! of types and content type differ from what is served here. The text format takes twenty lines.

mod histogram;
pub mod listener;
mod receive_buffer;
pub mod text;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::store::StoreFigures;

pub use histogram::{Histogram, Snapshot};
pub use text::counter_name;

/// Measurements of a server's worker threads.
#[derive(Debug)]
pub struct Metrics {
    /// Seconds until a commit returned.
    pub commit_time: Histogram,
    /// Entries per committed batch.
    pub batch_entries: Histogram,
    /// Seconds of public-key work per handshake.
    pub handshake_time: Histogram,
    store: Mutex<Option<StoreFigures>>,
}

impl Metrics {
    /// Creates empty metrics.
    #[must_use]
    pub fn new() -> Self {
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
    pub fn found(&self, figures: Option<StoreFigures>) {
        *self.store.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }

    /// Records a successful commit.
    pub fn committed(&self, took: Duration, entries: usize) {
        self.commit_time.observe(took.as_secs_f64());
        self.batch_entries.observe(u32::try_from(entries).unwrap_or(u32::MAX).into());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
