//! At most 10 packets are sent per wake-up (SPEC 5.4).

use super::link::Pooled;
use super::scripted_peer::{CHAT, ScriptedPeer, ack, body};
use crate::connection::MAX_BURST;
use crate::session::Role;
use crate::time::Duration;
use crate::wire::frame::Frame;

/// A server whose congestion window is far larger than one burst.
fn server() -> ScriptedPeer {
    let mut peer = ScriptedPeer::new(Role::Server, Pooled::new(65_536, 0, 64));
    peer.send(&body(&[Frame::MaxData { id: CHAT, offset: 1 << 40 }])).unwrap();
    for _ in 0..4 {
        peer.connection.send(peer.now, CHAT, &[&[7; 60_000]]).unwrap();
        while peer.connection.unacknowledged(CHAT) > 0 {
            peer.wait(Duration::from_millis(10));
            let sent = peer.connection.counters().sent;
            peer.send(&ack(&[0..=sent - 1])).unwrap();
        }
    }
    peer
}

#[test]
fn sends_at_most_ten_packets_per_wake_up() {
    let mut peer = server();
    for _ in 0..30 {
        peer.connection.send(peer.now, CHAT, &[&[7; 1_000]]).unwrap();
    }
    assert_eq!(peer.receive().len(), usize::from(MAX_BURST));
    assert!(peer.receive().is_empty());
    assert_eq!(peer.connection.poll_timeout(), Some(peer.now + Duration::from_millis(1)));
    peer.now += Duration::from_millis(1);
    peer.connection.handle_timeout(peer.now);
    assert_eq!(peer.receive().len(), usize::from(MAX_BURST));
    // A datagram is a wake-up too.
    peer.send(&body(&[Frame::Ping])).unwrap();
    assert!(!peer.receive().is_empty());
}

#[test]
fn sets_no_burst_timer_when_nothing_is_queued() {
    let mut peer = server();
    peer.connection.send(peer.now, CHAT, &[&[7; 1_000]]).unwrap();
    assert_eq!(peer.receive().len(), 1);
    assert!(peer.connection.poll_timeout().is_some_and(|at| at > peer.now + Duration::from_millis(20)));
}
