//! Rooms that are being loaded into memory, and the connections whose Joins wait for that.
//!
//! ```text
//! Join for a room that is not in memory -> a job reads it -> the Join goes on
//! ```
//! The connection keeps its Join meanwhile (see `peer::memberships`). One for a room that does not
//! exist waits for a read of the store, too: how long it takes does not show whether there is such
//! a room. Connections are served in turn: many Joins on one do not delay those on another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The loads in progress, and those that are still to begin. No connection waits for more rooms
/// than it may be in.
#[derive(Debug)]
pub(in crate::hub) struct Loads {
    /// The rooms that something waits for, and those whose load is in progress.
    rooms: BTreeMap<Arc<str>, Load>,
    /// The rooms that each connection waits for, or commands do (`None`), in order of arrival. Some
    /// may be loaded already, or being loaded.
    requested: BTreeMap<Option<u32>, VecDeque<Arc<str>>>,
    /// Those who have requested rooms, in the order in which they are served.
    turns: VecDeque<Option<u32>>,
    /// The rooms that nothing waits for, and that are to be loaded nevertheless.
    background: VecDeque<Arc<str>>,
    /// Loads at once.
    limit: usize,
    running: usize,
    held: u64,
}

/// A room to be loaded.
#[derive(Debug, Default)]
struct Load {
    connections: BTreeSet<u32>,
    is_commanded: bool,
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
    /// `background`: rooms to be loaded although nothing waits for them.
    pub(in crate::hub) fn new(limit: usize, background: impl Iterator<Item = Arc<str>>) -> Self {
        Self {
            rooms: BTreeMap::new(),
            requested: BTreeMap::new(),
            turns: VecDeque::new(),
            background: background.collect(),
            limit,
            running: 0,
            held: 0,
        }
    }

    /// Requests a room, for the Join of a connection or for a command (`None`).
    pub(in crate::hub) fn request(&mut self, name: &Arc<str>, connection: Option<u32>) {
        let is_new = !self.rooms.contains_key(name);
        self.held += u64::from(is_new && self.running >= self.limit);
        let load = self.rooms.entry(name.clone()).or_default();
        let is_first = match connection {
            Some(connection) => load.connections.insert(connection),
            None => !core::mem::replace(&mut load.is_commanded, true),
        };
        // It may be loaded in the turn of another connection, or in this one.
        if is_first && !load.is_running {
            let requested = self.requested.entry(connection).or_default();
            if requested.is_empty() {
                self.turns.push_back(connection);
            }
            requested.push_back(name.clone());
        }
    }

    /// Whether there may be another room to be read.
    pub(in crate::hub) fn has_next(&self) -> bool {
        !self.turns.is_empty() || !self.background.is_empty()
    }

    /// The next room to be read, if not too many are. Those that something waits for come first.
    pub(in crate::hub) fn next_load(&mut self) -> Option<Arc<str>> {
        if self.running >= self.limit {
            return None;
        }
        let name = self.next_requested().or_else(|| {
            let is_new = |name: &Arc<str>| !self.rooms.contains_key(name);
            core::iter::from_fn(|| self.background.pop_front()).find(is_new)
        })?;
        self.rooms.entry(name.clone()).or_default().is_running = true;
        self.running += 1;
        Some(name)
    }

    /// The next requested room that is not being read, of the connection whose turn it is.
    fn next_requested(&mut self) -> Option<Arc<str>> {
        while let Some(turn) = self.turns.pop_front() {
            let Some(requested) = self.requested.get_mut(&turn) else { continue };
            let is_waiting = |name: &Arc<str>| self.rooms.get(name).is_some_and(|load| !load.is_running);
            let next = core::iter::from_fn(|| requested.pop_front()).find(is_waiting);
            if requested.is_empty() {
                self.requested.remove(&turn);
            } else {
                self.turns.push_back(turn);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }

    /// Ends a load. Returns the connections whose Joins waited for it; `None`: it is unknown.
    pub(in crate::hub) fn complete(&mut self, name: &Arc<str>) -> Option<BTreeSet<u32>> {
        if !self.rooms.get(name)?.is_running {
            return None;
        }
        let Load { connections, .. } = self.rooms.remove(name)?;
        self.running -= 1;
        Some(connections)
    }

    /// Loads a room that nothing waits for, after all others.
    pub(in crate::hub) fn load_later(&mut self, name: Arc<str>) {
        self.background.push_back(name);
    }

    /// Ends the waiting of a connection for these rooms, which are all that it waits for.
    pub(in crate::hub) fn forget(&mut self, connection: u32, names: impl Iterator<Item = Arc<str>>) {
        for name in names {
            let Some(load) = self.rooms.get_mut(&name) else { continue };
            load.connections.remove(&connection);
            if load.connections.is_empty() && !load.is_commanded && !load.is_running {
                self.rooms.remove(&name);
            }
        }
        if self.requested.remove(&Some(connection)).is_some() {
            self.turns.retain(|turn| *turn != Some(connection));
        }
    }

    /// Number of times that a load had to wait.
    pub(in crate::hub) fn held(&self) -> u64 {
        self.held
    }
}

#[cfg(test)]
mod tests;
