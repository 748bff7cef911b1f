//! The index of a room's instances by identity, by which those of each are bounded.

use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::people::Known;
use crate::hub::sorted_map::SortedMap;
use crate::store::{InstanceRecord, RoomState};

/// The instances of each identity that has any in a room.
#[derive(Debug, Default)]
pub(super) struct Instances(SortedMap<PublicIdentity, Vec<u64>>);

impl Instances {
    /// The index of the records in the store.
    pub(super) fn new(loaded: &RoomState, known: &mut Known) -> Self {
        let mut instances = Self::default();
        instances.add(&loaded.instances, known);
        instances
    }

    /// Replaces everything by the records in the store.
    pub(super) fn reload(&mut self, loaded: &RoomState, known: &mut Known) {
        for (identity, instances) in core::mem::take(&mut self.0) {
            instances.iter().for_each(|_| known.remove_instance(identity));
        }
        self.add(&loaded.instances, known);
    }

    /// Adds committed records.
    pub(super) fn add(&mut self, records: &[InstanceRecord], known: &mut Known) {
        for record in records {
            let instances = self.0.or_default(record.identity);
            if !instances.contains(&record.instance) {
                instances.push(record.instance);
                known.add_instance(record.identity);
            }
        }
    }

    pub(super) fn remove(&mut self, identity: PublicIdentity, instance: u64, known: &mut Known) {
        let Some(instances) = self.0.get_mut(&identity) else { return };
        if let Some(at) = instances.iter().position(|it| *it == instance) {
            instances.remove(at);
            known.remove_instance(identity);
        }
        if instances.is_empty() {
            self.0.remove(&identity);
        }
    }

    /// The instances of an identity.
    pub(super) fn of(&self, identity: &PublicIdentity) -> &[u64] {
        self.0.get(identity).map_or(&[], Vec::as_slice)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PublicIdentity, &Vec<u64>)> {
        self.0.iter()
    }
}
