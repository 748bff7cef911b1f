//! A log in memory, for simulation and tests. A clone of it is a backup; what a killed server leaves behind is the store itself.

use core::ops::RangeInclusive;
use std::collections::BTreeMap;

use super::{Batch, CommitError, InstanceRecord, Loaded, LogEntry, ReadError, Store};

/// What goes wrong.
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

/// A log in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    rooms: BTreeMap<String, MemoryRoom>,
    fault: Option<Fault>,
    commits: u64,
}

#[derive(Clone, Debug, Default)]
struct MemoryRoom {
    loaded: Loaded,
    entries: Vec<LogEntry>,
}

impl MemoryStore {
    /// Empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `fault` happens; `None`: all is well.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.fault = fault;
    }

    /// Commits that were written.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// The whole log of `room` (what is kept of it), for models and tests.
    #[must_use]
    pub fn entries(&self, room: &str) -> &[LogEntry] {
        self.rooms.get(room).map_or(&[], |room| &room.entries)
    }

    /// Removes all entries below `first`, as retention does.
    pub fn forget_before(&mut self, room: &str, first: u64) {
        let Some(room) = self.rooms.get_mut(room) else { return };
        room.entries.retain(|entry| entry.seq >= first);
        room.loaded.first = room.entries.first().map_or(room.loaded.head + 1, |entry| entry.seq);
    }
}

impl Store for MemoryStore {
    fn load(&mut self, room: &str) -> Result<Loaded, ReadError> {
        if self.fault == Some(Fault::Read) {
            return Err(ReadError);
        }
        Ok(self.rooms.get(room).map_or_else(|| Loaded { first: 1, ..Loaded::default() }, |room| room.loaded.clone()))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        match self.fault {
            Some(Fault::Fail) => return Err(CommitError::Failed),
            Some(Fault::UncertainNotApplied) => return Err(CommitError::Uncertain),
            Some(Fault::UncertainApplied | Fault::Read) | None => {}
        }
        let room = self
            .rooms
            .entry(batch.room.clone())
            .or_insert_with(|| MemoryRoom { loaded: Loaded { first: 1, ..Loaded::default() }, entries: Vec::new() });
        if !room.takes(batch) {
            return Err(CommitError::Failed);
        }
        room.apply(batch);
        self.commits += 1;
        if self.fault == Some(Fault::UncertainApplied) { Err(CommitError::Uncertain) } else { Ok(()) }
    }

    fn read(&mut self, room: &str, range: RangeInclusive<u64>) -> Result<Vec<LogEntry>, ReadError> {
        if self.fault == Some(Fault::Read) {
            return Err(ReadError);
        }
        let entries = self.entries(room);
        let start = entries.partition_point(|entry| entry.seq < *range.start());
        Ok(entries.iter().skip(start).take_while(|entry| range.contains(&entry.seq)).cloned().collect())
    }
}

impl MemoryRoom {
    /// The constraints a database would hold: seqs without gaps, numbers of an instance once and rising, owners that stay.
    fn takes(&self, batch: &Batch) -> bool {
        let mut highest: BTreeMap<u64, u64> =
            self.loaded.instances.iter().map(|record| (record.instance, record.highest)).collect();
        let numbers = batch.entries.iter().filter(|entry| entry.instance != 0).all(|entry| {
            let highest = highest.entry(entry.instance).or_default();
            entry.number > core::mem::replace(highest, entry.number)
        });
        let seqs = batch.entries.iter().zip(self.loaded.head + 1..).all(|(entry, seq)| entry.seq == seq);
        let known = |record: &InstanceRecord| self.loaded.instances.iter().find(|it| it.instance == record.instance);
        let owners = batch
            .instances
            .iter()
            .all(|record| record.instance != 0 && known(record).is_none_or(|known| known.identity == record.identity));
        numbers && seqs && owners
    }

    fn apply(&mut self, batch: &Batch) {
        let Loaded { terms, head, instances, names, admissions, sanctions, .. } = &mut self.loaded;
        if let Some(record) = batch.term
            && terms.iter().all(|known| known.term != record.term)
        {
            terms.push(record);
        }
        self.entries.extend(batch.entries.iter().cloned());
        *head = batch.last_seq().unwrap_or(*head);
        for record in &batch.instances {
            upsert(instances, *record, |known| known.instance == record.instance);
        }
        names.retain(|known| !batch.released.contains(&known.folded));
        for record in &batch.names {
            upsert(names, record.clone(), |known| known.folded == record.folded);
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
    use kabar_core::chat::{Kind, Term};
    use kabar_core::crypto::identity::PublicIdentity;

    use super::*;
    use crate::store::{Admission, NameRecord, Sanction, SanctionKind, TermRecord};

    const ANA: PublicIdentity = PublicIdentity([1; 32]);
    const BEN: PublicIdentity = PublicIdentity([2; 32]);

    fn entry(seq: u64, number: u64) -> LogEntry {
        let author = "ana".to_owned();
        LogEntry { seq, time_ms: 0, author, instance: 5, number, kind: Kind::TEXT, body: vec![seq as u8] }
    }

    fn instance(identity: PublicIdentity, highest: u64) -> InstanceRecord {
        InstanceRecord { instance: 5, identity, highest, highest_seq: highest }
    }

    fn batch(entries: Vec<LogEntry>) -> Batch {
        let highest = entries.last().map_or(0, |entry| entry.number);
        Batch { room: "lobby".into(), entries, instances: vec![instance(ANA, highest)], ..Batch::default() }
    }

    fn seqs(store: &mut MemoryStore, range: RangeInclusive<u64>) -> Vec<u64> {
        store.read("lobby", range).expect("readable").iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn gives_back_what_was_committed() {
        let mut store = MemoryStore::new();
        let term = TermRecord { term: Term([1; 8]), first_seq: 1 };
        let name = NameRecord { folded: "ana".into(), name: "Ana".into(), identity: ANA, seen_ms: 3, present: true };
        let admission = Admission { identity: ANA, tag: [7; 16] };
        let first = Batch {
            term: Some(term),
            names: vec![name.clone()],
            admissions: vec![admission],
            ..batch(vec![entry(1, 1), entry(2, 2)])
        };
        assert_eq!(store.commit(&first), Ok(()));
        assert_eq!(store.commit(&batch(vec![entry(3, 4)])), Ok(()));
        let loaded = store.load("lobby").expect("readable");
        assert_eq!((loaded.first, loaded.head, loaded.terms), (1, 3, vec![term]));
        assert_eq!((loaded.names, loaded.admissions), (vec![name], vec![admission]));
        assert_eq!(loaded.instances, [instance(ANA, 4)]);
        assert_eq!(seqs(&mut store, 2..=9), [2, 3]);
    }

    #[test]
    fn an_unknown_room_is_empty() {
        let loaded = MemoryStore::new().load("lobby").expect("readable");
        assert_eq!(loaded, Loaded { first: 1, ..Loaded::default() });
    }

    #[test]
    fn takes_no_gap_no_repeat_and_no_other_owner() {
        let mut store = MemoryStore::new();
        assert_eq!(store.commit(&batch(vec![entry(1, 1), entry(2, 2)])), Ok(()));
        let wrong = [
            batch(vec![entry(4, 3)]),
            batch(vec![entry(2, 3)]),
            batch(vec![entry(3, 2)]),
            batch(vec![entry(3, 3), entry(4, 3)]),
            Batch { instances: vec![instance(BEN, 2)], ..batch(vec![]) },
        ];
        for batch in wrong {
            let before = store.load("lobby");
            assert_eq!(store.commit(&batch), Err(CommitError::Failed), "{batch:?}");
            assert_eq!(store.load("lobby"), before);
        }
    }

    #[test]
    fn faults_do_what_they_say() {
        let commits = |fault| {
            let mut store = MemoryStore::new();
            store.set_fault(Some(fault));
            let result = store.commit(&batch(vec![entry(1, 1)]));
            (result, store.entries("lobby").len(), store.load("lobby").is_ok())
        };
        assert_eq!(commits(Fault::Fail), (Err(CommitError::Failed), 0, true));
        assert_eq!(commits(Fault::UncertainApplied), (Err(CommitError::Uncertain), 1, true));
        assert_eq!(commits(Fault::UncertainNotApplied), (Err(CommitError::Uncertain), 0, true));
        assert_eq!(commits(Fault::Read), (Ok(()), 1, false));
    }

    #[test]
    fn a_released_name_is_gone_and_can_be_taken_in_the_same_batch() {
        let mut store = MemoryStore::new();
        let name =
            |identity| NameRecord { folded: "ana".into(), name: "Ana".into(), identity, seen_ms: 0, present: false };
        assert_eq!(store.commit(&Batch { names: vec![name(ANA)], ..batch(vec![]) }), Ok(()));
        let next = Batch { released: vec!["ana".into()], names: vec![name(BEN)], ..batch(vec![]) };
        assert_eq!(store.commit(&next), Ok(()));
        assert_eq!(store.load("lobby").expect("readable").names, [name(BEN)]);
        assert_eq!(store.commit(&Batch { released: vec!["ana".into()], ..batch(vec![]) }), Ok(()));
        assert!(store.load("lobby").expect("readable").names.is_empty());
    }

    #[test]
    fn sanctions_are_kept_until_lifted_one_of_each_kind() {
        let mut store = MemoryStore::new();
        let sanction = |identity, kind, since_ms| Sanction { identity, kind, name: "Ana".into(), since_ms };
        let (ban, mute) = (sanction(ANA, SanctionKind::Ban, 1), sanction(ANA, SanctionKind::Mute, 2));
        let other = sanction(BEN, SanctionKind::Ban, 3);
        let all = vec![ban.clone(), mute.clone(), other.clone()];
        assert_eq!(store.commit(&Batch { sanctions: all.clone(), ..batch(vec![]) }), Ok(()));
        assert_eq!(store.load("lobby").expect("readable").sanctions, all);
        let later = sanction(ANA, SanctionKind::Ban, 9);
        let next = Batch {
            lifted: vec![(ANA, SanctionKind::Mute), (ANA, SanctionKind::Ban)],
            sanctions: vec![later.clone()],
            ..batch(vec![])
        };
        assert_eq!(store.commit(&next), Ok(()));
        assert_eq!(store.load("lobby").expect("readable").sanctions, [other, later]);
    }

    #[test]
    fn retention_moves_first_and_never_the_head() {
        let mut store = MemoryStore::new();
        assert_eq!(store.commit(&batch(vec![entry(1, 1), entry(2, 2), entry(3, 3)])), Ok(()));
        store.forget_before("lobby", 3);
        let loaded = store.load("lobby").expect("readable");
        assert_eq!((loaded.first, loaded.head, seqs(&mut store, 1..=9)), (3, 3, vec![3]));
        store.forget_before("lobby", 4);
        let loaded = store.load("lobby").expect("readable");
        assert_eq!((loaded.first, loaded.head), (4, 3));
    }
}
