//! Files on their way into and out of transfers (SPEC 6.8), free of connections: a thread hashes,
//! encodes and proves them, so that no session waits for a disk.
//!
//! ```text
//! Job::Hash -> Hashed, then Job::Encode -> Encoded, ...             an upload
//! Job::Open -> Opened, then Job::Write -> Written, ..., Job::Finish a download
//! ```
//! * [`names`]: the names of received files. [`paths`]: completion of those that are sent.
//!   [`progress`]: rates. `upload`, `download`: one file. [`media_type`]: by its first bytes.
//!   [`worker`]: the thread.

mod download;
mod error;
pub mod media_type;
pub mod names;
pub mod paths;
pub mod progress;
mod upload;
pub mod worker;

pub use download::{Destination, part_path};
pub use error::FileFailure;
pub use upload::MAX_FILE_LEN;

/// A transfer of one run of the engine. Never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(pub u32);

/// Bytes that are read from a file at once.
const READ_LEN: usize = 256 << 10;
