//! How connections end.

use super::link::{CLEAN, Pair, Pooled};
use super::scripted_peer::{ScriptedPeer, body, stream};
use crate::connection::{Closed, ConnectionEvent};
use crate::session::Role;
use crate::time::Duration;
use crate::wire::frame::{CloseCode, Frame, StreamId};

const SECOND: Duration = Duration::from_secs(1);

fn pair() -> Pair<Pooled, Pooled> {
    let mut pair = Pair::new(3, CLEAN, Pooled::large(), Pooled::large());
    pair.run(SECOND);
    pair.client.events.clear();
    pair.server.events.clear();
    pair
}

#[test]
fn both_sides_report_the_close_code() {
    let mut pair = pair();
    pair.server.connection.close(pair.now, CloseCode::KICKED, "spam");
    assert!(!pair.server.connection.is_open());
    pair.run(Duration::from_millis(50));
    assert_eq!(pair.server.events, [ConnectionEvent::Closed(Closed::Locally(CloseCode::KICKED))]);
    assert_eq!(pair.client.events, [ConnectionEvent::Closed(Closed::ByPeer(CloseCode::KICKED))]);
    assert!(!pair.client.connection.is_finished() && !pair.server.connection.is_finished());
    assert_eq!(pair.client.connection.send(pair.now, StreamId::Chat, &[b"x"]), Err(crate::connection::SendBufferFull));
    pair.run(SECOND);
    assert!(pair.client.connection.is_finished() && pair.server.connection.is_finished());
    assert_eq!(pair.client.connection.exporter(), None);
    assert_eq!(pair.client.connection.poll_timeout(), None);
}

#[test]
fn receiver_of_close_sends_nothing() {
    let mut pair = pair();
    pair.client.connection.close(pair.now, CloseCode::LEFT, "");
    let before = pair.log.len();
    pair.run(SECOND * 5);
    assert_eq!(pair.log.len(), before + 1, "one CLOSE and no answer");
}

#[test]
fn resends_close_after_the_first_was_lost() {
    let mut pair = pair();
    pair.conditions.loss = 1000;
    pair.client.connection.close(pair.now, CloseCode::LEFT, "");
    pair.settle();
    pair.conditions.loss = 0;
    // Packets that the server sends within three probe time-outs are answered.
    pair.server.to_write[0] = 10;
    pair.run(SECOND / 2);
    assert_eq!(pair.server.events, [ConnectionEvent::Closed(Closed::ByPeer(CloseCode::LEFT))]);
}

#[test]
fn data_received_before_close_stays_readable() {
    let mut pair = pair();
    pair.client.reads = false;
    pair.server.to_write[0] = 100;
    pair.run(SECOND);
    pair.server.connection.close(pair.now, CloseCode::REFUSED, "");
    pair.run(SECOND * 5);
    assert!(pair.client.connection.is_finished());
    assert_eq!(pair.client.connection.readable(StreamId::Chat), 100);
    pair.client.reads = true;
    pair.client.run_application(pair.now);
    assert_eq!((pair.client.read[0], pair.client.connection.memory().held()), (100, 0));
}

#[test]
fn stream_data_is_discarded_on_close() {
    let mut pair = pair();
    pair.conditions.loss = 1000;
    pair.client.to_write = [1_000, 1_000];
    pair.settle();
    assert_eq!(pair.client.connection.memory().held(), 3);
    pair.client.connection.close(pair.now, CloseCode::LEFT, "");
    assert_eq!(pair.client.connection.memory().held(), 0);
}

#[test]
fn data_after_a_gap_is_discarded_on_close() {
    let mut peer = ScriptedPeer::new(Role::Server, Pooled::large());
    peer.send(&body(&[stream(5, b"never to be read")])).unwrap();
    assert_eq!(peer.connection.memory().held(), 1);
    peer.connection.close(peer.now, CloseCode::SHUTDOWN, "");
    assert_eq!((peer.connection.memory().held(), peer.connection.readable(StreamId::Chat)), (0, 0));
}

#[test]
fn idle_connection_closes_after_the_idle_time_out() {
    let mut pair = pair();
    pair.conditions.loss = 1000;
    pair.run(SECOND * 58);
    assert!(pair.client.connection.is_open() && pair.server.connection.is_open());
    // Probes repeat the client's keep-alive without success.
    assert!(pair.client.connection.consecutive_ptos() > 3);
    pair.run(SECOND * 2);
    assert_eq!(pair.client.events, [ConnectionEvent::Closed(Closed::Idle)]);
    assert_eq!(pair.server.events, [ConnectionEvent::Closed(Closed::Idle)]);
    assert!(pair.client.connection.is_finished() && pair.server.connection.is_finished());
}

#[test]
fn shorter_idle_time_out_applies() {
    for (own, others) in [(60, 20), (20, 60)] {
        let memory = Pooled::large();
        let mut peer =
            ScriptedPeer::with(Role::Server, memory, |limits| limits.idle_s = own, |limits| limits.idle_s = others, 20);
        peer.send(&body(&[Frame::Ping])).unwrap();
        peer.wait((SECOND * 20).saturating_sub(Duration::from_micros(1)));
        assert!(peer.connection.is_open());
        peer.wait(Duration::from_micros(1));
        assert_eq!(peer.events(), [ConnectionEvent::Closed(Closed::Idle)]);
    }
}

#[test]
fn only_the_client_sends_keep_alives() {
    let mut pair = pair();
    let before = pair.log.len();
    pair.run(SECOND * 600);
    assert!(pair.client.connection.is_open() && pair.server.connection.is_open());
    let (client, server) = (super::link::CLIENT, super::link::SERVER);
    let sent = |from| pair.log.iter().skip(before).filter(|entry| entry.1 == from).count();
    // One keep-alive per 20 s, and its acknowledgement.
    assert!((29..=31).contains(&sent(client)), "{}", sent(client));
    assert!((29..=31).contains(&sent(server)), "{}", sent(server));
}

#[test]
fn reset_sends_nothing_and_discards_all_state() {
    let mut pair = pair();
    pair.client.to_write = [1_000, 0];
    pair.client.run_application(pair.now);
    pair.client.connection.reset();
    assert!(pair.client.connection.is_finished());
    assert_eq!((pair.client.connection.exporter(), pair.client.connection.memory().held()), (None, 0));
    assert!(pair.client.connection.poll_transmit(pair.now, &mut [0; 1200]).is_none());
    assert_eq!(pair.client.connection.poll_event(), None);
}
