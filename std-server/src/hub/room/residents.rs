//! The connections of a room's members, and those whose Join waits for its commit, by which the
//! members of one network are bounded.

use crate::hub::fairness::prefix::Prefix;
use crate::hub::sorted_map::SortedMap;

/// Connections, each with the prefix that it counts against.
#[derive(Debug, Default)]
pub(super) struct Residents(SortedMap<u32, Prefix>);

impl Residents {
    pub(super) fn insert(&mut self, peer: u32, prefix: Prefix) {
        self.0.insert(peer, prefix);
    }

    pub(super) fn remove(&mut self, peer: &u32) {
        self.0.remove(peer);
    }

    /// Number of connections from the widest network of a prefix.
    pub(super) fn weight(&self, prefix: Prefix) -> usize {
        let network = prefix.at(0);
        self.0.values().filter(|other| other.at(0) == network).count()
    }
}
