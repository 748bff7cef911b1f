//! The time of day may jump: only what is shown depends on it. Time unseen is time that servers ran
//! (SPEC 6.6).

use kabar_core::chat::RefusedCode;
use kabar_core::time::Duration;

use super::person::asking;
use super::world::{WALL_MS, World};
use crate::store::{MemoryStore, Store};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// A clock that was never set, one that is late, one that is right, one that is early, the years
/// 2038 and 9999, and beyond.
const CLOCKS: [u64; 8] =
    [0, WALL_MS - 200 * DAY_MS, WALL_MS, WALL_MS + 200 * DAY_MS, 1 << 41, 253_402_300_800_000, 1 << 63, u64::MAX];

fn is_taken(world: &mut World, name: &str, key: u8) -> bool {
    let person = world.person();
    world.ask(person, &asking(name, key));
    let is_taken = world.people[person].refusal() == Some(RefusedCode::NAME_TAKEN);
    assert_ne!(is_taken, world.people[person].is_welcome());
    is_taken
}

fn leave(world: &mut World, person: usize) {
    let now = world.now;
    world.people[person].close(now);
    world.run_ms(100);
}

#[test]
fn a_name_outlives_every_jump_of_the_clock() {
    for before in CLOCKS {
        for after in CLOCKS {
            let mut world = World::new();
            world.hub.set_wall(world.now, before);
            let ana = world.join(&asking("Ana", 1));
            leave(&mut world, ana);
            world.hub.set_wall(world.now, after);
            assert!(is_taken(&mut world, "Ana", 2), "{before} {after}");
        }
    }
}

#[test]
fn a_name_outlives_a_start_with_a_wrong_clock() {
    for after in CLOCKS {
        let mut world = World::new();
        let ana = world.join(&asking("Ana", 1));
        leave(&mut world, ana);
        world.restart();
        world.hub.set_wall(world.now, after);
        assert!(is_taken(&mut world, "Ana", 2), "{after}");
        world.hub.set_wall(world.now, WALL_MS);
        assert!(is_taken(&mut world, "Ana", 3), "{after}");
    }
}

#[test]
fn time_unseen_adds_up_over_several_runs_and_stops_between_them() {
    let mut world = World::with(|config| config.limits.name_keep = HOUR * 10);
    let ana = world.join(&asking("Ana", 1));
    leave(&mut world, ana);
    for _ in 0..4 {
        world.run(HOUR * 2 + HOUR / 4);
        assert!(is_taken(&mut world, "Ana", 2));
        // Nobody runs for a long time.
        world.now += HOUR * 100;
        world.restart();
        assert!(is_taken(&mut world, "Ana", 2));
    }
    world.run(HOUR * 2);
    assert!(!is_taken(&mut world, "Ana", 2));
}

#[test]
fn running_time_is_written_hourly_when_nothing_else_is() {
    let mut world = World::over(super::world::config(), MemoryStore::new());
    let ran = |world: &mut World| world.store.load("lobby").expect("readable").ran_ms;
    world.run(HOUR * 50 + HOUR / 2);
    assert_eq!(ran(&mut world), 50 * 3_600_000);
    assert_eq!(world.store.commits(), 51, "the term, and once an hour");
    world.restart();
    world.run(HOUR * 3);
    assert_eq!(ran(&mut world), 53 * 3_600_000);
}

#[test]
fn whoever_is_here_when_the_server_is_killed_was_seen_within_the_last_hour() {
    let mut world = World::with(|config| {
        config.limits.name_keep = HOUR * 5;
        config.limits.announced_members = 0;
    });
    world.join(&asking("Ana", 1));
    world.run(HOUR * 100);
    world.restart();
    world.people[0].is_cut = true;
    world.run(HOUR * 3);
    assert!(is_taken(&mut world, "Ana", 2));
    world.run(HOUR * 3);
    assert!(!is_taken(&mut world, "Ana", 2));
}

#[test]
fn entries_carry_the_time_of_day_as_it_was_set() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    for (number, clock) in (1..).zip(CLOCKS) {
        world.hub.set_wall(world.now, clock);
        world.people[ana].post(number, "hello");
        world.run_ms(20);
        let time = world.log().last().expect("an entry").time_ms;
        assert!((clock..=clock.saturating_add(20)).contains(&time), "{clock} {time}");
    }
}
