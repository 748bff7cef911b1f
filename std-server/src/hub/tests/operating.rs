//! What an operator does, and that it all can be repeated.

use kabar_core::chat::{EntryKind, RefusedCode, Start};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::crypto::sha256;
use kabar_core::time::Duration;

use super::person::{Asking, asking};
use super::world::World;
use crate::hub::{HubConfig, HubEvent, JobKind, OperatorError};

#[test]
fn the_operator_is_heard_as_the_server() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.hub.say(world.now, "dinner");
    world.run_ms(50);
    let entry = world.log().last().expect("an entry");
    assert_eq!(
        (&*entry.author, entry.kind, entry.instance, &*entry.body),
        ("server", EntryKind::OPERATOR, 0, b"dinner".as_slice())
    );
    assert_eq!(world.people[ana].seqs().last(), Some(&2));
    world.hub.say(world.now, &"é".repeat(4_000));
    world.run_ms(50);
    assert_eq!(world.log().last().expect("an entry").body.len(), 4_096);
}

#[test]
fn who_is_kicked_is_told_and_the_log_says_so() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    assert_eq!(world.hub.kick(world.now, "Ben"), Err(OperatorError::NotHere));
    assert_eq!(world.hub.kick(world.now, "ANA"), Ok("Ana".to_owned()));
    world.run_ms(100);
    assert_eq!(world.people[ana].ended, Some(Closed::ByPeer(CloseCode::KICKED)));
    world.run(Duration::from_secs(100));
    let expected = [EntryKind::JOINED, EntryKind::KICKED].map(|kind| ("Ana".to_owned(), kind));
    assert_eq!(world.said(), expected);
}

#[test]
fn a_released_name_may_be_taken_unless_its_owner_is_here() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    assert_eq!(world.hub.release_name(world.now, "Ana"), Err(OperatorError::InUse));
    assert_eq!(world.hub.release_name(world.now, "Ben"), Err(OperatorError::NoSuchName));
    world.people[ana].close(world.now);
    world.run_ms(100);
    assert_eq!(world.hub.release_name(world.now, "ana"), Ok("Ana".to_owned()));
    world.run_ms(10);
    let ben = world.join(&asking("Ana", 2));
    assert_eq!(world.people[ben].welcome().name, "Ana");
}

#[test]
fn a_name_that_is_released_the_moment_its_owner_left_is_free_at_once() {
    for holds in [false, true] {
        let mut world = World::new();
        let ana = world.join(&asking("Ana", 1));
        world.hold(JobKind::Store);
        if holds {
            // Something else is on its way to the store: leaving and releasing go with the next
            // batch, together.
            world.people[ana].post(1, "one");
            world.run_ms(10);
        }
        world.people[ana].close(world.now);
        world.run_ms(10);
        assert!(world.hub.release_name(world.now, "Ana").is_ok());
        let ben = world.person();
        world.ask(ben, &asking("Ana", 2));
        assert_eq!(world.people[ben].refusal(), None);
        world.release();
        world.run_ms(10);
        assert!(world.people[ben].is_welcome());
        world.restart();
        let ana = world.person();
        world.ask(ana, &asking("Ana", 1));
        assert_eq!(world.people[ana].refusal(), Some(RefusedCode::NAME_TAKEN));
    }
}

#[test]
fn at_shutdown_everybody_is_told_and_what_was_taken_is_committed() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.hold(JobKind::Store);
    world.people[ana].post(1, "one");
    world.run_ms(20);
    world.people[ana].post(2, "two");
    world.run_ms(20);
    world.hub.shutdown(world.now);
    world.run_ms(20);
    assert_eq!(world.people[ana].ended, Some(Closed::ByPeer(CloseCode::SHUTDOWN)));
    assert!(!world.hub.is_finished());
    world.release();
    assert!(world.hub.is_finished());
    assert_eq!(world.texts(), ["one", "two"]);
    // Nobody comes in any more, and it is no departure.
    let ben = world.person();
    let now = world.now;
    world.people[ben].connect(now);
    world.run(Duration::from_secs(3));
    assert!(!world.people[ben].is_connected());
    assert_eq!(world.said().len(), 1);
}

#[test]
fn who_lists_members_with_their_addresses() {
    let mut world = World::new();
    let (ben, ana) = (world.join(&asking("Ben", 2)), world.join(&asking("Ana", 1)));
    let who: Vec<_> = world.hub.who(world.now).into_iter().map(|it| (it.name, it.address)).collect();
    assert_eq!(who, [("Ana".to_owned(), world.people[ana].address), ("Ben".to_owned(), world.people[ben].address)]);
}

#[test]
fn a_member_at_a_new_address_is_told_of() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let to = "10.77.0.1:4000".parse().expect("an address");
    world.people[ana].address = to;
    for number in 1..=5 {
        world.people[ana].post(number, "moving");
        world.run_ms(300);
    }
    assert!(world.events.contains(&HubEvent::Moved { name: "Ana".into(), to }));
    assert_eq!(world.people[ana].stored(), 5);
}

/// Everything that leaves a busy server, as one hash.
fn transcript(configure: impl Fn(&mut HubConfig)) -> [u8; 32] {
    let mut world = World::with(configure);
    for key in 1..=4 {
        let person = world.join(&Asking { start: Start::Last(10), ..asking(&format!("p{key}"), key) });
        for number in 1..=10 {
            world.people[person].post(number, &"x".repeat(usize::from(key) * 100));
        }
        world.run_ms(5);
    }
    world.restart();
    world.people[1].is_cut = true;
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
