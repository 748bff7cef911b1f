//! A store in memory, for simulation and tests. A clone of it is a backup; it outlives a server
//! that is killed.

use core::ops::RangeInclusive;
use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::{ENTRY_OVERHEAD, EntryKind, File};
use kabar_core::content::Root;
use kabar_core::crypto::identity::PublicIdentity;

use super::contents::{MAX_COLLECTED, charge, decide};
use super::invariants::{rooms_are_distinct, validate};
use super::{
    AdmittedIdentity, Commit, CommitError, ContentIndex, FileQuota, KEEP_UNFINISHED_MS, KEEP_UNNAMED_MS, KEPT_USES,
    Keep, LogEntry, LogReader, Offer, ReadError, Reservation, RoomBatch, RoomRecord, RoomState, RoomSummary,
    ServerBatch, ServerState, Store, StoreErrorKind, Visibility,
};

/// The error that this store reports for an injected fault.
const INJECTED: StoreErrorKind = StoreErrorKind::Disk(0);

/// An injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Commits fail and write nothing.
    Fail,
    /// Commits are written, and reported as uncertain.
    UncertainApplied,
    /// Commits are not written, and reported as uncertain.
    UncertainNotApplied,
    /// Loads and reads fail; commits work.
    Read,
}

/// A store in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// Without the list of rooms.
    server: ServerState,
    rooms: BTreeMap<String, MemoryRoom>,
    fault: Option<Fault>,
    commits: u64,
    contents: BTreeMap<(Root, u64), ContentState>,
}

/// A content in the index.
#[derive(Clone, Copy, Debug)]
struct ContentState {
    owner: PublicIdentity,
    is_complete: bool,
    touched_ms: u64,
}

#[derive(Clone, Debug, Default)]
struct MemoryRoom {
    /// Its name is the key of the table.
    record: RoomRecord,
    loaded: RoomState,
    entries: Vec<LogEntry>,
    /// Instance and number of each entry that a member posted.
    numbers: BTreeSet<(u64, u64)>,
    /// The contents that entries name, by seq.
    named: BTreeMap<u64, Root>,
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Injects a fault into later calls; `None` stops that.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// Number of commits that were written.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Returns all stored entries of `room`, for models and tests.
    #[must_use]
    pub fn entries(&self, room: &str) -> &[LogEntry] {
        self.rooms.get(room).map_or(&[], |room| &room.entries)
    }

    /// An injected fault of a small transaction.
    const fn check_write(&self) -> Result<(), CommitError> {
        match self.fault {
            Some(Fault::Fail) => Err(CommitError::Failed(INJECTED)),
            Some(Fault::UncertainApplied | Fault::UncertainNotApplied) => Err(CommitError::Uncertain(INJECTED)),
            Some(Fault::Read) | None => Ok(()),
        }
    }

    /// Removes all entries below `first`, as retention does.
    pub fn forget_before(&mut self, room: &str, first: u64) {
        if let Some(room) = self.rooms.get_mut(room) {
            room.forget_before(first);
        }
    }
}

impl LogReader for MemoryStore {
    fn read(&mut self, room: &str, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>, ReadError> {
        if self.fault == Some(Fault::Read) {
            return Err(ReadError(INJECTED));
        }
        let entries = self.entries(room);
        let start = entries.partition_point(|entry| entry.seq < *range.start());
        Ok(entries.iter().skip(start).take_while(|entry| range.contains(&entry.seq)).cloned().collect())
    }
}

impl ContentIndex for MemoryStore {
    fn reserve(&mut self, offer: &Offer, quota: &FileQuota) -> Result<Reservation, CommitError> {
        let Offer { root, size, owner, now_ms } = *offer;
        self.check_write()?;
        if let Some(record) = self.contents.get_mut(&(root, size)) {
            record.touched_ms = now_ms;
            return Ok(if record.is_complete { Reservation::Complete } else { Reservation::Reserved });
        }
        let sum = |of: &dyn Fn(&ContentState) -> bool| {
            self.contents.iter().filter(|(_, record)| of(record)).map(|((_, size), _)| charge(*size)).sum()
        };
        let decision = decide(size, sum(&|record| record.owner == owner), sum(&|_| true), quota);
        if decision == Reservation::Reserved {
            self.contents.insert((root, size), ContentState { owner, is_complete: false, touched_ms: now_ms });
        }
        Ok(decision)
    }

    fn complete(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError> {
        self.check_write()?;
        self.contents.retain(|(other, of_size), _| *other != root || *of_size == size);
        let Some(record) = self.contents.get_mut(&(root, size)) else { return Ok(false) };
        (record.is_complete, record.touched_ms) = (true, now_ms);
        Ok(true)
    }

    fn lost(&mut self, root: Root, now_ms: u64) -> Result<(), CommitError> {
        self.check_write()?;
        for (_, record) in self.contents.iter_mut().filter(|((of, _), record)| *of == root && record.is_complete) {
            (record.is_complete, record.touched_ms) = (false, now_ms);
        }
        Ok(())
    }

    fn touch(&mut self, root: Root, size: u64, now_ms: u64) -> Result<bool, CommitError> {
        self.check_write()?;
        let Some(record) = self.contents.get_mut(&(root, size)).filter(|record| record.is_complete) else {
            return Ok(false);
        };
        record.touched_ms = now_ms;
        Ok(true)
    }

    fn find(&mut self, room: &str, root: Root) -> Result<Option<u64>, ReadError> {
        if self.fault == Some(Fault::Read) {
            return Err(ReadError(INJECTED));
        }
        let is_named = self.rooms.get(room).is_some_and(|room| room.names(root));
        let found = self.contents.iter().find(|((of, _), record)| *of == root && record.is_complete);
        Ok(found.filter(|_| is_named).map(|((_, size), _)| *size))
    }

    fn collect(&mut self, now_ms: u64, in_use: &[Root]) -> Result<Vec<Root>, CommitError> {
        self.check_write()?;
        for (_, record) in self.contents.iter_mut().filter(|((root, _), _)| in_use.contains(root)) {
            record.touched_ms = now_ms;
        }
        let is_due = |((root, _), record): (&(Root, u64), &ContentState)| {
            let keep = if record.is_complete { KEEP_UNNAMED_MS } else { KEEP_UNFINISHED_MS };
            let is_named = || self.rooms.values().any(|room| room.names(*root));
            record.touched_ms.saturating_add(keep) <= now_ms && !(record.is_complete && is_named())
        };
        let due: Vec<(Root, u64)> =
            self.contents.iter().filter(|it| is_due(*it)).map(|(content, _)| *content).take(MAX_COLLECTED).collect();
        for content in &due {
            self.contents.remove(content);
        }
        let mut roots: Vec<Root> = due.into_iter().map(|(root, _)| root).collect();
        roots.dedup();
        roots.retain(|root| !self.contents.keys().any(|(other, _)| other == root));
        Ok(roots)
    }
}

impl Store for MemoryStore {
    fn load_server(&mut self) -> Result<ServerState, ReadError> {
        if self.fault == Some(Fault::Read) {
            return Err(ReadError(INJECTED));
        }
        let summary = |(name, room): (&String, &MemoryRoom)| {
            let RoomState { first, head, .. } = room.loaded;
            let record = RoomRecord { name: name.clone(), ..room.record.clone() };
            RoomSummary { record, first, head, is_occupied: !room.loaded.present.is_empty() }
        };
        let mut admitted: BTreeMap<(PublicIdentity, [u8; 16]), u64> = BTreeMap::new();
        for admission in self.rooms.values().flat_map(|room| &room.loaded.admissions) {
            *admitted.entry((admission.identity, admission.tag)).or_default() += 1;
        }
        let admitted_of = |((identity, tag), rooms)| AdmittedIdentity { identity, tag, rooms };
        let is_private = |(_, room): &(&String, &MemoryRoom)| room.record.visibility == Visibility::Private;
        let admissions_of = |(name, room): (&String, &MemoryRoom)| {
            room.loaded.admissions.iter().map(|admission| (name.clone(), *admission)).collect::<Vec<_>>()
        };
        Ok(ServerState {
            private_admissions: self.rooms.iter().filter(is_private).flat_map(admissions_of).collect(),
            rooms: self.rooms.iter().map(summary).collect(),
            admitted: admitted.into_iter().map(admitted_of).collect(),
            ..self.server.clone()
        })
    }

    fn load_room(&mut self, room: &str) -> Result<RoomState, ReadError> {
        if self.fault == Some(Fault::Read) {
            return Err(ReadError(INJECTED));
        }
        Ok(self.rooms.get(room).map_or_else(RoomState::default, |room| room.loaded.clone()))
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        match self.fault {
            Some(Fault::Fail) => return Err(CommitError::Failed(INJECTED)),
            Some(Fault::UncertainNotApplied) => return Err(CommitError::Uncertain(INJECTED)),
            Some(Fault::UncertainApplied | Fault::Read) | None => {}
        }
        let new = MemoryRoom::default();
        let takes = |batch: &RoomBatch| self.rooms.get(&batch.room).unwrap_or(&new).takes(batch);
        if !rooms_are_distinct(commit) || !commit.rooms.iter().all(|batch| takes(batch)) {
            return Err(CommitError::Failed(StoreErrorKind::Contradiction));
        }
        self.apply(&commit.server);
        for record in &commit.server.rooms {
            let room = self.rooms.entry(record.name.clone()).or_default();
            room.record = record.clone();
            if record.is_closed {
                room.named.clear();
            }
        }
        for batch in &commit.rooms {
            self.rooms.entry(batch.room.clone()).or_default().apply(batch);
        }
        self.commits += 1;
        if self.fault == Some(Fault::UncertainApplied) { Err(CommitError::Uncertain(INJECTED)) } else { Ok(()) }
    }

    fn surplus(&mut self, room: &str, keep: &Keep, count: u64) -> Result<u64, ReadError> {
        if self.fault == Some(Fault::Read) {
            return Err(ReadError(INJECTED));
        }
        let Some(MemoryRoom { loaded, entries, .. }) = self.rooms.get(room) else { return Ok(1) };
        let sizes = entries.iter().map(|entry| (entry.seq, entry.time_ms, entry.body.len() as u64));
        let total = sizes.clone().map(|(.., len)| len + ENTRY_OVERHEAD as u64).sum();
        let oldest = sizes.take(usize::try_from(count).unwrap_or(usize::MAX)).map(Ok::<_, ReadError>);
        keep.first(loaded.head, total, loaded.first, oldest)
    }
}

impl MemoryStore {
    fn apply(&mut self, batch: &ServerBatch) {
        let ServerState { names, privileges, ran_ms, invites, invite_uses, .. } = &mut self.server;
        names.retain(|known| !batch.released.contains(&known.folded) && !batch.forgotten.contains(&known.folded));
        for record in &batch.names {
            upsert(names, record.clone(), |known| known.folded == record.folded);
        }
        privileges.retain(|known| !batch.revoked.contains(&(known.identity, known.kind)));
        for record in &batch.granted {
            upsert(privileges, record.clone(), |known| (known.identity, known.kind) == (record.identity, record.kind));
        }
        *ran_ms = (*ran_ms).max(batch.ran_ms.unwrap_or_default());
        invites.retain(|known| !batch.forgotten_invites.contains(&known.id));
        invite_uses.retain(|known| !batch.forgotten_invites.contains(&known.invite));
        for record in &batch.invites {
            upsert(invites, record.clone(), |known| known.id == record.id);
        }
        for record in &batch.invite_uses {
            invite_uses.retain(|it| it.invite != record.invite || it.number + KEPT_USES > record.number);
            upsert(invite_uses, *record, |known| (known.invite, known.number) == (record.invite, record.number));
        }
        invites.sort_by_key(|record| record.id);
        invite_uses.sort_by_key(|record| (record.invite, record.number));
    }
}

impl MemoryRoom {
    /// Whether an entry names a content.
    fn names(&self, root: Root) -> bool {
        self.named.values().any(|named| *named == root)
    }

    fn forget_before(&mut self, first: u64) {
        self.named.retain(|seq, _| *seq >= first);
        for entry in self.entries.iter().filter(|entry| entry.seq < first) {
            self.numbers.remove(&(entry.instance, entry.number));
        }
        self.entries.retain(|entry| entry.seq >= first);
        self.loaded.first = self.entries.first().map_or(self.loaded.head + 1, |entry| entry.seq);
    }

    fn takes(&self, batch: &RoomBatch) -> bool {
        let RoomState { first, head, instances, .. } = &self.loaded;
        let known = |instance| Ok(instances.iter().find(|it| it.instance == instance).copied());
        // An instance that was forgotten and came back could repeat a number (S1).
        let kept = batch.first.unwrap_or_default();
        let is_new = |entry: &LogEntry| {
            let is_same = |old: &LogEntry| (old.instance, old.number) == (entry.instance, entry.number);
            !self.numbers.contains(&(entry.instance, entry.number))
                || !self.entries.iter().any(|old| old.seq >= kept && is_same(old))
        };
        let is_valid = validate::<core::convert::Infallible>(batch, (*first, *head), known).unwrap_or(false);
        is_valid && batch.entries.iter().all(is_new)
    }

    fn apply(&mut self, batch: &RoomBatch) {
        if let Some(first) = batch.first {
            self.forget_before(first);
        }
        for entry in self.entries.iter_mut().filter(|entry| batch.removed.contains(&entry.seq)) {
            entry.kind = EntryKind::REMOVED;
            entry.body.clear();
        }
        self.named.retain(|seq, _| !batch.removed.contains(seq));
        for entry in batch.entries.iter().filter(|entry| entry.kind == EntryKind::FILE) {
            self.named.extend(File::decode(&entry.body).map(|file| (entry.seq, file.root())));
        }
        let RoomState { terms, head, instances, admissions, present, sanctions, .. } = &mut self.loaded;
        let forgotten = &batch.forgotten;
        terms.retain(|known| !forgotten.terms.contains(&known.term));
        instances.retain(|known| !forgotten.instances.contains(&known.instance));
        admissions.retain(|known| !forgotten.admissions.contains(&known.identity));
        if let Some(record) = batch.term
            && terms.iter().all(|known| known.term != record.term)
        {
            terms.push(record);
        }
        self.entries.extend(batch.entries.iter().cloned());
        let posted = batch.entries.iter().filter(|entry| entry.instance != 0);
        self.numbers.extend(posted.map(|entry| (entry.instance, entry.number)));
        *head = batch.last_seq().unwrap_or(*head);
        for record in &batch.instances {
            upsert(instances, *record, |known| known.instance == record.instance);
        }
        present.retain(|known| !batch.absent.contains(&known.identity));
        for record in &batch.present {
            upsert(present, record.clone(), |known| known.identity == record.identity);
        }
        for record in &batch.admissions {
            upsert(admissions, *record, |known| known.identity == record.identity);
        }
        sanctions.retain(|known| !batch.lifted.contains(&(known.identity, known.kind)));
        for record in &batch.sanctions {
            upsert(sanctions, record.clone(), |known| (known.identity, known.kind) == (record.identity, record.kind));
        }
    }
}

fn upsert<T>(records: &mut Vec<T>, record: T, is_same: impl Fn(&T) -> bool) {
    match records.iter_mut().find(|known| is_same(known)) {
        Some(known) => *known = record,
        None => records.push(record),
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{self, commit, entry, seqs};
    use super::*;

    conformance::suite!(|| ((), MemoryStore::new()));

    #[test]
    fn each_fault_has_its_effect() {
        let commits = |fault| {
            let mut store = MemoryStore::new();
            store.set_fault(Some(fault));
            let result = store.commit(&commit(vec![entry(1, 1)]));
            (result, store.entries("lobby").len(), store.load_room("lobby").is_ok())
        };
        assert_eq!(commits(Fault::Fail), (Err(CommitError::Failed(INJECTED)), 0, true));
        assert_eq!(commits(Fault::UncertainApplied), (Err(CommitError::Uncertain(INJECTED)), 1, true));
        assert_eq!(commits(Fault::UncertainNotApplied), (Err(CommitError::Uncertain(INJECTED)), 0, true));
        assert_eq!(commits(Fault::Read), (Ok(()), 1, false));
    }

    #[test]
    fn retention_moves_first_and_never_the_head() {
        let mut store = MemoryStore::new();
        assert_eq!(store.commit(&commit(vec![entry(1, 1), entry(2, 2), entry(3, 3)])), Ok(()));
        store.forget_before("lobby", 3);
        let loaded = store.load_room("lobby").expect("readable");
        assert_eq!((loaded.first, loaded.head, seqs(&mut store, 1..=9)), (3, 3, vec![3]));
        store.forget_before("lobby", 4);
        let loaded = store.load_room("lobby").expect("readable");
        assert_eq!((loaded.first, loaded.head), (4, 3));
    }
}
