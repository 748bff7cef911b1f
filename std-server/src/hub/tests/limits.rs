//! Every limit does what the table says: the same people do the same twice, once under its default
//! and once under another value, and the second time its counter counts more.

use core::net::SocketAddr;

use kabar_core::chat::{ClientMessage, Request, Start};
use kabar_core::time::Duration;

use super::person::{Asking, Way, asking};
use super::world::{PASSWORD, World};
use crate::hub::{HubConfig, JobKind, JoinPolicy, LIMITS, Limit, RoomId};
use crate::store::Fault;

const HOUR: u64 = 3_600_000_000;
const SECOND: u64 = 1_000_000;

/// Sets the limit that is tested.
type Set<'a> = &'a dyn Fn(&mut HubConfig);

/// How often the limit was met under its default and under `raw`; the scenario begins its world
/// with the setting it is given.
fn moves(name: &str, raw: u64, scenario: fn(Set<'_>) -> World) {
    let limit = Limit::named(name).expect("it is in the table");
    assert_ne!(raw, limit.default);
    let met = |set: Set<'_>| limit.hits(&scenario(set).hub.counters());
    let by_default = met(&|_| ());
    let moved = met(&|config| assert!(limit.set(&mut config.limits, raw), "{raw} is in range"));
    assert!(moved > by_default, "{name}: {} was {by_default} and is {moved}", limit.counter);
}

/// Declares one test per limit, and the list of those that have one.
macro_rules! limits {
    ($($test:ident: $limit:literal, $raw:expr, $scenario:expr;)+) => {
        $(
            #[test]
            fn $test() {
                moves($limit, $raw, $scenario);
            }
        )+

        const TESTED: &[&str] = &[$($limit),+];
    };
}

#[test]
fn no_limit_is_without_a_test() {
    let untested: Vec<&str> = LIMITS.iter().map(|limit| limit.name).filter(|name| !TESTED.contains(name)).collect();
    assert!(untested.is_empty(), "{untested:?}");
    assert_eq!(TESTED.len(), LIMITS.len());
}

limits! {
    connections_are_bounded: "max-connections", 2, |set| connecting(set, 3);
    connections_that_have_not_joined_are_bounded: "max-unjoined", 2, |set| connecting(set, 3);
    who_does_not_join_in_time_is_closed: "join-time", SECOND, |set| {
        let mut world = connecting(set, 1);
        world.run(Duration::from_secs(5));
        world
    };
    half_open_connections_are_bounded: "max-half-open", 3, |set| shaking_hands(set, 5, false);
    half_open_connections_of_an_address_are_bounded: "max-half-open-per-address", 3, |set| shaking_hands(set, 5, true);
    half_open_connections_end: "half-open-time", SECOND, |set| {
        let mut world = shaking_hands(set, 2, false);
        world.run(Duration::from_secs(3));
        world
    };
    cookies_are_bounded: "max-cookies", 3, |set| shaking_hands(set, 5, false);
    handshakes_in_work_are_bounded: "max-handshakes", 3, |set| shaking_hands(set, 5, false);
    a_server_is_busy_early: "busy-handshakes", 2, |set| shaking_hands(set, 5, false);
    an_address_starts_so_many_handshakes_at_once: "handshake-burst", 2, |set| shaking_hands(&busy(set), 5, true);
    an_address_starts_one_more_after_a_while: "handshake-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.handshake_burst = 2;
            set(config);
        };
        let mut world = shaking_hands(&busy(&few), 2, true);
        world.run(Duration::from_secs(1));
        shake_hands(&mut world, 2, true);
        world
    };
    addresses_are_counted_within_bounds: "max-addresses", 2, |set| shaking_hands(&busy(set), 4, false);
    hints_at_once_are_bounded: "hint-burst", 1, |set| unknown(set, Duration::ZERO);
    hints_come_one_by_one: "hint-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.hint_burst = 1;
            set(config);
        };
        unknown(&few, Duration::from_secs(1))
    };
    answers_that_wait_are_bounded: "max-answers", 1, |set| {
        let mut world = World::with(set);
        let person = world.person();
        let now = world.now;
        world.people[person].connect(now);
        world.run_ms(20);
        let (from, hello) = world.recorded[0].clone();
        for _ in 0..3 {
            world.hub.handle_datagram(now, from, &mut hello.clone());
        }
        world
    };
    passwords_that_wait_are_bounded: "max-waiting-passwords", 1, |set| {
        let mut world = World::with(|config| with_password(config, set));
        world.hold(JobKind::Password);
        for key in 1..=4 {
            ask(&mut world, &Asking { way: Way::Password(PASSWORD), ..asking(&format!("p{key}"), key) });
        }
        world
    };
    an_address_guesses_so_often_at_once: "password-burst", 1, |set| guessing(set, true, Duration::ZERO);
    an_address_guesses_again_after_a_while: "password-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.password_burst = 1;
            set(config);
        };
        guessing(&few, true, Duration::from_secs(13))
    };
    everybody_together_guesses_so_often_at_once: "room-password-burst", 1, |set| guessing(set, false, Duration::ZERO);
    everybody_together_guesses_again_after_a_while: "room-password-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.room_password_burst = 1;
            set(config);
        };
        guessing(&few, false, Duration::from_secs(2))
    };
    members_are_bounded: "max-members", 2, |set| joining(set, 3);
    members_of_an_address_are_bounded: "max-members-per-address", 2, |set| {
        let mut world = World::with(set);
        for key in 1..=3 {
            let person = world.person_at(SocketAddr::from(([10, 66, 0, 1], 1_000 + u16::from(key))));
            world.ask(person, &asking(&format!("p{key}"), key));
        }
        world
    };
    a_large_room_announces_nobody: "announced-members", 2, |set| joining(set, 3);
    who_returns_late_has_left: "return-time", SECOND, |set| {
        let mut world = joining(set, 1);
        world.restart();
        world.run(Duration::from_secs(10));
        world
    };
    a_name_is_kept_for_a_while: "name-keep", SECOND, |set| {
        let mut world = joining(set, 1);
        let now = world.now;
        world.people[0].close(now);
        world.run(Duration::from_secs(5));
        ask(&mut world, &asking("p1", 9));
        world
    };
    unused_numbers_are_kept_for_a_while: "instance-keep", HOUR, |set| {
        let mut world = joining(set, 1);
        leave(&mut world, 0);
        world.run(Duration::from_secs(3 * 3_600));
        world
    };
    identities_are_bounded: "max-identities", 2, |set| joining(set, 3);
    names_of_an_identity_are_bounded: "max-names-per-identity", 1, |set| returning(set, "other", Duration::ZERO);
    instances_of_an_identity_are_bounded: "max-instances-per-identity", 1, |set| returning(set, "p1", Duration::ZERO);
    new_identities_from_an_address_at_once_are_bounded: "newcomer-burst", 1, |set| arriving(set, Duration::ZERO);
    new_identities_from_an_address_come_one_by_one: "newcomer-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.newcomer_burst = 1;
            set(config);
        };
        arriving(&few, Duration::from_secs(11))
    };
    joins_of_an_identity_at_once_are_bounded: "join-burst", 1, |set| returning(set, "p1", Duration::ZERO);
    joins_of_an_identity_come_one_by_one: "join-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.join_burst = 1;
            set(config);
        };
        returning(&few, "p1", Duration::from_secs(2))
    };
    announcements_of_an_identity_at_once_are_bounded: "announce-burst", 1, |set| returning(set, "p1", Duration::ZERO);
    announcements_of_an_identity_come_one_by_one: "announce-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.announce_burst = 1;
            set(config);
        };
        returning(&few, "p1", Duration::from_secs(61))
    };
    bans_and_mutes_are_bounded: "max-sanctions", 1, |set| {
        let mut world = joining(set, 2);
        for name in ["p1", "p2"] {
            let _ = world.hub.mute(world.now, RoomId::ONLY, name);
        }
        world
    };
    long_posts_are_refused: "max-body", 3, |set| {
        let mut world = joining(set, 1);
        world.people[0].post(1, "hello");
        world.run_ms(50);
        world
    };
    what_is_not_committed_is_bounded: "max-unfinished", 1, |set| {
        let mut world = joining(set, 1);
        world.hold(JobKind::Store);
        for number in 1..=3 {
            world.people[0].post(number, "hello");
            world.run_ms(20);
        }
        world
    };
    the_tail_in_memory_is_bounded: "tail-memory", 500, |set| talking(set, 20);
    pages_in_memory_are_bounded: "page-memory", 0, |set| {
        let mut world = talking(&no_tail(set), 100);
        ask(&mut world, &Asking { start: Start::Last(90), ..asking("late", 8) });
        world
    };
    work_of_a_turn_is_bounded: "max-work", 8, |set| {
        let mut world = talking(set, 20);
        assert!(world.people[0].send(&ClientMessage::Request { handle: 1, request: Request::History { before: 0, count: 20 } }));
        world.run_ms(50);
        world
    };
    reads_at_once_are_bounded: "max-page-reads", 1, |set| {
        let mut world = talking(&no_tail(set), 100);
        // No page is in memory but that of the head.
        world.restart();
        world.ask(0, &asking("p1", 1));
        ask(&mut world, &asking("p2", 2));
        world.hold(JobKind::Store);
        for (person, before) in [(0, 90), (1, 30)] {
            assert!(world.people[person].send(&ClientMessage::Request { handle: 1, request: Request::History { before, count: 10 } }));
        }
        world.run_ms(50);
        world
    };
    buffers_are_bounded: "buffer-memory", 64 << 10, |set| {
        let mut world = joining(set, 6);
        world.people[0].post(1, "hello");
        world.run(Duration::from_secs(2));
        world
    };
    a_failed_commit_is_tried_again_soon: "retry-min", 50_000, failing;
    a_failing_store_is_tried_again_often: "retry-max", SECOND / 2, failing;
    who_was_refused_is_not_waited_for_long: "refusal-time", SECOND, |set| {
        let mut world = World::with(set);
        world.refuse_unheard();
        world.run(Duration::from_secs(2));
        world
    };
    events_that_wait_are_bounded: "max-events", 1, |set| {
        let mut world = World::with(set);
        for text in ["1", "2", "3"] {
            world.hub.say(world.now, RoomId::ONLY, text);
            world.run_jobs();
        }
        world
    };
}

/// `count` people with a connection, if there is room, and no more.
fn connecting(set: Set<'_>, count: usize) -> World {
    let mut world = World::with(set);
    for _ in 0..count {
        let person = world.person();
        let now = world.now;
        world.people[person].connect(now);
        world.run_ms(100);
    }
    world
}

/// `count` people whose handshakes are never answered, from one address or from several.
fn shaking_hands(set: Set<'_>, count: u16, is_one_address: bool) -> World {
    let mut world = World::with(set);
    world.hold(JobKind::Accept);
    shake_hands(&mut world, count, is_one_address);
    world
}

fn shake_hands(world: &mut World, count: u16, is_one_address: bool) {
    for at in 0..count {
        let port = 1_000 + world.people.len() as u16;
        let host = if is_one_address { 1 } else { 1 + at as u8 };
        let person = world.person_at(SocketAddr::from(([10, 66, 0, host], port)));
        let now = world.now;
        world.people[person].connect(now);
    }
    world.run_ms(20);
}

/// The server counts as busy from the first handshake on.
fn busy(set: Set<'_>) -> impl Fn(&mut HubConfig) {
    move |config| {
        config.limits.busy_accept_jobs = 0;
        set(config);
    }
}

/// Packets of connections that the server does not know any more, one after a while.
fn unknown(set: Set<'_>, pause: Duration) -> World {
    let mut world = joining(set, 1);
    let (from, sealed) = world.recorded.iter().rfind(|(_, bytes)| bytes[0] == 0x15).cloned().expect("a sealed packet");
    world.restart();
    world.people[0].is_cut = true;
    world.inject(from, &sealed);
    world.run(pause);
    world.inject(from, &sealed);
    world
}

fn with_password(config: &mut HubConfig, set: Set<'_>) {
    config.join_policy = JoinPolicy::Password;
    set(config);
}

/// Three wrong passwords from one address or from three, with pauses between.
fn guessing(set: Set<'_>, is_one_address: bool, pause: Duration) -> World {
    let mut world = World::with(|config| with_password(config, set));
    for at in 0..3u8 {
        let host = if is_one_address { 1 } else { 1 + at };
        let person = world.person_at(SocketAddr::from(([10, 67, 0, host], 1_000 + u16::from(at))));
        world.ask(person, &Asking { way: Way::Password("guess"), ..asking("Eve", 9) });
        world.run(pause);
    }
    world
}

fn ask(world: &mut World, asking: &Asking) {
    let person = world.person();
    world.ask(person, asking);
}

/// People p1, p2, ... who ask to come in, one after the other.
fn joining(set: Set<'_>, count: u8) -> World {
    let mut world = World::with(set);
    for key in 1..=count {
        ask(&mut world, &asking(&format!("p{key}"), key));
    }
    world
}

fn leave(world: &mut World, person: usize) {
    let now = world.now;
    world.people[person].close(now);
    world.run_ms(100);
}

/// One who leaves and comes again after `pause`, as another client and under `name`.
fn returning(set: Set<'_>, name: &str, pause: Duration) -> World {
    let mut world = joining(set, 1);
    leave(&mut world, 0);
    world.run(pause);
    ask(&mut world, &asking(name, 1));
    world
}

/// Two people behind one address, the second after `pause`.
fn arriving(set: Set<'_>, pause: Duration) -> World {
    let mut world = World::with(set);
    for key in 1..=2 {
        let person = world.person_at(SocketAddr::from(([10, 68, 0, 1], 1_000 + u16::from(key))));
        world.ask(person, &asking(&format!("p{key}"), key));
        world.run(pause);
    }
    world
}

/// One who says so many lines of 100 bytes.
fn talking(set: Set<'_>, lines: u64) -> World {
    let mut world = joining(set, 1);
    for number in 1..=lines {
        world.people[0].post(number, &"x".repeat(100));
        world.run_ms(5);
    }
    world.run_ms(100);
    world
}

fn no_tail(set: Set<'_>) -> impl Fn(&mut HubConfig) {
    move |config| {
        config.limits.tail_bytes = 0;
        set(config);
    }
}

/// The store fails for three seconds.
fn failing(set: Set<'_>) -> World {
    let mut world = joining(set, 1);
    world.store.set_fault(Some(Fault::Fail));
    world.people[0].post(1, "hello");
    world.run(Duration::from_secs(3));
    world
}
