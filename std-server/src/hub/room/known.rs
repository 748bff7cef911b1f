//! The index of known identities, by which the names and instances of each are bounded.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

use super::ownership::Ownership;
use crate::hub::jobs::Loaded;
use crate::store::{RoomBatch, ServerBatch};

/// Every identity that owns a name or an instance.
#[derive(Debug, Default)]
pub(in crate::hub) struct Known {
    by_identity: BTreeMap<PublicIdentity, Kept>,
}

/// The records of one identity, at least one.
#[derive(Clone, Debug, Default)]
pub(in crate::hub) struct Kept {
    /// Folded names that it owns.
    pub(in crate::hub) names: Vec<String>,
    /// Its instances.
    pub(in crate::hub) instances: Vec<u64>,
}

impl Known {
    /// The index of the records in the store.
    pub(in crate::hub) fn new(loaded: &Loaded) -> Self {
        let mut known = Self::default();
        for record in &loaded.server.names {
            known.add_name(record.identity, &record.folded);
        }
        for record in &loaded.room.instances {
            known.add_instance(record.identity, record.instance);
        }
        known
    }

    /// Applies a committed batch, before `ownership` does: that still holds the earlier owners of
    /// names.
    pub(in crate::hub) fn apply(&mut self, server: &ServerBatch, room: &RoomBatch, ownership: &Ownership) {
        let written = server.names.iter().map(|record| &record.folded);
        for folded in server.forgotten.iter().chain(&server.released).chain(written) {
            if let Some(before) = ownership.record(folded) {
                self.remove_name(before.identity, folded);
            }
        }
        for record in &server.names {
            self.add_name(record.identity, &record.folded);
        }
        for record in &room.instances {
            self.add_instance(record.identity, record.instance);
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

    fn add_instance(&mut self, identity: PublicIdentity, instance: u64) {
        let instances = &mut self.by_identity.entry(identity).or_default().instances;
        if !instances.contains(&instance) {
            instances.push(instance);
        }
    }

    pub(in crate::hub) fn remove_name(&mut self, identity: PublicIdentity, folded: &str) {
        if let Some(kept) = self.by_identity.get_mut(&identity) {
            kept.names.retain(|name| name != folded);
        }
        self.drop_empty(identity);
    }

    pub(in crate::hub) fn remove_instance(&mut self, identity: PublicIdentity, instance: u64) {
        if let Some(kept) = self.by_identity.get_mut(&identity) {
            kept.instances.retain(|known| *known != instance);
        }
        self.drop_empty(identity);
    }

    fn drop_empty(&mut self, identity: PublicIdentity) {
        if self.by_identity.get(&identity).is_some_and(|kept| kept.names.is_empty() && kept.instances.is_empty()) {
            self.by_identity.remove(&identity);
        }
    }
}
