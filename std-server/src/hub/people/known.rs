//! The index of known identities: the names of each, and how many instances it has.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

use super::names::Names;
use crate::store::{ServerBatch, ServerState};

/// Every identity that owns a name, or an instance in a room that is in memory.
#[derive(Debug, Default)]
pub(in crate::hub) struct Known {
    by_identity: BTreeMap<PublicIdentity, Kept>,
}

/// The records of one identity, at least one.
#[derive(Clone, Debug, Default)]
pub(in crate::hub) struct Kept {
    /// Folded names that it owns.
    pub(in crate::hub) names: Vec<String>,
    /// Number of its instances in the rooms that are in memory.
    pub(in crate::hub) instances: usize,
}

impl Known {
    /// Replaces the names by those in the store.
    pub(in crate::hub) fn reload(&mut self, loaded: &ServerState) {
        self.by_identity.retain(|_, kept| {
            kept.names.clear();
            kept.instances > 0
        });
        for record in &loaded.names {
            self.add_name(record.identity, &record.folded);
        }
    }

    /// Applies a committed batch, before `names` does: that still holds the earlier owners.
    pub(in crate::hub) fn apply(&mut self, batch: &ServerBatch, names: &Names) {
        let written = batch.names.iter().map(|record| &record.folded);
        for folded in batch.forgotten.iter().chain(&batch.released).chain(written) {
            if let Some(before) = names.record(folded) {
                self.remove_name(before.identity, folded);
            }
        }
        for record in &batch.names {
            self.add_name(record.identity, &record.folded);
        }
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.by_identity.len()
    }

    pub(in crate::hub) fn contains(&self, identity: &PublicIdentity) -> bool {
        self.by_identity.contains_key(identity)
    }

    pub(in crate::hub) fn get(&self, identity: &PublicIdentity) -> Option<&Kept> {
        self.by_identity.get(identity)
    }

    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = (&PublicIdentity, &Kept)> {
        self.by_identity.iter()
    }

    fn add_name(&mut self, identity: PublicIdentity, folded: &str) {
        let names = &mut self.by_identity.entry(identity).or_default().names;
        if !names.iter().any(|name| name == folded) {
            names.push(folded.to_owned());
        }
    }

    /// Counts an instance.
    pub(in crate::hub) fn add_instance(&mut self, identity: PublicIdentity) {
        self.by_identity.entry(identity).or_default().instances += 1;
    }

    pub(in crate::hub) fn remove_name(&mut self, identity: PublicIdentity, folded: &str) {
        if let Some(kept) = self.by_identity.get_mut(&identity) {
            kept.names.retain(|name| name != folded);
        }
        self.drop_empty(identity);
    }

    /// Ends the count of an instance.
    pub(in crate::hub) fn remove_instance(&mut self, identity: PublicIdentity) {
        if let Some(kept) = self.by_identity.get_mut(&identity) {
            kept.instances -= 1;
        }
        self.drop_empty(identity);
    }

    fn drop_empty(&mut self, identity: PublicIdentity) {
        if self.by_identity.get(&identity).is_some_and(|kept| kept.names.is_empty() && kept.instances == 0) {
            self.by_identity.remove(&identity);
        }
    }
}
