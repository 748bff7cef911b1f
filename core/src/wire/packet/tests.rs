//! Each packet: accepts, rejects short, rejects trailing, round-trips; then the order of checks and
//! the properties.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::crypto::{Portable, Provider};

const CRC: fn(&[u8]) -> u32 = Portable::crc32;

const LIMITS: TransportParameters = TransportParameters {
    datagram: 0x04b0,
    packets: 0x0102,
    message: 0x1180,
    chat: 0x0304_0506,
    bulk: 0x0708_090a,
    ack_delay_ms: 0x0105,
    tick_us: 0x0001_0203,
    idle_s: 0x0030,
};

fn hello(datagram_len: u16) -> Hello {
    Hello { client_random: [0xa1; 32], key_hint: [0xb2; 8], datagram_len }
}

fn challenge(modulus: &[u8]) -> Challenge<'_> {
    Challenge { client_random: [0xa1; 32], cookie: [0xc3; 32], modulus }
}

fn initiate(ciphertext: &[u8]) -> Initiate<'_> {
    Initiate { hello: hello(1200), cookie: [0xc3; 32], share: [0xd4; 32], parameters: LIMITS, ciphertext }
}

fn accept() -> Accept {
    Accept {
        echo: [0xa1; 8],
        connection_id: 0x0102_0304,
        share: [0xd5; 32],
        parameters: LIMITS,
        confirmation: [0xe6; 32],
    }
}

const HEADER: SealedHeader = SealedHeader { connection_id: 0x0102_0304, packet_number: 0x0506_0708_090a_0b0c };

/// One packet of each kind and size that [`Packet::encode`] takes, encoded.
fn all() -> Vec<Vec<u8>> {
    let bytes = [0x5a; 512];
    let mut packets =
        vec![Packet::Hello(hello(1200)), Packet::Hello(hello(640)), Packet::Accept(accept()), Packet::Hint(HEADER)];
    for len in MODULUS_LENS {
        packets.push(Packet::Challenge(challenge(&bytes[..len])));
        packets.push(Packet::Initiate(initiate(&bytes[..len])));
    }
    packets.iter().map(encoded).collect()
}

fn encoded(packet: &Packet<'_>) -> Vec<u8> {
    let mut out = [0xff; MAX_DATAGRAM];
    let len = packet.encode(&mut out, CRC).unwrap();
    out[..len].to_vec()
}

/// `content` with its CRC.
fn with_crc(content: &[u8]) -> Vec<u8> {
    [content, &CRC(content).to_be_bytes()].concat()
}

/// Decodes a packet whose content is `datagram`'s, changed by `change`, with a correct CRC.
fn changed(datagram: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Result<(), PacketError> {
    let mut content = datagram[..datagram.len() - CRC_LEN].to_vec();
    change(&mut content);
    Packet::decode(&with_crc(&content), CRC).map(|_| ())
}

fn malformed(error: DecodeError) -> Result<(), PacketError> {
    Err(PacketError::Malformed(error))
}

#[test]
fn encodes_hello_as_specified() {
    for len in [1200, 640] {
        let content = [&[0x11, 1][..], &[0xa1; 32], &[0xb2; 8], &vec![0; usize::from(len) - 46]].concat();
        assert_eq!(encoded(&Packet::Hello(hello(len))), with_crc(&content));
        assert_eq!(Packet::decode(&with_crc(&content), CRC), Ok(Packet::Hello(hello(len))));
    }
}

#[test]
fn rejects_hello_of_any_other_length() {
    let datagram = encoded(&Packet::Hello(hello(1200)));
    for len in (42..1196).filter(|len| *len != 636) {
        assert_eq!(changed(&datagram, |content| content.truncate(len)), malformed(DecodeError::Value), "{len}");
    }
    assert_eq!(changed(&datagram, |content| content.truncate(636)), Ok(()));
}

#[test]
fn rejects_truncated_hello() {
    let datagram = encoded(&Packet::Hello(hello(640)));
    for len in 1..42 {
        assert_eq!(changed(&datagram, |content| content.truncate(len)), malformed(DecodeError::Truncated), "{len}");
    }
}

#[test]
fn rejects_hello_with_trailing_bytes() {
    let datagram = encoded(&Packet::Hello(hello(640)));
    assert_eq!(changed(&datagram, |content| content.push(0)), malformed(DecodeError::Value));
}

#[test]
fn rejects_hello_whose_padding_is_not_zero() {
    let datagram = encoded(&Packet::Hello(hello(640)));
    for at in 42..636 {
        assert_eq!(changed(&datagram, |content| content[at] = 0x80), malformed(DecodeError::Value), "{at}");
    }
}

#[test]
fn encodes_challenge_as_specified() {
    for len in MODULUS_LENS {
        let modulus = vec![0x5a; len];
        let content = [&[0x12][..], &[0xa1; 32], &[0xc3; 32], &modulus].concat();
        assert_eq!(content.len() + CRC_LEN, CHALLENGE_OVERHEAD + len);
        assert_eq!(encoded(&Packet::Challenge(challenge(&modulus))), with_crc(&content));
        assert_eq!(Packet::decode(&with_crc(&content), CRC), Ok(Packet::Challenge(challenge(&modulus))));
    }
}

#[test]
fn rejects_truncated_challenge() {
    let datagram = encoded(&Packet::Challenge(challenge(&[0x5a; 256])));
    for len in 1..datagram.len() - CRC_LEN {
        assert_eq!(changed(&datagram, |content| content.truncate(len)), malformed(DecodeError::Truncated), "{len}");
    }
}

#[test]
fn rejects_challenge_with_trailing_bytes() {
    for len in MODULUS_LENS {
        let datagram = encoded(&Packet::Challenge(challenge(&vec![0x5a; len])));
        assert_eq!(changed(&datagram, |content| content.push(0)), malformed(DecodeError::Trailing));
        assert_eq!(changed(&datagram, |content| content.extend([1; 127])), malformed(DecodeError::Trailing));
    }
}

#[test]
fn encodes_initiate_as_specified() {
    for len in MODULUS_LENS {
        let ciphertext = vec![0x5a; len];
        let limits = [0x04, 0xb0, 1, 2, 0x11, 0x80, 3, 4, 5, 6, 7, 8, 9, 10, 1, 5, 0, 1, 2, 3, 0, 0x30];
        let content =
            [&[0x13, 1][..], &[0xa1; 32], &[0xb2; 8], &[0x04, 0xb0], &[0xc3; 32], &[0xd4; 32], &limits, &ciphertext]
                .concat();
        assert_eq!(limits.len(), TRANSPORT_PARAMETERS_LEN);
        assert_eq!(content.len() + CRC_LEN, 134 + len);
        assert_eq!(encoded(&Packet::Initiate(initiate(&ciphertext))), with_crc(&content));
        assert_eq!(Packet::decode(&with_crc(&content), CRC), Ok(Packet::Initiate(initiate(&ciphertext))));
    }
}

#[test]
fn rejects_truncated_initiate() {
    let datagram = encoded(&Packet::Initiate(initiate(&[0x5a; 256])));
    for len in 1..datagram.len() - CRC_LEN {
        assert_eq!(changed(&datagram, |content| content.truncate(len)), malformed(DecodeError::Truncated), "{len}");
    }
}

#[test]
fn rejects_initiate_with_trailing_bytes() {
    for len in MODULUS_LENS {
        let datagram = encoded(&Packet::Initiate(initiate(&vec![0x5a; len])));
        assert_eq!(changed(&datagram, |content| content.push(0)), malformed(DecodeError::Trailing));
    }
}

#[test]
fn rejects_initiate_without_a_legal_hello() {
    let datagram = encoded(&Packet::Initiate(initiate(&[0x5a; 256])));
    let continues = |len: u16| changed(&datagram, |content| content[42..44].copy_from_slice(&len.to_be_bytes()));
    assert_eq!(continues(640), Ok(()));
    for len in [0, 639, 641, 1199, 1201, u16::MAX] {
        assert_eq!(continues(len), malformed(DecodeError::Value), "{len}");
    }
}

#[test]
fn encodes_accept_as_specified() {
    let limits = [0x04, 0xb0, 1, 2, 0x11, 0x80, 3, 4, 5, 6, 7, 8, 9, 10, 1, 5, 0, 1, 2, 3, 0, 0x30];
    let content = [&[0x14][..], &[0xa1; 8], &[1, 2, 3, 4], &[0xd5; 32], &limits, &[0xe6; 32]].concat();
    assert_eq!(content.len() + CRC_LEN, ACCEPT_LEN);
    assert_eq!(encoded(&Packet::Accept(accept())), with_crc(&content));
    assert_eq!(Packet::decode(&with_crc(&content), CRC), Ok(Packet::Accept(accept())));
}

#[test]
fn rejects_truncated_accept() {
    let datagram = encoded(&Packet::Accept(accept()));
    for len in 1..ACCEPT_LEN - CRC_LEN {
        assert_eq!(changed(&datagram, |content| content.truncate(len)), malformed(DecodeError::Truncated), "{len}");
    }
}

#[test]
fn rejects_accept_with_trailing_bytes() {
    let datagram = encoded(&Packet::Accept(accept()));
    assert_eq!(changed(&datagram, |content| content.push(0)), malformed(DecodeError::Trailing));
}

#[test]
fn encodes_sealed_header_as_specified() {
    let header = [0x15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    assert_eq!(HEADER.encode(), header);
    for body in [1, 2, 1167] {
        let content = [&header[..], &vec![0x77; body + SEALED_TAG_LEN]].concat();
        assert_eq!(Packet::decode(&with_crc(&content), CRC), Ok(Packet::Sealed(HEADER)));
    }
}

#[test]
fn rejects_truncated_sealed() {
    // SPEC 5.1: a body is not empty.
    let content = [&HEADER.encode()[..], &[0x77; SEALED_TAG_LEN]].concat();
    for len in 1..=content.len() {
        let datagram = with_crc(&content[..len]);
        assert_eq!(Packet::decode(&datagram, CRC).map(|_| ()), malformed(DecodeError::Truncated), "{len}");
    }
}

#[test]
fn does_not_encode_sealed_packets() {
    assert_eq!(Packet::Sealed(HEADER).encode(&mut [0; MAX_DATAGRAM], CRC), Err(BufferFull));
}

#[test]
fn encodes_hint_as_specified() {
    let content = [0x16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    assert_eq!(content.len() + CRC_LEN, HINT_LEN);
    assert_eq!(encoded(&Packet::Hint(HEADER)), with_crc(&content));
    assert_eq!(Packet::decode(&with_crc(&content), CRC), Ok(Packet::Hint(HEADER)));
}

#[test]
fn rejects_truncated_hint() {
    let datagram = encoded(&Packet::Hint(HEADER));
    for len in 1..HINT_LEN - CRC_LEN {
        assert_eq!(changed(&datagram, |content| content.truncate(len)), malformed(DecodeError::Truncated), "{len}");
    }
}

#[test]
fn rejects_hint_with_trailing_bytes() {
    let datagram = encoded(&Packet::Hint(HEADER));
    assert_eq!(changed(&datagram, |content| content.push(0)), malformed(DecodeError::Trailing));
}

#[test]
fn rejects_limits_outside_their_ranges() {
    let decodes = |parameters: TransportParameters| {
        let datagram = encoded(&Packet::Accept(Accept { parameters, ..accept() }));
        let decoded = Packet::decode(&datagram, CRC);
        assert_eq!(decoded.is_ok(), parameters.is_legal());
        assert!(decoded.is_ok() || decoded == Err(PacketError::Malformed(DecodeError::Value)));
        decoded.is_ok()
    };
    let base = LIMITS;
    assert!(
        decodes(TransportParameters { datagram: 576, ..base })
            && decodes(TransportParameters { datagram: 1200, ..base })
    );
    assert!(
        !decodes(TransportParameters { datagram: 575, ..base })
            && !decodes(TransportParameters { datagram: 1201, ..base })
    );
    assert!(
        decodes(TransportParameters { packets: 4, ..base }) && !decodes(TransportParameters { packets: 3, ..base })
    );
    assert!(
        decodes(TransportParameters { message: 512, ..base }) && !decodes(TransportParameters { message: 511, ..base })
    );
    assert!(
        decodes(TransportParameters { message: 600, chat: 600, ..base })
            && !decodes(TransportParameters { message: 600, chat: 599, ..base })
    );
    assert!(
        decodes(TransportParameters { bulk: 0, ..base })
            && decodes(TransportParameters { bulk: u32::MAX, chat: u32::MAX, ..base })
    );
    assert!(
        decodes(TransportParameters { ack_delay_ms: 1000, ..base })
            && !decodes(TransportParameters { ack_delay_ms: 1001, ..base })
    );
    assert!(
        decodes(TransportParameters { tick_us: 1_000_000, ..base })
            && !decodes(TransportParameters { tick_us: 1_000_001, ..base })
    );
    assert!(decodes(TransportParameters { idle_s: 10, ..base }) && !decodes(TransportParameters { idle_s: 9, ..base }));
    assert!(
        decodes(TransportParameters { idle_s: 3600, ..base }) && !decodes(TransportParameters { idle_s: 3601, ..base })
    );
}

#[test]
fn reports_every_changed_bit_as_damaged() {
    for datagram in all() {
        for bit in 0..datagram.len() * 8 {
            let mut changed = datagram.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Packet::decode(&changed, CRC), Err(PacketError::Damaged), "{bit}");
        }
    }
}

#[test]
fn reports_impossible_lengths_as_damaged() {
    for len in 0..=CRC_LEN {
        assert_eq!(Packet::decode(&vec![0; len], CRC), Err(PacketError::Damaged), "{len}");
    }
    let longest = [&HEADER.encode()[..], &[0; MAX_DATAGRAM - 17]].concat();
    assert_eq!(Packet::decode(&with_crc(&longest), CRC), Ok(Packet::Sealed(HEADER)));
    let longer = [&HEADER.encode()[..], &[0; MAX_DATAGRAM - 16]].concat();
    assert_eq!(Packet::decode(&with_crc(&longer), CRC), Err(PacketError::Damaged));
}

#[test]
fn checks_the_crc_before_version_and_type_before_the_body() {
    let nonsense = [0x20, 1, 2, 3];
    let mut damaged = with_crc(&nonsense);
    damaged[7] ^= 1;
    assert_eq!(Packet::decode(&damaged, CRC), Err(PacketError::Damaged));
    assert_eq!(Packet::decode(&with_crc(&nonsense), CRC), Err(PacketError::Unknown));
    assert_eq!(Packet::decode(&with_crc(&[0x11]), CRC), Err(PacketError::Malformed(DecodeError::Truncated)));
}

#[test]
fn reports_other_versions_types_and_suites_as_unknown() {
    for first in (0..=0xff).filter(|first| !(0x11..=0x16).contains(first)) {
        for datagram in all() {
            assert_eq!(changed(&datagram, |content| content[0] = first), Err(PacketError::Unknown));
        }
    }
    for suite in (0..=0xff).filter(|suite| *suite != SUITE) {
        for datagram in [encoded(&Packet::Hello(hello(640))), encoded(&Packet::Initiate(initiate(&[0x5a; 256])))] {
            assert_eq!(changed(&datagram, |content| content[1] = suite), Err(PacketError::Unknown));
        }
    }
}

#[test]
fn encodes_all_or_reports_a_full_buffer() {
    for datagram in all() {
        let packet = Packet::decode(&datagram, CRC).unwrap();
        for len in 0..datagram.len() {
            assert_eq!(packet.encode(&mut vec![0; len], CRC), Err(BufferFull));
        }
        assert_eq!(packet.encode(&mut vec![0; datagram.len()], CRC), Ok(datagram.len()));
    }
}

/// SPEC 2.3: each value has only one encoding.
fn is_canonical(datagram: &[u8]) -> bool {
    match Packet::decode(datagram, CRC) {
        Ok(Packet::Sealed(header)) => datagram.starts_with(&header.encode()),
        Ok(packet) => encoded(&packet) == datagram,
        Err(_) => true,
    }
}

proptest! {
    #[test]
    fn decodes_only_canonical_packets(content in prop::collection::vec(any::<u8>(), 0..1196), first in 0x10u8..0x18) {
        prop_assert!(is_canonical(&content));
        prop_assert!(is_canonical(&with_crc(&content)));
        let mut typed = content;
        if let Some(byte) = typed.first_mut() {
            *byte = first;
        }
        prop_assert!(is_canonical(&with_crc(&typed)));
    }

    #[test]
    fn decodes_only_canonical_packets_near_real_ones(
        which in 0..all().len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in 0usize..3,
    ) {
        let mut content = all().swap_remove(which);
        content.truncate(content.len() - CRC_LEN);
        for (at, byte) in edits {
            let at = at.index(content.len());
            content[at] = byte;
        }
        content.truncate(content.len() - cut);
        prop_assert!(is_canonical(&with_crc(&content)));
    }

    #[test]
    fn round_trips_every_packet(
        client_random: [u8; 32], key_hint: [u8; 8], cookie: [u8; 32], share: [u8; 32], long: bool,
        bytes in prop::sample::select(&MODULUS_LENS[..]).prop_flat_map(|len| prop::collection::vec(any::<u8>(), len)),
        connection_id: u32, packet_number: u64, echo: [u8; 8], confirmation: [u8; 32], bulk: u32,
        datagram in 576u16..=1200, packets in 4u16.., message in 512u16.., spare in 0u32..0xffff_0000,
        ack_delay_ms in 0u16..=1000, tick_us in 0u32..=1_000_000, idle_s in 10u16..=3600,
    ) {
        let chat = u32::from(message) + spare;
        let parameters = TransportParameters { datagram, packets, message, chat, bulk, ack_delay_ms, tick_us, idle_s };
        let hello = Hello { client_random, key_hint, datagram_len: if long { 1200 } else { 640 } };
        for packet in [
            Packet::Hello(hello),
            Packet::Challenge(Challenge { client_random, cookie, modulus: &bytes }),
            Packet::Initiate(Initiate { hello, cookie, share, parameters, ciphertext: &bytes }),
            Packet::Accept(Accept { echo, connection_id, share, parameters, confirmation }),
            Packet::Hint(SealedHeader { connection_id, packet_number }),
        ] {
            let datagram = encoded(&packet);
            prop_assert_eq!(Packet::decode(&datagram, CRC), Ok(packet));
        }
    }
}
