//! Runs the simulator: one seed with a trace, or a range of seeds.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use kabar_server::hub::FaultInjection;
use kabar_tests::sim::run::{self, Options, replay_command, run_many};
use kabar_tests::sim::scenario::Theme;

/// Simulates rooms in virtual time and checks the rules of SPEC 7.
#[derive(Debug, Parser)]
struct Arguments {
    /// Run this seed only.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run seeds A..B.
    #[arg(long, value_name = "A..B", value_parser = parse_range, default_value = "0..1000")]
    seeds: std::ops::Range<u64>,
    /// Number of threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Print the events of the run (with --seed).
    #[arg(long)]
    trace: bool,
    /// Keep what devices save in real files of the local history, too.
    #[arg(long)]
    histories: bool,
    /// Inject a known fault into the server.
    #[arg(long, value_enum)]
    fault: Option<Fault>,
    /// Draw every scenario with this theme.
    #[arg(long, value_enum)]
    theme: Option<Theme>,
    /// Stop after this number of violations.
    #[arg(long, default_value_t = 20)]
    most: usize,
}

/// A fault of the server.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Fault {
    DedupByIdentity,
    EntryBeforeCommit,
    StoredBeforeCommit,
    SkipAnEntry,
    AcceptAfterRefusal,
    ForgetPending,
    AcknowledgeUnchecked,
    AnnounceEachSession,
    RenamedBeforeCommit,
    KeepBannedMembers,
    KeepClosedRooms,
    KeepRemovedBodies,
    PostToFirstRoom,
    CountNumbersTogether,
}

impl Arguments {
    fn options(&self) -> Options {
        let mut faults = FaultInjection::default();
        match self.fault {
            None => {}
            Some(Fault::DedupByIdentity) => faults.dedup_by_identity = true,
            Some(Fault::EntryBeforeCommit) => faults.entry_before_commit = true,
            Some(Fault::StoredBeforeCommit) => faults.stored_before_commit = true,
            Some(Fault::SkipAnEntry) => faults.skip_an_entry = true,
            Some(Fault::AcceptAfterRefusal) => faults.accept_after_refusal = true,
            Some(Fault::ForgetPending) => faults.forget_pending = true,
            Some(Fault::AnnounceEachSession) => faults.announce_each_session = true,
            Some(Fault::RenamedBeforeCommit) => faults.renamed_before_commit = true,
            Some(Fault::PostToFirstRoom) => faults.post_to_first_room = true,
            Some(Fault::CountNumbersTogether) => faults.count_numbers_together = true,
            Some(Fault::KeepBannedMembers) => faults.keep_banned_members = true,
            Some(Fault::KeepClosedRooms) => faults.keep_closed_rooms = true,
            Some(Fault::KeepRemovedBodies) => faults.keep_removed_bodies = true,
            Some(Fault::AcknowledgeUnchecked) => faults.acknowledge_unchecked = true,
        }
        Options { trace: self.trace, theme: self.theme, has_histories: self.histories, faults }
    }
}

fn parse_range(text: &str) -> Result<std::ops::Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("expected A..B")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a number"));
    Ok(number(from)?..number(to)?)
}

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => one(seed, arguments.options()),
        None => many(&arguments),
    }
}

fn one(seed: u64, options: Options) -> std::process::ExitCode {
    if options.trace {
        println!("{:#?}", options.scenario(seed));
    }
    let (began, cpu) = (Instant::now(), cpu_us());
    println!("{}", options.scenario(seed).summary());
    let outcome = run::run(seed, options);
    print!("{}", outcome.coverage);
    println!(
        "seed {seed}: {} s of virtual time in {} ms ({} ms CPU), hash {:016x}",
        outcome.ended.as_micros() / 1_000_000,
        began.elapsed().as_millis(),
        cpu_us().saturating_sub(cpu) / 1_000,
        outcome.hash
    );
    match outcome.violation {
        None => std::process::ExitCode::SUCCESS,
        Some(violation) => {
            println!("seed {seed} violates {violation}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn many(arguments: &Arguments) -> std::process::ExitCode {
    let began = Instant::now();
    let cpu = AtomicU64::new(0);
    let slowest = std::sync::Mutex::new((0, 0));
    let options = Options { trace: false, ..arguments.options() };
    let summary = run_many(arguments.seeds.clone(), arguments.jobs, options, arguments.most, |outcome| {
        // The CPU time of this thread since its last outcome.
        thread_local!(static LAST: std::cell::Cell<u64> = const { std::cell::Cell::new(0) });
        let now = cpu_us();
        let spent = now.saturating_sub(LAST.replace(now));
        cpu.fetch_add(spent, Ordering::Relaxed);
        if let Ok(mut slowest) = slowest.lock() {
            *slowest = (*slowest).max((spent, outcome.seed));
        }
        if let Some(violation) = &outcome.violation {
            println!("seed {} violates {violation}\n  {}", outcome.seed, replay_command(outcome.seed, options.theme));
            println!("  {}", options.scenario(outcome.seed).summary());
            let _ = std::io::stdout().flush();
        }
    });
    print!("{}", summary.coverage);
    println!("never happened: {:?}", summary.coverage.missing());
    let (most_us, slowest) = slowest.into_inner().unwrap_or_default();
    println!(
        "{} seeds in {} s, {:.1} ms CPU per seed, {} ms in seed {slowest}; {} violations",
        summary.seeds,
        began.elapsed().as_secs(),
        cpu.into_inner() as f64 / 1_000.0 / summary.seeds.max(1) as f64,
        most_us / 1_000,
        summary.violations.len()
    );
    if summary.violations.is_empty() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

/// CPU time of this thread in us; 0 if the system does not report it.
fn cpu_us() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0) / 1_000
}
