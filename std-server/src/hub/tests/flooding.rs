//! Every table that a stranger can fill is filled, from one address and from the many /64s of one
//! /48, while clients from elsewhere connect and join (SPEC 3.7).

use core::net::SocketAddr;

use kabar_core::crypto::{Portable, Provider};
use kabar_core::internals::packet::{Hello, Initiate, Packet};
use kabar_core::session::TransportParameters;
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, join_args};
use super::server_key::MODULUS;
use super::world::{PASSWORD, World};
use crate::hub::{HubConfig, JobKind, JoinPolicy, RoomId};

/// A share that leads to no secret (SPEC 3.5).
const ZERO_SHARE: [u8; 32] = [0; 32];
/// A share that does.
const SHARE: [u8; 32] = [9; 32];

/// The source of a flood.
#[derive(Clone, Copy, Debug)]
enum From {
    OneAddress,
    /// Each from another /64, of all its /56s in turn.
    One48,
}

const EVERY: [From; 2] = [From::OneAddress, From::One48];

impl From {
    fn address(self, at: u16) -> SocketAddr {
        match self {
            Self::OneAddress => SocketAddr::from(([10, 66, 0, 1], 1_000 + at)),
            Self::One48 => SocketAddr::from(([0x2001, 0xdb8, 0x66, at.swap_bytes(), 0, 0, 0, 1], 1_000)),
        }
    }
}

/// A world in which the limits that are not under test do not interfere.
fn world(change: impl FnOnce(&mut HubConfig)) -> World {
    World::with(|config| {
        config.limits.handshake_burst = 100_000;
        config.limits.half_open_per_prefix = 100_000;
        change(config);
    })
}

fn parameters() -> TransportParameters {
    TransportParameters {
        datagram: 1200,
        packets: 64,
        message: 4480,
        chat: 16_384,
        bulk: 0,
        ack_delay_ms: 5,
        tick_us: 1_000,
        idle_s: 60,
    }
}

/// The reply of the hub, if there is one.
fn exchange(world: &mut World, from: SocketAddr, packet: Packet<'_>) -> Option<Vec<u8>> {
    let mut out = [0; 1200];
    let len = packet.encode(&mut out, Portable::crc32).expect("fits");
    world.hub.handle_datagram(world.now, from, &mut out[..len]);
    let mut answer = vec![0; 1200];
    let transmit = world.hub.poll_transmit(world.now, &mut answer)?;
    answer.truncate(transmit.len);
    Some(answer)
}

/// Sends Hello and Initiate of a client that goes no further. Returns the Initiate.
fn initiate(world: &mut World, from: SocketAddr, share: [u8; 32]) -> Vec<u8> {
    let mut client_random = [0; 32];
    client_random[..16].copy_from_slice(format!("{from:>40}").as_bytes().last_chunk::<16>().expect("long enough"));
    client_random[16..24].copy_from_slice(&world.hub.counters().datagrams.to_be_bytes());
    let hello = Hello { client_random, key_hint: [0; 8], datagram_len: 1200 };
    let challenge = exchange(world, from, Packet::Hello(hello)).expect("a Challenge");
    let Ok(Packet::Challenge(challenge)) = Packet::decode(&challenge, Portable::crc32) else { panic!("no Challenge") };
    let ciphertext = &MODULUS;
    let initiate =
        Packet::Initiate(Initiate { hello, cookie: challenge.cookie, share, parameters: parameters(), ciphertext });
    let mut out = vec![0; 1200];
    let len = initiate.encode(&mut out, Portable::crc32).expect("fits");
    out.truncate(len);
    world.inject(from, &out);
    out
}

/// Clients from elsewhere join immediately: one from an IPv4 address, one from an IPv6 network.
fn others_join(world: &mut World) {
    let clients = [([10, 1, 1, 1], 5_000).into(), ([0x2001, 0xdb8, 1, 0, 0, 0, 0, 1], 5_000).into()];
    for (key, address) in (201..).zip(clients) {
        let client = world.client_at(address);
        world.attempt_join(client, &join_args(&format!("p{key}"), key));
        assert!(world.clients[client].is_welcome(), "{address} is not welcome: {:?}", world.clients[client].received);
    }
}

#[test]
fn others_connect_while_one_prefix_uses_up_cookies() {
    for from in EVERY {
        let mut world = world(|config| config.limits.cookies = 20);
        for at in 0..500 {
            initiate(&mut world, from.address(at), ZERO_SHARE);
        }
        let counters = world.hub.counters();
        assert!(counters.handshakes_failed == 500 && counters.cookies_full >= 480, "{from:?} {counters:?}");
        others_join(&mut world);
    }
}

#[test]
fn others_connect_while_one_prefix_fills_the_half_open_table() {
    for from in EVERY {
        let mut world = world(|config| config.limits.half_open = 20);
        for at in 0..100 {
            initiate(&mut world, from.address(at), SHARE);
        }
        assert_eq!(
            (world.hub.status(RoomId::FIRST).half_open, world.hub.counters().half_open_full),
            (20, 80),
            "{from:?}"
        );
        others_join(&mut world);
    }
}

#[test]
fn others_connect_while_one_prefix_fills_the_handshake_queue() {
    for from in EVERY {
        let mut world = world(|config| config.limits.accept_jobs = 40);
        world.hold(JobKind::Accept);
        for at in 0..100 {
            initiate(&mut world, from.address(at), SHARE);
        }
        assert_eq!(
            (world.hub.status(RoomId::FIRST).handshakes, world.hub.counters().accept_jobs_full),
            (40, 60),
            "{from:?}"
        );
        let client = world.client();
        let now = world.now;
        world.clients[client].connect(now);
        world.run_ms(20);
        world.release();
        world.run_ms(20);
        assert!(world.clients[client].is_connected(), "{from:?}");
    }
}

#[test]
fn others_connect_while_one_prefix_fills_the_table_of_address_buckets() {
    for from in EVERY {
        let mut world = World::with(|config| {
            config.limits.prefixes = 6;
            config.limits.handshake_burst = 2;
            config.limits.handshake_interval = Duration::from_secs(60);
            config.limits.busy_accept_jobs = 0;
        });
        for at in 0..100 {
            initiate(&mut world, from.address(at), ZERO_SHARE);
        }
        assert!(world.hub.counters().handshakes_limited > 0, "{from:?}");
        others_join(&mut world);
    }
}

#[test]
fn one_prefix_is_limited_while_the_server_is_not_busy() {
    for (from, expected) in [(From::OneAddress, 32), (From::One48, 16 * 32)] {
        let mut world = World::with(|config| config.limits.handshake_burst = 2);
        for at in 0..600 {
            initiate(&mut world, from.address(at), ZERO_SHARE);
        }
        assert_eq!(world.hub.counters().handshakes_failed, expected, "{from:?}");
        others_join(&mut world);
    }
}

/// `count` connections that do not join.
fn strangers(world: &mut World, from: From, count: u16) {
    for at in 0..count {
        let client = world.client_at(from.address(at));
        let now = world.now;
        world.clients[client].connect(now);
        world.run_ms(10);
        world.clients[client].is_cut = true;
    }
}

#[test]
fn others_join_while_one_prefix_fills_the_table_of_unjoined_connections() {
    for from in EVERY {
        let mut world = world(|config| config.limits.unjoined = 12);
        strangers(&mut world, from, 40);
        assert_eq!(
            (world.hub.status(RoomId::FIRST).unjoined, world.hub.counters().unjoined_full),
            (12, 28),
            "{from:?}"
        );
        others_join(&mut world);
        assert_eq!(world.hub.counters().displaced, 1, "whoever joined does not need the place");
    }
}

#[test]
fn others_join_while_one_prefix_fills_the_table_of_connections() {
    for from in EVERY {
        let mut world = world(|config| config.limits.connections = 12);
        let ana = world.join(&join_args("Ana", 1));
        strangers(&mut world, from, 40);
        assert_eq!(
            (world.hub.status(RoomId::FIRST).connections, world.hub.counters().connections_full),
            (12, 29),
            "{from:?}"
        );
        others_join(&mut world);
        assert_eq!(world.hub.who(world.now, RoomId::FIRST).len(), 3);
        assert!(world.clients[ana].is_connected());
    }
}

#[test]
fn closed_connections_are_displaced_first() {
    let mut world = world(|config| config.limits.connections = 2);
    let ana = world.join(&join_args("Ana", 1));
    let over = world.client();
    world.connect(over);
    let now = world.now;
    world.clients[over].close(now);
    world.run_ms(2);
    assert_eq!(world.hub.status(RoomId::FIRST).connections, 2, "it is remembered for a while");
    world.join(&join_args("Ben", 2));
    assert!(world.clients[ana].is_connected());
}

#[test]
fn hints_to_one_prefix_do_not_use_up_those_of_others() {
    for from in EVERY {
        let mut world = world(|config| {
            config.limits.hint_burst = 2;
            config.limits.hint_interval = Duration::from_secs(60);
        });
        let ana = world.join(&join_args("Ana", 1));
        let (home, sealed) = world.recorded.iter().rfind(|(_, bytes)| bytes[0] == 0x15).cloned().expect("sealed");
        world.restart();
        world.clients[ana].is_cut = true;
        for at in 0..200 {
            world.inject(from.address(at), &sealed);
        }
        assert!(world.hub.counters().hints_limited >= 100, "{from:?}");
        world.sent.clear();
        world.inject(home, &sealed);
        assert_eq!(world.sent, [(home, 17)]);
    }
}

#[test]
fn unsent_replies_are_bounded() {
    let mut world = world(|config| config.limits.answers = 10);
    let hello = Hello { client_random: [1; 32], key_hint: [0; 8], datagram_len: 1200 };
    let mut out = [0; 1200];
    Packet::Hello(hello).encode(&mut out, Portable::crc32).expect("fits");
    for at in 0..100 {
        let mut hello = out;
        world.hub.handle_datagram(world.now, From::OneAddress.address(at), &mut hello);
    }
    assert_eq!((world.hub.door.replies(), world.hub.counters().answers_dropped), (10, 90));
    others_join(&mut world);
}

fn with_password(change: impl FnOnce(&mut HubConfig)) -> World {
    world(|config| {
        config.join_policy = JoinPolicy::Password;
        change(config);
    })
}

/// A client at `address` that joins with this password; the answer is not awaited.
fn attempt_join_at(world: &mut World, address: SocketAddr, key: u8, password: &'static str) -> usize {
    let client = world.client_at(address);
    world.connect(client);
    world.clients[client]
        .join(&JoinArgs { credential: Credential::Password(password), ..join_args(&format!("p{key}"), key) });
    world.run_ms(5);
    client
}

#[test]
fn passwords_of_others_are_checked_while_one_prefix_fills_the_queue() {
    for from in EVERY {
        let mut world = with_password(|config| config.limits.password_queue = 6);
        world.hold(JobKind::Password);
        for at in 0..20 {
            attempt_join_at(&mut world, from.address(at), 9, "guess");
        }
        let client = attempt_join_at(&mut world, ([10, 1, 1, 1], 5_000).into(), 1, PASSWORD);
        assert_eq!(world.hub.counters().password_queue_full, 14, "{from:?}");
        world.release();
        world.run_ms(200);
        assert!(world.clients[client].is_welcome(), "{from:?}");
    }
}

#[test]
fn wrong_passwords_from_many_addresses_delay_others_by_one_check() {
    let mut world = with_password(|config| {
        config.limits.password_burst = 1_000;
        config.limits.join_burst = 1_000;
    });
    let mut port = 1_000;
    let mut guesser = |at: u8| {
        port += 1;
        SocketAddr::from(([10, 77, 0, at], port))
    };
    // All guesses that the limit for the room permits at once.
    for at in 0..60 {
        attempt_join_at(&mut world, guesser(at % 12), 9, "guess");
    }
    assert!(world.hub.counters().wrong_passwords >= 60);
    // And from now on one is always waiting at each address.
    for round in 0..5 {
        for at in 0..12 {
            attempt_join_at(&mut world, guesser(at), 9, "guess");
        }
        let key = 1 + round;
        let client = attempt_join_at(&mut world, ([10, 1, 1, key], 5_000).into(), key, PASSWORD);
        world.run_ms(1_100);
        assert!(world.clients[client].is_welcome(), "{round}: {:?}", world.clients[client].received);
    }
    let counters = world.hub.counters();
    assert!(counters.room_passwords_limited > 12, "{counters:?}");
    // One a second and the burst, for any number of addresses.
    let wrong = counters.wrong_passwords;
    world.run(Duration::from_secs(10));
    assert!(world.hub.counters().wrong_passwords - wrong <= 11);
    assert!(world.hub.counters().passwords_unchecked > 0, "who waits in vain hears so");
}

#[test]
fn members_of_one_prefix_are_bounded_and_others_join() {
    for from in EVERY {
        let mut world = world(|config| config.limits.members_per_prefix = 4);
        for key in 1..=6 {
            let client = world.client_at(from.address(u16::from(key)));
            world.attempt_join(client, &join_args(&format!("m{key}"), key));
        }
        assert_eq!(
            (world.hub.who(world.now, RoomId::FIRST).len(), world.hub.counters().prefix_members_full),
            (4, 2),
            "{from:?}"
        );
        // Members join again on another connection.
        let again = world.client_at(from.address(99));
        world.attempt_join(again, &join_args("m4", 4));
        assert!(world.clients[again].is_welcome());
        others_join(&mut world);
    }
}
