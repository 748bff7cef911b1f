//! Ownership of names, presence, and admissions (SPEC 6.6): the durable ones, and the names claimed by
//! Joins in progress.
//!
//! Time unseen is counted in running time: the time of day may jump.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::jobs::Loaded;
use crate::store::{NameRecord, RoomBatch, ServerBatch};
use kabar_std::names::Name;

/// Names and admissions of a room.
#[derive(Debug)]
pub(in crate::hub) struct Ownership {
    records: BTreeMap<String, NameRecord>,
    /// The folded name under which the log reports each present identity.
    present: BTreeMap<PublicIdentity, String>,
    /// Names of Joins that wait for their commit.
    claims: BTreeMap<String, Claim>,
    /// Admitted identities, each with the tag at that time.
    admitted: BTreeMap<PublicIdentity, [u8; 16]>,
    /// Admissions under another tag do not count.
    tag: [u8; 16],
    /// Time unseen after which ownership lapses, in ms of running time.
    keep_ms: u64,
}

/// A name that Joins in progress claim. All of them are by one identity, on several connections.
#[derive(Debug)]
struct Claim {
    identity: PublicIdentity,
    joins: usize,
}

impl Ownership {
    pub(in crate::hub) fn new(loaded: &Loaded, tag: [u8; 16], keep_ms: u64) -> Self {
        let mut ownership = Self {
            records: BTreeMap::new(),
            present: BTreeMap::new(),
            claims: BTreeMap::new(),
            admitted: BTreeMap::new(),
            tag,
            keep_ms,
        };
        ownership.reload(loaded);
        ownership
    }

    /// Replaces the durable records by those in the store.
    pub(in crate::hub) fn reload(&mut self, loaded: &Loaded) {
        self.records = loaded.server.names.iter().map(|record| (record.folded.clone(), record.clone())).collect();
        self.admitted = loaded.room.admissions.iter().map(|admission| (admission.identity, admission.tag)).collect();
        self.present = loaded.room.present.iter().map(|it| (it.identity, folded(&it.name))).collect();
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
        for identity in &room.absent {
            self.present.remove(identity);
        }
        self.present.extend(room.present.iter().map(|it| (it.identity, folded(&it.name))));
        self.admitted.extend(room.admissions.iter().map(|admission| (admission.identity, admission.tag)));
    }

    /// Whether the name belongs to another identity that was seen recently enough (SPEC 6.6).
    pub(in crate::hub) fn is_owned_by_another(&self, folded: &str, identity: PublicIdentity, ran_ms: u64) -> bool {
        let record = self.records.get(folded);
        record.is_some_and(|record| record.identity != identity && !self.has_lapsed(record, ran_ms))
    }

    /// Whether its owner was unseen long enough that the name is free.
    pub(in crate::hub) fn has_lapsed(&self, record: &NameRecord, ran_ms: u64) -> bool {
        !self.is_present(&record.folded) && ran_ms.saturating_sub(record.seen_ran_ms) >= self.keep_ms
    }

    /// Whether the log reports the owner of a name as present under it.
    pub(in crate::hub) fn is_present(&self, folded: &str) -> bool {
        let present = self.records.get(folded).and_then(|record| self.present.get(&record.identity));
        present.is_some_and(|present| present == folded)
    }

    /// The folded name under which the log reports an identity as present.
    pub(in crate::hub) fn present_as(&self, identity: &PublicIdentity) -> Option<&String> {
        self.present.get(identity)
    }

    /// The folded names of all that the log reports as present.
    pub(in crate::hub) fn present(&self) -> impl Iterator<Item = &String> {
        self.present.values()
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

    /// Whether a Join in progress claims the name for another identity.
    pub(in crate::hub) fn is_claimed_by_another(&self, folded: &str, identity: PublicIdentity) -> bool {
        self.claims.get(folded).is_some_and(|claim| claim.identity != identity)
    }

    pub(in crate::hub) fn claim(&mut self, folded: &str, identity: PublicIdentity) {
        self.claims.entry(folded.to_owned()).or_insert(Claim { identity, joins: 0 }).joins += 1;
    }

    /// Ends one of the claims to the name.
    pub(in crate::hub) fn unclaim(&mut self, folded: &str) {
        if let Some(claim) = self.claims.get_mut(folded) {
            claim.joins -= 1;
            if claim.joins == 0 {
                self.claims.remove(folded);
            }
        }
    }

    pub(in crate::hub) fn is_claimed(&self, folded: &str) -> bool {
        self.claims.contains_key(folded)
    }

    pub(in crate::hub) fn is_admitted(&self, identity: &PublicIdentity) -> bool {
        self.admitted.get(identity) == Some(&self.tag)
    }

    pub(in crate::hub) fn record(&self, folded: &str) -> Option<&NameRecord> {
        self.records.get(folded)
    }
}

fn folded(name: &str) -> String {
    Name::new(name).map_or_else(|_| name.to_owned(), |name| name.folded().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Admission, Presence, RoomState, ServerState};

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
    fn a_name_is_reserved_against_other_identities_only() {
        let ownership = ownership();
        assert!(!ownership.is_owned_by_another("ana", ANA, 1_100) && ownership.is_owned_by_another("ana", BEN, 1_100));
        assert!(!ownership.is_owned_by_another("ben", BEN, 1_100));
    }

    #[test]
    fn a_claim_excludes_other_identities_until_its_last_join_ends() {
        let mut ownership = ownership();
        ownership.claim("ben", BEN);
        assert!(ownership.is_claimed_by_another("ben", ANA) && !ownership.is_claimed_by_another("ben", BEN));
        ownership.claim("ben", BEN);
        ownership.unclaim("ben");
        assert!(ownership.is_claimed_by_another("ben", ANA), "its owner's other Join is in progress");
        ownership.unclaim("ben");
        assert!(!ownership.is_claimed_by_another("ben", ANA) && ownership.claims.is_empty());
    }

    #[test]
    fn ownership_lapses_after_the_keep_time_unseen() {
        let mut ownership = ownership();
        assert!(ownership.is_owned_by_another("ana", BEN, 1_499));
        assert!(!ownership.is_owned_by_another("ana", BEN, 1_500));
        let present = vec![Presence { identity: ANA, name: "Ana".into() }];
        ownership.apply(&ServerBatch::default(), &RoomBatch { present, ..RoomBatch::default() });
        assert!(ownership.is_owned_by_another("ana", BEN, 9_999));
    }

    #[test]
    fn a_released_name_is_free() {
        let mut ownership = ownership();
        let released = vec!["ana".into()];
        ownership.apply(&ServerBatch { released, ..ServerBatch::default() }, &RoomBatch::default());
        assert!(!ownership.is_owned_by_another("ana", BEN, 1_000));
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
