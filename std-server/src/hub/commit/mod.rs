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

use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::Hub;
use super::jobs::{Job, StoreJob};
use super::room::Begun;
use super::room_id::RoomId;
use crate::store::{Commit, RoomBatch, ServerBatch};

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
            let (mut begun, mut batches, mut joined) = (Vec::new(), Vec::new(), Vec::new());
            let mut server = Vec::new();
            for id in rooms.take_dirty() {
                let Some(room) = rooms.get_mut(id) else { continue };
                match room.begin_commit(now, peers, context) {
                    Begun::Batch(of_server, batch) => {
                        begun.push(id);
                        server.push(of_server);
                        batches.push(batch);
                    }
                    Begun::Joined(peers) => joined.extend(peers),
                }
            }
            let is_done = joined.is_empty();
            if !begun.is_empty() {
                self.append(server, batches, begun);
            }
            self.read_joined(now, joined);
            if is_done {
                return;
            }
            self.visit_touched_rooms(now);
        }
    }

    fn append(&mut self, server: Vec<Arc<ServerBatch>>, rooms: Vec<Arc<RoomBatch>>, begun: Vec<RoomId>) {
        let commit = Commit { server: merge(server), rooms };
        self.context.jobs.push_back(Job::Store(StoreJob::Append { commit }));
        self.context.commits.state = State::Appending(Transaction { rooms: begun });
    }
}

fn merge(mut parts: Vec<Arc<ServerBatch>>) -> Arc<ServerBatch> {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let mut merged = ServerBatch::default();
    for part in parts {
        merged.names.extend(part.names.iter().cloned());
        merged.released.extend(part.released.iter().cloned());
        merged.forgotten.extend(part.forgotten.iter().cloned());
        merged.ran_ms = merged.ran_ms.max(part.ran_ms);
    }
    Arc::new(merged)
}
