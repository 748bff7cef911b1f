//! An authentic peer that sends arbitrary frames in any order to a connection whose buffers are
//! sometimes unavailable.

use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

use super::link::{Pooled, address};
use super::scripted_peer::{CHAT, ScriptedPeer, ack, body};
use crate::session::Role;
use crate::time::Duration;
use crate::wire::frame::{CloseCode, Frame, StreamId};

#[derive(Clone, Debug)]
enum Move {
    Stream { is_bulk: bool, offset: u64, len: usize },
    Ack { back: u64, first: u64, gap: u64, second: u64 },
    MaxData { is_bulk: bool, offset: u64 },
    Ping,
    Challenge,
    Response,
    Close,
    Skip,
    Roam(u8),
    Wait(u64),
    Send { is_bulk: bool, len: usize },
    Consume { is_bulk: bool, len: usize },
    Raw(Vec<u8>),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (any::<bool>(), 0..2_500_u64, 1..300_usize)
            .prop_map(|(is_bulk, offset, len)| Move::Stream { is_bulk, offset, len }),
        8 => (0..4_u64, 0..6_u64, 1..4_u64, 1..6_u64)
            .prop_map(|(back, first, gap, second)| Move::Ack { back, first, gap, second }),
        2 => (any::<bool>(), 0..20_000_u64).prop_map(|(is_bulk, offset)| Move::MaxData { is_bulk, offset }),
        2 => Just(Move::Ping),
        1 => Just(Move::Challenge),
        1 => Just(Move::Response),
        1 => Just(Move::Skip),
        1 => (1..4_u8).prop_map(Move::Roam),
        6 => (0..3_000_u64).prop_map(Move::Wait),
        8 => (any::<bool>(), 1..900_usize).prop_map(|(is_bulk, len)| Move::Send { is_bulk, len }),
        6 => (any::<bool>(), 1..900_usize).prop_map(|(is_bulk, len)| Move::Consume { is_bulk, len }),
    ]
}

/// Moves that include violations of the protocol, most of which end the connection.
fn rude_moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        4 => moves(),
        1 => Just(Move::Close),
        1 => any::<u64>().prop_map(|offset| Move::Stream { is_bulk: false, offset: offset >> 3, len: 9 }),
        1 => proptest::collection::vec(0..10_u8, 1..60).prop_map(Move::Raw),
    ]
}

fn play(role: Role, moves: Vec<Move>, slots: usize, refuses: u32, epoch_bits: u32) {
    let memory = Pooled::new(2_000, 700, slots).refusing(refuses);
    let mut peer = ScriptedPeer::with(role, memory, |_| {}, |limits| limits.packets = 20, epoch_bits);
    let id = |is_bulk| if is_bulk { StreamId::Bulk } else { StreamId::Chat };
    let mut sent = 0;
    for step in moves {
        let data = [7; 900];
        let packet = match step {
            Move::Stream { is_bulk, offset, len } => {
                Some(body(&[Frame::Stream { id: id(is_bulk), offset, data: &data[..len] }]))
            }
            Move::Ack { back, first, gap, second } => {
                let highest = u64::saturating_sub(sent, back);
                let first = highest.saturating_sub(first)..=highest;
                let below = first.start().checked_sub(gap + 1);
                let second = below.map(|below| below.saturating_sub(second)..=below);
                Some(ack(&[Some(first), second].into_iter().flatten().collect::<Vec<_>>()))
            }
            Move::MaxData { is_bulk, offset } => Some(body(&[Frame::MaxData { id: id(is_bulk), offset }])),
            Move::Ping => Some(body(&[Frame::Ping])),
            Move::Challenge => Some(body(&[Frame::PathChallenge([1; 8])])),
            Move::Response => Some(body(&[Frame::PathResponse([1; 8])])),
            Move::Close => Some(body(&[Frame::Close { code: CloseCode::LEFT, reason: "" }])),
            Move::Raw(raw) => Some(raw),
            Move::Skip => {
                peer.sealed(&[1]);
                None
            }
            Move::Roam(host) => {
                peer.address = address(host);
                None
            }
            Move::Wait(millis) => {
                let received = peer.wait(Duration::from_millis(millis));
                sent = received.last().map_or(sent, |received| received.number);
                None
            }
            Move::Send { is_bulk, len } => {
                let space = peer.connection.send_space(id(is_bulk));
                let taken = peer.connection.send(peer.now, id(is_bulk), &[&data[..len]]);
                assert!(len <= space || taken.is_err());
                None
            }
            Move::Consume { is_bulk, len } => {
                peer.connection.consume(id(is_bulk), len);
                None
            }
        };
        if let Some(packet) = packet {
            let _ = peer.send(&packet);
        }
        sent = peer.receive().last().map_or(sent, |received| received.number);
        peer.connection.handle_timeout(peer.now);
        sent = peer.receive().last().map_or(sent, |received| received.number);
        let timeout = peer.connection.poll_timeout();
        assert!(timeout.is_none_or(|at| at > peer.now), "{timeout:?} is not after {:?}", peer.now);
        peer.events();
        assert!(peer.connection.memory().held() <= 5);
    }
    // When the peer falls silent, the connection ends and releases its buffers.
    peer.wait(Duration::from_secs(61));
    assert!(peer.connection.is_finished());
    for id in StreamId::ALL {
        peer.connection.consume(id, usize::MAX);
    }
    assert_eq!((peer.connection.memory().held(), peer.connection.readable(CHAT)), (0, 0));
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Client), Just(Role::Server)]
}

proptest! {
    #[test]
    fn never_panics_or_spins_on_valid_frames(
        role in roles(), moves in proptest::collection::vec(moves(), 1..150),
        slots in 1..12_usize, refuses in 2..9_u32, epoch_bits in 9..20_u32,
    ) {
        play(role, moves, slots, refuses, epoch_bits);
    }

    #[test]
    fn never_panics_or_spins_on_invalid_frames(
        role in roles(), moves in proptest::collection::vec(rude_moves(), 1..60), slots in 0..12_usize, refuses in 2..9_u32,
    ) {
        play(role, moves, slots, refuses, 20);
    }
}
