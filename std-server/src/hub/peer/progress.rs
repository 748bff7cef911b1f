//! Progress of the rings that a connection holds. When the pool is empty, connections that hold a
//! ring and make no progress are removed. (A client that still exists reconnects and resumes.)
//!
//! Progress is anything that frees memory: newly acknowledged stream data, and messages that were
//! completed and handled. Other packets do not count, however many arrive. A ring has
//! [`STALL_TIME`] to become empty or to let [`MIN_PROGRESS`] bytes through; in a prefix that holds
//! more than half of the pool, a whole ring has to pass in that time.

use core::num::NonZeroU32;
use std::collections::BTreeMap;

use kabar_core::connection::StreamId;
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::{Buffer, BufferProvider as _};

use super::{Link, Peers, Phase, Route};
use crate::hub::fairness::prefix::Prefix;
use crate::hub::timers::{Timer, Timers};

/// Time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Time without enough progress after which a connection is removed. Many probes are sent within
/// it.
const STALL_TIME: Duration = Duration::from_secs(30);
const TENTH_MICROS: u64 = 100_000;
const STALL_TIME_TENTHS: u32 = (STALL_TIME.as_micros() / TENTH_MICROS) as u32;
/// Bytes that count as enough progress: one message of the largest size.
const MIN_PROGRESS: u64 = 4_480;

/// The times since which the rings of a connection have made no progress.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BufferProgress {
    send: Stalled,
    /// As `send`, for a whole ring.
    send_ring: Stalled,
    receive: Stalled,
    bulk_send: Stalled,
    bulk_receive: Stalled,
}

/// The time since which a ring has made no progress. Every connection has five of these, so they
/// are small.
#[derive(Clone, Copy, Debug, Default)]
struct Stalled {
    /// In tenths of a second, and one more.
    since: Option<NonZeroU32>,
    /// The offset in the stream that counts as progress: its low 32 bits.
    goal: u32,
}

impl Stalled {
    /// Notes that `held` bytes wait and that `at` bytes have passed in all. Progress is `enough`
    /// more bytes, or all that waited.
    fn observe(&mut self, now: Instant, held: usize, at: u64, enough: u64) {
        if held == 0 {
            self.since = None;
        } else if self.since.is_none() || is_reached(at, self.goal) {
            self.since = NonZeroU32::new(tenths(now).saturating_add(1));
            self.goal = low_bits(at + enough.min(held as u64));
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| tenths(now).saturating_sub(since.get() - 1) >= STALL_TIME_TENTHS)
    }
}

/// Time since the clock's zero in tenths of a second, which lasts for 13 years.
fn tenths(now: Instant) -> u32 {
    u32::try_from(now.as_micros() / TENTH_MICROS).unwrap_or(u32::MAX)
}

fn low_bits(offset: u64) -> u32 {
    (offset & u64::from(u32::MAX)) as u32
}

/// Whether `at` is at or beyond `goal`, which is at most a ring (less than 2^31 bytes) ahead of
/// where it was set.
fn is_reached(at: u64, goal: u32) -> bool {
    low_bits(at).wrapping_sub(goal) < 1 << 31
}

impl<P: Provider> Link<P> {
    /// Notes the progress of its rings. Call this whenever something happened to the connection.
    pub(in crate::hub) fn note_progress(&mut self, now: Instant) {
        // Others hold no memory of the pool.
        let Route::Sealed(connection) = &self.connection else { return };
        let outstanding = connection.unacknowledged(StreamId::Chat);
        let acknowledged = connection.acknowledged(StreamId::Chat);
        let ring = connection.memory().capacity().chat_send as u64;
        self.progress.send.observe(now, outstanding, acknowledged, MIN_PROGRESS);
        self.progress.send_ring.observe(now, outstanding, acknowledged, ring);
        // While reading is paused or held, or its next message waits for an answer, the ring waits
        // for the server.
        let is_held = self.awaits_answer || self.turn.is_paused || self.turn.is_held || self.has_unsent();
        let is_read = self.phase == Phase::Open && !is_held;
        let unread = if is_read { connection.memory().held(Buffer::ChatReceive) } else { 0 };
        self.progress.receive.observe(now, unread, connection.consumed(StreamId::Chat), MIN_PROGRESS);
        let outstanding = connection.unacknowledged(StreamId::Bulk);
        self.progress.bulk_send.observe(now, outstanding, connection.acknowledged(StreamId::Bulk), MIN_PROGRESS);
        // More than a message waits for the server: its disk may be slow.
        let is_incomplete = (connection.readable(StreamId::Bulk) as u64) < MIN_PROGRESS;
        let unread = if is_incomplete { connection.memory().held(Buffer::BulkReceive) } else { 0 };
        self.progress.bulk_receive.observe(now, unread, connection.consumed(StreamId::Bulk), MIN_PROGRESS);
    }

    fn is_stalled(&self, now: Instant, is_heavy: bool) -> bool {
        let BufferProgress { send, send_ring, receive, bulk_send, bulk_receive } = &self.progress;
        [send, receive, bulk_send, bulk_receive].into_iter().any(|ring| ring.is_over(now))
            || (is_heavy && send_ring.is_over(now))
    }
}

impl<P: Provider> Peers<P> {
    /// Plans a check if the pool refused a ring since the last one.
    pub(in crate::hub) fn watch_pool(&self, now: Instant, timers: &mut Timers) {
        if self.pool.refused() > self.refusals_seen && timers.get(&Timer::Pool).is_none() {
            timers.set(Timer::Pool, Some(now + CHECK_INTERVAL));
        }
    }

    /// The connections whose rings make no progress, by ascending id.
    pub(in crate::hub) fn stalled(&mut self, now: Instant, pool_bytes: usize) -> Vec<u32> {
        self.refusals_seen = self.pool.refused();
        let heavy = self.heavy_prefix(pool_bytes);
        let stalled = self.iter_mut().filter_map(|peer| {
            let link = &mut peer.link;
            link.note_progress(now);
            let is_heavy = heavy.is_some_and(|heavy| link.prefix.at(0) == heavy);
            (link.connection.held_in_all() > 0 && link.is_stalled(now, is_heavy)).then_some(link.id)
        });
        let mut stalled: Vec<u32> = stalled.collect();
        stalled.sort_unstable();
        stalled
    }

    /// The IPv4 address or IPv6 /48 whose connections hold more than half of the pool.
    fn heavy_prefix(&self, pool_bytes: usize) -> Option<Prefix> {
        let mut held = BTreeMap::<Prefix, usize>::new();
        for peer in self.iter() {
            *held.entry(peer.link.prefix.at(0)).or_default() += peer.link.connection.held_in_all();
        }
        let (prefix, bytes) = held.into_iter().max_by_key(|(_, bytes)| *bytes)?;
        (bytes > pool_bytes / 2).then_some(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    /// Whether the time is over after `held` bytes waited for `seconds` while `per_second` bytes
    /// passed each second.
    fn is_over(seconds: u64, held: usize, per_second: u64, enough: u64) -> bool {
        let mut stalled = Stalled::default();
        (0..=seconds).for_each(|second| stalled.observe(at(second), held, second * per_second, enough));
        stalled.is_over(at(seconds))
    }

    #[test]
    fn a_trickle_does_not_count_as_progress() {
        let ring = 32 << 10;
        assert!(!is_over(29, ring, 0, MIN_PROGRESS) && is_over(30, ring, 0, MIN_PROGRESS));
        assert!(is_over(30, ring, 1, MIN_PROGRESS), "a byte a second");
        assert!(!is_over(300, ring, 200, MIN_PROGRESS), "a slow path");
        assert!(is_over(30, ring, 200, ring as u64), "not fast enough for whoever has most of the pool");
        assert!(!is_over(300, ring, 2_000, ring as u64));
    }

    #[test]
    fn emptying_a_ring_counts_as_progress() {
        let mut stalled = Stalled::default();
        stalled.observe(at(0), 10, 0, MIN_PROGRESS);
        stalled.observe(at(29), 5, 10, MIN_PROGRESS);
        assert!(!stalled.is_over(at(58)) && stalled.is_over(at(59)));
        stalled.observe(at(59), 0, 15, MIN_PROGRESS);
        assert!(!stalled.is_over(at(200)), "nothing is held");
    }
}
