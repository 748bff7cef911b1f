//! Work: what one datagram can make the server do, for each message and each packet that a client
//! can send.
//!
//! The real hub runs on this thread, without sockets, over a log in memory; its calls are timed,
//! and looks and page reads counted. A datagram is as full of one kind of message as it can be.
//! Everything that it asks for is done: answers are acknowledged at once, and what that costs
//! counts as well. Beside each stands how much of a datagram full of ordinary posts it is.
//!
//! * `stage`: the hub and its clock. * `cases`: what is sent.

mod cases;
mod stage;

use serde::Serialize;

use super::{Error, digits, ratio};
use cases::{CASES, Case};
use stage::{Cost, Stage};

const ROOM: &str = "lobby";
const SECRET: [u8; 16] = [0x5e; 16];
const DATAGRAM_LEN: usize = 1200;
/// Bytes of an ordinary post, and of each entry of the log.
const BODY: usize = 200;

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Times that each is measured; the quickest counts, which nobody else disturbed.
    pub repeat: usize,
    /// Entries of the log.
    pub entries: u64,
    /// Other members in the room.
    pub members: usize,
}

/// What came out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    repeat: usize,
    entries: u64,
    members: usize,
    /// Microseconds of a datagram full of ordinary posts.
    ordinary_us: f64,
    cases: Vec<Work>,
}

/// What one datagram costs.
#[derive(Clone, Debug, Serialize)]
struct Work {
    /// The message or packet.
    kind: &'static str,
    /// How it is made to cost as much as it can.
    case: &'static str,
    /// How many of them are in it.
    count: usize,
    bytes: usize,
    /// Microseconds of the serving thread until all is done.
    hub_us: f64,
    /// Of these, the longest before others have their turn.
    longest_turn_us: f64,
    turns: u64,
    /// Microseconds of the thread for public-key work.
    accept_us: f64,
    /// Looks into the log, each at up to 32 entries.
    lookups: u64,
    /// Pages of 32 entries read from the store.
    page_reads: u64,
    bytes_out: u64,
    /// The serving thread's time, in datagrams full of ordinary posts.
    to_ordinary: Option<f64>,
}

/// Measures.
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
    let mut stage = Stage::new(options.entries, case.limits)?;
    for _ in 0..options.members {
        stage.member(4_352)?;
    }
    let (mut costs, mut bytes, mut count) = (Vec::new(), 0, 0);
    for turn in 0..options.repeat {
        let (peer, datagram, in_it) = (case.make)(&mut stage, turn)?;
        (bytes, count) = (datagram.len(), in_it);
        costs.push(stage.measure(peer, datagram));
        // Half-open entries expire, and nobody is made busy by those before.
        stage.rest();
    }
    let longest = costs.iter().map(|cost: &Cost| cost.longest).fold(f64::INFINITY, f64::min);
    // The quickest: nobody else disturbed it.
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
