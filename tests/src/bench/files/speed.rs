//! The time of a transfer.
//!
//! An upload counts from the command to the stored entry: with hashing, and with the durable file
//! at the server. A download counts until the file is durable and has its name.

use std::time::Duration;

use serde::Serialize;

use super::disk::{create, write_and_sync};
use super::path::{Path, Quality, ceiling};
use super::person::Person;
use super::proof::prove;
use super::{Transfer, without_quotas};
use crate::bench::server::Server;
use crate::bench::usage::time_of_threads;
use crate::bench::{Error, Setup, digits, ratio};

/// Name of the server's thread that works on contents.
const CONTENTS: &str = "kabar-contents";

/// Parameters.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file and the relay.
    pub transfer: Transfer,
    /// Parts of the datagrams that the relay loses, in each direction: a measurement for each.
    pub losses: Vec<f64>,
    /// Transfers in each direction; the median counts.
    pub runs: u32,
    /// How long each rate is tried to measure the relay itself; zero: it is not measured.
    pub relay_trial: Duration,
    /// Windows of a QUIC stream in bytes; `None`: quinn's own.
    pub quic_window: Option<u32>,
}

/// Results.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    bytes: u64,
    runs: u32,
    /// Transit time of the relay in each direction.
    delay_ms: f64,
    /// The highest rate of those tried that the relay passes on.
    relay_ceiling_mb_s: Option<f64>,
    /// Writing and synchronising a file of this length, without any transfer.
    disk_mb_s: f64,
    /// Processor time in ms of proving a content of this length in memory.
    proving_ms: f64,
    paths: Vec<OnPath>,
}

/// Results on one path.
#[derive(Clone, Debug, Serialize)]
struct OnPath {
    /// `loopback`, or the loss of the relay.
    path: String,
    upload: Direction,
    download: Direction,
    /// Datagrams that no socket had space for, of all programs on this computer.
    dropped: u64,
}

/// Results in one direction.
#[derive(Clone, Debug, Default, Serialize)]
struct Direction {
    /// MB/s from the command to the durable file (an upload: with hashing, and with its entry).
    kabar_mb_s: f64,
    /// ... of each transfer.
    kabar_runs: Vec<f64>,
    /// Of an upload: ms until the first byte of the content can be sent.
    kabar_start_ms: Option<f64>,
    /// Processor time of the server in ms per transfer.
    kabar_server_cpu_ms: f64,
    /// ... of its thread of contents: proving, and reading or writing files.
    kabar_contents_cpu_ms: f64,
    /// The same over QUIC; `None`: this program has no QUIC.
    quic_mb_s: Option<f64>,
    quic_runs: Option<Vec<f64>>,
    quic_server_cpu_ms: Option<f64>,
    /// Kabar's rate divided by that over QUIC.
    to_quic: Option<f64>,
}

/// Measurements of one direction.
#[derive(Debug, Default)]
struct Runs {
    seconds: Vec<f64>,
    cpu_s: f64,
    contents_s: f64,
}

impl Runs {
    fn add(&mut self, seconds: f64, cpu_s: f64) {
        self.seconds.push(seconds);
        self.cpu_s += cpu_s;
    }

    fn rates(&self, bytes: u64) -> Vec<f64> {
        self.seconds.iter().map(|seconds| digits(bytes as f64 / 1e6 / seconds, 2)).collect()
    }

    /// Time in ms per transfer of a sum in seconds.
    fn ms(&self, seconds: f64) -> f64 {
        digits(seconds * 1e3 / self.seconds.len().max(1) as f64, 1)
    }
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`].
pub fn run(setup: &Setup, options: &Options) -> Result<Report, Error> {
    let setup = without_quotas(setup);
    let Options { transfer: Transfer { bytes, delay, seed }, ref losses, runs, relay_trial, .. } = *options;
    let home = tempfile::tempdir().map_err(Error::io("create a directory"))?;
    let disk = (0..runs).map(|_| write_and_sync(home.path(), bytes)).collect::<Result<Vec<_>, _>>()?;
    let proving = (0..runs).map(|_| prove(bytes)).collect::<Result<Vec<_>, _>>()?;
    let qualities = losses.iter().map(|&loss| Some(Quality { loss, delay, seed }));
    let mut paths = Vec::new();
    for quality in std::iter::once(None).chain(qualities) {
        paths.push(on_path(&setup, options, quality)?);
    }
    Ok(Report {
        mode: "files",
        bytes,
        runs,
        delay_ms: delay.as_micros() as f64 / 1e3,
        relay_ceiling_mb_s: ceiling(delay, relay_trial)?,
        disk_mb_s: digits(bytes as f64 / 1e6 / median(disk), 1),
        proving_ms: digits(median(proving) * 1e3, 2),
        paths,
    })
}

/// Measures one path: `None` is loopback without a relay.
fn on_path(setup: &Setup, options: &Options, quality: Option<Quality>) -> Result<OnPath, Error> {
    let dropped = dropped();
    let (mut upload, mut download) = kabar(setup, options, quality)?;
    quic(setup, options, quality, &mut upload, &mut download)?;
    for direction in [&mut upload, &mut download] {
        direction.to_quic = direction.quic_mb_s.and_then(|quic| ratio(direction.kabar_mb_s, quic));
    }
    let path = quality.map_or("loopback".to_owned(), |quality| format!("{} % loss", digits(quality.loss * 100.0, 2)));
    Ok(OnPath { path, upload, download, dropped: self::dropped().saturating_sub(dropped) })
}

fn kabar(setup: &Setup, options: &Options, quality: Option<Quality>) -> Result<(Direction, Direction), Error> {
    let bytes = options.transfer.bytes;
    let server = Server::start(setup, None)?;
    let target = server.target();
    let relay = quality.map(|quality| Path::start(target.server, quality)).transpose()?;
    let address = relay.as_ref().map_or(target.server, Path::address);
    let person = Person::join(target, address, "anna")?;
    let (mut up, mut down, mut start) = (Runs::default(), Runs::default(), Vec::new());
    for run in 0..options.runs {
        let path = person.home().join(format!("file{run}"));
        create(&path, bytes, u64::from(run))?;
        let contents = || time_of_threads(server.process(), CONTENTS);
        let (cpu, of_contents) = (server.cpu_time()?, contents()?);
        let sent = person.send(path.clone())?;
        up.add(sent.whole_s, server.cpu_time()? - cpu);
        up.contents_s += contents()? - of_contents;
        start.push(sent.start_s);
        let body = person.next_file()?;
        let (cpu, of_contents) = (server.cpu_time()?, contents()?);
        down.add(person.get(body)?, server.cpu_time()? - cpu);
        down.contents_s += contents()? - of_contents;
        std::fs::remove_file(&path).map_err(Error::io("remove a file"))?;
    }
    drop((person, relay));
    let direction = |runs: &Runs| Direction {
        kabar_mb_s: rate(bytes, runs),
        kabar_runs: runs.rates(bytes),
        kabar_server_cpu_ms: runs.ms(runs.cpu_s),
        kabar_contents_cpu_ms: runs.ms(runs.contents_s),
        ..Direction::default()
    };
    let upload = Direction { kabar_start_ms: Some(digits(median(start) * 1e3, 1)), ..direction(&up) };
    Ok((upload, direction(&down)))
}

#[cfg(feature = "peers")]
fn quic(
    setup: &Setup,
    options: &Options,
    quality: Option<Quality>,
    upload: &mut Direction,
    download: &mut Direction,
) -> Result<(), Error> {
    use super::quic::{Client, Server};
    let bytes = options.transfer.bytes;
    let server = Server::start(setup, options.quic_window)?;
    let relay = quality.map(|quality| Path::start(server.address, quality)).transpose()?;
    let address = relay.as_ref().map_or(server.address, Path::address);
    let client = Client::connect(&server, address, options.quic_window)?;
    let home = tempfile::tempdir().map_err(Error::io("create a directory"))?;
    let (mut up, mut down) = (Runs::default(), Runs::default());
    for run in 0..options.runs {
        let path = home.path().join("file");
        create(&path, bytes, u64::from(run))?;
        for (runs, is_upload) in [(&mut up, true), (&mut down, false)] {
            let begin = server.cpu_time()?;
            let seconds = if is_upload { client.put(path.clone())? } else { client.get()? };
            runs.add(seconds, server.cpu_time()? - begin);
        }
    }
    for (direction, runs) in [(upload, up), (download, down)] {
        direction.quic_mb_s = Some(rate(bytes, &runs));
        direction.quic_runs = Some(runs.rates(bytes));
        direction.quic_server_cpu_ms = Some(runs.ms(runs.cpu_s));
    }
    Ok(())
}

#[cfg(not(feature = "peers"))]
fn quic(_: &Setup, _: &Options, _: Option<Quality>, _: &mut Direction, _: &mut Direction) -> Result<(), Error> {
    Ok(())
}

/// The median rate in MB/s.
fn rate(bytes: u64, runs: &Runs) -> f64 {
    digits(bytes as f64 / 1e6 / median(runs.seconds.clone()), 2)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Datagrams for which no socket of this computer had space, so far; 0 where that is not known.
fn dropped() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: ")).map(str::split_whitespace);
    let (Some(mut names), Some(mut values)) = (lines.next(), lines.next()) else { return 0 };
    let position = names.position(|name| name == "RcvbufErrors");
    position.and_then(|at| values.nth(at)?.parse().ok()).unwrap_or_default()
}
