//! Ownership of names, and admissions (SPEC 6.6), as committed.
//!
//! Time unseen is counted in running time: the time of day may jump.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::crypto::identity::PublicIdentity;

use super::invites::LASTING_TAG;
use crate::hub::jobs::Loaded;
use crate::store::{NameRecord, RoomBatch, ServerBatch};
use kabar_std::names::Name;

/// Names and admissions of a room.
#[derive(Debug)]
pub(in crate::hub) struct Ownership {
    records: BTreeMap<String, NameRecord>,
    /// The folded names with each skeleton.
    alike: BTreeMap<String, BTreeSet<String>>,
    /// Admitted identities, each with the tag at that time.
    admitted: BTreeMap<PublicIdentity, [u8; 16]>,
    /// Admissions under another tag do not count, except lasting ones.
    tag: [u8; 16],
    /// Time unseen after which ownership lapses, in ms of running time.
    keep_ms: u64,
}

impl Ownership {
    pub(in crate::hub) fn new(loaded: &Loaded, tag: [u8; 16], keep_ms: u64) -> Self {
        let mut ownership =
            Self { records: BTreeMap::new(), alike: BTreeMap::new(), admitted: BTreeMap::new(), tag, keep_ms };
        ownership.reload(loaded);
        ownership
    }

    /// Replaces the durable records by those in the store.
    pub(in crate::hub) fn reload(&mut self, loaded: &Loaded) {
        (self.records, self.alike) = (BTreeMap::new(), BTreeMap::new());
        loaded.server.names.iter().for_each(|record| self.insert(record));
        self.admitted = loaded.room.admissions.iter().map(|admission| (admission.identity, admission.tag)).collect();
    }

    /// Applies a committed batch.
    pub(in crate::hub) fn apply(&mut self, server: &ServerBatch, room: &RoomBatch) {
        for folded in server.forgotten.iter().chain(&server.released) {
            self.forget_name(folded);
        }
        for identity in &room.forgotten.admissions {
            self.admitted.remove(identity);
        }
        server.names.iter().for_each(|record| self.insert(record));
        self.admitted.extend(room.admissions.iter().map(|admission| (admission.identity, admission.tag)));
    }

    fn insert(&mut self, record: &NameRecord) {
        // Another spelling may have another skeleton.
        self.forget_name(&record.folded);
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
    pub(in crate::hub) fn forget_name(&mut self, folded: &str) {
        let Some(record) = self.records.remove(folded) else { return };
        let skeleton = skeleton(&record);
        if let Some(alike) = self.alike.get_mut(&skeleton) {
            alike.remove(folded);
            if alike.is_empty() {
                self.alike.remove(&skeleton);
            }
        }
    }

    /// As [`Self::forget_name`], for an admission. Returns whether there was one.
    pub(in crate::hub) fn forget_admission(&mut self, identity: &PublicIdentity) -> bool {
        self.admitted.remove(identity).is_some()
    }

    /// All identities with an admission, under any tag.
    pub(in crate::hub) fn admitted(&self) -> impl Iterator<Item = &PublicIdentity> {
        self.admitted.keys()
    }

    pub(in crate::hub) fn is_admitted(&self, identity: &PublicIdentity) -> bool {
        self.admitted.get(identity).is_some_and(|tag| *tag == self.tag || *tag == LASTING_TAG)
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
    use super::*;
    use crate::store::{Admission, RoomState, ServerState};

    const ANA: PublicIdentity = PublicIdentity([1; 32]);
    const BEN: PublicIdentity = PublicIdentity([2; 32]);

    fn record(folded: &str, identity: PublicIdentity, seen_ran_ms: u64) -> NameRecord {
        NameRecord { folded: folded.into(), name: folded.into(), identity, seen_ran_ms }
    }

    fn ownership() -> Ownership {
        let server = ServerState { names: vec![record("ana", ANA, 1_000)], ..ServerState::default() };
        let loaded = Loaded { server, ..Loaded::default() };
        Ownership::new(&loaded, [0; 16], 500)
    }

    #[test]
    fn ownership_lapses_after_the_keep_time_unseen() {
        let ownership = ownership();
        let record = ownership.record("ana").expect("owned");
        assert!(!ownership.has_lapsed(record, 1_499) && ownership.has_lapsed(record, 1_500));
    }

    #[test]
    fn a_name_collides_with_those_that_look_like_it() {
        let mut ownership = ownership();
        let colliding = |ownership: &Ownership, name: &str| {
            let name = Name::existing(name).expect("allowed");
            ownership.colliding(&name).map(|record| record.folded.clone()).collect::<Vec<_>>()
        };
        assert_eq!(colliding(&ownership, "ANA"), ["ana"]);
        assert_eq!(colliding(&ownership, "аnа"), ["ana"], "Cyrillic");
        assert!(colliding(&ownership, "anna").is_empty());
        ownership.forget_name("ana");
        assert!(colliding(&ownership, "аnа").is_empty() && ownership.alike.is_empty());
    }

    #[test]
    fn a_released_name_is_free() {
        let mut ownership = ownership();
        let released = vec!["ana".into()];
        ownership.apply(&ServerBatch { released, ..ServerBatch::default() }, &RoomBatch::default());
        assert!(ownership.record("ana").is_none());
    }

    #[test]
    fn admissions_count_under_the_present_tag_or_last() {
        let admission = |identity, tag| Admission { identity, tag };
        let cho = PublicIdentity([3; 32]);
        let admissions = vec![admission(ANA, [1; 16]), admission(BEN, [2; 16]), admission(cho, LASTING_TAG)];
        let room = RoomState { admissions, ..RoomState::default() };
        let loaded = Loaded { room, ..Loaded::default() };
        let ownership = Ownership::new(&loaded, [2; 16], 500);
        assert!(!ownership.is_admitted(&ANA) && ownership.is_admitted(&BEN) && ownership.is_admitted(&cho));
    }
}
