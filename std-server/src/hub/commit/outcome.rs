//! The outcome of a transaction. Only after it is anything reported as stored (SPEC 7).

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use crate::hub::Hub;
use crate::hub::events::HubEvent;
use crate::hub::jobs::{Job, Reloaded, StoreJob};
use crate::hub::room::STORE_FAILS;
use crate::hub::timers::Timer;
use crate::hub::transaction::{State, Transaction};
use crate::store::{CommitError, ReadError};

impl<P: Provider> Hub<P> {
    pub(in crate::hub) fn on_append_done(&mut self, now: Instant, result: Result<(), CommitError>) {
        match (core::mem::replace(&mut self.context.commits.state, State::Idle), result) {
            (State::Appending(transaction), Ok(())) => self.on_committed(now, transaction),
            (State::Appending(transaction), Err(why)) => self.on_trouble(now, transaction, why),
            (other, _) => {
                self.context.commits.state = other;
                self.context.counters.results_dropped += 1;
            }
        }
    }

    /// The transaction is durable.
    fn on_committed(&mut self, now: Instant, transaction: Transaction) {
        let Self { peers, rooms, context, .. } = self;
        context.counters.commits += 1;
        context.transfers.on_committed();
        context.commits.pause = context.config.limits.retry_min;
        let server = context.people.on_committed();
        context.privileges.apply(&server);
        rooms.directory.apply(&server);
        context.invites.apply(&server);
        let mut joined = Vec::new();
        for id in &transaction.rooms {
            let Some(room) = rooms.get_mut(*id) else { continue };
            joined.extend(room.on_committed(now, peers, context));
        }
        rooms.bound_tails(&transaction.rooms, context.config.limits.tail_bytes);
        if core::mem::take(&mut context.commits.is_in_trouble) {
            context.emit(HubEvent::StoreRecovered);
        }
        // Only now: what follows a Join may concern every room.
        self.read_joined(now, joined);
        self.resume_paused(now);
    }

    /// The commit failed, or its outcome is unknown: nothing more is committed before heads and
    /// numbers were read again (SPEC 7).
    fn on_trouble(&mut self, now: Instant, transaction: Transaction, why: CommitError) {
        let Self { peers, rooms, context, .. } = self;
        match why {
            CommitError::Failed(_) => context.counters.commits_failed += 1,
            CommitError::Uncertain(_) => context.counters.commits_uncertain += 1,
        }
        if !core::mem::replace(&mut context.commits.is_in_trouble, true) {
            context.emit(HubEvent::StoreTrouble(why));
        }
        for id in &transaction.rooms {
            let Some(room) = rooms.get_mut(*id) else { continue };
            room.on_trouble(peers, context);
        }
        for id in rooms.listed() {
            if let Some(room) = rooms.get_mut(id) {
                // They do not wait for the store to recover.
                room.refuse_joins(now, peers, context, RefusedCode::TRY_LATER, STORE_FAILS);
            }
        }
        self.reload(transaction);
    }

    fn reload(&mut self, transaction: Transaction) {
        let rooms = transaction.rooms.iter().filter_map(|id| self.rooms.get(*id));
        let rooms = rooms.map(|room| room.shared_name()).collect();
        self.context.commits.state = State::Reloading(transaction);
        self.context.jobs.push_back(Job::Store(StoreJob::Reload { rooms }));
    }

    pub(in crate::hub) fn on_reload_done(&mut self, now: Instant, result: Result<Box<Reloaded>, ReadError>) {
        let transaction = match core::mem::replace(&mut self.context.commits.state, State::Idle) {
            State::Reloading(transaction) => transaction,
            other => {
                self.context.commits.state = other;
                return self.context.counters.results_dropped += 1;
            }
        };
        match result {
            Err(why) => {
                self.context.counters.reads_failed += 1;
                self.context.emit(HubEvent::StoreUnreadable(why));
            }
            Ok(reloaded) => match self.regression(&transaction, &reloaded) {
                Some(event) => self.context.emit(event),
                None => return self.derive(now, transaction, &reloaded),
            },
        }
        self.context.commits.state = State::ReloadPausing(transaction);
        self.pause(now);
    }

    /// If the store lost entries of a room: the event for that.
    fn regression(&self, transaction: &Transaction, reloaded: &Reloaded) -> Option<HubEvent> {
        transaction.rooms.iter().zip(&reloaded.rooms).find_map(|(id, state)| {
            let expected = self.rooms.get(*id)?.base()?;
            (state.head < expected).then_some(HubEvent::StoreRegressed { head: state.head, expected })
        })
    }

    /// Heads and numbers are known again. A transaction is written whole or not at all, and only
    /// this hub writes: it is in the store if the head of one of its rooms is high enough.
    fn derive(&mut self, now: Instant, transaction: Transaction, reloaded: &Reloaded) {
        let states = || transaction.rooms.iter().zip(&reloaded.rooms);
        let was_written = states().any(|(id, state)| {
            let last = self.rooms.get(*id).and_then(|room| room.last_in_flight());
            last.is_some_and(|last| state.head >= last)
        });
        self.context.people.reload(&reloaded.server);
        self.context.privileges.reload(&reloaded.server);
        self.context.invites.reload(&reloaded.server);
        self.rooms.directory.reload(&reloaded.server);
        for (id, state) in states() {
            if let Some(room) = self.rooms.get_mut(*id) {
                room.reload(&mut self.context, state);
            }
        }
        if was_written {
            self.context.counters.commits_found += 1;
            return self.on_committed(now, transaction);
        }
        let Self { peers, rooms, context, .. } = self;
        context.people.on_not_written();
        for id in &transaction.rooms {
            if let Some(room) = rooms.get_mut(*id) {
                room.on_not_written(now, context);
            }
        }
        rooms.bound_tails(&transaction.rooms, context.config.limits.tail_bytes);
        // A rename is done in all rooms or in none.
        for id in rooms.listed() {
            if let Some(room) = rooms.get_mut(id) {
                room.cancel_renames(peers, context);
            }
        }
        self.context.commits.state = State::Pausing;
        self.pause(now);
    }

    fn pause(&mut self, now: Instant) {
        let context = &mut self.context;
        let (pause, retry_max) = (context.commits.pause, context.config.limits.retry_max);
        context.counters.retries += 1;
        context.counters.retries_longest += u64::from(pause >= retry_max);
        context.timers.set(Timer::Store, Some(now + pause));
        context.commits.pause = (pause * 2).min(retry_max);
    }

    /// A pause after trouble is over.
    pub(in crate::hub) fn on_store_timer(&mut self) {
        match core::mem::replace(&mut self.context.commits.state, State::Idle) {
            State::ReloadPausing(transaction) => self.reload(transaction),
            State::Pausing => {}
            other => self.context.commits.state = other,
        }
    }
}
