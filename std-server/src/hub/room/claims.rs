//! Joins and renames in progress: the names that they claim, and the identities that are joining.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

/// Claims of a room, until the commits that they wait for.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// By folded name.
    names: BTreeMap<String, Claim>,
    /// The number of Joins in progress of each identity that has any.
    joining: BTreeMap<PublicIdentity, usize>,
}

/// A name that is claimed by one identity, by one or several Joins and renames.
#[derive(Debug)]
struct Claim {
    identity: PublicIdentity,
    count: usize,
}

impl Claims {
    /// Begins a Join, which claims its name.
    pub(super) fn begin_join(&mut self, folded: &str, identity: PublicIdentity) {
        self.claim(folded, identity);
        *self.joining.entry(identity).or_default() += 1;
    }

    /// Ends a Join, successful or not.
    pub(super) fn end_join(&mut self, folded: &str, identity: &PublicIdentity) {
        self.unclaim(folded);
        if let Some(count) = self.joining.get_mut(identity) {
            *count -= 1;
            if *count == 0 {
                self.joining.remove(identity);
            }
        }
    }

    /// Claims a name.
    pub(super) fn claim(&mut self, folded: &str, identity: PublicIdentity) {
        self.names.entry(folded.to_owned()).or_insert(Claim { identity, count: 0 }).count += 1;
    }

    /// Ends one of the claims to a name.
    pub(super) fn unclaim(&mut self, folded: &str) {
        if let Some(claim) = self.names.get_mut(folded) {
            claim.count -= 1;
            if claim.count == 0 {
                self.names.remove(folded);
            }
        }
    }

    pub(super) fn is_claimed(&self, folded: &str) -> bool {
        self.names.contains_key(folded)
    }

    /// Whether another identity claims the name.
    pub(super) fn is_claimed_by_another(&self, folded: &str, identity: &PublicIdentity) -> bool {
        self.names.get(folded).is_some_and(|claim| claim.identity != *identity)
    }

    /// Whether a Join of the identity is in progress.
    pub(super) fn is_joining(&self, identity: &PublicIdentity) -> bool {
        self.joining.contains_key(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: PublicIdentity = PublicIdentity([1; 32]);
    const BEN: PublicIdentity = PublicIdentity([2; 32]);

    #[test]
    fn a_claim_excludes_other_identities_until_its_last_join_ends() {
        let mut claims = Claims::default();
        claims.begin_join("ben", BEN);
        assert!(claims.is_claimed_by_another("ben", &ANA) && !claims.is_claimed_by_another("ben", &BEN));
        claims.begin_join("ben", BEN);
        claims.end_join("ben", &BEN);
        assert!(claims.is_claimed_by_another("ben", &ANA), "its owner's other Join is in progress");
        assert!(claims.is_joining(&BEN));
        claims.end_join("ben", &BEN);
        assert!(!claims.is_claimed("ben") && !claims.is_joining(&BEN));
    }

    #[test]
    fn a_claim_by_a_rename_is_no_join() {
        let mut claims = Claims::default();
        claims.claim("ben", BEN);
        assert!(claims.is_claimed_by_another("ben", &ANA) && !claims.is_joining(&BEN));
        claims.unclaim("ben");
        assert!(!claims.is_claimed("ben"));
    }
}
