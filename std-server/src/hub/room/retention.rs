//! Retention of the records of identities: records that were unused for long are removed from
//! memory and store, and so are those beyond the bounds of an identity (SPEC 6.5, 6.6).
//!
//! A record is removed from memory at once, and from the store with the next commit. If that commit
//! fails, everything is read from the store again and the record returns. No record is removed that
//! a connection, a Join in progress, an uncommitted post or the batch in progress needs.

use std::collections::{BTreeSet, VecDeque};

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use super::Room;
use super::appender::{Origin, PendingEntry};
use super::known::Kept;
use super::requests::{JoinError, JoinRequest};
use crate::hub::context::Context;
use crate::hub::counters::Counters;
use crate::hub::fairness::prefix::Prefix;
use crate::hub::limits::HubLimits;
use crate::hub::peer::Peer;
use crate::hub::timers::RoomTimer;

/// How often the running time is written, members are recorded as seen, and lapsed records are
/// searched for.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(3_600);
/// Records that are removed at a time, so that no commit takes long.
const FORGOTTEN_AT_ONCE: usize = 1_000;
/// Time until the next ones are removed.
const PURGE_INTERVAL: Duration = Duration::from_secs(1);
/// A full table evicts one in this many identities at a time: it is not searched for each newcomer.
const EVICTED_SHARE: usize = 64;

impl Room {
    pub(super) fn on_upkeep_timer<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        for (name, session) in self.members.sessions() {
            self.appender.push_seen(name.folded(), session.instance);
        }
        self.appender.push_ran();
        self.purge(now, context);
        self.plan_upkeep(now, context);
    }

    /// Sets the time of the next upkeep.
    pub(super) fn plan_upkeep<P: Provider>(&self, now: Instant, context: &mut Context<P>) {
        context.timers.set(self.timer(RoomTimer::Upkeep), Some(now + UPKEEP_INTERVAL));
    }

    /// Removes lapsed and surplus records; the rest of them a little later.
    pub(super) fn purge<P: Provider>(&mut self, now: Instant, context: &mut Context<P>) {
        let limits = context.config.limits;
        let is_done = !context.commits.is_recovering() && self.purge_some(now, &limits, &mut context.counters);
        context.timers.set(self.timer(RoomTimer::Purge), (!is_done).then(|| now + PURGE_INTERVAL));
    }

    /// Removes some of them. Returns whether these were all.
    fn purge_some(&mut self, now: Instant, limits: &HubLimits, counters: &mut Counters) -> bool {
        let (ran_ms, busy) = (self.ran_ms(now), self.busy());
        let instance_keep = limits.instance_keep.as_millis();
        let (mut names, mut instances, mut crowded) = (Vec::new(), Vec::new(), Vec::new());
        for (identity, kept) in self.known.iter() {
            if names.len() + instances.len() + crowded.len() >= FORGOTTEN_AT_ONCE {
                break;
            }
            let is_busy = busy.contains(identity);
            if kept.instances.len() > limits.instances_per_identity || kept.names.len() > limits.names_per_identity {
                crowded.push(*identity);
            }
            let lapsed = |folded: &&String| {
                let record = self.ownership.record(folded);
                !is_busy && record.is_some_and(|it| self.ownership.has_lapsed(it, ran_ms)) && self.is_idle_name(folded)
            };
            names.extend(kept.names.iter().filter(lapsed).map(|folded| (*identity, folded.clone())));
            let unused = |instance: &&u64| {
                let known = self.log.instance(**instance);
                let is_old = |seen_ran_ms| ran_ms.saturating_sub(seen_ran_ms) >= instance_keep;
                !is_busy && known.is_some_and(|known| is_old(known.seen_ran_ms) && !known.is_waiting())
            };
            instances.extend(kept.instances.iter().filter(unused).map(|instance| (*identity, *instance)));
        }
        let is_done = names.len() + instances.len() + crowded.len() < FORGOTTEN_AT_ONCE;
        for (identity, folded) in names {
            counters.names_lapsed += 1;
            self.forget_name(identity, &folded);
        }
        for (identity, instance) in instances {
            counters.instances_lapsed += 1;
            self.forget_instance(identity, instance);
        }
        for identity in crowded {
            self.trim(limits, counters, identity, 0, 0);
        }
        // Admissions from before identities were counted.
        let strangers = self.ownership.admitted().filter(|it| !self.known.contains(it) && !busy.contains(it));
        let strangers: Vec<PublicIdentity> = strangers.copied().take(FORGOTTEN_AT_ONCE).collect();
        strangers.iter().for_each(|identity| self.forget_admission(*identity));
        is_done && strangers.len() < FORGOTTEN_AT_ONCE
    }

    /// Checks that a new identity may be registered; makes room for it if necessary.
    pub(super) fn take_newcomer<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &Peer<P>,
        identity: &PublicIdentity,
    ) -> Result<(), JoinError> {
        if self.known.contains(identity) {
            return Ok(());
        }
        if !self.newcomers.take(now, Prefix::of(peer.address)) {
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
        if !self.is_full(&limits) {
            return true;
        }
        // The table is searched once per second at most.
        let evict = self.timer(RoomTimer::Evict);
        if context.timers.get(&evict).is_some() {
            return false;
        }
        self.purge(now, context);
        if self.is_full(&limits) {
            self.evict(&limits, &mut context.counters);
        }
        if self.is_full(&limits) {
            context.timers.set(evict, Some(now + PURGE_INTERVAL));
        }
        !self.is_full(&limits)
    }

    fn is_full(&self, limits: &HubLimits) -> bool {
        let is_new = |identity: &PublicIdentity| !self.known.contains(identity);
        self.known.len() + self.appender.joins() >= limits.identities
            && self.known.len() + self.joining().filter(is_new).count() >= limits.identities
    }

    /// Evicts the identities that were unseen for longest, of those that are not connected and have
    /// no post in the log: no member is lost, and no post can be accepted twice.
    fn evict(&mut self, limits: &HubLimits, counters: &mut Counters) {
        let busy = self.busy();
        let is_evictable = |(identity, kept): &(&PublicIdentity, &Kept)| {
            let mut instances = kept.instances.iter().filter_map(|instance| self.log.instance(*instance));
            !busy.contains(identity)
                && instances.all(|instance| instance.accepted == 0)
                && kept.names.iter().all(|folded| self.is_idle_name(folded))
        };
        let evictable = self.known.iter().filter(is_evictable);
        let mut evictable: Vec<(u64, PublicIdentity)> =
            evictable.map(|(identity, kept)| (self.seen_ran_ms(kept), *identity)).collect();
        evictable.sort_unstable();
        evictable.truncate(limits.identities.div_ceil(EVICTED_SHARE));
        for (_, identity) in evictable {
            counters.identities_full += 1;
            let Some(Kept { names, instances }) = self.known.get(&identity).cloned() else { continue };
            names.iter().for_each(|folded| self.forget_name(identity, folded));
            instances.iter().for_each(|instance| self.forget_instance(identity, *instance));
        }
    }

    /// When an identity was last seen under any of its names and instances.
    fn seen_ran_ms(&self, kept: &Kept) -> u64 {
        let names = kept.names.iter().filter_map(|folded| self.ownership.record(folded)).map(|it| it.seen_ran_ms);
        let instances = kept.instances.iter().filter_map(|instance| self.log.instance(*instance));
        names.chain(instances.map(|it| it.seen_ran_ms)).max().unwrap_or_default()
    }

    /// Before a batch is built: Joins and renames that add a record to their identity displace the
    /// least recently used ones.
    pub(super) fn trim_joining(&mut self, limits: &HubLimits, counters: &mut Counters, posts: &VecDeque<PendingEntry>) {
        let renamed = posts.iter().filter_map(|post| match &post.origin {
            Origin::Renamed { identity, name, .. } => Some((*identity, name.folded())),
            _ => None,
        });
        let is_new = |identity: PublicIdentity, folded: &str| {
            self.ownership.record(folded).is_none_or(|record| record.identity != identity)
        };
        let renames = renamed.map(|(identity, folded)| (identity, usize::from(is_new(identity, folded)), 0));
        let joins = self.appender.joining().map(|JoinRequest { identity, name, instance, .. }| {
            let new_instances = usize::from(self.log.instance(*instance).is_none());
            (*identity, usize::from(is_new(*identity, name.folded())), new_instances)
        });
        for (identity, new_names, new_instances) in joins.chain(renames).collect::<Vec<_>>() {
            if new_names + new_instances > 0 {
                self.trim(limits, counters, identity, new_names, new_instances);
            }
        }
    }

    /// Removes the surplus records of an identity if `new_names` and `new_instances` are added: the
    /// least recently used first; of instances, those first under which nothing was posted.
    fn trim(
        &mut self,
        limits: &HubLimits,
        counters: &mut Counters,
        identity: PublicIdentity,
        new_names: usize,
        new_instances: usize,
    ) {
        let Some(kept) = self.known.get(&identity) else { return };
        let surplus_names = (kept.names.len() + new_names).saturating_sub(limits.names_per_identity);
        let surplus_instances = (kept.instances.len() + new_instances).saturating_sub(limits.instances_per_identity);
        if surplus_names + surplus_instances == 0 {
            return;
        }
        let idle = kept.names.iter().filter(|folded| self.is_idle_name(folded));
        let mut names: Vec<(u64, String)> = idle
            .filter_map(|folded| self.ownership.record(folded).map(|it| (it.seen_ran_ms, folded.clone())))
            .collect();
        names.sort_unstable();
        names.truncate(surplus_names);
        let used: BTreeSet<u64> = self.appender.joining().map(|request| request.instance).collect();
        let mut instances: Vec<(bool, u64, u64, u64)> = Vec::new();
        for instance in kept.instances.iter().filter(|it| !used.contains(it)) {
            let is_here = self.members.session_of_instance(*instance).is_some();
            if let Some(known) = self.log.instance(*instance).filter(|known| !is_here && !known.is_waiting()) {
                instances.push((known.highest > 0, known.seen_ran_ms, known.highest_seq, *instance));
            }
        }
        instances.sort_unstable();
        instances.truncate(surplus_instances);
        for (_, folded) in names {
            counters.names_crowded += 1;
            self.forget_name(identity, &folded);
        }
        for (.., instance) in instances {
            counters.instances_crowded += 1;
            self.forget_instance(identity, instance);
        }
    }

    /// Whether no member has this name, nothing in progress claims it, and its owner is not present
    /// under it.
    pub(super) fn is_idle_name(&self, folded: &str) -> bool {
        let is_present = self.ownership.record(folded).is_some_and(|record| self.is_present_as(record));
        self.members.named(folded).is_none() && !self.claims.is_claimed(folded) && !is_present
    }

    /// Identities that are connected, joining, or written by the batch in progress.
    fn busy(&self) -> BTreeSet<PublicIdentity> {
        self.members.identities().chain(self.joining()).chain(self.appender.writes()).collect()
    }

    /// Identities whose Joins wait for their commit.
    fn joining(&self) -> impl Iterator<Item = PublicIdentity> {
        self.appender.joining().map(|request| request.identity)
    }

    fn forget_name(&mut self, identity: PublicIdentity, folded: &str) {
        self.ownership.forget_name(folded);
        self.known.remove_name(identity, folded);
        self.appender.push_forgotten_name(folded);
        self.forget_unknown(identity);
    }

    fn forget_instance(&mut self, identity: PublicIdentity, instance: u64) {
        self.log.forget(instance);
        self.known.remove_instance(identity, instance);
        self.appender.forgotten().instances.push(instance);
        self.forget_unknown(identity);
    }

    /// Removes the admission of an identity together with its last record.
    fn forget_unknown(&mut self, identity: PublicIdentity) {
        if !self.known.contains(&identity) {
            self.forget_admission(identity);
        }
    }

    fn forget_admission(&mut self, identity: PublicIdentity) {
        if self.ownership.forget_admission(&identity) {
            self.appender.forgotten().admissions.push(identity);
        }
    }
}
