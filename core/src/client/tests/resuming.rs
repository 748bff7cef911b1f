//! A client continues the posts of an earlier run of its caller (SPEC 6.5).

use std::vec;
use std::vec::Vec;

use super::server::{SECRET, Server};
use super::world::{Seen, WorldOf, config, secs};
use crate::chat::EntryKind;
use crate::client::{Config, Credential, PostError, RoomConfig, RoomSlot};
use crate::time::Duration;

type World = WorldOf<2>;

const LOBBY: RoomSlot = RoomSlot::FIRST;

/// A first run, which has posted `bodies` and is gone before it received anything about those that
/// were stored after the first `acknowledged`. Returns the server and the instance.
fn first_run(bodies: &[&str], acknowledged: usize) -> (Server, u64) {
    let mut world = World::online();
    let instance = world.client.instance(LOBBY);
    for (number, body) in bodies.iter().enumerate() {
        world.is_deaf = number >= acknowledged;
        world.post(body.as_bytes());
        world.run(secs(1));
    }
    assert_eq!(world.client.unsettled(LOBBY), (bodies.len() - acknowledged) as u64);
    (world.server, instance)
}

/// The next run: continues after `settled` and posts `bodies`.
fn next_run(server: Server, instance: u64, settled: u64, bodies: &[&str]) -> World {
    let mut world = World::start_with(server, &config(), 2);
    assert!(world.client.resume(LOBBY, instance, settled));
    for (number, body) in (settled + 1..).zip(bodies) {
        assert_eq!(world.post(body.as_bytes()), number);
    }
    world
}

fn bodies(server: &Server) -> Vec<Vec<u8>> {
    server.bodies().iter().map(|body| body.to_vec()).collect()
}

fn stored(world: &World) -> Vec<u64> {
    let number = |seen: &Seen| if let Seen::Stored { number, .. } = seen { Some(*number) } else { None };
    world.seen.iter().filter_map(number).collect()
}

#[test]
fn resumed_instance_continues_the_numbers() {
    let (server, instance) = first_run(&["a", "b"], 2);
    let mut world = next_run(server, instance, 2, &["c"]);
    assert_eq!((world.client.instance(LOBBY), world.client.unsettled(LOBBY)), (instance, 1));
    world.run_until(secs(5), |world| world.client.unsettled(LOBBY) == 0);
    assert_eq!(world.server.joins.last().unwrap().instance, instance);
    assert_eq!((world.client.instance(LOBBY), stored(&world)), (instance, vec![3]));
    assert_eq!(bodies(&world.server), [b"a", b"b", b"c"]);
    assert_eq!(world.server.posts.last(), Some(&(3, 2)), "number 3, 2 are settled");
}

#[test]
fn posts_that_the_server_has_already_are_settled_by_welcome() {
    let (server, instance) = first_run(&["a", "b", "c"], 1);
    let mut world = next_run(server, instance, 1, &["b", "c", "d"]);
    world.run_until(secs(5), |world| world.client.unsettled(LOBBY) == 0);
    assert_eq!((stored(&world), bodies(&world.server).len()), (vec![3, 4], 4));
    assert_eq!(bodies(&world.server), [b"a", b"b", b"c", b"d"], "none is stored twice");
    let posted = world.server.posts.iter().filter(|(number, _)| *number == 2).count();
    assert_eq!(posted, 1, "it was not even sent again");
}

#[test]
fn an_instance_that_the_server_has_forgotten_is_renumbered() {
    let (mut server, instance) = first_run(&["a", "b"], 1);
    server.forget_everything();
    server.posts.clear();
    let mut world = next_run(server, instance, 1, &["b", "c"]);
    world.run_until(secs(5), |world| world.client.unsettled(LOBBY) == 0);
    assert_ne!(world.client.instance(LOBBY), instance);
    assert_eq!(world.server.posts, [(1, 0), (2, world.server.posts[1].1)]);
    assert_eq!((bodies(&world.server), world.post(b"d")), (vec![b"b".to_vec(), b"c".to_vec()], 4));
}

#[test]
fn more_posts_may_be_stored_than_are_known() {
    let (server, instance) = first_run(&["a", "b", "c"], 0);
    // The caller has lost all but the first one.
    let mut world = next_run(server, instance, 0, &["a"]);
    world.run_until(secs(5), |world| world.client.unsettled(LOBBY) == 0);
    assert_eq!((stored(&world), world.post(b"d")), (vec![3], 4));
    world.run_until(secs(5), |world| world.client.unsettled(LOBBY) == 0);
    assert_eq!(bodies(&world.server), [b"a", b"b", b"c", b"d"]);
}

#[test]
fn a_post_refused_in_an_earlier_run_is_never_sent() {
    let (server, instance) = first_run(&["a"], 0);
    let mut world = next_run(server, instance, 0, &["a"]);
    assert_eq!(world.client.post_refused(LOBBY), Ok(2));
    assert_eq!(world.post(b"c"), 3);
    world.run_until(secs(5), |world| world.client.unsettled(LOBBY) == 0);
    assert_eq!((stored(&world), bodies(&world.server)), (vec![1, 3], vec![b"a".to_vec(), b"c".to_vec()]));
    assert_eq!(world.server.posts.last(), Some(&(3, 2)), "the refused one is settled");
}

#[test]
fn only_a_room_without_posts_that_was_not_joined_is_resumed() {
    let mut world = World::start(&config());
    world.post(b"a");
    assert!(!world.client.resume(LOBBY, 5, 9), "something was posted");
    let mut world = World::online();
    assert!(!world.client.resume(LOBBY, 5, 9), "it was joined");
    let secret = RoomConfig { credential: Credential::Secret(SECRET), ..RoomConfig::new("attic") };
    let attic = world.client.join(world.now, &secret).unwrap();
    assert!(world.client.resume(attic, 5, 9) && !world.client.resume(attic, 6, 10));
    assert_eq!(world.client.post(attic, EntryKind::TEXT, b"x"), Ok(10));
    world.run_until(secs(5), |world| world.client.unsettled(attic) == 0);
    assert_ne!(world.client.instance(attic), 5, "the server does not know it");
    world.client.leave(world.now);
    assert_eq!(world.client.post_refused(attic), Err(PostError::NotRunning));
    let mut world = World::start(&Config { ..config() });
    world.run(Duration::from_millis(1));
    assert!(world.client.resume(LOBBY, 5, 0), "the Join is not signed yet");
}
