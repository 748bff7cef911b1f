//! Acknowledgement, loss, probes and credit as observed by a peer.

use std::vec::Vec;

use super::link::Pooled;
use super::scripted_peer::{CHAT, ReceivedPacket, ScriptedPeer, ack, body, stream};
use crate::session::Role;
use crate::time::Duration;
use crate::wire::frame::{Frame, StreamId};

const MS: Duration = Duration::from_millis(1);

/// A server whose first packet, number 0, was acknowledged, with a round trip of 100 ms.
fn server_in(memory: Pooled) -> ScriptedPeer {
    let mut peer = ScriptedPeer::new(Role::Server, memory);
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.wait(MS * 5);
    peer.wait(MS * 100);
    peer.send(&ack(&[0..=0])).unwrap();
    peer
}

fn server() -> ScriptedPeer {
    server_in(Pooled::new(1_000, 0, 16))
}

#[test]
fn acknowledges_one_within_the_stated_delay_and_two_at_once() {
    let mut peer = server();
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert!(peer.receive().is_empty());
    assert!(peer.wait(MS * 4).is_empty());
    assert_eq!(peer.wait(MS)[0].acked(), Some([0..=2].to_vec()));
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert_eq!(peer.receive()[0].acked(), Some([0..=4].to_vec()));
}

#[test]
fn sends_an_acknowledgement_together_with_data() {
    let mut peer = server();
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.connection.send(peer.now, CHAT, &[b"an", b"swer"]).unwrap();
    let received = peer.receive();
    assert_eq!((received.len(), received[0].chat()), (1, Some((0, 6))));
    assert_eq!(received[0].acked(), Some([0..=2].to_vec()));
    assert!(peer.wait(MS * 20).is_empty());
}

#[test]
fn packets_with_only_an_ack_are_not_acknowledged() {
    let mut peer = server();
    for _ in 0..40 {
        peer.send(&ack(&[0..=0])).unwrap();
        assert!(peer.wait(MS * 100).is_empty());
    }
    for _ in 0..5 {
        peer.send(&body(&[Frame::Ping])).unwrap();
        let received = peer.wait(MS * 5);
        assert!(received.iter().all(|received| !received.is_ack_eliciting()));
        assert_eq!(peer.connection.memory().held(), 0);
    }
}

#[test]
fn receive_only_side_regularly_requests_an_acknowledgement() {
    let mut peer = server();
    let mut asked = 0;
    for _ in 0..100 {
        peer.send(&body(&[Frame::Ping])).unwrap();
        for received in peer.wait(MS * 5) {
            if received.is_ack_eliciting() {
                asked += 1;
                peer.send(&ack(&[received.number..=received.number])).unwrap();
            }
        }
    }
    assert_eq!(asked, 3);
}

#[test]
fn sends_queued_messages_in_one_packet() {
    let mut peer = server();
    for _ in 0..10 {
        peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
    }
    let received = peer.receive();
    assert_eq!(received.iter().map(ReceivedPacket::chat).collect::<Vec<_>>(), [Some((0, 70))]);
}

#[test]
fn chat_and_bulk_leave_in_packets_of_their_own() {
    let mut peer = server_in(Pooled::new(5_000, 5_000, 16));
    peer.connection.send(peer.now, StreamId::Bulk, &[&[2; 71]]).unwrap();
    peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
    let streams = |packet: &ReceivedPacket| -> Vec<StreamId> {
        let frames = packet.frames();
        let stream = |frame: &Frame<'_>| if let Frame::Stream { id, .. } = frame { Some(*id) } else { None };
        frames.iter().filter_map(stream).collect()
    };
    let received: Vec<_> = peer.receive().iter().map(streams).collect();
    assert_eq!(received, [[CHAT], [StreamId::Bulk]]);
}

#[test]
fn resends_a_packet_when_three_later_ones_are_acknowledged() {
    let mut peer = server();
    let mut numbers = Vec::new();
    for _ in 0..4 {
        peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
        numbers.push(peer.receive()[0].number);
        peer.wait(MS * 20);
    }
    peer.send(&ack(&[numbers[1]..=numbers[2]])).unwrap();
    assert!(peer.receive().is_empty());
    peer.send(&ack(&[numbers[1]..=numbers[3]])).unwrap();
    let received = peer.receive();
    assert_eq!(received[0].chat(), Some((0, 7)));
    let counters = peer.connection.counters();
    assert_eq!((counters.lost, counters.resent), (1, 1));
}

#[test]
fn an_epoch_step_is_not_a_loss() {
    // The epoch steps by time: the packet number jumps, the count of packets does not.
    let hour = |limits: &mut crate::wire::packet::TransportParameters| limits.idle_s = 3_600;
    let mut peer = ScriptedPeer::with(Role::Server, Pooled::new(1_000, 0, 16), hour, hour, 20);
    peer.connection.send(peer.now, CHAT, &[b"one"]).unwrap();
    peer.receive();
    peer.wait(MS * 100);
    peer.send(&ack(&[0..=0])).unwrap();
    peer.wait(Duration::from_secs(41 * 60));
    peer.connection.send(peer.now, CHAT, &[b"two"]).unwrap();
    peer.receive();
    peer.connection.send(peer.now, CHAT, &[b"three"]).unwrap();
    assert_eq!(peer.receive()[0].number, 1 << 20);
    peer.now += MS * 50;
    peer.send(&ack(&[1 << 20..=1 << 20, 0..=0])).unwrap();
    assert!(peer.receive().is_empty());
    assert_eq!(peer.connection.counters().lost, 0);
}

#[test]
fn exhausted_epoch_waits_for_an_acknowledgement() {
    let hour = |limits: &mut crate::wire::packet::TransportParameters| limits.idle_s = 3_600;
    let mut peer = ScriptedPeer::with(Role::Server, Pooled::new(1_000, 0, 16), hour, hour, 6);
    peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
    let received = peer.wait(Duration::from_secs(200));
    assert_eq!(received.last().map(|received| received.number), Some(63));
    assert!(peer.wait(Duration::from_secs(200)).is_empty());
    peer.connection.send(peer.now, CHAT, &[b"more"]).unwrap();
    assert!(peer.receive().is_empty());
    peer.send(&ack(&[63..=63])).unwrap();
    assert_eq!(peer.receive()[0].number, 64);
}

#[test]
fn resends_a_packet_when_a_later_one_is_acknowledged_and_time_has_passed() {
    let mut peer = server();
    for _ in 0..2 {
        peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
        peer.receive();
    }
    peer.now += MS * 100;
    peer.send(&ack(&[2..=2, 0..=0])).unwrap();
    // 9/8 of the round trip of 100 ms: 112.5 ms after it was sent.
    assert!(peer.wait(MS * 12).is_empty());
    assert_eq!(peer.wait(MS)[0].chat(), Some((0, 7)));
}

#[test]
fn late_acknowledgement_delays_loss_detection_by_at_most_two_seconds() {
    let mut peer = server_in(Pooled::new(1_000, 0, 64));
    peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
    let late = peer.receive()[0].number;
    peer.wait(Duration::from_secs(30));
    peer.send(&ack(&[late..=late])).unwrap();
    peer.receive();
    for _ in 0..2 {
        peer.connection.send(peer.now, CHAT, &[b"another"]).unwrap();
        peer.receive();
    }
    let last = peer.connection.counters().sent - 1;
    peer.send(&ack(&[last..=last])).unwrap();
    // The time threshold is at most the longest probe time-out.
    assert_eq!(peer.wait(Duration::from_secs(2))[0].chat(), Some((7, 7)));
}

#[test]
fn probe_time_out_doubles_up_to_two_seconds() {
    let mut peer = server();
    peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
    peer.receive();
    let (mut last, mut gaps) = (peer.now, Vec::new());
    for _ in 0..6 {
        while peer.wait(MS).is_empty() {}
        gaps.push((peer.now - Duration::from_micros(last.as_micros())).as_micros() / 1_000);
        last = peer.now;
    }
    // srtt 100, rttvar 50, ack delay 5: 305 ms.
    assert_eq!(gaps, [305, 610, 1_220, 2_000, 2_000, 2_000]);
    assert_eq!(peer.connection.consecutive_ptos(), 6);
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert_eq!(peer.connection.consecutive_ptos(), 0);
}

#[test]
fn continuous_sender_detects_a_silent_peer() {
    let mut peer = server();
    for _ in 0..10 {
        peer.connection.send(peer.now, CHAT, &[b"message"]).unwrap();
        peer.wait(MS * 100);
    }
    assert!(peer.connection.consecutive_ptos() >= 1);
}

#[test]
fn reserves_two_slots_for_probes() {
    for (slots, packets) in [(6, 64), (16, 6)] {
        let mut peer = ScriptedPeer::with(
            Role::Server,
            Pooled::new(10_000, 0, slots),
            |_| {},
            |limits| limits.packets = packets,
            20,
        );
        for _ in 0..20 {
            peer.connection.send(peer.now, CHAT, &[&[1; 100]]).unwrap();
            peer.receive();
        }
        // Packets 0 to 3 are in flight, everything else waits.
        let received = peer.wait(Duration::from_millis(1_100));
        assert_eq!(received.iter().map(|received| received.number).collect::<Vec<_>>(), [4, 5], "{received:?}");
        assert_eq!(received[0].chat(), Some((0, 200)));
        // When every slot is taken, the oldest packet makes room, so that probing never ends.
        for _ in 0..5 {
            assert!(!peer.wait(Duration::from_millis(2_000)).is_empty());
        }
    }
}

#[test]
fn sends_two_packets_per_probe_time_out() {
    let mut peer = server_in(Pooled::new(50_000, 0, 64));
    peer.connection.send(peer.now, CHAT, &[&[7; 50_000]]).unwrap();
    let before = peer.receive().len();
    assert!(before >= 10);
    for _ in 0..3 {
        let mut received = Vec::new();
        while received.is_empty() {
            received = peer.wait(MS);
        }
        // The oldest data: first in a datagram that every path carries, then in a full one.
        assert_eq!(received.iter().map(ReceivedPacket::chat).collect::<Vec<_>>(), [Some((0, 531)), Some((531, 1_155))]);
    }
}

#[test]
fn shrinks_the_window_after_three_probe_time_outs() {
    for (ptos, packets) in [(2, 5..=12), (3, 1..=3)] {
        let mut peer = server_in(Pooled::new(50_000, 0, 64));
        peer.connection.send(peer.now, CHAT, &[&[7; 50_000]]).unwrap();
        peer.receive();
        let mut last = 0;
        while peer.connection.consecutive_ptos() < ptos {
            last = peer.wait(MS).last().map_or(last, |received| received.number);
        }
        peer.now += MS * 50;
        peer.send(&ack(&[last..=last])).unwrap();
        let received = peer.receive();
        assert!(packets.contains(&received.len()), "{} after {ptos}", received.len());
    }
}

#[test]
fn acknowledged_ack_ranges_are_not_repeated() {
    let mut peer = server();
    for _ in 0..10 {
        peer.sealed(&body(&[Frame::Ping]));
        peer.send(&body(&[Frame::Ping])).unwrap();
    }
    peer.connection.send(peer.now, CHAT, &[b"x"]).unwrap();
    let received = peer.receive();
    let last = received.last().unwrap();
    assert_eq!(last.acked().map(|ranges| ranges.len()), Some(11));
    peer.send(&ack(&[last.number..=last.number])).unwrap();
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert_eq!(peer.receive()[0].acked(), Some([21..=24].to_vec()));
}

#[test]
fn a_probe_without_data_is_a_ping() {
    let mut peer = server();
    peer.send(&body(&[stream(0, &[1; 600])])).unwrap();
    peer.connection.consume(CHAT, 600);
    assert_eq!(peer.receive()[0].max_data(), Some(1_600));
    peer.send(&ack(&[1..=1])).unwrap();
    assert!(peer.connection.poll_timeout().is_some_and(|at| at > peer.now + Duration::from_secs(30)));
    assert!(peer.wait(Duration::from_secs(5)).is_empty());
}

#[test]
fn resends_max_data_with_the_newest_value() {
    let mut peer = server();
    peer.send(&body(&[stream(0, &[1; 900])])).unwrap();
    peer.connection.consume(CHAT, 249);
    assert!(peer.receive().is_empty());
    peer.connection.consume(CHAT, 1);
    assert_eq!(peer.receive()[0].max_data(), Some(1_250));
    // Less than a quarter of the window triggers no packet, but the retransmission has the new
    // value.
    peer.connection.consume(CHAT, 100);
    assert!(peer.receive().is_empty());
    let again = peer.wait(MS * 400);
    assert_eq!(again[0].max_data(), Some(1_350));
    let number = again[0].number;
    peer.send(&ack(&[number..=number])).unwrap();
    // The first is lost by now, but the newest has arrived.
    assert!(peer.wait(Duration::from_secs(2)).is_empty());
    assert_eq!(peer.connection.counters().lost, 1);
}

#[test]
fn sends_max_data_on_any_read_when_the_window_is_closed() {
    let mut peer = server();
    peer.send(&body(&[stream(0, &[1; 900])])).unwrap();
    peer.send(&body(&[stream(900, &[1; 100])])).unwrap();
    peer.receive();
    peer.connection.consume(CHAT, 1);
    assert_eq!(peer.receive()[0].max_data(), Some(1_001));
}

#[test]
fn a_blocked_sender_waits_for_max_data_without_a_timer() {
    let small = |limits: &mut crate::wire::packet::TransportParameters| limits.chat = 600;
    let mut peer = ScriptedPeer::with(Role::Server, Pooled::new(1_000, 0, 16), |_| {}, small, 20);
    peer.connection.send(peer.now, CHAT, &[&[7; 1_000]]).unwrap();
    assert_eq!(peer.receive()[0].chat(), Some((0, 600)));
    peer.now += MS * 100;
    peer.send(&ack(&[0..=0])).unwrap();
    assert_eq!((peer.events(), peer.connection.unacknowledged(CHAT)), (Vec::new(), 400));
    // Nothing is sent until the idle time-out.
    assert!(peer.wait(Duration::from_secs(59)).is_empty());
    peer.send(&body(&[Frame::MaxData { id: CHAT, offset: 100 }])).unwrap();
    assert!(peer.wait(MS * 4).is_empty());
    peer.send(&body(&[Frame::MaxData { id: CHAT, offset: 700 }])).unwrap();
    assert_eq!(peer.receive()[0].chat(), Some((600, 100)));
}

#[test]
fn acknowledgement_frees_space_in_a_full_ring() {
    let mut peer = server();
    peer.connection.send(peer.now, CHAT, &[&[7; 1_000]]).unwrap();
    assert_eq!((peer.connection.send(peer.now, CHAT, &[b"x"]).is_err(), peer.connection.send_space(CHAT)), (true, 0));
    peer.receive();
    peer.send(&ack(&[1..=1])).unwrap();
    assert_eq!(peer.connection.send_space(CHAT), 1_000);
    peer.connection.send(peer.now, CHAT, &[b"x"]).unwrap();
}

#[test]
fn sets_a_timer_to_retry_when_a_buffer_is_unavailable() {
    let mut peer = server_in(Pooled::new(1_000, 0, 16).refusing(2));
    // The first request was for the table of packets in flight, for the first PING.
    assert!(peer.connection.send(peer.now, CHAT, &[b"x"]).is_err());
    assert!(peer.connection.poll_timeout().is_some_and(|at| at <= peer.now + MS * 60));
    peer.wait(MS * 60);
    peer.connection.send(peer.now, CHAT, &[b"x"]).unwrap();
}

#[test]
fn samples_the_round_trip_only_from_the_largest_newly_acknowledged() {
    let mut peer = server();
    assert_eq!(peer.connection.rtt(), Some(MS * 100));
    peer.connection.send(peer.now, CHAT, &[b"a"]).unwrap();
    peer.receive();
    // Packet 2 of the server has only an ACK.
    peer.send(&body(&[Frame::Ping])).unwrap();
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert!(!peer.receive()[0].is_ack_eliciting());
    peer.now += MS * 200;
    peer.send(&ack(&[0..=2])).unwrap();
    assert_eq!(peer.connection.rtt(), Some(MS * 100), "number 1 is not the largest");
    peer.connection.send(peer.now, CHAT, &[b"a"]).unwrap();
    peer.receive();
    peer.now += MS * 180;
    peer.send(&ack(&[0..=3])).unwrap();
    assert_eq!(peer.connection.rtt(), Some(MS * 110));
}

#[test]
fn accepts_hints_only_for_packets_sent_since_the_last_receive() {
    let mut peer = ScriptedPeer::new(Role::Client, Pooled::new(1_000, 0, 16));
    assert!(!peer.connection.is_hint_plausible(0), "not sent yet");
    assert_eq!(peer.receive()[0].number, 0);
    assert!(peer.connection.is_hint_plausible(0) && !peer.connection.is_hint_plausible(1));
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert!(!peer.connection.is_hint_plausible(0), "something authentic came since");
    peer.connection.send(peer.now, CHAT, &[b"a"]).unwrap();
    peer.receive();
    assert!(peer.connection.is_hint_plausible(1) && !peer.connection.is_hint_plausible(0));
}
