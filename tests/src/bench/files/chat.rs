//! Lines on the connection of a transfer: their delay, beside the same without the transfer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::disk::create;
use super::path::{Path, Quality};
use super::person::{Person, Seen};
use super::{Transfer, without_quotas};
use crate::bench::latency::{Latencies, Percentiles};
use crate::bench::server::Server;
use crate::bench::{Error, Setup, digits};

/// How long lines may arrive after the last one was posted.
const LINGER: Duration = Duration::from_secs(10);
/// Wait for a line before the other client's events are taken.
const TURN: Duration = Duration::from_millis(5);
/// A line is this and the time in us at which it was posted.
const LINE: &str = "time ";

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The file, which should take longer than `seconds`, and the relay.
    pub transfer: Transfer,
    /// Lines per second.
    pub rate: f64,
    /// Seconds during which lines are posted.
    pub seconds: f64,
}

/// Results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    /// Lines per second.
    rate: f64,
    cases: Vec<Case>,
}

/// Results on one path in one direction.
#[derive(Clone, Debug, Serialize)]
struct Case {
    /// `loopback` or `relay`.
    path: &'static str,
    /// `upload`: the sender of the file posts. `download`: the receiver of the file reads.
    direction: &'static str,
    without: Percentiles,
    with: Percentiles,
    /// By how much the transfer raises the 99th percentile.
    p99_rise_ms: f64,
    lines: usize,
    /// Rate of the transfer meanwhile.
    transfer_mb_s: f64,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`].
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let setup = without_quotas(setup);
    let mut cases = Vec::new();
    for path in ["loopback", "relay"] {
        let server = Server::start(&setup, None)?;
        let target = server.target();
        let Transfer { bytes, delay, seed } = options.transfer;
        let quality = Quality { loss: 0.0, delay, seed };
        let relay = (path == "relay").then(|| Path::start(target.server, quality)).transpose()?;
        let anna = Person::join(target, relay.as_ref().map_or(target.server, Path::address), "anna")?;
        let bob = Person::join(target, target.server, "bob")?;
        let file = anna.home().join("file");
        create(&file, bytes, seed)?;

        let without = lines(&anna, &bob, options, false)?;
        anna.start_sending(file);
        anna.until_running()?;
        let mut with = lines(&anna, &bob, options, true)?;
        let file = with.file.take();
        cases.push(Case::new(path, "upload", without, with));
        let body = file.map_or_else(|| bob.next_file(), Ok)?;

        let without = lines(&bob, &anna, options, false)?;
        anna.start_receiving(body);
        anna.until_running()?;
        cases.push(Case::new(path, "download", without, lines(&bob, &anna, options, true)?));
    }
    Ok(Report { mode: "chat", rate: options.rate, cases })
}

impl Case {
    fn new(path: &'static str, direction: &'static str, without: Lines, with: Lines) -> Self {
        let (lines, transfer_mb_s) = (with.latencies.len(), with.transfer_mb_s());
        let (without, with) = (without.latencies.percentiles(), with.latencies.percentiles());
        let p99_rise_ms = digits(with.p99_ms - without.p99_ms, 3);
        Self { path, direction, without, with, p99_rise_ms, lines, transfer_mb_s }
    }
}

/// Lines while a transfer runs, or does not.
#[derive(Debug, Default)]
struct Lines {
    latencies: Latencies,
    /// Bytes of the file that were transferred, and when: at first, and at last.
    progress: Option<[(Instant, u64); 2]>,
    /// The entry about the file, if the transfer was over meanwhile.
    file: Option<Vec<u8>>,
}

impl Lines {
    /// Rate of the transfer in MB/s.
    fn transfer_mb_s(&self) -> f64 {
        let rate = |[(begin, from), (end, to)]: [(Instant, u64); 2]| {
            to.saturating_sub(from) as f64 / 1e6 / end.saturating_duration_since(begin).as_secs_f64()
        };
        self.progress.map(rate).filter(|rate| rate.is_finite()).map_or(0.0, |rate| digits(rate, 1))
    }

    /// Returns whether the transfer is over.
    fn take(&mut self, seen: &Seen, begin: Instant) -> bool {
        match seen {
            Seen::Text(text) => {
                if let Some(posted) = text.strip_prefix(LINE).and_then(|text| text.parse::<u64>().ok()) {
                    let now = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
                    self.latencies.push(now.saturating_sub(posted));
                }
            }
            Seen::File(body) => self.file = Some(body.clone()),
            Seen::Progress(done) => {
                let now = (Instant::now(), *done);
                self.progress = Some([self.progress.map_or(now, |[first, _]| first), now]);
            }
            Seen::Over => return true,
            Seen::Other => {}
        }
        false
    }
}

/// Posts lines at the rate: for the whole time, or at most until the transfer that is in progress
/// is over. Returns when all of them have arrived.
fn lines(from: &Person, to: &Person, options: Options, is_transferring: bool) -> Result<Lines, Error> {
    let begin = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let posting = {
        let (poster, is_over) = (from.poster(), Arc::clone(&is_over));
        let interval = Duration::from_secs_f64(1.0 / options.rate);
        let number = (options.rate * options.seconds) as u32;
        std::thread::spawn(move || {
            for line in 0..number {
                let due = begin + interval * line;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if is_over.load(Ordering::Acquire) {
                    return line;
                }
                poster.post(format!("{LINE}{}", begin.elapsed().as_micros()));
            }
            number
        })
    };
    let mut lines = Lines::default();
    let take = |lines: &mut Lines| {
        let seen = [to.take(TURN), from.take(Duration::ZERO)];
        for seen in seen.iter().flatten() {
            if lines.take(seen, begin) && is_transferring {
                is_over.store(true, Ordering::Release);
            }
        }
    };
    while !posting.is_finished() {
        take(&mut lines);
    }
    let posted = posting.join().map_err(|_| Error::new("the poster failed"))? as usize;
    let give_up = Instant::now() + LINGER;
    while lines.latencies.len() < posted && Instant::now() < give_up {
        take(&mut lines);
    }
    match lines.latencies.len() {
        0 if posted == 0 => Err(Error::new("the transfer was over before the first line: it needs a longer file")),
        arrived if arrived < posted => Err(Error::new(format!("only {arrived} of {posted} lines arrived"))),
        _ => Ok(lines),
    }
}
