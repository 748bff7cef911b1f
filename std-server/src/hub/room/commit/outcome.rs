//! The outcome of a commit. Only here is anything reported as stored (SPEC 7).

use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use crate::hub::context::Context;
use crate::hub::events::HubEvent;
use crate::hub::jobs::{Job, Loaded, StoreJob};
use crate::hub::peer::Peers;
use crate::hub::room::appender::{InFlight, Origin, State};
use crate::hub::room::known::Known;
use crate::hub::room::presence::Presence;
use crate::hub::room::requests::CommittingJoin;
use crate::hub::room::{Room, STORE_FAILS};
use crate::hub::timers::RoomTimer;
use crate::store::{CommitError, LogEntry, ReadError, RoomBatch};

impl Room {
    /// If the batch is committed, returns the connections of its Joins: reading them may continue.
    pub(in crate::hub) fn on_append_done<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        result: Result<(), CommitError>,
    ) -> Option<Vec<u32>> {
        let State::Appending(in_flight) = core::mem::replace(&mut self.appender.state, State::Idle) else {
            return None;
        };
        match result {
            Ok(()) => Some(self.on_committed(now, peers, context, in_flight)),
            Err(why) => {
                self.on_trouble(now, peers, context, in_flight, why);
                None
            }
        }
    }

    /// The batch is durable.
    fn on_committed<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        in_flight: InFlight,
    ) -> Vec<u32> {
        let InFlight { server, batch, origins, joins, changes, .. } = in_flight;
        context.counters.commits += 1;
        context.counters.entries += batch.entries.len() as u64;
        self.appender.pause = context.config.limits.retry_min;
        let first = self.log.first();
        self.log.apply(&batch);
        self.known.apply(&server, &batch, &self.ownership);
        self.ownership.apply(&server, &batch);
        self.invites.apply(&server);
        self.presence.apply(&changes);
        self.sanctions.apply(&batch);
        context.privileges.apply(&server);
        let committed: usize = batch.entries.iter().map(|entry| entry.body.len() + ENTRY_OVERHEAD).sum();
        self.appender.bytes -= committed;
        self.appender.recompute_changes();
        self.confirm_stored(peers, context, &batch);
        // Joins alone concern no other member.
        let has_entries = !batch.entries.is_empty();
        let renames = origins.iter().filter(|origin| matches!(origin, Origin::Renamed { .. })).cloned().collect();
        self.complete_removals(peers, context, &batch, &origins);
        if batch.first.is_some() {
            self.on_entries_expired(now, context, first);
        }
        if has_entries {
            self.plan_survey(now, context, true);
        }
        emit_entries(context, batch, origins);
        self.end_trouble(peers, context);
        if has_entries {
            self.mark_caught_up_ready(peers, context);
        }
        let joined = self.complete_joins(now, peers, context, joins);
        self.complete_renames(peers, context, renames);
        joined
    }

    /// Confirms to connected authors which of their posts are stored (SPEC 6.5: cumulative).
    fn confirm_stored<P: Provider>(&self, peers: &mut Peers<P>, context: &mut Context<P>, batch: &RoomBatch) {
        for record in batch.instances.iter().filter(|record| record.highest > 0) {
            let session = self.members.session_of_instance(record.instance);
            let Some(peer) = session.and_then(|session| peers.get_mut(session.peer)) else { continue };
            if let Some(member) = peer.member_mut() {
                member.due.stored = Some((record.highest, record.highest_seq));
                context.turns.mark_ready(&mut peer.turn);
            }
        }
    }

    /// The commit failed, or its outcome is unknown: nothing more is committed before heads and
    /// numbers were read again (SPEC 7).
    fn on_trouble<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        in_flight: InFlight,
        why: CommitError,
    ) {
        match why {
            CommitError::Failed(_) => context.counters.commits_failed += 1,
            CommitError::Uncertain(_) => context.counters.commits_uncertain += 1,
        }
        if !core::mem::replace(&mut self.appender.is_in_trouble, true) {
            context.emit(HubEvent::StoreTrouble(why));
        }
        for CommittingJoin { peer, request } in in_flight.joins.iter().chain(&self.appender.joins) {
            // Joins do not wait. Their announcements are dropped, or revoked by Left, when the
            // outcome is known.
            if let Some(peer) = peers.get_mut(*peer).filter(|peer| peer.phase.is_joining(self.id)) {
                self.residents.remove(&peer.id);
                peer.refuse(now, context, request.name.shown(), RefusedCode::TRY_LATER, STORE_FAILS);
            }
        }
        self.notify_authors(peers, context, &in_flight.batch);
        self.reload(context, in_flight);
    }

    /// Notifies each author once that its posts are not stored yet.
    fn notify_authors<P: Provider>(&self, peers: &mut Peers<P>, context: &mut Context<P>, batch: &RoomBatch) {
        for entry in &batch.entries {
            let session = self.members.session_of_instance(entry.instance);
            let Some(peer) = session.and_then(|session| peers.get_mut(session.peer)) else { continue };
            let Some(member) = peer.member_mut() else { continue };
            if !core::mem::replace(&mut member.was_notified, true) {
                member.due.storage_notice = true;
                context.turns.mark_ready(&mut peer.turn);
            }
        }
    }

    /// Ends the trouble with the store, if there was any.
    fn end_trouble<P: Provider>(&mut self, peers: &mut Peers<P>, context: &mut Context<P>) {
        if !core::mem::take(&mut self.appender.is_in_trouble) {
            return;
        }
        for (_, session) in self.members.sessions() {
            if let Some(member) = peers.get_mut(session.peer).and_then(|peer| peer.member_mut()) {
                member.was_notified = false;
                member.due.storage_notice = false;
            }
        }
        context.emit(HubEvent::StoreRecovered);
    }

    fn reload<P: Provider>(&mut self, context: &mut Context<P>, in_flight: InFlight) {
        self.appender.state = State::Reloading(in_flight);
        context.jobs.push_back(Job::Store(StoreJob::Reload { room: self.id, name: self.settings.name.clone() }));
    }

    /// As [`Self::on_append_done`]: returns connections if the batch was found in the log.
    pub(in crate::hub) fn on_reload_done<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        result: Result<Box<Loaded>, ReadError>,
    ) -> Option<Vec<u32>> {
        let State::Reloading(in_flight) = core::mem::replace(&mut self.appender.state, State::Idle) else {
            return None;
        };
        match result {
            Err(why) => {
                context.counters.reads_failed += 1;
                context.emit(HubEvent::StoreUnreadable(why));
            }
            Ok(loaded) if loaded.room.head < in_flight.base => {
                context.emit(HubEvent::StoreRegressed { head: loaded.room.head, expected: in_flight.base });
            }
            Ok(loaded) => return self.derive(now, peers, context, in_flight, &loaded),
        }
        self.appender.state = State::ReloadPausing(in_flight);
        self.pause(now, context);
        None
    }

    /// Heads and numbers are known again. A transaction is written whole or not at all, and only
    /// this hub writes: the batch is in the log if the head is high enough.
    fn derive<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        in_flight: InFlight,
        loaded: &Loaded,
    ) -> Option<Vec<u32>> {
        self.log.reload(&loaded.room);
        self.pages.clear();
        self.ownership.reload(loaded);
        self.invites.reload(&loaded.server);
        self.presence = Presence::new(&loaded.room);
        self.sanctions.reload(&loaded.room);
        context.privileges.reload(&loaded.server);
        // Records that were to be removed exist again, and will be searched for again.
        self.known = Known::new(loaded);
        self.appender.clear_forgotten();
        let was_written = in_flight.batch.last_seq().is_some_and(|last| loaded.room.head >= last);
        let joined = if was_written {
            context.counters.commits_found += 1;
            Some(self.on_committed(now, peers, context, in_flight))
        } else {
            let was_expiring = in_flight.batch.first.is_some();
            self.requeue(in_flight);
            if was_expiring {
                self.plan_survey(now, context, true);
            }
            self.cancel_renames(peers, context);
            self.appender.state = State::Pausing;
            self.pause(now, context);
            None
        };
        self.restore_accepted();
        joined
    }

    /// Posts that wait for their commit were accepted before and still are.
    fn restore_accepted(&mut self) {
        for post in &self.appender.posts {
            if let Some(instance) = self.log.instance_mut(post.instance) {
                instance.accepted = instance.accepted.max(post.number);
            }
        }
    }

    fn pause<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        let retry_max = context.config.limits.retry_max;
        context.counters.retries += 1;
        context.counters.retries_longest += u64::from(self.appender.pause >= retry_max);
        context.timers.set(self.timer(RoomTimer::Store), Some(now + self.appender.pause));
        self.appender.pause = (self.appender.pause * 2).min(retry_max);
    }

    /// A pause after trouble is over.
    pub(in crate::hub::room) fn on_store_timer<P: Provider>(&mut self, context: &mut Context<P>) {
        match core::mem::replace(&mut self.appender.state, State::Idle) {
            State::ReloadPausing(in_flight) => self.reload(context, in_flight),
            State::Pausing => {}
            other => self.appender.state = other,
        }
    }
}

/// Emits an event for each entry.
fn emit_entries<P: Provider>(context: &mut Context<P>, batch: Arc<RoomBatch>, origins: Vec<Origin>) {
    for (entry, origin) in Arc::unwrap_or_clone(batch).entries.into_iter().zip(origins) {
        let LogEntry { seq, time_ms, author, kind, body, .. } = entry;
        let from = match origin {
            Origin::Member(from) => Some(from),
            Origin::Operator | Origin::Presence { .. } | Origin::Renamed { .. } | Origin::Removal { .. } => None,
        };
        context.emit(HubEvent::Entry { seq, time_ms, author, from, kind, body });
    }
}
