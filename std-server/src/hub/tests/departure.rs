//! Entries in the log about members that join and leave (SPEC 6.4).

use kabar_core::chat::{ClientMessage, EntryKind};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, join_args};
use super::world::World;
use crate::hub::{HubEvent, JobKind, LeaveReason, RoomId};
use crate::store::Fault;

const JOINED: EntryKind = EntryKind::JOINED;
const LEFT: EntryKind = EntryKind::LEFT;

fn announcements(world: &World) -> Vec<(String, EntryKind)> {
    world.announcements()
}

fn ana(kinds: &[EntryKind]) -> Vec<(String, EntryKind)> {
    kinds.iter().map(|kind| ("Ana".to_owned(), *kind)).collect()
}

#[test]
fn a_member_that_closes_as_left_has_left_immediately() {
    let mut world = World::new();
    let client = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.clients[client].close(world.now);
    world.run_ms(100);
    let last = world.log().last().map(|entry| (entry.author.clone(), entry.kind));
    assert_eq!(last, Some(("Ana".to_owned(), LEFT)));
    assert_eq!(world.clients[ben].seqs().last(), Some(&3));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::Left { reason: LeaveReason::Left, .. })));
    assert_eq!(world.hub.who(world.now, RoomId::FIRST).len(), 1);
}

#[test]
fn leave_ends_the_membership_and_keeps_the_connection() {
    let mut world = World::new();
    let client = world.join(&join_args("Ana", 1));
    assert!(world.clients[client].send(&ClientMessage::Leave { handle: 1 }));
    world.run_ms(100);
    assert_eq!((announcements(&world), world.hub.who(world.now, RoomId::FIRST).len()), (ana(&[JOINED, LEFT]), 0));
    assert!(world.clients[client].is_connected());
    world.clients[client].join(&join_args("Ana", 1));
    world.run_ms(100);
    assert_eq!(
        (announcements(&world), world.hub.who(world.now, RoomId::FIRST).len()),
        (ana(&[JOINED, LEFT, JOINED]), 1)
    );
}

#[test]
fn a_leave_sent_together_with_its_join_is_announced_immediately() {
    let mut world = World::new();
    let client = world.client();
    world.connect(client);
    world.clients[client].join(&join_args("Ana", 1));
    assert!(world.clients[client].send(&ClientMessage::Leave { handle: 1 }));
    world.run_ms(100);
    assert_eq!((announcements(&world), world.hub.who(world.now, RoomId::FIRST).len()), (ana(&[JOINED, LEFT]), 0));
    world.run(Duration::from_secs(120));
    assert_eq!(announcements(&world), ana(&[JOINED, LEFT]));
}

#[test]
fn a_leave_during_another_join_of_its_identity_is_not_announced() {
    let mut world = World::new();
    let (early, later) = (world.client(), world.client());
    world.connect(early);
    world.connect(later);
    world.hold(JobKind::Store);
    world.clients[early].join(&join_args("Ana", 1));
    assert!(world.clients[early].send(&ClientMessage::Leave { handle: 1 }));
    world.run_ms(20);
    // Its commit is in progress when the same identity joins on another connection.
    world.clients[later].join(&join_args("Ana", 1));
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(120));
    assert_eq!((announcements(&world), world.hub.who(world.now, RoomId::FIRST).len()), (ana(&[JOINED]), 1));
    world.clients[later].close(world.now);
    world.run_ms(100);
    assert_eq!(announcements(&world), ana(&[JOINED, LEFT]));
}

#[test]
fn a_vanished_member_has_left_after_its_idle_time() {
    let mut world = World::new();
    let client = world.join(&join_args("Ana", 1));
    world.clients[client].is_cut = true;
    world.run(Duration::from_secs(55));
    assert_eq!(announcements(&world), ana(&[JOINED]));
    world.run(Duration::from_secs(10));
    assert_eq!(announcements(&world), ana(&[JOINED, LEFT]));
    world.run(Duration::from_secs(300));
    assert_eq!((announcements(&world), world.hub.who(world.now, RoomId::FIRST).len()), (ana(&[JOINED, LEFT]), 0));
    let is_reported = |event: &HubEvent| matches!(event, HubEvent::Left { reason: LeaveReason::Vanished, .. });
    assert!(world.events.iter().any(is_reported), "{:?}", world.events);
}

#[test]
fn a_return_within_a_minute_is_not_announced() {
    let mut world = World::new();
    let client = world.join(&join_args("Ana", 1));
    let instance = world.clients[client].welcome().instance;
    // A malformed message: the server closes the connection, not Ana.
    assert!(world.clients[client].send_raw(&[0, 0]));
    world.run(Duration::from_secs(55));
    assert_eq!(world.hub.who(world.now, RoomId::FIRST).len(), 0);
    world.attempt_join(client, &JoinArgs { instance, ..join_args("Ana", 1) });
    world.run(Duration::from_secs(50));
    assert_eq!((announcements(&world), world.hub.who(world.now, RoomId::FIRST).len()), (ana(&[JOINED]), 1));
}

#[test]
fn a_member_that_does_not_return_within_a_minute_has_left_once() {
    let mut world = World::new();
    let client = world.join(&join_args("Ana", 1));
    assert!(world.clients[client].send_raw(&[0, 0]));
    world.run(Duration::from_secs(300));
    assert_eq!(announcements(&world), ana(&[JOINED, LEFT]));
    world.attempt_join(client, &join_args("Ana", 1));
    assert_eq!(announcements(&world), ana(&[JOINED, LEFT, JOINED]));
}

#[test]
fn after_a_restart_only_members_that_do_not_return_have_left() {
    let mut world = World::new();
    let client = world.join(&join_args("Ana", 1));
    world.join(&join_args("Ben", 2));
    let instance = world.clients[client].welcome().instance;
    world.restart();
    world.run(Duration::from_secs(30));
    world.attempt_join(client, &JoinArgs { instance, ..join_args("Ana", 1) });
    world.run(Duration::from_secs(120));
    let expected = [("Ana", JOINED), ("Ben", JOINED), ("Ben", LEFT)].map(|(name, kind)| (name.to_owned(), kind));
    assert_eq!(announcements(&world), expected);
    // And the next run does not announce it again.
    world.clients[client].is_cut = true;
    world.restart();
    world.run(Duration::from_secs(120));
    assert_eq!(announcements(&world)[3..], ana(&[LEFT]));
}

#[test]
fn a_large_room_announces_neither_joined_nor_left() {
    let mut world = World::with(|config| config.limits.announced_members = 2);
    let clients: Vec<usize> = (1..=4).map(|key| world.join(&join_args(&format!("p{key}"), key))).collect();
    assert_eq!(announcements(&world).len(), 2);
    for client in clients.into_iter().rev() {
        world.clients[client].close(world.now);
        world.run_ms(100);
    }
    // Left is written for each member whose joined was.
    assert_eq!(announcements(&world).len(), 4);
    assert_eq!(world.hub.who(world.now, RoomId::FIRST).len(), 0);
}

#[test]
fn a_join_whose_connection_ends_before_its_commit_is_not_announced() {
    let mut world = World::new();
    let ben = world.join(&join_args("Ben", 2));
    world.hold(crate::hub::JobKind::Store);
    // Ben's post is being committed; Ana's Join waits for the next commit, and Ana closes.
    world.clients[ben].post(1, "busy");
    world.run_ms(20);
    let client = world.client();
    world.connect(client);
    world.clients[client].join(&join_args("Ana", 1));
    world.run_ms(20);
    world.clients[client].close(world.now);
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(100));
    assert_eq!(announcements(&world).len(), 1, "{:?}", announcements(&world));
}

#[test]
fn a_join_whose_connection_ends_during_its_commit_has_left_once() {
    let mut world = World::new();
    world.hold(crate::hub::JobKind::Store);
    let client = world.client();
    world.connect(client);
    world.clients[client].join(&join_args("Ana", 1));
    world.run_ms(20);
    world.clients[client].close(world.now);
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(100));
    assert_eq!(announcements(&world), ana(&[JOINED, LEFT]));
}

#[test]
fn a_refused_join_whose_commit_was_applied_is_announced_as_left() {
    let mut world = World::new();
    world.run_ms(10);
    world.store.set_fault(Some(Fault::UncertainApplied));
    let client = world.client();
    world.attempt_join(client, &join_args("Ana", 1));
    assert!(!world.clients[client].is_welcome());
    world.store.set_fault(None);
    world.run(Duration::from_secs(100));
    assert_eq!((announcements(&world), world.hub.who(world.now, RoomId::FIRST).len()), (ana(&[JOINED, LEFT]), 0));
}
