//! Reading the log for members: from the tail or a page in memory, or else by a job.

use core::ops::RangeInclusive;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::{Room, Rooms};
use crate::hub::context::Context;
use crate::hub::encoded::{Encoded, PageRead};
use crate::hub::jobs::{Job, ReadJob, StoreJob};
use crate::hub::pages::{For, Lookup, PAGE};
use crate::hub::peer::Peers;
use crate::hub::timers::Timer;
use crate::store::ReadError;

impl Room {
    /// The first entry of `range` that `takes` accepts, from the tail or a page. If that has to be
    /// read, the connection is served again then.
    pub(super) fn lookup<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        peer: u32,
        range: RangeInclusive<u64>,
        purpose: For,
        takes: impl Fn(&Encoded) -> bool,
    ) -> Lookup {
        context.counters.lookups += 1;
        let (seq, last) = (*range.start(), *range.end());
        if self.log.in_tail(seq).is_some() {
            let last = last.min(seq + PAGE - 1);
            let mut entries = (seq..=last).zip(self.log.tail_from(seq));
            let found = entries.find(|(_, encoded)| takes(encoded));
            return match found {
                Some((at, encoded)) => Lookup::Here(at, encoded.clone()),
                None => Lookup::Passed(last + 1),
            };
        }
        if seq < self.log.first() {
            return Lookup::Gone;
        }
        let found = context.pages.lookup(self.id, range, takes);
        if matches!(found, Lookup::Later) {
            context.pages.want(self.id, seq, peer, purpose);
        }
        found
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
                let read_for = context.pages.complete(self.id, range, entries);
                for id in &read_for {
                    if let Some(peer) = peers.get_mut(*id) {
                        context.turns.mark_ready(&mut peer.link.turn);
                    }
                }
                self.continue_removals(now, peers, context, &read_for);
            }
            Err(ReadError(_)) => {
                context.counters.reads_failed += 1;
                context.pages.fail(self.id, &range);
                context.timers.set(Timer::Pages, Some(now + context.config.limits.retry_min));
            }
        }
    }
}

impl<P: Provider> Context<P> {
    /// Creates the jobs that read the requested pages.
    pub(in crate::hub) fn create_read_jobs(&mut self, rooms: &Rooms) {
        if !self.pages.has_next() || self.timers.get(&Timer::Pages).is_some() {
            return;
        }
        // A room for which a page is requested stays in memory.
        let kept = |id| rooms.get(id).map_or(0..=0, |room| room.first()..=room.head());
        while let Some((room, range)) = self.pages.next_read(kept) {
            let name = rooms.get(room).map(Room::shared_name).unwrap_or_default();
            self.jobs.push_back(Job::Store(StoreJob::Read(ReadJob { room, name, range })));
        }
    }
}
