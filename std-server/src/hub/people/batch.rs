//! The server's part of a transaction: names and the running time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::People;
use crate::hub::report::OperatorError;
use crate::store::{NameRecord, ServerBatch, ServerState};

/// Collected for the next transaction.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Folded names whose owners were seen.
    seen: BTreeSet<String>,
    released: Vec<String>,
    /// Names already removed from memory, to be removed from the store.
    forgotten: Vec<String>,
    /// The running time is to be written even if nothing else is.
    is_ran_due: bool,
}

/// The server's part of a transaction that is being built: rooms add the names of their members.
#[derive(Debug)]
pub(in crate::hub) struct ServerPart {
    pub(in crate::hub) ran_ms: u64,
    pub(in crate::hub) names: BTreeMap<String, NameRecord>,
    pub(in crate::hub) released: Vec<String>,
    /// Invites that are used, and by whom.
    pub(in crate::hub) admitted: BTreeSet<(u32, PublicIdentity)>,
    /// The records that are neither names nor the running time.
    pub(in crate::hub) others: ServerBatch,
    seen: BTreeSet<String>,
    forgotten: Vec<String>,
    is_ran_due: bool,
}

impl People {
    /// Records with the next commit that the owner of a name was seen.
    pub(in crate::hub) fn push_seen(&mut self, folded: &str) {
        self.pending.seen.insert(folded.to_owned());
    }

    /// Makes the next commit write the running time, even if it writes nothing else.
    pub(in crate::hub) fn push_ran(&mut self) {
        self.pending.is_ran_due = true;
    }

    /// Ends the ownership of a name with the next commit.
    pub(in crate::hub) fn release_name(&mut self, name: &str) -> Result<String, OperatorError> {
        let name = Name::existing(name).map_err(|_| OperatorError::NoSuchName)?;
        let Some(record) = self.names.record(name.folded()) else {
            let is_claimed = self.claims.is_claimed(name.folded());
            return Err(if is_claimed { OperatorError::InUse } else { OperatorError::NoSuchName });
        };
        if !self.is_idle_name(record) {
            return Err(OperatorError::InUse);
        }
        let shown = record.name.clone();
        self.pending.released.push(name.folded().to_owned());
        Ok(shown)
    }

    /// Whether a name is about to be released.
    pub(in crate::hub) fn is_releasing(&self, folded: &str) -> bool {
        let in_flight = self.in_flight.as_ref().map_or(&[][..], |batch| batch.released.as_slice());
        self.pending.released.iter().chain(in_flight).any(|released| released == folded)
    }

    /// Removes a name from memory, and from the store with the next commit.
    pub(in crate::hub) fn forget_name(&mut self, record: &NameRecord) {
        self.names.forget(&record.folded);
        self.known.remove_name(record.identity, &record.folded);
        self.pending.forgotten.push(record.folded.clone());
    }

    /// Whether anything is collected.
    pub(in crate::hub) fn has_to_commit(&self) -> bool {
        let Pending { seen, released, forgotten, is_ran_due } = &self.pending;
        !seen.is_empty() || !released.is_empty() || !forgotten.is_empty() || *is_ran_due
    }

    /// Begins a batch with everything that was collected.
    pub(in crate::hub) fn begin_batch(&mut self, now: Instant) -> ServerPart {
        let Pending { seen, released, forgotten, is_ran_due } = core::mem::take(&mut self.pending);
        ServerPart {
            ran_ms: self.ran_ms(now),
            names: BTreeMap::new(),
            released,
            admitted: BTreeSet::new(),
            others: ServerBatch::default(),
            seen,
            forgotten,
            is_ran_due,
        }
    }

    /// Finishes a batch, which may be empty. `has_rooms`: rooms are written with it.
    pub(in crate::hub) fn finish_batch(&mut self, part: ServerPart, has_rooms: bool) -> Arc<ServerBatch> {
        let ServerPart { ran_ms, mut names, released, others, seen, forgotten, is_ran_due, .. } = part;
        // A name released in this batch has no owner to write.
        let records = seen.iter().filter(|folded| !released.contains(folded)).filter_map(|it| self.names.record(it));
        for record in records {
            let seen = || NameRecord { seen_ran_ms: ran_ms, ..record.clone() };
            names.entry(record.folded.clone()).or_insert_with(seen);
        }
        let names = names.into_values().collect();
        let ran_due = is_ran_due.then_some(ran_ms);
        let mut batch = ServerBatch { names, released, forgotten, ran_ms: ran_due, ..others };
        if has_rooms || !batch.is_empty() {
            batch.ran_ms = Some(ran_ms);
        }
        let batch = Arc::new(batch);
        self.in_flight = (!batch.is_empty()).then(|| batch.clone());
        batch
    }

    /// The batch in progress is durable. Returns it.
    pub(in crate::hub) fn on_committed(&mut self) -> Arc<ServerBatch> {
        let batch = self.in_flight.take().unwrap_or_default();
        self.known.apply(&batch, &self.names);
        self.names.apply(&batch);
        batch
    }

    /// Replaces the names by those in the store. Names that were to be removed exist again, and
    /// will be searched for again.
    pub(in crate::hub) fn reload(&mut self, loaded: &ServerState) {
        self.names.reload(loaded);
        self.known.reload(loaded);
        self.pending.forgotten.clear();
    }

    /// The batch in progress is not in the store: it is collected again.
    pub(in crate::hub) fn on_not_written(&mut self) {
        let Some(batch) = self.in_flight.take() else { return };
        let ServerBatch { names, released, ran_ms, .. } = Arc::unwrap_or_clone(batch);
        self.pending.seen.extend(names.into_iter().map(|record| record.folded));
        self.pending.released.splice(0..0, released);
        self.pending.is_ran_due |= ran_ms.is_some();
    }

    /// Whether the batch in progress writes a name of this identity.
    pub(super) fn writes(&self, identity: &PublicIdentity) -> bool {
        self.in_flight.iter().flat_map(|batch| &batch.names).any(|it| it.identity == *identity)
    }
}
