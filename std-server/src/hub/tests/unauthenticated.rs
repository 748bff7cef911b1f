//! Unauthenticated datagrams change nothing and cost little (SPEC 3.2, 3.6, 4.5; S6).

use core::net::SocketAddr;

use kabar_core::crypto::{Portable, Provider};
use kabar_core::time::Duration;
use proptest::prelude::*;

use super::fake_client::join_args;
use super::world::World;
use crate::hub::{JobKind, RoomId};

const HELLO: u8 = 0x11;
const INITIATE: u8 = 0x13;
const SEALED: u8 = 0x15;

fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 66, 0, host], port))
}

/// Corrects the CRC.
fn repair(datagram: &mut [u8]) {
    let Some(at) = datagram.len().checked_sub(4) else { return };
    let crc = Portable::crc32(&datagram[..at]);
    datagram[at..].copy_from_slice(&crc.to_be_bytes());
}

fn recorded(world: &World, first_byte: u8) -> Vec<(SocketAddr, Vec<u8>)> {
    world.recorded.iter().filter(|(_, bytes)| bytes[0] == first_byte).cloned().collect()
}

/// A room with members, one of them absent, a post that waits for its commit, and a refused post.
fn busy() -> World {
    let mut world = World::new();
    for key in 1..=3 {
        let client = world.join(&join_args(&format!("p{key}"), key));
        world.clients[client].post(1, "hello");
        world.run_ms(20);
    }
    assert!(world.clients[2].send_raw(&[0, 0]));
    world.run_ms(50);
    world.hold(JobKind::Store);
    world.clients[0].post(2, "waits");
    assert!(world.clients[1].post_as(kabar_core::chat::EntryKind(9), 2, 1, b""));
    world.run_ms(500);
    world
}

#[test]
fn damaged_forged_and_replayed_datagrams_change_nothing() {
    let mut world = busy();
    let digest = world.hub.state_digest();
    let recorded = world.recorded.clone();
    let mut checked = 0;
    for (from, bytes) in &recorded {
        // Unchanged, from its source and from elsewhere.
        let is_sealed = bytes[0] == SEALED;
        for from in [*from, address(1, 1)] {
            if is_sealed {
                world.inject(from, bytes);
            }
            // Damaged at both ends and in the middle, with and without a corrected CRC.
            for at in [0, 1, 6, 12, 13, bytes.len() / 2, bytes.len() - 21, bytes.len() - 5, bytes.len() - 1] {
                let mut changed = bytes.clone();
                changed[at] ^= 0x40;
                world.inject(from, &changed);
                repair(&mut changed);
                world.inject(from, &changed);
                checked += 1;
            }
            let mut short = bytes[..bytes.len() - 1].to_vec();
            repair(&mut short);
            world.inject(from, &short);
            assert!(world.hub.state_digest() == digest, "{from} {:02x?}", &bytes[..14]);
        }
    }
    let counters = world.hub.counters();
    assert!(checked > 300);
    assert!(counters.damaged > 0 && counters.not_authentic > 0 && counters.replayed > 0 && counters.wrong_cookie > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_datagrams_change_nothing(
        datagrams in proptest::collection::vec(
            (0x10..=0x17u8, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..1300), 0..4usize), 1..40),
    ) {
        let mut world = busy();
        let digest = world.hub.state_digest();
        let ids: Vec<[u8; 4]> = recorded(&world, SEALED).iter().map(|(_, bytes)| bytes[1..5].try_into().unwrap()).collect();
        for (at, (first, has_crc, mut bytes, id)) in datagrams.into_iter().enumerate() {
            if let Some(byte) = bytes.first_mut() {
                *byte = first;
            }
            if bytes.len() > 33 && id > 0 {
                bytes[1..5].copy_from_slice(&ids[id * at % ids.len()]);
            }
            if has_crc {
                repair(&mut bytes);
            }
            world.inject(address(1, 1), &bytes);
            prop_assert!(world.hub.state_digest() == digest);
        }
    }
}

#[test]
fn an_authentic_packet_changes_the_state() {
    let mut world = busy();
    let digest = world.hub.state_digest();
    world.clients[0].post(3, "x");
    world.run_ms(20);
    assert!(world.hub.state_digest() != digest);
}

#[test]
fn a_repeated_initiate_gets_the_same_accept_while_half_open() {
    let mut world = World::new();
    let client = world.client();
    let now = world.now;
    world.clients[client].is_cut = true;
    world.clients[client].connect(now);
    // Hello, Challenge and Initiate; the client's first sealed packet is never sent.
    world.clients[client].is_cut = false;
    world.hold(JobKind::Accept);
    world.run_ms(20);
    let initiate = recorded(&world, INITIATE).pop().expect("an Initiate");
    world.clients[client].is_cut = true;
    // While its job waits, the same Initiate creates no second one.
    world.inject(initiate.0, &initiate.1);
    assert_eq!(world.jobs.len(), 1);
    world.release();
    assert_eq!(world.hub.counters().accepts, 1);
    for _ in 0..5 {
        world.inject(initiate.0, &initiate.1);
    }
    assert_eq!((world.hub.counters().accepts, world.jobs.len()), (6, 0));
    // Five seconds later it has expired: a new handshake with the same cookie.
    world.run(Duration::from_secs(6));
    assert!(world.hub.counters().half_open_expired >= 1);
    world.hold(JobKind::Accept);
    world.inject(initiate.0, &initiate.1);
    assert_eq!(world.jobs.len(), 1);
}

#[test]
fn a_repeated_initiate_starts_a_new_handshake_once_open_within_its_cookie_budget() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let (from, initiate) = recorded(&world, INITIATE).pop().expect("an Initiate");
    world.hold(JobKind::Accept);
    let mut jobs = 0;
    for _ in 0..5 {
        world.inject(from, &initiate);
        jobs += world.jobs.len();
        let Some(job) = world.jobs.pop_front() else { continue };
        let done = world.run_job(job);
        world.hub.handle_done(world.now, done);
        world.run(Duration::from_secs(6));
    }
    // The first use opened the connection.
    assert_eq!((jobs, world.hub.counters().cookies_limited), (2, 3));
    assert!(world.clients[ana].is_connected());
}

#[test]
fn no_reply_is_longer_than_its_request_before_a_cookie_verifies() {
    let mut world = World::new();
    let client = world.client();
    world.connect(client);
    let (_, hello) = recorded(&world, HELLO).swap_remove(0);
    world.sent.clear();
    for from in [address(1, 1), address(2, 2)] {
        world.inject(from, &hello);
        for cut in [1199, 640, 600, 100, 5] {
            let mut short = hello[..cut].to_vec();
            repair(&mut short);
            world.inject(from, &short);
        }
    }
    assert!(!world.sent.is_empty() && world.sent.iter().all(|(_, len)| *len <= 640), "{:?}", world.sent);
    // An Initiate with the cookie of another address is dropped.
    let (_, initiate) = recorded(&world, INITIATE).swap_remove(0);
    world.hold(JobKind::Accept);
    world.inject(address(3, 3), &initiate);
    assert_eq!((world.jobs.len(), world.hub.counters().wrong_cookie), (0, 1));
}

/// Handshakes of `count` clients at `host`, none of which goes beyond Initiate.
fn initiates(world: &mut World, host: u8, count: u16) {
    world.held = vec![JobKind::Accept];
    for port in 0..count {
        let client = world.client_at(address(host, 1_000 + port));
        let now = world.now;
        world.clients[client].connect(now);
    }
    world.run_ms(20);
}

#[test]
fn half_open_entries_are_bounded_in_total_and_per_prefix() {
    let mut world = World::with(|config| {
        config.limits.half_open_per_prefix = 5;
        config.limits.half_open = 8;
    });
    initiates(&mut world, 1, 7);
    assert_eq!((world.jobs.len(), world.hub.counters().half_open_prefix_full), (5, 2));
    initiates(&mut world, 2, 4);
    let status = world.hub.status(RoomId::FIRST);
    assert_eq!((status.half_open, world.hub.counters().half_open_full, world.jobs.len()), (8, 1, 9));
}

#[test]
fn accept_jobs_are_bounded() {
    let mut world = World::with(|config| config.limits.accept_jobs = 4);
    initiates(&mut world, 1, 6);
    assert_eq!((world.jobs.len(), world.hub.counters().accept_jobs_full), (4, 2));
}

#[test]
fn the_handshake_limit_of_an_address_applies_only_while_the_server_is_busy() {
    let mut world = World::with(|config| {
        config.limits.handshake_burst = 4;
        config.limits.busy_accept_jobs = 6;
    });
    initiates(&mut world, 1, 10);
    assert_eq!((world.jobs.len(), world.hub.counters().handshakes_limited), (6, 4));
    // Another address is not affected.
    initiates(&mut world, 2, 3);
    assert_eq!((world.jobs.len(), world.hub.counters().handshakes_limited), (9, 4));
}

#[test]
fn counted_cookies_are_bounded() {
    let mut world = World::with(|config| config.limits.cookies = 3);
    initiates(&mut world, 1, 5);
    assert_eq!((world.jobs.len(), world.hub.counters().cookies_full), (5, 2));
}

#[test]
fn an_unknown_connection_gets_a_rate_limited_hint() {
    let mut world = World::with(|config| {
        config.limits.hint_burst = 10;
        config.limits.hint_interval = Duration::from_secs(1);
    });
    world.join(&join_args("Ana", 1));
    let (from, sealed) = recorded(&world, SEALED).pop().expect("a sealed packet");
    world.restart();
    world.sent.clear();
    for _ in 0..30 {
        world.inject(from, &sealed);
    }
    assert_eq!(world.sent, vec![(from, 17); 10]);
    assert_eq!((world.hub.counters().hints, world.hub.counters().hints_limited), (10, 20));
    // A hint is never an answer to a hint.
    world.sent.clear();
    let mut hint = [0; 17];
    hint[0] = 0x16;
    hint[1..5].copy_from_slice(&sealed[1..5]);
    repair(&mut hint);
    world.run(Duration::from_secs(5));
    world.sent.clear();
    world.inject(from, &hint);
    assert!(world.sent.is_empty());
}

/// A client whose first sealed packet is in transit, with that packet and its source.
fn first_packet_in_transit(world: &mut World) -> (usize, SocketAddr, Vec<u8>) {
    let client = world.client();
    let now = world.now;
    world.clients[client].connect(now);
    world.hold(JobKind::Accept);
    world.run_ms(20);
    world.release();
    world.run_ms(1);
    let (from, sealed) = recorded(world, SEALED).pop().expect("a sealed packet");
    (client, from, sealed)
}

#[test]
fn a_forged_first_packet_allocates_no_connection() {
    let mut world = World::new();
    let (_, from, sealed) = first_packet_in_transit(&mut world);
    assert_eq!(world.hub.counters().accepts, 1);
    // An attacker that is faster and guesses the connection id opens nothing.
    let mut forged = sealed.clone();
    let at = forged.len() - 30;
    forged[at] ^= 1;
    repair(&mut forged);
    for _ in 0..100 {
        world.inject(from, &forged);
    }
    let counters = world.hub.counters();
    let allocated = world.hub.peers.pool.memories_made();
    assert_eq!((counters.not_authentic, counters.connections, allocated), (100, 0, 0));
    world.inject(from, &sealed);
    assert_eq!((world.hub.counters().connections, world.hub.peers.pool.memories_made()), (1, 1));
}

#[test]
fn a_first_packet_from_another_address_does_not_move_the_connection() {
    let mut world = World::new();
    let (client, from, sealed) = first_packet_in_transit(&mut world);
    // An attacker copies the packet and is faster: the server replies to the address that proved
    // the cookie.
    world.sent.clear();
    world.inject(address(7, 7), &sealed);
    assert_eq!(world.hub.counters().connections, 1);
    world.run_ms(200);
    let (there, elsewhere): (Vec<_>, Vec<_>) = world.sent.iter().partition(|(to, _)| *to == from);
    assert!(!there.is_empty() && elsewhere.iter().all(|(_, len)| *len <= sealed.len()));
    world.clients[client].join(&join_args("Ana", 1));
    world.run_ms(200);
    assert!(world.clients[client].is_welcome());
    assert_eq!(world.hub.who(world.now, RoomId::FIRST)[0].address, from);
}

#[test]
fn unfetched_events_are_bounded() {
    let mut world = World::with(|config| config.limits.events = 4);
    for text in ["1", "2", "3", "4", "5", "6"] {
        world.hub.say(world.now, RoomId::FIRST, text);
        world.run_jobs();
    }
    assert_eq!(world.hub.counters().events_dropped, 2);
}
