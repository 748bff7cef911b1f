//! The full screen of `kabar` on a pseudo-terminal: how fast it starts with a long local history,
//! and how fast it displays what is received and typed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use kabar_client::history::{Attention, Batch, Beginning, MAX_BATCH, NewEntry, Place, Writer};
use kabar_client::identity::{IdentityChoice, LocalIdentity};
use kabar_client::known_servers::{JoinedRoom, KnownServers};
use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::{Invite, RoomName, RoomSecret};
use kabar_std::text::Content;
use serde::Serialize;

use super::latency::{Latencies, Percentiles};
use super::server::Server;
use super::usage::resident;
use super::{Error, Setup, digits};
use crate::terminal::Terminal;

/// How often a line is written.
const TICK: Duration = Duration::from_millis(10);
/// Time between two typed letters.
const TYPING: Duration = Duration::from_millis(50);
/// Letters in a row of the input.
const LETTERS: usize = 60;
/// An address at which no server is.
const NOWHERE: &str = "127.0.0.1:1";

/// Parameters.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Entries of the local history.
    pub entries: u64,
    /// Number of starts; the median counts.
    pub starts: usize,
    /// Lines per second.
    pub rate: u32,
    /// Seconds during which lines are received and typed.
    pub seconds: f64,
}

/// Results.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Report {
    mode: &'static str,
    entries: u64,
    /// Time from the start of the process until the last entry is on the screen, in ms.
    cold_start_ms: f64,
    /// The same for `sqlite3`, until it has printed the last entries; `None`: it is not installed.
    baseline_sqlite3_ms: Option<f64>,
    /// Resident memory after the start.
    resident_kib: u64,
    lines_per_s: u32,
    /// From writing a line to the standard input of another client until it is on the screen.
    line: Percentiles,
    /// From pressing a key until the letter is on the screen, meanwhile.
    echo: Percentiles,
    /// Resident memory at the end.
    resident_after_kib: u64,
}

/// Runs the measurement.
///
/// # Errors
/// [`Error`].
pub fn run(setup: &Setup, options: Options) -> Result<Report, Error> {
    let Options { entries, starts, rate, seconds } = options;
    let client = setup.this.with_file_name(format!("kabar{}", std::env::consts::EXE_SUFFIX));
    if !client.is_file() {
        return Err(Error::new(format!("there is no {}: build it with the same profile", client.display())));
    }
    let home = tempfile::tempdir().map_err(Error::io("create a directory"))?;
    let file = fill(home.path(), entries)?;
    let mut cold = Vec::new();
    let mut resident_kib = 0;
    for _ in 0..starts {
        let begin = Instant::now();
        let terminal = start(&client, home.path(), &[]);
        terminal.until("the last entry", |screen| screen.contains(&format!("text {entries}.")));
        cold.push(begin.elapsed());
        resident_kib = resident(terminal.process())? / 1024;
    }
    let baseline = (0..starts).map(|_| sqlite3(&file)).collect::<Option<Vec<_>>>();

    let mut server_setup = setup.clone();
    server_setup.server_arguments.extend(["--post-rate".to_owned(), "off".to_owned()]);
    let server = Server::start(&server_setup, None)?;
    let target = server.target();
    let invite = Invite {
        places: Places::one(target.server.into()),
        room: RoomName::default(),
        fingerprint: target.fingerprint,
        secret: RoomSecret::new(target.secret),
    };
    let invite = invite.to_string();
    let mut terminal = start(&client, &home.path().join("anna"), &["join", &invite, "--name", "anna"]);
    terminal.expect("anna joined");
    let poster = Poster::start(&client, &home.path().join("bob"), &invite)?;
    terminal.expect("bob joined");
    let (line, echo) = measure(&mut terminal, poster, rate, Duration::from_secs_f64(seconds))?;
    Ok(Report {
        mode: "screen",
        entries,
        cold_start_ms: median(cold),
        baseline_sqlite3_ms: baseline.map(median),
        resident_kib,
        lines_per_s: rate,
        line: line.percentiles(),
        echo: echo.percentiles(),
        resident_after_kib: resident(terminal.process())? / 1024,
    })
}

fn start(client: &Path, home: &Path, arguments: &[&str]) -> Terminal {
    let data = home.join("data");
    let data = data.display().to_string();
    Terminal::run(client, home, &[arguments, &["--data-dir", &data]].concat())
}

/// Makes a local history. Returns its file.
fn fill(home: &Path, entries: u64) -> Result<PathBuf, Error> {
    let failed = |what: &str, error: &dyn std::fmt::Display| Error::new(format!("cannot {what}: {error}"));
    let dir = DataDir::open(&home.join("data")).map_err(|error| failed("open a directory", &error))?;
    let identity =
        LocalIdentity::open(&dir, IdentityChoice::default()).map_err(|error| failed("make an identity", &error))?;
    let (mut writer, _) =
        Writer::open(&dir, &identity.key.fingerprint()).map_err(|error| failed("open a history", &error))?;
    let (server, room, term) = (Fingerprint([7; 20]), RoomName::default(), Term([1; 8]));
    let write = |error: &dyn std::fmt::Display| failed("write a history", error);
    let row = writer.room(&server, room.as_str()).map_err(|error| write(&error))?;
    let beginning = Beginning { start: 0, term, is_reset: false };
    let log = writer.begin(row, None, beginning).map_err(|error| write(&error))?.log;
    let seqs: Vec<u64> = (1..=entries).collect();
    for seqs in seqs.chunks(MAX_BATCH) {
        let texts: Vec<_> = seqs.iter().map(|seq| format!("something that a member wrote, text {seq}.")).collect();
        let entries: Vec<_> = seqs
            .iter()
            .zip(&texts)
            .map(|(&seq, text)| {
                let (time_ms, kind) = (1_700_000_000_000 + seq * 1000, EntryKind::TEXT);
                let header = EntryHeader { seq, time_ms, author: "bob", instance: 1, number: seq, kind };
                NewEntry { header, content: Content::Body(text.as_bytes()), attention: Attention::Unread }
            })
            .collect();
        writer.append(&[Batch { log, term, entries: &entries }]).map_err(|error| write(&error))?;
    }
    writer.mark_read(row, Place { log, seq: entries }).map_err(|error| write(&error))?;
    while writer.maintain().map_err(|error| write(&error))? {}
    let places: Places = NOWHERE.parse().map_err(|error| failed("parse an address", &error))?;
    let joined = JoinedRoom {
        places: &places,
        fingerprint: &server,
        room: &room,
        name: Some(&identity.name),
        secret: None,
        is_first: true,
    };
    KnownServers::remember(&dir, &joined).map_err(|error| failed("remember a server", &error))?;
    Ok(writer.path().to_path_buf())
}

/// The time in which `sqlite3` opens the file and prints the last entries.
fn sqlite3(file: &Path) -> Option<Duration> {
    let begin = Instant::now();
    let query = "SELECT * FROM entries ORDER BY log DESC, seq DESC LIMIT 100";
    let done = Command::new("sqlite3").arg(file).arg(query).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success()).then(|| begin.elapsed())
}

/// A client that posts what is written to it.
struct Poster(Child);

impl Poster {
    fn start(client: &Path, home: &Path, invite: &str) -> Result<Self, Error> {
        let mut command = Command::new(client);
        command.args(["join", invite, "--name", "bob", "--data-dir"]).arg(home.join("data"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().map(Self).map_err(Error::io("start a client"))
    }

    fn post(&mut self, lines: u32) -> Result<(), Error> {
        let Some(input) = &mut self.0.stdin else { return Ok(()) };
        let text: String = (0..lines).map(|_| format!("time {}.\n", now_us())).collect();
        input.write_all(text.as_bytes()).map_err(Error::io("post a line"))
    }
}

impl Drop for Poster {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Posts lines and types letters, and measures when they are on the screen.
fn measure(
    terminal: &mut Terminal,
    mut poster: Poster,
    rate: u32,
    time: Duration,
) -> Result<(Latencies, Latencies), Error> {
    let (mut lines, mut echoes) = (Latencies::default(), Latencies::default());
    let posting = std::thread::spawn(move || {
        let begin = Instant::now();
        let mut posted = 0;
        while begin.elapsed() < time {
            let due = (begin.elapsed().as_secs_f64() * f64::from(rate)) as u32;
            poster.post(due.saturating_sub(posted))?;
            posted = due.max(posted);
            std::thread::sleep(TICK);
        }
        std::thread::sleep(Duration::from_secs(1));
        Ok::<_, Error>(())
    });
    let (mut last, mut typed, mut pressed): (u64, usize, Option<Instant>) = (0, 0, None);
    let mut next = Instant::now();
    while !posting.is_finished() {
        if pressed.is_none() && Instant::now() >= next {
            if typed == LETTERS {
                // Ctrl-U
                terminal.press("\x15");
                typed = 0;
            }
            terminal.press("x");
            (typed, pressed, next) = (typed + 1, Some(Instant::now()), Instant::now() + TYPING);
        }
        let screen = terminal.wait_for_change(TICK);
        let newest = screen.rmatch_indices("time ").find_map(|(at, word)| {
            screen[at + word.len()..].split_once('.').and_then(|(time, _)| time.parse::<u64>().ok())
        });
        if let Some(newest) = newest.filter(|newest| *newest > last) {
            last = newest;
            lines.push(now_us().saturating_sub(newest));
        }
        let input = screen.lines().next_back().unwrap_or_default();
        if input.trim_end().ends_with(&format!("] {}", "x".repeat(typed)))
            && let Some(since) = pressed.take()
        {
            echoes.push(u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
    }
    posting.join().map_err(|_| Error::new("the poster failed"))??;
    Ok((lines, echoes))
}

fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The median in ms.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    digits(times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1_000.0), 1)
}
