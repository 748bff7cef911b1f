//! Everything that a member can make the server keep is bounded, in memory and in the store (SPEC
//! 6.2, 6.5, 6.6).

use kabar_core::chat::{ClientMessage, EntryKind, RefusedCode};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::person::{Asking, asking};
use super::world::World;
use crate::hub::JobKind;
use crate::store::{Fault, Store};

const HOUR: Duration = Duration::from_secs(3_600);

/// Records that the store holds: names, instances, admissions, entries.
fn kept(world: &mut World) -> [usize; 4] {
    let loaded = world.store.load("lobby").expect("readable");
    [loaded.names.len(), loaded.instances.len(), loaded.admissions.len(), world.log().len()]
}

/// Sends Join and Leave, Join and Leave, ... on one connection, as fast as it takes them.
fn pipeline(world: &mut World, person: usize, rounds: u32, asking: impl Fn(u32) -> Asking) {
    for round in 0..rounds {
        while !world.people[person].try_join(&asking(round))
            || !world.people[person].send(&ClientMessage::Leave { handle: 1 })
        {
            if world.people[person].ended.is_some() {
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
    let person = world.person();
    world.connect(person);
    pipeline(&mut world, person, 10_000, |round| asking(&format!("p{round}"), round as u8));
    assert_eq!(world.people[person].ended, Some(Closed::ByPeer(CloseCode::MESSAGE)));
    let kept = kept(&mut world);
    assert!(kept.iter().all(|count| *count <= 2), "{kept:?}");
}

#[test]
fn joining_and_leaving_again_and_again_keeps_a_bounded_amount() {
    // Only the bounds of what is kept, without those on how often one may join.
    let mut world = World::with(|config| config.limits.join_interval = Duration::ZERO);
    let person = world.person();
    world.connect(person);
    pipeline(&mut world, person, 10_000, |round| asking(&format!("p{}", round % 100), 1));
    assert_eq!((world.people[person].ended, world.hub.counters().joins), (None, 10_000));
    let [names, instances, admissions, entries] = kept(&mut world);
    // One joined per minute, and one left for each.
    let minutes = 1 + world.now.as_micros() as usize / 60_000_000 - 1_000 / 60;
    // Names whose owner is said to be here are kept until it is said that it left.
    assert!(names <= 4 + 8 && instances <= 8 && admissions == 1, "{names} {instances} {admissions}");
    assert!(entries <= 2 * (8 + minutes), "{entries} in {minutes} minutes");
    let counters = world.hub.counters();
    assert!(counters.announcements_limited > 9_000 && counters.instances_crowded > 9_000, "{counters:?}");
    world.run(HOUR);
    assert_eq!(kept(&mut world)[0], 4);
}

#[test]
fn joins_of_one_identity_wait_for_their_turn_and_none_is_lost() {
    let mut world = World::with(|config| config.limits.join_burst = 4);
    let person = world.person();
    world.connect(person);
    pipeline(&mut world, person, 8, |_| asking("Ana", 1));
    let counters = world.hub.counters();
    assert!(counters.joins <= 4 + 5 && (1..=10).contains(&counters.joins_held), "{counters:?}");
    // A later Join of the same identity waits behind them, but not for long.
    world.people[person].join(&asking("Ana", 1));
    world.run_ms(10_000);
    assert_eq!((world.hub.counters().joins, world.hub.who(world.now).len()), (9, 1));
    assert_eq!(world.people[person].ended, None);
}

#[test]
fn a_full_table_forgets_who_never_posted_and_was_not_seen_for_longest() {
    let mut world = World::with(|config| config.limits.identities = 20);
    let ana = world.join(&asking("Ana", 1));
    world.people[ana].post(1, "mine");
    world.run_ms(50);
    let instance = world.people[ana].welcome().instance;
    leave(&mut world, ana);
    for key in 2..=201 {
        let person = world.join(&asking(&format!("p{key}"), key));
        leave(&mut world, person);
        let [names, instances, admissions, _] = kept(&mut world);
        assert!(names <= 20 && instances <= 20 && admissions <= 20, "{names} {instances} {admissions}");
    }
    assert_eq!(world.hub.counters().identities_full, 200 + 1 - 20);
    let names = names(&mut world);
    assert!(names.contains(&"ana".to_owned()) && names.contains(&"p201".to_owned()), "{names:?}");
    assert!(!names.contains(&"p2".to_owned()));
    // Numbers under which something is in the log are kept: her post does not come twice.
    world.people[ana].heard.clear();
    world.ask(ana, &Asking { instance, ..asking("Ana", 1) });
    let welcome = world.people[ana].welcome();
    assert_eq!((welcome.instance, welcome.highest), (instance, 1));
    assert_eq!(world.texts(), ["mine"]);
}

#[test]
fn a_table_full_of_authors_refuses_newcomers_and_nobody_else() {
    let mut world = World::with(|config| config.limits.identities = 3);
    for key in 1..=3 {
        let person = world.join(&asking(&format!("p{key}"), key));
        world.people[person].post(1, "hello");
        world.run_ms(50);
        leave(&mut world, person);
    }
    let person = world.person();
    world.ask(person, &asking("p4", 4));
    assert_eq!(world.people[person].refusal(), Some(RefusedCode::TRY_LATER));
    world.join(&asking("p2", 2));
    assert_eq!(names(&mut world), ["p1", "p2", "p3"]);
}

#[test]
fn what_lapsed_is_removed_from_memory_and_store() {
    let mut world = World::with(|config| {
        config.limits.name_keep = HOUR * 5;
        config.limits.instance_keep = HOUR * 10;
    });
    let ana = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    world.people[ben].post(1, "hello");
    world.run_ms(50);
    leave(&mut world, ben);
    world.run(HOUR * 4);
    assert_eq!(kept(&mut world)[..3], [2, 2, 2]);
    world.people[ana].is_cut = true;
    world.run(HOUR * 3);
    // Ana, who was seen until an hour ago or two, keeps hers.
    assert_eq!((kept(&mut world)[..3].to_vec(), names(&mut world)), (vec![1, 2, 2], vec!["ana".to_owned()]));
    world.run(HOUR * 6);
    assert_eq!(kept(&mut world)[..3], [0, 1, 1]);
    world.run(HOUR * 6);
    assert_eq!(kept(&mut world)[..3], [0, 0, 0]);
    assert_eq!(world.texts(), ["hello"]);
    assert_eq!(world.hub.counters().names_lapsed, 2);
    // A client that comes after that gets a new instance.
    let instance = world.people[ben].welcome().instance;
    world.people[ben].heard.clear();
    world.ask(ben, &Asking { instance, ..asking("Ben", 2) });
    assert!(world.people[ben].welcome().instance != instance && world.people[ben].welcome().highest == 0);
}

#[test]
fn what_is_in_use_is_never_forgotten() {
    let mut world = World::with(|config| {
        config.limits.name_keep = Duration::ZERO;
        config.limits.instance_keep = HOUR;
        config.limits.identities = 1;
        config.limits.names_per_identity = 1;
        config.limits.instances_per_identity = 1;
    });
    let ana = world.join(&asking("Ana", 1));
    for hour in 1..=30 {
        let other = world.person();
        world.ask(other, &asking(&format!("p{hour}"), hour + 1));
        assert_eq!(world.people[other].refusal(), Some(RefusedCode::TRY_LATER));
        world.people[ana].post(hour.into(), "still here");
        world.run(HOUR);
        assert_eq!(world.people[ana].stored(), u64::from(hour));
    }
    assert_eq!(names(&mut world), ["ana"]);
}

#[test]
fn what_is_forgotten_while_the_store_fails_is_back_until_it_works() {
    let mut world = World::with(|config| config.limits.name_keep = HOUR * 2);
    let ana = world.join(&asking("Ana", 1));
    leave(&mut world, ana);
    let _ben = world.join(&asking("Ben", 2));
    world.store.set_fault(Some(Fault::Fail));
    world.run(HOUR * 3);
    world.store.set_fault(None);
    world.run_ms(20_000);
    assert_eq!(names(&mut world), ["ben"]);
    let cleo = world.join(&asking("Ana", 3));
    assert!(world.people[cleo].is_connected());
    assert_eq!(names(&mut world), ["ana", "ben"]);
}

#[test]
fn an_instance_with_a_post_on_its_way_to_the_store_is_not_forgotten() {
    let mut world = World::with(|config| config.limits.instances_per_identity = 1);
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    world.hold(JobKind::Store);
    world.people[ana].post(1, "one");
    world.run_ms(20);
    world.people[ana].post(2, "two");
    world.run_ms(20);
    leave(&mut world, ana);
    let again = world.person();
    world.ask(again, &asking("Ana", 1));
    world.release();
    world.run_ms(100);
    assert!(world.people[again].is_welcome());
    assert_eq!(world.texts(), ["one", "two"]);
    let loaded = world.store.load("lobby").expect("readable");
    assert!(loaded.instances.iter().any(|record| (record.instance, record.highest) == (instance, 2)));
}

#[test]
fn much_that_lapsed_goes_in_portions() {
    let mut world = World::with(|config| {
        config.limits.name_keep = HOUR * 2;
        config.limits.instance_keep = HOUR * 2;
        config.limits.names_per_identity = 1_000;
        config.limits.instances_per_identity = 1_000;
        config.limits.join_interval = Duration::ZERO;
    });
    for key in 1..=3 {
        let person = world.person();
        world.connect(person);
        pipeline(&mut world, person, 800, |round| asking(&format!("p{key}-{round}"), key));
        leave(&mut world, person);
    }
    assert_eq!(kept(&mut world)[..3], [2_400, 2_400, 3]);
    world.run(HOUR * 4);
    assert_eq!(kept(&mut world)[..3], [0, 0, 0]);
    let said = world.said();
    let count = |kind| said.iter().filter(|(_, it)| *it == kind).count();
    assert_eq!(count(EntryKind::JOINED), count(EntryKind::LEFT));
}

#[test]
fn connections_that_are_held_and_go_leave_nothing() {
    let mut world = World::with(|config| config.limits.unfinished_bytes = 1);
    let ana = world.join(&asking("Ana", 1));
    world.hold(JobKind::Store);
    world.people[ana].post(1, "busy");
    world.run_ms(20);
    let person = world.person();
    for _ in 0..200 {
        world.connect(person);
        world.people[person].join(&asking("Ben", 2));
        world.run_ms(10);
        leave(&mut world, person);
    }
    assert!(world.hub.counters().reads_held >= 200);
    let (held, peers) = (world.hub.context.turns.paused.len(), world.hub.peers.len());
    assert!(held <= 2 * peers + 64, "{held} of {peers}");
}

fn leave(world: &mut World, person: usize) {
    let now = world.now;
    world.people[person].close(now);
    world.run_ms(100);
}

/// Folded names that the store holds, in order.
fn names(world: &mut World) -> Vec<String> {
    let loaded = world.store.load("lobby").expect("readable");
    let mut names: Vec<String> = loaded.names.into_iter().map(|record| record.folded).collect();
    names.sort();
    names
}
