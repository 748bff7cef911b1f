//! Joins: full handshakes, joins and leaves, a few members at a time.

use kabar_core::client::Event;
use kabar_core::crypto::rsa::KeySize;
use kabar_core::time::Duration;
use serde::Serialize;

use super::fleet::Fleet;
use super::joining::seconds;
use super::latency::{Latencies, Percentiles};
use super::server::Server;
use super::{Error, Setup, baseline, digits, ratio};

/// Idle timeout that members state.
const IDLE_S: u16 = 60;
/// Time without a join after which the measurement fails.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Seconds during which members start to join.
    pub seconds: f64,
    /// Length of the server's key, if not the default.
    pub key_bits: Option<KeySize>,
    /// Members joining at the same time.
    pub at_once: usize,
}

/// Results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    key_bits: usize,
    at_once: usize,
    /// Members that joined. Each left again.
    joins: u64,
    /// Members that were not admitted.
    failed: u64,
    elapsed_s: f64,
    joins_per_s: f64,
    /// Time from the first packet to Welcome.
    latency: Percentiles,
    server_user_ms: f64,
    server_system_ms: f64,
    /// Processor time of the server per member, from Hello to close.
    server_cpu_ms: f64,
    /// Time of one bare RSA private operation.
    baseline_rsa_ms: f64,
    /// The server's processor time, divided by `baseline_rsa_ms`.
    to_baseline: Option<f64>,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`].
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let size = options.key_bits.unwrap_or(KeySize::Bits2048);
    let bits = size.modulus_len() * 8;
    let server = Server::start(setup, options.key_bits.map(|_| bits as u32))?;
    let mut fleet = Fleet::new(server.target(), IDLE_S)?;
    for _ in 0..options.at_once {
        fleet.add(false)?;
    }
    let cpu = server.cpu()?;
    let begin = fleet.now();
    let end = begin + Duration::from_micros((options.seconds * 1e6) as u64);
    let mut started = vec![begin; options.at_once];
    for slot in 0..options.at_once {
        fleet.start(slot)?;
    }
    let (mut joins, mut failed, mut active) = (0, 0, options.at_once);
    let (mut latencies, mut last) = (Latencies::default(), begin);
    while active > 0 {
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        fleet.turn(fleet.now() + Duration::from_millis(10), &mut |slot, event, now| {
            if let Event::Joined { .. } = event {
                latencies.push(now.saturating_since(started[slot]).as_micros());
                joined.push(slot);
                last = now;
            }
            if let Event::Ended(why) = event {
                failed += u64::from(*why != kabar_core::client::EndReason::Left);
                left.push(slot);
            }
        })?;
        joins += joined.len() as u64;
        joined.into_iter().for_each(|slot| fleet.leave(slot));
        for slot in left {
            if fleet.now() < end {
                started[slot] = fleet.now();
                fleet.start(slot)?;
            } else {
                active -= 1;
            }
        }
        if fleet.now().saturating_since(last) > TIMEOUT {
            return Err(Error::new(format!("{joins} members joined, then nobody for {} s", seconds(TIMEOUT))));
        }
    }
    let elapsed = seconds(last.saturating_since(begin));
    let cpu = server.cpu()?.since(cpu);
    drop((fleet, server));
    let each = |seconds: f64| digits(seconds * 1e3 / joins.max(1) as f64, 3);
    let baseline = baseline::rsa_ms(size)?;
    Ok(Report {
        mode: "handshake",
        key_bits: bits,
        at_once: options.at_once,
        joins,
        failed,
        elapsed_s: digits(elapsed, 3),
        joins_per_s: digits(joins as f64 / elapsed.max(1e-6), 1),
        latency: latencies.percentiles(),
        server_user_ms: each(cpu.user),
        server_system_ms: each(cpu.system),
        server_cpu_ms: each(cpu.total()),
        baseline_rsa_ms: digits(baseline, 3),
        to_baseline: ratio(each(cpu.total()), baseline),
    })
}
