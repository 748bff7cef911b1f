//! Extreme instants.

use super::server::Server;
use super::world::{TestClient, World, config};
use crate::chat::{EntryKind, Request};
use crate::client::{Event, Output, RoomSlot};
use crate::time::{Instant, extremes};

/// Handles everything that is due now, and asserts that it terminates.
fn drain(client: &mut TestClient, now: Instant) {
    client.handle_timeout(now);
    let mut out = [0; 1200];
    for nth in 0..=100 {
        assert!(nth < 100, "gives output without end at {now:?}");
        match client.poll_output(now, &mut out) {
            Output::Event(Event::UnknownServerKey(_)) => client.accept_key(now),
            Output::Event(_) | Output::Transmit(_) => {}
            Output::Timeout(_) => break,
        }
    }
}

#[test]
fn every_call_of_a_connecting_client_terminates_at_any_instant() {
    for [from, to] in extremes() {
        let mut client = World::idle(Server::new()).client;
        client.start(&config(), [1; 32], from).unwrap();
        for now in [from, to, from, to] {
            drain(&mut client, now);
            drain(&mut client, now);
        }
        client.abort(to);
        drain(&mut client, to);
    }
}

#[test]
fn every_call_of_an_online_client_terminates_at_any_instant() {
    for [from, to] in extremes().step_by(5) {
        for aborts in [false, true] {
            let mut client = World::online().client;
            for now in [from, to, from, to] {
                let _ = client.post(RoomSlot::FIRST, EntryKind::TEXT, b"text");
                drain(&mut client, now);
                let _ = client.request(now, RoomSlot::FIRST, Request::ListMembers);
                drain(&mut client, now);
            }
            if aborts {
                client.abort(from);
            } else {
                client.leave(from);
            }
            for now in [from, to, from] {
                drain(&mut client, now);
            }
        }
    }
}
