//! Runs seeds: one, or many on several threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use kabar_core::time::Instant;
use kabar_server::hub::FaultInjection;

use super::coverage::Coverage;
use super::model::{Rule, Violation};
use super::scenario::{Scenario, Theme};
use super::world::World;

/// How to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Print what happens.
    pub trace: bool,
    /// Let all seeds be about this.
    pub theme: Option<Theme>,
    /// Faults of the server.
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

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Which seed.
    pub seed: u64,
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
    /// What the run went through.
    pub coverage: Coverage,
    /// Equal runs have equal hashes.
    pub hash: u64,
    /// Virtual time that passed.
    pub ended: Instant,
}

/// How to see a failing seed again.
#[must_use]
pub fn replay_command(seed: u64) -> String {
    format!("cargo run --release -p kabar-tests --bin kabar-sim -- --seed {seed} --trace")
}

/// Runs one seed. A panic of what is tested is a violation.
#[must_use]
pub fn run(seed: u64, options: Options) -> Outcome {
    let mut world = World::new(options.scenario(seed), options.trace);
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

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Summary {
    /// Runs.
    pub seeds: u64,
    /// What they went through together.
    pub coverage: Coverage,
    /// Those that broke a promise, by seed.
    pub violations: Vec<(u64, Violation)>,
}

/// Runs `seeds` on `threads` threads; `each` hears of every outcome. Stops early after `most`
/// violations.
pub fn run_many(
    seeds: std::ops::Range<u64>,
    threads: usize,
    options: Options,
    most: usize,
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
            if summary.violations.len() >= most {
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
