//! What the log says of people who come and go (DESIGN 5.4, 6).

use kabar_core::chat::{ClientMessage, EntryKind};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::person::{Asking, asking};
use super::world::World;
use crate::hub::{HubEvent, JobKind, LeaveReason};
use crate::store::Fault;

const JOINED: EntryKind = EntryKind::JOINED;
const LEFT: EntryKind = EntryKind::LEFT;

fn said(world: &World) -> Vec<(String, EntryKind)> {
    world.said()
}

fn ana(kinds: &[EntryKind]) -> Vec<(String, EntryKind)> {
    kinds.iter().map(|kind| ("Ana".to_owned(), *kind)).collect()
}

#[test]
fn who_says_that_it_leaves_has_left_at_once() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    world.people[person].close(world.now);
    world.run_ms(100);
    let last = world.log().last().map(|entry| (entry.author.clone(), entry.kind));
    assert_eq!(last, Some(("Ana".to_owned(), LEFT)));
    assert_eq!(world.people[ben].seqs().last(), Some(&3));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::Left { reason: LeaveReason::Left, .. })));
    assert_eq!(world.hub.who(world.now).len(), 1);
}

#[test]
fn a_leave_message_ends_the_membership_and_not_the_connection() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    assert!(world.people[person].send(&ClientMessage::Leave { handle: 1 }));
    world.run_ms(100);
    assert_eq!((said(&world), world.hub.who(world.now).len()), (ana(&[JOINED, LEFT]), 0));
    assert!(world.people[person].is_connected());
    world.people[person].join(&asking("Ana", 1));
    world.run_ms(100);
    assert_eq!((said(&world), world.hub.who(world.now).len()), (ana(&[JOINED, LEFT, JOINED]), 1));
}

#[test]
fn a_leave_that_comes_with_its_join_is_announced_at_once() {
    let mut world = World::new();
    let person = world.person();
    world.connect(person);
    world.people[person].join(&asking("Ana", 1));
    assert!(world.people[person].send(&ClientMessage::Leave { handle: 1 }));
    world.run_ms(100);
    assert_eq!((said(&world), world.hub.who(world.now).len()), (ana(&[JOINED, LEFT]), 0));
    world.run(Duration::from_secs(120));
    assert_eq!(said(&world), ana(&[JOINED, LEFT]));
}

#[test]
fn a_leave_with_another_join_of_its_identity_under_way_is_not_announced() {
    let mut world = World::new();
    let (early, later) = (world.person(), world.person());
    world.connect(early);
    world.connect(later);
    world.hold(JobKind::Store);
    world.people[early].join(&asking("Ana", 1));
    assert!(world.people[early].send(&ClientMessage::Leave { handle: 1 }));
    world.run_ms(20);
    // Its commit is under way when the same identity asks on another connection.
    world.people[later].join(&asking("Ana", 1));
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(120));
    assert_eq!((said(&world), world.hub.who(world.now).len()), (ana(&[JOINED]), 1));
    world.people[later].close(world.now);
    world.run_ms(100);
    assert_eq!(said(&world), ana(&[JOINED, LEFT]));
}

#[test]
fn who_vanishes_has_left_when_it_was_silent_for_the_idle_time() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    world.people[person].is_cut = true;
    world.run(Duration::from_secs(55));
    assert_eq!(said(&world), ana(&[JOINED]));
    world.run(Duration::from_secs(10));
    assert_eq!(said(&world), ana(&[JOINED, LEFT]));
    world.run(Duration::from_secs(300));
    assert_eq!((said(&world), world.hub.who(world.now).len()), (ana(&[JOINED, LEFT]), 0));
    let is_told = |event: &HubEvent| matches!(event, HubEvent::Left { reason: LeaveReason::Vanished, .. });
    assert!(world.events.iter().any(is_told), "{:?}", world.events);
}

#[test]
fn a_return_within_a_minute_is_not_announced() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    let instance = world.people[person].welcome().instance;
    // A message that breaks its rules: closed by the server, not by Ana.
    assert!(world.people[person].send_raw(&[0, 0]));
    world.run(Duration::from_secs(55));
    assert_eq!(world.hub.who(world.now).len(), 0);
    world.ask(person, &Asking { instance, ..asking("Ana", 1) });
    world.run(Duration::from_secs(50));
    assert_eq!((said(&world), world.hub.who(world.now).len()), (ana(&[JOINED]), 1));
}

#[test]
fn who_does_not_return_within_a_minute_has_left_once() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    assert!(world.people[person].send_raw(&[0, 0]));
    world.run(Duration::from_secs(300));
    assert_eq!(said(&world), ana(&[JOINED, LEFT]));
    world.ask(person, &asking("Ana", 1));
    assert_eq!(said(&world), ana(&[JOINED, LEFT, JOINED]));
}

#[test]
fn a_restart_of_the_server_announces_only_who_does_not_return() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    world.join(&asking("Ben", 2));
    let instance = world.people[person].welcome().instance;
    world.restart();
    world.run(Duration::from_secs(30));
    world.ask(person, &Asking { instance, ..asking("Ana", 1) });
    world.run(Duration::from_secs(120));
    let expected = [("Ana", JOINED), ("Ben", JOINED), ("Ben", LEFT)].map(|(name, kind)| (name.to_owned(), kind));
    assert_eq!(said(&world), expected);
    // And it is not said again by the next run.
    world.people[person].is_cut = true;
    world.restart();
    world.run(Duration::from_secs(120));
    assert_eq!(said(&world)[3..], ana(&[LEFT]));
}

#[test]
fn a_large_room_says_neither_joined_nor_left() {
    let mut world = World::with(|config| config.limits.announced_members = 2);
    let people: Vec<usize> = (1..=4).map(|key| world.join(&asking(&format!("p{key}"), key))).collect();
    assert_eq!(said(&world).len(), 2);
    for person in people.into_iter().rev() {
        world.people[person].close(world.now);
        world.run_ms(100);
    }
    // Of whom joined was said, left is said too.
    assert_eq!(said(&world).len(), 4);
    assert_eq!(world.hub.who(world.now).len(), 0);
}

#[test]
fn a_member_that_comes_under_another_name_leaves_under_the_old_one() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    world.join(&asking("Anabel", 1));
    assert_eq!(world.people[person].ended, Some(Closed::ByPeer(CloseCode::REPLACED)));
    let mut said = said(&world);
    said.sort();
    let expected = [("Ana", JOINED), ("Ana", LEFT), ("Anabel", JOINED)].map(|(name, kind)| (name.to_owned(), kind));
    assert_eq!(said, expected);
    assert_eq!(world.hub.who(world.now).len(), 1);
}

#[test]
fn who_returns_with_its_name_written_otherwise_is_still_here() {
    let mut world = World::new();
    let person = world.join(&asking("Ana", 1));
    assert!(world.people[person].send_raw(&[0, 0]));
    world.run_ms(100);
    world.ask(person, &asking("ANA", 1));
    assert_eq!((said(&world), world.hub.who(world.now)[0].name.as_str()), (ana(&[JOINED]), "ANA"));
    world.people[person].close(world.now);
    world.run_ms(100);
    assert_eq!(said(&world)[1..], [("ANA".to_owned(), LEFT)]);
}

#[test]
fn joined_is_not_said_of_who_vanished_before_its_commit() {
    let mut world = World::new();
    let ben = world.join(&asking("Ben", 2));
    world.hold(crate::hub::JobKind::Store);
    // Ben's post occupies the store; Ana's Join collects behind it, and Ana goes.
    world.people[ben].post(1, "busy");
    world.run_ms(20);
    let person = world.person();
    world.connect(person);
    world.people[person].join(&asking("Ana", 1));
    world.run_ms(20);
    world.people[person].close(world.now);
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(100));
    assert_eq!(said(&world).len(), 1, "{:?}", said(&world));
}

#[test]
fn who_vanished_during_its_commit_has_left_once() {
    let mut world = World::new();
    world.hold(crate::hub::JobKind::Store);
    let person = world.person();
    world.connect(person);
    world.people[person].join(&asking("Ana", 1));
    world.run_ms(20);
    world.people[person].close(world.now);
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(100));
    assert_eq!(said(&world), ana(&[JOINED, LEFT]));
}

#[test]
fn a_refused_join_whose_commit_happened_after_all_is_taken_back() {
    let mut world = World::new();
    world.run_ms(10);
    world.store.set_fault(Some(Fault::UncertainApplied));
    let person = world.person();
    world.ask(person, &asking("Ana", 1));
    assert!(!world.people[person].is_welcome());
    world.store.set_fault(None);
    world.run(Duration::from_secs(100));
    assert_eq!((said(&world), world.hub.who(world.now).len()), (ana(&[JOINED, LEFT]), 0));
}
