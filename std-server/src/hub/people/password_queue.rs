//! The queue of Joins whose passwords are to be checked, and the rates of wrong passwords.

use core::fmt;

use zeroize::Zeroizing;

use super::join_request::JoinRequest;
use crate::hub::fairness::limiter::{Bucket, Buckets, Rate};
use crate::hub::fairness::prefix::Prefix;
use crate::hub::fairness::shares::Shares;
use crate::hub::limits::HubLimits;
use crate::hub::room_id::RoomId;

/// Joins that wait for a check, and wrong passwords.
#[derive(Debug)]
pub(in crate::hub) struct PasswordQueue {
    /// In the order of arrival.
    pub(in crate::hub) queue: Vec<WaitingJoin>,
    shares: Shares<(u32, RoomId)>,
    /// Displaced from the queue, and not refused yet.
    pub(in crate::hub) displaced: Vec<WaitingJoin>,
    /// The check in progress.
    pub(in crate::hub) outstanding: Option<PasswordCheck>,
    pub(in crate::hub) wrong: Buckets,
    pub(in crate::hub) wrong_in_total: Bucket,
    pub(in crate::hub) total_rate: Rate,
}

/// A Join that waits for the check of its password.
pub(in crate::hub) struct WaitingJoin {
    pub(in crate::hub) room: RoomId,
    pub(in crate::hub) peer: u32,
    pub(in crate::hub) prefix: Prefix,
    pub(in crate::hub) request: Box<JoinRequest>,
    pub(in crate::hub) password: Zeroizing<Vec<u8>>,
    /// It was counted as waiting for the total rate.
    pub(in crate::hub) is_delayed: bool,
}

/// A check in progress.
#[derive(Debug)]
pub(in crate::hub) struct PasswordCheck {
    pub(in crate::hub) room: RoomId,
    pub(in crate::hub) peer: u32,
    pub(in crate::hub) prefix: Prefix,
    pub(in crate::hub) request: Box<JoinRequest>,
}

impl PasswordQueue {
    pub(in crate::hub) fn new(limits: &HubLimits) -> Self {
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
    pub(in crate::hub) fn buckets_forgotten(&self) -> u64 {
        self.wrong.forgotten()
    }

    /// Whether a Join for this room waits for its check.
    pub(in crate::hub) fn concerns(&self, room: RoomId) -> bool {
        let outstanding = self.outstanding.iter().map(|check| check.room);
        self.queue.iter().chain(&self.displaced).map(|it| it.room).chain(outstanding).any(|it| it == room)
    }

    pub(in crate::hub) fn is_checking(&self, peer: u32, room: RoomId) -> bool {
        self.outstanding.as_ref().is_some_and(|it| (it.peer, it.room) == (peer, room))
    }

    pub(in crate::hub) fn push(&mut self, waiting: WaitingJoin) {
        self.shares.insert(waiting.key(), waiting.prefix);
        self.queue.push(waiting);
    }

    /// Removes the Join of a connection to a room from the queue.
    pub(in crate::hub) fn take(&mut self, peer: u32, room: RoomId) -> Option<WaitingJoin> {
        self.shares.remove(&(peer, room));
        let at = self.queue.iter().position(|waiting| waiting.key() == (peer, room))?;
        Some(self.queue.remove(at))
    }

    /// The Join that one of `prefix` displaces: the oldest of the heaviest prefix, or else one of
    /// the prefix with the latest wrong password, if this prefix had none since.
    pub(in crate::hub) fn displaced_by(&self, prefix: Prefix) -> Option<(u32, RoomId)> {
        let last = || self.queue.iter().max_by_key(|waiting| self.wrong.full_at(waiting.prefix));
        let worse = || last().filter(|last| self.wrong.full_at(last.prefix) > self.wrong.full_at(prefix));
        self.shares.displaced_by(prefix).or_else(|| worse().map(WaitingJoin::key))
    }
}

impl WaitingJoin {
    /// The connection and the room.
    pub(in crate::hub) fn key(&self) -> (u32, RoomId) {
        (self.peer, self.room)
    }
}

impl fmt::Debug for WaitingJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitingJoin").field("peer", &self.peer).field("request", &self.request).finish_non_exhaustive()
    }
}
