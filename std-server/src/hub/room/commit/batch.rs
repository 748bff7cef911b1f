//! Builds one transaction from everything that was collected.

use std::collections::BTreeMap;
use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use crate::hub::context::Context;
use crate::hub::people::JoinRequest;
use crate::hub::people::{People, ServerPart};
use crate::hub::room::Room;
use crate::hub::room::appender::{InFlight, Origin, PendingEntry};
use crate::hub::room::log::Instance;
use crate::hub::room::presence::Changes;
use crate::store::{Admission, InstanceRecord, LogEntry, NameRecord, RoomBatch};

impl Room {
    /// Builds a batch of everything that was collected, and adds the names of members to the
    /// server's part. Also returns whether it needs no commit.
    pub(super) fn build<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        part: &mut ServerPart,
    ) -> (InFlight, bool) {
        let (now_ms, ran_ms) = (context.wall_ms(now), part.ran_ms);
        let posts = core::mem::take(&mut self.appender.posts);
        self.trim_joining(context, part, &posts);
        let people = &context.people;
        let base = self.log.head();
        let joins = core::mem::take(&mut self.appender.joins);
        let seen_instances = core::mem::take(&mut self.appender.seen_instances);
        let mut batch = RoomBatch { room: self.name().to_owned(), ..RoomBatch::default() };
        batch.term = (!self.log.is_term_durable()).then(|| self.log.term());
        batch.forgotten = core::mem::take(&mut self.appender.forgotten);
        if batch.term.is_some() {
            batch.forgotten.terms = self.log.surplus_terms();
        }
        batch.first = self.appender.first.take();
        self.sanctions.write(&mut batch);

        let mut changes = Changes::default();
        let mut names: BTreeMap<String, NameRecord> = BTreeMap::new();
        let mut origins = Vec::with_capacity(posts.len());
        let mut instances: BTreeMap<u64, InstanceRecord> = BTreeMap::new();
        for (post, seq) in posts.into_iter().zip(base + 1..) {
            let author = self.author(&post, &changes);
            post.note(&mut changes);
            if let Origin::Renamed { identity, name, .. } = &post.origin {
                write_renamed(people, &author, *identity, name, ran_ms, &mut names);
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
        let is_released = |record: &NameRecord| part.released.contains(&record.folded);
        let owned_as = |identity: &PublicIdentity, name: &str| {
            people.owned(identity).find(|record| record.name == name && !is_released(record))
        };
        let present = changes.identities().into_iter().filter_map(|identity| {
            let name = changes.name(&identity).or_else(|| self.presence.committed_name(&identity))?;
            owned_as(&identity, name)
        });
        for record in present {
            let seen = || NameRecord { seen_ran_ms: ran_ms, ..record.clone() };
            names.entry(record.folded.clone()).or_insert_with(seen);
        }
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
            if *is_newly_admitted && !self.admissions.contains(identity, &context.admitted) {
                let tag = context.admitted.tag(*is_lasting);
                batch.admissions.push(Admission { identity: *identity, tag });
                let is_used = !self.may_always_join(context, identity);
                part.admitted.extend(invite.filter(|_| is_used).map(|invite| (invite, *identity)));
            }
            let known = people.names.record(name.folded()).filter(|record| !is_released(record));
            if known.is_none_or(|known| known.identity != *identity || known.name != name.shown()) {
                names.insert(name.folded().to_owned(), new_name(name, *identity, ran_ms));
            }
        }
        self.presence.write(&changes, &mut batch);
        batch.instances = instances.into_values().collect();
        let is_empty = batch.is_empty() && names.is_empty();
        part.names.append(&mut names);
        (InFlight { batch: Arc::new(batch), origins, joins, changes, base }, is_empty)
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

    /// Puts the content of a batch that was not written back, before what was collected since. Its
    /// Joins were refused: their announcements are dropped with the next batch.
    pub(super) fn requeue(&mut self, in_flight: InFlight) {
        let InFlight { batch, origins, joins, .. } = in_flight;
        let batch = Arc::unwrap_or_clone(batch);
        self.appender.seen_instances.extend(batch.instances.iter().map(|record| record.instance));
        let later = core::mem::take(&mut self.appender.posts);
        let earlier = batch.entries.into_iter().zip(origins).map(|(entry, origin)| {
            let LogEntry { author, instance, number, kind, body, .. } = entry;
            PendingEntry { author, instance, number, kind, body, origin }
        });
        self.appender.posts = earlier.chain(later).collect();
        self.appender.joins.splice(0..0, joins);
    }
}

/// Writes the records of the names before and after a rename.
fn write_renamed(
    people: &People,
    before: &str,
    identity: PublicIdentity,
    name: &Name,
    ran_ms: u64,
    names: &mut BTreeMap<String, NameRecord>,
) {
    if let Some(record) = people.owned(&identity).find(|record| record.name == before) {
        // It was used until now, and the new one is the one used last.
        let seen_ran_ms = ran_ms.saturating_sub(1);
        names.insert(record.folded.clone(), NameRecord { seen_ran_ms, ..record.clone() });
    }
    names.insert(name.folded().to_owned(), new_name(name, identity, ran_ms));
}

/// The record of a name that its owner takes now.
fn new_name(name: &Name, identity: PublicIdentity, ran_ms: u64) -> NameRecord {
    NameRecord { folded: name.folded().to_owned(), name: name.shown().to_owned(), identity, seen_ran_ms: ran_ms }
}
