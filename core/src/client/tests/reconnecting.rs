//! Connections are lost and re-established; unauthentic packets end none (SPEC 4.5, 5.7, 7).

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use super::server::{self, Server};
use super::world::{Seen, World, config, secs};
use crate::chat::{Start, Term};
use crate::client::{Config, DisconnectReason, EndReason, RoomSlot, State};
use crate::connection::Closed;
use crate::crypto::{Portable, Provider};
use crate::time::{Duration, Instant};
use crate::wire::frame::CloseCode;
use crate::wire::packet::{Packet, SealedHeader};

/// When each attempt began, which is distinguished by its client random.
fn attempts(world: &World) -> Vec<Instant> {
    let mut randoms = BTreeSet::new();
    let mut begun = Vec::new();
    for (at, bytes) in &world.sent {
        if let Ok(Packet::Hello(hello)) = Packet::decode(bytes, Portable::crc32)
            && hello.datagram_len == 1200
            && randoms.insert(hello.client_random)
        {
            begun.push(*at);
        }
    }
    begun
}

fn last_sealed(world: &World) -> SealedHeader {
    world
        .sent
        .iter()
        .rev()
        .find_map(|(_, bytes)| match Packet::decode(bytes, Portable::crc32) {
            Ok(Packet::Sealed(header)) => Some(header),
            _ => None,
        })
        .unwrap()
}

fn hint(header: SealedHeader) -> Vec<u8> {
    let mut out = vec![0; 1200];
    let len = Packet::Hint(header).encode(&mut out, Portable::crc32).unwrap();
    out.truncate(len);
    out
}

#[test]
fn reconnects_to_a_restarted_server_by_its_hint_without_loss() {
    let mut world = World::online();
    world.server.add_entry(b"before");
    world.run(secs(1));
    world.seen.clear();
    let before = world.client.counters().connection;
    world.server.restart();
    world.server.add_entry(b"while away");
    world.post(b"unsettled");
    let began = world.now;
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0 && world.bodies().len() == 2);
    assert!(world.now.saturating_since(began) < secs(1), "no time-out has to pass");
    assert_eq!(world.server.joins[1].start, Start::After { seq: 1, term: Term([1; 8]), fallback_count: 0 });
    assert_eq!(world.server.joins[1].instance, 0x1001, "the instance stays");
    assert_eq!(world.seen[0], Seen::Disconnected(DisconnectReason::Unknown));
    assert!(matches!(world.seen[1], Seen::Joined { is_resumed: true, term: Term([2, ..]), start: 1, .. }));
    assert_eq!(world.bodies(), [&b"while away"[..], b"unsettled"]);
    assert_eq!(world.client.cursor(RoomSlot::FIRST), Some((3, Term([2; 8]))));
    let after = world.client.counters();
    assert_eq!(after.connections, 2);
    assert!(after.connection.sent > before.sent && after.connection.received > before.received, "counters only rise");
}

#[test]
fn reconnects_within_seconds_at_each_of_several_restarts() {
    let mut world = World::online();
    for _ in 0..5 {
        world.server.restart();
        world.post(b"unsettled");
        let began = world.now;
        world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
        assert!(world.now.saturating_since(began) < secs(3), "an attempt that succeeded does not hold up the next");
    }
    assert_eq!(world.client.counters().connections, 6);
}

#[test]
fn resumes_with_the_fallback_count_of_the_first_start() {
    let mut world = World::online_with(&Config { start: Start::Last(50), ..config() });
    world.server.restart();
    world.post(b"x");
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.joins[1].start, Start::After { seq: 0, term: Term([1; 8]), fallback_count: 50 });
}

#[test]
fn a_returning_client_asks_for_no_name() {
    let mut world = World::online();
    world.server.restart();
    world.post(b"x");
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    let default_names: Vec<_> = world.server.joins.iter().map(|join| join.is_default_name).collect();
    assert_eq!(default_names, [false, true], "it may have been renamed meanwhile");
}

#[test]
fn forged_hints_are_ignored() {
    let mut world = World::online();
    world.post(b"x");
    world.run(secs(2));
    let known = SealedHeader { packet_number: 0, ..last_sealed(&world) };
    // That packet was acknowledged. Then one is in flight, but the hint is about another packet,
    // about another connection, or from another address.
    world.inject(server::ADDRESS, hint(known));
    world.post(b"y");
    world.run(Duration::ZERO);
    let in_flight = last_sealed(&world);
    let elsewhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66)), 9999);
    world.inject(server::ADDRESS, hint(known));
    world.inject(server::ADDRESS, hint(SealedHeader { packet_number: in_flight.packet_number + 1, ..in_flight }));
    world.inject(server::ADDRESS, hint(SealedHeader { connection_id: 0x4242, ..in_flight }));
    world.inject(elsewhere, hint(in_flight));
    let begun = attempts(&world).len();
    world.run(secs(30));
    assert_eq!(attempts(&world).len(), begun);
    assert_eq!(world.client.counters().handshake, 5);
    assert!(!world.seen.iter().any(|seen| matches!(seen, Seen::Disconnected(_))));
}

#[test]
fn accepted_hint_ends_nothing_while_the_server_responds() {
    let mut world = World::online();
    world.post(b"x");
    world.run(Duration::ZERO);
    let in_flight = last_sealed(&world);
    // An observer of the path can forge this hint; the answer to the packet itself is in flight.
    world.inject(server::ADDRESS, hint(in_flight));
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Reconnecting);
    world.run(secs(60));
    assert_eq!(world.client.counters().connections, 1);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Online);
    assert_eq!(world.seen[..2], [Seen::Disconnected(DisconnectReason::Unknown), Seen::Reconnected]);
    assert_eq!(world.client.unsettled(RoomSlot::FIRST), 0);
}

#[test]
fn parallel_attempts_begin_at_most_every_ten_seconds() {
    let mut world = World::online();
    let begun = attempts(&world).len();
    world.server.rules.is_down = true;
    world.post(b"x");
    world.run(secs(50));
    let attempts = &attempts(&world)[begun..];
    assert!((4..=5).contains(&attempts.len()), "{attempts:?}");
    for pair in attempts.windows(2) {
        assert!(pair[1].saturating_since(pair[0]) >= secs(10));
    }
}

#[test]
fn silence_and_its_end_are_reported_once() {
    let mut world = World::online();
    world.server.rules.is_down = true;
    world.post(b"x");
    world.run(secs(30));
    assert_eq!(world.seen, [Seen::Disconnected(DisconnectReason::Silent)]);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Reconnecting);
    world.server.rules.is_down = false;
    world.run_until(secs(30), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    // The server did not restart: either the old connection recovered, or the parallel attempt was
    // faster.
    assert!(matches!(world.seen[1], Seen::Reconnected | Seen::Joined { is_resumed: true, .. }));
    assert_eq!(world.server.bodies(), [b"x"]);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Online);
}

#[test]
fn short_silence_is_not_reported() {
    let mut world = World::online();
    world.is_deaf = true;
    world.post(b"x");
    world.run(secs(3));
    world.is_deaf = false;
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert!(!world.seen.iter().any(|seen| matches!(seen, Seen::Disconnected(_))));
    assert_eq!(world.client.counters().connections, 1);
}

#[test]
fn reconnects_to_a_server_that_was_down_for_minutes() {
    let mut world = World::online();
    world.server.rules.is_down = true;
    world.post(b"kept");
    world.run(secs(400));
    assert_eq!(world.seen, [Seen::Disconnected(DisconnectReason::Silent)]);
    world.server.restart();
    world.server.rules.is_down = false;
    // The longest back-off, and an attempt.
    world.run_until(secs(21), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.bodies(), [b"kept"]);
}

#[test]
fn idle_connection_is_kept_alive() {
    let mut world = World::online();
    world.run(secs(600));
    assert_eq!(world.seen, []);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Online);
    assert_eq!(world.client.counters().connections, 1);
}

#[test]
fn ends_when_replaced_kicked_or_banned() {
    for code in [CloseCode::REPLACED, CloseCode::KICKED, CloseCode::BANNED] {
        let mut world = World::online();
        let sent = attempts(&world).len();
        world.server.close_all(world.now, code);
        world.run(secs(100));
        assert_eq!(world.seen, [Seen::Ended(EndReason::Closed(code))]);
        assert_eq!(world.client.state(RoomSlot::FIRST), State::Ended);
        assert_eq!(attempts(&world).len(), sent);
    }
}

#[test]
fn reconnects_after_other_close_codes() {
    for (code, lost) in [
        (CloseCode::SHUTDOWN, DisconnectReason::Shutdown),
        (CloseCode::INTERNAL, DisconnectReason::Closed(Closed::ByPeer(CloseCode::INTERNAL))),
        (CloseCode::NOT_JOINED, DisconnectReason::Closed(Closed::ByPeer(CloseCode::NOT_JOINED))),
        (CloseCode(0x7777), DisconnectReason::Closed(Closed::ByPeer(CloseCode(0x7777)))),
    ] {
        let mut world = World::online();
        let closed = world.now;
        world.server.close_all(world.now, code);
        world.run_until(secs(3), World::has_joined);
        assert_eq!(world.seen[0], Seen::Disconnected(lost));
        assert!(world.now.saturating_since(closed) >= Duration::from_millis(500), "not at once");
    }
}

#[test]
fn entries_received_before_the_end_are_delivered() {
    let mut world = World::online();
    world.polls = false;
    world.server.add_entry(b"last words");
    world.run(Duration::from_millis(100));
    world.server.close_all(world.now, CloseCode::KICKED);
    world.run(secs(1));
    world.polls = true;
    world.run(secs(1));
    assert_eq!(world.bodies(), [b"last words"]);
    assert_eq!(world.seen.last(), Some(&Seen::Ended(EndReason::Closed(CloseCode::KICKED))));
}

#[test]
fn later_join_of_an_identity_replaces_the_earlier() {
    let mut world = World::online();
    let mut other = World::idle(Server::new());
    core::mem::swap(&mut world.client, &mut other.client);
    // The same server, a second client of the same identity; the first is closed.
    let config = Config { fingerprint: Some(server::fingerprint(0)), ..config() };
    world.client.start(&config, [2; 32], world.now).unwrap();
    world.run_until(secs(5), World::has_joined);
    assert!(world.server.ended.contains(&Closed::Locally(CloseCode::REPLACED)));
}

#[test]
fn attempts_go_to_the_address_set_last() {
    let mut world = World::idle(Server::new());
    let wrong = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200)), 1);
    let config = Config { server: wrong, fingerprint: Some(server::fingerprint(0)), ..config() };
    world.client.start(&config, [1; 32], world.now).unwrap();
    world.run(secs(1));
    world.client.set_server(server::ADDRESS);
    world.run_until(secs(10), World::has_joined);
}

#[test]
fn unanswered_attempt_moves_to_a_new_address() {
    let mut world = World::idle(Server::new());
    let wrong = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200)), 1);
    let config = Config { server: wrong, fingerprint: Some(server::fingerprint(0)), ..config() };
    world.client.start(&config, [1; 32], world.now).unwrap();
    world.run(Duration::from_millis(400));
    world.client.set_server(server::ADDRESS);
    assert_eq!(world.client.server(), server::ADDRESS);
    // The attempt need not time out after 5 s: its next Hello uses the new address.
    world.run_until(secs(2), World::has_joined);
}

#[test]
fn answered_attempt_keeps_its_address() {
    let mut world = World::idle(Server::new());
    let config = Config { server: server::ADDRESS, ..config() };
    world.client.start(&config, [1; 32], world.now).unwrap();
    world.run_until(secs(2), |world| world.client.state(RoomSlot::FIRST) == State::Connecting { answered: true });
    world.client.set_server(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 200)), 1));
    assert_eq!(world.client.server(), server::ADDRESS);
    world.client.accept_key(world.now);
    world.run_until(secs(2), World::has_joined);
}

#[test]
fn forged_key_does_not_end_an_attempt() {
    let mut world = World::start(&config());
    world.server.rules.poses_first_with = Some(1);
    world.run_until(secs(10), World::has_joined);
    assert_eq!(world.client.counters().handshake, 1);
}

#[test]
fn server_with_another_key_is_distinguished_from_no_server() {
    let config = Config { fingerprint: Some(server::fingerprint(0)), ..config() };
    let mut world = World::start_with(Server::with_key(1), &config, 1);
    world.run(secs(1));
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Connecting { answered: true });
    world.run_until(secs(8), |world| world.ended().is_some());
    assert_eq!(world.seen, [Seen::Ended(EndReason::KeyMismatch)]);
    assert_eq!(world.server.joins, []);
}

#[test]
fn ends_after_five_seconds_of_only_other_keys() {
    let mut world = World::start(&config());
    world.server.rules.poses_with = Some(1);
    let began = world.now;
    world.run(secs(1));
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Connecting { answered: true });
    world.run_until(secs(20), |world| world.ended().is_some());
    assert_eq!(world.seen, [Seen::Ended(EndReason::KeyMismatch)]);
    let lasted = world.now.saturating_since(began);
    assert!(lasted >= secs(5) && lasted <= secs(8), "{lasted:?}");
    assert!(world.client.counters().handshake >= 5);
}

#[test]
fn forged_key_never_ends_a_former_member() {
    let mut world = World::online();
    world.server.rules.poses_with = Some(1);
    world.server.rules.is_down = true;
    world.post(b"kept");
    world.run(secs(300));
    assert_eq!(world.ended(), None);
    world.server.rules = server::Rules::default();
    world.run_until(secs(21), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
}

#[test]
fn noise_changes_only_the_counters() {
    let mut world = World::online();
    world.post(b"x");
    world.run(secs(1));
    let state = std::format!("{:?}", world.client);
    let before = world.client.counters();
    let packets: Vec<_> = world.sent.iter().map(|(_, bytes)| bytes.clone()).collect();
    let mut injected = 0;
    for mut bytes in packets.into_iter().chain([vec![], vec![0x15], vec![0; 1200]]) {
        // As it was sent, reflected; with a flipped bit; and with the CRC repaired.
        world.inject(server::ADDRESS, bytes.clone());
        if let Some(byte) = bytes.get_mut(20) {
            *byte ^= 1;
        }
        world.inject(server::ADDRESS, bytes.clone());
        if let Some((content, crc)) = bytes.split_last_chunk_mut::<4>() {
            *crc = Portable::crc32(content).to_be_bytes();
        }
        world.inject(server::ADDRESS, bytes);
        injected += 3;
    }
    let after = world.client.counters();
    let drops = |c: &crate::client::ClientCounters| {
        let of = &c.connection;
        c.damaged + c.malformed + c.handshake + of.malformed + of.not_authentic + of.replayed + of.stale
    };
    assert_eq!(drops(&after) - drops(&before), injected);
    assert_eq!(std::format!("{:?}", world.client), state);
    assert_eq!(after.connection.received, before.connection.received);
    world.post(b"y");
    world.run_until(secs(2), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
}
