//! The identities that were admitted to a room (SPEC 6.6), as committed. Each change is reported to
//! the server's index.

use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::admitted::Admitted;
use crate::hub::sorted_map::SortedMap;
use crate::store::{RoomBatch, RoomState};

/// Admitted identities, each with the tag at that time.
#[derive(Clone, Debug, Default)]
pub(in crate::hub) struct Admissions {
    admitted: SortedMap<PublicIdentity, [u8; 16]>,
}

impl Admissions {
    /// Those in the store, which the index has already.
    pub(super) fn new(loaded: &RoomState) -> Self {
        let admitted = loaded.admissions.iter().map(|admission| (admission.identity, admission.tag));
        Self { admitted: admitted.collect() }
    }

    /// Adds one that is in the store.
    pub(super) fn insert(&mut self, admission: &crate::store::Admission) {
        self.admitted.insert(admission.identity, admission.tag);
    }

    /// Replaces all by those in the store.
    pub(super) fn reload(&mut self, loaded: &RoomState, index: &mut Admitted) {
        let before = core::mem::replace(self, Self::new(loaded));
        for (identity, tag) in before.admitted {
            index.remove(identity, tag);
        }
        for (identity, tag) in self.admitted.iter() {
            index.add(*identity, *tag);
        }
    }

    /// Applies a committed batch.
    pub(super) fn apply(&mut self, batch: &RoomBatch, index: &mut Admitted) {
        for identity in &batch.forgotten.admissions {
            self.forget(identity, index);
        }
        for admission in &batch.admissions {
            self.forget(&admission.identity, index);
            self.admitted.insert(admission.identity, admission.tag);
            index.add(admission.identity, admission.tag);
        }
    }

    /// Forgets an admission. The caller has to commit its removal before its owner can observe it.
    /// Returns whether there was one.
    pub(super) fn forget(&mut self, identity: &PublicIdentity, index: &mut Admitted) -> bool {
        let tag = self.admitted.remove(identity);
        if let Some(tag) = tag {
            index.remove(*identity, tag);
        }
        tag.is_some()
    }

    /// All identities with an admission, under any tag.
    pub(super) fn iter(&self) -> impl Iterator<Item = &PublicIdentity> {
        self.admitted.keys()
    }

    /// Whether an identity has an admission that counts.
    pub(super) fn contains(&self, identity: &PublicIdentity, index: &Admitted) -> bool {
        self.admitted.get(identity).is_some_and(|tag| index.counts(*tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Admission, ServerState};

    #[test]
    fn admissions_count_under_the_present_tag_or_last() {
        let [ana, ben, cho] = [1, 2, 3].map(|key| PublicIdentity([key; 32]));
        let mut index = Admitted::new([2; 16], &ServerState::default());
        let admission = |identity, tag| Admission { identity, tag };
        let admissions = vec![admission(ana, [1; 16]), admission(ben, [2; 16]), admission(cho, index.tag(true))];
        let loaded = RoomState { admissions, ..RoomState::default() };
        let mut admissions = Admissions::new(&RoomState::default());
        for _ in 0..2 {
            admissions.reload(&loaded, &mut index);
            let counted = [ana, ben, cho].map(|it| (admissions.contains(&it, &index), index.contains(&it)));
            assert_eq!(counted, [(false, false), (true, true), (true, true)]);
        }
        admissions.reload(&RoomState::default(), &mut index);
        assert!(![ana, ben, cho].iter().any(|it| admissions.contains(it, &index) || index.contains(it)));
    }
}
