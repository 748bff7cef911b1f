//! The work that one datagram can cause in the server, for each message and each packet that a
//! client can send.
//!
//! The real hub runs on this thread, without sockets, over a log in memory. Its calls are timed,
//! and its look-ups and page reads are counted. A datagram is filled with one kind of message, and
//! everything that it requests is completed: answers are acknowledged at once, and the cost of that
//! is included. Each result is also given as a multiple of a datagram of ordinary posts.
//!
//! * `fixture`: the hub and its clock. `cases`: the datagrams.

mod cases;
mod fixture;

use serde::Serialize;

use super::{Error, digits, ratio};
use cases::{CASES, Case};
use fixture::{Cost, Fixture};

const ROOM: &str = "lobby";
const SECRET: [u8; 16] = [0x5e; 16];
const DATAGRAM_LEN: usize = 1200;
/// Bytes of an ordinary post, and of each entry of the log.
const BODY: usize = 200;

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Number of times that each case is measured. The fastest counts, because other load disturbed
    /// it least.
    pub repeat: usize,
    /// Number of entries in the log.
    pub entries: u64,
    /// Number of other members in the room.
    pub members: usize,
}

/// Results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    repeat: usize,
    entries: u64,
    members: usize,
    /// Microseconds for a datagram of ordinary posts.
    ordinary_us: f64,
    cases: Vec<Work>,
}

/// The cost of one datagram.
#[derive(Clone, Debug, Serialize)]
struct Work {
    /// The message or packet.
    kind: &'static str,
    /// The variant of the message or packet.
    case: &'static str,
    /// Number of them in the datagram.
    count: usize,
    bytes: usize,
    /// Microseconds of the serving thread until everything is done.
    hub_us: f64,
    /// The longest part of these that others have to wait for.
    longest_turn_us: f64,
    turns: u64,
    /// Microseconds of the thread for public-key work.
    accept_us: f64,
    /// Look-ups in the log, each of up to 32 entries.
    lookups: u64,
    /// Pages of 32 entries read from the store.
    page_reads: u64,
    bytes_out: u64,
    /// The serving thread's time, in datagrams of ordinary posts.
    to_ordinary: Option<f64>,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`].
pub fn run(options: Options) -> Result<Report, Error> {
    let mut cases = Vec::new();
    for case in CASES {
        cases.push(measure(case, options)?);
    }
    let ordinary = cases.first().map_or(0.0, |case| case.hub_us);
    for case in &mut cases {
        case.to_ordinary = ratio(case.hub_us, ordinary);
    }
    let Options { repeat, entries, members } = options;
    Ok(Report { mode: "work", repeat, entries, members, ordinary_us: ordinary, cases })
}

fn measure(case: &Case, options: Options) -> Result<Work, Error> {
    let mut fixture = Fixture::new(options.entries, case.limits)?;
    for _ in 0..options.members {
        fixture.member(4_352)?;
    }
    let (mut costs, mut bytes, mut count) = (Vec::new(), 0, 0);
    for turn in 0..options.repeat {
        let (peer, datagram, contained) = (case.make)(&mut fixture, turn)?;
        (bytes, count) = (datagram.len(), contained);
        costs.push(fixture.measure(peer, datagram));
        // Half-open entries expire, so that earlier repetitions do not make the server busy.
        fixture.expire();
    }
    let longest = costs.iter().map(|cost: &Cost| cost.longest).fold(f64::INFINITY, f64::min);
    // The fastest: other load disturbed it least.
    let cost = costs.into_iter().min_by(|a, b| a.hub.total_cmp(&b.hub)).unwrap_or_default();
    Ok(Work {
        kind: case.kind,
        case: case.case,
        count,
        bytes,
        hub_us: digits(cost.hub * 1e6, 1),
        longest_turn_us: digits(longest * 1e6, 1),
        turns: cost.turns,
        accept_us: digits(cost.accept * 1e6, 1),
        lookups: cost.lookups,
        page_reads: cost.page_reads,
        bytes_out: cost.bytes_out,
        to_ordinary: None,
    })
}
