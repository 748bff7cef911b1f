//! Writes the running time, removes lapsed names and begins a search of the rooms that are not in
//! memory, from time to time. Rooms do the same for their own records.

use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::context::Context;
use super::timers::Timer;
use super::transfers::jobs::IndexJob;

/// How often the running time is written, and lapsed records are searched for.
pub(super) const UPKEEP_INTERVAL: Duration = Duration::from_secs(3_600);
/// Time until the next records are removed, when there are more than are removed at once.
pub(super) const PURGE_INTERVAL: Duration = Duration::from_secs(1);

impl<P: Provider> Context<P> {
    pub(super) fn on_upkeep_timer(&mut self, now: Instant) {
        self.people.push_ran();
        self.collect_contents(now);
        self.begin_upkeep(now);
    }

    /// Searches for lapsed names and entries now, and from time to time.
    pub(super) fn begin_upkeep(&mut self, now: Instant) {
        self.purge_names(now);
        if self.swept.is_none() {
            self.swept = Some(String::new());
            self.timers.set(Timer::Sweep, Some(now + PURGE_INTERVAL));
        }
        self.timers.set(Timer::Upkeep, Some(now + UPKEEP_INTERVAL));
    }

    /// Removes contents that no entry names. Not before entries that name one are committed.
    pub(super) fn collect_contents(&mut self, now: Instant) {
        let is_named = self.transfers.has_named(self.commits.unfinished_bytes() == 0);
        if self.commits.is_recovering() || is_named || !self.transfers.begin_collection() {
            return self.timers.set(Timer::Collect, Some(now + PURGE_INTERVAL));
        }
        let now_ms = self.wall_ms(now);
        self.transfers.begin_index_job(IndexJob::Collect { now_ms, in_use: self.transfers.written() });
    }

    /// Removes lapsed and surplus names; the rest of them a little later.
    pub(super) fn purge_names(&mut self, now: Instant) {
        let limits = self.config.limits;
        let is_done = !self.commits.is_recovering() && self.people.purge(now, &limits, &mut self.counters);
        self.timers.set(Timer::Purge, (!is_done).then(|| now + PURGE_INTERVAL));
    }
}
