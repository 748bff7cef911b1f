//! Counts of the connections that are not members, in total and by address prefix.

use super::fairness::prefix::Prefix;
use super::fairness::shares::Shares;

/// The limits that a connection counts against, by its progress: the furthest one of its
/// memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It has not proved that it may join.
    Stranger,
    /// It may join a room, and its Join waits for its commit.
    Admitted,
    /// A member of a room.
    Member,
    /// Closed, and still in the table.
    Closed,
}

/// Counts of connections that limits apply to.
#[derive(Debug)]
pub(super) struct Census {
    /// Connections that have not joined.
    pub(super) unjoined: usize,
    /// Of those, the ones that have not proved that they may join.
    pub(super) strangers: Shares<u32>,
    /// Closed connections that are still in the table.
    pub(super) closed: Shares<u32>,
}

impl Census {
    pub(super) fn new() -> Self {
        Self { unjoined: 0, strangers: Shares::new(), closed: Shares::new() }
    }

    /// Counts a new connection, which is a stranger.
    pub(super) fn add(&mut self, id: u32, prefix: Prefix) {
        self.unjoined += 1;
        self.strangers.insert(id, prefix);
    }

    /// Counts a connection elsewhere.
    pub(super) fn change(&mut self, id: u32, prefix: Prefix, from: Standing, to: Standing) {
        self.unjoined += usize::from(to.is_unjoined());
        self.unjoined -= usize::from(from.is_unjoined());
        // An entry that is there keeps its age.
        let count = |shares: &mut Shares<u32>, belongs: bool| match belongs {
            true if shares.contains(&id) => {}
            true => shares.insert(id, prefix),
            false => shares.remove(&id),
        };
        count(&mut self.strangers, to == Standing::Stranger);
        count(&mut self.closed, to == Standing::Closed);
    }
}

impl Standing {
    /// Whether it counts against the limit of connections that have not joined.
    fn is_unjoined(self) -> bool {
        matches!(self, Self::Stranger | Self::Admitted)
    }
}
