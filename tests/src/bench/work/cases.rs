//! What is sent: each message that there is, as many as a datagram holds, and each packet.

use kabar_core::chat::{ClientMessage, EntryKind, Post, Request};
use kabar_core::crypto::Provider;
use kabar_core::wire::frame::MAX_ACK_RANGES;
use kabar_server::hub::HubLimits;
use kabar_std::provider::Accelerated;

use super::stage::Stage;
use super::{BODY, DATAGRAM_LEN};
use crate::bench::Error;
use crate::raw::{BODY_LEN, MESSAGES_LEN, message};

/// Whose datagram, the datagram, and how many there are in it.
type Made = Result<(usize, Vec<u8>, usize), Error>;

pub(super) struct Case {
    pub(super) kind: &'static str,
    pub(super) case: &'static str,
    pub(super) limits: fn(&mut HubLimits),
    pub(super) make: fn(&mut Stage, usize) -> Made,
}

const fn case(kind: &'static str, case: &'static str, make: fn(&mut Stage, usize) -> Made) -> Case {
    Case { kind, case, limits: |_| {}, make }
}

/// The first is what the others are compared with.
pub(super) const CASES: &[Case] = &[
    case("Post", "ordinary: 200 bytes each", |stage, _| {
        let peer = stage.member(4_352)?;
        posts(stage, peer, BODY, EntryKind::TEXT)
    }),
    case("Post", "empty", |stage, _| {
        let peer = stage.member(4_352)?;
        posts(stage, peer, 0, EntryKind::TEXT)
    }),
    case("Post", "refused, and passed over", |stage, _| {
        let peer = stage.member(4_352)?;
        posts(stage, peer, 0, EntryKind(9))
    }),
    case("Post", "there already", |stage, _| {
        let peer = stage.member(4_352)?;
        let one = post(stage, peer, 1, 0, EntryKind::TEXT);
        stage.say(peer, &one);
        fill(stage, peer, &one)
    }),
    case("Join", "with a Leave, again and again", |stage, _| {
        let peer = stage.half_open()?;
        let join = stage.peers[peer].join(&format!("joiner{peer}"), 4_352);
        fill(stage, peer, &[join, message(&ClientMessage::Leave { handle: 1 })].concat())
    }),
    case("Join", "with a signature that does not verify", |stage, _| {
        let peer = stage.half_open()?;
        let mut join = stage.peers[peer].join("forger", 4_352);
        // Within the signature: behind length, type, room, name and identity.
        join[3 + 6 + 7 + 32 + 5] ^= 1;
        fill(stage, peer, &join)
    }),
    case("Who", "everybody", |stage, _| {
        let peer = stage.member(4_352)?;
        fill(stage, peer, &message(&ClientMessage::Request { handle: 1, request: Request::ListMembers }))
    }),
    case("History", "200 entries that it does not take, in memory", |stage, _| {
        let peer = stage.member(0)?;
        stage.say(peer, &history(250));
        fill(stage, peer, &history(250))
    }),
    Case {
        kind: "History",
        case: "200 entries that it does not take, from the store",
        limits: |limits| limits.page_bytes = 0,
        make: |stage, turn| {
            let peer = stage.member(0)?;
            let count = MESSAGES_LEN / history(1).len();
            let messages: Vec<u8> = (0..count).flat_map(|at| history(201 + 97 * (at + turn) as u64)).collect();
            Ok((peer, stage.peers[peer].say(stage.now, &messages), count))
        },
    },
    case("History", "200 entries that it takes", |stage, _| {
        let peer = stage.member(4_352)?;
        fill(stage, peer, &history(0))
    }),
    case("Leave", "alone", |stage, _| {
        let peer = stage.member(4_352)?;
        fill(stage, peer, &message(&ClientMessage::Leave { handle: 1 }))
    }),
    case("unknown message", "of a type and nothing else", |stage, _| {
        let peer = stage.member(4_352)?;
        fill(stage, peer, &[0, 1, 0x7f])
    }),
    case("Hello", "alone", |stage, _| {
        let peer = stage.stranger();
        handshake(stage, peer)
    }),
    case("Initiate", "with a valid cookie", |stage, _| {
        let peer = stage.stranger();
        let hello = stage.peers[peer].handshake_packet(stage.now).unwrap_or_default();
        stage.tell(peer, hello);
        handshake(stage, peer)
    }),
    case("Sealed, forged", "on an open connection", |stage, _| {
        let peer = stage.member(4_352)?;
        let packet = stage.peers[peer].packet(stage.now, &[0x01; BODY_LEN]);
        Ok((peer, forged(packet), 1))
    }),
    case("Sealed, forged", "on a half-open connection", |stage, _| {
        let peer = stage.half_open()?;
        let packet = stage.peers[peer].packet(stage.now, &[0x01; BODY_LEN]);
        Ok((peer, forged(packet), 1))
    }),
    case("Sealed, forged", "on no connection", |stage, _| {
        let peer = stage.half_open()?;
        let mut packet = stage.peers[peer].packet(stage.now, &[0x01; BODY_LEN]);
        packet[1] ^= 0xff;
        Ok((peer, forged(packet), 1))
    }),
    case("Sealed", "PING frames", |stage, _| {
        let peer = stage.member(4_352)?;
        frames(stage, peer, &[0x01])
    }),
    case("Sealed", "ACK frames of 32 ranges", |stage, _| {
        let peer = stage.member(4_352)?;
        // Enough packets of the server that there are ranges.
        for _ in 0..2 * MAX_ACK_RANGES {
            stage.say(peer, &[0, 1, 0x7f]);
        }
        let body = stage.peers[peer].acks_of_many_ranges(MAX_ACK_RANGES as u8);
        Ok((peer, stage.peers[peer].packet(stage.now, &body), 4))
    }),
    case("Sealed", "MAX_DATA frames", |stage, _| {
        let peer = stage.member(4_352)?;
        frames(stage, peer, &[0x04, 0, 0, 0, 0, 0, 0x50, 0, 0, 0])
    }),
    case("Sealed", "STREAM frames of one byte", |stage, _| {
        let peer = stage.member(4_352)?;
        let count = BODY_LEN / 13 / 3 * 3;
        let body = stage.peers[peer].stream_frames(&[0, 1, 0x7f].repeat(count / 3), 1);
        Ok((peer, stage.peers[peer].packet(stage.now, &body), count))
    }),
    case("Sealed", "STREAM frames of one byte with a gap before each", |stage, _| {
        let peer = stage.member(4_352)?;
        let body = stage.peers[peer].frames_with_gaps(BODY_LEN as u64 / 13);
        Ok((peer, stage.peers[peer].packet(stage.now, &body), BODY_LEN / 13))
    }),
    case("Hint", "alone", |stage, _| {
        let peer = stage.stranger();
        let mut hint = vec![0x16; 13];
        hint.extend(Accelerated::crc32(&hint).to_be_bytes());
        Ok((peer, hint, 1))
    }),
];

/// A datagram full of copies of `unit`.
fn fill(stage: &mut Stage, peer: usize, unit: &[u8]) -> Made {
    let count = MESSAGES_LEN / unit.len().max(1);
    Ok((peer, stage.peers[peer].say(stage.now, &unit.repeat(count)), count))
}

fn frames(stage: &mut Stage, peer: usize, frame: &[u8]) -> Made {
    let count = BODY_LEN / frame.len().max(1);
    Ok((peer, stage.peers[peer].packet(stage.now, &frame.repeat(count)), count))
}

/// A datagram full of posts.
fn posts(stage: &mut Stage, peer: usize, len: usize, kind: EntryKind) -> Made {
    let (mut messages, mut count) = (Vec::new(), 0);
    loop {
        let number = stage.peers[peer].next_number();
        let next = post(stage, peer, number, len, kind);
        if messages.len() + next.len() > MESSAGES_LEN {
            return Ok((peer, stage.peers[peer].say(stage.now, &messages), count));
        }
        messages.extend(next);
        count += 1;
    }
}

fn post(stage: &Stage, peer: usize, number: u64, len: usize, kind: EntryKind) -> Vec<u8> {
    let (instance, body) = (stage.peers[peer].instance(), vec![b'x'; len]);
    message(&ClientMessage::Post(Post { handle: 1, instance, number, settled: 0, kind, body: &body }))
}

fn history(before: u64) -> Vec<u8> {
    message(&ClientMessage::Request { handle: 1, request: Request::History { before, count: 200 } })
}

fn handshake(stage: &mut Stage, peer: usize) -> Made {
    let packet = stage.peers[peer].handshake_packet(stage.now);
    packet.map(|packet| (peer, packet, 1)).ok_or_else(|| Error::new("a handshake has nothing to send"))
}

/// Damages the tag, and makes the CRC match again.
fn forged(mut packet: Vec<u8>) -> Vec<u8> {
    let len = packet.len().min(DATAGRAM_LEN) - 4;
    packet[len - 1] ^= 1;
    let crc = Accelerated::crc32(&packet[..len]).to_be_bytes();
    packet[len..].copy_from_slice(&crc);
    packet
}
