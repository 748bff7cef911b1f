//! The queue of Joins that wait for an operator.

use crate::hub::fairness::shares::Shares;
use crate::hub::people::JoinRequest;

/// Joins that wait for an operator.
#[derive(Debug)]
pub(super) struct Approvals {
    /// In the order of arrival.
    pub(super) queue: Vec<Waiting>,
    pub(super) shares: Shares<u32>,
    /// Displaced from the queue and not refused yet, with the reason.
    pub(super) displaced: Vec<(Waiting, &'static str)>,
}

/// A Join that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) peer: u32,
    pub(super) since_ms: u64,
    pub(super) request: Box<JoinRequest>,
}

impl Approvals {
    pub(super) fn new() -> Self {
        Self { queue: Vec::new(), shares: Shares::new(), displaced: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.displaced.is_empty()
    }

    pub(super) fn take(&mut self, peer: u32) -> Option<Waiting> {
        self.shares.remove(&peer);
        let at = self.queue.iter().position(|waiting| waiting.peer == peer)?;
        Some(self.queue.remove(at))
    }

    /// Removes a Join whose connection has ended.
    pub(super) fn forget(&mut self, peer: u32) {
        self.take(peer);
    }
}
