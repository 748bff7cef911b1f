//! The queue of Joins whose passwords are to be checked, and the rates of wrong passwords.

use core::fmt;

use zeroize::Zeroizing;

use super::requests::JoinRequest;
use crate::hub::fairness::limiter::{Bucket, Buckets, Rate};
use crate::hub::fairness::prefix::Prefix;
use crate::hub::fairness::shares::Shares;
use crate::hub::limits::HubLimits;

/// Joins that wait for a check, and wrong passwords.
#[derive(Debug)]
pub(super) struct PasswordQueue {
    /// In the order of arrival.
    pub(super) queue: Vec<WaitingJoin>,
    shares: Shares<u32>,
    /// Displaced from the queue, and not refused yet.
    pub(super) displaced: Vec<WaitingJoin>,
    /// The check in progress.
    pub(super) outstanding: Option<PasswordCheck>,
    pub(super) wrong: Buckets,
    pub(super) wrong_in_total: Bucket,
    pub(super) total_rate: Rate,
}

/// A Join that waits for the check of its password.
pub(super) struct WaitingJoin {
    pub(super) peer: u32,
    pub(super) prefix: Prefix,
    pub(super) request: Box<JoinRequest>,
    pub(super) password: Zeroizing<Vec<u8>>,
    /// It was counted as waiting for the total rate.
    pub(super) is_delayed: bool,
}

/// A check in progress.
#[derive(Debug)]
pub(super) struct PasswordCheck {
    pub(super) peer: u32,
    pub(super) prefix: Prefix,
    pub(super) request: Box<JoinRequest>,
}

impl PasswordQueue {
    pub(super) fn new(limits: &HubLimits) -> Self {
        let rate = Rate { burst: limits.password_burst, interval: limits.password_interval };
        Self {
            queue: Vec::new(),
            shares: Shares::new(),
            displaced: Vec::new(),
            outstanding: None,
            wrong: Buckets::new(rate, limits.prefixes),
            wrong_in_total: Bucket::FULL,
            total_rate: Rate { burst: limits.room_password_burst, interval: limits.room_password_interval },
        }
    }

    /// Number of buckets that were replaced before they were full.
    pub(super) fn buckets_forgotten(&self) -> u64 {
        self.wrong.forgotten()
    }

    pub(super) fn is_checking(&self, peer: u32) -> bool {
        self.outstanding.as_ref().is_some_and(|it| it.peer == peer)
    }

    pub(super) fn push(&mut self, waiting: WaitingJoin) {
        self.shares.insert(waiting.peer, waiting.prefix);
        self.queue.push(waiting);
    }

    /// Removes a Join from the queue.
    pub(super) fn remove(&mut self, peer: u32) -> Option<Box<JoinRequest>> {
        self.take(peer).map(|waiting| waiting.request)
    }

    pub(super) fn take(&mut self, peer: u32) -> Option<WaitingJoin> {
        self.shares.remove(&peer);
        let at = self.queue.iter().position(|waiting| waiting.peer == peer)?;
        Some(self.queue.remove(at))
    }

    /// The Join that one of `prefix` displaces: the oldest of the heaviest prefix, or else one of
    /// the prefix with the latest wrong password, if this prefix had none since.
    pub(super) fn displaced_by(&self, prefix: Prefix) -> Option<u32> {
        let last = || self.queue.iter().max_by_key(|waiting| self.wrong.full_at(waiting.prefix));
        let worse = || last().filter(|last| self.wrong.full_at(last.prefix) > self.wrong.full_at(prefix));
        self.shares.displaced_by(prefix).or_else(|| worse().map(|waiting| waiting.peer))
    }
}

impl fmt::Debug for WaitingJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingJoin").field("peer", &self.peer).field("request", &self.request).finish_non_exhaustive()
    }
}
