//! The identities that were admitted to any room of the server (SPEC 6.2): they may join its open
//! rooms. Rooms report each change of their admissions, so it is complete although rooms are in
//! memory only while they are used.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

use crate::store::ServerState;

/// The tag of admissions that last, by an invite or by an operator: unlike those by a password,
/// which have a tag of the password, they do not end when the password changes.
const LASTING_TAG: [u8; 16] = *b"kabar admitted 1";

/// Admitted identities, and the rule which admissions count.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Admissions under another tag do not count, except lasting ones.
    tag: [u8; 16],
    by_identity: BTreeMap<PublicIdentity, Rooms>,
}

/// The number of rooms to which an identity is admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rooms {
    lasting: u64,
    by_password: u64,
}

impl Admitted {
    /// The admissions to all rooms in the store. `tag` is that of the present password.
    pub(super) fn new(tag: [u8; 16], loaded: &ServerState) -> Self {
        let mut admitted = Self { tag, by_identity: BTreeMap::new() };
        for it in &loaded.admitted {
            if let Some(rooms) = admitted.rooms_mut(it.identity, it.tag) {
                *rooms += it.rooms;
            }
        }
        admitted
    }

    /// The tag of an admission now.
    pub(super) fn tag(&self, is_lasting: bool) -> [u8; 16] {
        if is_lasting { LASTING_TAG } else { self.tag }
    }

    /// Whether admissions under a tag count.
    pub(super) fn counts(&self, tag: [u8; 16]) -> bool {
        tag == self.tag || tag == LASTING_TAG
    }

    /// Whether an identity is admitted to any room.
    pub(super) fn contains(&self, identity: &PublicIdentity) -> bool {
        self.by_identity.contains_key(identity)
    }

    /// Whether an admission of an identity lasts, whatever the password is.
    pub(super) fn is_lasting(&self, identity: &PublicIdentity) -> bool {
        self.by_identity.get(identity).is_some_and(|rooms| rooms.lasting > 0)
    }

    /// A room admitted an identity under a tag.
    pub(super) fn add(&mut self, identity: PublicIdentity, tag: [u8; 16]) {
        if let Some(rooms) = self.rooms_mut(identity, tag) {
            *rooms += 1;
        }
    }

    /// A room no longer admits an identity under a tag.
    pub(super) fn remove(&mut self, identity: PublicIdentity, tag: [u8; 16]) {
        if let Some(rooms) = self.rooms_mut(identity, tag) {
            *rooms = rooms.saturating_sub(1);
        }
        if self.by_identity.get(&identity) == Some(&Rooms::default()) {
            self.by_identity.remove(&identity);
        }
    }

    /// The rooms that admit an identity under a tag, if that counts.
    fn rooms_mut(&mut self, identity: PublicIdentity, tag: [u8; 16]) -> Option<&mut u64> {
        if !self.counts(tag) {
            return None;
        }
        let rooms = self.by_identity.entry(identity).or_default();
        Some(if tag == LASTING_TAG { &mut rooms.lasting } else { &mut rooms.by_password })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::AdmittedIdentity;

    #[test]
    fn an_identity_is_admitted_until_the_last_room_forgets_it() {
        let [ana, ben, cho] = [1, 2, 3].map(|key| PublicIdentity([key; 32]));
        let stored = |identity, tag, rooms| AdmittedIdentity { identity, tag, rooms };
        let admitted = vec![stored(ana, [1; 16], 9), stored(ben, [2; 16], 2), stored(cho, LASTING_TAG, 1)];
        let mut admitted = Admitted::new([2; 16], &ServerState { admitted, ..ServerState::default() });
        assert!(!admitted.contains(&ana) && admitted.contains(&ben) && admitted.contains(&cho));
        assert!(!admitted.is_lasting(&ben) && admitted.is_lasting(&cho));
        admitted.remove(ben, [2; 16]);
        assert!(admitted.contains(&ben));
        admitted.remove(ben, [2; 16]);
        assert!(!admitted.contains(&ben));
        admitted.add(ana, LASTING_TAG);
        admitted.remove(ana, [1; 16]);
        assert!(admitted.contains(&ana), "that one did not count");
    }
}
