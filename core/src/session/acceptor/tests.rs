//! Stateless before the cookie, silent on invalid datagrams, the same answer to the same Initiate.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::crypto::Portable;
use crate::crypto::rsa::{InvalidCiphertext, Rsa2048};
use crate::session::testing::*;
use crate::time::Duration;
use crate::wire::MAX_DATAGRAM;
use crate::wire::io::DecodeError;
use crate::wire::packet::{CRC_LEN, HINT_LEN};

fn hello(key_hint: [u8; 8], datagram_len: u16) -> Vec<u8> {
    let mut out = vec![0; MAX_DATAGRAM];
    let hello = Hello { client_random: [0xc1; 32], key_hint, datagram_len };
    let len = Packet::Hello(hello).encode(&mut out, Portable::crc32).unwrap();
    out.truncate(len);
    out
}

fn drop_of(incoming: Incoming) -> DropReason {
    match incoming {
        Incoming::Dropped(reason) => reason,
        incoming => panic!("{incoming:?}"),
    }
}

/// A server and an Initiate that it accepts.
fn ready() -> (Server, Vec<u8>) {
    let mut server = Server::new(&KEYS[0]);
    let mut client = started::<Rsa2048>(1, Some(server.fingerprint()));
    let initiate = initiate(&mut client, &mut server, START);
    (server, initiate)
}

#[test]
fn answers_hello_with_challenge() {
    for key in KEYS.iter() {
        let mut server = Server::new(key);
        for len in [640, 1200] {
            let challenge = server.challenge(START, &hello([0; 8], len));
            let Ok(Packet::Challenge(challenge)) = Packet::decode(&challenge, Portable::crc32) else { panic!() };
            assert_eq!(challenge.client_random, [0xc1; 32]);
            assert_eq!(challenge.modulus, key.modulus());
        }
    }
}

#[test]
fn does_not_answer_a_hint_for_another_key() {
    let mut server = Server::new(&KEYS[0]);
    let hint: [u8; 8] = server.fingerprint().0[..8].try_into().unwrap();
    assert!(matches!(server.handle(START, HOME, &hello(hint, 1200)).0, Incoming::Reply(_)));
    for bit in 0..64 {
        let mut other = hint;
        other[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(drop_of(server.handle(START, HOME, &hello(other, 1200)).0), DropReason::Hello);
    }
}

#[test]
fn drops_hello_when_the_answer_does_not_fit() {
    let mut server = Server::new(&KEYS[0]);
    let mut out = [0; CHALLENGE_OVERHEAD + 255];
    let incoming = server.acceptor.handle_datagram::<Portable>(START, HOME, &hello([0; 8], 1200), &mut out);
    assert_eq!(drop_of(incoming), DropReason::Hello);
}

#[test]
fn reports_datagrams_that_are_not_packets() {
    let mut server = Server::new(&KEYS[0]);
    let mut damaged = hello([0; 8], 640);
    damaged[100] ^= 1;
    let dropped = drop_of(server.handle(START, HOME, &damaged).0);
    assert_eq!(dropped, DropReason::Packet(PacketError::Damaged));
    assert_eq!(drop_of(server.handle(START, HOME, b"GET_PUBLIC_KEY").0), DropReason::Packet(PacketError::Damaged));
}

#[test]
fn drops_packets_that_only_servers_send() {
    let (mut server, initiate) = ready();
    let challenge = server.challenge(START, &hello([0; 8], 1200));
    let accept = server.accepted(START, &initiate).datagram;
    for datagram in [&challenge[..], &accept] {
        assert_eq!(drop_of(server.handle(START, HOME, datagram).0), DropReason::Direction);
    }
}

#[test]
fn reports_sealed_packets_and_hints() {
    let mut server = Server::new(&KEYS[0]);
    let header = SealedHeader { connection_id: 5, packet_number: 6 };
    let sealed = with_crc(&[&header.encode()[..], &[0; 21]].concat());
    assert!(matches!(server.handle(START, HOME, &sealed).0, Incoming::Sealed(found) if found == header));
    let mut hint = [0; HINT_LEN];
    Packet::Hint(header).encode(&mut hint, Portable::crc32).unwrap();
    assert!(matches!(server.handle(START, HOME, &hint).0, Incoming::Hint));
}

#[test]
fn accepts_a_cookie_from_its_address_only() {
    let (mut server, initiate) = ready();
    let mut other_port = HOME;
    other_port.set_port(HOME.port() + 1);
    let other_ip = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 8).into(), HOME.port());
    let other_family = SocketAddr::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).into(), HOME.port());
    for from in [other_port, other_ip, other_family] {
        assert_eq!(drop_of(server.handle(START, from, &initiate).0), DropReason::Cookie);
    }
    let mapped = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().into(), HOME.port());
    assert!(matches!(server.handle(START, mapped, &initiate).0, Incoming::Accept(_)));
}

#[test]
fn accepts_a_cookie_for_60_to_120_seconds() {
    // Issued 7 s into a period, so valid for 113 s.
    let (mut server, initiate) = ready();
    for secs in [0, 60, 112] {
        assert!(matches!(server.handle(START + Duration::from_secs(secs), HOME, &initiate).0, Incoming::Accept(_)));
    }
    let late = START + Duration::from_secs(113);
    assert_eq!(drop_of(server.handle(late, HOME, &initiate).0), DropReason::Cookie);
}

#[test]
fn drops_initiates_whose_hello_or_cookie_was_changed() {
    let (mut server, initiate) = ready();
    // Suite, client random, hint, length of the Hello, cookie.
    for at in 2..76 {
        let mut changed = initiate.clone();
        changed[at] ^= 1;
        let dropped = drop_of(server.handle(START, HOME, &with_crc(&changed)).0);
        assert!(matches!(dropped, DropReason::Cookie | DropReason::Packet(PacketError::Malformed(_))), "{at}");
    }
    // The other legal length of a Hello.
    let mut changed = initiate.clone();
    changed[42..44].copy_from_slice(&640u16.to_be_bytes());
    assert_eq!(drop_of(server.handle(START, HOME, &with_crc(&changed)).0), DropReason::Cookie);
}

#[test]
fn drops_damaged_truncated_and_trailing_initiates() {
    let (mut server, initiate) = ready();
    let content = &initiate[..initiate.len() - CRC_LEN];
    let mut dropped = |datagram: &[u8]| match drop_of(server.handle(START, HOME, datagram).0) {
        DropReason::Packet(error) => error,
        reason => panic!("{reason:?}"),
    };
    for at in 0..initiate.len() {
        let mut damaged = initiate.clone();
        damaged[at] ^= 0x10;
        assert_eq!(dropped(&damaged), PacketError::Damaged);
    }
    for len in 1..content.len() {
        let cut = with_crc(&[&content[..len], &[0; CRC_LEN]].concat());
        assert_eq!(dropped(&cut), PacketError::Malformed(DecodeError::Truncated));
    }
    let longer = with_crc(&[content, &[0; 1 + CRC_LEN]].concat());
    assert_eq!(dropped(&longer), PacketError::Malformed(DecodeError::Trailing));
}

#[test]
fn drops_a_ciphertext_of_the_length_of_another_key() {
    let mut server = Server::new(&KEYS[1]);
    let (_, initiate) = ready();
    // The cookie of the right server for the same Hello.
    let Ok(Packet::Initiate(packet)) = Packet::decode(&initiate, Portable::crc32) else { panic!() };
    let hello = Hello { key_hint: [0; 8], ..packet.hello };
    let mut out = vec![0; MAX_DATAGRAM];
    let len = Packet::Hello(hello).encode(&mut out, Portable::crc32).unwrap();
    let challenge = server.challenge(START, &out[..len]);
    let Ok(Packet::Challenge(challenge)) = Packet::decode(&challenge, Portable::crc32) else { panic!() };
    let len = Packet::Initiate(Initiate { hello, cookie: challenge.cookie, ..packet })
        .encode(&mut out, Portable::crc32)
        .unwrap();
    assert_eq!(drop_of(server.handle(START, HOME, &out[..len]).0), DropReason::Key);
}

#[test]
fn same_initiate_has_the_same_id() {
    let (mut server, initiate) = ready();
    let pending = server.pending(START, &initiate);
    let again = server.pending(START + Duration::from_secs(1), &initiate);
    assert_eq!((pending.id(), pending.cookie_tag()), (again.id(), again.cookie_tag()));
    let address = [&Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped().octets()[..], &4321u16.to_be_bytes()].concat();
    assert_eq!(pending.id(), sha256(&[&initiate, &address])[..16]);
    assert_eq!(pending.cookie_tag(), initiate[44..52]);
    // Another share under the same cookie is another handshake.
    let mut other = initiate.clone();
    other[80] ^= 1;
    let other = server.pending(START, &with_crc(&other));
    assert_ne!(pending.id(), other.id());
    assert_eq!(pending.cookie_tag(), other.cookie_tag());
}

#[test]
fn run_is_deterministic_and_may_move_to_another_thread() {
    fn is_send(_: &impl Send) {}
    let (mut server, initiate) = ready();
    let pending = server.pending(START, &initiate);
    is_send(&pending);
    let run = |id, seed| pending.run::<Portable>(server.key, id, seed).unwrap();
    let (one, same) = (run(1, [5; 32]), run(1, [5; 32]));
    assert_eq!(one.datagram, same.datagram);
    assert_eq!(one.established.c2s.expose(), same.established.c2s.expose());
    for other in [run(2, [5; 32]), run(1, [6; 32])] {
        assert_ne!(one.established.c2s.expose(), other.established.c2s.expose());
        assert_ne!(one.established.exporter.expose(), other.established.exporter.expose());
    }
}

#[test]
fn drops_shares_that_are_not_contributory() {
    let (mut server, initiate) = ready();
    for low in [0, 1] {
        let mut changed = initiate.clone();
        changed[76..108].fill(0);
        changed[76] = low;
        let pending = server.pending(START, &with_crc(&changed));
        assert!(pending.run::<Portable>(server.key, 1, [5; 32]).is_none());
    }
}

#[test]
fn drops_ciphertexts_out_of_range() {
    let (mut server, initiate) = ready();
    let n = KEYS[0].modulus().to_vec();
    let mut n_less_1 = n.clone();
    *n_less_1.last_mut().unwrap() -= 1;
    let (mut zero, mut one) = (vec![0; 256], vec![0; 256]);
    (zero[255], one[255]) = (0, 1);
    for ciphertext in [zero, one, n_less_1, n, vec![0xff; 256]] {
        let mut changed = initiate.clone();
        changed[130..386].copy_from_slice(&ciphertext);
        let pending = server.pending(START, &with_crc(&changed));
        assert!(pending.run::<Portable>(server.key, 1, [5; 32]).is_none());
    }
}

/// A key that recovers a wrong z.
struct Wrong(&'static crate::crypto::rsa::AnyRsaPrivateKey);

impl PrivateKey for Wrong {
    fn modulus(&self) -> &[u8] {
        self.0.modulus()
    }

    fn decapsulate(
        &self,
        rng: &mut impl rand_core::CryptoRng,
        ciphertext: &[u8],
        z: &mut [u8],
    ) -> Result<(), InvalidCiphertext> {
        self.0.decapsulate(rng, ciphertext, z)?;
        z[17] ^= 1;
        Ok(())
    }
}

#[test]
fn accept_for_a_ciphertext_to_another_key_does_not_verify() {
    let mut server = Server::new(&KEYS[0]);
    let mut client = started::<Rsa2048>(1, Some(server.fingerprint()));
    let initiate = initiate(&mut client, &mut server, START);
    let pending = server.pending(START, &initiate);
    let wrong = pending.run::<Portable>(&Wrong(&KEYS[0]), 1, [5; 32]).unwrap();
    assert!(finish(&mut client, START, &wrong.datagram).is_none());
    // And the real one still works.
    let accepted = server.accepted(START, &initiate);
    assert!(finish(&mut client, START, &accepted.datagram).is_some());
}

#[test]
fn prints_no_secret() {
    let (server, _) = ready();
    let text = std::format!("{:?}", server.acceptor);
    assert!(text.starts_with("Acceptor { parameters: ") && text.ends_with(", .. }"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn never_sends_more_bytes_than_it_received(
        content in prop::collection::vec(any::<u8>(), 0..1197),
        first in prop_oneof![Just(0x11u8), any::<u8>()],
        rest_is_zero: bool,
        known_suite: bool,
    ) {
        let mut server = Server::new(&KEYS[2]);
        let mut datagram = content;
        datagram.extend([0; CRC_LEN]);
        datagram[0] = first;
        if known_suite && datagram.len() > 8 {
            datagram[1] = 1;
        }
        if rest_is_zero && datagram.len() > 34 {
            datagram[34..].fill(0);
        }
        let datagram = with_crc(&datagram);
        let (incoming, out) = server.handle(START, HOME, &datagram);
        prop_assert!(out.len() <= datagram.len());
        prop_assert!(!matches!(incoming, Incoming::Accept(_)));
    }

    #[test]
    fn answers_each_hello_with_at_most_its_length(random: [u8; 32], long: bool, key in 0usize..3) {
        let mut server = Server::new(&KEYS[key]);
        let mut datagram = hello([0; 8], if long { 1200 } else { 640 });
        datagram[2..34].copy_from_slice(&random);
        let datagram = with_crc(&datagram);
        let (incoming, out) = server.handle(START, HOME, &datagram);
        prop_assert!(matches!(incoming, Incoming::Reply(_)));
        prop_assert!(out.len() <= datagram.len());
    }
}
