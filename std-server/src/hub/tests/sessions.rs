//! Several sessions of one identity: one member, one presence (SPEC 6.2, 6.4).

use kabar_core::chat::{ClientMessage, EntryKind, PostRefusedCode, RefusedCode, Request};
use kabar_core::connection::{CloseCode, Closed};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::World;
use crate::hub::{JobKind, RoomId};

fn kinds(world: &World) -> Vec<EntryKind> {
    world.announcements().into_iter().map(|(_, kind)| kind).collect()
}

fn members(world: &World) -> usize {
    world.hub.who(world.now, RoomId::FIRST).len()
}

/// Two sessions of Ana.
fn two_sessions() -> (World, usize, usize) {
    let mut world = World::new();
    let first = world.join(&join_args("Ana", 1));
    let second = world.join(&join_args("Ana", 1));
    (world, first, second)
}

#[test]
fn sessions_of_one_identity_are_one_member() {
    let (mut world, first, second) = two_sessions();
    assert_eq!((kinds(&world), members(&world)), (vec![EntryKind::JOINED], 1));
    assert_eq!(world.hub.who(world.now, RoomId::FIRST)[0].sessions, 2);
    assert_eq!((world.clients[second].welcome().members, world.hub.status(RoomId::FIRST).members), (1, 1));
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ben].post(1, "hello");
    assert!(world.clients[ben].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    world.run_ms(100);
    for client in [first, second] {
        assert_eq!((world.clients[client].texts(), world.clients[client].closed), (vec!["hello".to_owned()], None));
    }
    let names = world.clients[ben].received.iter().filter_map(|received| match received {
        Received::Member { name, .. } => name.clone(),
        _ => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), ["Ana", "Ben"]);
}

#[test]
fn each_session_numbers_its_own_posts() {
    let (mut world, first, second) = two_sessions();
    assert_ne!(world.clients[first].welcome().instance, world.clients[second].welcome().instance);
    world.clients[first].post(1, "one");
    world.run_ms(50);
    assert_eq!((world.clients[first].stored(), world.clients[second].stored()), (1, 0));
    world.clients[second].post(1, "two");
    world.run_ms(50);
    assert_eq!((world.clients[first].stored(), world.clients[second].stored()), (1, 1));
    assert_eq!(world.texts(), ["one", "two"]);
    for client in [first, second] {
        assert_eq!(world.clients[client].texts(), ["one", "two"]);
    }
}

#[test]
fn a_member_leaves_with_its_last_session() {
    for ends in [[true, true], [true, false], [false, true], [false, false]] {
        let (mut world, first, second) = two_sessions();
        for (client, is_left) in [first, second].into_iter().zip(ends) {
            assert_eq!((kinds(&world), members(&world)), (vec![EntryKind::JOINED], 1), "{ends:?}");
            if is_left {
                let now = world.now;
                world.clients[client].close(now);
            } else {
                assert!(world.clients[client].send_raw(&[0, 0]));
            }
            world.run_ms(100);
        }
        assert_eq!(members(&world), 0);
        // One that vanished may return.
        let is_announced = kinds(&world).len() == 2;
        assert_eq!(is_announced, ends[1], "{ends:?}");
        world.run(Duration::from_secs(120));
        assert_eq!(kinds(&world), [EntryKind::JOINED, EntryKind::LEFT], "{ends:?}");
    }
}

#[test]
fn a_client_that_joins_again_replaces_its_own_session_only() {
    let (mut world, first, second) = two_sessions();
    let instance = world.clients[first].welcome().instance;
    let again = world.join(&JoinArgs { instance, ..join_args("Ana", 1) });
    world.clients[again].post(1, "again");
    world.clients[second].post(1, "second");
    world.run_ms(100);
    assert_eq!((world.clients[again].stored(), world.clients[second].stored()), (1, 1));
    assert_eq!(world.hub.who(world.now, RoomId::FIRST)[0].sessions, 2);
    assert_eq!((kinds(&world), world.hub.counters().replaced), (vec![EntryKind::JOINED], 0));
}

#[test]
fn the_session_that_was_silent_for_longest_makes_room() {
    let mut world = World::with(|config| config.limits.sessions_per_identity = 2);
    let silent = world.join(&join_args("Ana", 1));
    let other = world.join(&join_args("Ana", 1));
    world.clients[silent].is_unreachable = true;
    world.run(Duration::from_secs(2));
    // Its idle time-out is 60 s, and a client that exists is silent for 20 s at most.
    let refused = world.client();
    world.attempt_join(refused, &JoinArgs { name: "Anabel".into(), ..join_args("", 1) });
    assert_eq!(world.clients[refused].refusal(), Some(RefusedCode::TRY_LATER));
    assert_eq!((world.hub.counters().sessions_full, kinds(&world)), (1, vec![EntryKind::JOINED]));
    world.clients[silent].is_cut = true;
    world.clients[other].is_cut = true;
    world.run(Duration::from_secs(15));
    world.clients[other].is_cut = false;
    world.clients[other].post(1, "here");
    world.run(Duration::from_secs(10));
    let new = world.client();
    world.connect(new);
    world.clients[new].join(&join_args("Ana", 1));
    world.clients[silent].is_cut = false;
    world.clients[silent].is_unreachable = false;
    world.run_ms(500);
    assert!(world.clients[new].is_welcome() && world.clients[other].closed.is_none());
    assert_eq!(world.clients[silent].closed, Some(Closed::ByPeer(CloseCode::REPLACED)));
    assert_eq!((world.hub.counters().sessions_full, world.hub.counters().replaced), (2, 1));
    assert_eq!(world.hub.who(world.now, RoomId::FIRST)[0].sessions, 2);
    assert_eq!((kinds(&world), world.texts()), (vec![EntryKind::JOINED], vec!["here".to_owned()]));
}

#[test]
fn the_last_place_goes_to_one_of_two_concurrent_joins() {
    let mut world = World::with(|config| config.limits.sessions_per_identity = 2);
    world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.hub.say(world.now, RoomId::FIRST, "a commit in progress");
    world.run_ms(10);
    let both = [world.client(), world.client()];
    for client in both {
        world.attempt_join(client, &join_args("Ana", 1));
    }
    world.release();
    world.run_ms(100);
    let refusals = both.map(|client| world.clients[client].refusal());
    assert_eq!(refusals, [None, Some(RefusedCode::TRY_LATER)]);
    assert_eq!(world.hub.who(world.now, RoomId::FIRST)[0].sessions, 2);
}

#[test]
fn a_kick_or_ban_ends_all_sessions_and_is_logged_once() {
    for is_ban in [false, true] {
        let (mut world, first, second) = two_sessions();
        let (now, room) = (world.now, RoomId::FIRST);
        let kicked = if is_ban {
            world.hub.ban(now, room, None, "ana", None)
        } else {
            world.hub.kick(now, room, None, "ana", None)
        };
        assert_eq!(kicked, Ok("Ana".to_owned()));
        world.run_ms(100);
        let code = if is_ban { CloseCode::BANNED } else { CloseCode::KICKED };
        for client in [first, second] {
            assert_eq!(world.clients[client].closed, Some(Closed::ByPeer(code)));
        }
        world.run(Duration::from_secs(120));
        assert_eq!((kinds(&world), members(&world)), (vec![EntryKind::JOINED, EntryKind::KICKED], 0));
    }
}

#[test]
fn a_mute_applies_to_all_sessions() {
    let (mut world, first, second) = two_sessions();
    world.hub.mute(world.now, RoomId::FIRST, None, "Ana", None).expect("a member");
    for client in [first, second] {
        world.clients[client].post(1, "hello");
        world.run_ms(50);
        let refused = Received::PostRefused { number: 1, code: PostRefusedCode::MUTED };
        assert!(world.clients[client].received.contains(&refused));
    }
}

#[test]
fn joined_is_written_once_for_concurrent_joins_even_if_the_first_is_lost() {
    for is_lost in [false, true] {
        let mut world = World::new();
        world.hold(JobKind::Store);
        world.hub.say(world.now, RoomId::FIRST, "a commit in progress");
        world.run_ms(10);
        let (first, second) = (world.client(), world.client());
        world.attempt_join(first, &join_args("Ana", 1));
        world.attempt_join(second, &join_args("Ana", 1));
        if is_lost {
            let now = world.now;
            world.clients[first].close(now);
            world.run_ms(20);
        }
        world.release();
        world.run(Duration::from_secs(100));
        assert!(world.clients[second].is_welcome());
        assert_eq!(kinds(&world)[1..], [EntryKind::JOINED], "{is_lost}");
        let now = world.now;
        world.clients[first].close(now);
        world.clients[second].close(now);
        world.run_ms(100);
        assert_eq!(kinds(&world)[1..], [EntryKind::JOINED, EntryKind::LEFT], "{is_lost}");
    }
}

#[test]
fn a_second_session_in_a_large_room_is_not_announced_either() {
    let mut world = World::with(|config| config.limits.announced_members = 1);
    let ben = world.join(&join_args("Ben", 2));
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ben].close(world.now);
    world.run_ms(100);
    world.join(&join_args("Cleo", 3));
    assert_eq!(kinds(&world), [EntryKind::JOINED, EntryKind::LEFT]);
    assert!(world.clients[ana].is_connected());
    // Only Ana is here when she joins once more.
    let now = world.now;
    let cleo = world.clients.len() - 1;
    world.clients[cleo].close(now);
    world.run_ms(100);
    world.join(&join_args("Ana", 1));
    assert_eq!(kinds(&world), [EntryKind::JOINED, EntryKind::LEFT]);
}
