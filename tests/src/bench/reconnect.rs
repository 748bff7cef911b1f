//! A crash: the server is killed with everybody in the room and started again; how long until all
//! are back by themselves.

use kabar_core::client::Event;
use kabar_core::time::Duration;
use serde::Serialize;

use super::fleet::Fleet;
use super::joining::{join, seconds, settle};
use super::latency::{Latencies, Percentiles};
use super::server::Server;
use super::{Error, Setup, baseline, digits, ratio};

/// Nothing was received for so long before the crash.
const QUIET: Duration = Duration::from_secs(1);
/// When it is given up.
const PATIENCE: Duration = Duration::from_secs(300);

/// All members come from one address here, which the usual limits take for an attack.
const LIMITS: [&str; 2] = ["--max-half-open-per-address=1024", "--handshake-burst=100000"];

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Members.
    pub members: usize,
    /// Members joining at the same time before the crash. Afterwards they come as they like.
    pub at_once: usize,
    /// Idle time-out that members ask for, in s: within a third of it each notices that the server
    /// is another one.
    pub idle_s: u16,
}

/// What came out.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    members: usize,
    idle_s: u16,
    /// Limits of the server that are not as usual, because all come from one address.
    limits: [&'static str; 2],
    /// Until all had joined at first.
    join_s: f64,
    /// From the kill to the first line of the new process.
    restart_s: f64,
    /// From the kill to Welcome of each member.
    back: Percentiles,
    /// From the kill until all were back.
    all_back_s: f64,
    back_per_s: f64,
    server_cpu_ms_each: f64,
    resident_kib: u64,
    /// The RSA private operations of all, alone, on one core.
    baseline_s: f64,
    to_baseline: Option<f64>,
}

/// Measures.
///
/// # Errors
/// [`Error`], also if not all came back.
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
        fleet.turn(fleet.now() + Duration::from_millis(100), &mut |seat, event, now| {
            if let Event::Joined { .. } = event
                && !is_back[seat]
            {
                is_back[seat] = true;
                back += 1;
                last = now;
                latencies.push(now.saturating_since(crash).as_micros());
            }
            if let Event::Ended(why) = event {
                ended = Some(*why);
            }
        })?;
        if let Some(why) = ended {
            return Err(Error::new(format!("a member ended instead of coming back: {why:?}")));
        }
        if fleet.now().saturating_since(crash) > PATIENCE {
            return Err(Error::new(format!("{back} of {members} members came back in {} s", seconds(PATIENCE))));
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
