//! A client and a server with real keys, for the tests of both sides.

use core::net::{Ipv4Addr, SocketAddr};
use std::sync::LazyLock;
use std::vec;
use std::vec::Vec;

use super::acceptor::{Accepted, Acceptor, Incoming};
use super::client::{ClientHandshake, HandshakeEvent, RetrySchedule};
use super::{Fingerprint, HandshakeOutput, PendingAccept};
use crate::crypto::rsa::{AnyRsaPrivateKey, PrivateKey, ServerKey, test_keys};
use crate::crypto::{Portable, Provider};
use crate::time::{Duration, Instant};
use crate::wire::MAX_DATAGRAM;
use crate::wire::packet::{CRC_LEN, TransportParameters};

pub(super) const CLIENT_LIMITS: TransportParameters = TransportParameters {
    datagram: 1200,
    packets: 16,
    message: 2000,
    chat: 4096,
    bulk: 0,
    ack_delay_ms: 20,
    tick_us: 1000,
    idle_s: 30,
};
pub(super) const SERVER_LIMITS: TransportParameters =
    TransportParameters { datagram: 1100, packets: 64, message: 4480, chat: 65_536, ..CLIENT_LIMITS };
pub(super) const START: Instant = Instant::from_micros(7_000_000);
pub(super) const HOME: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 4321);

fn key(p: &[u8], q: &[u8]) -> AnyRsaPrivateKey {
    AnyRsaPrivateKey::from_primes(p, q).unwrap()
}

/// A key of each size, shortest first.
pub(super) static KEYS: LazyLock<[AnyRsaPrivateKey; 3]> = LazyLock::new(|| {
    [
        key(&test_keys::P_2048, &test_keys::Q_2048),
        key(&test_keys::P_3072, &test_keys::Q_3072),
        key(&test_keys::P_4096, &test_keys::Q_4096),
    ]
});

pub(super) fn millis(millis: u64) -> Instant {
    START + Duration::from_millis(millis)
}

/// `datagram` with the correct CRC of its content.
pub(super) fn with_crc(datagram: &[u8]) -> Vec<u8> {
    let content = &datagram[..datagram.len() - CRC_LEN];
    [content, &Portable::crc32(content).to_be_bytes()].concat()
}

/// The server side.
pub(super) struct Server {
    pub(super) acceptor: Acceptor,
    pub(super) key: &'static AnyRsaPrivateKey,
}

impl Server {
    pub(super) fn new(key: &'static AnyRsaPrivateKey) -> Self {
        Self { acceptor: Acceptor::new(key.modulus(), SERVER_LIMITS, [0x77; 32]), key }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_modulus(self.key.modulus())
    }

    pub(super) fn handle(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> (Incoming, Vec<u8>) {
        let mut out = vec![0; MAX_DATAGRAM];
        let incoming = self.acceptor.handle_datagram::<Portable>(now, from, datagram, &mut out);
        out.truncate(if let Incoming::Reply(len) = incoming { len } else { 0 });
        (incoming, out)
    }

    /// Returns the Challenge to this Hello.
    pub(super) fn challenge(&mut self, now: Instant, hello: &[u8]) -> Vec<u8> {
        match self.handle(now, HOME, hello) {
            (Incoming::Reply(_), challenge) => challenge,
            (incoming, _) => panic!("{incoming:?}"),
        }
    }

    /// Returns the pending Accept of an Initiate with a valid cookie.
    pub(super) fn pending(&mut self, now: Instant, initiate: &[u8]) -> PendingAccept {
        match self.handle(now, HOME, initiate).0 {
            Incoming::Accept(pending) => pending,
            incoming => panic!("{incoming:?}"),
        }
    }

    pub(super) fn accepted(&mut self, now: Instant, initiate: &[u8]) -> Accepted {
        self.pending(now, initiate).run::<Portable>(self.key, 0x0a0b_0c0d, [0x55; 32]).unwrap()
    }
}

/// Starts an attempt with a seed that is all `seed`.
pub(super) fn started<K: ServerKey>(seed: u8, expected: Option<Fingerprint>) -> ClientHandshake<K> {
    let mut client = ClientHandshake::new();
    client.start(START, [seed; 32], expected, CLIENT_LIMITS, RetrySchedule::Initial);
    client
}

/// The one datagram that is due.
pub(super) fn transmit<K: ServerKey>(client: &mut ClientHandshake<K>, now: Instant) -> Option<Vec<u8>> {
    let mut out = vec![0xff; MAX_DATAGRAM];
    let len = client.poll_transmit::<Portable>(now, &mut out)?;
    out.truncate(len);
    Some(out)
}

/// Runs all pending steps and returns how many there were.
pub(super) fn compute<K: ServerKey>(client: &mut ClientHandshake<K>, now: Instant) -> u32 {
    let mut steps = 0;
    while client.poll_timeout() == Some(Instant::ZERO) {
        client.handle_timeout(now);
        steps += 1;
    }
    steps
}

/// Runs a client that knows the key up to its first Initiate.
pub(super) fn initiate<K: ServerKey>(client: &mut ClientHandshake<K>, server: &mut Server, now: Instant) -> Vec<u8> {
    let hello = transmit(client, now).unwrap();
    let challenge = server.challenge(now, &hello);
    client.handle_datagram::<Portable>(now, &challenge).unwrap();
    assert_eq!(compute(client, now), 2);
    transmit(client, now).unwrap()
}

/// Hands an Accept to the client and completes the handshake.
pub(super) fn finish<K: ServerKey>(
    client: &mut ClientHandshake<K>,
    now: Instant,
    accept: &[u8],
) -> Option<HandshakeOutput> {
    client.handle_datagram::<Portable>(now, accept).ok()?;
    compute(client, now);
    match client.poll_event() {
        Some(HandshakeEvent::Established(established)) => Some(established),
        _ => None,
    }
}
