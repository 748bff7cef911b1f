//! Connections that are not members, by phase and by address prefix.

use super::Phase;
use crate::hub::door::prefix::Prefix;
use crate::hub::door::shares::Shares;

/// Counts of connections that limits apply to.
#[derive(Debug)]
pub(in crate::hub) struct Census {
    /// Connections that have not joined.
    pub(in crate::hub) unjoined: usize,
    /// Of those, the ones that have not proved that they may join.
    pub(in crate::hub) strangers: Shares<u32>,
    /// Closed connections that are still in the table.
    pub(in crate::hub) closed: Shares<u32>,
}

impl Census {
    pub(in crate::hub) fn new() -> Self {
        Self { unjoined: 0, strangers: Shares::new(), closed: Shares::new() }
    }

    /// Counts a new connection.
    pub(super) fn add(&mut self, id: u32, prefix: Prefix) {
        self.unjoined += 1;
        self.strangers.insert(id, prefix);
    }

    /// Moves a connection from one phase to another.
    pub(super) fn change(&mut self, id: u32, prefix: Prefix, from: &Phase, to: &Phase) {
        self.unjoined += usize::from(to.is_unjoined());
        self.unjoined -= usize::from(from.is_unjoined());
        // An entry that is there keeps its age.
        let count = |shares: &mut Shares<u32>, belongs: bool| match belongs {
            true if shares.contains(&id) => {}
            true => shares.insert(id, prefix),
            false => shares.remove(&id),
        };
        count(&mut self.strangers, to.is_stranger());
        count(&mut self.closed, matches!(to, Phase::Closed));
    }
}
