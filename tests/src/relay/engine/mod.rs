//! One direction of a path: draws the faults of each datagram, and returns it when it is due.
//!
//! ```text
//! push -> lost? -> duplicated? -> corrupted or forged? -> waits (delay + jitter + held back?) -> poll
//! ```
//!
//! After [`push`](Engine::push), drain [`poll`](Engine::poll), then sleep until
//! [`deadline`](Engine::deadline).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use kabar_core::time::{Duration, Instant};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::counts::Counts;
use super::faults::{Chance, Faults};
use super::payload::{Payload, below};

#[cfg(test)]
mod tests;

/// Largest number of waiting datagrams.
pub const MAX_WAITING: usize = 16_384;

/// One direction. `T` identifies the receiver of a datagram; the engine only returns it.
#[derive(Debug)]
pub struct Engine<T> {
    faults: Faults,
    payload: Payload,
    rng: ChaCha20Rng,
    /// Whether the last datagram was lost.
    was_lost: bool,
    waiting: BinaryHeap<Waiting<T>>,
    /// Number of datagrams that were ever queued.
    queued: u64,
    counts: Counts,
}

/// A datagram that waits until it is due.
#[derive(Debug)]
struct Waiting<T> {
    due: Instant,
    /// Datagrams with the same due time are sent in this order.
    order: u64,
    to: T,
    bytes: Vec<u8>,
}

impl<T: Clone> Engine<T> {
    /// `stream` separates the random streams of engines that share a seed.
    #[must_use]
    pub fn new(faults: Faults, payload: Payload, seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        let waiting = BinaryHeap::new();
        Self { faults, payload, rng, was_lost: false, waiting, queued: 0, counts: Counts::default() }
    }

    /// Draws the faults of `datagram`, which goes to `to`.
    pub fn push(&mut self, now: Instant, to: &T, datagram: &[u8]) {
        self.counts.received += 1;
        if self.faults.max_len.is_some_and(|max_len| datagram.len() > max_len) {
            self.counts.too_large += 1;
            return;
        }
        self.was_lost = self.happens(self.faults.loss.chance(self.was_lost));
        if self.was_lost {
            self.counts.lost += 1;
            return;
        }
        self.send(now, to, datagram);
        if self.happens(self.faults.duplicate) {
            self.counts.duplicated += 1;
            self.send(now, to, datagram);
        }
    }

    /// The next datagram that is due, and its receiver.
    pub fn poll(&mut self, now: Instant) -> Option<(T, Vec<u8>)> {
        if self.waiting.peek()?.due > now {
            return None;
        }
        let Waiting { to, bytes, .. } = self.waiting.pop()?;
        self.counts.sent += 1;
        Some((to, bytes))
    }

    /// When the next datagram is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.peek().map(|next| next.due)
    }

    /// The counters so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { waiting: self.waiting.len() as u64, ..self.counts }
    }

    fn send(&mut self, now: Instant, to: &T, datagram: &[u8]) {
        if self.waiting.len() >= MAX_WAITING {
            self.counts.no_room += 1;
            return;
        }
        let mut bytes = datagram.to_vec();
        if self.happens(self.faults.corrupt) {
            self.counts.corrupted += 1;
            Payload::corrupt(&mut bytes, &mut self.rng);
        } else if self.happens(self.faults.forge) && self.payload.forge(&mut bytes, &mut self.rng) {
            self.counts.forged += 1;
        }
        let mut due = now + self.faults.delay + self.up_to(self.faults.jitter);
        if self.happens(self.faults.reorder) {
            self.counts.held_back += 1;
            due += self.up_to(self.faults.max_hold);
        }
        self.queued += 1;
        self.waiting.push(Waiting { due, order: self.queued, to: to.clone(), bytes });
    }

    fn happens(&mut self, chance: Chance) -> bool {
        chance.happens(self.rng.next_u64())
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        Duration::from_micros(below(&mut self.rng, most.as_micros().saturating_add(1)))
    }
}

/// The heap returns the greatest element first, so the earliest must compare as greatest.
impl<T> Ord for Waiting<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

impl<T> PartialOrd for Waiting<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Waiting<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Waiting<T> {}
