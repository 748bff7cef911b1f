//! Transfers of contents (SPEC 6.8): their state, which the table of all of them owns, and the jobs
//! of workers. What arrives and is sent on stream BULK is the concern of `bulk`.
//!
//! ```text
//! Put: Reserving -> (Waiting: for another upload of it) -> Opening -> Receiving -> Finishing -> Recording -> End
//! Get: Finding -> Opening -> Sending -> End
//! any -> Over: the last message of the transfer waits for space in the stream
//! ```
//!
//! At most one job on the content of a transfer is outstanding.
//!
//! * `transfer`: one transfer.
//! * `jobs`: what workers do for them.
//! * `table`: all transfers: by key, by connection, by content.

pub(super) mod jobs;
pub(super) mod table;
pub(super) mod transfer;

pub(super) use table::Checked;

/// Most uploads, and most downloads, of a connection at once (SPEC 6.8).
const PER_CONNECTION: usize = 8;
