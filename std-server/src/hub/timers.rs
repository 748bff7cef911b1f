//! Deadlines in order, so that a wake-up looks only at what is due.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::time::Instant;

/// What a deadline is for. One deadline each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// [`kabar_core::connection::Connection::poll_timeout`] of a connection.
    Connection(u32),
    /// The end of a connection's phase: it has not joined, or was refused.
    Phase(u32),
    /// A member that vanished, by its folded name: time to say that it left.
    Away(String),
    /// The next try after a failed commit or reload.
    Store,
    /// The next try after a failed read.
    Pages,
    /// The next look for connections that keep rings and are not there.
    Pool,
}

/// All deadlines.
#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Instant, Timer)>,
    set: BTreeMap<Timer, Instant>,
}

impl Timers {
    /// Sets or clears the deadline of `timer`.
    pub(super) fn set(&mut self, timer: Timer, deadline: Option<Instant>) {
        let old = match deadline {
            Some(deadline) => self.set.insert(timer.clone(), deadline),
            None => self.set.remove(&timer),
        };
        if old == deadline {
            return;
        }
        // The set is keyed by both; build the old key only to find it.
        let mut key = (old.unwrap_or_default(), timer);
        if old.is_some() {
            self.order.remove(&key);
        }
        if let Some(deadline) = deadline {
            key.0 = deadline;
            self.order.insert(key);
        }
    }

    /// The deadline of `timer`.
    pub(super) fn get(&self, timer: &Timer) -> Option<Instant> {
        self.set.get(timer).copied()
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(deadline, _)| *deadline)
    }

    /// Takes a timer that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        let (_, timer) = self.order.pop_first()?;
        self.set.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    #[test]
    fn gives_what_is_due_in_order_and_once() {
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
    fn a_deadline_that_is_set_again_or_cleared_is_not_met_at_its_old_time() {
        let mut timers = Timers::default();
        timers.set(Timer::Store, Some(at(10)));
        timers.set(Timer::Store, Some(at(40)));
        timers.set(Timer::Away("ana".into()), Some(at(10)));
        timers.set(Timer::Away("ana".into()), None);
        timers.set(Timer::Pages, None);
        assert_eq!((timers.next(), timers.get(&Timer::Store)), (Some(at(40)), Some(at(40))));
        assert_eq!(timers.pop_due(at(40)), Some(Timer::Store));
        assert_eq!((timers.next(), timers.pop_due(at(99))), (None, None));
    }
}
