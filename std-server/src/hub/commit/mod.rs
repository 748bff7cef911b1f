//! Group commit (SPEC 7): everything that rooms collect while one transaction is being written is
//! written by the next one. At most one is outstanding. It covers each room that has something to
//! commit, and is written whole or not at all; nothing is sent about its content before.
//!
//! ```text
//! Idle -something collected-> Appending -ok-> Idle
//!                                 |-failed, uncertain-> Reloading -> (it was written) -> Idle
//!                                                           |------> (it was not) -> Pausing -> Idle: the same posts again
//!                                                           |-failed-> ReloadPausing -> Reloading
//! ```

mod outcome;

use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::Hub;
use super::jobs::{Job, StoreJob};
use super::room::Begun;
use super::room_id::RoomId;
use crate::store::Commit;

/// The transaction in progress, and the trouble with the store.
#[derive(Debug)]
pub(super) struct Commits {
    state: State,
    /// Bytes of posts that are not committed, in all rooms.
    unfinished_bytes: usize,
    /// The next pause after a failed commit.
    pause: Duration,
    is_in_trouble: bool,
}

#[derive(Debug)]
enum State {
    Idle,
    Appending(Transaction),
    Reloading(Transaction),
    /// Until the timer.
    Pausing,
    /// Until the timer.
    ReloadPausing(Transaction),
}

/// The rooms whose batches are in progress. Each of them holds its own batch.
#[derive(Debug)]
struct Transaction {
    rooms: Vec<RoomId>,
}

impl Commits {
    pub(super) fn new(pause: Duration) -> Self {
        Self { state: State::Idle, unfinished_bytes: 0, pause, is_in_trouble: false }
    }

    /// Whether no transaction is in progress and none has to wait.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether a commit failed and it is too early for another. (After that, the next one shows
    /// whether the store works again.)
    pub(super) fn is_recovering(&self) -> bool {
        matches!(self.state, State::Reloading(_) | State::Pausing | State::ReloadPausing(_))
    }

    /// Whether the last commit failed, or is not known to have happened.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.is_in_trouble
    }

    /// Bytes of posts that are not committed.
    pub(super) fn unfinished_bytes(&self) -> usize {
        self.unfinished_bytes
    }

    /// Counts an entry that waits for its commit.
    pub(super) fn begin_entry(&mut self, bytes: usize) {
        self.unfinished_bytes += bytes;
    }

    /// Ends the waiting of entries: they are committed, or will not be.
    pub(super) fn end_entries(&mut self, bytes: usize) {
        self.unfinished_bytes -= bytes;
    }
}

impl<P: Provider> Hub<P> {
    /// Begins a transaction if there is something to commit and none is in progress. Joins that
    /// need none are completed.
    pub(super) fn create_commit_job(&mut self, now: Instant) {
        while self.context.commits.is_idle() {
            let Self { peers, rooms, context, .. } = self;
            let dirty = rooms.take_dirty();
            if dirty.is_empty() && !context.people.has_to_commit() {
                return;
            }
            for id in &dirty {
                let Some(room) = rooms.get_mut(*id) else { continue };
                for (identity, name) in room.prepare_commit(now, peers, context) {
                    rooms.drop_rename(context, *id, identity, &name);
                }
            }
            let mut part = context.people.begin_batch(now);
            let (mut begun, mut batches, mut joined) = (Vec::new(), Vec::new(), Vec::new());
            for id in dirty {
                let Some(room) = rooms.get_mut(id) else { continue };
                match room.begin_commit(now, peers, context, &mut part) {
                    Begun::Batch(batch) => {
                        begun.push(id);
                        batches.push(batch);
                    }
                    Begun::Joined(peers) => joined.extend(peers),
                }
            }
            let server = context.people.finish_batch(part, !batches.is_empty());
            if !batches.is_empty() || !server.is_empty() {
                let commit = Commit { server, rooms: batches };
                context.jobs.push_back(Job::Store(StoreJob::Append { commit }));
                context.commits.state = State::Appending(Transaction { rooms: begun });
            }
            // Only now: what follows a Join may concern every room.
            self.read_joined(now, joined);
            self.visit_touched_rooms(now);
        }
    }
}
