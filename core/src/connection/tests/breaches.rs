//! A protocol violation closes the connection with its code; a packet that does not fit is dropped
//! whole; an unauthentic packet changes nothing.

use std::format;

use super::link::{Pooled, address};
use super::scripted_peer::{CHAT, ScriptedPeer, ack, body, stream};
use crate::connection::{ConnectionEvent, Counters, Dropped};
use crate::session::{OpenError, Role};
use crate::time::Duration;
use crate::wire::frame::{CloseCode, Frame, StreamId};

fn server() -> ScriptedPeer {
    ScriptedPeer::new(Role::Server, Pooled::new(1_000, 0, 16))
}

#[test]
fn closes_with_frame_when_a_frame_does_not_decode() {
    for bad in
        [&[8][..], &[0, 1], &[3, 0, 0, 0], &[7, 0, 0, 1, 0xff], &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]]
    {
        let mut peer = server();
        peer.send(bad).unwrap();
        peer.expect_closed(CloseCode::FRAME);
    }
}

#[test]
fn closes_with_protocol_on_an_unknown_stream() {
    let mut peer = server();
    peer.send(&[3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7]).unwrap();
    peer.expect_closed(CloseCode::PROTOCOL);
}

#[test]
fn closes_with_flow_control_on_data_beyond_the_limit() {
    for (offset, len) in [(0, 1_001), (1_000, 1), (1 << 61, 5)] {
        let mut peer = server();
        peer.send(&body(&[stream(offset, &[1; 1_001][..len])])).unwrap();
        peer.expect_closed(CloseCode::FLOW_CONTROL);
    }
    let mut peer = server();
    peer.send(&body(&[Frame::Stream { id: StreamId::Bulk, offset: 0, data: b"x" }])).unwrap();
    peer.expect_closed(CloseCode::FLOW_CONTROL);
}

#[test]
fn closes_with_protocol_on_an_acknowledgement_of_a_number_never_sent() {
    for range in [0..=0, 5..=9, 0..=u64::MAX] {
        let mut peer = server();
        peer.send(&ack(&[range])).unwrap();
        peer.expect_closed(CloseCode::PROTOCOL);
    }
    let mut peer = server();
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.wait(Duration::from_millis(5));
    peer.send(&ack(&[0..=1])).unwrap();
    peer.expect_closed(CloseCode::PROTOCOL);
}

#[test]
fn closes_with_protocol_on_an_acknowledgement_of_a_number_that_an_epoch_step_skipped() {
    let stepped = || {
        let hour = |limits: &mut crate::wire::packet::TransportParameters| limits.idle_s = 3_600;
        let mut peer = ScriptedPeer::with(Role::Server, Pooled::new(1_000, 0, 16), hour, hour, 20);
        peer.connection.send(peer.now, CHAT, &[b"one"]).unwrap();
        assert_eq!(peer.receive()[0].number, 0);
        peer.send(&ack(&[0..=0])).unwrap();
        peer.wait(Duration::from_secs(41 * 60));
        let mut numbers = std::vec::Vec::new();
        for _ in 0..2 {
            peer.connection.send(peer.now, CHAT, &[b"two"]).unwrap();
            numbers.push(peer.receive()[0].number);
        }
        assert_eq!(numbers, [1, 1 << 20]);
        peer
    };
    let mut peer = stepped();
    peer.send(&ack(&[1 << 20..=1 << 20, 0..=1])).unwrap();
    assert!(peer.connection.is_open());
    assert_eq!(peer.connection.unacknowledged(CHAT), 0);
    for range in [2..=2, 0..=1 << 20, (1 << 20) - 1..=(1 << 20) - 1] {
        let mut peer = stepped();
        peer.send(&ack(&[range])).unwrap();
        peer.expect_closed(CloseCode::PROTOCOL);
    }
}

#[test]
fn applies_nothing_of_a_packet_that_violates_a_rule() {
    let mut peer = server();
    let mut bad = body(&[stream(0, b"hello"), Frame::MaxData { id: CHAT, offset: 9 }]);
    bad.push(9);
    peer.send(&bad).unwrap();
    assert_eq!(peer.connection.readable(CHAT), 0);
    peer.expect_closed(CloseCode::FRAME);
}

/// A server whose gap table is full: sixteen single bytes with gaps between them.
fn with_full_gap_table() -> ScriptedPeer {
    let mut peer = server();
    for gap in 0..16 {
        peer.send(&body(&[stream(2 + 2 * gap, b"x")])).unwrap();
    }
    peer.receive();
    peer
}

#[test]
fn a_packet_that_does_not_fit_is_dropped_whole_and_not_acknowledged() {
    let mut peer = with_full_gap_table();
    peer.connection.send(peer.now, CHAT, &[b"data"]).unwrap();
    let sent = peer.receive()[0].number;
    // The ACK, the data in order and the challenge would fit, the other data does not.
    let mut packet = ack(&[sent..=sent]);
    packet.extend(body(&[stream(100, b"x"), Frame::PathChallenge([1; 8]), stream(0, b"ab")]));
    assert_eq!(peer.send(&packet), Err(Dropped::BufferFull));
    assert_eq!((peer.connection.readable(CHAT), peer.connection.unacknowledged(CHAT)), (0, 4));
    assert_eq!(peer.connection.counters().buffer_full, 1);
    assert!(peer.receive().is_empty());
    // Number 16 was that packet.
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert_eq!(peer.receive()[0].acked(), Some([17..=17, 0..=15].to_vec()));
}

#[test]
fn data_at_the_read_offset_is_always_accepted() {
    let mut peer = with_full_gap_table();
    assert_eq!(peer.send(&body(&[stream(100, b"x")])), Err(Dropped::BufferFull));
    peer.send(&body(&[stream(0, b"ab")])).unwrap();
    assert_eq!(peer.connection.readable(CHAT), 3);
    peer.send(&body(&[stream(100, b"x")])).unwrap();
}

#[test]
fn protocol_violation_takes_precedence_over_lack_of_room() {
    let mut peer = with_full_gap_table();
    peer.send(&body(&[stream(100, b"x"), stream(999, b"xy")])).unwrap();
    peer.expect_closed(CloseCode::FLOW_CONTROL);
}

#[test]
fn data_is_dropped_without_a_ring_and_accepted_later() {
    let mut peer = ScriptedPeer::new(Role::Server, Pooled::new(1_000, 0, 16).refusing(2));
    // The first request is for the ring, the second for the table of packets in flight.
    peer.send(&body(&[stream(0, b"abc")])).unwrap();
    peer.connection.consume(CHAT, 3);
    assert_eq!(peer.send(&body(&[stream(3, b"def")])), Err(Dropped::BufferFull));
    assert_eq!(peer.connection.memory().held(), 0);
    // Data that was received before needs no ring.
    peer.send(&body(&[stream(0, b"abc")])).unwrap();
    peer.send(&body(&[stream(3, b"def")])).unwrap();
    assert_eq!(peer.connection.readable(CHAT), 3);
}

#[test]
fn unauthentic_packet_changes_only_its_counter() {
    let mut peer = server();
    peer.send(&body(&[stream(0, b"abc")])).unwrap();
    peer.connection.send(peer.now, CHAT, &[b"data"]).unwrap();
    let sent = peer.receive()[0].number;
    let mut packet = ack(&[sent..=sent]);
    packet.extend(body(&[stream(3, b"def"), Frame::Close { code: CloseCode::LEFT, reason: "" }]));
    let datagram = peer.sealed(&packet);
    let show = |peer: &ScriptedPeer| {
        let shown = format!("{:?}", peer.connection);
        let (before, rest) = shown.split_once("counters").unwrap();
        format!("{before}{}", rest.split_once('}').unwrap().1)
    };
    let before = show(&peer);
    for bit in 0..(datagram.len() - 4) * 8 {
        let mut forged = datagram.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let from = address(99);
        let later = peer.now + Duration::from_micros(bit as u64);
        assert!(matches!(peer.connection.handle_datagram(later, from, &mut forged), Err(Dropped::Open(_))));
        assert_eq!(show(&peer), before, "bit {bit}");
    }
    let Counters { not_authentic, stale, replayed, malformed, received, .. } = peer.connection.counters();
    assert_eq!(not_authentic + stale + replayed + malformed, (datagram.len() as u64 - 4) * 8);
    assert_eq!(received, 1);
    peer.connection.handle_datagram(peer.now, peer.address, &mut datagram.clone()).unwrap();
    assert!(!peer.connection.is_open());
}

#[test]
fn replayed_packet_changes_only_its_counter() {
    let mut peer = server();
    let datagram = peer.sealed(&body(&[stream(0, b"abc")]));
    peer.connection.handle_datagram(peer.now, peer.address, &mut datagram.clone()).unwrap();
    peer.connection.consume(CHAT, 3);
    let again = peer.connection.handle_datagram(peer.now, address(99), &mut datagram.clone());
    assert_eq!(again, Err(Dropped::Open(OpenError::Replayed)));
    assert_eq!((peer.connection.readable(CHAT), peer.connection.counters().replayed), (0, 1));
}

#[test]
fn data_before_close_in_a_packet_is_delivered() {
    let mut peer = server();
    peer.send(&body(&[stream(0, b"bye"), Frame::Close { code: CloseCode::LEFT, reason: "done" }])).unwrap();
    let events = peer.events();
    assert!(matches!(events[..], [ConnectionEvent::Readable(CHAT), ConnectionEvent::Closed(_)]), "{events:?}");
    assert_eq!(peer.connection.readable(CHAT), 3);
    assert_eq!(peer.send(&body(&[Frame::Ping])), Err(Dropped::NotOpen));
}
