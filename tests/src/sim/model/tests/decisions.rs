//! Removals, retention, sanctions and admissions.

use std::collections::BTreeSet;
use std::sync::Arc;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_server::store::{Admission, Commit, InviteUse, LogEntry, RoomBatch, RoomRecord, SanctionKind, ServerBatch};

use super::super::{Admissions, sanction_reason};
use super::*;

/// The entry that states the removal of entry 1.
fn removal(seq: u64, author: &str) -> Committed {
    let entry = post(seq, 0, 0, "");
    Committed {
        author: author.into(),
        kind: EntryKind::REMOVAL.0,
        body: 1_u64.to_be_bytes().as_slice().into(),
        ..entry
    }
}

#[test]
fn a_removed_body_is_delivered_to_nobody_who_joins_after_its_removal() {
    let (mut model, alice) = room_with_two();
    let before = model.log().get(1).unwrap().clone();
    let bob = begin(&mut model, "bob", Start::Last(9), 4352);
    model.joined(bob, 0, 2, ONE, false).unwrap();
    let carol = begin(&mut model, "carol", Start::Last(9), 4352);
    model.committed(removal(3, "alice")).unwrap();
    // It was on its way to bob.
    deliver_as(&mut model, bob, &before).unwrap();
    model.joined(carol, 0, 3, ONE, false).unwrap();
    assert_violates(deliver_as(&mut model, carol, &before), Rule::Removal);
    deliver(&mut model, carol, 1).unwrap();
    deliver(&mut model, alice, 3).unwrap();
    model.check_all(model.log().entries()).unwrap();
    let mut back = model.log().entries().to_vec();
    back[0] = before;
    assert_violates(model.check_all(&back), Rule::Log);
}

#[test]
fn the_server_operators_and_authors_remove_messages_once() {
    let is_allowed = |author: &str| room_with_two().0.committed(removal(3, author));
    assert_eq!((is_allowed("alice"), is_allowed("server")), (Ok(()), Ok(())));
    assert_violates(is_allowed("bob"), Rule::Removal);
    let mut model = room_with_two().0;
    let kept = None;
    model.begin(Begin {
        name: "bob",
        other_names: Vec::new(),
        identity: 1,
        is_operator: true,
        start: Start::Head,
        max_entry_len: 9,
        kept,
    });
    model.committed(removal(3, "bob")).unwrap();
    assert_violates(model.committed(removal(4, "bob")), Rule::Removal);
}

#[test]
fn a_restore_brings_a_body_back() {
    let (mut model, alice) = room_with_two();
    model.committed(removal(3, "alice")).unwrap();
    model.restored(2, &[ONE]);
    model.run_began(TWO).unwrap();
    model.joined(alice, 2, 2, TWO, true).unwrap();
    assert_eq!(&*model.log().get(1).unwrap().body, b"a");
    model.check_all(model.log().entries()).unwrap();
}

#[test]
fn only_a_surplus_prefix_goes_and_a_welcome_may_state_each_first() {
    let mut model = room_with_two().0;
    assert_violates(model.expired(2), Rule::Log);
    model.bounded(Kept { entries: 1, ..Kept::default() });
    assert_violates(model.expired(3), Rule::Log);
    model.expired(2).unwrap();
    let bob = begin(&mut model, "bob", Start::Last(9), 4352);
    model.joined(bob, 1, 2, ONE, false).unwrap();
    model.committed(post(3, ALICE, 3, "c")).unwrap();
    let carol = begin(&mut model, "carol", Start::Last(9), 4352);
    assert_violates(model.joined(carol, 0, 3, ONE, false), Rule::S4);
    model.expired(3).unwrap();
    model.gap(bob, 1, 3).unwrap();
    model.joined(bob, 2, 3, ONE, true).unwrap();
}

#[test]
fn a_sanctioned_identity_has_no_entry_until_that_is_lifted() {
    for kind in [SanctionKind::Ban, SanctionKind::Mute] {
        let sanctioned = || {
            let (mut model, _) = room();
            model.imposed(7, (0, kind));
            // It was accepted before.
            model.committed(post(1, ALICE, 1, "a")).unwrap();
            model.committed(post(2, 0, 0, &format!("alice is out: {}", sanction_reason(7)))).unwrap();
            model
        };
        let mut model = sanctioned();
        assert!(model.is_sanctioned((0, kind)));
        assert_violates(model.sanctions_loaded(BTreeSet::new()), Rule::Sanction);
        assert_violates(model.committed(post(3, ALICE, 2, "b")), Rule::Sanction);
        let mut model = sanctioned();
        model.lifted((0, kind));
        model.committed(post(3, ALICE, 2, "b")).unwrap();
    }
}

const ANA: PublicIdentity = PublicIdentity([1; 32]);

fn admit(invite: Option<u32>, number: u32) -> Commit {
    let uses = invite.map(|invite| InviteUse { invite, number, identity: ANA, time_ms: 0 });
    let batch = RoomBatch { admissions: vec![Admission { identity: ANA, tag: [0; 16] }], ..RoomBatch::default() };
    let server = ServerBatch { invite_uses: uses.into_iter().collect(), ..ServerBatch::default() };
    Commit { server: Arc::new(server), ..batch.into() }
}

#[test]
fn an_ended_invite_admits_nobody() {
    let invited = || Admissions::new(BTreeSet::from([ANA]), false);
    let mut admissions = invited();
    assert_violates(admissions.committed(&admit(None, 0), |_| false), Rule::Admission);
    let mut admissions = invited();
    admissions.made(1, Some(1), Some(5));
    assert_violates(admissions.committed(&admit(Some(1), 2), |_| false), Rule::Admission);
    let mut admissions = invited();
    admissions.made(1, Some(1), Some(5));
    assert_violates(admissions.committed(&admit(Some(1), 1), |expires_ms| expires_ms == 5), Rule::Admission);
    let mut admissions = invited();
    admissions.made(1, Some(1), Some(5));
    admissions.committed(&admit(Some(1), 1), |_| false).unwrap();
    assert!(admissions.was_admitted(ANA) && !admissions.is_admitted(ANA));
    admissions.joined(ANA);
    assert!(admissions.is_admitted(ANA));
    assert_violates(admissions.committed(&admit(Some(1), 2), |_| false), Rule::Admission);
}

#[test]
fn nobody_is_admitted_whom_an_operator_did_not_let_in() {
    let mut admissions = Admissions::new(BTreeSet::new(), true);
    assert_violates(admissions.committed(&admit(None, 0), |_| false), Rule::Admission);
    let mut admissions = Admissions::new(BTreeSet::new(), true);
    admissions.accepted(ANA);
    admissions.committed(&admit(None, 0), |_| false).unwrap();
}

/// A commit to the room of an entry of `kind` by the server about alice, with this record.
fn decide(model: &mut Model, record: Option<RoomRecord>, kind: EntryKind, body: &str) -> Checked {
    let (author, body) = ("alice".to_owned(), body.as_bytes().to_vec());
    let entry = LogEntry { seq: 1, time_ms: 0, author, instance: 0, number: 0, kind, body };
    model.decided(record.as_ref(), Some(&RoomBatch { entries: vec![entry], ..RoomBatch::default() }))
}

#[test]
fn a_closed_room_takes_no_posts_and_admits_nobody_until_it_is_opened() {
    let (mut model, _) = room();
    let closed = RoomRecord { is_closed: true, ..RoomRecord::named("room") };
    // Accepted before, in the commit that closes the room.
    decide(&mut model, Some(closed.clone()), EntryKind::TEXT, "a").unwrap();
    decide(&mut model, None, EntryKind::LEFT, "").unwrap();
    for kind in [EntryKind::TEXT, EntryKind::JOINED] {
        assert_violates(decide(&mut model, None, kind, "b"), Rule::Operation);
    }
    let admissions = vec![Admission { identity: PublicIdentity([1; 32]), tag: [0; 16] }];
    let batch = RoomBatch { admissions, ..RoomBatch::default() };
    assert_violates(model.decided(None, Some(&batch)), Rule::Operation);
    assert_violates(model.record_loaded(Some(&RoomRecord::named("room"))), Rule::Operation);
    model.record_loaded(Some(&closed)).unwrap();
    decide(&mut model, Some(RoomRecord::named("room")), EntryKind::JOINED, "").unwrap();
}

#[test]
fn each_change_of_the_topic_is_an_entry_of_the_same_commit() {
    let (mut model, _) = room();
    let about = |topic: &str| Some(RoomRecord { topic: topic.into(), ..RoomRecord::named("room") });
    assert_violates(decide(&mut model, about("one"), EntryKind::LEFT, ""), Rule::Operation);
    decide(&mut model, about("one"), EntryKind::TOPIC, "one").unwrap();
    assert_violates(decide(&mut model, None, EntryKind::TOPIC, "two"), Rule::Operation);
    assert_violates(decide(&mut model, about("two"), EntryKind::TOPIC, "one"), Rule::Operation);
    // One that is opened again, too, but none with which a room is created.
    model.opened("three");
    assert_violates(decide(&mut model, about("three"), EntryKind::LEFT, ""), Rule::Operation);
    let (mut model, _) = room();
    model.opened("three");
    decide(&mut model, about("three"), EntryKind::LEFT, "").unwrap();
    assert_eq!(model.topic(), "three");
}

/// An entry by the server about a member.
fn about(seq: u64, author: &str, kind: EntryKind, body: &str) -> Committed {
    Committed { author: author.into(), kind: kind.0, ..post(seq, 0, 0, body) }
}

#[test]
fn a_member_takes_no_name_of_another_but_its_own_that_it_gave_up_in_another_room() {
    let (mut model, _) = room();
    let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let begin = Begin {
        name: "bob",
        other_names: names(["bobx", "boby"]),
        identity: 1,
        is_operator: false,
        start: Start::Head,
        max_entry_len: 4352,
        kept: None,
    };
    model.begin(begin);
    model.committed(about(1, "bob", EntryKind::JOINED, "")).unwrap();
    model.committed(about(2, "bob", EntryKind::RENAMED, "boby")).unwrap();
    model.committed(about(3, "alice", EntryKind::JOINED, "")).unwrap();
    assert_violates(model.committed(about(4, "alice", EntryKind::RENAMED, "boby")), Rule::Names);
    // Present under that name, so nobody else is.
    assert_violates(model.committed(about(4, "bobx", EntryKind::RENAMED, "boby")), Rule::Names);
    model.committed(about(4, "boby", EntryKind::LEFT, "")).unwrap();
    // It was renamed elsewhere meanwhile.
    model.committed(about(5, "bobx", EntryKind::JOINED, "")).unwrap();
    model.committed(about(6, "bobx", EntryKind::RENAMED, "boby")).unwrap();
    assert_violates(model.committed(about(7, "alice", EntryKind::RENAMED, "boby")), Rule::Names);
    model.committed(about(7, "boby", EntryKind::LEFT, "")).unwrap();
}
