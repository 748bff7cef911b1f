//! A protocol violation closes the connection with its code; a packet that does not fit is dropped
//! whole; an unauthentic packet changes nothing.

use std::format;

use super::link::{Pooled, address};
use super::puppet::{CHAT, Puppet, ack, body, stream};
use crate::connection::{ConnectionEvent, Counters, Dropped};
use crate::session::{OpenError, Role};
use crate::time::Duration;
use crate::wire::frame::{CloseCode, Frame, StreamId};

fn server() -> Puppet {
    Puppet::new(Role::Server, Pooled::new(1_000, 0, 16))
}

#[test]
fn closes_with_frame_when_a_frame_does_not_decode() {
    for bad in
        [&[8][..], &[0, 1], &[3, 0, 0, 0], &[7, 0, 0, 1, 0xff], &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]]
    {
        let mut puppet = server();
        puppet.send(bad).unwrap();
        puppet.expect_closed(CloseCode::FRAME);
    }
}

#[test]
fn closes_with_protocol_on_an_unknown_stream() {
    let mut puppet = server();
    puppet.send(&[3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 7]).unwrap();
    puppet.expect_closed(CloseCode::PROTOCOL);
}

#[test]
fn closes_with_flow_control_on_data_beyond_the_limit() {
    for (offset, len) in [(0, 1_001), (1_000, 1), (1 << 61, 5)] {
        let mut puppet = server();
        puppet.send(&body(&[stream(offset, &[1; 1_001][..len])])).unwrap();
        puppet.expect_closed(CloseCode::FLOW_CONTROL);
    }
    let mut puppet = server();
    puppet.send(&body(&[Frame::Stream { id: StreamId::Bulk, offset: 0, data: b"x" }])).unwrap();
    puppet.expect_closed(CloseCode::FLOW_CONTROL);
}

#[test]
fn closes_with_protocol_on_an_acknowledgement_of_a_number_never_sent() {
    for range in [0..=0, 5..=9, 0..=u64::MAX] {
        let mut puppet = server();
        puppet.send(&ack(&[range])).unwrap();
        puppet.expect_closed(CloseCode::PROTOCOL);
    }
    let mut puppet = server();
    puppet.send(&body(&[Frame::Ping])).unwrap();
    puppet.wait(Duration::from_millis(5));
    puppet.send(&ack(&[0..=1])).unwrap();
    puppet.expect_closed(CloseCode::PROTOCOL);
}

#[test]
fn closes_with_protocol_on_an_acknowledgement_of_a_number_that_an_epoch_step_skipped() {
    let stepped = || {
        let hour = |limits: &mut crate::wire::packet::TransportParameters| limits.idle_s = 3_600;
        let mut puppet = Puppet::with(Role::Server, Pooled::new(1_000, 0, 16), hour, hour, 20);
        puppet.connection.send(puppet.now, CHAT, &[b"one"]).unwrap();
        assert_eq!(puppet.receive()[0].number, 0);
        puppet.send(&ack(&[0..=0])).unwrap();
        puppet.wait(Duration::from_secs(41 * 60));
        let mut numbers = std::vec::Vec::new();
        for _ in 0..2 {
            puppet.connection.send(puppet.now, CHAT, &[b"two"]).unwrap();
            numbers.push(puppet.receive()[0].number);
        }
        assert_eq!(numbers, [1, 1 << 20]);
        puppet
    };
    let mut puppet = stepped();
    puppet.send(&ack(&[1 << 20..=1 << 20, 0..=1])).unwrap();
    assert!(puppet.connection.is_open());
    assert_eq!(puppet.connection.unacknowledged(CHAT), 0);
    for range in [2..=2, 0..=1 << 20, (1 << 20) - 1..=(1 << 20) - 1] {
        let mut puppet = stepped();
        puppet.send(&ack(&[range])).unwrap();
        puppet.expect_closed(CloseCode::PROTOCOL);
    }
}

#[test]
fn applies_nothing_of_a_packet_that_violates_a_rule() {
    let mut puppet = server();
    let mut bad = body(&[stream(0, b"hello"), Frame::MaxData { id: CHAT, offset: 9 }]);
    bad.push(9);
    puppet.send(&bad).unwrap();
    assert_eq!(puppet.connection.readable(CHAT), 0);
    puppet.expect_closed(CloseCode::FRAME);
}

/// A server whose gap table is full: sixteen single bytes with gaps between them.
fn with_full_gap_table() -> Puppet {
    let mut puppet = server();
    for gap in 0..16 {
        puppet.send(&body(&[stream(2 + 2 * gap, b"x")])).unwrap();
    }
    puppet.receive();
    puppet
}

#[test]
fn a_packet_that_does_not_fit_is_dropped_whole_and_not_acknowledged() {
    let mut puppet = with_full_gap_table();
    puppet.connection.send(puppet.now, CHAT, &[b"data"]).unwrap();
    let sent = puppet.receive()[0].number;
    // The ACK, the data in order and the challenge would fit, the other data does not.
    let mut packet = ack(&[sent..=sent]);
    packet.extend(body(&[stream(100, b"x"), Frame::PathChallenge([1; 8]), stream(0, b"ab")]));
    assert_eq!(puppet.send(&packet), Err(Dropped::BufferFull));
    assert_eq!((puppet.connection.readable(CHAT), puppet.connection.unacknowledged(CHAT)), (0, 4));
    assert_eq!(puppet.connection.counters().buffer_full, 1);
    assert!(puppet.receive().is_empty());
    // Number 16 was that packet.
    puppet.send(&body(&[Frame::Ping])).unwrap();
    assert_eq!(puppet.receive()[0].acked(), Some([17..=17, 0..=15].to_vec()));
}

#[test]
fn data_at_the_read_offset_is_always_accepted() {
    let mut puppet = with_full_gap_table();
    assert_eq!(puppet.send(&body(&[stream(100, b"x")])), Err(Dropped::BufferFull));
    puppet.send(&body(&[stream(0, b"ab")])).unwrap();
    assert_eq!(puppet.connection.readable(CHAT), 3);
    puppet.send(&body(&[stream(100, b"x")])).unwrap();
}

#[test]
fn protocol_violation_takes_precedence_over_lack_of_room() {
    let mut puppet = with_full_gap_table();
    puppet.send(&body(&[stream(100, b"x"), stream(999, b"xy")])).unwrap();
    puppet.expect_closed(CloseCode::FLOW_CONTROL);
}

#[test]
fn data_is_dropped_without_a_ring_and_accepted_later() {
    let mut puppet = Puppet::new(Role::Server, Pooled::new(1_000, 0, 16).refusing(2));
    // The first request is for the ring, the second for the table of packets in flight.
    puppet.send(&body(&[stream(0, b"abc")])).unwrap();
    puppet.connection.consume(CHAT, 3);
    assert_eq!(puppet.send(&body(&[stream(3, b"def")])), Err(Dropped::BufferFull));
    assert_eq!(puppet.connection.memory().held(), 0);
    // Data that was received before needs no ring.
    puppet.send(&body(&[stream(0, b"abc")])).unwrap();
    puppet.send(&body(&[stream(3, b"def")])).unwrap();
    assert_eq!(puppet.connection.readable(CHAT), 3);
}

#[test]
fn unauthentic_packet_changes_only_its_counter() {
    let mut puppet = server();
    puppet.send(&body(&[stream(0, b"abc")])).unwrap();
    puppet.connection.send(puppet.now, CHAT, &[b"data"]).unwrap();
    let sent = puppet.receive()[0].number;
    let mut packet = ack(&[sent..=sent]);
    packet.extend(body(&[stream(3, b"def"), Frame::Close { code: CloseCode::LEFT, reason: "" }]));
    let datagram = puppet.sealed(&packet);
    let show = |puppet: &Puppet| {
        let shown = format!("{:?}", puppet.connection);
        let (before, rest) = shown.split_once("counters").unwrap();
        format!("{before}{}", rest.split_once('}').unwrap().1)
    };
    let before = show(&puppet);
    for bit in 0..(datagram.len() - 4) * 8 {
        let mut forged = datagram.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let from = address(99);
        let later = puppet.now + Duration::from_micros(bit as u64);
        assert!(matches!(puppet.connection.handle_datagram(later, from, &mut forged), Err(Dropped::Open(_))));
        assert_eq!(show(&puppet), before, "bit {bit}");
    }
    let Counters { not_authentic, stale, replayed, malformed, received, .. } = puppet.connection.counters();
    assert_eq!(not_authentic + stale + replayed + malformed, (datagram.len() as u64 - 4) * 8);
    assert_eq!(received, 1);
    puppet.connection.handle_datagram(puppet.now, puppet.address, &mut datagram.clone()).unwrap();
    assert!(!puppet.connection.is_open());
}

#[test]
fn replayed_packet_changes_only_its_counter() {
    let mut puppet = server();
    let datagram = puppet.sealed(&body(&[stream(0, b"abc")]));
    puppet.connection.handle_datagram(puppet.now, puppet.address, &mut datagram.clone()).unwrap();
    puppet.connection.consume(CHAT, 3);
    let again = puppet.connection.handle_datagram(puppet.now, address(99), &mut datagram.clone());
    assert_eq!(again, Err(Dropped::Open(OpenError::Replayed)));
    assert_eq!((puppet.connection.readable(CHAT), puppet.connection.counters().replayed), (0, 1));
}

#[test]
fn data_before_close_in_a_packet_is_delivered() {
    let mut puppet = server();
    puppet.send(&body(&[stream(0, b"bye"), Frame::Close { code: CloseCode::LEFT, reason: "done" }])).unwrap();
    let events = puppet.events();
    assert!(matches!(events[..], [ConnectionEvent::Readable(CHAT), ConnectionEvent::Closed(_)]), "{events:?}");
    assert_eq!(puppet.connection.readable(CHAT), 3);
    assert_eq!(puppet.send(&body(&[Frame::Ping])), Err(Dropped::NotOpen));
}
