//! The datagrams: one filled with copies of a message, for each message, and each packet.

use kabar_core::chat::{ClientMessage, EntryKind, Post, Request};
use kabar_core::crypto::Provider;
use kabar_core::internals::frame::MAX_ACK_RANGES;
use kabar_server::hub::HubLimits;
use kabar_std::provider::Accelerated;

use super::fixture::Fixture;
use super::{BODY, DATAGRAM_LEN};
use crate::bench::Error;
use crate::raw::{BODY_LEN, MESSAGES_LEN, message};

/// Sending peer, datagram, and number of messages in it.
type Prepared = Result<(usize, Vec<u8>, usize), Error>;

pub(super) struct Case {
    pub(super) kind: &'static str,
    pub(super) case: &'static str,
    pub(super) limits: fn(&mut HubLimits),
    pub(super) make: fn(&mut Fixture, usize) -> Prepared,
}

const fn case(kind: &'static str, case: &'static str, make: fn(&mut Fixture, usize) -> Prepared) -> Case {
    Case { kind, case, limits: |_| {}, make }
}

/// The first case is the one that the others are compared with.
pub(super) const CASES: &[Case] = &[
    case("Post", "ordinary: 200 bytes each", |fixture, _| {
        let peer = fixture.member(4_352)?;
        posts(fixture, peer, BODY, EntryKind::TEXT)
    }),
    case("Post", "empty", |fixture, _| {
        let peer = fixture.member(4_352)?;
        posts(fixture, peer, 0, EntryKind::TEXT)
    }),
    case("Post", "refused, the rest ignored", |fixture, _| {
        let peer = fixture.member(4_352)?;
        posts(fixture, peer, 0, EntryKind(9))
    }),
    case("Post", "already stored", |fixture, _| {
        let peer = fixture.member(4_352)?;
        let one = post(fixture, peer, 1, 0, EntryKind::TEXT);
        fixture.send_stream(peer, &one);
        fill(fixture, peer, &one)
    }),
    case("Join", "with a Leave, repeatedly", |fixture, _| {
        let peer = fixture.half_open()?;
        let join = fixture.peers[peer].join(&format!("joiner{peer}"), 4_352);
        fill(fixture, peer, &[join, message(&ClientMessage::Leave { handle: 1 })].concat())
    }),
    case("Join", "with a signature that does not verify", |fixture, _| {
        let peer = fixture.half_open()?;
        let mut join = fixture.peers[peer].join("forger", 4_352);
        // Within the signature, which follows length, type, room, name and identity.
        join[3 + 6 + 7 + 32 + 5] ^= 1;
        fill(fixture, peer, &join)
    }),
    case("ListMembers", "all members", |fixture, _| {
        let peer = fixture.member(4_352)?;
        fill(fixture, peer, &message(&ClientMessage::Request { handle: 1, request: Request::ListMembers }))
    }),
    case("History", "200 entries larger than it accepts, in memory", |fixture, _| {
        let peer = fixture.member(0)?;
        fixture.send_stream(peer, &history(250));
        fill(fixture, peer, &history(250))
    }),
    Case {
        kind: "History",
        case: "200 entries larger than it accepts, from the store",
        limits: |limits| limits.page_bytes = 0,
        make: |fixture, turn| {
            let peer = fixture.member(0)?;
            let count = MESSAGES_LEN / history(1).len();
            let messages: Vec<u8> = (0..count).flat_map(|at| history(201 + 97 * (at + turn) as u64)).collect();
            Ok((peer, fixture.peers[peer].stream_packet(fixture.now, &messages), count))
        },
    },
    case("History", "200 entries that it accepts", |fixture, _| {
        let peer = fixture.member(4_352)?;
        fill(fixture, peer, &history(0))
    }),
    case("Leave", "alone", |fixture, _| {
        let peer = fixture.member(4_352)?;
        fill(fixture, peer, &message(&ClientMessage::Leave { handle: 1 }))
    }),
    case("unknown message", "only the type", |fixture, _| {
        let peer = fixture.member(4_352)?;
        fill(fixture, peer, &[0, 1, 0x7f])
    }),
    case("Hello", "alone", |fixture, _| {
        let peer = fixture.stranger();
        handshake(fixture, peer)
    }),
    case("Initiate", "with a valid cookie", |fixture, _| {
        let peer = fixture.stranger();
        let hello = fixture.peers[peer].handshake_packet(fixture.now).unwrap_or_default();
        fixture.exchange(peer, hello);
        handshake(fixture, peer)
    }),
    case("Sealed, forged", "on an open connection", |fixture, _| {
        let peer = fixture.member(4_352)?;
        let packet = fixture.peers[peer].packet(fixture.now, &[0x01; BODY_LEN]);
        Ok((peer, forged(packet), 1))
    }),
    case("Sealed, forged", "on a half-open connection", |fixture, _| {
        let peer = fixture.half_open()?;
        let packet = fixture.peers[peer].packet(fixture.now, &[0x01; BODY_LEN]);
        Ok((peer, forged(packet), 1))
    }),
    case("Sealed, forged", "of an unknown connection", |fixture, _| {
        let peer = fixture.half_open()?;
        let mut packet = fixture.peers[peer].packet(fixture.now, &[0x01; BODY_LEN]);
        packet[1] ^= 0xff;
        Ok((peer, forged(packet), 1))
    }),
    case("Sealed", "PING frames", |fixture, _| {
        let peer = fixture.member(4_352)?;
        frames(fixture, peer, &[0x01])
    }),
    case("Sealed", "ACK frames of 32 ranges", |fixture, _| {
        let peer = fixture.member(4_352)?;
        // Enough packets from the server to acknowledge in ranges.
        for _ in 0..2 * MAX_ACK_RANGES {
            fixture.send_stream(peer, &[0, 1, 0x7f]);
        }
        let body = fixture.peers[peer].acks_of_many_ranges(MAX_ACK_RANGES as u8);
        Ok((peer, fixture.peers[peer].packet(fixture.now, &body), 4))
    }),
    case("Sealed", "MAX_DATA frames", |fixture, _| {
        let peer = fixture.member(4_352)?;
        frames(fixture, peer, &[0x04, 0, 0, 0, 0, 0, 0x50, 0, 0, 0])
    }),
    case("Sealed", "STREAM frames of one byte", |fixture, _| {
        let peer = fixture.member(4_352)?;
        let count = BODY_LEN / 13 / 3 * 3;
        let body = fixture.peers[peer].stream_frames(&[0, 1, 0x7f].repeat(count / 3), 1);
        Ok((peer, fixture.peers[peer].packet(fixture.now, &body), count))
    }),
    case("Sealed", "STREAM frames of one byte with a gap before each", |fixture, _| {
        let peer = fixture.member(4_352)?;
        let body = fixture.peers[peer].frames_with_gaps(BODY_LEN as u64 / 13);
        Ok((peer, fixture.peers[peer].packet(fixture.now, &body), BODY_LEN / 13))
    }),
    case("Hint", "alone", |fixture, _| {
        let peer = fixture.stranger();
        let mut hint = vec![0x16; 13];
        hint.extend(Accelerated::crc32(&hint).to_be_bytes());
        Ok((peer, hint, 1))
    }),
];

/// A datagram filled with copies of `unit`.
fn fill(fixture: &mut Fixture, peer: usize, unit: &[u8]) -> Prepared {
    let count = MESSAGES_LEN / unit.len().max(1);
    Ok((peer, fixture.peers[peer].stream_packet(fixture.now, &unit.repeat(count)), count))
}

fn frames(fixture: &mut Fixture, peer: usize, frame: &[u8]) -> Prepared {
    let count = BODY_LEN / frame.len().max(1);
    Ok((peer, fixture.peers[peer].packet(fixture.now, &frame.repeat(count)), count))
}

/// A datagram filled with posts.
fn posts(fixture: &mut Fixture, peer: usize, len: usize, kind: EntryKind) -> Prepared {
    let (mut messages, mut count) = (Vec::new(), 0);
    loop {
        let number = fixture.peers[peer].next_number();
        let next = post(fixture, peer, number, len, kind);
        if messages.len() + next.len() > MESSAGES_LEN {
            return Ok((peer, fixture.peers[peer].stream_packet(fixture.now, &messages), count));
        }
        messages.extend(next);
        count += 1;
    }
}

fn post(fixture: &Fixture, peer: usize, number: u64, len: usize, kind: EntryKind) -> Vec<u8> {
    let (instance, body) = (fixture.peers[peer].instance(), vec![b'x'; len]);
    message(&ClientMessage::Post(Post { handle: 1, instance, number, settled: 0, kind, body: &body }))
}

fn history(before: u64) -> Vec<u8> {
    message(&ClientMessage::Request { handle: 1, request: Request::History { before, count: 200 } })
}

fn handshake(fixture: &mut Fixture, peer: usize) -> Prepared {
    let packet = fixture.peers[peer].handshake_packet(fixture.now);
    packet.map(|packet| (peer, packet, 1)).ok_or_else(|| Error::new("a handshake has nothing to send"))
}

/// Damages the tag and repairs the CRC.
fn forged(mut packet: Vec<u8>) -> Vec<u8> {
    let len = packet.len().min(DATAGRAM_LEN) - 4;
    packet[len - 1] ^= 1;
    let crc = Accelerated::crc32(&packet[..len]).to_be_bytes();
    packet[len..].copy_from_slice(&crc);
    packet
}
