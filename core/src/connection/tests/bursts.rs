//! At most 10 packets are sent per wake-up (SPEC 5.4).

use super::link::Pooled;
use super::puppet::{CHAT, Puppet, ack, body};
use crate::connection::MAX_BURST;
use crate::session::Role;
use crate::time::Duration;
use crate::wire::frame::Frame;

/// A server whose congestion window is far larger than one burst.
fn server() -> Puppet {
    let mut puppet = Puppet::new(Role::Server, Pooled::new(65_536, 0, 64));
    puppet.send(&body(&[Frame::MaxData { id: CHAT, offset: 1 << 40 }])).unwrap();
    for _ in 0..4 {
        puppet.connection.send(puppet.now, CHAT, &[&[7; 60_000]]).unwrap();
        while puppet.connection.unacknowledged(CHAT) > 0 {
            puppet.wait(Duration::from_millis(10));
            let sent = puppet.connection.counters().sent;
            puppet.send(&ack(&[0..=sent - 1])).unwrap();
        }
    }
    puppet
}

#[test]
fn sends_at_most_ten_packets_per_wake_up() {
    let mut puppet = server();
    for _ in 0..30 {
        puppet.connection.send(puppet.now, CHAT, &[&[7; 1_000]]).unwrap();
    }
    assert_eq!(puppet.receive().len(), usize::from(MAX_BURST));
    assert!(puppet.receive().is_empty());
    assert_eq!(puppet.connection.poll_timeout(), Some(puppet.now + Duration::from_millis(1)));
    puppet.now += Duration::from_millis(1);
    puppet.connection.handle_timeout(puppet.now);
    assert_eq!(puppet.receive().len(), usize::from(MAX_BURST));
    // A datagram is a wake-up too.
    puppet.send(&body(&[Frame::Ping])).unwrap();
    assert!(!puppet.receive().is_empty());
}

#[test]
fn sets_no_burst_timer_when_nothing_is_queued() {
    let mut puppet = server();
    puppet.connection.send(puppet.now, CHAT, &[&[7; 1_000]]).unwrap();
    assert_eq!(puppet.receive().len(), 1);
    assert!(puppet.connection.poll_timeout().is_some_and(|at| at > puppet.now + Duration::from_millis(20)));
}
