//! The committed log of a room (SPEC 7): head, terms, numbers, and the tail that stays in memory.

use std::collections::{BTreeMap, VecDeque};

use kabar_core::chat::{Start, Term};
use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::encoded::Encoded;
use crate::hub::sorted_map::SortedMap;
use crate::store::{InstanceRecord, RoomBatch, RoomState, TermRecord};

/// Runs of the server whose terms are kept.
const MAX_TERMS: usize = 1_024;

/// The committed log.
#[derive(Debug)]
pub(in crate::hub) struct Log {
    /// The last seq of each term but the latest, which is still open.
    ended: BTreeMap<Term, u64>,
    latest: Option<Term>,
    /// The term of this run. It is the latest one, and is sent, only once it is durable.
    term: TermRecord,
    first: u64,
    head: u64,
    instances: SortedMap<u64, Instance>,
    /// The last entries up to `head`, as many as the server has memory for (see `tails`).
    tail: VecDeque<Encoded>,
    tail_bytes: usize,
    tail_dropped: u64,
}

/// One client process (SPEC 6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) struct Instance {
    /// Its owner.
    pub(in crate::hub) identity: PublicIdentity,
    /// Highest number in the log.
    pub(in crate::hub) highest: u64,
    /// The seq of that entry.
    pub(in crate::hub) highest_seq: u64,
    /// Highest number that is in the log or waits for its commit.
    pub(in crate::hub) accepted: u64,
    /// When it was last known to be in use, in ms of running time.
    pub(in crate::hub) seen_ran_ms: u64,
}

impl Log {
    /// The log that the store holds, with the new term `term`.
    pub(in crate::hub) fn new(loaded: &RoomState, term: Term) -> Self {
        let mut log = Self {
            ended: BTreeMap::new(),
            latest: None,
            term: TermRecord { term, first_seq: loaded.head + 1 },
            first: 1,
            head: 0,
            instances: SortedMap::default(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_dropped: 0,
        };
        log.reload(loaded);
        log
    }

    /// Replaces heads and numbers by those in the store. The tail stays if the head did.
    pub(in crate::hub) fn reload(&mut self, loaded: &RoomState) {
        if loaded.head != self.head {
            self.tail.clear();
            self.tail_bytes = 0;
        }
        (self.ended, self.latest) = (BTreeMap::new(), None);
        loaded.terms.iter().for_each(|record| self.begin(record));
        (self.first, self.head) = (loaded.first.max(1), loaded.head);
        self.trim_tail();
        let instance = |record: &InstanceRecord| (record.instance, Instance::new(record));
        self.instances = loaded.instances.iter().map(instance).collect();
    }

    /// Applies a committed batch. Entries that [`Self::reload`] already read count once.
    pub(in crate::hub) fn apply(&mut self, batch: &RoomBatch) {
        for term in &batch.forgotten.terms {
            self.ended.remove(term);
        }
        batch.forgotten.instances.iter().for_each(|instance| self.forget(*instance));
        if let Some(record) = batch.term.filter(|_| !self.is_term_durable()) {
            self.begin(&record);
        }
        for record in &batch.instances {
            let accepted = self.instances.get(&record.instance).map_or(0, |instance| instance.accepted);
            let mut instance = Instance::new(record);
            instance.accepted = instance.accepted.max(accepted);
            self.instances.insert(record.instance, instance);
        }
        self.first = self.first.max(batch.first.unwrap_or_default());
        self.trim_tail();
        let head = self.head;
        for entry in batch.entries.iter().filter(|entry| entry.seq > head) {
            let encoded = Encoded::new(entry);
            self.tail_bytes += encoded.message_len();
            self.tail.push_back(encoded);
        }
        self.head = self.head.max(batch.last_seq().unwrap_or_default());
    }

    /// Drops the oldest entries of the tail, of at least `surplus` bytes if there are as many.
    pub(in crate::hub) fn shrink_tail(&mut self, surplus: usize) {
        let kept = self.tail_bytes.saturating_sub(surplus);
        while self.tail_bytes > kept
            && let Some(oldest) = self.tail.pop_front()
        {
            self.tail_bytes -= oldest.message_len();
            self.tail_dropped += 1;
        }
        if self.tail.is_empty() {
            self.tail.shrink_to_fit();
        }
    }

    /// Bytes of the tail.
    pub(in crate::hub) fn tail_bytes(&self) -> usize {
        self.tail_bytes
    }

    /// Drops the entries of the tail that are not kept.
    fn trim_tail(&mut self) {
        while self.head + 1 - (self.tail.len() as u64) < self.first
            && let Some(oldest) = self.tail.pop_front()
        {
            self.tail_bytes -= oldest.message_len();
        }
    }

    /// Removes the body of an entry of the tail.
    pub(in crate::hub) fn remove_body(&mut self, seq: u64) {
        let first = self.head + 1 - self.tail.len() as u64;
        let at = seq.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(entry) = at.and_then(|at| self.tail.get_mut(at)) {
            let removed = entry.without_body();
            self.tail_bytes -= entry.message_len() - removed.message_len();
            *entry = removed;
        }
    }

    /// Begins a term, and thereby ends the previous one.
    fn begin(&mut self, record: &TermRecord) {
        if let Some(before) = self.latest.replace(record.term) {
            self.ended.insert(before, record.first_seq.saturating_sub(1));
        }
    }

    /// The entry, if it is in the tail.
    pub(in crate::hub) fn in_tail(&self, seq: u64) -> Option<&Encoded> {
        let first = self.head + 1 - self.tail.len() as u64;
        self.tail.get(usize::try_from(seq.checked_sub(first)?).ok()?)
    }

    /// The entries of the tail from `seq` on; none if `seq` is not in it.
    pub(in crate::hub) fn tail_from(&self, seq: u64) -> impl Iterator<Item = &Encoded> {
        let first = self.head + 1 - self.tail.len() as u64;
        let skip = seq.checked_sub(first).and_then(|skip| usize::try_from(skip).ok());
        self.tail.range(skip.unwrap_or(usize::MAX).min(self.tail.len())..)
    }

    /// The seq after which delivery begins, and whether the cursor was not valid (SPEC 7).
    pub(in crate::hub) fn start(&self, start: Start) -> (u64, bool) {
        let floor = self.first - 1;
        let last = |count: u32| self.head.saturating_sub(u64::from(count)).max(floor);
        match start {
            Start::Head => (self.head, false),
            Start::Last(count) => (last(count), false),
            Start::After { seq, term, .. } if self.is_valid(seq, term) => (seq.max(floor), false),
            Start::After { fallback_count, .. } => (last(fallback_count), true),
        }
    }

    /// Whether a cursor is valid: its term is known and has an entry of this seq, or begins after
    /// it (SPEC 7).
    fn is_valid(&self, seq: u64, term: Term) -> bool {
        let is_latest = self.latest == Some(term);
        let last = if is_latest { Some(self.head) } else { self.ended.get(&term).copied() };
        last.is_some_and(|last| seq <= last)
    }

    /// Whether the term of this run is in the store.
    pub(in crate::hub) fn is_term_durable(&self) -> bool {
        self.latest == Some(self.term.term)
    }

    /// Number of entries that left the tail.
    pub(in crate::hub) fn tail_dropped(&self) -> u64 {
        self.tail_dropped
    }

    pub(in crate::hub) fn term(&self) -> TermRecord {
        self.term
    }

    pub(in crate::hub) fn first(&self) -> u64 {
        self.first
    }

    pub(in crate::hub) fn head(&self) -> u64 {
        self.head
    }

    pub(in crate::hub) fn instance(&self, instance: u64) -> Option<&Instance> {
        self.instances.get(&instance)
    }

    pub(in crate::hub) fn instance_mut(&mut self, instance: u64) -> Option<&mut Instance> {
        self.instances.get_mut(&instance)
    }

    /// Forgets an instance. The caller has to commit its removal before its owner can observe it.
    pub(in crate::hub) fn forget(&mut self, instance: u64) {
        self.instances.remove(&instance);
    }

    /// The oldest terms, which are forgotten to make room for the current one (SPEC 7).
    pub(in crate::hub) fn surplus_terms(&self) -> Vec<Term> {
        // The latest one and this run's are kept.
        let surplus = (self.ended.len() + 2).saturating_sub(MAX_TERMS);
        if surplus == 0 {
            return Vec::new();
        }
        let mut ended: Vec<(u64, Term)> = self.ended.iter().map(|(term, last)| (*last, *term)).collect();
        ended.sort_unstable();
        ended.into_iter().take(surplus).map(|(_, term)| term).collect()
    }

    pub(in crate::hub) fn instances(&self) -> &SortedMap<u64, Instance> {
        &self.instances
    }
}

impl Instance {
    fn new(record: &InstanceRecord) -> Self {
        let InstanceRecord { identity, highest, highest_seq, seen_ran_ms, .. } = *record;
        Self { identity, highest, highest_seq, accepted: highest, seen_ran_ms }
    }

    /// Whether a post under it waits for its commit.
    pub(in crate::hub) fn is_waiting(&self) -> bool {
        self.accepted > self.highest
    }
}

#[cfg(test)]
mod tests;
