//! Measures a real server with real clients on this computer and prints one JSON object.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use kabar_core::chat::MAX_TEXT_LEN;
use kabar_core::crypto::rsa::KeySize;
use kabar_core::time::Duration;
use kabar_tests::bench::room::Rate;
use kabar_tests::bench::{Error, Setup, baseline, files, handshake, idle, reconnect, room, rooms, screen, work};
use kabar_tests::relay::faults::Chance;
use serde::Serialize;

/// Measures a `kabar-server` process with real clients over loopback. Prints one JSON object; each
/// figure is followed by the cost of the same work without cryptography, measured in the same run.
#[derive(Debug, Parser)]
#[command(name = "kabar-bench", version)]
struct Arguments {
    /// Path of the server program [default: kabar-server in the directory of this program].
    #[arg(long, value_name = "PATH", global = true)]
    server: Option<PathBuf>,
    /// An additional argument for the server, as --server-arg=--metrics; may be repeated.
    #[arg(long, value_name = "ARG", global = true, allow_hyphen_values = true)]
    server_arg: Vec<String>,
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Messages: deliveries per second, one-way latency, the server's processor time.
    Room(Room),
    /// Many small rooms: memory per member and processor time per post, beside one room.
    Rooms(Rooms),
    /// Full handshakes and joins per second, and the server's processor time for each.
    Handshake(Handshake),
    /// The server's memory per member that sends nothing.
    Idle(Members),
    /// Kills the server with all members in the room, starts it again, and waits until all have
    /// rejoined.
    Return(Return),
    /// The most work that one datagram can cause, for each message and packet, relative to a
    /// datagram of ordinary posts.
    Work(Work),
    /// The full screen of the client: its start with a long local history, and its delays.
    Screen(Screen),
    /// Files: the rate of uploads and downloads over loopback and over a path that delays and
    /// loses; with the feature `peers`, beside the same over QUIC.
    Files(Files),
    /// Forwards datagrams unchanged, for the baseline of other modes.
    #[command(hide = true)]
    BaselineForward,
    /// Serves files over QUIC, for comparison.
    #[cfg(feature = "peers")]
    #[command(hide = true)]
    PeerQuic {
        #[arg(long)]
        window: Option<u32>,
    },
}

#[derive(Debug, Args)]
struct Room {
    /// Number of members, posters included.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..=50_000))]
    members: u32,
    /// Bytes per post.
    #[arg(long, value_name = "B", default_value_t = 200, value_parser = clap::value_parser!(u32).range(room::MIN_PAYLOAD as i64..=MAX_TEXT_LEN as i64))]
    payload: u32,
    /// Posts per second, or `max`, or `lockstep`: the next post when all members have the one
    /// before.
    #[arg(long, value_name = "R", default_value = "100")]
    rate: Rate,
    /// Seconds during which members post.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,
    /// Members who post, in turn.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    posters: u32,
    /// With --rate max: the most posts that are not delivered to all members yet.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    window: u32,
}

#[derive(Debug, Args)]
struct Rooms {
    /// Number of rooms.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rooms: u32,
    /// Members of each room.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..=100))]
    members: u32,
    /// Posts, in one room after the other.
    #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    posts: u32,
}

#[derive(Debug, Args)]
struct Handshake {
    /// Seconds during which members start to join.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,
    /// Length of the server's key.
    #[arg(long, value_name = "BITS", value_parser = key_bits)]
    key_bits: Option<KeySize>,
    /// Members joining at the same time.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    at_once: u32,
}

#[derive(Debug, Args)]
struct Members {
    /// Number of members.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    members: u32,
    /// Members joining at the same time at first; if these are more than the server admits at once
    /// from one address, some are refused for a while.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    at_once: u32,
}

#[derive(Debug, Args)]
struct Return {
    #[command(flatten)]
    members: Members,
    /// Idle timeout that members state, in seconds; each member detects the restart within a third
    /// of it.
    #[arg(long, value_name = "S", default_value_t = kabar_client::profile::IDLE_S, value_parser = clap::value_parser!(u16).range(10..=3_600))]
    idle_timeout: u16,
}

#[derive(Debug, Args)]
struct Work {
    /// Number of times that each case is measured; the fastest counts.
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    repeat: u32,
    /// Number of entries in the log.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    entries: u64,
    /// Number of other members in the room.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    members: u32,
}

#[derive(Debug, Args)]
struct Screen {
    /// Entries of the local history.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    entries: u64,
    /// Number of starts; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    starts: u32,
    /// Lines per second that are received.
    #[arg(long, value_name = "R", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Seconds during which lines are received and typed.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,
}

#[derive(Debug, Args)]
struct Files {
    /// Lines on the connection of a transfer, instead: their delay with and without it.
    #[arg(long, conflicts_with = "memory")]
    chat: bool,
    /// The server's memory per transfer, instead.
    #[arg(long)]
    memory: bool,
    /// MiB of a file.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4_096))]
    mib: u64,
    /// Parts of the datagrams that are lost in each direction; a measurement for each.
    #[arg(long, value_name = "P,P", value_delimiter = ',', default_value = "0,0.01,0.05,0.1")]
    losses: Vec<Chance>,
    /// Transit time in ms in each direction.
    #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=1_000))]
    delay: u64,
    /// Transfers in each direction; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
    /// Seed of the losses.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long in ms each rate is tried to find out how much the relay itself passes on; 0: it is
    /// not measured.
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    relay_trial: u64,
    /// Windows of a QUIC stream in MiB, instead of quinn's own (1.25 MB to receive).
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=256))]
    quic_window: Option<u32>,
    /// With --memory: transfers at once; a measurement for each.
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1,8,32")]
    at_once: Vec<u32>,
    /// With --chat: lines per second.
    #[arg(long, value_name = "R", default_value_t = 100.0)]
    rate: f64,
    /// With --chat: seconds during which lines are posted.
    #[arg(long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0.1..=3_600.0).contains(seconds))
        .ok_or_else(|| "expected 0.1 to 3600".to_owned())
}

fn key_bits(text: &str) -> Result<KeySize, String> {
    let size = text
        .parse()
        .ok()
        .and_then(|bits: usize| KeySize::from_modulus_len(bits / 8).filter(|_| bits.is_multiple_of(8)));
    size.ok_or_else(|| "expected 2048, 3072 or 4096".to_owned())
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    if let Mode::Room(Room { members, posters, .. }) = &arguments.mode
        && posters > members
    {
        eprintln!("kabar-bench: there are more --posters than --members");
        return ExitCode::from(2);
    }
    match measure(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kabar-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the error in one line, or the help or version that was requested.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let what = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let what = what
        .strip_prefix("error: ")
        .unwrap_or("a mode is missing: room, rooms, handshake, idle, return, work, screen or files");
    eprintln!("kabar-bench: {}; see --help", what.trim_end_matches(':'));
    ExitCode::from(2)
}

fn measure(arguments: Arguments) -> Result<(), Error> {
    if matches!(arguments.mode, Mode::BaselineForward) {
        return baseline::forward();
    }
    #[cfg(feature = "peers")]
    if let Mode::PeerQuic { window } = arguments.mode {
        return files::quic::serve(window);
    }
    if let Mode::Work(Work { repeat, entries, members }) = arguments.mode {
        print(&work::run(work::Options { repeat: repeat as usize, entries, members: members as usize })?);
        return Ok(());
    }
    let setup = Setup::new(arguments.server, arguments.server_arg)?;
    match arguments.mode {
        Mode::Room(Room { members, payload, rate, seconds, posters, window }) => {
            let (members, payload) = (members as usize, payload as usize);
            let (posters, window) = (posters as usize, window as usize);
            print(&room::run(&setup, room::Options { members, payload, rate, seconds, posters, window })?);
        }
        Mode::Rooms(Rooms { rooms, members, posts }) => {
            let (rooms, members, posts) = (rooms as usize, members as usize, posts as usize);
            print(&rooms::run(&setup, rooms::Options { rooms, members, posts })?);
        }
        Mode::Handshake(Handshake { seconds, key_bits, at_once }) => {
            print(&handshake::run(&setup, handshake::Options { seconds, key_bits, at_once: at_once as usize })?);
        }
        Mode::Idle(Members { members, at_once }) => {
            print(&idle::run(&setup, idle::Options { members: members as usize, at_once: at_once as usize })?);
        }
        Mode::Return(Return { members: Members { members, at_once }, idle_timeout: idle_s }) => {
            let (members, at_once) = (members as usize, at_once as usize);
            print(&reconnect::run(&setup, reconnect::Options { members, at_once, idle_s })?);
        }
        Mode::Screen(Screen { entries, starts, rate, seconds }) => {
            let starts = starts as usize;
            print(&screen::run(&setup, screen::Options { entries, starts, rate, seconds })?);
        }
        Mode::Files(options) => files(&setup, options)?,
        #[cfg(feature = "peers")]
        Mode::PeerQuic { .. } => {}
        Mode::Work(_) | Mode::BaselineForward => {}
    }
    Ok(())
}

fn files(setup: &Setup, options: Files) -> Result<(), Error> {
    let Files { chat, memory, mib, losses, delay, runs, seed, relay_trial, quic_window, at_once, rate, seconds } =
        options;
    let transfer = files::Transfer { bytes: mib << 20, delay: Duration::from_millis(delay), seed };
    if chat {
        print(&files::chat::run(setup, files::chat::Options { transfer, rate, seconds })?);
    } else if memory {
        print(&files::memory::run(setup, &files::memory::Options { transfer, at_once })?);
    } else {
        let losses = losses.into_iter().map(Chance::share).collect();
        let relay_trial = std::time::Duration::from_millis(relay_trial);
        let quic_window = quic_window.map(|mib| mib << 20);
        print(&files::speed::run(setup, &files::speed::Options { transfer, losses, runs, relay_trial, quic_window })?);
    }
    Ok(())
}

fn print(report: &impl Serialize) {
    match serde_json::to_string_pretty(report) {
        // The reader of the output may be gone.
        Ok(text) => {
            let _ = writeln!(std::io::stdout(), "{text}");
        }
        Err(error) => eprintln!("kabar-bench: {error}"),
    }
}
