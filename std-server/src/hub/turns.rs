//! The order in which connections are served, and how much is done for one before the next.
//!
//! A few bytes can ask for much work: two hundred entries, every name. So each connection has a
//! budget per *round*, which lasts from one time that all output was fetched to the next: one unit
//! per message that is read, per answer, and per look-up in the log for it. (Entries of the tail
//! cost none: the send ring bounds them.) The rest is done in the next round, after the input that
//! arrived in the meantime.

use std::collections::VecDeque;

use super::counters::Counters;

/// Queues of connections, and the current round.
#[derive(Debug)]
pub(super) struct Turns {
    /// Connections that may have something to send, in this order.
    pub(super) ready: VecDeque<u32>,
    /// The first of `ready` is being polled for datagrams.
    pub(super) is_polling: bool,
    /// Connections with work left for the next round, in this order.
    pub(super) deferred: VecDeque<u32>,
    /// Connections that are not read before the next commit, in this order.
    pub(super) paused: VecDeque<u32>,
    /// Number of the round, wrapping.
    round: u32,
    /// All output was fetched: the next input begins a round.
    pub(super) is_round_over: bool,
}

/// The place of one connection in [`Turns`].
#[derive(Debug)]
pub(super) struct Turn {
    id: u32,
    /// It is in [`Turns::ready`].
    pub(super) is_ready: bool,
    /// It is in [`Turns::deferred`].
    pub(super) is_deferred: bool,
    /// It is in [`Turns::paused`].
    pub(super) is_paused: bool,
    /// It is not read before its deadline, [`super::timers::Timer::Read`].
    pub(super) is_held: bool,
    /// The round of the last work for it, and the rest of its budget then.
    round: u32,
    work: u32,
}

impl Turn {
    /// The place of a new connection.
    pub(super) fn new(id: u32) -> Self {
        Self { id, is_ready: false, is_deferred: false, is_paused: false, is_held: false, round: 0, work: 0 }
    }

    /// Takes one unit of its budget.
    pub(super) fn spend_work(&mut self) {
        self.work = self.work.saturating_sub(1);
    }
}

impl Turns {
    pub(super) fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            is_polling: false,
            deferred: VecDeque::new(),
            paused: VecDeque::new(),
            // New connections start with 0: a different number gives them their budget.
            round: 1,
            is_round_over: false,
        }
    }

    /// Begins a round, if the last one is over. Returns the connections that have work left.
    pub(super) fn begin_round(&mut self) -> VecDeque<u32> {
        if !core::mem::take(&mut self.is_round_over) {
            return VecDeque::new();
        }
        self.round = self.round.wrapping_add(1);
        core::mem::take(&mut self.deferred)
    }

    /// Queues a connection that may have something to send.
    pub(super) fn mark_ready(&mut self, turn: &mut Turn) {
        if !turn.is_ready {
            turn.is_ready = true;
            self.ready.push_back(turn.id);
        }
    }

    /// The rest of a connection's budget in this round.
    pub(super) fn work_left(&self, turn: &mut Turn, budget: u32) -> u32 {
        if turn.round != self.round {
            (turn.round, turn.work) = (self.round, budget);
        }
        turn.work
    }

    /// Leaves the rest of a connection's work to the next round.
    pub(super) fn defer(&mut self, turn: &mut Turn) {
        if !core::mem::replace(&mut turn.is_deferred, true) {
            self.deferred.push_back(turn.id);
        }
    }

    /// Stops reading a connection until the next commit.
    pub(super) fn pause(&mut self, turn: &mut Turn, counters: &mut Counters) {
        if !core::mem::replace(&mut turn.is_paused, true) {
            self.paused.push_back(turn.id);
            counters.reads_held += 1;
        }
    }

    /// Drops connections that no longer exist from the queue of paused ones, once they outnumber
    /// the `existing` ones: members come and go while nothing can be stored.
    pub(super) fn drop_removed(&mut self, existing: usize, exists: impl Fn(u32) -> bool) {
        if self.paused.len() > 2 * existing + 64 {
            self.paused.retain(|id| exists(*id));
        }
    }
}
