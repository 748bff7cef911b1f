//! Ownership of names, and admissions (SPEC 6.6), as committed.
//!
//! Time unseen is counted in running time: the time of day may jump.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::jobs::Loaded;
use crate::store::{NameRecord, RoomBatch, ServerBatch};

/// Names and admissions of a room.
#[derive(Debug)]
pub(in crate::hub) struct Ownership {
    records: BTreeMap<String, NameRecord>,
    /// Admitted identities, each with the tag at that time.
    admitted: BTreeMap<PublicIdentity, [u8; 16]>,
    /// Admissions under another tag do not count.
    tag: [u8; 16],
    /// Time unseen after which ownership lapses, in ms of running time.
    keep_ms: u64,
}

impl Ownership {
    pub(in crate::hub) fn new(loaded: &Loaded, tag: [u8; 16], keep_ms: u64) -> Self {
        let mut ownership = Self { records: BTreeMap::new(), admitted: BTreeMap::new(), tag, keep_ms };
        ownership.reload(loaded);
        ownership
    }

    /// Replaces the durable records by those in the store.
    pub(in crate::hub) fn reload(&mut self, loaded: &Loaded) {
        self.records = loaded.server.names.iter().map(|record| (record.folded.clone(), record.clone())).collect();
        self.admitted = loaded.room.admissions.iter().map(|admission| (admission.identity, admission.tag)).collect();
    }

    /// Applies a committed batch.
    pub(in crate::hub) fn apply(&mut self, server: &ServerBatch, room: &RoomBatch) {
        for folded in server.forgotten.iter().chain(&server.released) {
            self.records.remove(folded);
        }
        for identity in &room.forgotten.admissions {
            self.admitted.remove(identity);
        }
        for record in &server.names {
            self.records.insert(record.folded.clone(), record.clone());
        }
        self.admitted.extend(room.admissions.iter().map(|admission| (admission.identity, admission.tag)));
    }

    /// Whether its owner was unseen long enough that the name is free, unless the owner is present
    /// under it.
    pub(in crate::hub) fn has_lapsed(&self, record: &NameRecord, ran_ms: u64) -> bool {
        ran_ms.saturating_sub(record.seen_ran_ms) >= self.keep_ms
    }

    /// Forgets a name. The caller has to commit its removal before its owner can observe it.
    pub(in crate::hub) fn forget_name(&mut self, folded: &str) {
        self.records.remove(folded);
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
        self.admitted.get(identity) == Some(&self.tag)
    }

    pub(in crate::hub) fn record(&self, folded: &str) -> Option<&NameRecord> {
        self.records.get(folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Admission, RoomState, ServerState};

    const ANA: PublicIdentity = PublicIdentity([1; 32]);
    const BEN: PublicIdentity = PublicIdentity([2; 32]);

    fn ownership() -> Ownership {
        let name = "ana".to_owned();
        let record = NameRecord { folded: name.clone(), name, identity: ANA, seen_ran_ms: 1_000 };
        let server = ServerState { names: vec![record], ..ServerState::default() };
        Ownership::new(&Loaded { server, ..Loaded::default() }, [0; 16], 500)
    }

    #[test]
    fn ownership_lapses_after_the_keep_time_unseen() {
        let ownership = ownership();
        let record = ownership.record("ana").expect("owned");
        assert!(!ownership.has_lapsed(record, 1_499) && ownership.has_lapsed(record, 1_500));
    }

    #[test]
    fn a_released_name_is_free() {
        let mut ownership = ownership();
        let released = vec!["ana".into()];
        ownership.apply(&ServerBatch { released, ..ServerBatch::default() }, &RoomBatch::default());
        assert!(ownership.record("ana").is_none());
    }

    #[test]
    fn admissions_count_under_the_present_tag_only() {
        let admission = |identity, tag| Admission { identity, tag };
        let admissions = vec![admission(ANA, [1; 16]), admission(BEN, [2; 16])];
        let room = RoomState { admissions, ..RoomState::default() };
        let loaded = Loaded { room, ..Loaded::default() };
        let ownership = Ownership::new(&loaded, [2; 16], 500);
        assert!(!ownership.is_admitted(&ANA) && ownership.is_admitted(&BEN));
    }
}
