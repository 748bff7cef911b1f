//! Reading the log for members: from the tail or a page in memory, or else by a job.

use core::ops::RangeInclusive;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::pages::{For, Lookup, PAGE};
use crate::hub::context::Context;
use crate::hub::encoded::{Encoded, PageRead};
use crate::hub::jobs::{Job, ReadJob, StoreJob};
use crate::hub::peer::Peers;
use crate::hub::timers::RoomTimer;
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
        let found = self.pages.lookup(range, takes);
        if matches!(found, Lookup::Later) {
            self.pages.want(seq, peer, purpose);
        }
        found
    }

    /// Creates the jobs that read the requested pages.
    pub(in crate::hub) fn create_read_jobs<P: Provider>(&mut self, context: &mut Context<P>) {
        if context.timers.get(&self.timer(RoomTimer::Pages)).is_some() {
            return;
        }
        while let Some(range) = self.pages.next_read(&(self.log.first()..=self.log.head())) {
            let job = ReadJob { room: self.id, name: self.settings.name.clone(), range };
            context.jobs.push_back(Job::Store(StoreJob::Read(job)));
        }
    }

    /// Forgets the pages in memory. For tests.
    #[cfg(test)]
    pub(in crate::hub) fn forget_pages(&mut self) {
        self.pages.clear();
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
                let read_for = self.pages.complete(range, entries);
                for id in &read_for {
                    if let Some(peer) = peers.get_mut(*id) {
                        context.turns.mark_ready(&mut peer.link.turn);
                    }
                }
                self.continue_removals(now, peers, context, &read_for);
            }
            Err(ReadError(_)) => {
                context.counters.reads_failed += 1;
                self.pages.fail(&range);
                context.timers.set(self.timer(RoomTimer::Pages), Some(now + context.config.limits.retry_min));
            }
        }
    }
}
