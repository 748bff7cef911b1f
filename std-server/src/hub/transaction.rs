//! The transaction in progress (see `commit`), and what waits for one.
//!
//! ```text
//! Idle -something collected-> Appending -ok-> Idle
//!                                 |-failed, uncertain-> Reloading -> (it was written) -> Idle
//!                                                           |------> (it was not) -> Pausing -> Idle: the same posts again
//!                                                           |-failed-> ReloadPausing -> Reloading
//! ```

use kabar_core::time::Duration;

use super::room_id::RoomId;

/// The transaction in progress, and the trouble with the store.
#[derive(Debug)]
pub(super) struct Commits {
    pub(super) state: State,
    /// Bytes of posts that are not committed, in all rooms.
    unfinished_bytes: usize,
    /// The next pause after a failed commit.
    pub(super) pause: Duration,
    pub(super) is_in_trouble: bool,
}

#[derive(Debug)]
pub(super) enum State {
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
pub(super) struct Transaction {
    pub(super) rooms: Vec<RoomId>,
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
