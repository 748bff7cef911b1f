//! The time of day may jump: only displayed times depend on it. Time unseen is time that servers
//! ran (SPEC 6.6).

use kabar_core::chat::RefusedCode;
use kabar_core::time::Duration;

use super::fake_client::join_args;
use super::world::{WALL_MS, World};
use crate::store::{MemoryStore, Store};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// Clocks that were never set, are slow, right and fast, of the years 2038 and 9999, and beyond.
const CLOCKS: [u64; 8] =
    [0, WALL_MS - 200 * DAY_MS, WALL_MS, WALL_MS + 200 * DAY_MS, 1 << 41, 253_402_300_800_000, 1 << 63, u64::MAX];

fn is_taken(world: &mut World, name: &str, key: u8) -> bool {
    let client = world.client();
    world.attempt_join(client, &join_args(name, key));
    let is_taken = world.clients[client].refusal() == Some(RefusedCode::NAME_TAKEN);
    assert_ne!(is_taken, world.clients[client].is_welcome());
    is_taken
}

fn leave(world: &mut World, client: usize) {
    let now = world.now;
    world.clients[client].close(now);
    world.run_ms(100);
}

#[test]
fn ownership_of_a_name_survives_every_clock_jump() {
    for before in CLOCKS {
        for after in CLOCKS {
            let mut world = World::new();
            world.hub.set_wall(world.now, before);
            let ana = world.join(&join_args("Ana", 1));
            leave(&mut world, ana);
            world.hub.set_wall(world.now, after);
            assert!(is_taken(&mut world, "Ana", 2), "{before} {after}");
        }
    }
}

#[test]
fn ownership_of_a_name_survives_a_start_with_a_wrong_clock() {
    for after in CLOCKS {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        leave(&mut world, ana);
        world.restart();
        world.hub.set_wall(world.now, after);
        assert!(is_taken(&mut world, "Ana", 2), "{after}");
        world.hub.set_wall(world.now, WALL_MS);
        assert!(is_taken(&mut world, "Ana", 3), "{after}");
    }
}

#[test]
fn time_unseen_adds_up_across_runs_and_stops_between_them() {
    let mut world = World::with(|config| config.limits.name_keep = HOUR * 10);
    let ana = world.join(&join_args("Ana", 1));
    leave(&mut world, ana);
    for _ in 0..4 {
        world.run(HOUR * 2 + HOUR / 4);
        assert!(is_taken(&mut world, "Ana", 2));
        // No server runs for a long time.
        world.now += HOUR * 100;
        world.restart();
        assert!(is_taken(&mut world, "Ana", 2));
    }
    world.run(HOUR * 2);
    assert!(!is_taken(&mut world, "Ana", 2));
}

#[test]
fn running_time_is_written_hourly_without_other_commits() {
    let mut world = World::over(super::world::config(), MemoryStore::new());
    let ran = |world: &mut World| world.store.load_server().expect("readable").ran_ms;
    world.run(HOUR * 50 + HOUR / 2);
    assert_eq!(ran(&mut world), 50 * 3_600_000);
    assert_eq!(world.store.commits(), 51, "the term, and once an hour");
    world.restart();
    world.run(HOUR * 3);
    assert_eq!(ran(&mut world), 53 * 3_600_000);
}

#[test]
fn members_present_at_a_kill_were_seen_within_the_last_hour() {
    let mut world = World::with(|config| {
        config.limits.name_keep = HOUR * 5;
        config.limits.announced_members = 0;
    });
    world.join(&join_args("Ana", 1));
    world.run(HOUR * 100);
    world.restart();
    world.clients[0].is_cut = true;
    world.run(HOUR * 3);
    assert!(is_taken(&mut world, "Ana", 2));
    world.run(HOUR * 3);
    assert!(!is_taken(&mut world, "Ana", 2));
}

#[test]
fn entries_carry_the_time_of_day_as_it_was_set() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    for (number, clock) in (1..).zip(CLOCKS) {
        world.hub.set_wall(world.now, clock);
        world.clients[ana].post(number, "hello");
        world.run_ms(20);
        let time = world.log().last().expect("an entry").time_ms;
        assert!((clock..=clock.saturating_add(20)).contains(&time), "{clock} {time}");
    }
}
