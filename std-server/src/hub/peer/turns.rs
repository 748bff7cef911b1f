//! The order in which connections are served, and how much is done for one before the next.
//!
//! A few bytes can ask for much work: two hundred entries, every name. So each connection has a
//! budget per *round*, which lasts from one time that all output was fetched to the next: one unit
//! per message that is read, per answer, and per look-up in the log for it. (Entries of the tail
//! cost none: the send ring bounds them.) The rest is done in the next round, after whatever came
//! in meanwhile.

use std::collections::VecDeque;

use kabar_core::crypto::Provider;

use super::{Peer, Peers};
use crate::hub::context::Context;
use crate::hub::counters::Counters;

/// Queues of connections, and the current round.
#[derive(Debug)]
pub(in crate::hub) struct Turns {
    /// Connections that may have something to send, in this order.
    pub(in crate::hub) ready: VecDeque<u32>,
    /// The first of `ready` is being polled for datagrams.
    pub(in crate::hub) is_polling: bool,
    /// Connections with work left for the next round, in this order.
    pub(in crate::hub) deferred: VecDeque<u32>,
    /// Connections that are not read before the next commit, in this order.
    pub(in crate::hub) paused: VecDeque<u32>,
    /// Number of the round, wrapping.
    round: u32,
    /// All output was fetched: the next input begins a round.
    pub(in crate::hub) is_round_over: bool,
}

impl Turns {
    pub(in crate::hub) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            is_polling: false,
            deferred: VecDeque::new(),
            paused: VecDeque::new(),
            // Not 0, which new connections start with: so they get their budget.
            round: 1,
            is_round_over: false,
        }
    }

    /// Begins a round, if the last one is over. Returns the connections that have work left.
    pub(in crate::hub) fn begin_round(&mut self) -> VecDeque<u32> {
        if !core::mem::take(&mut self.is_round_over) {
            return VecDeque::new();
        }
        self.round = self.round.wrapping_add(1);
        core::mem::take(&mut self.deferred)
    }

    /// Queues a connection that may have something to send.
    pub(in crate::hub) fn mark_ready<P: Provider>(&mut self, peer: &mut Peer<P>) {
        if !peer.is_ready {
            peer.is_ready = true;
            self.ready.push_back(peer.id);
        }
    }

    /// What is left of a connection's budget in this round.
    fn work_left<P: Provider>(&self, peer: &mut Peer<P>, budget: u32) -> u32 {
        if peer.round != self.round {
            (peer.round, peer.work) = (self.round, budget);
        }
        peer.work
    }

    /// Leaves the rest of a connection's work to the next round.
    pub(in crate::hub) fn defer<P: Provider>(&mut self, peer: &mut Peer<P>) {
        if !core::mem::replace(&mut peer.is_deferred, true) {
            self.deferred.push_back(peer.id);
        }
    }

    /// Stops reading a connection until the next commit.
    pub(in crate::hub) fn pause<P: Provider>(&mut self, peer: &mut Peer<P>, counters: &mut Counters) {
        if !core::mem::replace(&mut peer.is_paused, true) {
            self.paused.push_back(peer.id);
            counters.reads_held += 1;
        }
    }

    /// Drops connections that are gone from the queue of paused ones, once they are many: members
    /// come and go while nothing can be stored.
    pub(super) fn drop_removed<P: Provider>(&mut self, peers: &Peers<P>) {
        if self.paused.len() > 2 * peers.len() + 64 {
            self.paused.retain(|id| peers.get(*id).is_some());
        }
    }
}

impl<P: Provider> Context<P> {
    /// Takes one unit of a connection's budget. `false`: none is left, and the rest of its work is
    /// deferred.
    pub(in crate::hub) fn take_work(&mut self, peer: &mut Peer<P>) -> bool {
        let has_work = self.has_work(peer);
        if has_work {
            peer.spend_work();
        }
        has_work
    }

    /// Whether a connection has a unit of its budget left. If not, the rest of its work is
    /// deferred.
    pub(in crate::hub) fn has_work(&mut self, peer: &mut Peer<P>) -> bool {
        let has_work = self.turns.work_left(peer, self.config.limits.work) > 0;
        if !has_work {
            self.counters.work_deferred += u64::from(!peer.is_deferred);
            self.turns.defer(peer);
        }
        has_work
    }
}
