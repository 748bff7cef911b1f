//! The bookkeeping of attempts: when the next one begins, when this one has failed.

use core::net::SocketAddr;

use super::config::NOWHERE;
use super::zero_option::ZeroOption;
use crate::connection::Closed;
use crate::session::Fingerprint;
use crate::time::{Duration, Instant};

/// Duration of an attempt without an answer; an answer extends it once by the same time.
pub(super) const ATTEMPT: Duration = Duration::from_secs(5);
/// Least time between the starts of parallel attempts (SPEC 4.5).
pub(super) const PARALLEL_ATTEMPT_INTERVAL: Duration = Duration::from_secs(10);
/// The same after an attempt that led to a Welcome: after a second restart of the server, the
/// client reconnects as soon as after the first.
const JOINED_INTERVAL: Duration = Duration::from_secs(1);
/// Probe time-outs without an authentic packet that count as silence (SPEC 4.5).
pub(super) const SILENT_PROBES: u32 = 3;
/// How long only unexpected keys are presented before the client concludes that the server has
/// another key.
pub(super) const KEY_MISMATCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time-out from a connection to its Welcome: longer than any queue of password checks.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
/// The same, once the server has stated that an operator decides: longer than any server waits.
pub(super) const APPROVAL_TIMEOUT: Duration = Duration::from_secs(25 * 3_600);
/// The first part of an attempt, whose Hellos have no key hint, so that a wrong key can be
/// reported: a server does not answer a Hello that hints at another key (SPEC 3.1).
pub(super) const UNHINTED_PERIOD: Duration = Duration::from_millis(1500);
const SHORTEST_BACKOFF: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(15);

/// The bookkeeping of attempts.
pub(super) struct Retry {
    /// Destination of the current attempt.
    pub(super) to: SocketAddr,
    /// When the current attempt fails.
    pub(super) deadline: Instant,
    /// The current attempt was answered, so `deadline` was moved.
    pub(super) is_extended: bool,
    /// The Hellos of the current attempt have no key hint.
    pub(super) without_key_hint: bool,
    /// Without a connection: when the next attempt begins.
    pub(super) next: ZeroOption<Instant>,
    /// No parallel attempt begins before this.
    pub(super) side_after: Instant,
    /// Failed attempts in a row.
    pub(super) failures: u8,
    /// A plausible Hint was received, and no authentic packet since.
    pub(super) is_hinted: bool,
    /// Disconnected was reported, and neither Joined nor Reconnected since.
    pub(super) is_lost: bool,
    pub(super) is_answered: bool,
    pub(super) has_connected: bool,
    /// The only key accepted.
    pub(super) expected: ZeroOption<Fingerprint>,
    /// The reported key, until the caller answers.
    pub(super) offered: ZeroOption<Fingerprint>,
    /// Since when only unexpected keys are presented.
    pub(super) other_key_since: ZeroOption<Instant>,
    /// Id of the connection.
    pub(super) connection_id: u32,
    /// When a connection without a Welcome is abandoned; with one, when the rooms that were refused
    /// for now join again.
    pub(super) join_deadline: Instant,
    /// How the connection ended; handled after all messages were read.
    pub(super) closed: ZeroOption<Closed>,
}

impl Retry {
    pub(super) const fn new() -> Self {
        Self {
            to: NOWHERE,
            deadline: Instant::ZERO,
            is_extended: false,
            without_key_hint: false,
            next: ZeroOption::None,
            side_after: Instant::ZERO,
            failures: 0,
            is_hinted: false,
            is_lost: false,
            is_answered: false,
            has_connected: false,
            expected: ZeroOption::None,
            offered: ZeroOption::None,
            other_key_since: ZeroOption::None,
            connection_id: 0,
            join_deadline: Instant::ZERO,
            closed: ZeroOption::None,
        }
    }

    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.expected.get().or(self.offered.get())
    }

    /// A Welcome was received: discards the record of failed attempts.
    pub(super) fn joined(&mut self, now: Instant) {
        self.failures = 0;
        self.is_lost = false;
        // The interval is for attempts that lead to no Welcome.
        self.side_after = self.side_after.min(now + JOINED_INTERVAL);
    }

    /// Ends all attempts.
    pub(super) const fn stop(&mut self) {
        self.next = ZeroOption::None;
        self.closed = ZeroOption::None;
        self.offered = ZeroOption::None;
        self.is_hinted = false;
    }

    /// The server refused a Join for now, on a connection that others use.
    pub(super) fn postpone_joins(&mut self, now: Instant, random: [u8; 32]) {
        self.failures = self.failures.saturating_add(1);
        self.join_deadline = now + backoff(self.failures, random);
    }

    /// The attempt, or the connection, failed: schedules the next attempt.
    pub(super) fn schedule(&mut self, now: Instant, random: [u8; 32]) {
        self.failures = self.failures.saturating_add(1);
        self.next = ZeroOption::Some(now + backoff(self.failures, random));
    }
}

/// 0.5 to 1 s after the first failure, doubling up to 7.5 to 15 s; uniform in that range, so that
/// members that lost the same server do not reconnect at the same time.
fn backoff(failures: u8, random: [u8; 32]) -> Duration {
    let doublings = u32::from(failures).saturating_sub(1).min(8);
    let longest = Duration::from_micros((SHORTEST_BACKOFF * 2).as_micros() << doublings).min(LONGEST_BACKOFF);
    let shortest = longest / 2;
    let span = longest.saturating_sub(shortest).as_micros().saturating_add(1);
    let [a, b, c, d, ..] = random;
    let random = u64::from(u32::from_be_bytes([a, b, c, d]));
    shortest + Duration::from_micros(random.checked_rem(span).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backs_off_from_half_a_second_to_fifteen() {
        for (failures, shortest, longest) in
            [(1, 500, 1000), (2, 1000, 2000), (4, 4000, 8000), (5, 7500, 15000), (255, 7500, 15000)]
        {
            assert_eq!(backoff(failures, [0; 32]).as_millis(), shortest);
            for random in [[0xff; 32], [0x5a; 32], [1; 32]] {
                assert!((shortest..=longest).contains(&backoff(failures, random).as_millis()));
            }
        }
        assert_ne!(backoff(5, [1; 32]), backoff(5, [2; 32]));
    }
}
