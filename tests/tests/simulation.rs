//! The promise of the project (SPEC 7) held against thousands of seeded runs, and the simulator
//! held against known faults.

use std::fmt::Write as _;

use kabar_server::hub::FaultInjection;
use kabar_tests::sim::coverage::{Coverage, Seen};
use kabar_tests::sim::model::{Rule, Violation};
use kabar_tests::sim::run::{Options, replay_command, run, run_many};
use kabar_tests::sim::scenario::Theme;

const THREADS: usize = 2;
/// Runs of the ordinary gate; `KABAR_SIM_SEEDS` overrides it.
const SEEDS: u64 = 2_000;
/// A known fault has to show within so many seeds.
const SEEDS_PER_FAULT: u64 = 300;

#[test]
fn seeds_hold_the_guarantee() {
    let seeds = std::env::var("KABAR_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let summary = run_many(0..seeds, THREADS, Options::default(), 20, |_| {});
    let mut report = String::new();
    for (seed, violation) in &summary.violations {
        let _ = writeln!(report, "seed {seed} violates {violation}\n  {}", replay_command(*seed));
    }
    assert!(summary.violations.is_empty(), "\n{report}");
    assert_eq!(summary.seeds, seeds);
    if seeds >= SEEDS {
        assert_nothing_is_missing(&summary.coverage, seeds);
    }
}

/// A run in which nothing went wrong proves nothing.
fn assert_nothing_is_missing(coverage: &Coverage, seeds: u64) {
    println!("{coverage}");
    assert!(coverage.missing().is_empty(), "never happened: {:?}", coverage.missing());
    let wanted = [
        (Seen::Quiet, 1.0),
        (Seen::Posted, 10.0),
        (Seen::Stored, 5.0),
        (Seen::Delivered, 50.0),
        (Seen::Joined, 2.0),
        (Seen::Resumed, 0.3),
        (Seen::Reset, 0.01),
        (Seen::ServerKilled, 0.3),
        (Seen::ClientKilled, 0.2),
        (Seen::Retransmitted, 10.0),
        (Seen::Compared, 5.0),
    ];
    for (seen, per_seed) in wanted {
        let often = coverage.of(seen);
        assert!(often as f64 >= per_seed * seeds as f64, "{seen:?} happened only {often} times in {seeds} runs");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..40 {
        let (one, two) = (run(seed, Options::default()), run(seed, Options::default()));
        assert_eq!((one.hash, one.ended), (two.hash, two.ended), "seed {seed}");
        assert_eq!(one.coverage.to_string(), two.coverage.to_string(), "seed {seed}");
    }
}

/// Runs seeds with a fault until it shows.
fn caught(faults: FaultInjection, theme: Option<Theme>, seeds: u64) -> Violation {
    let options = Options { faults, theme, ..Options::default() };
    let summary = run_many(0..seeds, THREADS, options, 1, |_| {});
    assert!(!summary.violations.is_empty(), "{faults:?} was not noticed in {seeds} seeds");
    println!("{faults:?}: {} after {} seeds", summary.violations[0].1, summary.seeds);
    summary.violations[0].1.clone()
}

fn assert_caught_as(faults: FaultInjection, rules: &[Rule]) {
    let violation = caught(faults, None, SEEDS_PER_FAULT);
    assert!(rules.contains(&violation.rule), "{faults:?} was noticed as {violation}");
}

#[test]
fn catches_deduplication_by_identity() {
    // Some runs end earlier, with a client that waits for numbers that are never taken.
    let faults = FaultInjection { dedup_by_identity: true, ..FaultInjection::default() };
    let summary = run_many(0..SEEDS_PER_FAULT, THREADS, Options { faults, ..Options::default() }, 20, |_| {});
    let rules: Vec<Rule> = summary.violations.iter().map(|(_, violation)| violation.rule).collect();
    assert!(rules.iter().any(|rule| [Rule::S1, Rule::S2, Rule::S3].contains(rule)), "noticed as {rules:?}");
}

#[test]
fn catches_entries_sent_before_their_commit() {
    assert_caught_as(FaultInjection { entry_before_commit: true, ..FaultInjection::default() }, &[Rule::S4, Rule::S5]);
}

#[test]
fn catches_stored_said_before_the_commit() {
    assert_caught_as(FaultInjection { stored_before_commit: true, ..FaultInjection::default() }, &[Rule::S2]);
}

#[test]
fn catches_an_entry_passed_over() {
    // The client notices it first and never accepts the gap: it cannot get further.
    assert_caught_as(FaultInjection { skip_an_entry: true, ..FaultInjection::default() }, &[Rule::S4, Rule::Liveness]);
}

#[test]
fn catches_a_post_taken_twice_while_it_waits_for_its_commit() {
    // It takes a disk that hangs and a datagram that is late by as much.
    caught(FaultInjection { forget_pending: true, ..FaultInjection::default() }, Some(Theme::Disk), 1_500);
}

#[test]
fn catches_posts_taken_after_a_refusal() {
    assert_caught_as(
        FaultInjection { accept_after_refusal: true, ..FaultInjection::default() },
        &[Rule::S2, Rule::S3, Rule::Liveness],
    );
}

#[test]
fn catches_packets_acknowledged_before_it_is_known_whether_they_fit() {
    // What was acknowledged never comes again: the connection stands still.
    assert_caught_as(FaultInjection { acknowledge_unchecked: true, ..FaultInjection::default() }, &[Rule::Liveness]);
}
