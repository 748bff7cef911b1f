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
        let Loaded { terms, head, instances, names, admissions, .. } = &mut self.loaded;
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
    }
}

fn upsert<T>(records: &mut Vec<T>, record: T, is_same: impl Fn(&T) -> bool) {
    match records.iter_mut().find(|known| is_same(known)) {
        Some(known) => *known = record,
        None => records.push(record),
    }
}
