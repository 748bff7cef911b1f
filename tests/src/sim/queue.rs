//! The virtual clock and the events that wait on it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use kabar_core::time::Instant;

/// Events in the order of their time; those of the same time in the order in which they were put
/// in.
#[derive(Debug)]
pub struct Queue<E> {
    now: Instant,
    ordinal: u64,
    heap: BinaryHeap<Waiting<E>>,
}

#[derive(Debug)]
struct Waiting<E> {
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

    /// What the virtual clock shows.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets `event` happen at `at`, or now if that has passed.
    pub fn push(&mut self, at: Instant, event: E) {
        self.ordinal += 1;
        self.heap.push(Waiting { at: at.max(self.now), ordinal: self.ordinal, event });
    }

    /// The next event; the clock moves to it.
    pub fn pop(&mut self) -> Option<E> {
        let next = self.heap.pop()?;
        self.now = next.at;
        Some(next.event)
    }

    /// When the next event happens.
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

impl<E> Ord for Waiting<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first: the earliest has to be it.
        (other.at, other.ordinal).cmp(&(self.at, self.ordinal))
    }
}

impl<E> PartialOrd for Waiting<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Waiting<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Waiting<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_events_in_the_order_of_time_then_of_arrival_and_never_turns_back() {
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
