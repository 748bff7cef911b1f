//! Recovery: the server is killed with all members in the room and started again; how long does it
//! take until all have rejoined?

use kabar_core::client::Event;
use kabar_core::time::Duration;
use serde::Serialize;

use super::fleet::Fleet;
use super::joining::{join, seconds, settle};
use super::latency::{Latencies, Percentiles};
use super::server::Server;
use super::{Error, Setup, baseline, digits, ratio};

/// Time without a datagram before the crash.
const QUIET: Duration = Duration::from_secs(1);
/// Time after which the measurement fails.
const TIMEOUT: Duration = Duration::from_secs(300);

/// All members have the same address here, which the default limits treat as an attack.
const LIMITS: [&str; 2] = ["--max-half-open-per-address=1024", "--handshake-burst=100000"];

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of members.
    pub members: usize,
    /// Members joining at the same time before the crash. After it, they rejoin on their own.
    pub at_once: usize,
    /// Idle timeout that members state, in s. Each member detects the restart within a third of it.
    pub idle_s: u16,
}

/// Results.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    members: usize,
    idle_s: u16,
    /// Limits of the server that are not the defaults, because all members have the same address.
    limits: [&'static str; 2],
    /// Time until all had joined at first.
    join_s: f64,
    /// Time from the kill to the first line of the new process.
    restart_s: f64,
    /// Time from the kill to the Welcome of each member.
    back: Percentiles,
    /// Time from the kill until all had rejoined.
    all_back_s: f64,
    back_per_s: f64,
    server_cpu_ms_each: f64,
    resident_kib: u64,
    /// Time of the RSA private operations of all members on one core, without anything else.
    baseline_s: f64,
    to_baseline: Option<f64>,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`], also if not all members rejoined.
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let Options { members, at_once, idle_s } = options;
    let mut setup = setup.clone();
    setup.server_arguments.extend(LIMITS.map(str::to_owned));
    setup.server_arguments.push(format!("--max-members={}", members.max(10_000)));
    let mut server = Server::start(&setup, None)?;
    let mut fleet = Fleet::new(server.target(), idle_s)?;
    let begin = fleet.now();
    join(&mut fleet, members, 0, at_once)?;
    let join_s = seconds(fleet.now().saturating_since(begin));
    settle(&mut fleet, QUIET)?;

    server.kill();
    let crash = fleet.now();
    server.restart(&setup)?;
    let restart_s = seconds(fleet.now().saturating_since(crash));
    let (mut is_back, mut back, mut latencies, mut last) = (vec![false; members], 0, Latencies::default(), crash);
    let mut ended = None;
    while back < members {
        fleet.turn(fleet.now() + Duration::from_millis(100), &mut |slot, event, now| {
            if let Event::Joined { .. } = event
                && !is_back[slot]
            {
                is_back[slot] = true;
                back += 1;
                last = now;
                latencies.push(now.saturating_since(crash).as_micros());
            }
            if let Event::Ended(why) = event {
                ended = Some(*why);
            }
        })?;
        if let Some(why) = ended {
            return Err(Error::new(format!("a member ended instead of rejoining: {why:?}")));
        }
        if fleet.now().saturating_since(crash) > TIMEOUT {
            return Err(Error::new(format!("{back} of {members} members rejoined in {} s", seconds(TIMEOUT))));
        }
    }
    let all_back_s = seconds(last.saturating_since(crash));
    let (cpu, resident) = (server.cpu()?.total(), server.resident()?);
    drop((fleet, server));
    let baseline_s = baseline::rsa_ms(kabar_core::crypto::rsa::KeySize::Bits2048)? * members as f64 / 1e3;
    Ok(Report {
        mode: "return",
        members,
        idle_s,
        limits: LIMITS,
        join_s: digits(join_s, 3),
        restart_s: digits(restart_s, 3),
        back: latencies.percentiles(),
        all_back_s: digits(all_back_s, 3),
        back_per_s: digits(members as f64 / all_back_s.max(1e-6), 1),
        server_cpu_ms_each: digits(cpu * 1e3 / members as f64, 3),
        resident_kib: resident / 1024,
        baseline_s: digits(baseline_s, 3),
        to_baseline: ratio(all_back_s, baseline_s),
    })
}
