//! Builds one transaction from everything that was collected.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use crate::hub::context::Context;
use crate::hub::room::Room;
use crate::hub::room::appender::{InFlight, Origin, PendingEntry};
use crate::hub::room::invites::LASTING_TAG;
use crate::hub::room::log::Instance;
use crate::hub::room::presence::Changes;
use crate::hub::room::requests::JoinRequest;
use crate::store::{Admission, InstanceRecord, LogEntry, NameRecord, RoomBatch, ServerBatch};

impl Room {
    /// Builds a batch of everything that was collected. It may be empty.
    pub(super) fn build<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        posts: VecDeque<PendingEntry>,
    ) -> InFlight {
        let (now_ms, ran_ms) = (context.wall_ms(now), self.ran_ms(now));
        let limits = context.config.limits;
        self.trim_joining(&limits, &mut context.counters, &posts);
        let base = self.log.head();
        let joins = core::mem::take(&mut self.appender.joins);
        let seen = core::mem::take(&mut self.appender.seen);
        let seen_instances = core::mem::take(&mut self.appender.seen_instances);
        let mut server = ServerBatch::default();
        let mut batch = RoomBatch { room: self.name().to_owned(), ..RoomBatch::default() };
        batch.term = (!self.log.is_term_durable()).then(|| self.log.term());
        batch.forgotten = core::mem::take(&mut self.appender.forgotten);
        if batch.term.is_some() {
            batch.forgotten.terms = self.log.surplus_terms();
        }
        server.forgotten = core::mem::take(&mut self.appender.forgotten_names);
        server.released = core::mem::take(&mut self.appender.released);
        batch.first = self.appender.first.take();
        self.sanctions.write(&mut batch);
        context.privileges.write(&mut server);

        let mut changes = Changes::default();
        let mut names: BTreeMap<String, NameRecord> = BTreeMap::new();
        let mut origins = Vec::with_capacity(posts.len());
        let mut instances: BTreeMap<u64, InstanceRecord> = BTreeMap::new();
        for (post, seq) in posts.into_iter().zip(base + 1..) {
            let author = self.author(&post, &changes);
            post.note(&mut changes);
            if let Origin::Renamed { identity, name, .. } = &post.origin {
                self.write_renamed(&author, *identity, name, ran_ms, &mut names);
            }
            if let Origin::Removal { seq, .. } = post.origin {
                batch.removed.push(seq);
            }
            let PendingEntry { instance, number, kind, body, origin, .. } = post;
            if let Some(known) = self.log.instance(instance) {
                let identity = known.identity;
                let record =
                    InstanceRecord { instance, identity, highest: number, highest_seq: seq, seen_ran_ms: ran_ms };
                instances.insert(instance, record);
            }
            batch.entries.push(LogEntry { seq, time_ms: now_ms, author, instance, number, kind, body });
            origins.push(origin);
        }

        for instance in seen_instances {
            if let Some(Instance { identity, highest, highest_seq, .. }) = self.log.instance(instance).copied() {
                let record = InstanceRecord { instance, identity, highest, highest_seq, seen_ran_ms: ran_ms };
                instances.entry(instance).or_insert(record);
            }
        }
        // A name released in this batch has no owner to write.
        let owned = |folded: &String| self.ownership.record(folded).filter(|_| !server.released.contains(folded));
        let owned_as = |identity: &PublicIdentity, name: &str| {
            let mut names = self.known.get(identity).map_or(&[][..], |kept| &kept.names).iter();
            names.find_map(|folded| owned(folded).filter(|record| record.name == name))
        };
        let present = changes.identities().into_iter().filter_map(|identity| {
            let name = changes.name(&identity).or_else(|| self.presence.committed_name(&identity))?;
            owned_as(&identity, name)
        });
        for record in seen.iter().filter_map(owned).chain(present) {
            let seen = || NameRecord { seen_ran_ms: ran_ms, ..record.clone() };
            names.entry(record.folded.clone()).or_insert_with(seen);
        }
        let mut uses: Vec<(u32, PublicIdentity)> = Vec::new();
        for join in &joins {
            let JoinRequest { name, identity, instance, is_newly_admitted, invite, is_lasting, .. } = &*join.request;
            if self.log.instance(*instance).is_none() {
                let record = InstanceRecord {
                    instance: *instance,
                    identity: *identity,
                    highest: 0,
                    highest_seq: 0,
                    seen_ran_ms: ran_ms,
                };
                instances.insert(*instance, record);
            }
            // Another session may have been admitted meanwhile.
            if *is_newly_admitted && !self.ownership.is_admitted(identity) {
                let tag = if *is_lasting { LASTING_TAG } else { self.settings.admission_tag };
                batch.admissions.push(Admission { identity: *identity, tag });
                let is_first = uses.iter().all(|(_, admitted)| admitted != identity);
                uses.extend(invite.filter(|_| is_first).map(|invite| (invite, *identity)));
            }
            let known = owned(&name.folded().to_owned());
            if known.is_none_or(|known| known.identity != *identity || known.name != name.shown()) {
                names.insert(name.folded().to_owned(), new_name(name, *identity, ran_ms));
            }
        }
        self.invites.write(now_ms, &uses, &mut server);
        self.presence.write(&changes, &mut batch);
        batch.instances = instances.into_values().collect();
        server.names = names.into_values().collect();
        if core::mem::take(&mut self.appender.is_ran_due) || !batch.is_empty() || !server.is_empty() {
            server.ran_ms = Some(ran_ms);
        }
        InFlight { server: Arc::new(server), batch: Arc::new(batch), origins, joins, changes, base }
    }

    /// The author of an entry after `changes`: a member may have another name than when the entry
    /// was collected.
    fn author(&self, entry: &PendingEntry, changes: &Changes) -> String {
        let Some(identity) = self.identity_of(entry) else { return entry.author.clone() };
        // An earlier rename, after which this one was collected, may be lost with its Join.
        let is_rename = matches!(entry.origin, Origin::Renamed { .. });
        let committed = || self.committed_name(&identity).filter(|_| is_rename);
        changes.name(&identity).or_else(committed).unwrap_or(&entry.author).to_owned()
    }

    /// Writes the records of the names before and after a rename.
    fn write_renamed(
        &self,
        before: &str,
        identity: PublicIdentity,
        name: &Name,
        ran_ms: u64,
        names: &mut BTreeMap<String, NameRecord>,
    ) {
        let kept = self.known.get(&identity).map_or(&[][..], |kept| &kept.names);
        let mut records = kept.iter().filter_map(|folded| self.ownership.record(folded));
        if let Some(record) = records.find(|record| record.name == before) {
            // It was used until now, and the new one is the one used last.
            let seen_ran_ms = ran_ms.saturating_sub(1);
            names.insert(record.folded.clone(), NameRecord { seen_ran_ms, ..record.clone() });
        }
        names.insert(name.folded().to_owned(), new_name(name, identity, ran_ms));
    }

    /// Puts the content of a batch that was not written back, before what was collected since. Its
    /// Joins were refused: their announcements are dropped with the next batch.
    pub(super) fn requeue(&mut self, in_flight: InFlight) {
        let InFlight { server, batch, origins, joins, .. } = in_flight;
        let (server, batch) = (Arc::unwrap_or_clone(server), Arc::unwrap_or_clone(batch));
        self.appender.seen_instances.extend(batch.instances.iter().map(|record| record.instance));
        self.appender.is_ran_due |= server.ran_ms.is_some();
        self.appender.seen.extend(server.names.into_iter().map(|record| record.folded));
        self.appender.released.splice(0..0, server.released);
        let later = core::mem::take(&mut self.appender.posts);
        let earlier = batch.entries.into_iter().zip(origins).map(|(entry, origin)| {
            let LogEntry { author, instance, number, kind, body, .. } = entry;
            PendingEntry { author, instance, number, kind, body, origin }
        });
        self.appender.posts = earlier.chain(later).collect();
        self.appender.joins.splice(0..0, joins);
    }
}

/// The record of a name that its owner takes now.
fn new_name(name: &Name, identity: PublicIdentity, ran_ms: u64) -> NameRecord {
    NameRecord { folded: name.folded().to_owned(), name: name.shown().to_owned(), identity, seen_ran_ms: ran_ms }
}
