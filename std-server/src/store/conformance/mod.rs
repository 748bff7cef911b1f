//! Tests that every store must pass.

mod contents;

use core::ops::RangeInclusive;

use kabar_core::chat::{EntryKind, Term};
use kabar_core::crypto::identity::PublicIdentity;

use super::*;
pub(super) use contents::*;

const ANA: PublicIdentity = PublicIdentity([1; 32]);
const BEN: PublicIdentity = PublicIdentity([2; 32]);
const CONTRADICTION: Result<(), CommitError> = Err(CommitError::Failed(StoreErrorKind::Contradiction));

/// Defines all tests for the stores that `$make` creates, each with the directory it needs.
macro_rules! suite {
    ($make:expr) => {
        $crate::store::conformance::suite!($make;
            gives_back_what_was_committed, an_unknown_room_is_empty, a_commit_covers_all_its_rooms_or_none,
            a_room_is_in_a_commit_once, a_removed_body_is_gone_and_its_entry_stays, only_kept_entries_are_removed,
            the_oldest_entries_go_and_the_head_stays, a_survey_finds_what_is_not_kept, presence_is_one_name_per_identity_and_room, lists_all_rooms, keeps_the_records_of_rooms, takes_no_gap_no_repeat_and_no_other_owner,
            keeps_numbers_of_all_sizes, rooms_are_apart, a_released_name_is_gone_and_can_be_taken_in_the_same_batch,
            privileges_are_kept_until_revoked_one_of_each_kind,
            sanctions_are_kept_until_lifted_one_of_each_kind, forgets_what_a_batch_says_before_it_writes,
            forgets_no_instance_that_the_batch_uses, running_time_never_falls, a_term_counts_once, reads_what_exists_in_order,
            a_batch_without_entries_moves_nothing, quotas_of_contents_are_exact,
            a_content_counts_against_its_first_owner, only_the_proven_size_of_a_content_stays,
            a_content_is_found_where_an_entry_names_it, a_closed_room_names_nothing, collects_what_is_no_longer_needed,
            an_entry_keeps_a_content_that_came_again, collects_many_small_contents_in_parts, contents_in_use_are_not_collected,
            a_content_that_was_lost_can_come_again, invites_keep_their_last_uses_until_they_are_forgotten);
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

/// A batch of the lobby: entries as [`entry`] creates them.
pub(super) fn batch(entries: Vec<LogEntry>) -> RoomBatch {
    let instances = entries.last().map(|entry| instance(ANA, entry.number)).into_iter().collect();
    RoomBatch { room: "lobby".into(), entries, instances, ..RoomBatch::default() }
}

/// A commit of [`batch`].
pub(super) fn commit(entries: Vec<LogEntry>) -> Commit {
    batch(entries).into()
}

pub(super) fn seqs(store: &mut impl LogReader, range: RangeInclusive<u64>) -> Vec<u64> {
    store.read("lobby", range).expect("readable").iter().map(|entry| entry.seq).collect()
}

/// Sorts lists whose order is unspecified.
pub(super) fn sorted(mut loaded: RoomState) -> RoomState {
    loaded.instances.sort_by_key(|record| record.instance);
    loaded.present.sort_by_key(|record| record.identity);
    loaded.admissions.sort_by_key(|record| record.identity);
    loaded.sanctions.sort_by_key(|record| (record.identity, record.kind));
    loaded
}

/// As [`sorted`].
pub(super) fn sorted_server(mut loaded: ServerState) -> ServerState {
    loaded.names.sort_by(|a, b| a.folded.cmp(&b.folded));
    loaded.privileges.sort_by_key(|record| (record.identity, record.kind));
    loaded.admitted.sort_by_key(|record| (record.identity, record.tag));
    loaded
}

/// A room in which nobody is present.
pub(super) fn summary(name: &str, first: u64, head: u64) -> RoomSummary {
    RoomSummary { record: RoomRecord::named(name), first, head, is_occupied: false }
}

fn load(store: &mut impl Store) -> RoomState {
    sorted(store.load_room("lobby").expect("readable"))
}

fn load_server(store: &mut impl Store) -> ServerState {
    sorted_server(store.load_server().expect("readable"))
}

fn names(store: &mut impl Store) -> Vec<NameRecord> {
    load_server(store).names
}

fn with_names(names: Vec<NameRecord>, batch: RoomBatch) -> Commit {
    Commit { server: Arc::new(ServerBatch { names, ..ServerBatch::default() }), rooms: vec![Arc::new(batch)] }
}

fn instance(identity: PublicIdentity, highest: u64) -> InstanceRecord {
    InstanceRecord { instance: 5, identity, highest, highest_seq: highest, seen_ran_ms: highest }
}

fn name(identity: PublicIdentity) -> NameRecord {
    NameRecord { folded: "ana".into(), name: "Ana".into(), identity, seen_ran_ms: 3 }
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
    let present = vec![Presence { identity: ANA, name: "Ana".into() }];
    let admissions = vec![admission];
    let first = RoomBatch { term: Some(term), admissions, present, instances, ..batch(entries.clone()) };
    assert_eq!(store.commit(&with_names(vec![name(ANA)], first)), Ok(()));
    assert_eq!(store.commit(&commit(vec![entry(5, 4)])), Ok(()));
    let loaded = load(store);
    assert_eq!((loaded.first, loaded.head, &loaded.terms[..]), (1, 5, &[term][..]));
    assert_eq!((names(store), loaded.admissions), (vec![name(ANA)], vec![admission]));
    assert_eq!(loaded.present, [Presence { identity: ANA, name: "Ana".into() }]);
    assert_eq!(loaded.instances, [instance(ANA, 4)]);
    assert_eq!(store.read("lobby", 1..=4), Ok(entries));
    assert_eq!(seqs(store, 2..=9), [2, 3, 4, 5]);
}

pub(super) fn an_unknown_room_is_empty(store: &mut impl Store) {
    assert_eq!((load(store), load_server(store)), (RoomState::default(), ServerState::default()));
    assert!(seqs(store, 0..=u64::MAX).is_empty());
}

pub(super) fn takes_no_gap_no_repeat_and_no_other_owner(store: &mut impl Store) {
    assert_eq!(store.commit(&commit(vec![entry(1, 1), entry(2, 2)])), Ok(()));
    let other = |record: InstanceRecord| RoomBatch { instances: vec![record], ..batch(vec![]) };
    let wrong = [
        batch(vec![entry(4, 3)]),
        batch(vec![entry(2, 3)]),
        batch(vec![entry(3, 2)]),
        batch(vec![entry(3, 3), entry(4, 3)]),
        batch(vec![entry(3, 3), entry(5, 4)]),
        other(instance(BEN, 2)),
        other(instance(ANA, 1)),
        other(InstanceRecord { instance: 0, ..instance(ANA, 2) }),
        RoomBatch { instances: vec![], ..batch(vec![entry(3, 3)]) },
        RoomBatch { instances: vec![instance(ANA, 2)], ..batch(vec![entry(3, 3)]) },
        RoomBatch { instances: vec![instance(ANA, 3), instance(ANA, 4)], ..batch(vec![entry(3, 3)]) },
    ];
    for batch in wrong {
        let before = (load(store), load_server(store));
        let commit = with_names(vec![name(ANA)], batch);
        assert_eq!(store.commit(&commit), CONTRADICTION, "{commit:?}");
        assert_eq!((load(store), load_server(store)), before);
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
    let next = RoomBatch { instances: vec![instance(ANA, 1), record], ..batch(vec![entry(1, 1), strange.clone()]) };
    assert_eq!(store.commit(&with_names(vec![seen.clone()], next)), Ok(()));
    assert_eq!(store.read("lobby", 2..=u64::MAX), Ok(vec![strange.clone()]));
    let loaded = load(store);
    assert_eq!((loaded.instances, names(store)), (vec![instance(ANA, 1), record], vec![seen]));
    let smaller = LogEntry { seq: 3, number: 7, ..strange.clone() };
    let again = RoomBatch { instances: vec![record], ..batch(vec![smaller]) };
    assert_eq!(store.commit(&again.into()), CONTRADICTION);
    let last = LogEntry { seq: 3, number: u64::MAX, ..strange };
    let record = InstanceRecord { highest: u64::MAX, highest_seq: 3, ..record };
    assert_eq!(store.commit(&RoomBatch { instances: vec![record], ..batch(vec![last]) }.into()), Ok(()));
}

pub(super) fn rooms_are_apart(store: &mut impl Store) {
    let ban = Sanction { identity: ANA, ..sanction(ANA, SanctionKind::Ban, 1) };
    let lobby = RoomBatch { sanctions: vec![ban.clone()], ..batch(vec![entry(1, 1), entry(2, 2)]) };
    let attic = RoomBatch { room: "attic".into(), ..batch(vec![entry(1, 1)]) };
    assert_eq!((store.commit(&lobby.into()), store.commit(&attic.into())), (Ok(()), Ok(())));
    let attic = store.load_room("attic").expect("readable");
    assert_eq!((attic.head, attic.sanctions), (1, vec![]));
    assert_eq!((load(store).head, load(store).sanctions), (2, vec![ban]));
    assert_eq!(store.read("attic", 1..=9).map(|entries| entries.len()), Ok(1));
}

pub(super) fn lists_all_rooms(store: &mut impl Store) {
    let in_room = |room: &str, entries| RoomBatch { room: room.into(), ..batch(entries) };
    let rooms = vec![Arc::new(in_room("lobby", vec![])), Arc::new(in_room("attic", vec![entry(1, 1), entry(2, 2)]))];
    assert_eq!(store.commit(&Commit { rooms, ..Commit::default() }), Ok(()));
    assert_eq!(load_server(store).rooms, [summary("attic", 1, 2), summary("lobby", 1, 0)]);
}

pub(super) fn keeps_the_records_of_rooms(store: &mut impl Store) {
    let write = |store: &mut _, record: &RoomRecord| {
        let server = Arc::new(ServerBatch { rooms: vec![record.clone()], ..ServerBatch::default() });
        let present = vec![Presence { identity: ANA, name: "Ana".into() }];
        let rooms = vec![Arc::new(RoomBatch { present, ..batch(vec![]) })];
        assert_eq!(Store::commit(store, &Commit { server, rooms }), Ok(()));
    };
    let record = RoomRecord {
        topic: "\u{c9}l\u{e9}a's".into(),
        visibility: Visibility::Private,
        is_closed: true,
        retention: Retention { age_ms: Some(u64::MAX >> 1), entries: Some(0), bytes: None },
        created_by: Some(BEN),
        created_ms: Some(7),
        ..RoomRecord::named("attic")
    };
    write(store, &record);
    let occupied = |room| RoomSummary { is_occupied: true, ..room };
    let attic = |record: &RoomRecord| RoomSummary { record: record.clone(), ..summary("attic", 1, 0) };
    assert_eq!(load_server(store).rooms, [attic(&record), occupied(summary("lobby", 1, 0))]);
    let admission = Admission { identity: BEN, tag: [7; 16] };
    let admitting = |room: &str, entries| {
        Commit::from(RoomBatch { room: room.into(), admissions: vec![admission], ..batch(entries) })
    };
    assert_eq!(store.commit(&admitting("attic", vec![entry(1, 1)])), Ok(()));
    assert_eq!(store.commit(&admitting("lobby", vec![])), Ok(()));
    assert_eq!(load_server(store).private_admissions, [("attic".to_owned(), admission)]);
    let record = RoomRecord { is_closed: false, created_ms: None, ..record };
    write(store, &record);
    let attic = RoomSummary { head: 1, ..attic(&record) };
    assert_eq!(load_server(store).rooms, [attic, occupied(summary("lobby", 1, 0))]);
}

pub(super) fn a_commit_covers_all_its_rooms_or_none(store: &mut impl Store) {
    let attic = |entries| Arc::new(RoomBatch { room: "attic".into(), ..batch(entries) });
    let server = Arc::new(ServerBatch { names: vec![name(ANA)], ran_ms: Some(5), ..ServerBatch::default() });
    let both = Commit { server, rooms: vec![Arc::new(batch(vec![entry(1, 1)])), attic(vec![entry(2, 2)])] };
    assert_eq!(store.commit(&both), CONTRADICTION, "the entry of the attic leaves a gap");
    assert_eq!((load(store), load_server(store)), (RoomState::default(), ServerState::default()));
    assert!(seqs(store, 1..=9).is_empty());
    let both = Commit { rooms: vec![Arc::new(batch(vec![entry(1, 1)])), attic(vec![entry(1, 1)])], ..both };
    assert_eq!(store.commit(&both), Ok(()));
    let attic = store.load_room("attic").expect("readable");
    assert_eq!((load(store).head, attic.head, names(store)), (1, 1, vec![name(ANA)]));
}

pub(super) fn a_room_is_in_a_commit_once(store: &mut impl Store) {
    let twice = vec![Arc::new(batch(vec![entry(1, 1)])), Arc::new(batch(vec![entry(2, 2)]))];
    assert_eq!(store.commit(&Commit { rooms: twice, ..Commit::default() }), CONTRADICTION);
    assert_eq!(load(store), RoomState::default());
}

pub(super) fn a_removed_body_is_gone_and_its_entry_stays(store: &mut impl Store) {
    assert_eq!(store.commit(&commit(vec![entry(1, 1), entry(2, 2), entry(3, 3)])), Ok(()));
    let next = RoomBatch { removed: vec![2], ..batch(vec![entry(4, 4)]) };
    assert_eq!(store.commit(&next.into()), Ok(()));
    let removed = LogEntry { kind: EntryKind::REMOVED, body: vec![], ..entry(2, 2) };
    assert_eq!(store.read("lobby", 1..=9), Ok(vec![entry(1, 1), removed, entry(3, 3), entry(4, 4)]));
    assert_eq!((load(store).first, load(store).head), (1, 4));
}

pub(super) fn only_kept_entries_are_removed(store: &mut impl Store) {
    assert_eq!(store.commit(&commit(vec![entry(1, 1), entry(2, 2), entry(3, 3)])), Ok(()));
    let removing = |first, seq| RoomBatch { removed: vec![seq], first, ..batch(vec![entry(4, 4)]) };
    for wrong in [removing(None, 0), removing(None, 4), removing(None, 9), removing(Some(3), 2)] {
        assert_eq!(store.commit(&wrong.clone().into()), CONTRADICTION, "{wrong:?}");
        assert_eq!((load(store).first, seqs(store, 1..=9)), (1, vec![1, 2, 3]));
    }
    assert_eq!(store.commit(&removing(Some(3), 3).into()), Ok(()));
    assert_eq!((load(store).first, seqs(store, 1..=9)), (3, vec![3, 4]));
}

pub(super) fn the_oldest_entries_go_and_the_head_stays(store: &mut impl Store) {
    let expire = |first| Commit::from(RoomBatch { first: Some(first), ..batch(vec![]) });
    assert_eq!(store.commit(&commit((1..=5).map(|seq| entry(seq, seq)).collect())), Ok(()));
    let other = RoomBatch { room: "attic".into(), ..batch(vec![entry(1, 1)]) };
    assert_eq!(store.commit(&other.into()), Ok(()));
    assert_eq!(store.commit(&expire(3)), Ok(()));
    assert_eq!((load(store).first, load(store).head, seqs(store, 1..=9)), (3, 5, vec![3, 4, 5]));
    assert_eq!(load_server(store).rooms[1], summary("lobby", 3, 5));
    assert_eq!(store.commit(&expire(2)), CONTRADICTION, "the first seq never falls");
    assert_eq!(store.commit(&expire(7)), CONTRADICTION, "the entry before it does not exist");
    assert_eq!(store.commit(&expire(6)), Ok(()));
    assert_eq!((load(store).first, load(store).head, seqs(store, 1..=9)), (6, 5, vec![]));
    assert_eq!(load(store).instances, [instance(ANA, 5)], "no number is accepted again");
    assert_eq!(store.commit(&commit(vec![entry(6, 6)])), Ok(()));
    assert_eq!(seqs(store, 1..=9), [6]);
    assert_eq!(store.read("attic", 1..=9).map(|entries| entries.len()), Ok(1));
}

pub(super) fn a_survey_finds_what_is_not_kept(store: &mut impl Store) {
    let timed = |seq| LogEntry { time_ms: seq * 10, ..entry(seq, seq) };
    assert_eq!(store.commit(&commit((1..=9).map(timed).collect())), Ok(()));
    let mut survey = |keep, count| store.surplus("lobby", &keep, count).expect("readable");
    let all = Keep::default();
    assert_eq!(survey(all, 100), 1);
    assert_eq!(survey(Keep { entries: Some(4), ..all }, 100), 6);
    assert_eq!(survey(Keep { entries: Some(4), ..all }, 2), 3, "a bounded number at a time");
    assert_eq!(survey(Keep { entries: Some(0), ..all }, 100), 10);
    assert_eq!(survey(Keep { since_ms: Some(40), ..all }, 100), 4);
    // Each has a body of one byte.
    let size = 1 + ENTRY_OVERHEAD as u64;
    assert_eq!(survey(Keep { bytes: Some(9 * size), ..all }, 100), 1);
    assert_eq!(survey(Keep { bytes: Some(9 * size - 1), ..all }, 100), 2);
    assert_eq!(survey(Keep { bytes: Some(3 * size), entries: Some(5), since_ms: Some(20) }, 100), 7);
    let next = RoomBatch { first: Some(4), removed: vec![5], ..batch(vec![]) };
    assert_eq!(store.commit(&next.into()), Ok(()));
    let mut survey = |keep| store.surplus("lobby", &keep, 100).expect("readable");
    assert_eq!((survey(all), survey(Keep { entries: Some(6), ..all })), (4, 4));
    assert_eq!(survey(Keep { bytes: Some(6 * size - 1), ..all }), 4, "the removed body does not count");
    assert_eq!(survey(Keep { bytes: Some(6 * size - 2), ..all }), 5);
    assert_eq!(store.surplus("nowhere", &all, 100), Ok(1));
}

pub(super) fn presence_is_one_name_per_identity_and_room(store: &mut impl Store) {
    let presence = |identity, name: &str| Presence { identity, name: name.into() };
    let both = vec![presence(ANA, "Ana"), presence(BEN, "Ben")];
    let in_room = |room: &str, present| RoomBatch { room: room.into(), present, ..batch(vec![]) };
    assert_eq!(store.commit(&in_room("lobby", both.clone()).into()), Ok(()));
    assert_eq!(store.commit(&in_room("attic", both.clone()).into()), Ok(()));
    let renamed = RoomBatch { absent: vec![BEN], ..in_room("lobby", vec![presence(ANA, "Anna")]) };
    assert_eq!(store.commit(&renamed.into()), Ok(()));
    assert_eq!(load(store).present, [presence(ANA, "Anna")]);
    assert_eq!(sorted(store.load_room("attic").expect("readable")).present, both);
    let returned = RoomBatch { absent: vec![ANA], ..in_room("lobby", vec![presence(ANA, "Ana")]) };
    assert_eq!(store.commit(&returned.into()), Ok(()));
    assert_eq!(load(store).present, [presence(ANA, "Ana")], "absence is applied first");
}

pub(super) fn a_released_name_is_gone_and_can_be_taken_in_the_same_batch(store: &mut impl Store) {
    assert_eq!(store.commit(&with_names(vec![name(ANA)], batch(vec![]))), Ok(()));
    let released = || ServerBatch { released: vec!["ana".into()], ..ServerBatch::default() };
    assert_eq!(store.commit(&ServerBatch { names: vec![name(BEN)], ..released() }.into()), Ok(()));
    assert_eq!(names(store), [name(BEN)]);
    assert_eq!(store.commit(&released().into()), Ok(()));
    assert!(names(store).is_empty());
}

fn sanction(identity: PublicIdentity, kind: SanctionKind, since_ms: u64) -> Sanction {
    Sanction { identity, kind, name: "Ana".into(), since_ms, reason: None, by: None }
}

pub(super) fn privileges_are_kept_until_revoked_one_of_each_kind(store: &mut impl Store) {
    let privilege = |identity, kind, by| Privilege { identity, kind, name: "Ana".into(), since_ms: 1, by };
    let all = [
        privilege(ANA, PrivilegeKind::Operator, None),
        privilege(ANA, PrivilegeKind::Trusted, Some(BEN)),
        privilege(BEN, PrivilegeKind::Operator, Some(ANA)),
    ];
    let stored = |store: &mut _| {
        let mut privileges = Store::load_server(store).expect("readable").privileges;
        privileges.sort_by_key(|record| (record.identity, record.kind));
        privileges
    };
    assert_eq!(store.commit(&ServerBatch { granted: all.to_vec(), ..ServerBatch::default() }.into()), Ok(()));
    assert_eq!(stored(store), all);
    let later = Privilege { since_ms: 9, ..all[0].clone() };
    let change = ServerBatch {
        revoked: vec![(ANA, PrivilegeKind::Operator), (ANA, PrivilegeKind::Trusted)],
        granted: vec![later.clone()],
        ..ServerBatch::default()
    };
    assert_eq!(store.commit(&change.into()), Ok(()));
    assert_eq!(stored(store), [later, all[2].clone()]);
}

pub(super) fn sanctions_are_kept_until_lifted_one_of_each_kind(store: &mut impl Store) {
    let (ban, mute) = (sanction(ANA, SanctionKind::Ban, 1), sanction(ANA, SanctionKind::Mute, 2));
    let other = Sanction { reason: Some("spam".into()), by: Some(ANA), ..sanction(BEN, SanctionKind::Ban, 3) };
    let all = vec![ban.clone(), mute.clone(), other.clone()];
    assert_eq!(store.commit(&RoomBatch { sanctions: all.clone(), ..batch(vec![]) }.into()), Ok(()));
    assert_eq!(load(store).sanctions, all);
    let later = sanction(ANA, SanctionKind::Ban, 9);
    let next = RoomBatch {
        lifted: vec![(ANA, SanctionKind::Mute), (ANA, SanctionKind::Ban)],
        sanctions: vec![later.clone()],
        ..batch(vec![])
    };
    assert_eq!(store.commit(&next.into()), Ok(()));
    assert_eq!(load(store).sanctions, [later, other]);
}

pub(super) fn forgets_what_a_batch_says_before_it_writes(store: &mut impl Store) {
    let term = |byte, first_seq| TermRecord { term: Term([byte; 8]), first_seq };
    let other = InstanceRecord { instance: 6, ..instance(BEN, 0) };
    let admissions = vec![Admission { identity: ANA, tag: [7; 16] }, Admission { identity: BEN, tag: [7; 16] }];
    let mut first = RoomBatch { term: Some(term(1, 1)), admissions, ..batch(vec![entry(1, 1)]) };
    first.instances.push(other);
    assert_eq!(store.commit(&with_names(vec![name(ANA)], first)), Ok(()));
    let forgotten = Forgotten { instances: vec![5, 99], admissions: vec![ANA], terms: vec![Term([1; 8])] };
    let again = NameRecord { name: "ANA".into(), ..name(BEN) };
    let names_too = |names| {
        Arc::new(ServerBatch { names, forgotten: vec!["ana".into(), "nobody".into()], ..ServerBatch::default() })
    };
    let next = RoomBatch { forgotten, term: Some(term(2, 2)), ..batch(vec![]) };
    let next = Commit { server: names_too(vec![again.clone()]), rooms: vec![Arc::new(next)] };
    assert_eq!(store.commit(&next), Ok(()));
    let loaded = load(store);
    assert_eq!((names(store), loaded.instances, loaded.terms), (vec![again], vec![other], vec![term(2, 2)]));
    assert_eq!(loaded.admissions.iter().map(|it| it.identity).collect::<Vec<_>>(), [BEN]);
    assert_eq!((loaded.head, seqs(store, 1..=9)), (1, vec![1]), "what was said stays");
    let forgotten = Forgotten { instances: vec![6], ..Forgotten::default() };
    let next = RoomBatch { forgotten, ..batch(vec![]) };
    assert_eq!(store.commit(&Commit { server: names_too(vec![]), rooms: vec![Arc::new(next)] }), Ok(()));
    assert!(names(store).is_empty() && load(store).instances.is_empty());
}

pub(super) fn forgets_no_instance_that_the_batch_uses(store: &mut impl Store) {
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
    let before = load(store);
    let forgotten = Forgotten { instances: vec![5], ..Forgotten::default() };
    assert_eq!(store.commit(&RoomBatch { forgotten, ..batch(vec![entry(2, 2)]) }.into()), CONTRADICTION);
    assert_eq!(load(store), before);
}

pub(super) fn running_time_never_falls(store: &mut impl Store) {
    let ran = |ran_ms| Commit::from(ServerBatch { ran_ms: Some(ran_ms), ..ServerBatch::default() });
    assert!(!ran(7).server.is_empty());
    assert_eq!((store.commit(&ran(7_000)), load_server(store).ran_ms), (Ok(()), 7_000));
    assert_eq!((store.commit(&commit(vec![entry(1, 1)])), load_server(store).ran_ms), (Ok(()), 7_000));
    assert_eq!((store.commit(&ran(6_000)), load_server(store).ran_ms), (Ok(()), 7_000));
    assert_eq!((store.commit(&ran(8_000)), load_server(store).ran_ms), (Ok(()), 8_000));
}

pub(super) fn a_term_counts_once(store: &mut impl Store) {
    let term = |byte, first_seq| TermRecord { term: Term([byte; 8]), first_seq };
    assert_eq!(store.commit(&RoomBatch { term: Some(term(9, 1)), ..batch(vec![entry(1, 1)]) }.into()), Ok(()));
    assert_eq!(store.commit(&RoomBatch { term: Some(term(1, 2)), ..batch(vec![entry(2, 2)]) }.into()), Ok(()));
    assert_eq!(store.commit(&RoomBatch { term: Some(term(1, 2)), ..batch(vec![]) }.into()), Ok(()));
    assert_eq!(load(store).terms, [term(9, 1), term(1, 2)], "oldest first");
}

pub(super) fn reads_what_exists_in_order(store: &mut impl Store) {
    assert_eq!(store.commit(&commit((1..=100).map(|seq| entry(seq, seq)).collect())), Ok(()));
    assert_eq!(seqs(store, 33..=64), (33..=64).collect::<Vec<_>>());
    assert_eq!(seqs(store, 0..=2), [1, 2]);
    assert_eq!(seqs(store, 100..=u64::MAX), [100]);
    assert!(seqs(store, 101..=200).is_empty());
    assert!(seqs(store, RangeInclusive::new(9, 8)).is_empty());
    assert_eq!(store.read("lobby", 7..=7), Ok(vec![entry(7, 7)]));
}

pub(super) fn a_batch_without_entries_moves_nothing(store: &mut impl Store) {
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
    assert_eq!(store.commit(&commit(vec![])), Ok(()));
    assert_eq!(load(store).head, 1);
    assert_eq!(store.commit(&RoomBatch { room: "attic".into(), ..RoomBatch::default() }.into()), Ok(()));
    assert_eq!(store.load_room("attic"), Ok(RoomState::default()));
}

pub(super) fn invites_keep_their_last_uses_until_they_are_forgotten(store: &mut impl Store) {
    let invite = |id, room: Option<&str>| InviteRecord {
        id,
        room: room.map(str::to_owned),
        secret: [id as u8; 16],
        is_standing: id == 1,
        made_by: (id > 1).then_some(ANA),
        made_ms: u64::MAX,
        expires_ms: (id > 1).then_some(7),
        uses_left: (id > 1).then_some(0),
        used: u32::MAX,
        is_revoked: id > 1,
    };
    let used = |invite, number| InviteUse { invite, number, identity: BEN, time_ms: u64::from(number) };
    let all = vec![invite(1, Some("lobby")), invite(2, None), invite(u32::MAX, Some("attic"))];
    let invite_uses = [1..=70, 1..=2].into_iter().zip([1, 2]);
    let invite_uses = invite_uses.flat_map(|(numbers, invite)| numbers.map(move |number| used(invite, number)));
    let first = ServerBatch { invites: all.clone(), invite_uses: invite_uses.collect(), ..ServerBatch::default() };
    assert!(!first.is_empty());
    assert_eq!(store.commit(&first.into()), Ok(()));
    let loaded = load_server(store);
    assert_eq!(loaded.invites, all);
    let kept: Vec<u32> = loaded.invite_uses.iter().filter(|it| it.invite == 1).map(|it| it.number).collect();
    assert_eq!(kept, (7..=70).collect::<Vec<_>>());
    assert_eq!(loaded.invite_uses.last(), Some(&used(2, 2)));
    let changed = InviteRecord { is_revoked: true, ..invite(1, Some("lobby")) };
    let next = ServerBatch { invites: vec![changed.clone()], forgotten_invites: vec![2, 9], ..ServerBatch::default() };
    assert_eq!(store.commit(&next.into()), Ok(()));
    let loaded = load_server(store);
    assert_eq!(loaded.invites, [changed, invite(u32::MAX, Some("attic"))]);
    assert_eq!((loaded.invite_uses.len(), loaded.invite_uses[0].number), (64, 7), "those of the other invite stay");
}
