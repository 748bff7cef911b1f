//! Uses of invites by Joins that are not committed.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::crypto::identity::PublicIdentity;

use super::Invites;

/// The identities whose Joins are being committed, in any room.
#[derive(Debug, Default)]
pub(super) struct Joining {
    by_identity: BTreeMap<PublicIdentity, Uses>,
}

/// The Joins of one identity.
#[derive(Debug, Default)]
struct Uses {
    joins: usize,
    /// The invites by which they are admitted.
    invites: BTreeSet<u32>,
}

impl Invites {
    /// Notes that a Join waits for its commit, which uses an invite if there is one.
    pub(in crate::hub) fn begin_join(&mut self, identity: PublicIdentity, invite: Option<u32>) {
        let uses = self.joining.by_identity.entry(identity).or_default();
        uses.joins += 1;
        uses.invites.extend(invite);
    }

    /// Ends a completed or lost Join.
    pub(in crate::hub) fn end_join(&mut self, identity: &PublicIdentity) {
        if let Some(uses) = self.joining.by_identity.get_mut(identity) {
            uses.joins -= 1;
            if uses.joins == 0 {
                self.joining.by_identity.remove(identity);
            }
        }
    }

    /// The identities other than `identity` that are about to use an invite.
    pub(in crate::hub) fn others_using(
        &self,
        invite: u32,
        identity: PublicIdentity,
    ) -> impl Iterator<Item = &PublicIdentity> {
        let others = self.joining.by_identity.iter().filter(move |(it, _)| **it != identity);
        others.filter(move |(_, uses)| uses.invites.contains(&invite)).map(|(it, _)| it)
    }
}
