//! Tests that every store must pass.

use core::ops::RangeInclusive;

use kabar_core::chat::{EntryKind, Term};
use kabar_core::crypto::identity::PublicIdentity;

use super::*;

const ANA: PublicIdentity = PublicIdentity([1; 32]);
const BEN: PublicIdentity = PublicIdentity([2; 32]);
const CONTRADICTION: Result<(), CommitError> = Err(CommitError::Failed(StoreErrorKind::Contradiction));

/// Defines all tests for the stores that `$make` creates, each with the directory it needs.
macro_rules! suite {
    ($make:expr) => {
        $crate::store::conformance::suite!($make;
            gives_back_what_was_committed, an_unknown_room_is_empty, takes_no_gap_no_repeat_and_no_other_owner,
            keeps_numbers_of_all_sizes, rooms_are_apart, a_released_name_is_gone_and_can_be_taken_in_the_same_batch,
            sanctions_are_kept_until_lifted_one_of_each_kind, forgets_what_a_batch_says_before_it_writes,
            forgets_no_instance_that_the_batch_uses, running_time_never_falls, a_term_counts_once, reads_what_exists_in_order,
            a_batch_without_entries_moves_nothing);
    };
    ($make:expr; $($test:ident),*) => {
        $(#[test]
        fn $test() {
            let (_home, mut store) = $make();
            $crate::store::conformance::$test(&mut store);
        })*
    };
}
pub(super) use suite;

/// An entry by Ana, under instance 5.
pub(super) fn entry(seq: u64, number: u64) -> LogEntry {
    let author = "ana".to_owned();
    LogEntry { seq, time_ms: 0, author, instance: 5, number, kind: EntryKind::TEXT, body: vec![seq as u8] }
}

/// A batch of entries as [`entry`] creates them.
pub(super) fn batch(entries: Vec<LogEntry>) -> Batch {
    let instances = entries.last().map(|entry| instance(ANA, entry.number)).into_iter().collect();
    Batch { room: "lobby".into(), entries, instances, ..Batch::default() }
}

pub(super) fn seqs(store: &mut impl LogReader, range: RangeInclusive<u64>) -> Vec<u64> {
    store.read("lobby", range).expect("readable").iter().map(|entry| entry.seq).collect()
}

/// Sorts lists whose order is unspecified.
pub(super) fn sorted(mut loaded: RoomState) -> RoomState {
    loaded.instances.sort_by_key(|record| record.instance);
    loaded.names.sort_by(|a, b| a.folded.cmp(&b.folded));
    loaded.admissions.sort_by_key(|record| record.identity);
    loaded.sanctions.sort_by_key(|record| (record.identity, record.kind));
    loaded
}

fn load(store: &mut impl Store) -> RoomState {
    sorted(store.load("lobby").expect("readable"))
}

fn instance(identity: PublicIdentity, highest: u64) -> InstanceRecord {
    InstanceRecord { instance: 5, identity, highest, highest_seq: highest, seen_ran_ms: highest }
}

fn name(identity: PublicIdentity) -> NameRecord {
    NameRecord { folded: "ana".into(), name: "Ana".into(), identity, seen_ran_ms: 3, present: true }
}

pub(super) fn gives_back_what_was_committed(store: &mut impl Store) {
    let term = TermRecord { term: Term([1; 8]), first_seq: 1 };
    let admission = Admission { identity: ANA, tag: [7; 16] };
    let mut entries = vec![entry(1, 1), entry(2, 2)];
    entries[1].author = "\u{c9}l\u{e9}a".into();
    entries[1].kind = EntryKind(200);
    entries[1].body = vec![0, 0xff, b'\n'];
    entries.push(LogEntry { instance: 0, number: 0, ..entry(3, 0) });
    entries.push(LogEntry { instance: 0, number: 0, body: vec![], ..entry(4, 0) });
    let instances = vec![instance(ANA, 2)];
    let (names, admissions) = (vec![name(ANA)], vec![admission]);
    let first = Batch { term: Some(term), names, admissions, instances, ..batch(entries.clone()) };
    assert_eq!(store.commit(&first), Ok(()));
    assert_eq!(store.commit(&batch(vec![entry(5, 4)])), Ok(()));
    let loaded = load(store);
    assert_eq!((loaded.first, loaded.head, &loaded.terms[..]), (1, 5, &[term][..]));
    assert_eq!((loaded.names, loaded.admissions), (vec![name(ANA)], vec![admission]));
    assert_eq!(loaded.instances, [instance(ANA, 4)]);
    assert_eq!(store.read("lobby", 1..=4), Ok(entries));
    assert_eq!(seqs(store, 2..=9), [2, 3, 4, 5]);
}

pub(super) fn an_unknown_room_is_empty(store: &mut impl Store) {
    assert_eq!(load(store), RoomState { first: 1, ..RoomState::default() });
    assert!(seqs(store, 0..=u64::MAX).is_empty());
}

pub(super) fn takes_no_gap_no_repeat_and_no_other_owner(store: &mut impl Store) {
    assert_eq!(store.commit(&batch(vec![entry(1, 1), entry(2, 2)])), Ok(()));
    let other = |record: InstanceRecord| Batch { instances: vec![record], ..batch(vec![]) };
    let wrong = [
        batch(vec![entry(4, 3)]),
        batch(vec![entry(2, 3)]),
        batch(vec![entry(3, 2)]),
        batch(vec![entry(3, 3), entry(4, 3)]),
        batch(vec![entry(3, 3), entry(5, 4)]),
        other(instance(BEN, 2)),
        other(instance(ANA, 1)),
        other(InstanceRecord { instance: 0, ..instance(ANA, 2) }),
        Batch { instances: vec![], ..batch(vec![entry(3, 3)]) },
        Batch { instances: vec![instance(ANA, 2)], ..batch(vec![entry(3, 3)]) },
        Batch { instances: vec![instance(ANA, 3), instance(ANA, 4)], ..batch(vec![entry(3, 3)]) },
    ];
    for batch in wrong {
        let batch = Batch { names: vec![name(ANA)], ..batch };
        let before = load(store);
        assert_eq!(store.commit(&batch), CONTRADICTION, "{batch:?}");
        assert_eq!(load(store), before);
        assert_eq!(seqs(store, 1..=9), [1, 2]);
    }
}

/// Numbers are chosen by members, and clocks may be wrong.
pub(super) fn keeps_numbers_of_all_sizes(store: &mut impl Store) {
    let big = u64::MAX - 1;
    let strange = LogEntry { instance: u64::MAX, number: big, time_ms: u64::MAX, ..entry(2, big) };
    let record =
        InstanceRecord { instance: u64::MAX, identity: ANA, highest: big, highest_seq: 2, seen_ran_ms: u64::MAX };
    let seen = NameRecord { seen_ran_ms: u64::MAX, ..name(ANA) };
    let next = Batch {
        instances: vec![instance(ANA, 1), record],
        names: vec![seen.clone()],
        ..batch(vec![entry(1, 1), strange.clone()])
    };
    assert_eq!(store.commit(&next), Ok(()));
    assert_eq!(store.read("lobby", 2..=u64::MAX), Ok(vec![strange.clone()]));
    let loaded = load(store);
    assert_eq!((loaded.instances, loaded.names), (vec![instance(ANA, 1), record], vec![seen]));
    let smaller = LogEntry { seq: 3, number: 7, ..strange.clone() };
    let again = Batch { instances: vec![record], ..batch(vec![smaller]) };
    assert_eq!(store.commit(&again), CONTRADICTION);
    let last = LogEntry { seq: 3, number: u64::MAX, ..strange };
    let record = InstanceRecord { highest: u64::MAX, highest_seq: 3, ..record };
    assert_eq!(store.commit(&Batch { instances: vec![record], ..batch(vec![last]) }), Ok(()));
}

pub(super) fn rooms_are_apart(store: &mut impl Store) {
    let elsewhere = |batch| Batch { room: "attic".into(), names: vec![name(BEN)], ..batch };
    assert_eq!(store.commit(&Batch { names: vec![name(ANA)], ..batch(vec![entry(1, 1), entry(2, 2)]) }), Ok(()));
    assert_eq!(store.commit(&elsewhere(batch(vec![entry(1, 1)]))), Ok(()));
    let attic = store.load("attic").expect("readable");
    assert_eq!((attic.head, attic.names), (1, vec![name(BEN)]));
    assert_eq!((load(store).head, load(store).names), (2, vec![name(ANA)]));
    assert_eq!(store.read("attic", 1..=9).map(|entries| entries.len()), Ok(1));
}

pub(super) fn a_released_name_is_gone_and_can_be_taken_in_the_same_batch(store: &mut impl Store) {
    assert_eq!(store.commit(&Batch { names: vec![name(ANA)], ..batch(vec![]) }), Ok(()));
    let next = Batch { released: vec!["ana".into()], names: vec![name(BEN)], ..batch(vec![]) };
    assert_eq!(store.commit(&next), Ok(()));
    assert_eq!(load(store).names, [name(BEN)]);
    assert_eq!(store.commit(&Batch { released: vec!["ana".into()], ..batch(vec![]) }), Ok(()));
    assert!(load(store).names.is_empty());
}

pub(super) fn sanctions_are_kept_until_lifted_one_of_each_kind(store: &mut impl Store) {
    let sanction = |identity, kind, since_ms| Sanction { identity, kind, name: "Ana".into(), since_ms };
    let (ban, mute) = (sanction(ANA, SanctionKind::Ban, 1), sanction(ANA, SanctionKind::Mute, 2));
    let other = sanction(BEN, SanctionKind::Ban, 3);
    let all = vec![ban.clone(), mute.clone(), other.clone()];
    assert_eq!(store.commit(&Batch { sanctions: all.clone(), ..batch(vec![]) }), Ok(()));
    assert_eq!(load(store).sanctions, all);
    let later = sanction(ANA, SanctionKind::Ban, 9);
    let next = Batch {
        lifted: vec![(ANA, SanctionKind::Mute), (ANA, SanctionKind::Ban)],
        sanctions: vec![later.clone()],
        ..batch(vec![])
    };
    assert_eq!(store.commit(&next), Ok(()));
    assert_eq!(load(store).sanctions, [later, other]);
}

pub(super) fn forgets_what_a_batch_says_before_it_writes(store: &mut impl Store) {
    let term = |byte, first_seq| TermRecord { term: Term([byte; 8]), first_seq };
    let other = InstanceRecord { instance: 6, ..instance(BEN, 0) };
    let admissions = vec![Admission { identity: ANA, tag: [7; 16] }, Admission { identity: BEN, tag: [7; 16] }];
    let mut first = Batch { term: Some(term(1, 1)), names: vec![name(ANA)], admissions, ..batch(vec![entry(1, 1)]) };
    first.instances.push(other);
    assert_eq!(store.commit(&first), Ok(()));
    let forgotten = Forgotten {
        names: vec!["ana".into(), "nobody".into()],
        instances: vec![5, 99],
        admissions: vec![ANA],
        terms: vec![Term([1; 8])],
    };
    let again = NameRecord { name: "ANA".into(), ..name(BEN) };
    let next = Batch { forgotten, names: vec![again.clone()], term: Some(term(2, 2)), ..batch(vec![]) };
    assert_eq!(store.commit(&next), Ok(()));
    let loaded = load(store);
    assert_eq!((loaded.names, loaded.instances, loaded.terms), (vec![again], vec![other], vec![term(2, 2)]));
    assert_eq!(loaded.admissions.iter().map(|it| it.identity).collect::<Vec<_>>(), [BEN]);
    assert_eq!((loaded.head, seqs(store, 1..=9)), (1, vec![1]), "what was said stays");
    let forgotten = Forgotten { names: vec!["ana".into()], instances: vec![6], ..Forgotten::default() };
    assert_eq!(store.commit(&Batch { forgotten, ..batch(vec![]) }), Ok(()));
    assert!(load(store).names.is_empty() && load(store).instances.is_empty());
}

pub(super) fn forgets_no_instance_that_the_batch_uses(store: &mut impl Store) {
    assert_eq!(store.commit(&batch(vec![entry(1, 1)])), Ok(()));
    let before = load(store);
    let forgotten = Forgotten { instances: vec![5], names: vec!["ana".into()], ..Forgotten::default() };
    assert_eq!(store.commit(&Batch { forgotten, ..batch(vec![entry(2, 2)]) }), CONTRADICTION);
    assert_eq!(load(store), before);
}

pub(super) fn running_time_never_falls(store: &mut impl Store) {
    let ran = |ran_ms| Batch { ran_ms: Some(ran_ms), ..batch(vec![]) };
    assert!(!ran(7).is_empty());
    assert_eq!((store.commit(&ran(7_000)), load(store).ran_ms), (Ok(()), 7_000));
    assert_eq!((store.commit(&batch(vec![entry(1, 1)])), load(store).ran_ms), (Ok(()), 7_000));
    assert_eq!((store.commit(&ran(6_000)), load(store).ran_ms), (Ok(()), 7_000));
    assert_eq!((store.commit(&ran(8_000)), load(store).ran_ms), (Ok(()), 8_000));
}

pub(super) fn a_term_counts_once(store: &mut impl Store) {
    let term = |byte, first_seq| TermRecord { term: Term([byte; 8]), first_seq };
    assert_eq!(store.commit(&Batch { term: Some(term(9, 1)), ..batch(vec![entry(1, 1)]) }), Ok(()));
    assert_eq!(store.commit(&Batch { term: Some(term(1, 2)), ..batch(vec![entry(2, 2)]) }), Ok(()));
    assert_eq!(store.commit(&Batch { term: Some(term(1, 2)), ..batch(vec![]) }), Ok(()));
    assert_eq!(load(store).terms, [term(9, 1), term(1, 2)], "oldest first");
}

pub(super) fn reads_what_exists_in_order(store: &mut impl Store) {
    assert_eq!(store.commit(&batch((1..=100).map(|seq| entry(seq, seq)).collect())), Ok(()));
    assert_eq!(seqs(store, 33..=64), (33..=64).collect::<Vec<_>>());
    assert_eq!(seqs(store, 0..=2), [1, 2]);
    assert_eq!(seqs(store, 100..=u64::MAX), [100]);
    assert!(seqs(store, 101..=200).is_empty());
    assert!(seqs(store, RangeInclusive::new(9, 8)).is_empty());
    assert_eq!(store.read("lobby", 7..=7), Ok(vec![entry(7, 7)]));
}

pub(super) fn a_batch_without_entries_moves_nothing(store: &mut impl Store) {
    assert_eq!(store.commit(&batch(vec![entry(1, 1)])), Ok(()));
    assert_eq!(store.commit(&batch(vec![])), Ok(()));
    assert_eq!(load(store).head, 1);
    assert_eq!(store.commit(&Batch { room: "attic".into(), ..Batch::default() }), Ok(()));
    assert_eq!(store.load("attic"), Ok(RoomState { first: 1, ..RoomState::default() }));
}
