//! The actions of an operator, and determinism.

use kabar_core::chat::{EntryKind, RefusedCode, Start};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::crypto::sha256;
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, join_args};
use super::world::World;
use crate::hub::{HubConfig, HubEvent, JobKind, OperatorError, RoomId};

#[test]
fn an_operator_message_is_an_entry_by_the_server() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.hub.say(world.now, RoomId::FIRST, "dinner");
    world.run_ms(50);
    let entry = world.log().last().expect("an entry");
    assert_eq!(
        (&*entry.author, entry.kind, entry.instance, &*entry.body),
        ("server", EntryKind::OPERATOR, 0, b"dinner".as_slice())
    );
    assert_eq!(world.clients[ana].seqs().last(), Some(&2));
    world.hub.say(world.now, RoomId::FIRST, &"é".repeat(4_000));
    world.run_ms(50);
    assert_eq!(world.log().last().expect("an entry").body.len(), 4_096);
}

#[test]
fn a_kicked_member_is_informed_and_the_kick_is_logged() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(world.hub.kick(world.now, RoomId::FIRST, None, "Ben", None), Err(OperatorError::NotHere));
    assert_eq!(world.hub.kick(world.now, RoomId::FIRST, None, "ANA", None), Ok("Ana".to_owned()));
    world.run_ms(100);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::KICKED)));
    world.run(Duration::from_secs(100));
    let expected = [EntryKind::JOINED, EntryKind::KICKED].map(|kind| ("Ana".to_owned(), kind));
    assert_eq!(world.announcements(), expected);
}

#[test]
fn a_name_can_be_released_unless_its_owner_is_connected() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(world.hub.release_name(world.now, RoomId::FIRST, None, "Ana"), Err(OperatorError::InUse));
    assert_eq!(world.hub.release_name(world.now, RoomId::FIRST, None, "Ben"), Err(OperatorError::NoSuchName));
    world.clients[ana].close(world.now);
    world.run_ms(100);
    assert_eq!(world.hub.release_name(world.now, RoomId::FIRST, None, "ana"), Ok("Ana".to_owned()));
    world.run_ms(10);
    let ben = world.join(&join_args("Ana", 2));
    assert_eq!(world.clients[ben].welcome().name, "Ana");
}

#[test]
fn a_name_released_right_after_its_owner_left_is_free_immediately() {
    for holds in [false, true] {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        world.hold(JobKind::Store);
        if holds {
            // Another commit is in progress: Left and the release are both in the next batch.
            world.clients[ana].post(1, "one");
            world.run_ms(10);
        }
        world.clients[ana].close(world.now);
        world.run_ms(10);
        assert!(world.hub.release_name(world.now, RoomId::FIRST, None, "Ana").is_ok());
        let ben = world.client();
        world.attempt_join(ben, &join_args("Ana", 2));
        assert_eq!(world.clients[ben].refusal(), None);
        world.release();
        world.run_ms(10);
        assert!(world.clients[ben].is_welcome());
        world.restart();
        let ana = world.client();
        world.attempt_join(ana, &join_args("Ana", 1));
        assert_eq!(world.clients[ana].refusal(), Some(RefusedCode::NAME_TAKEN));
    }
}

#[test]
fn shutdown_closes_every_connection_and_commits_accepted_posts() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "one");
    world.run_ms(20);
    world.clients[ana].post(2, "two");
    world.run_ms(20);
    world.hub.shutdown(world.now);
    world.run_ms(20);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::SHUTDOWN)));
    assert!(!world.hub.is_finished());
    world.release();
    assert!(world.hub.is_finished());
    assert_eq!(world.texts(), ["one", "two"]);
    // No one can connect, and shutdown is no departure.
    let ben = world.client();
    let now = world.now;
    world.clients[ben].connect(now);
    world.run(Duration::from_secs(3));
    assert!(!world.clients[ben].is_connected());
    assert_eq!(world.announcements().len(), 1);
}

#[test]
fn who_lists_members_with_their_addresses() {
    let mut world = World::new();
    let (ben, ana) = (world.join(&join_args("Ben", 2)), world.join(&join_args("Ana", 1)));
    let who: Vec<_> = world.hub.who(world.now, RoomId::FIRST).into_iter().map(|it| (it.name, it.address)).collect();
    assert_eq!(who, [("Ana".to_owned(), world.clients[ana].address), ("Ben".to_owned(), world.clients[ben].address)]);
}

#[test]
fn a_member_that_moves_to_a_new_address_is_reported() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let to = "10.77.0.1:4000".parse().expect("an address");
    world.clients[ana].address = to;
    for number in 1..=5 {
        world.clients[ana].post(number, "moving");
        world.run_ms(300);
    }
    assert!(world.events.contains(&HubEvent::Moved { name: "Ana".into(), to }));
    assert_eq!(world.clients[ana].stored(), 5);
}

/// A hash of all output of a busy server.
fn transcript(configure: impl Fn(&mut HubConfig)) -> [u8; 32] {
    let mut world = World::with(configure);
    for key in 1..=4 {
        let client = world.join(&JoinArgs { start: Start::Last(10), ..join_args(&format!("p{key}"), key) });
        for number in 1..=10 {
            world.clients[client].post(number, &"x".repeat(usize::from(key) * 100));
        }
        world.run_ms(5);
    }
    world.restart();
    world.clients[1].is_cut = true;
    world.run(Duration::from_secs(70));
    let text = format!("{:?} {:?} {:?}", world.sent, world.events, world.log());
    sha256(&[text.as_bytes(), &world.hub.state_digest()])
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let outputs = transcript(|_| {});
    assert_eq!(outputs, transcript(|_| {}));
    assert_ne!(outputs, transcript(|config| config.limits.body_bytes = 200));
}
