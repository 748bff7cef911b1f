//! Retention in rooms that are not in memory: every hour each is searched for entries that are no
//! longer kept. One that has any is loaded, removes them as a room does (see `room::keeping`), and
//! is dropped again.
//!
//! ```text
//! upkeep -> a job looks at the oldest entry of the next room -> (too old: load the room) -> ...
//! ```
//! One room is searched at a time, and at most one is loaded in a second.

use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::context::Context;
use super::jobs::{Job, StoreJob};
use super::room::{Kept, Rooms};
use super::timers::Timer;
use crate::store::{Keep, ReadError};

/// Time after a room that is loaded, or cannot be read.
const PAUSE: Duration = Duration::from_secs(1);

/// Searches the next room, if a search is in progress.
pub(super) fn sweep<P: Provider>(now: Instant, rooms: &Rooms, context: &mut Context<P>) {
    let Some(after) = context.swept.take().filter(|_| !context.is_stopping) else { return };
    let (limits, now_ms) = (context.config.limits, context.wall_ms(now));
    // Rooms in memory see to it themselves.
    let stored = rooms.directory.after(Some(&after)).filter(|room| room.id.is_none() && room.first <= room.head);
    let mut kept = stored.map(|room| (room, Kept::of(&room.record.retention, &limits).keep(now_ms)));
    let Some((room, keep)) = kept.find(|(_, keep)| *keep != Keep::default()) else { return };
    let name = room.record.name.as_str().into();
    context.swept = Some(room.record.name.clone());
    context.jobs.push_back(Job::Store(StoreJob::Sweep { name, keep }));
}

/// The oldest entry of a room was looked at. `result`: the first seq that is kept.
pub(super) fn on_swept<P: Provider>(
    now: Instant,
    rooms: &Rooms,
    context: &mut Context<P>,
    name: Arc<str>,
    result: Result<u64, ReadError>,
) {
    let room = rooms.directory.get(&name).filter(|room| room.id.is_none());
    let is_due = result.as_ref().is_ok_and(|first| room.is_some_and(|room| *first > room.first));
    context.counters.reads_failed += u64::from(result.is_err());
    if is_due {
        context.loads.load_later(name);
    }
    if is_due || result.is_err() {
        return context.timers.set(Timer::Sweep, Some(now + PAUSE));
    }
    sweep(now, rooms, context);
}
