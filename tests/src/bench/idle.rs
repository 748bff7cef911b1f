//! Memory of a member that is connected and sends nothing.

use kabar_core::time::Duration;
use serde::Serialize;

use super::baseline::Forwarder;
use super::fleet::Fleet;
use super::joining::{join, seconds, settle};
use super::server::Server;
use super::{Error, Setup, digits, ratio};

/// Idle timeout that members state: long, so that no keep-alives are sent during the measurement.
const IDLE_S: u16 = 3_600;
/// Time without a datagram after which everything is acknowledged.
const QUIET: Duration = Duration::from_secs(2);

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of members.
    pub members: usize,
    /// Members joining at the same time.
    pub at_once: usize,
}

/// Results.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    members: usize,
    join_s: f64,
    resident_before_kib: u64,
    resident_after_kib: u64,
    /// Growth of the resident memory, per member.
    bytes_per_member: f64,
    /// The same for a process that stores only the address of each member.
    baseline_bytes_per_member: f64,
    to_baseline: Option<f64>,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`].
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let Options { members, at_once } = options;
    let server = Server::start(setup, None)?;
    let before = server.resident()?;
    let mut fleet = Fleet::new(server.target(), IDLE_S)?;
    let begin = fleet.now();
    join(&mut fleet, members, 0, at_once)?;
    let join_s = seconds(fleet.now().saturating_since(begin));
    settle(&mut fleet, QUIET)?;
    let after = server.resident()?;
    drop((fleet, server));

    let mut forwarder = Forwarder::start(setup)?;
    let baseline_before = forwarder.resident()?;
    forwarder.register(members)?;
    let baseline_after = forwarder.resident()?;
    let each = |after: u64, before: u64| digits(after.saturating_sub(before) as f64 / members as f64, 1);
    Ok(Report {
        mode: "idle",
        members,
        join_s: digits(join_s, 3),
        resident_before_kib: before / 1024,
        resident_after_kib: after / 1024,
        bytes_per_member: each(after, before),
        baseline_bytes_per_member: each(baseline_after, baseline_before),
        to_baseline: ratio(each(after, before), each(baseline_after, baseline_before)),
    })
}
