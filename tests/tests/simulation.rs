//! The guarantee (SPEC 7) is checked in thousands of seeded runs, and the simulator is checked with
//! known faults.

use std::fmt::Write as _;

use kabar_server::hub::FaultInjection;
use kabar_tests::sim::coverage::{Coverage, Seen};
use kabar_tests::sim::model::{Rule, Violation};
use kabar_tests::sim::run::{Options, replay_command, run, run_many};
use kabar_tests::sim::scenario::Theme;

const THREADS: usize = 2;
/// Seeds of a normal run; `KABAR_SIM_SEEDS` overrides it.
const SEEDS: u64 = 2_000;
/// Seeds with real files.
const SEEDS_WITH_HISTORIES: u64 = 40;
/// Seeds in which an older log is restored.
const SEEDS_WITH_RESETS: [u64; 2] = [5_478, 30_554];
/// A known fault must be detected within this number of seeds.
const SEEDS_PER_FAULT: u64 = 300;

#[test]
fn the_guarantee_holds_for_all_seeds() {
    let seeds = std::env::var("KABAR_SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let summary = run_many(0..seeds, THREADS, Options::default(), 20, |_| {});
    let mut report = String::new();
    for (seed, violation) in &summary.violations {
        let drawn = Options::default().scenario(*seed).summary();
        let _ = writeln!(report, "seed {seed} ({drawn}) violates {violation}\n  {}", replay_command(*seed, None));
    }
    assert!(summary.violations.is_empty(), "\n{report}");
    assert_eq!(summary.seeds, seeds);
    if seeds >= SEEDS {
        assert_nothing_is_missing(&summary.coverage, seeds);
    }
}

#[test]
fn a_local_history_agrees_with_the_model_through_kills() {
    let options = Options { has_histories: true, ..Options::default() };
    let mut summary = run_many(0..SEEDS_WITH_HISTORIES, THREADS, options, 1, |_| {});
    for seed in SEEDS_WITH_RESETS {
        let outcome = run(seed, options);
        summary.coverage.merge(&outcome.coverage);
        summary.violations.extend(outcome.violation.map(|violation| (seed, violation)));
    }
    assert!(summary.violations.is_empty(), "{:?}", summary.violations);
    let happened = [Seen::ClientKilled, Seen::StoreKept, Seen::StoreRolledBack, Seen::Reset];
    let happened = happened.map(|seen| summary.coverage.of(seen));
    assert!(happened.iter().all(|times| *times > 0), "{happened:?}");
}

/// A run in which nothing went wrong proves nothing.
fn assert_nothing_is_missing(coverage: &Coverage, seeds: u64) {
    println!("{coverage}");
    assert!(coverage.missing().is_empty(), "never happened: {:?}", coverage.missing());
    let required = [
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
    for (seen, per_seed) in required {
        let times = coverage.of(seen);
        assert!(times as f64 >= per_seed * seeds as f64, "{seen:?} happened only {times} times in {seeds} runs");
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

/// Runs seeds with a fault until a rule is violated.
fn detect(faults: FaultInjection, theme: Option<Theme>, seeds: u64) -> Violation {
    let options = Options { faults, theme, ..Options::default() };
    let summary = run_many(0..seeds, THREADS, options, 1, |_| {});
    assert!(!summary.violations.is_empty(), "{faults:?} was not detected in {seeds} seeds");
    println!("{faults:?}: {} after {} seeds", summary.violations[0].1, summary.seeds);
    summary.violations[0].1.clone()
}

fn assert_detected_as(faults: FaultInjection, rules: &[Rule]) {
    let violation = detect(faults, None, SEEDS_PER_FAULT);
    assert!(rules.contains(&violation.rule), "{faults:?} was detected as {violation}");
}

#[test]
fn catches_deduplication_by_identity() {
    // Some runs end earlier, with a client that waits for posts that are never accepted.
    let faults = FaultInjection { dedup_by_identity: true, ..FaultInjection::default() };
    let summary = run_many(0..SEEDS_PER_FAULT, THREADS, Options { faults, ..Options::default() }, 20, |_| {});
    let rules: Vec<Rule> = summary.violations.iter().map(|(_, violation)| violation.rule).collect();
    assert!(rules.iter().any(|rule| [Rule::S1, Rule::S2, Rule::S3].contains(rule)), "detected as {rules:?}");
}

#[test]
fn catches_entries_sent_before_their_commit() {
    assert_detected_as(
        FaultInjection { entry_before_commit: true, ..FaultInjection::default() },
        &[Rule::S4, Rule::S5],
    );
}

#[test]
fn catches_stored_sent_before_the_commit() {
    assert_detected_as(FaultInjection { stored_before_commit: true, ..FaultInjection::default() }, &[Rule::S2]);
}

#[test]
fn catches_a_skipped_entry() {
    // The client detects it first and never accepts the gap, so it makes no more progress: time
    // runs out or, with several clients that connect again and again, the number of events.
    assert_detected_as(
        FaultInjection { skip_an_entry: true, ..FaultInjection::default() },
        &[Rule::S4, Rule::Liveness, Rule::Contract],
    );
}

#[test]
fn catches_a_post_accepted_twice_while_it_waits_for_its_commit() {
    // It takes a disk that hangs and a datagram that is equally late.
    detect(FaultInjection { forget_pending: true, ..FaultInjection::default() }, Some(Theme::Disk), 1_500);
}

#[test]
fn catches_posts_accepted_after_a_refusal() {
    assert_detected_as(
        FaultInjection { accept_after_refusal: true, ..FaultInjection::default() },
        &[Rule::S2, Rule::S3, Rule::Liveness],
    );
}

#[test]
fn catches_joined_written_for_each_session() {
    let faults = FaultInjection { announce_each_session: true, ..FaultInjection::default() };
    let violation = detect(faults, Some(Theme::Twins), SEEDS_PER_FAULT);
    assert_eq!(violation.rule, Rule::Names, "{violation}");
}

#[test]
fn catches_a_rename_answered_before_its_commit() {
    assert_detected_as(FaultInjection { renamed_before_commit: true, ..FaultInjection::default() }, &[Rule::Names]);
}

#[test]
fn catches_a_banned_identity_that_posts() {
    let faults = FaultInjection { keep_banned_members: true, ..FaultInjection::default() };
    let violation = detect(faults, Some(Theme::People), SEEDS_PER_FAULT);
    assert_eq!(violation.rule, Rule::Sanction, "{violation}");
}

#[test]
fn catches_a_removed_body_that_is_delivered() {
    let faults = FaultInjection { keep_removed_bodies: true, ..FaultInjection::default() };
    let violation = detect(faults, Some(Theme::People), SEEDS_PER_FAULT);
    assert_eq!(violation.rule, Rule::Removal, "{violation}");
}

#[test]
fn catches_an_entry_whose_content_is_not_durable() {
    let faults = FaultInjection { record_before_durable: true, ..FaultInjection::default() };
    let violation = detect(faults, None, SEEDS_PER_FAULT);
    assert_eq!(violation.rule, Rule::Files, "{violation}");
}

#[test]
fn catches_an_upload_that_goes_on_at_the_wrong_place() {
    let faults = FaultInjection { resume_too_late: true, ..FaultInjection::default() };
    let violation = detect(faults, Some(Theme::Crash), 1_500);
    assert_eq!(violation.rule, Rule::Files, "{violation}");
}

#[test]
fn catches_a_group_that_does_not_prove() {
    let faults = FaultInjection { alter_downloads: true, ..FaultInjection::default() };
    let violation = detect(faults, None, SEEDS_PER_FAULT);
    assert_eq!(violation.rule, Rule::Files, "{violation}");
}

/// Runs seeds with several rooms; returns the violated rules.
fn violated_with_rooms(faults: FaultInjection) -> Vec<Rule> {
    let options = Options { faults, theme: Some(Theme::Rooms), ..Options::default() };
    let summary = run_many(0..SEEDS_PER_FAULT, THREADS, options, 20, |_| {});
    summary.violations.iter().map(|(_, violation)| violation.rule).collect()
}

#[test]
fn catches_an_entry_in_the_wrong_room() {
    // Others are repetitions of numbers in the first room: they are never stored.
    let rules = violated_with_rooms(FaultInjection { post_to_first_room: true, ..FaultInjection::default() });
    assert!(rules.contains(&Rule::S1), "detected as {rules:?}");
}

#[test]
fn catches_a_closed_room_that_takes_posts() {
    let rules = violated_with_rooms(FaultInjection { keep_closed_rooms: true, ..FaultInjection::default() });
    assert!(rules.contains(&Rule::Operation), "detected as {rules:?}");
}

#[test]
fn catches_a_number_counted_in_the_wrong_room() {
    let rules = violated_with_rooms(FaultInjection { count_numbers_together: true, ..FaultInjection::default() });
    assert!(rules.contains(&Rule::S2), "detected as {rules:?}");
}

#[test]
fn catches_packets_acknowledged_before_their_data_was_accepted() {
    // Acknowledged data is never sent again, so the connection makes no more progress.
    assert_detected_as(FaultInjection { acknowledge_unchecked: true, ..FaultInjection::default() }, &[Rule::Liveness]);
}
