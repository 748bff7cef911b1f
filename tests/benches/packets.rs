//! The cost of a datagram: its CRC, its codec, its seal, and the handshake before it.
//!
//! ```text
//! cargo bench -p kabar-tests --bench packets          the figures
//! tests/benches/table.py                              the same as a table, with ratios
//! ```
//! The bare CRC pass is the lower bound of the cost of a packet, so packets are compared with it.
//! Sealing is also compared with AWS-LC used directly. The bench `crypto` compares RSA with other
//! libraries; the handshake here is everything that one side computes.

use divan::{Bencher, black_box, counter::BytesCount};

use kabar_core::crypto::{Aead, Portable, Provider};
use kabar_core::internals::packet::{Challenge, Hello, Packet, SEALED_HEADER_LEN};
use kabar_core::internals::{EPOCH_BITS, OVERHEAD};
use kabar_core::internals::{FirstKeys, Role, Session};
use kabar_core::session::HandshakeOutput;
use kabar_core::session::TransportParameters;
use kabar_core::time::Instant;
use kabar_rsa::test_keys;
use kabar_std::provider::Accelerated;

/// Largest datagram in bytes (SPEC 2.1).
const DATAGRAM_LEN: usize = 1200;
/// The longest body.
const BODY_LEN: usize = DATAGRAM_LEN - OVERHEAD;

fn main() {
    divan::main();
}

fn parameters() -> TransportParameters {
    TransportParameters {
        datagram: 1200,
        packets: 32,
        message: 4480,
        chat: 16_384,
        bulk: 0,
        ack_delay_ms: 5,
        tick_us: 1000,
        idle_s: 60,
    }
}

fn established(role: Role) -> HandshakeOutput {
    HandshakeOutput::with_known_secrets(role, 7, parameters())
}

fn session<P: Provider>(role: Role) -> Session<P> {
    Session::new(Instant::ZERO, &established(role), EPOCH_BITS)
}

/// The lower bound of the cost of a packet.
mod crc {
    use super::*;

    #[divan::bench(types = [Portable, Accelerated])]
    fn check_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let datagram = [0x5a; DATAGRAM_LEN];
        bencher.counter(BytesCount::new(DATAGRAM_LEN)).bench(|| P::crc32(black_box(&datagram)));
    }
}

/// Encoding and decoding, CRC included.
mod codec {
    use super::*;

    fn hello() -> Packet<'static> {
        Packet::Hello(Hello { client_random: [7; 32], key_hint: [8; 8], datagram_len: 1200 })
    }

    #[divan::bench(types = [Portable, Accelerated])]
    fn decode_hello_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let mut datagram = [0; DATAGRAM_LEN];
        hello().encode(&mut datagram, P::crc32).expect("a Hello fills a datagram");
        bencher.counter(BytesCount::new(DATAGRAM_LEN)).bench(|| Packet::decode(black_box(&datagram), P::crc32).is_ok());
    }

    #[divan::bench(types = [Portable, Accelerated])]
    fn decode_sealed_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let mut datagram = [0; DATAGRAM_LEN];
        session::<P>(Role::Client).seal(Instant::ZERO, &mut datagram, BODY_LEN).expect("the first packet");
        bencher.counter(BytesCount::new(DATAGRAM_LEN)).bench(|| Packet::decode(black_box(&datagram), P::crc32).is_ok());
    }

    #[divan::bench(types = [Portable, Accelerated])]
    fn encode_hello_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let mut out = [0; DATAGRAM_LEN];
        bencher
            .counter(BytesCount::new(DATAGRAM_LEN))
            .bench_local(|| black_box(hello()).encode(black_box(&mut out), P::crc32).is_ok());
    }

    #[divan::bench(types = [Portable, Accelerated])]
    fn encode_challenge_325<P: Provider>(bencher: Bencher<'_, '_>) {
        let modulus = [0xff; 256];
        let challenge = Packet::Challenge(Challenge { client_random: [7; 32], cookie: [8; 32], modulus: &modulus });
        let mut out = [0; DATAGRAM_LEN];
        bencher
            .counter(BytesCount::new(325_usize))
            .bench_local(|| black_box(challenge).encode(black_box(&mut out), P::crc32).is_ok());
    }
}

/// A whole datagram with header, tag and CRC, and AWS-LC alone with the same key, associated data
/// and length.
mod sealed {
    use super::*;
    use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

    #[divan::bench(types = [Portable, Accelerated])]
    fn seal_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let mut session = session::<P>(Role::Client);
        let mut datagram = [0x5a; DATAGRAM_LEN];
        bencher.counter(BytesCount::new(DATAGRAM_LEN)).bench_local(|| {
            let sealed = session.seal(Instant::ZERO, black_box(&mut datagram), BODY_LEN);
            // Acknowledged, so that the next epoch can begin when this one is used up.
            session.on_acknowledged(sealed.as_ref().map_or(0, |(number, _)| *number));
            sealed.is_ok()
        });
    }

    /// A forged packet to a half-open connection costs about as much as one to an open connection,
    /// [`open_forged_1200`].
    #[divan::bench(types = [Portable, Accelerated])]
    fn refuse_forged_first_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let keys = FirstKeys::new(&established(Role::Server));
        let datagram = forged();
        bencher.counter(BytesCount::new(DATAGRAM_LEN)).bench(|| keys.verify::<P>(black_box(&datagram)).is_err());
    }

    #[divan::bench(types = [Portable, Accelerated])]
    fn open_forged_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let mut session = session::<P>(Role::Server);
        let datagram = forged();
        bencher
            .counter(BytesCount::new(DATAGRAM_LEN))
            .with_inputs(|| datagram)
            .bench_local_refs(|datagram| session.open(datagram).is_err());
    }

    fn forged() -> [u8; DATAGRAM_LEN] {
        let mut datagram = [0x5a; DATAGRAM_LEN];
        datagram[1..13].copy_from_slice(&[0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3]);
        datagram
    }

    #[divan::bench(types = [Portable, Accelerated])]
    fn open_1200<P: Provider>(bencher: Bencher<'_, '_>) {
        let mut here = session::<P>(Role::Server);
        let mut there = session::<P>(Role::Client);
        let next = move || {
            let mut datagram = [0x5a; DATAGRAM_LEN];
            let (number, _) = there.seal(Instant::ZERO, &mut datagram, BODY_LEN).expect("numbers are left");
            there.on_acknowledged(number);
            datagram
        };
        bencher.counter(BytesCount::new(DATAGRAM_LEN)).with_inputs(next).bench_local_refs(|datagram| {
            assert!(here.open(datagram).is_ok());
        });
    }

    fn key() -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[1; 32]).expect("32 bytes"))
    }

    #[divan::bench]
    fn aws_lc_seal_1167(bencher: Bencher<'_, '_>) {
        let key = key();
        let aad = [0x15; SEALED_HEADER_LEN];
        let mut body = [0x5a; BODY_LEN];
        bencher.counter(BytesCount::new(BODY_LEN)).bench_local(|| {
            let nonce = Nonce::assume_unique_for_key([9; 12]);
            key.seal_in_place_separate_tag(nonce, Aad::from(&aad), black_box(&mut body[..])).is_ok()
        });
    }

    #[divan::bench]
    fn aws_lc_open_1167(bencher: Bencher<'_, '_>) {
        let key = key();
        let aad = [0x15; SEALED_HEADER_LEN];
        let mut body = [0x5a; BODY_LEN];
        let nonce = || Nonce::assume_unique_for_key([9; 12]);
        let tag = key.seal_in_place_separate_tag(nonce(), Aad::from(&aad), &mut body[..]).expect("it seals");
        let next = move || body;
        bencher.counter(BytesCount::new(BODY_LEN)).with_inputs(next).bench_local_refs(|body| {
            assert!(key.open_in_place_separate_tag(nonce(), Aad::from(&aad), tag.as_ref(), &mut body[..]).is_ok());
        });
    }

    #[divan::bench(types = [Portable, Accelerated])]
    fn aead_seal_64<P: Provider>(bencher: Bencher<'_, '_>) {
        let aead = <P::Aead as Aead>::new(&[1; 32]);
        let mut body = [0x5a; 64];
        bencher
            .counter(BytesCount::new(64_usize))
            .bench_local(|| aead.seal(&[9; 12], &[0x15; SEALED_HEADER_LEN], black_box(&mut body)));
    }
}

/// Everything that one side computes, from Hello to traffic keys: packets, hashes, RSA, X25519, key
/// schedule.
mod handshake {
    use super::*;
    use kabar_core::crypto::rsa::{AnyRsaPrivateKey, PrivateKey, Rsa2048, Rsa3072, Rsa4096, ServerKey};
    use kabar_core::internals::{ClientHandshake, HandshakeEvent, RetrySchedule};
    use kabar_core::session::{Acceptor, Incoming};
    use std::net::{Ipv4Addr, SocketAddr};

    const NOW: Instant = Instant::ZERO;
    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9999);
    const BITS: [usize; 3] = [2048, 3072, 4096];

    fn key(bits: usize) -> AnyRsaPrivateKey {
        let (p, q): (&[u8], &[u8]) = match bits {
            2048 => (&test_keys::P_2048, &test_keys::Q_2048),
            3072 => (&test_keys::P_3072, &test_keys::Q_3072),
            _ => (&test_keys::P_4096, &test_keys::Q_4096),
        };
        AnyRsaPrivateKey::from_primes(p, q).expect("a key for tests")
    }

    fn acceptor(key: &AnyRsaPrivateKey) -> Acceptor {
        Acceptor::new(key.modulus(), parameters(), [1; 32])
    }

    /// A complete client, against a server that answers each datagram with `answer`.
    fn client<K: ServerKey, P: Provider>(mut answer: impl FnMut(&[u8]) -> Vec<u8>) -> HandshakeOutput {
        let mut client = ClientHandshake::<K>::new();
        client.start(NOW, [2; 32], None, parameters(), RetrySchedule::Initial);
        let mut out = [0; DATAGRAM_LEN];
        loop {
            if let Some(len) = client.poll_transmit::<P>(NOW, &mut out) {
                client.handle_datagram::<P>(NOW, &answer(&out[..len])).expect("the answer belongs here");
            }
            match client.poll_event() {
                Some(HandshakeEvent::UnknownServerKey(_)) => client.accept_key(NOW),
                Some(HandshakeEvent::Established(established)) => return established,
                None => client.handle_timeout(NOW),
            }
        }
    }

    /// Runs a handshake with a real server, and returns the datagrams of both sides.
    fn record<K: ServerKey>(key: &AnyRsaPrivateKey) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (mut acceptor, mut sent, mut answered) = (acceptor(key), Vec::new(), Vec::new());
        client::<K, Accelerated>(|datagram| {
            let mut out = [0; DATAGRAM_LEN];
            let answer = match acceptor.handle_datagram::<Accelerated>(NOW, ADDRESS, datagram, &mut out) {
                Incoming::Reply(len) => out[..len].to_vec(),
                Incoming::Accept(pending) => {
                    pending.run::<Accelerated>(key, 7, [3; 32]).expect("fits").datagram.to_vec()
                }
                other => panic!("{other:?}"),
            };
            sent.push(datagram.to_vec());
            answered.push(answer.clone());
            answer
        });
        (sent, answered)
    }

    fn record_any(key: &AnyRsaPrivateKey, bits: usize) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        match bits {
            2048 => record::<Rsa2048>(key),
            3072 => record::<Rsa3072>(key),
            _ => record::<Rsa4096>(key),
        }
    }

    fn client_of_recorded<K: ServerKey, P: Provider>(bencher: Bencher<'_, '_>, bits: usize) {
        let (_, answered) = record::<K>(&key(bits));
        bencher.bench_local(|| {
            let mut answers = answered.iter();
            client::<K, P>(|_| answers.next().expect("two answers").clone())
        });
    }

    #[divan::bench(types = [Portable, Accelerated], args = BITS)]
    fn client_side<P: Provider>(bencher: Bencher<'_, '_>, bits: usize) {
        match bits {
            2048 => client_of_recorded::<Rsa2048, P>(bencher, bits),
            3072 => client_of_recorded::<Rsa3072, P>(bencher, bits),
            _ => client_of_recorded::<Rsa4096, P>(bencher, bits),
        }
    }

    #[divan::bench(types = [Portable, Accelerated], args = BITS)]
    fn server_side<P: Provider>(bencher: Bencher<'_, '_>, bits: usize) {
        let key = key(bits);
        let (sent, _) = record_any(&key, bits);
        let mut acceptor = acceptor(&key);
        let mut out = [0; DATAGRAM_LEN];
        bencher.bench_local(|| {
            assert!(matches!(acceptor.handle_datagram::<P>(NOW, ADDRESS, &sent[0], &mut out), Incoming::Reply(_)));
            let Incoming::Accept(pending) = acceptor.handle_datagram::<P>(NOW, ADDRESS, &sent[1], &mut out) else {
                panic!("the cookie is the recorded one");
            };
            pending.run::<P>(&key, 7, [3; 32]).expect("fits")
        });
    }

    /// The cost of a forged cookie for the server, which must be low.
    #[divan::bench]
    fn server_refuses_forged_cookie(bencher: Bencher<'_, '_>) {
        let key = key(2048);
        let (sent, _) = record::<Rsa2048>(&key);
        let mut stranger = Acceptor::new(key.modulus(), parameters(), [9; 32]);
        let mut out = [0; DATAGRAM_LEN];
        bencher.bench_local(|| {
            assert!(matches!(
                stranger.handle_datagram::<Accelerated>(NOW, ADDRESS, &sent[1], &mut out),
                Incoming::Dropped(_)
            ));
        });
    }
}
