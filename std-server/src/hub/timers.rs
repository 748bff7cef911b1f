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

/// All deadlines.
///
/// Deadlines of connections move with every packet, nearly always to a later time. So a timer's
/// place in the order may be earlier than its deadline; when that place is reached, the timer moves
/// to its deadline.
#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Instant, Timer)>,
    connections: FxHashMap<u32, Due>,
    others: BTreeMap<Timer, Due>,
}

/// When a timer is due, and its place in the order, which is never later.
#[derive(Clone, Copy, Debug)]
struct Due {
    deadline: Instant,
    stands_at: Instant,
}

impl Timers {
    /// Sets or clears the deadline of `timer`.
    pub(super) fn set(&mut self, timer: Timer, deadline: Option<Instant>) {
        let old = self.due(&timer).copied();
        let Some(deadline) = deadline else {
            if let Some(old) = old {
                self.remove(&timer);
                self.order.remove(&(old.stands_at, timer));
            }
            return;
        };
        if let Some(old) = old {
            if old.stands_at <= deadline {
                return self.insert(timer, Due { deadline, ..old });
            }
            self.order.remove(&(old.stands_at, timer.clone()));
        }
        self.order.insert((deadline, timer.clone()));
        self.insert(timer, Due { deadline, stands_at: deadline });
    }

    /// The deadline of `timer`.
    pub(super) fn get(&self, timer: &Timer) -> Option<Instant> {
        self.due(timer).map(|due| due.deadline)
    }

    /// Whether a member of a room that vanished may still return.
    pub(super) fn has_absence(&self, room: RoomId) -> bool {
        let absence = |key| Timer::Room(room, RoomTimer::Absence(PublicIdentity([key; 32])));
        self.others.range(absence(0)..=absence(u8::MAX)).next().is_some()
    }

    /// Clears the deadlines of a room.
    pub(super) fn forget_room(&mut self, room: RoomId) {
        let first = Timer::Room(room, RoomTimer::Absence(PublicIdentity([0; 32])));
        let is_of_room = |timer: &&Timer| matches!(timer, Timer::Room(of, _) if *of == room);
        let timers: Vec<Timer> =
            self.others.range(first..).map(|(timer, _)| timer).take_while(is_of_room).cloned().collect();
        timers.into_iter().for_each(|timer| self.set(timer, None));
    }

    /// The next deadline, or an earlier time.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Removes and returns a timer that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        while self.next()? <= now {
            let (_, timer) = self.order.pop_first()?;
            let deadline = self.get(&timer)?;
            if deadline <= now {
                self.remove(&timer);
                return Some(timer);
            }
            self.order.insert((deadline, timer.clone()));
            self.insert(timer, Due { deadline, stands_at: deadline });
        }
        None
    }

    fn due(&self, timer: &Timer) -> Option<&Due> {
        match timer {
            Timer::Connection(id) => self.connections.get(id),
            other => self.others.get(other),
        }
    }

    fn insert(&mut self, timer: Timer, due: Due) {
        match timer {
            Timer::Connection(id) => _ = self.connections.insert(id, due),
            other => _ = self.others.insert(other, due),
        }
    }

    fn remove(&mut self, timer: &Timer) {
        match timer {
            Timer::Connection(id) => _ = self.connections.remove(id),
            other => _ = self.others.remove(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn pops_due_timers_once_in_order() {
        let mut timers = Timers::default();
        timers.set(Timer::Connection(1), Some(at(30)));
        timers.set(Timer::Connection(2), Some(at(10)));
        timers.set(Timer::Phase(1), Some(at(20)));
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(20)), Some(Timer::Connection(2)));
        assert_eq!(timers.pop_due(at(20)), Some(Timer::Phase(1)));
        assert_eq!(timers.pop_due(at(20)), None);
        assert_eq!(timers.next(), Some(at(30)));
    }

    #[test]
    fn a_postponed_or_cleared_timer_does_not_fire_at_its_old_deadline() {
        let mut timers = Timers::default();
        timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Upkeep), Some(at(10)));
        timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Upkeep), Some(at(40)));
        timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Absence(PublicIdentity([1; 32]))), Some(at(10)));
        timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Absence(PublicIdentity([1; 32]))), None);
        timers.set(Timer::Pool, None);
        assert_eq!(timers.get(&Timer::Room(RoomId::FIRST, RoomTimer::Upkeep)), Some(at(40)));
        assert_eq!(timers.pop_due(at(39)), None);
        assert_eq!(timers.next(), Some(at(40)), "it looked once too early, not again");
        assert_eq!(timers.pop_due(at(40)), Some(Timer::Room(RoomId::FIRST, RoomTimer::Upkeep)));
        assert_eq!((timers.next(), timers.pop_due(at(99))), (None, None));
    }

    #[test]
    fn a_timer_moved_forward_fires_at_its_new_deadline() {
        let mut timers = Timers::default();
        timers.set(Timer::Connection(7), Some(at(40)));
        timers.set(Timer::Connection(7), Some(at(60)));
        timers.set(Timer::Connection(7), Some(at(20)));
        assert_eq!((timers.next(), timers.pop_due(at(20))), (Some(at(20)), Some(Timer::Connection(7))));
        timers.set(Timer::Connection(7), Some(at(50)));
        assert_eq!((timers.pop_due(at(49)), timers.pop_due(at(50))), (None, Some(Timer::Connection(7))));
        assert_eq!((timers.next(), timers.order.len(), timers.connections.len()), (None, 0, 0));
    }
}
