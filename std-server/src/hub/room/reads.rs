//! Reading the log for members: from the tail or a page in memory, or else by a job.

use core::ops::RangeInclusive;

use kabar_core::connection::CloseCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::pages::{For, Lookup, PAGE};
use crate::hub::context::Context;
use crate::hub::encoded::{Encoded, PageRead};
use crate::hub::events::LeaveReason;
use crate::hub::jobs::{Job, ReadJob, StoreJob};
use crate::hub::peer::{Peer, Peers};
use crate::hub::timers::RoomTimer;
use crate::store::ReadError;

impl Room {
    /// The first entry of `range` that `takes` accepts, and its seq, from the tail or a page. If
    /// there is none within a page, the seq at which to continue. `None`: a page has to be read;
    /// the connection is served again then.
    pub(super) fn lookup<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        range: RangeInclusive<u64>,
        purpose: For,
        takes: impl Fn(&Encoded) -> bool,
    ) -> Option<(u64, Option<Encoded>)> {
        context.counters.lookups += 1;
        let (seq, last) = (*range.start(), *range.end());
        if self.log.in_tail(seq).is_some() {
            let last = last.min(seq + PAGE - 1);
            let mut entries = (seq..=last).zip(self.log.tail_from(seq));
            let found = entries.find(|(_, encoded)| takes(encoded));
            return Some(found.map_or((last + 1, None), |(at, encoded)| (at, Some(encoded.clone()))));
        }
        let is_kept = seq >= self.log.first();
        match if is_kept { self.pages.lookup(range, takes) } else { Lookup::Gone } {
            Lookup::Here(at, encoded) => Some((at, Some(encoded))),
            Lookup::Passed(next) => Some((next, None)),
            Lookup::Later => {
                self.pages.want(seq, peer.id, purpose);
                None
            }
            Lookup::Gone => {
                // The entry after its cursor is not kept. A new Join starts at the first entry that
                // is, and states it.
                self.remove_member(now, context, peer, LeaveReason::Vanished);
                peer.close(now, context, CloseCode::INTERNAL, "history was removed");
                None
            }
        }
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
                        context.turns.mark_ready(&mut peer.turn);
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
