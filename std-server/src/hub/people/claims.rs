//! Joins and renames in progress: the names that they claim, and the identities that are joining.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::names::Name;

/// Claims in all rooms, until the commits that they wait for.
#[derive(Debug, Default)]
pub(in crate::hub) struct Claims {
    /// By folded name.
    names: Held,
    /// By skeleton: names that look alike exclude each other (SPEC 6.6).
    skeletons: Held,
    /// The number of Joins in progress, in all rooms, of each identity that has any.
    joining: BTreeMap<PublicIdentity, usize>,
}

/// Claims by a form of the name.
#[derive(Debug, Default)]
struct Held(BTreeMap<String, Claim>);

/// A name that is claimed by one identity, by one or several Joins and renames.
#[derive(Debug)]
struct Claim {
    identity: PublicIdentity,
    count: usize,
}

impl Held {
    fn add(&mut self, form: String, identity: PublicIdentity) {
        self.0.entry(form).or_insert(Claim { identity, count: 0 }).count += 1;
    }

    fn remove(&mut self, form: &str) {
        if let Some(claim) = self.0.get_mut(form) {
            claim.count -= 1;
            if claim.count == 0 {
                self.0.remove(form);
            }
        }
    }

    fn is_by_another(&self, form: &str, identity: &PublicIdentity) -> bool {
        self.0.get(form).is_some_and(|claim| claim.identity != *identity)
    }
}

impl Claims {
    /// Begins a Join, which claims its name.
    pub(in crate::hub) fn begin_join(&mut self, name: &Name, identity: PublicIdentity) {
        self.claim(name, identity);
        *self.joining.entry(identity).or_default() += 1;
    }

    /// Ends a Join, successful or not.
    pub(in crate::hub) fn end_join(&mut self, name: &Name, identity: &PublicIdentity) {
        self.unclaim(name);
        if let Some(count) = self.joining.get_mut(identity) {
            *count -= 1;
            if *count == 0 {
                self.joining.remove(identity);
            }
        }
    }

    /// Claims a name, which no other identity claims.
    pub(in crate::hub) fn claim(&mut self, name: &Name, identity: PublicIdentity) {
        self.names.add(name.folded().to_owned(), identity);
        self.skeletons.add(name.skeleton(), identity);
    }

    /// Ends one of the claims to a name.
    pub(in crate::hub) fn unclaim(&mut self, name: &Name) {
        self.names.remove(name.folded());
        self.skeletons.remove(&name.skeleton());
    }

    pub(in crate::hub) fn is_claimed(&self, folded: &str) -> bool {
        self.names.0.contains_key(folded)
    }

    /// Whether another identity claims the name, or one that looks like it.
    pub(in crate::hub) fn is_claimed_by_another(&self, name: &Name, identity: &PublicIdentity) -> bool {
        self.names.is_by_another(name.folded(), identity) || self.skeletons.is_by_another(&name.skeleton(), identity)
    }

    /// Whether a Join of the identity is in progress in any room.
    pub(in crate::hub) fn is_joining(&self, identity: &PublicIdentity) -> bool {
        self.joining.contains_key(identity)
    }

    /// The identities with a Join in progress.
    pub(in crate::hub) fn joining(&self) -> impl Iterator<Item = &PublicIdentity> {
        self.joining.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: PublicIdentity = PublicIdentity([1; 32]);
    const BEN: PublicIdentity = PublicIdentity([2; 32]);

    fn name(name: &str) -> Name {
        Name::existing(name).expect("a name")
    }

    #[test]
    fn a_claim_excludes_other_identities_until_its_last_join_ends() {
        let (mut claims, ben) = (Claims::default(), name("ben"));
        claims.begin_join(&ben, BEN);
        assert!(claims.is_claimed_by_another(&ben, &ANA) && !claims.is_claimed_by_another(&ben, &BEN));
        claims.begin_join(&ben, BEN);
        claims.end_join(&ben, &BEN);
        assert!(claims.is_claimed_by_another(&ben, &ANA), "its owner's other Join is in progress");
        assert!(claims.is_joining(&BEN));
        claims.end_join(&ben, &BEN);
        assert!(!claims.is_claimed_by_another(&ben, &ANA) && !claims.is_joining(&BEN));
    }

    #[test]
    fn a_claim_by_a_rename_is_no_join_and_excludes_names_that_look_like_it() {
        let (mut claims, ben) = (Claims::default(), name("ben"));
        claims.claim(&ben, BEN);
        assert!(claims.is_claimed_by_another(&name("bеn"), &ANA), "Cyrillic");
        assert!(claims.is_claimed("ben") && !claims.is_joining(&BEN));
        claims.unclaim(&ben);
        assert!(!claims.is_claimed("ben") && !claims.is_claimed_by_another(&name("bеn"), &ANA));
    }
}
