//! The peer changes its address (SPEC 4.4).

use std::vec::Vec;

use super::link::{CLEAN, CLIENT, Pair, Pooled, SERVER, address, rough};
use super::scripted_peer::{CHAT, ScriptedPeer, body};
use crate::connection::ConnectionEvent;
use crate::session::Role;
use crate::time::Duration;
use crate::wire::frame::Frame;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn streams_continue_when_the_client_changes_its_address() {
    for seed in 0..10 {
        let mut pair = Pair::new(seed, rough(10), Pooled::large(), Pooled::large());
        pair.client.to_write = [20_000, 0];
        pair.server.to_write = [20_000, 0];
        for host in 10..13 {
            pair.run(Duration::from_millis(150));
            pair.client.address = address(host);
        }
        pair.client.to_write[0] += 500;
        pair.run_until(SECOND * 60, Pair::is_done);
        assert_eq!(pair.server.connection.remote(), Some(address(12)));
        assert_eq!(pair.client.connection.remote(), Some(SERVER));
        assert!(pair.server.events.contains(&ConnectionEvent::Moved(address(12))));
    }
}

#[test]
fn server_follows_an_idle_client_at_its_next_keep_alive() {
    let mut pair = Pair::new(1, CLEAN, Pooled::large(), Pooled::large());
    pair.run(SECOND);
    pair.client.address = address(10);
    pair.run(SECOND * 21);
    assert_eq!(pair.server.connection.remote(), Some(address(10)));
}

fn challenges(peer: &mut ScriptedPeer) -> Vec<(core::net::SocketAddr, usize, [u8; 8])> {
    let received = peer.receive();
    let found = received.iter().flat_map(|received| {
        received.frames().into_iter().filter_map(|frame| match frame {
            Frame::PathChallenge(data) => Some((received.to, received.len, data)),
            _ => None,
        })
    });
    found.collect()
}

#[test]
fn only_challenges_go_to_the_new_address_before_its_response() {
    let mut peer = ScriptedPeer::new(Role::Server, Pooled::large());
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.address = address(50);
    peer.send(&body(&[Frame::Ping, Frame::MaxData { id: CHAT, offset: 1 }])).unwrap();
    peer.connection.send(peer.now, CHAT, &[b"secret"]).unwrap();
    let received = peer.receive();
    let to: Vec<_> = received.iter().map(|received| received.to).collect();
    assert_eq!(to, [address(50), CLIENT]);
    assert_eq!(received[0].len, 42);
    let Frame::PathChallenge(data) = received[0].frames()[0] else { panic!("{received:?}") };
    // A response from another address or with wrong data does not count.
    peer.address = address(51);
    peer.send(&body(&[Frame::PathResponse(data)])).unwrap();
    peer.address = address(50);
    peer.send(&body(&[Frame::PathResponse([0; 8])])).unwrap();
    assert_eq!(peer.connection.remote(), Some(CLIENT));
}

#[test]
fn path_response_moves_the_peer_and_data_in_flight_is_resent() {
    let mut peer = ScriptedPeer::new(Role::Server, Pooled::large());
    peer.connection.send(peer.now, CHAT, &[b"lost on the old way"]).unwrap();
    peer.receive();
    peer.address = address(50);
    peer.send(&body(&[Frame::PathChallenge([9; 8])])).unwrap();
    let received = peer.receive();
    assert!(received.iter().any(|packet| packet.to == address(50) && packet.frames() == [Frame::PathResponse([9; 8])]));
    let Some(Frame::PathChallenge(data)) =
        received.iter().flat_map(|received| received.frames()).find(|frame| matches!(frame, Frame::PathChallenge(_)))
    else {
        panic!("{received:?}")
    };
    peer.send(&body(&[Frame::PathResponse(data)])).unwrap();
    assert_eq!(peer.events(), [ConnectionEvent::Moved(address(50))]);
    let received = peer.receive();
    assert_eq!((received[0].to, received[0].chat()), (address(50), Some((0, 19))));
}

#[test]
fn older_packet_from_a_new_address_does_not_move_the_peer() {
    let mut peer = ScriptedPeer::new(Role::Server, Pooled::large());
    let mut older = peer.sealed(&body(&[Frame::PathChallenge([9; 8])]));
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.connection.handle_datagram(peer.now, address(50), &mut older).unwrap();
    assert_eq!(challenges(&mut peer), []);
}

#[test]
fn sends_three_challenges_no_larger_than_the_packet_received() {
    let mut peer = ScriptedPeer::new(Role::Server, Pooled::large());
    peer.address = address(50);
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert_eq!(challenges(&mut peer), [], "34 bytes came, 42 would go");
    peer.send(&body(&[Frame::PathChallenge([9; 8])])).unwrap();
    let received = peer.wait(SECOND * 10);
    let sent =
        received.iter().filter(|packet| packet.frames().iter().any(|frame| matches!(frame, Frame::PathChallenge(_))));
    assert!(sent.clone().all(|received| received.len <= 42 && received.to == address(50)));
    assert_eq!(sent.count(), 3);
}

#[test]
fn client_responds_to_the_source_of_a_challenge_and_keeps_its_server() {
    let mut peer = ScriptedPeer::new(Role::Client, Pooled::large());
    peer.receive();
    peer.address = address(50);
    peer.send(&body(&[Frame::PathChallenge([9; 8])])).unwrap();
    let received = peer.receive();
    assert_eq!((received[0].to, received[0].frames()), (address(50), [Frame::PathResponse([9; 8])].to_vec()));
    assert_eq!(challenges(&mut peer), []);
    assert_eq!(peer.connection.remote(), Some(SERVER));
}
