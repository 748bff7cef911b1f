//! The identities that were admitted to a room (SPEC 6.6), as committed.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

use super::invites::LASTING_TAG;
use crate::store::{Admission, RoomBatch, RoomState};

/// Admitted identities, each with the tag at that time.
#[derive(Debug)]
pub(super) struct Admissions {
    admitted: BTreeMap<PublicIdentity, [u8; 16]>,
    /// Admissions under another tag do not count, except lasting ones.
    tag: [u8; 16],
}

impl Admissions {
    pub(super) fn new(loaded: &RoomState, tag: [u8; 16]) -> Self {
        let mut admissions = Self { admitted: BTreeMap::new(), tag };
        admissions.reload(loaded);
        admissions
    }

    /// Replaces all by those in the store.
    pub(super) fn reload(&mut self, loaded: &RoomState) {
        self.admitted = loaded.admissions.iter().map(|admission| (admission.identity, admission.tag)).collect();
    }

    /// Applies a committed batch.
    pub(super) fn apply(&mut self, batch: &RoomBatch) {
        for identity in &batch.forgotten.admissions {
            self.admitted.remove(identity);
        }
        self.admitted.extend(batch.admissions.iter().map(|admission| (admission.identity, admission.tag)));
    }

    /// The record of an admission now.
    pub(super) fn record(&self, identity: PublicIdentity, is_lasting: bool) -> Admission {
        Admission { identity, tag: if is_lasting { LASTING_TAG } else { self.tag } }
    }

    /// Forgets an admission. The caller has to commit its removal before its owner can observe it.
    /// Returns whether there was one.
    pub(super) fn forget(&mut self, identity: &PublicIdentity) -> bool {
        self.admitted.remove(identity).is_some()
    }

    /// All identities with an admission, under any tag.
    pub(super) fn iter(&self) -> impl Iterator<Item = &PublicIdentity> {
        self.admitted.keys()
    }

    pub(super) fn contains(&self, identity: &PublicIdentity) -> bool {
        self.admitted.get(identity).is_some_and(|tag| *tag == self.tag || *tag == LASTING_TAG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admissions_count_under_the_present_tag_or_last() {
        let [ana, ben, cho] = [1, 2, 3].map(|key| PublicIdentity([key; 32]));
        let admission = |identity, tag| Admission { identity, tag };
        let admissions = vec![admission(ana, [1; 16]), admission(ben, [2; 16]), admission(cho, LASTING_TAG)];
        let admissions = Admissions::new(&RoomState { admissions, ..RoomState::default() }, [2; 16]);
        assert!(!admissions.contains(&ana) && admissions.contains(&ben) && admissions.contains(&cho));
    }
}
