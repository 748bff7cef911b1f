//! Runs one seed, or many on several threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum as _;
use kabar_core::time::Instant;
use kabar_server::hub::FaultInjection;

use super::coverage::Coverage;
use super::model::{Rule, Violation};
use super::scenario::{Scenario, Theme};
use super::world::World;

/// Options of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Prints the trace.
    pub trace: bool,
    /// Draws every scenario with this theme.
    pub theme: Option<Theme>,
    /// Keeps what devices save in real files, too.
    pub has_histories: bool,
    /// Faults to inject into the server.
    pub faults: FaultInjection,
}

impl Options {
    /// The scenario of `seed`.
    #[must_use]
    pub fn scenario(&self, seed: u64) -> Scenario {
        let mut scenario = self.theme.map_or_else(|| Scenario::of(seed), |theme| Scenario::about(theme, seed));
        scenario.faults = self.faults;
        scenario
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The rule that was violated, if one was.
    pub violation: Option<Violation>,
    /// Counts of the events in the run.
    pub coverage: Coverage,
    /// Equal runs have equal hashes.
    pub hash: u64,
    /// Virtual time at the end.
    pub ended: Instant,
}

/// The command that shows a failing seed again.
#[must_use]
pub fn replay_command(seed: u64, theme: Option<Theme>) -> String {
    let theme = theme.and_then(|theme| theme.to_possible_value());
    let theme = theme.map_or_else(String::new, |theme| format!(" --theme {}", theme.get_name()));
    format!("cargo run --release -p kabar-tests --bin kabar-sim -- --seed {seed}{theme} --trace")
}

/// Runs one seed. A panic of the code under test is a violation.
#[must_use]
pub fn run(seed: u64, options: Options) -> Outcome {
    let mut world = World::new(options.scenario(seed), options.trace, options.has_histories);
    let violation = match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(result) => result.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
            Some(Violation::new(Rule::Contract, format!("panic: {text}")))
        }
    };
    let (coverage, hash, ended) = world.finish();
    Outcome { seed, violation, coverage, hash, ended }
}

/// The results of many runs.
#[derive(Debug, Default)]
pub struct Summary {
    /// Number of runs.
    pub seeds: u64,
    /// Counts of the events in all runs together.
    pub coverage: Coverage,
    /// Violations by seed.
    pub violations: Vec<(u64, Violation)>,
}

/// Runs `seeds` on `threads` threads and calls `each` with every outcome. Stops after
/// `max_violations`.
pub fn run_many(
    seeds: std::ops::Range<u64>,
    threads: usize,
    options: Options,
    max_violations: usize,
    each: impl Fn(&Outcome) + Sync,
) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let summary = Mutex::new(Summary::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let outcome = run(seed, options);
            each(&outcome);
            let Ok(mut summary) = summary.lock() else { return };
            summary.seeds += 1;
            summary.coverage.merge(&outcome.coverage);
            if let Some(violation) = outcome.violation {
                summary.violations.push((seed, violation));
            }
            if summary.violations.len() >= max_violations {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    let mut summary = summary.into_inner().unwrap_or_default();
    summary.violations.sort_by_key(|(seed, _)| *seed);
    summary
}
