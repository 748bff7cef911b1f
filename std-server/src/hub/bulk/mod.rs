//! Stream BULK of connections (SPEC 6.8): contents on their way between clients and workers. The
//! state of each transfer is that of `transfers`.
//!
//! What arrives while a worker is busy with a transfer is collected, up to a bound; beyond it the
//! connection is not read, and flow control holds its client back.
//!
//! * `messages`: reads the messages of a connection.
//! * `delivery`: writes messages and groups to a connection, its transfers in turn.
//! * `results`: takes the results of jobs.
//! * `stalled`: ends transfers without progress.

mod delivery;
mod messages;
mod results;
mod stalled;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::context::Context;
use super::jobs::{Job, StoreJob};

pub(super) use delivery::deliver;
pub(super) use messages::read;
pub(super) use results::{on_content_done, on_index_done, retry_storing};
pub(super) use stalled::end_stalled;

/// Bytes of an upload that are collected while others are being stored.
const COLLECTED: usize = 64 << 10;
/// Bytes of a download that are read at once, and read ahead.
const READ_AHEAD: usize = 64 << 10;
/// Bytes of a transfer that are sent before it is another one's turn: a group and the parents
/// above it.
const TURN: usize = (16 << 10) + 50 * 64;
/// Bytes of an upload that are stored at once, except for the last ones. A part of a group cannot
/// be stored, and each job wakes two threads.
const STORED: usize = TURN;

/// Creates the jobs that are due.
pub(in crate::hub) fn create_jobs<P: Provider>(now: Instant, context: &mut Context<P>) {
    while let Some(job) = context.transfers.next_job() {
        context.jobs.push_back(Job::Content(job));
    }
    while let Some(job) = context.transfers.next_index_job() {
        context.jobs.push_back(Job::Store(StoreJob::Index(job)));
    }
    stalled::watch(now, context);
}
