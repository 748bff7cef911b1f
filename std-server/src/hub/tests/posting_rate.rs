//! The rate of posts: beyond it a member's stream is not read, and nothing is lost (SPEC 6.5).

use kabar_core::chat::{ClientMessage, EntryKind, NOTICE_RATE, Request};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::World;
use crate::hub::{HubConfig, RoomId};

/// A room in which a member posts 5 lines at once, then 10 a second.
fn slow_room() -> World {
    World::with(limit)
}

fn limit(config: &mut HubConfig) {
    (config.limits.post_burst, config.limits.post_rate) = (5, 10);
}

/// Posts numbers `from` to `to` at once.
fn post(world: &mut World, client: usize, from: u64, to: u64) {
    for number in from..=to {
        world.clients[client].post(number, &format!("{client} {number}"));
    }
    world.run_ms(20);
}

fn notices(world: &World, client: usize) -> usize {
    world.clients[client].received.iter().filter(|received| **received == Received::Notice(NOTICE_RATE)).count()
}

#[test]
fn posts_beyond_the_burst_are_accepted_at_the_rate_and_none_is_lost() {
    let mut world = slow_room();
    let ana = world.join(&join_args("Ana", 1));
    post(&mut world, ana, 1, 30);
    assert_eq!((world.texts().len(), world.hub.counters().posts_held), (5, 1));
    for second in 1..=2 {
        world.run(Duration::from_secs(1));
        let accepted = world.texts().len();
        assert!((5 + 10 * second - 1..=5 + 10 * second + 1).contains(&accepted), "{accepted} after {second} s");
    }
    world.run(Duration::from_secs(1));
    let posted: Vec<String> = (1..=30).map(|number| format!("{ana} {number}")).collect();
    assert_eq!((world.texts(), world.clients[ana].stored()), (posted, 30));
    assert_eq!(world.clients[ana].closed, None);
}

#[test]
fn a_member_that_is_slowed_down_receives_and_slows_nobody() {
    let mut world = slow_room();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    post(&mut world, ana, 1, 30);
    post(&mut world, ben, 1, 5);
    assert_eq!(world.clients[ben].stored(), 5, "each member has its own burst");
    assert_eq!(world.clients[ana].texts().len(), 10);
    world.run(Duration::from_secs(4));
    assert_eq!(world.clients[ben].texts(), world.clients[ana].texts());
    assert_eq!(world.clients[ben].texts().len(), 35);
}

#[test]
fn what_follows_a_post_in_the_stream_waits_with_it() {
    let mut world = slow_room();
    let ana = world.join(&join_args("Ana", 1));
    post(&mut world, ana, 1, 7);
    assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    let is_listed =
        |world: &World| world.clients[ana].received.iter().any(|received| matches!(received, Received::Member { .. }));
    world.run_ms(100);
    assert!(!is_listed(&world) && world.texts().len() < 7);
    world.run_ms(200);
    assert!(is_listed(&world) && world.texts().len() == 7);
}

#[test]
fn a_member_is_notified_once_until_it_paused() {
    let mut world = slow_room();
    let ana = world.join(&join_args("Ana", 1));
    post(&mut world, ana, 1, 5);
    assert_eq!(notices(&world, ana), 0);
    post(&mut world, ana, 6, 25);
    world.run(Duration::from_secs(3));
    assert_eq!((world.texts().len(), notices(&world, ana)), (25, 1));
    world.run(Duration::from_secs(1));
    post(&mut world, ana, 26, 40);
    world.run(Duration::from_secs(2));
    assert_eq!((world.texts().len(), notices(&world, ana)), (40, 2));
}

#[test]
fn a_new_connection_does_not_refill_the_burst() {
    let mut world = slow_room();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    post(&mut world, ana, 1, 30);
    let before = world.texts().len() as u64;
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    // Half a second and a handshake: no more than their tokens.
    let highest = world.clients[ana].welcome().highest;
    post(&mut world, ana, highest + 1, 30);
    assert!((before..before + 8).contains(&(world.texts().len() as u64)), "{before}, {}", world.texts().len());
    world.run(Duration::from_secs(4));
    assert_eq!(world.texts().len(), 30);
}

#[test]
fn the_sessions_of_a_member_share_its_rate_and_take_turns() {
    let mut world = slow_room();
    let sessions = [(); 2].map(|()| world.join(&join_args("Ana", 1)));
    for session in sessions {
        post(&mut world, session, 1, 40);
    }
    world.run(Duration::from_secs(2));
    let [first, second] = sessions.map(|session| world.clients[session].stored());
    assert!((23..=27).contains(&(first + second)), "{first} {second}");
    // All that were accepted at once are of the first.
    assert!((first - 5).abs_diff(second) <= 2, "{first} {second}");
}

#[test]
fn repeated_and_refused_posts_take_nothing_from_the_rate() {
    let mut world = slow_room();
    let ana = world.join(&join_args("Ana", 1));
    post(&mut world, ana, 1, 3);
    for _ in 0..10 {
        world.clients[ana].post(3, "again");
    }
    world.run_ms(20);
    for number in 4..=13 {
        assert!(world.clients[ana].post_as(EntryKind::JOINED, number, number - 1, b""));
    }
    world.run_ms(20);
    assert_eq!((world.hub.counters().posts_repeated, world.hub.counters().posts_refused), (10, 10));
    post(&mut world, ana, 14, 15);
    assert_eq!((world.texts().len(), world.hub.counters().posts_held), (5, 0));
}

#[test]
fn the_operator_is_not_limited() {
    let mut world = slow_room();
    for number in 1..=20 {
        world.hub.say(world.now, RoomId::FIRST, &number.to_string());
    }
    world.run_jobs();
    let by_operator = world.log().iter().filter(|entry| entry.kind == EntryKind::OPERATOR).count();
    assert_eq!(by_operator, 20);
}

#[test]
fn a_rate_that_is_off_limits_nobody() {
    let mut world = World::with(|config| (config.limits.post_burst, config.limits.post_rate) = (1, 0));
    let ana = world.join(&join_args("Ana", 1));
    post(&mut world, ana, 1, 100);
    assert_eq!((world.texts().len(), world.hub.counters().posts_held), (100, 0));
}

#[test]
fn a_member_that_leaves_while_it_is_slowed_down_is_gone_at_once() {
    let mut world = slow_room();
    let ana = world.join(&join_args("Ana", 1));
    post(&mut world, ana, 1, 30);
    let now = world.now;
    world.clients[ana].close(now);
    world.run_ms(50);
    let accepted = world.texts().len();
    world.run(Duration::from_secs(5));
    assert_eq!((world.texts().len(), world.hub.status(RoomId::FIRST).members), (accepted, 0));
}
