//! Retention of entries: the oldest ones go when the log exceeds what is kept of it, by age, number
//! or bytes.
//!
//! ```text
//! timer -> survey (a job: from which entry on is the log within its bounds?) -> commit -> survey ...
//! ```
//! Each commit removes a bounded number of entries. Members whose cursor is before the first entry
//! join again (see `reads`).

use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::Room;
use crate::hub::context::Context;
use crate::hub::jobs::{Job, StoreJob};
use crate::hub::limits::HubLimits;
use crate::hub::timers::RoomTimer;
use crate::store::{Keep, ReadError, Retention};

/// Entries that one commit removes.
const REMOVED_AT_ONCE: u64 = 1_000;
/// Surveys of all rooms at once.
const MAX_SURVEYS: usize = 2;
/// Time between the commit of an entry and the next survey.
const SOON: Duration = Duration::from_secs(1);
/// Longest time between two surveys while entries can become too old.
const SURVEY_INTERVAL: Duration = Duration::from_secs(3_600);
/// An entry is kept too long by at most one in this many parts of its age.
const AGE_PARTS: u64 = 16;

/// How much is kept of a log; 0: all of it.
pub(in crate::hub) struct Kept {
    age_ms: u64,
    entries: u64,
    bytes: u64,
}

impl Kept {
    /// The bounds of a room; those of the configuration where it has none.
    pub(in crate::hub) fn of(retention: &Retention, limits: &HubLimits) -> Self {
        let Retention { age_ms, entries, bytes } = *retention;
        Self {
            age_ms: age_ms.unwrap_or(limits.keep_age.as_millis()),
            entries: entries.unwrap_or(limits.keep_entries as u64),
            bytes: bytes.unwrap_or(limits.keep_bytes as u64),
        }
    }

    /// As the store applies them at this time.
    pub(in crate::hub) fn keep(&self, now_ms: u64) -> Keep {
        let Self { age_ms, entries, bytes } = *self;
        Keep {
            since_ms: (age_ms > 0).then(|| now_ms.saturating_sub(age_ms)),
            entries: (entries > 0).then_some(entries),
            bytes: (bytes > 0).then_some(bytes),
        }
    }
}

impl Room {
    /// Sets the time of the next survey, if anything is bounded. `has_grown`: the log has a new
    /// entry.
    pub(super) fn plan_survey<P: Provider>(&self, now: Instant, context: &mut Context<P>, has_grown: bool) {
        let Kept { age_ms, entries, bytes } = Kept::of(&self.settings.retention, &context.config.limits);
        let is_sized = entries > 0 || bytes > 0;
        let by_age = Duration::from_millis(age_ms / AGE_PARTS).clamp(SOON, SURVEY_INTERVAL);
        let interval = match age_ms {
            _ if is_sized && has_grown => SOON,
            0 => return,
            _ => by_age,
        };
        let timer = self.timer(RoomTimer::Survey);
        if context.timers.get(&timer).is_none_or(|deadline| deadline > now + interval) {
            context.timers.set(timer, Some(now + interval));
        }
    }

    /// Creates the job that finds the entries to be removed, if none is under way.
    pub(super) fn survey<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        let keep = Kept::of(&self.settings.retention, &context.config.limits).keep(context.wall_ms(now));
        if keep == Keep::default() || self.is_surveying || self.appender.first.is_some() {
            return;
        }
        // The queue of jobs for the store is short.
        if context.surveys >= MAX_SURVEYS {
            return context.timers.set(self.timer(RoomTimer::Survey), Some(now + SOON));
        }
        context.surveys += 1;
        self.is_surveying = true;
        let (room, name) = (self.id, self.settings.name.clone());
        context.jobs.push_back(Job::Store(StoreJob::Survey { room, name, keep, count: REMOVED_AT_ONCE }));
    }

    pub(in crate::hub) fn on_survey_done<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        result: Result<u64, ReadError>,
    ) {
        self.is_surveying = false;
        match result {
            Ok(first) if first > self.log.first() => self.appender.first = Some(first),
            Ok(_) => self.plan_survey(now, context, false),
            Err(_) => {
                context.counters.reads_failed += 1;
                self.plan_survey(now, context, true);
            }
        }
    }

    /// Entries were removed by a commit: there may be more.
    pub(super) fn on_entries_expired<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, before: u64) {
        context.counters.entries_expired += self.log.first() - before;
        self.survey(now, context);
    }
}
