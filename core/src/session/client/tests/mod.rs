//! The whole handshake with each key size, its timing, and interference.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::crypto::Portable;
use crate::crypto::rsa::{AnyRsa, Rsa2048, Rsa3072, Rsa4096};
use crate::session::acceptor::Incoming;
use crate::session::testing::*;
use crate::wire::MAX_DATAGRAM;
use crate::wire::packet::CRC_LEN;

mod instants;

type Client = ClientHandshake<Rsa2048>;

/// Both sides have the same secrets.
fn assert_agree(client: &HandshakeOutput, server: &HandshakeOutput) {
    assert_eq!((client.role, server.role), (Role::Client, Role::Server));
    assert_eq!(client.connection_id, server.connection_id);
    assert_eq!(client.c2s.expose(), server.c2s.expose());
    assert_eq!(client.s2c.expose(), server.s2c.expose());
    assert_eq!(client.exporter.expose(), server.exporter.expose());
    assert_eq!((client.local, client.remote), (server.remote, server.local));
    assert_eq!(client.hello_len, server.hello_len);
    let secrets = [client.c2s.expose(), client.s2c.expose(), client.exporter.expose()];
    assert!(secrets[0] != secrets[1] && secrets[1] != secrets[2] && secrets[0] != secrets[2]);
}

/// A server, a client that knows its key, and the Initiate it sent.
fn initiated() -> (Server, Client, Vec<u8>) {
    let mut server = Server::new(&KEYS[0]);
    let mut client = started(1, Some(server.fingerprint()));
    let initiate = initiate(&mut client, &mut server, START);
    (server, client, initiate)
}

fn completes<K: ServerKey>(key: usize) {
    let mut server = Server::new(&KEYS[key]);
    let mut client = started::<K>(1, Some(server.fingerprint()));
    assert!(client.is_active());
    let initiate = initiate(&mut client, &mut server, START);
    let accepted = server.accepted(START, &initiate);
    let established = finish(&mut client, START, &accepted.datagram).unwrap();
    assert_agree(&established, &accepted.established);
    assert_eq!((established.local, established.remote), (CLIENT_LIMITS, SERVER_LIMITS));
    assert_eq!((established.connection_id, established.hello_len), (0x0a0b_0c0d, 1200));
    assert!(!client.is_active() && client.poll_timeout().is_none() && client.poll_event().is_none());
}

#[test]
fn completes_with_2048_bits() {
    completes::<Rsa2048>(0);
    completes::<AnyRsa>(0);
}

#[test]
fn completes_with_3072_bits() {
    completes::<Rsa3072>(1);
    completes::<AnyRsa>(1);
}

#[test]
fn completes_with_4096_bits() {
    completes::<Rsa4096>(2);
    completes::<AnyRsa>(2);
}

#[test]
fn reports_the_key_when_none_is_expected() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, None);
    let hello = transmit(&mut client, START).unwrap();
    assert_eq!(hello[34..42], [0; 8], "no hint");
    let challenge = server.challenge(START, &hello);
    client.handle_datagram::<Portable>(START, &challenge).unwrap();
    assert!(client.poll_timeout().is_none());
    assert!(
        matches!(client.poll_event(), Some(HandshakeEvent::UnknownServerKey(offered)) if offered == server.fingerprint())
    );
    // The handshake does not continue before the answer.
    client.handle_timeout(millis(5000));
    assert!(client.poll_event().is_none() && transmit(&mut client, millis(5000)).is_none());
    client.accept_key(millis(5000));
    assert_eq!(compute(&mut client, millis(5000)), 2);
    let initiate = transmit(&mut client, millis(5000)).unwrap();
    let accepted = server.accepted(millis(5000), &initiate);
    assert_agree(&finish(&mut client, millis(5000), &accepted.datagram).unwrap(), &accepted.established);
}

#[test]
fn can_be_stopped_when_the_key_is_reported() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, None);
    let hello = transmit(&mut client, START).unwrap();
    client.handle_datagram::<Portable>(START, &server.challenge(START, &hello)).unwrap();
    client.poll_event().unwrap();
    client.stop();
    assert!(!client.is_active() && transmit(&mut client, millis(9000)).is_none());
    client.accept_key(START);
    assert!(!client.is_active(), "an answer to nothing");
}

#[test]
fn starts_over_with_the_accepted_key_after_a_late_answer() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, None);
    let first = transmit(&mut client, START).unwrap();
    client.handle_datagram::<Portable>(START, &server.challenge(START, &first)).unwrap();
    client.poll_event().unwrap();
    client.accept_key(millis(10_000));
    let hello = transmit(&mut client, millis(10_000)).unwrap();
    assert_eq!(hello[34..42], server.fingerprint().0[..8], "now there is a hint");
    assert_ne!(hello[2..34], first[2..34], "and a fresh random");
    client.handle_datagram::<Portable>(millis(10_000), &server.challenge(millis(10_000), &hello)).unwrap();
    assert_eq!(compute(&mut client, millis(10_000)), 2, "the key is not offered again");
    assert!(transmit(&mut client, millis(10_000)).is_some());
}

#[test]
fn hints_at_the_expected_key() {
    let server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, Some(server.fingerprint()));
    assert_eq!(transmit(&mut client, START).unwrap()[34..42], server.fingerprint().0[..8]);
}

/// The times and lengths of all Hellos without an answer, and their randoms.
fn hellos(pace: RetrySchedule, intervals: &[u64]) -> (Vec<(u64, usize)>, Vec<Vec<u8>>) {
    let mut client: Client = ClientHandshake::new();
    client.start(START, [1; 32], None, CLIENT_LIMITS, pace);
    let mut sent = Vec::new();
    let mut randoms = Vec::new();
    for at in (0..5000).step_by(10) {
        let is_due = client.poll_timeout().is_some_and(|due| due <= millis(at));
        assert_eq!(is_due, transmit_due(at, &sent, intervals));
        client.handle_timeout(millis(at));
        if let Some(hello) = transmit(&mut client, millis(at)) {
            sent.push((at, hello.len()));
            randoms.push(hello[2..34].to_vec());
        }
        assert!(transmit(&mut client, millis(at)).is_none(), "one at a time");
    }
    (sent, randoms)
}

#[test]
fn sends_hello_at_the_specified_times() {
    let (sent, randoms) = hellos(RetrySchedule::Initial, &[0, 250, 500]);
    let long = [0, 250, 750, 1250].map(|at| (at, 1200));
    let short = [1750, 2250, 2750, 3250, 3750, 4250, 4750].map(|at| (at, 640));
    assert_eq!(sent, [&long[..], &short].concat());
    // One random per length: a cookie is bound to the length.
    assert!(randoms[0] == randoms[3] && randoms[3] != randoms[4] && randoms[4] == randoms[10]);
    let (sent, _) = hellos(RetrySchedule::Background, &[0, 250, 500, 1000, 2000]);
    assert_eq!(sent, [(0, 1200), (250, 1200), (750, 1200), (1750, 640), (3750, 640)]);
}

/// Whether a Hello is due at `at`, after those in `sent`.
fn transmit_due(at: u64, sent: &[(u64, usize)], intervals: &[u64]) -> bool {
    let after = intervals[sent.len().min(intervals.len() - 1)];
    at >= sent.last().map_or(0, |(last, _)| last + after)
}

#[test]
fn reports_that_large_datagrams_did_not_pass() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, Some(server.fingerprint()));
    let long: Vec<_> = [0, 250, 750, 1250].map(|at| transmit(&mut client, millis(at)).unwrap()).into();
    let now = millis(1750);
    let short = transmit(&mut client, now).unwrap();
    assert_eq!(short.len(), 640);
    // An answer to a long Hello that arrives now has a cookie for that Hello.
    let late = server.challenge(now, &long[0]);
    assert_eq!(client.handle_datagram::<Portable>(now, &late), Err(DropReason::Unexpected));
    client.handle_datagram::<Portable>(now, &server.challenge(now, &short)).unwrap();
    compute(&mut client, now);
    let initiate = transmit(&mut client, now).unwrap();
    let accepted = server.accepted(now, &initiate);
    let established = finish(&mut client, now, &accepted.datagram).unwrap();
    assert_agree(&established, &accepted.established);
    assert_eq!(established.hello_len, 640);
}

#[test]
fn keeps_short_hellos_after_starting_over() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, Some(server.fingerprint()));
    for at in [0, 250, 750, 1250] {
        transmit(&mut client, millis(at)).unwrap();
    }
    let now = millis(1750);
    let short = transmit(&mut client, now).unwrap();
    client.handle_datagram::<Portable>(now, &server.challenge(now, &short)).unwrap();
    client.handle_timeout(millis(60_000));
    assert_eq!(transmit(&mut client, millis(60_000)).unwrap().len(), 640);
}

#[test]
fn sends_initiate_five_times_and_then_starts_over() {
    let (mut server, mut client, first) = initiated();
    let mut sent = vec![0];
    for at in (10..5750).step_by(10) {
        client.handle_timeout(millis(at));
        if let Some(initiate) = transmit(&mut client, millis(at)) {
            assert_eq!(initiate, first, "the same bytes, so the same Accept");
            sent.push(at);
        }
    }
    assert_eq!(sent, [0, 250, 750, 1750, 3750]);
    assert_eq!(client.poll_timeout(), Some(millis(5750)));
    assert!(transmit(&mut client, millis(5750)).is_none());
    client.handle_timeout(millis(5750));
    // A full handshake with everything fresh.
    let second = initiate(&mut client, &mut server, millis(5750));
    assert_ne!(first[2..34], second[2..34]);
    assert_ne!(first[76..108], second[76..108]);
    assert_ne!(first[130..], second[130..]);
    let accepted = server.accepted(millis(5750), &second);
    assert_agree(&finish(&mut client, millis(5750), &accepted.datagram).unwrap(), &accepted.established);
}

#[test]
fn starts_over_when_the_cookie_is_too_old() {
    let (_, mut client, _) = initiated();
    client.handle_timeout(millis(9_999));
    assert!(client.phase == Phase::Initiate);
    client.handle_timeout(millis(10_000));
    assert_eq!(transmit(&mut client, millis(10_000)).unwrap().len(), 1200);
    // The same applies before a step that computes.
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, Some(server.fingerprint()));
    let hello = transmit(&mut client, START).unwrap();
    client.handle_datagram::<Portable>(START, &server.challenge(START, &hello)).unwrap();
    client.handle_timeout(millis(10_000));
    assert_eq!(client.phase, Phase::Hello);
}

#[test]
fn does_one_public_key_operation_per_step() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, Some(server.fingerprint()));
    let hello = transmit(&mut client, START).unwrap();
    client.handle_datagram::<Portable>(START, &server.challenge(START, &hello)).unwrap();
    let mut phases = Vec::new();
    while client.poll_timeout() == Some(Instant::ZERO) {
        assert!(transmit(&mut client, START).is_none() && client.poll_event().is_none());
        phases.push(client.phase);
        client.handle_timeout(START);
    }
    assert_eq!(phases, [Phase::Encapsulate, Phase::Share]);
    let initiate = transmit(&mut client, START).unwrap();
    let accepted = server.accepted(START, &initiate);
    client.handle_datagram::<Portable>(START, &accepted.datagram).unwrap();
    assert!(client.poll_event().is_none());
    assert_eq!((client.phase, client.poll_timeout()), (Phase::Agree, Some(Instant::ZERO)));
    client.handle_timeout(START);
    assert!(matches!(client.poll_event(), Some(HandshakeEvent::Established(_))));
}

#[test]
fn rejects_a_key_that_is_not_the_expected_one() {
    let mut server = Server::new(&KEYS[0]);
    for bit in [0, 63, 64, 159] {
        let mut expected = server.fingerprint();
        expected.0[bit / 8] ^= 1 << (bit % 8);
        let mut client: Client = started(1, Some(expected));
        let mut hello = transmit(&mut client, START).unwrap();
        // A server that answers anyway.
        hello[34..42].fill(0);
        let challenge = server.challenge(START, &with_crc(&hello));
        assert_eq!(client.handle_datagram::<Portable>(START, &challenge), Err(DropReason::Key));
        assert_eq!(client.phase, Phase::Hello, "the attempt goes on");
    }
}

#[test]
fn rejects_keys_that_are_not_acceptable() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, None);
    let hello = transmit(&mut client, START).unwrap();
    let challenge = server.challenge(START, &hello);
    let mut even = challenge.clone();
    even[challenge.len() - CRC_LEN - 1] &= !1;
    let mut short = challenge.clone();
    short[65] &= 0x7f;
    let longer = Server::new(&KEYS[1]).challenge(START, &hello);
    for datagram in [with_crc(&even), with_crc(&short), longer] {
        assert_eq!(client.handle_datagram::<Portable>(START, &datagram), Err(DropReason::Key));
    }
    client.handle_datagram::<Portable>(START, &challenge).unwrap();
}

#[test]
fn ignores_challenges_to_other_attempts_and_in_other_states() {
    let mut server = Server::new(&KEYS[0]);
    let mut client: Client = started(1, Some(server.fingerprint()));
    let unexpected = Err(DropReason::Unexpected);
    let hello = transmit(&mut client, START).unwrap();
    let challenge = server.challenge(START, &hello);
    for at in 1..33 {
        let mut other = challenge.clone();
        other[at] ^= 1;
        assert_eq!(client.handle_datagram::<Portable>(START, &with_crc(&other)), unexpected);
    }
    assert_eq!(client.phase, Phase::Hello);
    client.handle_datagram::<Portable>(START, &challenge).unwrap();
    assert_eq!(client.handle_datagram::<Portable>(START, &challenge), unexpected);
    compute(&mut client, START);
    let initiate = transmit(&mut client, START).unwrap();
    assert_eq!(client.handle_datagram::<Portable>(START, &challenge), unexpected);
    // Nor does it accept packets that only clients send.
    for datagram in [&hello, &initiate] {
        assert_eq!(client.handle_datagram::<Portable>(START, datagram), unexpected);
    }
    let accepted = server.accepted(START, &initiate);
    assert!(finish(&mut client, START, &accepted.datagram).is_some());
    assert_eq!(client.handle_datagram::<Portable>(START, &accepted.datagram), unexpected, "idle");
}

#[test]
fn ignores_accepts_before_it_sent_an_initiate() {
    let (mut server, _, initiate) = initiated();
    let accept = server.accepted(START, &initiate).datagram;
    let mut client: Client = started(1, Some(server.fingerprint()));
    assert_eq!(client.handle_datagram::<Portable>(START, &accept), Err(DropReason::Unexpected));
}

#[test]
fn ignores_accepts_that_do_not_echo_its_random() {
    let (mut server, mut client, initiate) = initiated();
    let accepted = server.accepted(START, &initiate);
    for at in 1..9 {
        let mut other = accepted.datagram;
        other[at] ^= 0x80;
        assert_eq!(client.handle_datagram::<Portable>(START, &with_crc(&other)), Err(DropReason::Unexpected));
    }
    assert!(finish(&mut client, START, &accepted.datagram).is_some());
}

#[test]
fn survives_damaged_accepts() {
    let (mut server, mut client, initiate) = initiated();
    let accepted = server.accepted(START, &initiate);
    for at in 0..accepted.datagram.len() {
        let mut damaged = accepted.datagram;
        damaged[at] ^= 0x04;
        let expected = Err(DropReason::Packet(PacketError::Damaged));
        assert_eq!(client.handle_datagram::<Portable>(START, &damaged), expected);
    }
    assert!(finish(&mut client, START, &accepted.datagram).is_some());
}

#[test]
fn survives_forged_accepts() {
    let (mut server, mut client, initiate) = initiated();
    let accepted = server.accepted(START, &initiate);
    let mut forged_count = 0;
    for at in 0..accepted.datagram.len() - CRC_LEN {
        let mut forged = accepted.datagram;
        forged[at] ^= 0x01;
        match client.handle_datagram::<Portable>(START, &with_crc(&forged)) {
            Ok(()) => {
                compute(&mut client, START);
                // The lowest bit of a limit may be legal, the confirmation covers it nevertheless.
                assert_eq!(client.poll_drop(), Some(DropReason::NotAuthentic), "{at}");
                forged_count += 1;
            }
            // Type or echo; or a limit that is not legal.
            Err(error) => assert!((0..9).contains(&at) || matches!(error, DropReason::Packet(_)), "{at} {error}"),
        }
        assert!(client.poll_event().is_none() && client.poll_drop().is_none());
        assert_eq!(client.phase, Phase::Initiate);
    }
    assert!(forged_count > 80);
    assert_agree(&finish(&mut client, START, &accepted.datagram).unwrap(), &accepted.established);
}

#[test]
fn ignores_accepts_whose_share_is_not_contributory() {
    let (mut server, mut client, initiate) = initiated();
    let accepted = server.accepted(START, &initiate);
    let mut forged = accepted.datagram;
    forged[13..45].fill(0);
    assert!(finish(&mut client, START, &with_crc(&forged)).is_none());
    assert_eq!(client.poll_drop(), Some(DropReason::NotAuthentic));
    assert!(finish(&mut client, START, &accepted.datagram).is_some());
}

#[test]
fn ignores_accepts_to_another_initiate() {
    let (mut server, mut client, initiate) = initiated();
    // Same cookie, other parameters, as an attacker on the path could send.
    let mut other = initiate.clone();
    other[112] ^= 0x01;
    let accepted = server.accepted(START, &with_crc(&other));
    assert!(finish(&mut client, START, &accepted.datagram).is_none());
    assert_eq!(client.poll_drop(), Some(DropReason::NotAuthentic));
    assert!(finish(&mut client, START, &server.accepted(START, &initiate).datagram).is_some());
}

#[test]
fn keeps_its_retransmission_times_when_an_accept_is_forged() {
    let (mut server, mut client, initiate) = initiated();
    let mut forged = server.accepted(START, &initiate).datagram;
    forged[70] ^= 1;
    let due = client.poll_timeout();
    assert!(finish(&mut client, millis(100), &with_crc(&forged)).is_none());
    assert_eq!(client.poll_timeout(), due);
    assert!(transmit(&mut client, millis(100)).is_none());
    assert_eq!(transmit(&mut client, millis(250)), Some(initiate));
}

#[test]
fn derives_all_randomness_from_the_seed() {
    let initiate_of = |seed: u8| {
        let mut server = Server::new(&KEYS[0]);
        let mut client: Client = started(seed, Some(server.fingerprint()));
        initiate(&mut client, &mut server, START)
    };
    assert_eq!(initiate_of(1), initiate_of(1));
    let (one, other) = (initiate_of(1), initiate_of(2));
    for part in [2..34, 44..76, 76..108, 130..386] {
        assert_ne!(one[part.clone()], other[part]);
    }
}

#[test]
fn derives_no_secret_from_values_it_sends() {
    let (_, client, initiate) = initiated();
    let seeds = [client.client_random, client.cookie, client.share, client.key_hash, client.initiate_hash];
    for seed in seeds {
        assert_ne!(Ephemeral::new(&Secret::new(seed)).share(), initiate[76..108]);
        let mut z = [0; 256];
        rand_core::Rng::fill_bytes(&mut ChaCha20Rng::from_seed(seed), &mut z);
        assert_ne!(z, client.z);
    }
    assert_ne!(client.ephemeral().share(), Ephemeral::new(&client.derive(b"kabar1 kem")).share());
}

#[test]
fn restarts_after_it_was_stopped() {
    let (mut server, mut client, _) = initiated();
    client.stop();
    assert!(!client.is_active() && client.poll_timeout().is_none() && transmit(&mut client, millis(9000)).is_none());
    client.start(START, [9; 32], Some(server.fingerprint()), CLIENT_LIMITS, RetrySchedule::Initial);
    let initiate = initiate(&mut client, &mut server, START);
    assert!(finish(&mut client, START, &server.accepted(START, &initiate).datagram).is_some());
}

fn assert_wiped(client: &Client) {
    assert_eq!(client.seed.expose(), &[0; 32]);
    assert_eq!(client.z, [0; 256]);
    assert_eq!(client.master.exporter().expose(), MasterSecret::EMPTY.exporter().expose());
}

#[test]
fn wipes_its_secrets_when_it_ends() {
    let (mut server, mut client, initiate) = initiated();
    assert_ne!(client.z, [0; 256]);
    let accepted = server.accepted(START, &initiate);
    finish(&mut client, START, &accepted.datagram).unwrap();
    assert_wiped(&client);
    let (_, mut client, _) = initiated();
    client.stop();
    assert_wiped(&client);
    let (_, mut client, _) = initiated();
    client.handle_timeout(millis(10_000));
    assert_eq!(client.z, [0; 256], "what belongs to the old ciphertext");
}

#[test]
fn prints_no_secret() {
    let (_, client, _) = initiated();
    assert_eq!(std::format!("{client:?}"), "ClientHandshake { phase: Initiate, .. }");
}

#[test]
fn repeated_packets_are_one_handshake_for_the_server() {
    let (mut server, mut client, initiate) = initiated();
    let first = server.pending(START, &initiate);
    let again = transmit(&mut client, millis(250)).unwrap();
    assert_eq!(server.pending(millis(250), &again).id(), first.id());
    // The same Accept, repeated, after the first copy was lost.
    let accepted = first.run::<Portable>(server.key, 3, [4; 32]).unwrap();
    assert_agree(&finish(&mut client, millis(300), &accepted.datagram).unwrap(), &accepted.established);
}

proptest! {
    #[test]
    fn forged_packets_neither_complete_nor_end_an_attempt(
        content in prop::collection::vec(any::<u8>(), 1..200),
        first in 0x11u8..0x17,
        echoes: bool,
    ) {
        let (mut server, mut client, initiate) = initiated();
        let mut datagram = content;
        datagram.resize(datagram.len().max(99), 0x21);
        datagram.truncate(99);
        datagram[0] = first;
        if echoes {
            datagram[1..9].copy_from_slice(&initiate[2..10]);
            // Legal limits.
            datagram[45..67].copy_from_slice(&initiate[108..130]);
        }
        datagram.extend([0; CRC_LEN]);
        prop_assert!(finish(&mut client, START, &with_crc(&datagram)).is_none());
        prop_assert_eq!(client.phase, Phase::Initiate);
        let accepted = server.accepted(START, &initiate);
        prop_assert!(finish(&mut client, START, &accepted.datagram).is_some());
    }

    /// Loss, repetition and delay of whole packets only cost time.
    #[test]
    fn completes_through_loss_and_repetition(drops in prop::collection::vec(0u8..4, 64), offered: bool) {
        let mut server = Server::new(&KEYS[0]);
        let mut client: Client = started(1, (!offered).then(|| server.fingerprint()));
        let mut drops = drops.into_iter().chain(core::iter::repeat(0));
        let mut accepted: Vec<([u8; 16], _)> = Vec::new();
        let mut established = None;
        let mut ms = 0;
        while established.is_none() {
            prop_assert!(ms < 300_000, "an end is reached");
            let now = millis(ms);
            client.handle_timeout(now);
            while let Some(out) = transmit(&mut client, now) {
                prop_assert!(out.len() <= MAX_DATAGRAM);
                if drops.next() != Some(0) {
                    continue;
                }
                let answer = match server.handle(now, HOME, &out) {
                    (Incoming::Reply(_), challenge) => challenge,
                    (Incoming::Accept(pending), _) => {
                        if !accepted.iter().any(|(id, _)| *id == pending.id()) {
                            let id = accepted.len() as u32;
                            accepted.push((pending.id(), pending.run::<Portable>(server.key, id, [id as u8; 32]).unwrap()));
                        }
                        let (_, accepted) = accepted.iter().find(|(id, _)| *id == pending.id()).unwrap();
                        accepted.datagram.to_vec()
                    }
                    (incoming, _) => panic!("{incoming:?}"),
                };
                if drops.next() == Some(0) {
                    let _ = client.handle_datagram::<Portable>(now, &answer);
                    let _ = client.handle_datagram::<Portable>(now, &answer);
                }
            }
            match client.poll_event() {
                Some(HandshakeEvent::UnknownServerKey(_)) => client.accept_key(now),
                Some(HandshakeEvent::Established(value)) => established = Some(value),
                None => {}
            }
            ms += 50;
        }
        let established = established.unwrap();
        assert_agree(&established, &accepted[established.connection_id as usize].1.established);
    }
}
