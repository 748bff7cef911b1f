//! Rooms that are being loaded into memory, and the connections whose Joins wait for that.
//!
//! ```text
//! Join for a room that is not in memory -> a job reads it -> the Join is read again
//! ```
//! A Join waits in its stream, where it arrived. One for a room that does not exist waits for a
//! read of the store, too: how long it takes does not show whether there is such a room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The loads in progress, and those that are still to begin.
#[derive(Debug)]
pub(in crate::hub) struct Loads {
    /// The rooms that something waits for, and those whose load is in progress.
    rooms: BTreeMap<Arc<str>, Load>,
    /// The rooms that something waits for and whose load has not begun, in order of arrival.
    requested: VecDeque<Arc<str>>,
    /// The rooms that nothing waits for, and that are to be loaded nevertheless.
    occupied: VecDeque<Arc<str>>,
    /// The room that the Join of each connection waits for, and the result once it is known: the
    /// Join is about to be read again.
    joins: BTreeMap<u32, (Arc<str>, Option<LoadResult>)>,
    /// Loads at once.
    limit: usize,
    running: usize,
    held: u64,
}

/// A room to be loaded.
#[derive(Debug, Default)]
struct Load {
    connections: BTreeSet<u32>,
    is_running: bool,
}

/// The result of a load for a Join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum LoadResult {
    /// The store was read. The room is in memory, or it does not exist.
    Done,
    /// The store cannot be read.
    Failed,
}

impl Loads {
    /// `occupied`: rooms to be loaded although nothing waits for them.
    pub(in crate::hub) fn new(limit: usize, occupied: impl Iterator<Item = Arc<str>>) -> Self {
        Self {
            rooms: BTreeMap::new(),
            requested: VecDeque::new(),
            occupied: occupied.collect(),
            joins: BTreeMap::new(),
            limit,
            running: 0,
            held: 0,
        }
    }

    /// Requests a room, for the Join of a connection or for a command.
    pub(in crate::hub) fn request(&mut self, name: &str, connection: Option<u32>) {
        let name = match self.rooms.get_key_value(name) {
            Some((name, _)) => name.clone(),
            None => {
                let name: Arc<str> = name.into();
                self.requested.push_back(name.clone());
                self.rooms.insert(name.clone(), Load::default());
                self.held += u64::from(self.running >= self.limit);
                name
            }
        };
        if let (Some(connection), Some(load)) = (connection, self.rooms.get_mut(&name)) {
            load.connections.insert(connection);
            self.joins.insert(connection, (name, None));
        }
    }

    /// Whether the Join of a connection waits for a room.
    pub(in crate::hub) fn is_waiting(&self, connection: u32) -> bool {
        self.joins.get(&connection).is_some_and(|(_, result)| result.is_none())
    }

    /// The next room to be read, if not too many are. Those that something waits for come first.
    pub(in crate::hub) fn next_load(&mut self) -> Option<Arc<str>> {
        if self.running >= self.limit {
            return None;
        }
        let name = self.requested.pop_front().or_else(|| {
            let is_new = |name: &Arc<str>| !self.rooms.contains_key(name);
            core::iter::from_fn(|| self.occupied.pop_front()).find(is_new)
        })?;
        self.rooms.entry(name.clone()).or_default().is_running = true;
        self.running += 1;
        Some(name)
    }

    /// Ends a load. Returns the connections whose Joins waited for it; `None`: it is unknown.
    pub(in crate::hub) fn complete(&mut self, name: &Arc<str>, result: LoadResult) -> Option<BTreeSet<u32>> {
        if !self.rooms.get(name)?.is_running {
            return None;
        }
        let Load { connections, .. } = self.rooms.remove(name)?;
        self.running -= 1;
        for id in &connections {
            if let Some((_, slot)) = self.joins.get_mut(id) {
                *slot = Some(result);
            }
        }
        Some(connections)
    }

    /// Loads a room that nothing waits for once more, after all others.
    pub(in crate::hub) fn retry(&mut self, name: Arc<str>) {
        self.occupied.push_back(name);
    }

    /// The result for the Join of a connection, which then waits no longer. `None`: it is not known
    /// yet, or not for this room.
    pub(in crate::hub) fn take_result(&mut self, name: &str, connection: u32) -> Option<LoadResult> {
        let (room, result) = self.joins.get(&connection)?;
        let result = result.filter(|_| **room == *name)?;
        self.joins.remove(&connection);
        Some(result)
    }

    /// Ends the waiting of a connection.
    pub(in crate::hub) fn forget(&mut self, connection: u32) {
        let Some((name, _)) = self.joins.remove(&connection) else { return };
        if let Some(load) = self.rooms.get_mut(&name) {
            load.connections.remove(&connection);
        }
    }

    /// Number of times that a load had to wait.
    pub(in crate::hub) fn held(&self) -> u64 {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(loads: &mut Loads) -> Option<String> {
        loads.next_load().map(|name| name.as_ref().to_owned())
    }

    #[test]
    fn joins_for_one_room_share_one_load() {
        let mut loads = Loads::new(9, core::iter::empty());
        loads.request("attic", Some(1));
        loads.request("attic", Some(2));
        assert_eq!((next(&mut loads).as_deref(), next(&mut loads)), (Some("attic"), None));
        loads.request("attic", Some(3));
        assert_eq!(next(&mut loads), None);
        assert!(loads.is_waiting(3) && !loads.is_waiting(4));
        loads.forget(2);
        let waited = loads.complete(&"attic".into(), LoadResult::Done).expect("it was running");
        assert_eq!(waited, BTreeSet::from([1, 3]));
        assert_eq!(loads.take_result("attic", 1), Some(LoadResult::Done));
        assert_eq!((loads.take_result("attic", 1), loads.take_result("cellar", 3)), (None, None));
        assert!(!loads.is_waiting(1) && !loads.is_waiting(3));
        assert_eq!(loads.complete(&"attic".into(), LoadResult::Done), None, "once");
    }

    #[test]
    fn loads_are_bounded_and_those_that_something_waits_for_come_first() {
        let mut loads = Loads::new(1, ["lobby", "attic"].map(Into::into).into_iter());
        loads.request("attic", None);
        assert_eq!((next(&mut loads).as_deref(), next(&mut loads), loads.held()), (Some("attic"), None, 0));
        loads.request("cellar", Some(1));
        assert_eq!((next(&mut loads), loads.held()), (None, 1));
        assert_eq!(loads.complete(&"attic".into(), LoadResult::Failed), Some(BTreeSet::new()));
        assert_eq!(next(&mut loads).as_deref(), Some("cellar"));
        loads.complete(&"cellar".into(), LoadResult::Done);
        assert_eq!(next(&mut loads).as_deref(), Some("lobby"));
        loads.complete(&"lobby".into(), LoadResult::Failed);
        loads.retry("lobby".into());
        assert_eq!(next(&mut loads).as_deref(), Some("attic"), "it was loaded and may be dropped by now");
    }
}
