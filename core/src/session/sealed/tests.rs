//! Epochs, replay, and packets that do not authenticate.

use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::crypto::{NotAuthentic, Portable};
use crate::wire::packet::{Packet, TransportParameters};

const LIMITS: TransportParameters = TransportParameters {
    datagram: 1200,
    packets: 16,
    message: 4480,
    chat: 8192,
    bulk: 0,
    ack_delay_ms: 5,
    tick_us: 1000,
    idle_s: 30,
};
const HOUR: Duration = Duration::from_secs(3600);
const START: Instant = Instant::from_micros(1_000_000);

fn established(role: Role) -> HandshakeOutput {
    HandshakeOutput {
        role,
        connection_id: 0x0102_0304,
        c2s: Secret::new([1; 32]),
        s2c: Secret::new([2; 32]),
        exporter: Secret::new([3; 32]),
        local: LIMITS,
        remote: LIMITS,
        hello_len: 1200,
    }
}

fn pair(epoch_bits: u32) -> (Session<Portable>, Session<Portable>) {
    let new = |role| Session::new(START, &established(role), epoch_bits);
    (new(Role::Client), new(Role::Server))
}

/// Seals `body` into a datagram.
fn seal(session: &mut Session<Portable>, now: Instant, body: &[u8]) -> Result<(u64, Vec<u8>), SealError> {
    let mut buffer = vec![0; MAX_DATAGRAM];
    buffer[SEALED_HEADER_LEN..][..body.len()].copy_from_slice(body);
    let (number, len) = session.seal(now, &mut buffer, body.len())?;
    buffer.truncate(len);
    Ok((number, buffer))
}

fn open(session: &mut Session<Portable>, datagram: &[u8]) -> Result<(u64, bool, Vec<u8>), OpenError> {
    let mut datagram = datagram.to_vec();
    session.open(&mut datagram).map(|opened| (opened.packet_number, opened.is_newest, opened.body.to_vec()))
}

/// State of a session; keys are represented by a nonce.
fn state(session: &Session<Portable>) -> impl PartialEq + core::fmt::Debug + use<> {
    let SealState { keys, ratchet, epoch, since, is_acknowledged, next_number } = &session.seal_state;
    let sending = (keys.nonce(0), ratchet.fingerprint(), *epoch, *since, *is_acknowledged, *next_number);
    let OpenState { previous, current, next, ratchet, epoch, window } = &session.open_state;
    let nonces = (previous.as_ref().map(|keys| keys.nonce(0)), current.nonce(0), next.nonce(0));
    (sending, nonces, ratchet.fingerprint(), *epoch, window.clone(), session.connection_id)
}

#[test]
fn opens_packets_of_the_peer_in_both_directions() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    for (number, len) in [1, 2, 500, MAX_DATAGRAM - OVERHEAD].into_iter().enumerate() {
        let body = vec![0x42; len];
        for _ in 0..2 {
            assert_eq!(client.next_packet_number(), number as u64);
            let (sealed_as, datagram) = seal(&mut client, START, &body).unwrap();
            assert_eq!((sealed_as, datagram.len()), (number as u64, len + OVERHEAD));
            assert_eq!(open(&mut server, &datagram), Ok((number as u64, true, body.clone())));
            core::mem::swap(&mut client, &mut server);
        }
    }
    // A packet of one direction does not open in the other.
    let (_, datagram) = seal(&mut client, START, b"body").unwrap();
    assert_eq!(open(&mut client, &datagram), Err(OpenError::NotAuthentic));
}

#[test]
fn seals_as_specified() {
    let (mut client, _) = pair(2);
    (0..4).for_each(|_| drop(seal(&mut client, START, b"x").unwrap()));
    client.on_acknowledged(0);
    let (number, datagram) = seal(&mut client, START, b"frames").unwrap();
    assert_eq!(number, 4);
    let header = [0x15, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 4];
    // SPEC 4.2: epoch 1.
    let secret = Secret::new([1; 32]).derive(b"kabar1 next", &[]);
    let (mut key, mut iv) = ([0; 32], [0; 12]);
    secret.expand(b"kabar1 key", &[], &mut key);
    secret.expand(b"kabar1 iv", &[], &mut iv);
    iv[11] ^= 4;
    let mut body = *b"frames";
    let tag = <Portable as Provider>::Aead::new(&key).seal(&iv, &header, &mut body);
    let content = [&header[..], &body, &tag].concat();
    assert_eq!(datagram, [&content[..], &Portable::crc32(&content).to_be_bytes()].concat());
    let header = SealedHeader { connection_id: 0x0102_0304, packet_number: 4 };
    assert_eq!(Packet::decode(&datagram, Portable::crc32), Ok(Packet::Sealed(header)));
}

#[test]
fn refuses_bodies_that_do_not_fit() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    let before = state(&client);
    let mut buffer = vec![0; MAX_DATAGRAM + 1];
    assert_eq!(client.seal(START, &mut buffer, 0), Err(SealError::BufferFull));
    assert_eq!(client.seal(START, &mut buffer, MAX_DATAGRAM - OVERHEAD + 1), Err(SealError::BufferFull));
    assert_eq!(client.seal(START, &mut buffer, usize::MAX), Err(SealError::BufferFull));
    assert_eq!(client.seal(START, &mut buffer[..10 + OVERHEAD - 1], 10), Err(SealError::BufferFull));
    assert_eq!(state(&client), before);
    assert_eq!(client.seal(START, &mut buffer[..10 + OVERHEAD], 10), Ok((0, 10 + OVERHEAD)));
    assert!(server.open(&mut buffer[..10 + OVERHEAD]).is_ok());
}

#[test]
fn drops_short_packets_and_those_of_another_connection() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    let (_, datagram) = seal(&mut client, START, b"x").unwrap();
    let before = state(&server);
    for len in 0..datagram.len() {
        assert_eq!(open(&mut server, &datagram[..len]), Err(OpenError::Malformed), "{len}");
    }
    for at in 0..5 {
        let mut other = datagram.clone();
        other[at] ^= 1;
        assert_eq!(open(&mut server, &other), Err(OpenError::Malformed), "{at}");
    }
    assert_eq!(state(&server), before);
    assert!(open(&mut server, &datagram).is_ok());
}

#[test]
fn changes_nothing_when_a_packet_is_forged() {
    let (mut client, mut server) = pair(4);
    let mut sent = Vec::new();
    for _ in 0..18 {
        let (number, datagram) = seal(&mut client, START, b"some frames").unwrap();
        client.on_acknowledged(number);
        sent.push(datagram);
    }
    // Receives up to the border of an epoch, so that forgeries use the next keys, too.
    (4..16).for_each(|at: usize| drop(open(&mut server, &sent[at]).unwrap()));
    let before = state(&server);
    for at in [0, 3, 16, 17] {
        for bit in 40..(sent[at].len() - CRC_LEN) * 8 {
            let mut forged = sent[at].clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let error = open(&mut server, &forged).unwrap_err();
            assert!(error == OpenError::NotAuthentic || bit < 13 * 8, "{bit}: {error}");
        }
    }
    assert_eq!(state(&server), before);
    for at in [17, 0, 16, 3] {
        assert!(open(&mut server, &sent[at]).is_ok(), "{at}");
    }
}

#[test]
fn never_accepts_a_packet_twice() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    let sent: Vec<_> = (0..10).map(|_| seal(&mut client, START, b"x").unwrap().1).collect();
    for at in [5, 0, 9, 4] {
        assert!(open(&mut server, &sent[at]).is_ok());
        let before = state(&server);
        assert_eq!(open(&mut server, &sent[at]), Err(OpenError::Replayed));
        assert_eq!(state(&server), before);
    }
}

#[test]
fn reports_which_packet_is_the_newest() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    let sent: Vec<_> = (0..6).map(|_| seal(&mut client, START, b"x").unwrap().1).collect();
    let newest: Vec<_> = [1, 0, 4, 2, 5].into_iter().map(|at: usize| open(&mut server, &sent[at]).unwrap().1).collect();
    assert_eq!(newest, [true, false, true, false, true]);
}

#[test]
fn drops_packets_older_than_the_window() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    let sent: Vec<_> = (0..=1024).map(|_| seal(&mut client, START, b"x").unwrap().1).collect();
    open(&mut server, &sent[1024]).unwrap();
    assert_eq!(open(&mut server, &sent[0]), Err(OpenError::Stale));
    assert!(open(&mut server, &sent[1]).is_ok());
}

/// Counts calls of the cipher.
#[derive(Debug)]
struct Counting;

std::thread_local! {
    static OPENED: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
    static KEYED: core::cell::Cell<u32> = const { core::cell::Cell::new(0) };
}

struct CountingAead(<Portable as Provider>::Aead);

impl Provider for Counting {
    type Aead = CountingAead;
    fn crc32(bytes: &[u8]) -> u32 {
        Portable::crc32(bytes)
    }
}

impl Aead for CountingAead {
    fn new(key: &[u8; 32]) -> Self {
        KEYED.set(KEYED.get() + 1);
        Self(Aead::new(key))
    }
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        self.0.seal(nonce, aad, buffer)
    }
    fn open(&self, nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> Result<(), NotAuthentic> {
        OPENED.set(OPENED.get() + 1);
        self.0.open(nonce, aad, buffer, tag)
    }
}

#[test]
fn drops_stale_and_replayed_packets_before_any_cryptography() {
    let mut client = Session::<Counting>::new(START, &established(Role::Client), 11);
    let mut server = Session::<Counting>::new(START, &established(Role::Server), 11);
    let mut datagram = [7; 100];
    let mut sent = Vec::new();
    for number in 0..5000 {
        client.seal(START, &mut datagram, 100 - OVERHEAD).unwrap();
        client.on_acknowledged(number);
        sent.push(datagram);
    }
    let mut deliver = |number: usize| server.open(&mut sent[number].clone()).map(|_| ());
    let keyed = KEYED.get();
    assert_eq!(deliver(4096), Err(OpenError::Stale), "two epochs ahead");
    assert_eq!(OPENED.get(), 0);
    assert_eq!(deliver(0), Ok(()));
    assert_eq!(KEYED.get(), keyed, "nothing is derived inside an epoch");
    assert_eq!(deliver(2048), Ok(()));
    assert_eq!(KEYED.get(), keyed + 1, "one key per epoch");
    assert_eq!(deliver(2047), Ok(()), "previous epoch");
    assert_eq!(OPENED.get(), 3);
    assert_eq!(deliver(2047), Err(OpenError::Replayed));
    assert_eq!(deliver(2048), Err(OpenError::Replayed));
    assert_eq!(deliver(1024), Err(OpenError::Stale), "older than the window");
    assert_eq!(OPENED.get(), 3);
    assert_eq!(deliver(4096), Ok(()));
    assert_eq!(deliver(2047), Err(OpenError::Stale), "two epochs back");
    assert_eq!(OPENED.get(), 4);
    assert_eq!(KEYED.get(), keyed + 2);
}

#[test]
fn wipes_the_previous_key_when_the_window_leaves_its_epoch() {
    let (mut client, mut server) = pair(11);
    let mut sent = Vec::new();
    for _ in 0..2048 + 1024 {
        let (number, datagram) = seal(&mut client, START, b"x").unwrap();
        client.on_acknowledged(number);
        sent.push(datagram);
    }
    open(&mut server, &sent[2047]).unwrap();
    assert!(server.open_state.previous.is_none());
    open(&mut server, &sent[2048]).unwrap();
    assert!(server.open_state.previous.is_some());
    open(&mut server, &sent[2048 + 1022]).unwrap();
    assert!(server.open_state.previous.is_some(), "2047 is still in the window");
    open(&mut server, &sent[2048 + 1023]).unwrap();
    assert!(server.open_state.previous.is_none());
}

#[test]
fn numbers_end_at_2_to_the_62() {
    let (mut client, mut server) = pair(62);
    client.seal_state.next_number = PACKET_NUMBER_END - 1;
    let (number, datagram) = seal(&mut client, START, b"last").unwrap();
    client.on_acknowledged(number);
    assert_eq!(open(&mut server, &datagram).unwrap().0, PACKET_NUMBER_END - 1);
    assert_eq!(seal(&mut client, START, b"more").map(|_| ()), Err(SealError::Exhausted));
    for number in [PACKET_NUMBER_END, u64::MAX] {
        let mut beyond = datagram.clone();
        beyond[5..13].copy_from_slice(&number.to_be_bytes());
        assert_eq!(open(&mut server, &beyond), Err(OpenError::Stale));
    }
}

#[test]
fn enters_no_epoch_before_one_of_the_previous_is_acknowledged() {
    let (mut client, mut server) = pair(3);
    for epoch in 0..4 {
        for number in epoch * 8..epoch * 8 + 8 {
            let (sealed_as, datagram) = seal(&mut client, START, b"x").unwrap();
            assert_eq!(sealed_as, number);
            open(&mut server, &datagram).unwrap();
        }
        // An acknowledgement of an earlier epoch does not count.
        (0..epoch * 8).for_each(|number| client.on_acknowledged(number));
        let before = state(&client);
        assert_eq!(seal(&mut client, START + HOUR * 2, b"x").map(|_| ()), Err(SealError::Exhausted));
        assert_eq!(state(&client), before);
        client.on_acknowledged(epoch * 8 + 5);
    }
}

#[test]
fn jumps_to_the_next_epoch_within_an_hour() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    let pass = |from: &mut Session<Portable>, to: &mut Session<Portable>, at: Instant| {
        let promised = from.next_packet_number();
        let (number, datagram) = seal(from, at, b"ping").unwrap();
        assert_eq!(number, promised, "the number was foretold");
        open(to, &datagram).unwrap();
        number
    };
    let step = Duration::from_secs(20 * 60);
    let mut now = START;
    let mut numbers = Vec::new();
    for _ in 0..8 {
        let number = pass(&mut client, &mut server, now);
        client.on_acknowledged(number);
        numbers.push(number);
        now += step;
    }
    // After the packet at 40 minutes; the packet at 60 is of the next epoch already.
    let epochs: Vec<_> = numbers.iter().map(|number| number >> EPOCH_BITS).collect();
    assert_eq!(epochs, [0, 0, 0, 1, 1, 1, 2, 2]);
    assert_eq!((numbers[3], numbers[6]), (1 << EPOCH_BITS, 2 << EPOCH_BITS));
}

#[test]
fn does_not_jump_before_an_acknowledgement() {
    let (mut client, mut server) = pair(EPOCH_BITS);
    for hour in 0..5 {
        let (number, datagram) = seal(&mut client, START + HOUR * hour, b"x").unwrap();
        assert_eq!(number, hour);
        open(&mut server, &datagram).unwrap();
    }
    client.on_acknowledged(2);
    seal(&mut client, START + HOUR * 5, b"x").unwrap();
    assert_eq!(client.next_packet_number(), 1 << EPOCH_BITS);
}

#[test]
fn prints_no_secret() {
    assert_eq!(std::format!("{:?}", pair(4).0), "Session(..)");
}

/// Actions of a network on its packets.
#[derive(Clone, Debug)]
enum Event {
    Seal { later: Duration },
    Deliver { at: prop::sample::Index, keep: bool },
    Forge { at: prop::sample::Index, byte: prop::sample::Index, xor: u8 },
    Acknowledge,
}

fn event() -> impl Strategy<Value = Event> {
    let later = prop_oneof![20 => Just(Duration::ZERO), 1 => Just(Duration::from_secs(2500))];
    prop_oneof![
        6 => later.prop_map(|later| Event::Seal { later }),
        6 => (any::<prop::sample::Index>(), prop::bool::weighted(0.3)).prop_map(|(at, keep)| Event::Deliver { at, keep }),
        2 => (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1u8..)
            .prop_map(|(at, byte, xor)| Event::Forge { at, byte, xor }),
        3 => Just(Event::Acknowledge),
    ]
}

proptest! {
    /// Against a model: a packet is accepted if and only if it is new, in the window and in one of
    /// three epochs.
    #[test]
    fn accepts_each_packet_once_in_any_order_across_epochs(
        epoch_bits in 2u32..12,
        start in prop::sample::select(&[0u64, 900][..]),
        events in prop::collection::vec(event(), 1..600),
    ) {
        let (mut client, mut server) = pair(epoch_bits);
        let mut now = START;
        let mut in_flight: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut taken = BTreeSet::new();
        for _ in 0..start {
            let (number, datagram) = seal(&mut client, now, b"warm-up").unwrap();
            open(&mut server, &datagram).unwrap();
            taken.insert(number);
            client.on_acknowledged(number);
        }
        for event in events {
            match event {
                Event::Seal { later } => {
                    now += later;
                    let promised = client.next_packet_number();
                    match seal(&mut client, now, &promised.to_be_bytes()) {
                        Ok((number, datagram)) => {
                            prop_assert_eq!(number, promised);
                            in_flight.push((number, datagram));
                        }
                        Err(error) => {
                            prop_assert_eq!(error, SealError::Exhausted);
                            prop_assert_eq!(promised % (1 << epoch_bits), 0);
                        }
                    }
                }
                Event::Deliver { at, keep } if !in_flight.is_empty() => {
                    let at = at.index(in_flight.len());
                    let (number, datagram) = in_flight[at].clone();
                    if !keep {
                        in_flight.remove(at);
                    }
                    let highest = taken.last().copied();
                    let epoch = highest.unwrap_or(0) >> epoch_bits;
                    let may_open = (epoch.saturating_sub(1)..=epoch + 1).contains(&(number >> epoch_bits))
                        && number + 1024 > highest.unwrap_or(0);
                    let is_newest = highest.is_none_or(|highest| number > highest);
                    let expected = match (may_open, taken.contains(&number)) {
                        (false, _) => Err(OpenError::Stale),
                        (true, true) => Err(OpenError::Replayed),
                        (true, false) => Ok((number, is_newest, number.to_be_bytes().to_vec())),
                    };
                    let before = state(&server);
                    let opened = open(&mut server, &datagram);
                    prop_assert_eq!(opened.clone(), expected);
                    if opened.is_ok() {
                        taken.insert(number);
                    } else {
                        prop_assert_eq!(state(&server), before);
                    }
                }
                Event::Forge { at, byte, xor } if !in_flight.is_empty() => {
                    let (_, mut datagram) = in_flight[at.index(in_flight.len())].clone();
                    let byte = byte.index(datagram.len() - CRC_LEN);
                    datagram[byte] ^= xor;
                    let before = state(&server);
                    prop_assert!(open(&mut server, &datagram).is_err());
                    prop_assert_eq!(state(&server), before);
                }
                Event::Acknowledge => {
                    if let Some(number) = taken.last() {
                        client.on_acknowledged(*number);
                    }
                }
                Event::Deliver { .. } | Event::Forge { .. } => {}
            }
        }
    }

    #[test]
    fn rejects_unsealed_datagrams(datagram in prop::collection::vec(any::<u8>(), 0..200), number in 0u64..3000) {
        let (_, mut server) = pair(10);
        let before = state(&server);
        prop_assert!(open(&mut server, &datagram).is_err());
        let content = SealedHeader { connection_id: 0x0102_0304, packet_number: number }.encode();
        prop_assert!(open(&mut server, &[&content[..], &datagram].concat()).is_err());
        prop_assert_eq!(state(&server), before);
    }
}

#[test]
fn first_keys_verify_packets_as_a_new_session_does() {
    let keys = FirstKeys::new(&established(Role::Server));
    let (mut client, _) = pair(EPOCH_BITS);
    let (_, datagram) = seal(&mut client, START, &[0x42; 300]).unwrap();
    let mut judged = vec![datagram.clone(), seal(&mut client, START, &[1]).unwrap().1, vec![], vec![0x15; 33]];
    // The server's own direction, another connection, each byte changed.
    judged.push(seal(&mut pair(EPOCH_BITS).1, START, &[0x42; 300]).unwrap().1);
    judged.extend((1..datagram.len() - CRC_LEN).map(|at| {
        let mut changed = datagram.clone();
        changed[at] ^= 1;
        changed
    }));
    // The session tries one later epoch, which no client enters before it received a packet.
    let is_first = |datagram: &[u8]| datagram.get(5..10).is_none_or(|high| *high == [0; 5]);
    for datagram in judged.iter().filter(|datagram| is_first(datagram)) {
        let verified = keys.verify::<Portable>(datagram);
        assert_eq!(verified, open(&mut pair(EPOCH_BITS).1, datagram).map(|_| ()));
    }
    assert_eq!(keys.verify::<Portable>(&datagram), Ok(()));
    let mut later = datagram;
    later[10] = 0x10;
    assert_eq!(keys.verify::<Portable>(&later), Err(OpenError::Stale));
}
