//! Reading older pages of the log.

use core::ops::RangeInclusive;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use crate::hub::context::Context;
use crate::hub::encoded::PageRead;
use crate::hub::jobs::{Job, ReadJob, StoreJob};
use crate::hub::peer::Peers;
use crate::hub::timers::RoomTimer;
use crate::store::ReadError;

impl Room {
    /// Creates the jobs that read the pages that are wanted.
    pub(in crate::hub) fn create_read_jobs<P: Provider>(&mut self, context: &mut Context<P>) {
        if context.timers.get(&self.timer(RoomTimer::Pages)).is_some() {
            return;
        }
        while let Some(range) = self.pages.next_read(&(self.log.first()..=self.log.head())) {
            let job = ReadJob { room: self.id, name: self.settings.name.clone(), range };
            context.jobs.push_back(Job::Store(StoreJob::Read(job)));
        }
    }

    pub(in crate::hub) fn on_read_done<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        range: RangeInclusive<u64>,
        entries: Result<PageRead, ReadError>,
    ) {
        match entries {
            Ok(entries) => {
                context.counters.pages_read += 1;
                for id in self.pages.complete(range, entries) {
                    if let Some(peer) = peers.get_mut(id) {
                        context.turns.mark_ready(&mut peer.turn);
                    }
                }
            }
            Err(ReadError(_)) => {
                context.counters.reads_failed += 1;
                self.pages.fail(&range);
                context.timers.set(self.timer(RoomTimer::Pages), Some(now + context.config.limits.retry_min));
            }
        }
    }
}
