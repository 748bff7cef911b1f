//! The outcome of a room's batch.

use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, RefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use crate::hub::context::Context;
use crate::hub::events::HubEvent;
use crate::hub::peer::Peers;
use crate::hub::room::Room;
use crate::hub::room::appender::{InFlight, Origin};
use crate::hub::room::presence::Presence;
use crate::hub::room::requests::CommittingJoin;
use crate::store::{LogEntry, RoomBatch, RoomState};

impl Room {
    /// The batch in progress is durable. Returns the connections of its Joins: reading them may
    /// continue.
    pub(in crate::hub) fn on_committed<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
    ) -> Vec<u32> {
        let Some(in_flight) = self.appender.in_flight.take() else { return Vec::new() };
        let InFlight { batch, origins, joins, changes, .. } = in_flight;
        context.counters.entries += batch.entries.len() as u64;
        let first = self.log.first();
        self.log.apply(&batch);
        self.apply_topic(&batch);
        self.instances.add(&batch.instances, &mut context.people.known);
        self.admissions.apply(&batch, &mut context.admitted);
        self.presence.apply(&changes);
        self.sanctions.apply(&batch);
        context.commits.end_entries(batch.entries.iter().map(|entry| entry.body.len() + ENTRY_OVERHEAD).sum());
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
        if context.commits.is_in_trouble() {
            self.end_trouble(peers);
        }
        if has_entries {
            self.mark_caught_up_ready(peers, context);
        }
        let joined = self.complete_joins(now, peers, context, joins);
        self.complete_renames(peers, context, renames);
        for identity in changes.identities() {
            self.report(&mut context.people, identity);
        }
        joined
    }

    /// Confirms to connected authors which of their posts are stored (SPEC 6.5: cumulative).
    fn confirm_stored<P: Provider>(&self, peers: &mut Peers<P>, context: &mut Context<P>, batch: &RoomBatch) {
        for record in batch.instances.iter().filter(|record| record.highest > 0) {
            let session = self.members.session_of_instance(record.instance);
            let author = session.and_then(|session| peers.member_mut(session.peer, self.id));
            let Some((link, member)) = author else { continue };
            member.due.stored = Some((record.highest, record.highest_seq));
            context.turns.mark_ready(&mut link.turn);
        }
    }

    /// The commit of its batch failed, or the outcome is unknown: notifies each author once that
    /// its posts are not stored yet.
    pub(in crate::hub) fn on_trouble<P: Provider>(&self, peers: &mut Peers<P>, context: &mut Context<P>) {
        for entry in self.appender.in_flight.iter().flat_map(|it| &it.batch.entries) {
            let session = self.members.session_of_instance(entry.instance);
            let author = session.and_then(|session| peers.member_mut(session.peer, self.id));
            let Some((link, member)) = author else { continue };
            if !core::mem::replace(&mut member.was_notified, true) {
                member.due.storage_notice = true;
                context.turns.mark_ready(&mut link.turn);
            }
        }
    }

    /// Refuses the Joins that wait for a commit. Their announcements are dropped, or revoked by
    /// Left, when the outcome is known.
    pub(in crate::hub) fn refuse_joins<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        code: RefusedCode,
        text: &str,
    ) {
        let in_flight = self.appender.in_flight.iter().flat_map(|it| &it.joins);
        for CommittingJoin { peer, request } in in_flight.chain(&self.appender.joins) {
            if let Some(peer) = peers.get_mut(*peer).filter(|peer| peer.memberships.is_joining(self.id)) {
                self.residents.remove(&peer.link.id);
                self.refuse(now, context, peer, request.name.shown(), code, text);
            }
        }
    }

    /// The trouble with the store is over: members are notified of the next one again.
    fn end_trouble<P: Provider>(&self, peers: &mut Peers<P>) {
        for (_, session) in self.members.sessions() {
            if let Some((_, member)) = peers.member_mut(session.peer, self.id) {
                member.was_notified = false;
                member.due.storage_notice = false;
            }
        }
    }

    /// The head before the batch in progress.
    pub(in crate::hub) fn base(&self) -> Option<u64> {
        self.appender.in_flight.as_ref().map(|it| it.base)
    }

    /// The last seq of the batch in progress, if that has entries.
    pub(in crate::hub) fn last_in_flight(&self) -> Option<u64> {
        self.appender.in_flight.as_ref().and_then(|it| it.batch.last_seq())
    }

    /// Replaces everything that the store has by what was read from it again.
    pub(in crate::hub) fn reload<P: Provider>(&mut self, context: &mut Context<P>, loaded: &RoomState) {
        self.log.reload(loaded);
        context.pages.clear(self.id);
        self.admissions.reload(loaded, &mut context.admitted);
        let before = core::mem::replace(&mut self.presence, Presence::new(loaded));
        self.sanctions.reload(loaded);
        // Records that were to be removed exist again, and will be searched for again.
        self.instances.reload(loaded, &mut context.people.known);
        self.appender.clear_forgotten();
        self.restore_accepted();
        for identity in before.identities().chain(self.presence.identities()).collect::<Vec<_>>() {
            self.report(&mut context.people, identity);
        }
    }

    /// The batch in progress is not in the store: it is collected again.
    pub(in crate::hub) fn on_not_written<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        if let Some(in_flight) = self.appender.in_flight.take() {
            let was_expiring = in_flight.batch.first.is_some();
            self.requeue(in_flight);
            if was_expiring {
                self.plan_survey(now, context, true);
            }
        }
        self.restore_accepted();
    }

    /// Posts that wait for their commit were accepted before and still are.
    fn restore_accepted(&mut self) {
        for post in &self.appender.posts {
            if let Some(instance) = self.log.instance_mut(post.instance) {
                instance.accepted = instance.accepted.max(post.number);
            }
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
