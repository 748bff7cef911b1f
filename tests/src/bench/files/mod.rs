//! Files: sent to a server that stores them on its disk, and received from it, with the same
//! transfer over QUIC in the same run.
//!
//! * [`speed`]: over loopback and through a relay that delays and loses. [`chat`]: lines on the
//!   connection of a transfer. [`memory`]: of the server, per transfer.
//! * `person`: a real client. `path`: the relay. `disk`: contents, and the speed of the disk.
//!   `proof`: the cost of proving. `quic`: quinn.

pub mod chat;
mod disk;
pub mod memory;
mod path;
mod person;
mod proof;
#[cfg(feature = "peers")]
pub mod quic;
pub mod speed;

use kabar_core::time::Duration;

use super::Setup;

/// Quotas that nothing here reaches.
const NO_QUOTAS: [&str; 3] = ["--max-file=1024GiB", "--member-files=1024GiB", "--all-files=1024GiB"];

/// Parameters of all measurements of files.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Bytes of a file.
    pub bytes: u64,
    /// Delay of the relay in each direction.
    pub delay: Duration,
    /// Seed of the relay's losses.
    pub seed: u64,
}

/// The setup with a server that takes all files.
fn without_quotas(setup: &Setup) -> Setup {
    let mut setup = setup.clone();
    let stated = |flag: &&&str| {
        let name = flag.split('=').next();
        !setup.server_arguments.iter().any(|stated| stated.split('=').next() == name)
    };
    let added: Vec<_> = NO_QUOTAS.iter().filter(stated).map(|flag| (*flag).to_owned()).collect();
    setup.server_arguments.extend(added);
    setup
}
