//! The virtual clock and its pending events.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use kabar_core::time::Instant;

/// Events ordered by time; those of the same time in the order in which they were added.
#[derive(Debug)]
pub struct Queue<E> {
    now: Instant,
    ordinal: u64,
    heap: BinaryHeap<Scheduled<E>>,
}

#[derive(Debug)]
struct Scheduled<E> {
    at: Instant,
    ordinal: u64,
    event: E,
}

impl<E> Queue<E> {
    /// Empty, at the clock's origin.
    #[must_use]
    pub fn new() -> Self {
        Self { now: Instant::ZERO, ordinal: 0, heap: BinaryHeap::new() }
    }

    /// The time of the virtual clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Schedules `event` for `at`, or for now if that time has passed.
    pub fn push(&mut self, at: Instant, event: E) {
        self.ordinal += 1;
        self.heap.push(Scheduled { at: at.max(self.now), ordinal: self.ordinal, event });
    }

    /// Removes the next event and sets the clock to its time.
    pub fn pop(&mut self) -> Option<E> {
        let next = self.heap.pop()?;
        self.now = next.at;
        Some(next.event)
    }

    /// Time of the next event.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|next| next.at)
    }
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Ord for Scheduled<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap returns the greatest element first, so the earliest must compare as greatest.
        (other.at, other.ordinal).cmp(&(self.at, self.ordinal))
    }
}

impl<E> PartialOrd for Scheduled<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Scheduled<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Scheduled<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_events_by_time_then_by_insertion_and_never_goes_back() {
        let at = Instant::from_micros;
        let mut queue = Queue::new();
        queue.push(at(20), 'c');
        queue.push(at(10), 'a');
        queue.push(at(10), 'b');
        assert_eq!(queue.next_at(), Some(at(10)));
        assert_eq!((queue.pop(), queue.now()), (Some('a'), at(10)));
        queue.push(at(5), 'd');
        assert_eq!((queue.pop(), queue.now()), (Some('b'), at(10)));
        assert_eq!((queue.pop(), queue.now()), (Some('d'), at(10)));
        assert_eq!((queue.pop(), queue.now()), (Some('c'), at(20)));
        assert_eq!(queue.pop(), None);
    }
}
