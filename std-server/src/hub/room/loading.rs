//! How a room is found, which may have to be loaded first, and dropped when nobody was in it for a
//! while and nothing waits.

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::admissions::Admissions;
use super::{Room, Rooms};
use crate::hub::context::Context;
use crate::hub::jobs::{Job, StoreJob};
use crate::hub::loads::LoadResult;
use crate::hub::room_id::RoomId;
use crate::hub::timers::{RoomTimer, Timer};
use crate::store::{RoomState, Visibility};

/// The room that a Join is for.
#[derive(Debug)]
pub(in crate::hub) enum Found<'a> {
    /// It is in memory.
    Room(&'a mut Room),
    /// It does not exist, or is closed.
    Unknown,
    /// The store cannot be read.
    Unreadable,
    /// It is to be loaded.
    Later,
}

impl Rooms {
    /// Finds the room of a Join. `result`: that of the load for which it has waited.
    pub(in crate::hub) fn find(&mut self, name: &str, result: Option<LoadResult>) -> Found<'_> {
        let entry = self.directory.get(name).filter(|entry| !entry.record.is_closed);
        match (entry.map(|entry| entry.id), result) {
            (Some(Some(id)), _) => self.get_mut(id).map_or(Found::Unknown, Found::Room),
            (_, Some(LoadResult::Failed)) => Found::Unreadable,
            (None, Some(LoadResult::Done)) => Found::Unknown,
            // It was created while its name was looked up in the store, or is not loaded yet.
            (Some(None), Some(LoadResult::Done)) | (_, None) => Found::Later,
        }
    }

    /// Drops a room that nothing keeps in memory.
    pub(in crate::hub) fn drop_room<P: Provider>(&mut self, context: &mut Context<P>, id: RoomId) {
        let Some(mut room) = self.take_idle(id) else { return };
        context.counters.rooms_dropped += 1;
        context.timers.forget_room(id);
        context.pages.clear(id);
        room.instances.reload(&RoomState::default(), &mut context.people.known);
        room.count(&mut context.counters);
        self.tails.count(id, &mut room.listed.tail, 0);
        if let Some(entry) = self.directory.get_mut(room.name()) {
            (entry.id, entry.first, entry.head) = (None, room.first(), room.head());
            let is_private = entry.record.visibility == Visibility::Private;
            entry.admitted = if is_private { core::mem::take(&mut room.admissions) } else { Admissions::default() };
        }
    }
}

impl Room {
    /// Begins the time after which the room is dropped, or ends it.
    pub(in crate::hub) fn plan_drop<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        let is_idle = self.id != RoomId::FIRST && !self.is_needed(context);
        if core::mem::replace(&mut self.listed.is_idle, is_idle) != is_idle {
            let deadline = is_idle.then(|| now + context.config.limits.room_idle_time);
            context.timers.set(self.timer(RoomTimer::Idle), deadline);
        }
    }

    /// Whether somebody is in it or something waits.
    fn is_needed<P: Provider>(&self, context: &Context<P>) -> bool {
        let has_people =
            self.members.len() > 0 || !self.joining.is_empty() || self.presence.identities().next().is_some();
        has_people
            || !self.appender.is_idle()
            || self.has_to_commit()
            || self.is_surveying
            || self.operator_removal.is_some()
            || context.pages.is_reading(self.id)
            || !self.approvals.is_empty()
            || context.people.passwords.concerns(self.id)
            || context.timers.has_absence(self.id)
    }
}

impl<P: Provider> Context<P> {
    /// Creates the jobs that load rooms.
    pub(in crate::hub) fn create_load_jobs(&mut self) {
        if self.is_stopping || !self.loads.has_next() || self.timers.get(&Timer::Loads).is_some() {
            return;
        }
        while let Some(name) = self.loads.next_load() {
            self.jobs.push_back(Job::Store(StoreJob::Load { name }));
        }
    }
}
