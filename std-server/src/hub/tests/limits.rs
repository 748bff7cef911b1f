//! Every limit has the effect that the table states: each scenario runs twice, once with the
//! default and once with another value, and the second time the limit's counter is higher.

use core::net::SocketAddr;

use kabar_core::chat::{AnswerCode, ClientMessage, Request, Start};
use kabar_core::content::Root;
use kabar_core::time::Duration;

use super::fake_classic::classic;
use super::fake_client::{Credential, JoinArgs, join_args};
use super::world::{PASSWORD, World};
use crate::hub::{HubConfig, HubEvent, InviteTerms, JobKind, JoinPolicy, LIMITS, Limit, RoomId};
use crate::store::{Fault, PrivilegeKind, Visibility};

const HOUR: u64 = 3_600_000_000;
const SECOND: u64 = 1_000_000;

/// Sets the limit that is tested.
type Set<'a> = &'a dyn Fn(&mut HubConfig);

/// Checks that the limit is hit more often with `raw` than with its default. The scenario creates
/// its world with the setting that it is given.
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

/// A member offers contents of these sizes.
fn putting(set: Set<'_>, sizes: &[u64]) -> World {
    let mut world = World::with(set);
    let ana = world.join(&join_args("Ana", 1));
    for (number, size) in sizes.iter().enumerate() {
        world.put_as(ana, number as u32, Root([number as u8; 32]), *size);
    }
    world
}

#[test]
fn every_limit_has_a_test() {
    let untested: Vec<&str> = LIMITS.iter().map(|limit| limit.name).filter(|name| !TESTED.contains(name)).collect();
    assert!(untested.is_empty(), "{untested:?}");
    assert_eq!(TESTED.len(), LIMITS.len());
}

/// Two classic clients that log in, and ten seconds without a word of them.
fn logging_in(set: Set<'_>) -> World {
    let mut world = World::with(|config| {
        classic(config);
        set(config);
    });
    for (number, name) in [(1, "budi"), (2, "citra")] {
        let _ = world.log_in(number, name);
    }
    world.run(Duration::from_secs(10));
    world
}

limits! {
    classic_members_are_bounded: "max-classic-members", 1, logging_in;
    silent_classic_members_leave: "classic-timeout", 5 * SECOND, logging_in;
    rooms_are_bounded: "max-rooms", 2, |set| {
        let mut world = World::with(set);
        for name in ["attic", "cellar"] {
            let _ = world.hub.add_room(world.now, None, name, Visibility::Open, "");
        }
        world
    };
    files_are_bounded: "max-file", 9_999, |set| putting(set, &[10_000]);
    files_of_a_member_are_bounded: "member-files", 15_000, |set| putting(set, &[10_000, 10_000]);
    all_files_are_bounded: "all-files", 15_000, |set| putting(set, &[10_000, 10_000]);
    transfers_are_bounded: "max-transfers", 1, |set| putting(set, &[10_000, 10_000]);
    transfers_without_progress_end: "transfer-time", SECOND, |set| {
        let mut world = putting(set, &[10_000]);
        world.run(Duration::from_secs(5));
        world
    };
    rooms_that_are_read_at_once_are_bounded: "max-room-loads", 1, |set| {
        let mut world = World::with(set);
        world.hold(JobKind::Store);
        for (room, key) in [("attic", 1), ("cellar", 2)] {
            attempt_join(&mut world, &JoinArgs { room, ..join_args("Ana", key) });
        }
        world
    };
    a_room_in_which_nobody_is_leaves_memory: "room-idle-time", SECOND, |set| {
        let mut world = World::with(set);
        world.add_room("attic");
        world.run(Duration::from_secs(5));
        world
    };
    connections_are_bounded: "max-connections", 2, |set| connecting(set, 3);
    connections_that_have_not_joined_are_bounded: "max-unjoined", 2, |set| connecting(set, 3);
    a_connection_that_does_not_join_in_time_is_closed: "join-time", SECOND, |set| {
        let mut world = connecting(set, 1);
        world.run(Duration::from_secs(5));
        world
    };
    half_open_connections_are_bounded: "max-half-open", 3, |set| shaking_hands(set, 5, false);
    half_open_connections_of_an_address_are_bounded: "max-half-open-per-address", 3, |set| shaking_hands(set, 5, true);
    half_open_connections_expire: "half-open-time", SECOND, |set| {
        let mut world = shaking_hands(set, 2, false);
        world.run(Duration::from_secs(3));
        world
    };
    cookies_are_bounded: "max-cookies", 3, |set| shaking_hands(set, 5, false);
    queued_handshakes_are_bounded: "max-handshakes", 3, |set| shaking_hands(set, 5, false);
    a_server_counts_as_busy_from_a_few_handshakes_on: "busy-handshakes", 2, |set| shaking_hands(set, 5, false);
    handshakes_of_an_address_at_once_are_bounded: "handshake-burst", 2, |set| shaking_hands(&busy(set), 5, true);
    handshakes_of_an_address_are_bounded_in_rate: "handshake-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.handshake_burst = 2;
            set(config);
        };
        let mut world = shaking_hands(&busy(&few), 2, true);
        world.run(Duration::from_secs(1));
        shake_hands(&mut world, 2, true);
        world
    };
    counted_addresses_are_bounded: "max-addresses", 2, |set| shaking_hands(&busy(set), 4, false);
    hints_at_once_are_bounded: "hint-burst", 1, |set| unknown(set, Duration::ZERO);
    hints_are_bounded_in_rate: "hint-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.hint_burst = 1;
            set(config);
        };
        unknown(&few, Duration::from_secs(1))
    };
    queued_replies_are_bounded: "max-answers", 1, |set| {
        let mut world = World::with(set);
        let client = world.client();
        let now = world.now;
        world.clients[client].connect(now);
        world.run_ms(20);
        let (from, hello) = world.recorded[0].clone();
        for _ in 0..3 {
            world.hub.handle_datagram(now, from, &mut hello.clone());
        }
        world
    };
    queued_passwords_are_bounded: "max-waiting-passwords", 1, |set| {
        let mut world = World::with(|config| with_password(config, set));
        world.hold(JobKind::Password);
        for key in 1..=4 {
            attempt_join(&mut world, &JoinArgs { credential: Credential::Password(PASSWORD), ..join_args(&format!("p{key}"), key) });
        }
        world
    };
    wrong_passwords_of_an_address_at_once_are_bounded: "password-burst", 1, |set| guessing(set, true, Duration::ZERO);
    wrong_passwords_of_an_address_are_bounded_in_rate: "password-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.password_burst = 1;
            set(config);
        };
        guessing(&few, true, Duration::from_secs(13))
    };
    wrong_passwords_in_total_at_once_are_bounded: "room-password-burst", 1, |set| guessing(set, false, Duration::ZERO);
    wrong_passwords_in_total_are_bounded_in_rate: "room-password-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.room_password_burst = 1;
            set(config);
        };
        guessing(&few, false, Duration::from_secs(2))
    };
    invites_are_bounded: "max-invites", 2, |set| {
        let mut world = World::with(set);
        for _ in 0..2 {
            let _ = world.hub.create_invite(world.now, InviteTerms::default());
        }
        world
    };
    joins_that_wait_for_an_operator_are_bounded: "max-waiting-joins", 1, |set| {
        let mut world = World::with(|config| {
            config.needs_approval = true;
            set(config);
        });
        attempt_join(&mut world, &join_args("Ana", 1));
        attempt_join(&mut world, &join_args("Ben", 2));
        world
    };
    a_join_waits_for_an_operator_for_a_while: "approval-time", SECOND, |set| {
        let mut world = World::with(|config| {
            config.needs_approval = true;
            set(config);
        });
        attempt_join(&mut world, &join_args("Ana", 1));
        world.run(Duration::from_secs(5));
        world
    };
    rooms_of_a_connection_are_bounded: "max-rooms-per-member", 1, |set| {
        let mut world = joining(set, 1);
        world.add_room("cellar");
        world.clients[0].join(&JoinArgs { room: "cellar", ..join_args("p1", 1) });
        world.run_ms(100);
        world
    };
    members_are_bounded: "max-members", 2, |set| joining(set, 3);
    members_of_an_address_are_bounded: "max-members-per-address", 2, |set| {
        let mut world = World::with(set);
        for key in 1..=3 {
            let client = world.client_at(SocketAddr::from(([10, 66, 0, 1], 1_000 + u16::from(key))));
            world.attempt_join(client, &join_args(&format!("p{key}"), key));
        }
        world
    };
    a_large_room_announces_no_joins: "announced-members", 2, |set| joining(set, 3);
    a_member_that_returns_late_has_left: "return-time", SECOND, |set| {
        let mut world = joining(set, 1);
        world.restart();
        world.run(Duration::from_secs(10));
        world
    };
    an_unused_name_lapses: "name-keep", SECOND, |set| {
        let mut world = joining(set, 1);
        let now = world.now;
        world.clients[0].close(now);
        world.run(Duration::from_secs(5));
        attempt_join(&mut world, &join_args("p1", 9));
        world
    };
    an_unused_instance_lapses: "instance-keep", HOUR, |set| {
        let mut world = joining(set, 1);
        leave(&mut world, 0);
        world.run(Duration::from_secs(3 * 3_600));
        world
    };
    identities_are_bounded: "max-identities", 2, |set| joining(set, 3);
    names_of_an_identity_are_bounded: "max-names-per-identity", 1, |set| returning(set, "other", Duration::ZERO);
    instances_of_an_identity_are_bounded: "max-instances-per-identity", 1, |set| returning(set, "p1", Duration::ZERO);
    sessions_of_an_identity_are_bounded: "max-sessions-per-identity", 1, |set| {
        let mut world = joining(set, 1);
        attempt_join(&mut world, &join_args("p1", 1));
        world
    };
    new_identities_from_an_address_at_once_are_bounded: "newcomer-burst", 1, |set| arriving(set, Duration::ZERO);
    new_identities_from_an_address_are_bounded_in_rate: "newcomer-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.newcomer_burst = 1;
            set(config);
        };
        arriving(&few, Duration::from_secs(11))
    };
    joins_of_an_identity_at_once_are_bounded: "join-burst", 1, |set| returning(set, "p1", Duration::ZERO);
    joins_of_an_identity_are_bounded_in_rate: "join-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.join_burst = 1;
            set(config);
        };
        returning(&few, "p1", Duration::from_secs(2))
    };
    announcements_of_an_identity_at_once_are_bounded: "announce-burst", 1, |set| returning(set, "p1", Duration::ZERO);
    announcements_of_an_identity_are_bounded_in_rate: "announce-interval", HOUR, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.announce_burst = 1;
            set(config);
        };
        returning(&few, "p1", Duration::from_secs(61))
    };
    posts_of_a_member_at_once_are_bounded: "post-burst", 5, |set| talking(set, 10);
    posts_of_a_member_are_bounded_in_rate: "post-rate", 1, |set| {
        let few = |config: &mut HubConfig| {
            config.limits.post_burst = 1;
            set(config);
        };
        let mut world = talking(&few, 1);
        world.clients[0].post(2, "hello");
        world.run_ms(50);
        world
    };
    bans_and_mutes_are_bounded: "max-sanctions", 1, |set| {
        let mut world = joining(set, 2);
        for name in ["p1", "p2"] {
            let _ = world.hub.mute(world.now, RoomId::FIRST, None, name, None);
        }
        world
    };
    operators_and_trusted_identities_are_bounded: "max-privileges", 1, |set| {
        let mut world = joining(set, 2);
        for name in ["p1", "p2"] {
            let _ = world.hub.grant(world.now, RoomId::FIRST, None, name, PrivilegeKind::Trusted);
        }
        world
    };
    lines_of_answers_to_operators_are_bounded: "max-output-lines", 1, |set| {
        let mut world = joining(set, 1);
        let _ = world.hub.grant(world.now, RoomId::FIRST, None, "p1", PrivilegeKind::Operator);
        let request = Request::Operate { command: "who" };
        assert!(world.clients[0].send(&ClientMessage::Request { handle: 1, request }));
        world.run_ms(50);
        let operation = world.events.iter().find_map(|event| match event {
            HubEvent::Operate { id, .. } => Some(*id),
            _ => None,
        });
        let lines = vec!["one".to_owned(), "two".to_owned()];
        world.hub.answer_operation(world.now, operation.expect("a command"), AnswerCode::DONE, lines, "");
        world.run_ms(50);
        world
    };
    long_posts_are_refused: "max-body", 3, |set| {
        let mut world = joining(set, 1);
        world.clients[0].post(1, "hello");
        world.run_ms(50);
        world
    };
    uncommitted_posts_are_bounded: "max-unfinished", 1, |set| {
        let mut world = joining(set, 1);
        world.hold(JobKind::Store);
        for number in 1..=3 {
            world.clients[0].post(number, "hello");
            world.run_ms(20);
        }
        world
    };
    the_tail_in_memory_is_bounded: "tail-memory", 500, |set| talking(set, 20);
    pages_in_memory_are_bounded: "page-memory", 0, |set| {
        let mut world = talking(&no_tail(set), 100);
        attempt_join(&mut world, &JoinArgs { start: Start::Last(90), ..join_args("late", 8) });
        world
    };
    work_per_turn_is_bounded: "max-work", 8, |set| {
        let mut world = talking(set, 20);
        assert!(world.clients[0].send(&ClientMessage::Request { handle: 1, request: Request::History { before: 0, count: 20 } }));
        world.run_ms(50);
        world
    };
    outstanding_reads_are_bounded: "max-page-reads", 1, |set| {
        let mut world = talking(&no_tail(set), 100);
        // No page is in memory but that of the head.
        world.restart();
        world.attempt_join(0, &join_args("p1", 1));
        attempt_join(&mut world, &join_args("p2", 2));
        world.hold(JobKind::Store);
        for (client, before) in [(0, 90), (1, 30)] {
            assert!(world.clients[client].send(&ClientMessage::Request { handle: 1, request: Request::History { before, count: 10 } }));
        }
        world.run_ms(50);
        world
    };
    buffers_are_bounded: "buffer-memory", 64 << 10, |set| {
        let mut world = joining(set, 6);
        world.clients[0].post(1, "hello");
        world.run(Duration::from_secs(2));
        world
    };
    a_failed_commit_is_retried: "retry-min", 50_000, failing;
    retries_are_spaced_by_a_longest_pause: "retry-max", SECOND / 2, failing;
    a_refused_connection_is_closed_after_a_while: "refusal-time", SECOND, |set| {
        let mut world = World::with(set);
        world.refuse_without_acknowledgement();
        world.run(Duration::from_secs(2));
        world
    };
    old_entries_go: "keep-age", 10 * SECOND, |set| {
        let mut world = talking(set, 3);
        world.run(Duration::from_secs(20));
        world
    };
    entries_of_a_room_are_bounded: "keep-entries", 2, |set| {
        let mut world = talking(set, 5);
        world.run(Duration::from_secs(2));
        world
    };
    bytes_of_a_room_are_bounded: "keep-bytes", 300, |set| {
        let mut world = talking(set, 5);
        world.run(Duration::from_secs(2));
        world
    };
    authors_remove_messages_for_a_while: "delete-time", SECOND, |set| {
        let mut world = talking(set, 1);
        world.run(Duration::from_secs(2));
        assert!(world.clients[0].send(&ClientMessage::Request { handle: 1, request: Request::Remove { seq: 2 } }));
        world.run_ms(100);
        world
    };
    queued_events_are_bounded: "max-events", 1, |set| {
        let mut world = World::with(set);
        for text in ["1", "2", "3"] {
            world.hub.say(world.now, RoomId::FIRST, text);
            world.run_jobs();
        }
        world
    };
}

/// `count` clients that connect and do not join.
fn connecting(set: Set<'_>, count: usize) -> World {
    let mut world = World::with(set);
    for _ in 0..count {
        let client = world.client();
        let now = world.now;
        world.clients[client].connect(now);
        world.run_ms(100);
    }
    world
}

/// `count` clients whose handshakes are never answered, from one address or from several.
fn shaking_hands(set: Set<'_>, count: u16, is_one_address: bool) -> World {
    let mut world = World::with(set);
    world.hold(JobKind::Accept);
    shake_hands(&mut world, count, is_one_address);
    world
}

fn shake_hands(world: &mut World, count: u16, is_one_address: bool) {
    for at in 0..count {
        let port = 1_000 + world.clients.len() as u16;
        let host = if is_one_address { 1 } else { 1 + at as u8 };
        let client = world.client_at(SocketAddr::from(([10, 66, 0, host], port)));
        let now = world.now;
        world.clients[client].connect(now);
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

/// Two packets of a connection that the server no longer knows, the second after `pause`.
fn unknown(set: Set<'_>, pause: Duration) -> World {
    let mut world = joining(set, 1);
    let (from, sealed) = world.recorded.iter().rfind(|(_, bytes)| bytes[0] == 0x15).cloned().expect("a sealed packet");
    world.restart();
    world.clients[0].is_cut = true;
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
        let client = world.client_at(SocketAddr::from(([10, 67, 0, host], 1_000 + u16::from(at))));
        world.attempt_join(client, &JoinArgs { credential: Credential::Password("guess"), ..join_args("Eve", 9) });
        world.run(pause);
    }
    world
}

fn attempt_join(world: &mut World, join_args: &JoinArgs) {
    let client = world.client();
    world.attempt_join(client, join_args);
}

/// Clients p1, p2, ... that join one after the other.
fn joining(set: Set<'_>, count: u8) -> World {
    let mut world = World::with(set);
    for key in 1..=count {
        attempt_join(&mut world, &join_args(&format!("p{key}"), key));
    }
    world
}

fn leave(world: &mut World, client: usize) {
    let now = world.now;
    world.clients[client].close(now);
    world.run_ms(100);
}

/// A member that leaves and joins again after `pause`, as another client and under `name`.
fn returning(set: Set<'_>, name: &str, pause: Duration) -> World {
    let mut world = joining(set, 1);
    leave(&mut world, 0);
    world.run(pause);
    attempt_join(&mut world, &join_args(name, 1));
    world
}

/// Two clients at one address, the second after `pause`.
fn arriving(set: Set<'_>, pause: Duration) -> World {
    let mut world = World::with(set);
    for key in 1..=2 {
        let client = world.client_at(SocketAddr::from(([10, 68, 0, 1], 1_000 + u16::from(key))));
        world.attempt_join(client, &join_args(&format!("p{key}"), key));
        world.run(pause);
    }
    world
}

/// A member that posts `lines` texts of 100 bytes.
fn talking(set: Set<'_>, lines: u64) -> World {
    let mut world = joining(set, 1);
    for number in 1..=lines {
        world.clients[0].post(number, &"x".repeat(100));
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
    world.clients[0].post(1, "hello");
    world.run(Duration::from_secs(3));
    world
}
