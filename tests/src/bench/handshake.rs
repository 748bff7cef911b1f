//! Joining: full handshakes, joins and leaves, a few members at a time.

use kabar_core::client::Event;
use kabar_core::crypto::rsa::KeySize;
use kabar_core::time::Duration;
use serde::Serialize;

use super::fleet::Fleet;
use super::joining::seconds;
use super::latency::{Latencies, Percentiles};
use super::server::Server;
use super::{Error, Setup, baseline, digits, ratio};

/// Idle time-out asked for.
const IDLE_S: u16 = 60;
/// Without a join for so long it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Seconds during which members begin to join.
    pub seconds: f64,
    /// Length of the server's key, if not the usual one.
    pub key_bits: Option<KeySize>,
    /// Members joining at the same time.
    pub at_once: usize,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    key_bits: usize,
    at_once: usize,
    /// Members that got in. Each left again.
    joins: u64,
    /// Members that did not.
    failed: u64,
    elapsed_s: f64,
    joins_per_s: f64,
    /// From the first packet to Welcome.
    latency: Percentiles,
    server_user_ms: f64,
    server_system_ms: f64,
    /// Processor time of the server for each, from Hello to the end.
    server_cpu_ms: f64,
    /// One RSA private operation, alone.
    baseline_rsa_ms: f64,
    /// The server's processor time, divided by that.
    to_baseline: Option<f64>,
}

/// Measures.
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
    for seat in 0..options.at_once {
        fleet.start(seat)?;
    }
    let (mut joins, mut failed, mut active) = (0, 0, options.at_once);
    let (mut latencies, mut last) = (Latencies::default(), begin);
    while active > 0 {
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        fleet.turn(fleet.now() + Duration::from_millis(10), &mut |seat, event, now| {
            if let Event::Joined { .. } = event {
                latencies.push(now.saturating_since(started[seat]).as_micros());
                joined.push(seat);
                last = now;
            }
            if let Event::Ended(why) = event {
                failed += u64::from(*why != kabar_core::client::EndReason::Left);
                left.push(seat);
            }
        })?;
        joins += joined.len() as u64;
        joined.into_iter().for_each(|seat| fleet.leave(seat));
        for seat in left {
            if fleet.now() < end {
                started[seat] = fleet.now();
                fleet.start(seat)?;
            } else {
                active -= 1;
            }
        }
        if fleet.now().saturating_since(last) > PATIENCE {
            return Err(Error::new(format!("{joins} members joined, then nobody for {} s", seconds(PATIENCE))));
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
