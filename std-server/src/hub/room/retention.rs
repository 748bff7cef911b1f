//! Retention of instances and admissions: those of identities that were unseen for long are removed
//! from memory and store, and so are those beyond the bound of an identity (SPEC 6.5, 6.6).
//!
//! A record is removed from memory at once, and from the store with the next commit. If that commit
//! fails, everything is read from the store again and the record returns. No record is removed that
//! a connection, a Join in progress, an uncommitted post or the batch in progress needs.

use std::collections::{BTreeSet, VecDeque};

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::Room;
use super::appender::{Origin, PendingEntry};
use super::requests::JoinError;
use crate::hub::context::Context;
use crate::hub::fairness::prefix::Prefix;
use crate::hub::peer::Link;
use crate::hub::people::JoinRequest;
use crate::hub::people::{FORGOTTEN_AT_ONCE, Kept, People, ServerPart};
use crate::hub::timers::{RoomTimer, Timer};
use crate::hub::upkeep::{PURGE_INTERVAL, UPKEEP_INTERVAL};
use crate::store::NameRecord;

/// A full table evicts one in this many identities at a time: it is not searched for each newcomer.
const EVICTED_SHARE: usize = 64;

impl Room {
    pub(super) fn on_upkeep_timer<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        for (name, session) in self.members.sessions() {
            context.people.push_seen(name.folded());
            self.appender.push_seen(session.instance);
        }
        self.purge(now, context);
        self.plan_upkeep(now, context);
    }

    /// Sets the time of the next upkeep.
    pub(super) fn plan_upkeep<P: Provider>(&self, now: Instant, context: &mut Context<P>) {
        context.timers.set(self.timer(RoomTimer::Upkeep), Some(now + UPKEEP_INTERVAL));
    }

    /// Removes lapsed and surplus records; the rest of them a little later.
    pub(super) fn purge<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        let is_done = !context.commits.is_recovering() && self.purge_some(now, context);
        context.timers.set(self.timer(RoomTimer::Purge), (!is_done).then(|| now + PURGE_INTERVAL));
    }

    /// Removes some of them. Returns whether these were all.
    fn purge_some<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) -> bool {
        let (limits, busy) = (context.config.limits, self.busy());
        let (ran_ms, keep_ms) = (context.people.ran_ms(now), limits.instance_keep.as_millis());
        let (mut lapsed, mut crowded) = (Vec::new(), Vec::new());
        for (identity, instances) in self.instances.iter() {
            if lapsed.len() + crowded.len() >= FORGOTTEN_AT_ONCE {
                break;
            }
            if instances.len() > limits.instances_per_identity {
                crowded.push(*identity);
            }
            let is_lapsed = |instance: &&u64| {
                let known = self.log.instance(**instance);
                let is_old = |seen_ran_ms| ran_ms.saturating_sub(seen_ran_ms) >= keep_ms;
                !busy.contains(identity) && known.is_some_and(|it| is_old(it.seen_ran_ms) && !it.is_waiting())
            };
            lapsed.extend(instances.iter().filter(is_lapsed).map(|instance| (*identity, *instance)));
        }
        let is_done = lapsed.len() + crowded.len() < FORGOTTEN_AT_ONCE;
        for (identity, instance) in lapsed {
            context.counters.instances_lapsed += 1;
            self.forget_instance(context, identity, instance);
        }
        for identity in crowded {
            self.trim_instances(context, identity, 0);
        }
        // Admissions of identities that no longer have any record.
        let known = &context.people.known;
        let strangers = self.admissions.iter().filter(|it| !known.contains(it) && !busy.contains(it));
        let strangers: Vec<PublicIdentity> = strangers.copied().take(FORGOTTEN_AT_ONCE).collect();
        strangers.iter().for_each(|identity| self.forget_admission(context, *identity));
        is_done && strangers.len() < FORGOTTEN_AT_ONCE
    }

    /// Checks that a new identity may be registered; makes room for it if necessary.
    pub(super) fn take_newcomer<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        link: &Link<P>,
        identity: &PublicIdentity,
    ) -> Result<(), JoinError> {
        if context.people.known.contains(identity) {
            return Ok(());
        }
        if !context.people.newcomers.take(now, Prefix::of(link.address)) {
            context.counters.newcomers_limited += 1;
            return Err((RefusedCode::TRY_LATER, "too many new members from there; try again in a minute".into()));
        }
        if !self.has_room(now, context) {
            context.counters.identities_full += 1;
            return Err((RefusedCode::TRY_LATER, "too many members are known here".into()));
        }
        Ok(())
    }

    fn has_room<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) -> bool {
        let limits = context.config.limits;
        if !context.people.is_full(&limits) {
            return true;
        }
        // The table is searched once per second at most.
        if context.timers.get(&Timer::Evict).is_some() {
            return false;
        }
        context.purge_names(now);
        self.purge(now, context);
        if context.people.is_full(&limits) {
            self.evict(context);
        }
        let is_full = context.people.is_full(&limits);
        if is_full {
            context.timers.set(Timer::Evict, Some(now + PURGE_INTERVAL));
        }
        !is_full
    }

    /// Evicts the identities that were unseen for longest, of those that are not connected and have
    /// no post in the log: no member is lost, and no post can be accepted twice. Those with
    /// instances in other rooms stay.
    fn evict<P: Provider>(&mut self, context: &mut Context<P>) {
        let (busy, people) = (self.busy(), &context.people);
        let is_evictable = |(identity, kept): &(&PublicIdentity, &Kept)| {
            let instances = self.instances.of(identity);
            let mut known = instances.iter().filter_map(|instance| self.log.instance(*instance));
            !busy.contains(identity)
                && !people.is_busy(identity)
                && kept.instances == instances.len()
                && known.all(|instance| instance.accepted == 0)
                && people.owned(identity).all(|record| people.is_idle_name(record))
        };
        let evictable = people.known.iter().filter(is_evictable);
        let mut evictable: Vec<(u64, PublicIdentity)> =
            evictable.map(|(identity, _)| (self.seen_ran_ms(people, identity), *identity)).collect();
        evictable.sort_unstable();
        evictable.truncate(context.config.limits.identities.div_ceil(EVICTED_SHARE));
        for (_, identity) in evictable {
            context.counters.identities_full += 1;
            let names: Vec<NameRecord> = context.people.owned(&identity).cloned().collect();
            names.iter().for_each(|record| context.people.forget_name(record));
            for instance in self.instances.of(&identity).to_vec() {
                self.forget_instance(context, identity, instance);
            }
            self.forget_unknown(context, identity);
        }
    }

    /// When an identity was last seen under any of its names and instances.
    fn seen_ran_ms(&self, people: &People, identity: &PublicIdentity) -> u64 {
        let instances = self.instances.of(identity).iter().filter_map(|instance| self.log.instance(*instance));
        let names = people.owned(identity).map(|record| record.seen_ran_ms);
        names.chain(instances.map(|it| it.seen_ran_ms)).max().unwrap_or_default()
    }

    /// Before a batch is built: Joins and renames that add a record to their identity displace the
    /// least recently used ones. What `part` has was added by another room.
    pub(super) fn trim_joining<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        part: &ServerPart,
        posts: &VecDeque<PendingEntry>,
    ) {
        let people = &context.people;
        let renamed = posts.iter().filter_map(|post| match &post.origin {
            Origin::Renamed { identity, name, .. } => Some((*identity, name.folded())),
            _ => None,
        });
        let is_new = |identity: PublicIdentity, folded: &str| {
            let owner = people.names.record(folded).or_else(|| part.names.get(folded));
            owner.is_none_or(|record| record.identity != identity)
        };
        let renames = renamed.map(|(identity, folded)| (identity, usize::from(is_new(identity, folded)), 0));
        let joins = self.appender.joining().map(|JoinRequest { identity, name, instance, .. }| {
            let new_instances = usize::from(self.log.instance(*instance).is_none());
            (*identity, usize::from(is_new(*identity, name.folded())), new_instances)
        });
        for (identity, new_names, new_instances) in joins.chain(renames).collect::<Vec<_>>() {
            if new_names + new_instances > 0 {
                let limits = context.config.limits;
                context.people.trim_names(&limits, &mut context.counters, identity, new_names);
                self.trim_instances(context, identity, new_instances);
            }
        }
    }

    /// Removes the surplus instances of an identity if `new_instances` are added: those first under
    /// which nothing was posted, then the least recently used ones.
    fn trim_instances<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        identity: PublicIdentity,
        new_instances: usize,
    ) {
        let kept = self.instances.of(&identity);
        let surplus = (kept.len() + new_instances).saturating_sub(context.config.limits.instances_per_identity);
        if surplus == 0 {
            return;
        }
        let used: BTreeSet<u64> = self.appender.joining().map(|request| request.instance).collect();
        let mut instances: Vec<(bool, u64, u64, u64)> = Vec::new();
        for instance in kept.iter().filter(|it| !used.contains(it)) {
            let is_here = self.members.session_of_instance(*instance).is_some();
            if let Some(known) = self.log.instance(*instance).filter(|known| !is_here && !known.is_waiting()) {
                instances.push((known.highest > 0, known.seen_ran_ms, known.highest_seq, *instance));
            }
        }
        instances.sort_unstable();
        instances.truncate(surplus);
        for (.., instance) in instances {
            context.counters.instances_crowded += 1;
            self.forget_instance(context, identity, instance);
        }
    }

    /// Identities that are connected, joining, or written by the batch in progress.
    fn busy(&self) -> BTreeSet<PublicIdentity> {
        let joining = self.appender.joining().map(|request| request.identity);
        self.members.identities().chain(joining).chain(self.appender.writes()).collect()
    }

    fn forget_instance<P: Provider>(&mut self, context: &mut Context<P>, identity: PublicIdentity, instance: u64) {
        self.log.forget(instance);
        self.instances.remove(identity, instance, &mut context.people.known);
        self.appender.forgotten().instances.push(instance);
        self.forget_unknown(context, identity);
    }

    /// Removes the admission of an identity together with its last record.
    fn forget_unknown<P: Provider>(&mut self, context: &mut Context<P>, identity: PublicIdentity) {
        if !context.people.known.contains(&identity) {
            self.forget_admission(context, identity);
        }
    }

    fn forget_admission<P: Provider>(&mut self, context: &mut Context<P>, identity: PublicIdentity) {
        if self.admissions.forget(&identity, &mut context.admitted) {
            self.appender.forgotten().admissions.push(identity);
        }
    }
}
