use kabar_core::chat::EntryKind;

use super::*;
use crate::store::{Forgotten, LogEntry};

const A: Term = Term([1; 8]);
const B: Term = Term([2; 8]);
const NOW: Term = Term([9; 8]);

fn entry(seq: u64) -> LogEntry {
    LogEntry {
        seq,
        time_ms: 5,
        author: "ana".into(),
        instance: 3,
        number: seq,
        kind: EntryKind::TEXT,
        body: vec![b'x'; 100],
    }
}

/// A ran from 1, B from 11 to 20; 1 to 4 are not kept; this run began at 21.
fn log() -> Log {
    let term = |term, first_seq| TermRecord { term, first_seq };
    let loaded = RoomState { terms: vec![term(A, 1), term(B, 11)], first: 5, head: 20, ..RoomState::default() };
    let mut log = Log::new(&loaded, NOW);
    assert!(!log.is_term_durable());
    log.apply(&RoomBatch { term: Some(log.term()), ..RoomBatch::default() });
    assert!(log.is_term_durable());
    log
}

fn after(seq: u64, term: Term) -> Start {
    Start::After { seq, term, fallback_count: 3 }
}

#[test]
fn a_cursor_is_valid_up_to_the_last_entry_of_its_term() {
    let log = log();
    assert_eq!(log.start(after(10, A)), (10, false));
    assert_eq!(log.start(after(11, A)), (17, true));
    assert_eq!(log.start(after(20, B)), (20, false));
    assert_eq!(log.start(after(21, B)), (17, true));
    assert_eq!(log.start(after(20, NOW)), (20, false));
    assert_eq!(log.start(after(21, NOW)), (17, true));
}

/// A batch of unknown outcome: the store is read again, and then the batch counts as committed.
#[test]
fn a_term_read_back_from_the_store_counts_once() {
    let mut log = Log::new(&RoomState::default(), NOW);
    let first = RoomBatch { term: Some(log.term()), entries: vec![entry(1)], ..RoomBatch::default() };
    log.reload(&RoomState { terms: vec![log.term()], first: 1, head: 1, ..RoomState::default() });
    log.apply(&first);
    assert_eq!(log.start(after(1, NOW)), (1, false));
}

/// Every round and every Join checks terms: neither may become slower with each start of the
/// server.
#[test]
fn checks_of_terms_do_not_slow_down_with_the_number_of_runs() {
    const RUNS: u64 = 100_000;
    let term = |run: u64| Term(run.to_be_bytes());
    let terms = (1..=RUNS).map(|run| TermRecord { term: term(run), first_seq: run }).collect();
    let mut log = Log::new(&RoomState { terms, first: 1, head: RUNS, ..RoomState::default() }, NOW);
    log.apply(&RoomBatch { term: Some(log.term()), ..RoomBatch::default() });
    let begun = std::time::Instant::now();
    for run in 1..=RUNS {
        assert!(log.is_term_durable());
        assert_eq!(log.start(after(run, term(run))), (run, false));
        assert_eq!(log.start(after(run + 1, term(run))), (RUNS - 3, true));
    }
    // 10^5 steps each, not 10^10.
    assert!(begun.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn forgets_the_oldest_terms_beyond_its_bound() {
    let term = |number: u64| TermRecord { term: Term(number.to_be_bytes()), first_seq: number };
    let terms = (1..=MAX_TERMS as u64).map(term).collect();
    let mut log = Log::new(&RoomState { terms, first: 1, head: 5_000, ..RoomState::default() }, NOW);
    let forgotten = Forgotten { terms: log.surplus_terms(), ..Forgotten::default() };
    assert_eq!(forgotten.terms, [term(1).term]);
    log.apply(&RoomBatch { term: Some(log.term()), forgotten, ..RoomBatch::default() });
    assert_eq!((log.ended.len() + 1, log.surplus_terms()), (MAX_TERMS, vec![term(2).term]));
    assert_eq!(log.start(after(1, term(1).term)), (4_997, true));
    assert_eq!(log.start(after(2, term(2).term)), (2, false));
}

#[test]
fn an_unknown_term_resets_the_cursor() {
    assert_eq!(log().start(after(7, Term([7; 8]))), (17, true));
}

#[test]
fn delivery_never_starts_before_the_first_kept_entry() {
    let log = log();
    assert_eq!(log.start(after(2, A)), (4, false));
    assert_eq!(log.start(Start::Last(1_000)), (4, false));
    assert_eq!(log.start(Start::Last(2)), (18, false));
    assert_eq!(log.start(Start::Last(0)), (20, false));
    assert_eq!(log.start(Start::Head), (20, false));
    assert_eq!(log.start(Start::After { seq: 9, term: Term([7; 8]), fallback_count: 99 }), (4, true));
}

#[test]
fn the_tail_holds_the_last_entries_and_loses_the_oldest_first() {
    let mut log = log();
    log.apply(&RoomBatch { entries: (21..=60).map(entry).collect(), ..RoomBatch::default() });
    assert!((21..=60).all(|seq| log.in_tail(seq).is_some()));
    log.shrink_tail(log.tail_bytes() - 2_000);
    assert_eq!(log.head(), 60);
    let held: Vec<u64> = (1..=61).filter(|seq| log.in_tail(*seq).is_some()).collect();
    assert_eq!(held.last(), Some(&60));
    assert!(held.len() >= 10 && log.tail_bytes <= 2_000, "{held:?}");
    assert!(held.iter().all(|seq| log.in_tail(*seq).expect("held").entry().header.seq == *seq));
    log.shrink_tail(usize::MAX);
    assert_eq!((log.tail_bytes(), log.tail_dropped(), log.in_tail(60).is_none()), (0, 40, true));
}

#[test]
fn accepted_numbers_are_kept_when_lower_ones_are_committed() {
    let mut log = log();
    let identity = PublicIdentity([4; 32]);
    let record = |highest| InstanceRecord { instance: 3, identity, highest, highest_seq: 20, seen_ran_ms: 0 };
    log.apply(&RoomBatch { instances: vec![record(0)], ..RoomBatch::default() });
    log.instance_mut(3).expect("known").accepted = 7;
    log.apply(&RoomBatch { instances: vec![record(5)], ..RoomBatch::default() });
    assert_eq!(log.instance(3).map(|it| (it.highest, it.accepted)), Some((5, 7)));
    log.apply(&RoomBatch { instances: vec![record(8)], ..RoomBatch::default() });
    assert_eq!(log.instance(3).map(|it| (it.highest, it.accepted)), Some((8, 8)));
}
