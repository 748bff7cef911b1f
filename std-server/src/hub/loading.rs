//! The result of a load (see `loads`): the room is in memory, and the Joins for it go on.

use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Hub;
use super::join::on_room_loaded;
use super::loads::LoadResult;
use super::messages::read;
use super::room::RoomSettings;
use super::timers::Timer;
use crate::store::{ReadError, RoomState};

impl<P: Provider> Hub<P> {
    /// A room was read. The Joins that waited for it go on, in the order of their connections, and
    /// so do the messages that waited for them.
    pub(in crate::hub) fn on_load_done(
        &mut self,
        now: Instant,
        name: Arc<str>,
        result: Result<Box<RoomState>, ReadError>,
    ) {
        let outcome = if result.is_ok() { LoadResult::Done } else { LoadResult::Failed };
        let Some(waiting) = self.context.loads.complete(&name) else {
            return self.context.counters.results_dropped += 1;
        };
        let entry = self.rooms.directory.get(&name);
        let is_known = entry.is_some_and(|entry| entry.id.is_none());
        let has_new_topic = entry.is_some_and(|entry| entry.new_topic.is_some());
        match result {
            Ok(loaded) if is_known => {
                self.context.counters.rooms_loaded += 1;
                let settings = RoomSettings::new(&self.context.config, &self.rooms.directory.record(&name));
                if settings.is_private {
                    // It was created while no server ran.
                    self.context.begin_room_invites(now, &name);
                }
                self.insert_room(now, settings, &loaded);
                self.rooms.apply_new_topic(&mut self.context, &name);
            }
            Ok(_) => {}
            Err(_) => {
                self.context.counters.reads_failed += 1;
                if is_known && (waiting.is_empty() || has_new_topic) {
                    self.context.loads.load_later(name.clone());
                    let pause = self.context.config.limits.retry_min;
                    self.context.timers.set(Timer::Loads, Some(now + pause));
                }
            }
        }
        let Self { peers, rooms, context, .. } = self;
        for id in waiting {
            let Some(peer) = peers.get_mut(id) else { continue };
            on_room_loaded(now, rooms, context, peer, &name, outcome);
            read(now, rooms, context, peer);
        }
    }
}
