//! A checker that cannot fail proves nothing, so a history written by hand violates each rule.

mod decisions;

use kabar_core::chat::{EntryHeader, EntryKind, Start, Term};

use super::{Begin, Body, Checked, Committed, Kept, Model, ProcessId, Rule};

const ONE: Term = Term([1; 8]);
const TWO: Term = Term([2; 8]);
const ALICE: u64 = 0xa11ce;

fn post(seq: u64, instance: u64, number: u64, body: &str) -> Committed {
    let author = if instance == 0 { "server" } else { "alice" };
    let kind = if instance == 0 { EntryKind::OPERATOR.0 } else { EntryKind::TEXT.0 };
    Committed { seq, time_ms: 1000 + seq, author: author.into(), instance, number, kind, body: body.as_bytes().into() }
}

fn deliver_as(model: &mut Model, id: ProcessId, entry: &Committed) -> Checked {
    let header = EntryHeader {
        seq: entry.seq,
        time_ms: entry.time_ms,
        author: &entry.author,
        instance: entry.instance,
        number: entry.number,
        kind: EntryKind(entry.kind),
    };
    model.delivered(id, &header, Body::Bytes(&entry.body), None)
}

fn deliver(model: &mut Model, id: ProcessId, seq: u64) -> Checked {
    let entry = model.log().get(seq).expect("durable").clone();
    deliver_as(model, id, &entry)
}

fn begin(model: &mut Model, name: &str, start: Start, max_entry_len: u16) -> ProcessId {
    let identity = usize::from(name != "alice");
    model.begin(Begin { name, other_names: Vec::new(), identity, is_operator: false, start, max_entry_len, kept: None })
}

/// Alice has posted "a", "b", "c" and is a member; nothing is durable but the term.
fn room() -> (Model, ProcessId) {
    let mut model = Model::new(None, Kept::default());
    model.run_began(ONE).unwrap();
    let alice = begin(&mut model, "alice", Start::Head, 4352);
    model.joined(alice, 0, 0, ONE, false).unwrap();
    for (number, body) in [(1, "a"), (2, "b"), (3, "c")] {
        model.posted(alice, number, EntryKind::TEXT.0, body.as_bytes()).unwrap();
    }
    (model, alice)
}

/// Like [`room`], with "a" and "b" durable and delivered.
fn room_with_two() -> (Model, ProcessId) {
    let (mut model, alice) = room();
    for (number, body) in [(1, "a"), (2, "b")] {
        model.committed(post(number, ALICE, number, body)).unwrap();
        deliver(&mut model, alice, number).unwrap();
    }
    (model, alice)
}

fn assert_violates(checked: Checked, rule: Rule) {
    assert_eq!(checked.map_err(|violation| violation.rule), Err(rule));
}

#[test]
fn a_history_without_an_error_passes() {
    let (mut model, alice) = room_with_two();
    model.stored(alice, 2, 2).unwrap();
    model.refused(alice, 3).unwrap();
    model.committed(post(3, 0, 0, "the operator speaks")).unwrap();
    deliver(&mut model, alice, 3).unwrap();
    model.settled(alice).unwrap();
    let read = model.log().entries().to_vec();
    model.check_all(&read).unwrap();
}

#[test]
fn s1_detects_an_entry_that_nobody_posted() {
    assert_violates(room().0.committed(post(1, ALICE, 1, "x")), Rule::S1);
}

#[test]
fn s1_detects_an_entry_under_another_name() {
    let mut entry = post(1, ALICE, 1, "a");
    entry.author = "mallory".into();
    assert_violates(room().0.committed(entry), Rule::S1);
}

#[test]
fn s1_detects_an_entry_of_another_kind() {
    let mut entry = post(1, ALICE, 1, "a");
    entry.kind = EntryKind::ACTION.0;
    assert_violates(room().0.committed(entry), Rule::S1);
}

#[test]
fn s1_detects_an_entry_under_the_number_of_another_post() {
    let mut model = room_with_two().0;
    assert_violates(model.committed(post(3, ALICE, 3, "b")), Rule::S1);
}

#[test]
fn s1_detects_a_post_that_is_in_the_log_twice() {
    // Under another instance it is a repetition, too.
    let mut model = room_with_two().0;
    assert_violates(model.committed(post(3, 0xb0b, 1, "b")), Rule::S1);
}

#[test]
fn s1_detects_a_member_that_posts_as_the_server() {
    let mut entry = post(1, 0, 0, "a");
    entry.kind = EntryKind::TEXT.0;
    assert_violates(room().0.committed(entry), Rule::S1);
}

#[test]
fn s1_finds_the_owner_of_posts_that_look_alike() {
    let (mut model, alice) = room();
    let again = begin(&mut model, "alice", Start::Head, 4352);
    model.posted(again, 1, EntryKind::TEXT.0, b"a").unwrap();
    model.posted(again, 2, EntryKind::TEXT.0, b"other").unwrap();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    assert_eq!(model.log().owner(1), None);
    model.committed(post(2, ALICE, 2, "other")).unwrap();
    assert_eq!(model.log().owner(1).map(|post| post.process), Some(again));
    // The first process's own post is therefore not in the log.
    assert_violates(model.stored(alice, 1, 0), Rule::S2);
}

#[test]
fn s1_permits_an_adversary_anything_except_the_instance_of_another_member() {
    let adversary =
        |seq, instance, number, body| Committed { author: "adversary".into(), ..post(seq, instance, number, body) };
    let mut model = Model::new(Some("adversary"), Kept::default());
    let alice = begin(&mut model, "alice", Start::Head, 4352);
    model.posted(alice, 1, EntryKind::TEXT.0, b"a").unwrap();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    model.committed(adversary(2, 0xbad, 7, "anything")).unwrap();
    let mut other = model;
    assert_violates(other.committed(adversary(3, 0xbad, 7, "falls")), Rule::S3);
    assert_violates(other.committed(adversary(3, ALICE, 8, "steals")), Rule::S1);
}

#[test]
fn s2_detects_a_post_seen_stored_that_is_not_in_the_log() {
    let (mut model, alice) = room_with_two();
    assert_violates(model.stored(alice, 3, 0), Rule::S2);
}

#[test]
fn s2_detects_a_post_seen_stored_whose_predecessor_is_missing() {
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    model.committed(post(2, ALICE, 3, "c")).unwrap();
    assert_violates(model.stored(alice, 3, 2), Rule::S2);
}

#[test]
fn s2_detects_a_post_seen_stored_at_another_seq() {
    let (mut model, alice) = room_with_two();
    assert_violates(model.stored(alice, 2, 1), Rule::S2);
}

#[test]
fn s2_detects_an_outcome_of_a_post_that_was_never_made() {
    let (mut model, alice) = room_with_two();
    assert_violates(model.stored(alice, 4, 0), Rule::S2);
    assert_violates(model.refused(alice, 4), Rule::S2);
}

#[test]
fn s2_detects_a_post_seen_refused_that_is_in_the_log() {
    let (mut model, alice) = room_with_two();
    assert_violates(model.refused(alice, 2), Rule::S2);
}

#[test]
fn s2_detects_a_post_seen_refused_that_gets_into_the_log() {
    let (mut model, alice) = room_with_two();
    model.refused(alice, 3).unwrap();
    assert_violates(model.committed(post(3, ALICE, 3, "c")), Rule::S2);
}

#[test]
fn s2_detects_a_post_seen_both_stored_and_refused() {
    let (mut model, alice) = room_with_two();
    model.refused(alice, 3).unwrap();
    assert_violates(model.stored(alice, 3, 0), Rule::S2);
    model.stored(alice, 2, 2).unwrap();
    assert_violates(model.refused(alice, 1), Rule::S2);
}

#[test]
fn s3_detects_numbers_that_decrease() {
    let mut model = room().0;
    model.committed(post(1, ALICE, 2, "b")).unwrap();
    assert_violates(model.committed(post(2, ALICE, 1, "a")), Rule::S3);
}

#[test]
fn s3_detects_a_number_that_repeats() {
    let mut model = room_with_two().0;
    assert_violates(model.committed(post(3, ALICE, 2, "b")), Rule::S3);
}

#[test]
fn s3_detects_posts_out_of_order_under_a_new_instance() {
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "b")).unwrap();
    assert_eq!(model.log().owner(1).map(|post| (post.process, post.number)), Some((alice, 2)));
    assert_violates(model.committed(post(2, 0xb0b, 1, "a")), Rule::S3);
}

#[test]
fn s4_detects_a_skipped_entry() {
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    model.committed(post(2, ALICE, 2, "b")).unwrap();
    assert_violates(deliver(&mut model, alice, 2), Rule::S4);
}

#[test]
fn s4_detects_a_repeated_entry() {
    let (mut model, alice) = room_with_two();
    assert_violates(deliver(&mut model, alice, 2), Rule::S4);
}

#[test]
fn s4_detects_an_entry_with_another_body() {
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    assert_violates(deliver_as(&mut model, alice, &post(1, ALICE, 1, "b")), Rule::S4);
}

#[test]
fn s4_detects_an_entry_before_joining() {
    let (mut model, _) = room_with_two();
    let bob = begin(&mut model, "bob", Start::Head, 4352);
    assert_violates(deliver(&mut model, bob, 1), Rule::S4);
}

#[test]
fn s4_detects_a_stub_for_an_entry_that_fits_and_the_reverse() {
    let (mut model, _) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    for (max_len, stub) in [(4352, true), (0, false)] {
        let bob = begin(&mut model, "bob", Start::Last(1), max_len);
        model.joined(bob, 0, 1, ONE, false).unwrap();
        let entry = model.log().get(1).unwrap().clone();
        let header =
            EntryHeader { seq: 1, time_ms: 1001, author: "alice", instance: ALICE, number: 1, kind: EntryKind::TEXT };
        let body = if stub { Body::Stub(1) } else { Body::Bytes(&entry.body) };
        assert_violates(model.delivered(bob, &header, body, None), Rule::S4);
    }
}

#[test]
fn s4_detects_an_entry_of_another_delivered_as_own_and_the_reverse() {
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    let bob = begin(&mut model, "bob", Start::Last(1), 4352);
    model.joined(bob, 0, 1, ONE, false).unwrap();
    let head =
        EntryHeader { seq: 1, time_ms: 1001, author: "alice", instance: ALICE, number: 1, kind: EntryKind::TEXT };
    assert_violates(model.delivered(bob, &head, Body::Bytes(b"a"), Some(true)), Rule::S4);
    assert_violates(model.delivered(alice, &head, Body::Bytes(b"a"), Some(false)), Rule::S4);
}

#[test]
fn s4_detects_a_start_that_was_not_requested() {
    let mut model = room_with_two().0;
    let bob = begin(&mut model, "bob", Start::Last(1), 4352);
    assert_violates(model.joined(bob, 0, 2, ONE, false), Rule::S4);
    let carol = begin(&mut model, "carol", Start::Head, 4352);
    assert_violates(model.joined(carol, 1, 2, ONE, false), Rule::S4);
}

#[test]
fn s4_detects_a_resumption_that_skips_or_repeats() {
    for start in [0, 2] {
        let (mut model, alice) = room();
        model.committed(post(1, ALICE, 1, "a")).unwrap();
        model.committed(post(2, ALICE, 2, "b")).unwrap();
        deliver(&mut model, alice, 1).unwrap();
        assert_violates(model.joined(alice, start, 2, ONE, true), Rule::S4);
    }
}

#[test]
fn s4_detects_a_gap_that_does_not_begin_at_the_cursor() {
    let (mut model, alice) = room_with_two();
    assert_violates(model.gap(alice, 1, 3), Rule::S4);
}

#[test]
fn s4_detects_a_gap_that_was_not_reported() {
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    model.committed(post(2, ALICE, 2, "b")).unwrap();
    model.forgot_before(2);
    model.run_began(TWO).unwrap();
    assert_violates(model.joined(alice, 1, 2, TWO, true), Rule::S4);
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    model.committed(post(2, ALICE, 2, "b")).unwrap();
    model.forgot_before(2);
    model.run_began(TWO).unwrap();
    model.gap(alice, 0, 2).unwrap();
    model.joined(alice, 1, 2, TWO, false).unwrap();
    deliver(&mut model, alice, 2).unwrap();
    let kept = model.log().entries()[1..].to_vec();
    model.check_all(&kept).unwrap();
}

#[test]
fn s4_detects_an_unnecessary_reset() {
    let (mut model, alice) = room_with_two();
    model.reset(alice).unwrap();
    assert_violates(model.joined(alice, 2, 2, ONE, false), Rule::S4);
    let bob = begin(&mut model, "bob", Start::Head, 4352);
    assert_violates(model.reset(bob), Rule::S4);
}

#[test]
fn s4_detects_a_reset_reported_as_a_resumption() {
    let (mut model, alice) = room_with_two();
    model.restored(1, &[ONE]);
    model.run_began(TWO).unwrap();
    model.reset(alice).unwrap();
    assert_violates(model.joined(alice, 1, 1, TWO, true), Rule::S4);
}

#[test]
fn s4_detects_a_missing_reset_after_an_older_log_was_restored() {
    let (mut model, alice) = room_with_two();
    model.restored(1, &[ONE]);
    model.run_began(TWO).unwrap();
    model.committed(post(2, ALICE, 2, "b")).unwrap();
    assert_violates(model.joined(alice, 2, 2, TWO, true), Rule::S4);
}

#[test]
fn s4_detects_a_term_that_is_not_durable() {
    let (mut model, _) = room();
    let bob = begin(&mut model, "bob", Start::Head, 4352);
    assert_violates(model.joined(bob, 0, 0, TWO, false), Rule::S4);
}

#[test]
fn s4_requires_that_a_kept_store_resumes_at_its_cursor() {
    let (mut model, alice) = room_with_two();
    let kept = model.process(alice).store().cloned().unwrap();
    model.end(alice);
    let start = Start::After { seq: kept.cursor, term: kept.term, fallback_count: 5 };
    let restarted = |kept| Begin {
        name: "alice",
        other_names: Vec::new(),
        identity: 0,
        is_operator: false,
        start,
        max_entry_len: 4352,
        kept: Some(kept),
    };
    let again = model.begin(restarted(kept.clone()));
    model.joined(again, 2, 2, ONE, false).unwrap();
    let wrong = model.begin(restarted(kept));
    assert_violates(model.joined(wrong, 1, 2, ONE, false), Rule::S4);
}

#[test]
fn s5_detects_an_entry_that_is_not_durable() {
    let (mut model, alice) = room();
    assert_violates(deliver_as(&mut model, alice, &post(1, ALICE, 1, "a")), Rule::S5);
}

#[test]
fn s5_detects_a_head_that_is_not_durable() {
    let (mut model, _) = room_with_two();
    let bob = begin(&mut model, "bob", Start::Head, 4352);
    assert_violates(model.joined(bob, 3, 3, ONE, false), Rule::S5);
}

#[test]
fn detects_a_gap_in_the_log() {
    assert_violates(room().0.committed(post(2, ALICE, 1, "a")), Rule::Log);
}

#[test]
fn detects_changed_and_lost_entries() {
    let (model, _) = room_with_two();
    let mut read = model.log().entries().to_vec();
    read[0].time_ms += 1;
    assert_violates(model.check_all(&read), Rule::Log);
    let read = model.log().entries()[..1].to_vec();
    assert_violates(model.check_all(&read), Rule::Log);
}

#[test]
fn detects_a_term_that_is_drawn_twice() {
    assert_violates(room().0.run_began(ONE), Rule::Log);
}

#[test]
fn a_cursor_is_valid_up_to_the_last_entry_of_its_term() {
    let (mut model, _) = room_with_two();
    model.run_began(TWO).unwrap();
    model.committed(post(3, ALICE, 3, "c")).unwrap();
    let log = model.log();
    assert!(log.is_valid(2, ONE) && log.is_valid(3, TWO));
    assert!(!log.is_valid(3, ONE) && !log.is_valid(4, TWO) && !log.is_valid(1, Term([3; 8])));
}

#[test]
fn a_restore_excuses_only_what_it_lost() {
    let (mut model, alice) = room_with_two();
    model.stored(alice, 2, 2).unwrap();
    model.restored(1, &[ONE]);
    model.run_began(TWO).unwrap();
    model.check_all(model.log().entries()).unwrap();
    model.reset(alice).unwrap();
    model.joined(alice, 1, 1, TWO, false).unwrap();
    model.committed(post(2, ALICE, 3, "c")).unwrap();
    deliver(&mut model, alice, 2).unwrap();
    model.stored(alice, 3, 2).unwrap();
    model.settled(alice).unwrap();
    model.check_all(model.log().entries()).unwrap();
}

#[test]
fn entries_of_an_earlier_run_may_arrive_late_as_that_run_knew_them() {
    let (mut model, alice) = room();
    model.committed(post(1, ALICE, 1, "a")).unwrap();
    model.restored(0, &[ONE]);
    model.run_began(TWO).unwrap();
    deliver_as(&mut model, alice, &post(1, ALICE, 1, "a")).unwrap();
    model.reset(alice).unwrap();
    model.joined(alice, 0, 0, TWO, false).unwrap();
    assert_violates(deliver_as(&mut model, alice, &post(1, ALICE, 1, "a")), Rule::S5);
}

#[test]
fn liveness_requires_every_post_settled_and_every_member_at_the_head() {
    let (mut model, alice) = room_with_two();
    assert_violates(model.settled(alice), Rule::Liveness);
    model.stored(alice, 2, 2).unwrap();
    assert_violates(model.settled(alice), Rule::Liveness);
    model.refused(alice, 3).unwrap();
    model.settled(alice).unwrap();
    model.committed(post(3, 0, 0, "posted")).unwrap();
    assert_violates(model.settled(alice), Rule::Liveness);
    let bob = begin(&mut model, "bob", Start::Head, 4352);
    assert_violates(model.settled(bob), Rule::Liveness);
}

#[test]
fn liveness_requires_that_members_join_after_an_older_log_was_restored() {
    let (mut model, alice) = room_with_two();
    model.stored(alice, 2, 2).unwrap();
    model.refused(alice, 3).unwrap();
    model.restored(1, &[ONE]);
    model.run_began(TWO).unwrap();
    // The new log has as many entries as the old one.
    model.committed(post(2, 0, 0, "the operator speaks")).unwrap();
    assert_violates(model.settled(alice), Rule::Liveness);
    model.reset(alice).unwrap();
    model.joined(alice, 2, 2, TWO, false).unwrap();
    model.settled(alice).unwrap();
}
