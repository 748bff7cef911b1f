//! All records that a member can create are bounded, in memory and in the store (SPEC 6.2, 6.5,
//! 6.6).

use kabar_core::chat::{ClientMessage, EntryKind, RefusedCode};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, join_args};
use super::world::World;
use crate::hub::{JobKind, RoomId};
use crate::store::{Fault, Store};

const HOUR: Duration = Duration::from_secs(3_600);

/// Records that the store holds: names, instances, admissions, entries.
fn kept(world: &mut World) -> [usize; 4] {
    let loaded = world.store.load_room("lobby").expect("readable");
    let names = world.store.load_server().expect("readable").names.len();
    [names, loaded.instances.len(), loaded.admissions.len(), world.log().len()]
}

/// Sends Join and Leave `rounds` times on one connection, as fast as it accepts them.
fn pipeline(world: &mut World, client: usize, rounds: u32, join_args: impl Fn(u32) -> JoinArgs) {
    for round in 0..rounds {
        while !world.clients[client].try_join(&join_args(round))
            || !world.clients[client].send(&ClientMessage::Leave { handle: 1 })
        {
            if world.clients[client].closed.is_some() {
                return;
            }
            world.run_ms(5);
        }
    }
    world.run_ms(5_000);
}

#[test]
fn second_join_by_another_identity_closes_the_connection() {
    let mut world = World::new();
    let client = world.client();
    world.connect(client);
    pipeline(&mut world, client, 10_000, |round| join_args(&format!("p{round}"), round as u8));
    assert_eq!(world.clients[client].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)));
    let kept = kept(&mut world);
    assert!(kept.iter().all(|count| *count <= 2), "{kept:?}");
}

#[test]
fn repeated_joins_and_leaves_store_a_bounded_amount() {
    // Only the bounds of the records, not those of the rate of Joins.
    let mut world = World::with(|config| config.limits.join_interval = Duration::ZERO);
    let client = world.client();
    world.connect(client);
    pipeline(&mut world, client, 10_000, |round| join_args(&format!("p{}", round % 100), 1));
    assert_eq!((world.clients[client].closed, world.hub.counters().joins), (None, 10_000));
    let [names, instances, admissions, entries] = kept(&mut world);
    // One joined per minute, and one left for each.
    let minutes = 1 + world.now.as_micros() as usize / 60_000_000 - 1_000 / 60;
    // Names whose owner is present in the log are kept until left is written.
    assert!(names <= 3 + 8 && instances <= 16 && admissions == 1, "{names} {instances} {admissions}");
    assert!(entries <= 2 * (8 + minutes), "{entries} in {minutes} minutes");
    let counters = world.hub.counters();
    assert!(counters.announcements_limited > 9_000 && counters.instances_crowded > 9_000, "{counters:?}");
    world.run(HOUR);
    assert_eq!(kept(&mut world)[0], 3);
}

#[test]
fn joins_beyond_the_rate_wait_and_none_is_lost() {
    let mut world = World::with(|config| config.limits.join_burst = 4);
    let client = world.client();
    world.connect(client);
    pipeline(&mut world, client, 8, |_| join_args("Ana", 1));
    let counters = world.hub.counters();
    assert!(counters.joins <= 4 + 5 && (1..=10).contains(&counters.joins_held), "{counters:?}");
    // A later Join of the same identity waits after them, but not for long.
    world.clients[client].join(&join_args("Ana", 1));
    world.run_ms(10_000);
    assert_eq!((world.hub.counters().joins, world.hub.who(world.now, RoomId::FIRST).len()), (9, 1));
    assert_eq!(world.clients[client].closed, None);
}

#[test]
fn a_full_table_forgets_the_longest_unseen_identity_that_never_posted() {
    let mut world = World::with(|config| config.limits.identities = 20);
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].post(1, "mine");
    world.run_ms(50);
    let instance = world.clients[ana].welcome().instance;
    leave(&mut world, ana);
    for key in 2..=201 {
        let client = world.join(&join_args(&format!("p{key}"), key));
        leave(&mut world, client);
        let [names, instances, admissions, _] = kept(&mut world);
        assert!(names <= 20 && instances <= 20 && admissions <= 20, "{names} {instances} {admissions}");
    }
    assert_eq!(world.hub.counters().identities_full, 200 + 1 - 20);
    let names = names(&mut world);
    assert!(names.contains(&"ana".to_owned()) && names.contains(&"p201".to_owned()), "{names:?}");
    assert!(!names.contains(&"p2".to_owned()));
    // Instances with a post in the log are kept: her post is not accepted twice.
    world.clients[ana].received.clear();
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    let welcome = world.clients[ana].welcome();
    assert_eq!((welcome.instance, welcome.highest), (instance, 1));
    assert_eq!(world.texts(), ["mine"]);
}

#[test]
fn a_table_full_of_authors_refuses_newcomers_and_nobody_else() {
    let mut world = World::with(|config| config.limits.identities = 3);
    for key in 1..=3 {
        let client = world.join(&join_args(&format!("p{key}"), key));
        world.clients[client].post(1, "hello");
        world.run_ms(50);
        leave(&mut world, client);
    }
    let client = world.client();
    world.attempt_join(client, &join_args("p4", 4));
    assert_eq!(world.clients[client].refusal(), Some(RefusedCode::TRY_LATER));
    world.join(&join_args("p2", 2));
    assert_eq!(names(&mut world), ["p1", "p2", "p3"]);
}

#[test]
fn lapsed_records_are_removed_from_memory_and_store() {
    let mut world = World::with(|config| {
        config.limits.name_keep = HOUR * 5;
        config.limits.instance_keep = HOUR * 10;
    });
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ben].post(1, "hello");
    world.run_ms(50);
    leave(&mut world, ben);
    world.run(HOUR * 4);
    assert_eq!(kept(&mut world)[..3], [2, 2, 2]);
    world.clients[ana].is_cut = true;
    world.run(HOUR * 3);
    // Ana was last seen an hour or two ago and keeps her records.
    assert_eq!((kept(&mut world)[..3].to_vec(), names(&mut world)), (vec![1, 2, 2], vec!["ana".to_owned()]));
    world.run(HOUR * 6);
    assert_eq!(kept(&mut world)[..3], [0, 1, 1]);
    world.run(HOUR * 6);
    assert_eq!(kept(&mut world)[..3], [0, 0, 0]);
    assert_eq!(world.texts(), ["hello"]);
    assert_eq!(world.hub.counters().names_lapsed, 2);
    // A client that comes after that gets a new instance.
    let instance = world.clients[ben].welcome().instance;
    world.clients[ben].received.clear();
    world.attempt_join(ben, &JoinArgs { instance, ..join_args("Ben", 2) });
    assert!(world.clients[ben].welcome().instance != instance && world.clients[ben].welcome().highest == 0);
}

#[test]
fn records_in_use_are_never_forgotten() {
    let mut world = World::with(|config| {
        config.limits.name_keep = Duration::ZERO;
        config.limits.instance_keep = HOUR;
        config.limits.identities = 1;
        config.limits.names_per_identity = 1;
        config.limits.instances_per_identity = 1;
    });
    let ana = world.join(&join_args("Ana", 1));
    for hour in 1..=30 {
        let other = world.client();
        world.attempt_join(other, &join_args(&format!("p{hour}"), hour + 1));
        assert_eq!(world.clients[other].refusal(), Some(RefusedCode::TRY_LATER));
        world.clients[ana].post(hour.into(), "still here");
        world.run(HOUR);
        assert_eq!(world.clients[ana].stored(), u64::from(hour));
    }
    assert_eq!(names(&mut world), ["ana"]);
}

#[test]
fn records_forgotten_while_the_store_fails_return_until_it_recovers() {
    let mut world = World::with(|config| config.limits.name_keep = HOUR * 2);
    let ana = world.join(&join_args("Ana", 1));
    leave(&mut world, ana);
    let _ben = world.join(&join_args("Ben", 2));
    world.store.set_fault(Some(Fault::Fail));
    world.run(HOUR * 3);
    world.store.set_fault(None);
    world.run_ms(20_000);
    assert_eq!(names(&mut world), ["ben"]);
    let cleo = world.join(&join_args("Ana", 3));
    assert!(world.clients[cleo].is_connected());
    assert_eq!(names(&mut world), ["ana", "ben"]);
}

#[test]
fn an_instance_with_an_uncommitted_post_is_not_forgotten() {
    let mut world = World::with(|config| config.limits.instances_per_identity = 1);
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "one");
    world.run_ms(20);
    world.clients[ana].post(2, "two");
    world.run_ms(20);
    leave(&mut world, ana);
    let again = world.client();
    world.attempt_join(again, &join_args("Ana", 1));
    world.release();
    world.run_ms(100);
    assert!(world.clients[again].is_welcome());
    assert_eq!(world.texts(), ["one", "two"]);
    let loaded = world.store.load_room("lobby").expect("readable");
    assert!(loaded.instances.iter().any(|record| (record.instance, record.highest) == (instance, 2)));
}

#[test]
fn many_lapsed_records_are_removed_in_portions() {
    let mut world = World::with(|config| {
        config.limits.name_keep = HOUR * 2;
        config.limits.instance_keep = HOUR * 2;
        config.limits.names_per_identity = 1_000;
        config.limits.instances_per_identity = 1_000;
        config.limits.join_interval = Duration::ZERO;
    });
    for key in 1..=3 {
        let client = world.client();
        world.connect(client);
        pipeline(&mut world, client, 800, |round| join_args(&format!("p{key}-{round}"), key));
        leave(&mut world, client);
    }
    assert_eq!(kept(&mut world)[..3], [2_400, 2_400, 3]);
    world.run(HOUR * 4);
    assert_eq!(kept(&mut world)[..3], [0, 0, 0]);
    let announcements = world.announcements();
    let count = |kind| announcements.iter().filter(|(_, it)| *it == kind).count();
    assert_eq!(count(EntryKind::JOINED), count(EntryKind::LEFT));
}

#[test]
fn paused_connections_that_close_leave_nothing() {
    let mut world = World::with(|config| config.limits.unfinished_bytes = 1);
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "busy");
    world.run_ms(20);
    let client = world.client();
    for _ in 0..200 {
        world.connect(client);
        world.clients[client].join(&join_args("Ben", 2));
        world.run_ms(10);
        leave(&mut world, client);
    }
    assert!(world.hub.counters().reads_held >= 200);
    let (held, peers) = (world.hub.context.turns.paused.len(), world.hub.peers.len());
    assert!(held <= 2 * peers + 64, "{held} of {peers}");
}

fn leave(world: &mut World, client: usize) {
    let now = world.now;
    world.clients[client].close(now);
    world.run_ms(100);
}

/// Folded names that the store holds, in order.
fn names(world: &mut World) -> Vec<String> {
    let loaded = world.store.load_server().expect("readable");
    let mut names: Vec<String> = loaded.names.into_iter().map(|record| record.folded).collect();
    names.sort();
    names
}
