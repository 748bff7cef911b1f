//! Extreme instants.

use std::vec::Vec;

use super::link::{Pooled, address};
use super::scripted_peer::{CHAT, ScriptedPeer, ack, body, stream};
use crate::session::Role;
use crate::time::{Instant, extremes};
use crate::wire::frame::{CloseCode, Frame};

/// Handles everything that is due now and asserts that it terminates. Returns the last packet
/// number sent.
fn drain(peer: &mut ScriptedPeer, now: Instant) -> Option<u64> {
    peer.now = now;
    peer.connection.handle_timeout(now);
    let (mut sent, mut out) = (Vec::new(), [0; 1200]);
    while let Some(transmit) = peer.connection.poll_transmit(now, &mut out) {
        sent.extend(peer.session.open(&mut out[..transmit.len]).ok().map(|opened| opened.packet_number));
        assert!(sent.len() < 30, "sends without end at {now:?}");
    }
    assert!(core::iter::from_fn(|| peer.connection.poll_event()).take(30).count() < 30);
    let _ = peer.connection.poll_timeout();
    sent.last().copied()
}

#[test]
fn every_call_terminates_at_any_instant() {
    for role in [Role::Client, Role::Server] {
        for [from, to] in extremes() {
            let mut peer = ScriptedPeer::new(role, Pooled::new(8_000, 8_000, 8).refusing(5));
            drain(&mut peer, from);
            for now in [to, from, to] {
                let _ = peer.connection.send(now, CHAT, &[&[7; 3_000]]);
                drain(&mut peer, now);
                let _ = peer.send(&body(&[stream(0, &[7; 100]), Frame::PathChallenge([1; 8])]));
                let last = drain(&mut peer, now);
                peer.address = address(9);
                let _ = peer.send(&body(&[Frame::Ping, Frame::MaxData { id: CHAT, offset: 9_000 }]));
                // Some packets are lost by the packet threshold or the time threshold.
                if let Some(last) = last {
                    let _ = peer.send(&ack(&[last..=last]));
                }
                drain(&mut peer, now);
                peer.connection.consume(CHAT, 50);
                drain(&mut peer, now);
            }
            peer.connection.close(from, CloseCode::LEFT, "");
            for now in [from, to, from] {
                drain(&mut peer, now);
                let _ = peer.send(&body(&[Frame::Ping]));
                drain(&mut peer, now);
            }
        }
    }
}
