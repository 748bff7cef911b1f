//! Checks that every store makes on a batch, so that the log satisfies SPEC 7 even if the hub has a
//! fault.

use std::collections::{BTreeMap, BTreeSet};

use super::{Commit, InstanceRecord, RoomBatch};

/// Whether no room is in `commit` twice.
pub(super) fn rooms_are_distinct(commit: &Commit) -> bool {
    let rooms: BTreeSet<&str> = commit.rooms.iter().map(|batch| batch.room.as_str()).collect();
    rooms.len() == commit.rooms.len()
}

/// Whether `batch` may follow a log from `first` to `head`: seqs have no gaps; the numbers of an
/// instance rise and match its record; an instance keeps its owner, and is not forgotten in a batch
/// that uses it; entries to be removed are stored, and stay. `known` returns the stored record.
pub(super) fn validate<E>(
    batch: &RoomBatch,
    (first, head): (u64, u64),
    mut known: impl FnMut(u64) -> Result<Option<InstanceRecord>, E>,
) -> Result<bool, E> {
    let kept = batch.first.unwrap_or(first);
    let is_kept = batch.removed.iter().all(|seq| (kept..=head).contains(seq));
    if !is_kept || !(first..=head + 1).contains(&kept) {
        return Ok(false);
    }
    let mut highest = BTreeMap::new();
    let mut records = BTreeMap::new();
    let forgotten: BTreeSet<u64> = batch.forgotten.instances.iter().copied().collect();
    for record in &batch.instances {
        let stored = known(record.instance)?;
        let before = *highest.entry(record.instance).or_insert(stored.map_or(0, |stored| stored.highest));
        let is_owner = stored.is_none_or(|stored| stored.identity == record.identity);
        let is_first = records.insert(record.instance, record).is_none();
        if record.instance == 0
            || record.highest < before
            || !is_owner
            || !is_first
            || forgotten.contains(&record.instance)
        {
            return Ok(false);
        }
    }
    let seqs = batch.entries.iter().zip(head + 1..).all(|(entry, seq)| entry.seq == seq);
    let numbers = batch.entries.iter().filter(|entry| entry.instance != 0).all(|entry| {
        let Some(highest) = highest.get_mut(&entry.instance) else { return false };
        let record = records.get(&entry.instance).map_or(0, |record| record.highest);
        entry.number > core::mem::replace(highest, entry.number) && entry.number <= record
    });
    Ok(seqs && numbers)
}
