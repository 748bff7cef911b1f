//! Transfers of contents on stream BULK (SPEC 6.8). The table of all transfers is the one owner of
//! their state; the groups themselves pass through on their way to and from a worker thread.
//!
//! ```text
//! Put: Reserving -> (Waiting: for another upload of it) -> Opening -> Receiving -> Finishing -> Recording -> End
//! Get: Finding -> Opening -> Sending -> End
//! any -> Over: the last message of the transfer waits for space in the stream
//! ```
//!
//! At most one job of a transfer is outstanding. What arrives meanwhile is collected, up to a bound;
//! beyond it the connection is not read, and flow control holds its client back.
//!
//! * `transfer`: one transfer.
//! * `table`: all transfers: by key, by connection, by content.
//! * `messages`: reads the messages of a connection.
//! * `jobs`: what workers do for them.
//! * `delivery`: writes messages and groups to a connection, its transfers in turn.
//! * `results`: takes the results of jobs.
//! * `stalled`: ends transfers without progress.

mod delivery;
pub(super) mod jobs;
mod messages;
mod results;
mod stalled;
pub(super) mod table;
mod transfer;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::context::Context;
use super::jobs::{Job, StoreJob};

pub(super) use delivery::deliver;
pub(super) use messages::read;
pub(super) use results::{on_content_done, on_index_done, retry_storing};
pub(super) use stalled::end_stalled;
pub(super) use table::Checked;

/// Most uploads, and most downloads, of a connection at once (SPEC 6.8).
const PER_CONNECTION: usize = 8;
/// Bytes of an upload that are collected while others are being stored.
const COLLECTED: usize = 64 << 10;
/// Bytes of a download that are read at once, and read ahead.
const READ_AHEAD: usize = 64 << 10;
/// Bytes of a transfer that are sent before it is another one's turn: a group and the parents
/// above it.
const TURN: usize = (16 << 10) + 50 * 64;

/// Creates the jobs that are due.
pub(super) fn create_jobs<P: Provider>(now: Instant, context: &mut Context<P>) {
    while let Some(job) = context.transfers.next_job() {
        context.jobs.push_back(Job::Content(job));
    }
    while let Some(job) = context.transfers.next_index_job() {
        context.jobs.push_back(Job::Store(StoreJob::Index(job)));
    }
    stalled::watch(now, context);
}
