//! Builds one transaction from everything that was collected.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use crate::hub::context::Context;
use crate::hub::room::Room;
use crate::hub::room::appender::{InFlight, PendingEntry, note_presence};
use crate::hub::room::log::Instance;
use crate::hub::room::requests::JoinRequest;
use crate::store::{Admission, InstanceRecord, LogEntry, NameRecord, Presence, RoomBatch, ServerBatch};

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
        self.trim_joining(&limits, &mut context.counters);
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
        self.sanctions.write(&mut batch);

        let mut presence = BTreeMap::new();
        let mut origins = Vec::with_capacity(posts.len());
        let mut instances: BTreeMap<u64, InstanceRecord> = BTreeMap::new();
        for (post, seq) in posts.into_iter().zip(base + 1..) {
            let PendingEntry { author, instance, number, kind, body, origin } = post;
            if let Some(known) = self.log.instance(instance) {
                let identity = known.identity;
                let record =
                    InstanceRecord { instance, identity, highest: number, highest_seq: seq, seen_ran_ms: ran_ms };
                instances.insert(instance, record);
            }
            note_presence(&mut presence, kind, &origin);
            batch.entries.push(LogEntry { seq, time_ms: now_ms, author, instance, number, kind, body });
            origins.push(origin);
        }

        for instance in seen_instances {
            if let Some(Instance { identity, highest, highest_seq, .. }) = self.log.instance(instance).copied() {
                let record = InstanceRecord { instance, identity, highest, highest_seq, seen_ran_ms: ran_ms };
                instances.entry(instance).or_insert(record);
            }
        }
        let mut names: BTreeMap<String, NameRecord> = BTreeMap::new();
        // A name released in this batch has no owner to write.
        let owned = |folded: &String| !server.released.contains(folded);
        for folded in seen.iter().chain(presence.keys()).filter(|folded| owned(folded)) {
            if let Some(record) = self.ownership.record(folded) {
                names.insert(folded.clone(), NameRecord { seen_ran_ms: ran_ms, ..record.clone() });
            }
        }
        for join in &joins {
            let JoinRequest { name, identity, instance, is_newly_admitted, .. } = &*join.request;
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
            if *is_newly_admitted {
                batch.admissions.push(Admission { identity: *identity, tag: self.settings.admission_tag });
            }
            let known = self.ownership.record(name.folded()).filter(|known| !server.released.contains(&known.folded));
            if known.is_none_or(|known| known.identity != *identity || known.name != name.shown()) {
                let record = NameRecord {
                    folded: name.folded().to_owned(),
                    name: name.shown().to_owned(),
                    identity: *identity,
                    seen_ran_ms: ran_ms,
                };
                names.insert(record.folded.clone(), record);
            }
        }
        for (folded, is_present) in presence {
            let Some(NameRecord { identity, name, .. }) = names.get(&folded).cloned() else { continue };
            if is_present {
                batch.present.push(Presence { identity, name });
            } else {
                batch.absent.push(identity);
            }
        }
        batch.instances = instances.into_values().collect();
        server.names = names.into_values().collect();
        if core::mem::take(&mut self.appender.is_ran_due) || !batch.is_empty() || !server.is_empty() {
            server.ran_ms = Some(ran_ms);
        }
        InFlight { server: Arc::new(server), batch: Arc::new(batch), origins, joins, base }
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
