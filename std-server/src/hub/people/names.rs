//! Ownership of names (SPEC 6.6), as committed.
//!
//! Time unseen is counted in running time: the time of day may jump.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::{NameRecord, ServerBatch, ServerState};
use kabar_std::names::Name;

/// All names that have an owner.
#[derive(Debug)]
pub(in crate::hub) struct Names {
    records: BTreeMap<String, NameRecord>,
    /// The folded names with each skeleton.
    alike: BTreeMap<String, BTreeSet<String>>,
    /// Time unseen after which ownership lapses, in ms of running time.
    keep_ms: u64,
}

impl Names {
    pub(in crate::hub) fn new(loaded: &ServerState, keep_ms: u64) -> Self {
        let mut names = Self { records: BTreeMap::new(), alike: BTreeMap::new(), keep_ms };
        names.reload(loaded);
        names
    }

    /// Replaces the durable records by those in the store.
    pub(in crate::hub) fn reload(&mut self, loaded: &ServerState) {
        (self.records, self.alike) = (BTreeMap::new(), BTreeMap::new());
        loaded.names.iter().for_each(|record| self.insert(record));
    }

    /// Applies a committed batch.
    pub(in crate::hub) fn apply(&mut self, batch: &ServerBatch) {
        for folded in batch.forgotten.iter().chain(&batch.released) {
            self.forget(folded);
        }
        batch.names.iter().for_each(|record| self.insert(record));
    }

    fn insert(&mut self, record: &NameRecord) {
        // Another spelling may have another skeleton.
        self.forget(&record.folded);
        self.alike.entry(skeleton(record)).or_default().insert(record.folded.clone());
        self.records.insert(record.folded.clone(), record.clone());
    }

    /// The records of a name and of all that look like it.
    pub(in crate::hub) fn colliding(&self, name: &Name) -> impl Iterator<Item = &NameRecord> {
        let folded = name.folded().to_owned();
        let exact = self.records.get(&folded);
        let alike = self.alike.get(&name.skeleton()).into_iter().flatten().filter(move |other| **other != folded);
        exact.into_iter().chain(alike.filter_map(|folded| self.records.get(folded)))
    }

    /// Whether its owner was unseen long enough that the name is free, unless the owner is present
    /// under it.
    pub(in crate::hub) fn has_lapsed(&self, record: &NameRecord, ran_ms: u64) -> bool {
        ran_ms.saturating_sub(record.seen_ran_ms) >= self.keep_ms
    }

    /// Forgets a name. The caller has to commit its removal before its owner can observe it.
    pub(in crate::hub) fn forget(&mut self, folded: &str) {
        let Some(record) = self.records.remove(folded) else { return };
        let skeleton = skeleton(&record);
        if let Some(alike) = self.alike.get_mut(&skeleton) {
            alike.remove(folded);
            if alike.is_empty() {
                self.alike.remove(&skeleton);
            }
        }
    }

    pub(in crate::hub) fn record(&self, folded: &str) -> Option<&NameRecord> {
        self.records.get(folded)
    }
}

/// The skeleton of a stored name, which may break the present rules.
fn skeleton(record: &NameRecord) -> String {
    Name::existing(&record.name).map_or_else(|_| record.folded.clone(), |name| name.skeleton())
}

#[cfg(test)]
mod tests {
    use kabar_core::crypto::identity::PublicIdentity;

    use super::*;

    const ANA: PublicIdentity = PublicIdentity([1; 32]);

    fn record(folded: &str, identity: PublicIdentity, seen_ran_ms: u64) -> NameRecord {
        NameRecord { folded: folded.into(), name: folded.into(), identity, seen_ran_ms }
    }

    fn names() -> Names {
        let server = ServerState { names: vec![record("ana", ANA, 1_000)], ..ServerState::default() };
        Names::new(&server, 500)
    }

    #[test]
    fn ownership_lapses_after_the_keep_time_unseen() {
        let names = names();
        let record = names.record("ana").expect("owned");
        assert!(!names.has_lapsed(record, 1_499) && names.has_lapsed(record, 1_500));
    }

    #[test]
    fn a_name_collides_with_those_that_look_like_it() {
        let mut names = names();
        let colliding = |names: &Names, name: &str| {
            let name = Name::existing(name).expect("allowed");
            names.colliding(&name).map(|record| record.folded.clone()).collect::<Vec<_>>()
        };
        assert_eq!(colliding(&names, "ANA"), ["ana"]);
        assert_eq!(colliding(&names, "аnа"), ["ana"], "Cyrillic");
        assert!(colliding(&names, "anna").is_empty());
        names.forget("ana");
        assert!(colliding(&names, "аnа").is_empty() && names.alike.is_empty());
    }

    #[test]
    fn a_released_name_is_free() {
        let mut names = names();
        let released = vec!["ana".into()];
        names.apply(&ServerBatch { released, ..ServerBatch::default() });
        assert!(names.record("ana").is_none());
    }
}
