//! Deadlines in order, so that a wake-up visits only the timers that are due.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use rustc_hash::FxHashMap;

use super::room_id::RoomId;

/// The purpose of a deadline. Each purpose has one deadline at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// [`kabar_core::connection::Connection::poll_timeout`] of a connection.
    Connection(u32),
    /// The end of a connection's phase: it has not joined a room, or was refused.
    Phase(u32),
    /// The Join of a connection to a room has waited for too long: for the check of its password,
    /// or for an operator.
    Join(u32, RoomId),
    /// A Join or a post exceeded the rate of its identity: time to read its connection again.
    Read(u32),
    /// The next check for connections that keep rings and make no progress.
    Pool,
    /// The next attempt after a failed commit or reload.
    Store,
    /// The next password check, after too many wrong ones in total.
    Passwords,
    /// The next time to write the running time and to search for lapsed names.
    Upkeep,
    /// The next search for lapsed names, when there were more than are forgotten at once.
    Purge,
    /// The next search for entries to be removed in rooms that are not in memory.
    Sweep,
    /// The next search for an identity that makes room in a full table.
    Evict,
    /// The next attempt to read pages of logs, after a failed one.
    Pages,
    /// The next attempt to load a room that nothing waits for, after a failed one.
    Loads,
    /// The next attempt to remove contents that no entry names, when an entry was to be stored
    /// first.
    Collect,
    /// The next search for transfers without progress.
    Transfers,
    /// The next attempt to store what a full disk had no room for.
    Contents,
    /// A deadline of a room.
    Room(RoomId, RoomTimer),
}

/// The purpose of a room's deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RoomTimer {
    /// A member that vanished: time to announce that it left.
    Absence(PublicIdentity),
    /// The next time to write which members are present, and to search for lapsed records.
    Upkeep,
    /// The next search for lapsed records, when there were more than are forgotten at once.
    Purge,
    /// The next search for entries that are no longer kept.
    Survey,
    /// Nobody was in it for long: time to drop it from memory.
    Idle,
}

/// All deadlines. Those of connections are kept apart: there are many of them, and they move with
/// every packet.
#[derive(Debug, Default)]
pub(super) struct Timers {
    connections: Queue<u32, FxHashMap<u32, Due>>,
    others: Queue<Timer, BTreeMap<Timer, Due>>,
}

/// Deadlines in order.
///
/// A deadline of a connection is near while it waits for an acknowledgement, and far otherwise. So
/// a timer may have two places in the order: the first is never later than its deadline. When a
/// place is reached, the timer moves to its deadline, or to its other place if that is not later.
/// A deadline that becomes near and far again thus touches only the beginning of the order.
#[derive(Debug)]
struct Queue<K, M> {
    order: BTreeSet<(Instant, K)>,
    due: M,
}

/// When a timer is due, and its places in the order, which are one if they are equal.
#[derive(Clone, Copy, Debug)]
struct Due {
    deadline: Instant,
    first: Instant,
    last: Instant,
}

/// The timers of a [`Queue`].
trait DueTimers<K> {
    fn get_mut(&mut self, key: &K) -> Option<&mut Due>;
    fn insert(&mut self, key: K, due: Due);
    fn remove(&mut self, key: &K) -> Option<Due>;
}

impl Timers {
    /// Sets or clears the deadline of `timer`.
    pub(super) fn set(&mut self, timer: Timer, deadline: Option<Instant>) {
        match timer {
            Timer::Connection(id) => self.connections.set(id, deadline),
            other => self.others.set(other, deadline),
        }
    }

    /// Sets the deadline of `timer`, unless it has one.
    pub(super) fn set_if_unset(&mut self, timer: Timer, deadline: Instant) {
        if self.get(&timer).is_none() {
            self.set(timer, Some(deadline));
        }
    }

    /// The deadline of `timer`.
    pub(super) fn get(&self, timer: &Timer) -> Option<Instant> {
        let due = match timer {
            Timer::Connection(id) => self.connections.due.get(id),
            other => self.others.due.get(other),
        };
        due.map(|due| due.deadline)
    }

    /// Whether a member of a room that vanished may still return.
    pub(super) fn has_absence(&self, room: RoomId) -> bool {
        let absence = |key| Timer::Room(room, RoomTimer::Absence(PublicIdentity([key; 32])));
        self.others.due.range(absence(0)..=absence(u8::MAX)).next().is_some()
    }

    /// Clears the deadlines of a room.
    pub(super) fn forget_room(&mut self, room: RoomId) {
        let first = Timer::Room(room, RoomTimer::Absence(PublicIdentity([0; 32])));
        let is_of_room = |timer: &&Timer| matches!(timer, Timer::Room(of, _) if *of == room);
        let timers: Vec<Timer> =
            self.others.due.range(first..).map(|(timer, _)| timer).take_while(is_of_room).cloned().collect();
        timers.into_iter().for_each(|timer| self.set(timer, None));
    }

    /// The next deadline, or an earlier time.
    pub(super) fn next(&self) -> Option<Instant> {
        self.connections.next().into_iter().chain(self.others.next()).min()
    }

    /// Removes and returns a timer that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        while let Some(next) = self.next().filter(|next| *next <= now) {
            let due = if self.connections.next() == Some(next) {
                self.connections.take_first(now).map(Timer::Connection)
            } else {
                self.others.take_first(now)
            };
            if due.is_some() {
                return due;
            }
        }
        None
    }
}

impl<K, M: Default> Default for Queue<K, M> {
    fn default() -> Self {
        Self { order: BTreeSet::new(), due: M::default() }
    }
}

impl<K: Ord + Clone, M: DueTimers<K>> Queue<K, M> {
    fn set(&mut self, key: K, deadline: Option<Instant>) {
        let Self { order, due } = self;
        match (due.get_mut(&key), deadline) {
            (None, None) => {}
            (None, Some(deadline)) => {
                order.insert((deadline, key.clone()));
                due.insert(key, Due { deadline, first: deadline, last: deadline });
            }
            (Some(timer), Some(deadline)) if timer.first <= deadline => timer.deadline = deadline,
            (Some(timer), Some(deadline)) => {
                if timer.first < timer.last {
                    order.remove(&(timer.first, key.clone()));
                }
                (timer.deadline, timer.first) = (deadline, deadline);
                order.insert((deadline, key));
            }
            (Some(_), None) => self.remove(&key),
        }
    }

    fn remove(&mut self, key: &K) {
        let Some(Due { first, last, .. }) = self.due.remove(key) else { return };
        self.order.remove(&(first, key.clone()));
        if first < last {
            self.order.remove(&(last, key.clone()));
        }
    }

    fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the first place out of the order. Returns its timer if that is due, which is then
    /// removed; else, the timer moves.
    fn take_first(&mut self, now: Instant) -> Option<K> {
        let (_, key) = self.order.pop_first()?;
        let timer = self.due.get_mut(&key)?;
        if timer.deadline <= now {
            self.remove(&key);
            return Some(key);
        }
        if timer.first < timer.last && timer.last <= timer.deadline {
            timer.first = timer.last;
            return None;
        }
        timer.first = timer.deadline;
        timer.last = timer.last.max(timer.deadline);
        self.order.insert((timer.deadline, key));
        None
    }
}

impl DueTimers<u32> for FxHashMap<u32, Due> {
    fn get_mut(&mut self, key: &u32) -> Option<&mut Due> {
        self.get_mut(key)
    }

    fn insert(&mut self, key: u32, due: Due) {
        self.insert(key, due);
    }

    fn remove(&mut self, key: &u32) -> Option<Due> {
        self.remove(key)
    }
}

impl DueTimers<Timer> for BTreeMap<Timer, Due> {
    fn get_mut(&mut self, key: &Timer) -> Option<&mut Due> {
        self.get_mut(key)
    }

    fn insert(&mut self, key: Timer, due: Due) {
        self.insert(key, due);
    }

    fn remove(&mut self, key: &Timer) -> Option<Due> {
        self.remove(key)
    }
}

#[cfg(test)]
mod tests;
