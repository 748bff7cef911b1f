//! What a commit came to. Only here is anybody told that something is stored (SPEC 7).

use core::ops::RangeInclusive;
use std::sync::Arc;

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::{InFlight, Joiner, Source, State};
use crate::hub::known::Known;
use crate::hub::peer::Phase;
use crate::hub::timers::Timer;
use crate::hub::{Hub, HubEvent, Job, PageRead, StoreJob};
use crate::store::{Batch, CommitError, Forgotten, Loaded, LogEntry, ReadError};

impl<P: Provider> Hub<P> {
    pub(in crate::hub) fn on_append_done(&mut self, now: Instant, result: Result<(), CommitError>) {
        let State::Appending(in_flight) = core::mem::replace(&mut self.appender.state, State::Idle) else { return };
        match result {
            Ok(()) => self.on_committed(now, in_flight),
            Err(why) => self.on_trouble(now, in_flight, why),
        }
    }

    /// The batch is in the log for ever.
    fn on_committed(&mut self, now: Instant, in_flight: InFlight) {
        let InFlight { batch, sources, joiners, .. } = in_flight;
        self.counters.commits += 1;
        self.counters.entries += batch.entries.len() as u64;
        self.appender.pause = self.config.limits.retry_min;
        self.log.apply(&batch);
        self.known.apply(&batch, &self.ownership);
        self.ownership.apply(&batch);
        self.sanctions.apply(&batch);
        let committed: usize = batch.entries.iter().map(|entry| entry.body.len() + super::ENTRY_OVERHEAD).sum();
        self.appender.bytes -= committed;
        self.appender.recompute_presence();
        self.say_stored(&batch);
        // Joins alone are nothing to anybody else.
        let has_entries = !batch.entries.is_empty();
        self.report(batch, sources);
        self.end_trouble();
        if has_entries {
            self.mark_members_ready();
        }
        self.complete_joins(now, joiners);
        self.read_on(now);
    }

    /// Tells authors that are here what is stored of theirs (SPEC 6.5: cumulative).
    fn say_stored(&mut self, batch: &Batch) {
        for record in batch.instances.iter().filter(|record| record.highest > 0) {
            let Some(id) = self.members.by_instance.get(&record.instance).copied() else { continue };
            if let Some(member) = self.peers.get_mut(&id).and_then(|peer| peer.member_mut()) {
                member.stored = Some((record.highest, record.highest_seq));
                self.mark_ready(id);
            }
        }
    }

    /// Tells the program around the hub.
    fn report(&mut self, batch: Arc<Batch>, sources: Vec<Source>) {
        for (entry, source) in Arc::unwrap_or_clone(batch).entries.into_iter().zip(sources) {
            let LogEntry { seq, time_ms, author, kind, body, .. } = entry;
            let from = match source {
                Source::Member(from) => Some(from),
                Source::Operator | Source::Presence { .. } => None,
            };
            self.tell(HubEvent::Entry { seq, time_ms, author, from, kind, body });
        }
    }

    /// The batch did not (surely) happen: nothing is accepted before heads and numbers were read again (SPEC 7).
    fn on_trouble(&mut self, now: Instant, in_flight: InFlight, why: CommitError) {
        match why {
            CommitError::Failed(_) => self.counters.commits_failed += 1,
            CommitError::Uncertain(_) => self.counters.commits_uncertain += 1,
        }
        if !core::mem::replace(&mut self.appender.is_in_trouble, true) {
            self.tell(HubEvent::StoreTrouble(why));
        }
        self.refuse_joins(now, &in_flight.joiners);
        let collecting = self.appender.joiners.clone();
        self.refuse_joins(now, &collecting);
        self.warn_authors(&in_flight.batch);
        self.reload(in_flight);
    }

    /// Joins do not wait for better times. What was to be said of them goes, or is taken back, when the outcome is known.
    fn refuse_joins(&mut self, now: Instant, joiners: &[Joiner]) {
        for Joiner { id, .. } in joiners {
            if let Some(Phase::Joining(ask)) = self.peers.get(id).map(|peer| &peer.phase) {
                let name = ask.name.shown().to_owned();
                let text = "the server cannot store anything at the moment";
                self.refuse(now, *id, &name, RefusedCode::TRY_LATER, text);
            }
        }
    }

    /// Tells authors once that theirs is not stored yet.
    fn warn_authors(&mut self, batch: &Batch) {
        for entry in &batch.entries {
            let Some(id) = self.members.by_instance.get(&entry.instance).copied() else { continue };
            let Some(member) = self.peers.get_mut(&id).and_then(|peer| peer.member_mut()) else { continue };
            if !core::mem::replace(&mut member.knows_trouble, true) {
                member.notice = true;
                self.mark_ready(id);
            }
        }
    }

    /// If there was any.
    fn end_trouble(&mut self) {
        if !core::mem::take(&mut self.appender.is_in_trouble) {
            return;
        }
        for peer in self.peers.values_mut() {
            if let Some(member) = peer.member_mut() {
                member.knows_trouble = false;
                member.notice = false;
            }
        }
        self.tell(HubEvent::StoreRecovered);
    }

    fn reload(&mut self, in_flight: InFlight) {
        self.appender.state = State::Reloading(in_flight);
        self.jobs.push_back(Job::Store(StoreJob::Reload { room: self.room.clone() }));
    }

    pub(in crate::hub) fn on_reload_done(&mut self, now: Instant, result: Result<Box<Loaded>, ReadError>) {
        let State::Reloading(in_flight) = core::mem::replace(&mut self.appender.state, State::Idle) else { return };
        match result {
            Err(why) => {
                self.counters.reads_failed += 1;
                self.tell(HubEvent::StoreUnreadable(why));
                self.appender.state = State::ReloadPausing(in_flight);
                self.pause(now);
            }
            Ok(loaded) if loaded.head < in_flight.base => {
                self.tell(HubEvent::StoreWentBack { head: loaded.head, expected: in_flight.base });
                self.appender.state = State::ReloadPausing(in_flight);
                self.pause(now);
            }
            Ok(loaded) => self.derive(now, in_flight, &loaded),
        }
    }

    /// Heads and numbers are known again. A transaction is written whole or not at all, and only this hub writes: the batch is in
    /// the log if the head says so.
    fn derive(&mut self, now: Instant, in_flight: InFlight, loaded: &Loaded) {
        self.log.reload(loaded);
        self.pages.clear();
        self.ownership.reload(loaded);
        self.sanctions.reload(loaded);
        // What was to be forgotten is there again, and is looked for again.
        self.known = Known::new(loaded);
        *self.appender.forgotten() = Forgotten::default();
        let was_written = in_flight.batch.last_seq().is_some_and(|last| loaded.head >= last);
        if was_written {
            self.counters.commits_found += 1;
            self.on_committed(now, in_flight);
        } else {
            self.give_back(in_flight);
            self.appender.state = State::Pausing;
            self.pause(now);
        }
        self.restore_accepted();
    }

    /// What waits was accepted before and still is.
    fn restore_accepted(&mut self) {
        for post in &self.appender.posts {
            if let Some(instance) = self.log.instance_mut(post.instance) {
                instance.accepted = instance.accepted.max(post.number);
            }
        }
    }

    fn pause(&mut self, now: Instant) {
        self.counters.retries += 1;
        self.counters.retries_longest += u64::from(self.appender.pause >= self.config.limits.retry_max);
        self.timers.set(Timer::Store, Some(now + self.appender.pause));
        self.appender.pause = (self.appender.pause * 2).min(self.config.limits.retry_max);
    }

    /// A pause after trouble is over.
    pub(in crate::hub) fn on_store_timer(&mut self) {
        match core::mem::replace(&mut self.appender.state, State::Idle) {
            State::ReloadPausing(in_flight) => self.reload(in_flight),
            State::Pausing => {}
            other => self.appender.state = other,
        }
    }

    pub(in crate::hub) fn on_read_done(
        &mut self,
        now: Instant,
        range: RangeInclusive<u64>,
        entries: Result<PageRead, ReadError>,
    ) {
        match entries {
            Ok(entries) => {
                self.counters.pages_read += 1;
                for id in self.pages.complete(range, entries) {
                    self.mark_ready(id);
                }
            }
            Err(ReadError(_)) => {
                self.counters.reads_failed += 1;
                self.pages.fail(&range);
                self.timers.set(Timer::Pages, Some(now + self.config.limits.retry_min));
            }
        }
    }
}
