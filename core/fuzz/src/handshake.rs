//! The handshake (SPEC 3): whatever arrives in any order, what does not verify changes nothing, the
//! two ends agree on their keys, and they finish once the network is kind.

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::MAX_DATAGRAM;
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::crypto::{Portable, Provider};
use kabar_core::internals::packet::{CRC_LEN, Challenge, Packet};
use kabar_core::internals::{ClientHandshake, HandshakeEvent, OVERHEAD, RetrySchedule, Session};
use kabar_core::session::acceptor::Accepted;
use kabar_core::session::{Acceptor, Fingerprint, HandshakeOutput, Incoming, TransportParameters};
use kabar_core::time::{Duration, Instant};

use super::input::Input;
use super::toy_key::{MODULUS_LEN, Toy};

/// Steps of a script at most.
const MAX_STEPS: usize = 60;
/// Datagrams on the network at most; the oldest are lost.
const MAX_NETWORK: usize = 64;
/// Time in which the two ends finish once the network is kind: a forged Challenge is used for ten
/// seconds.
const RECOVERY: Duration = Duration::from_secs(40);
const DELAY: Duration = Duration::from_millis(5);
/// Steps that compute without waiting.
const MAX_COMPUTATIONS: usize = 8;

const LIMITS: TransportParameters = TransportParameters {
    datagram: 1200,
    packets: 16,
    message: 2000,
    chat: 4096,
    bulk: 0,
    ack_delay_ms: 20,
    tick_us: 1000,
    idle_s: 30,
};

/// Takes `data` as: flags u8 (the key is expected, the schedule), then steps.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let mut world = World::new(input.byte());
    for _ in 0..MAX_STEPS {
        if input.is_empty() || world.established.is_some() {
            break;
        }
        world.step(&mut input);
        world.settle();
    }
    world.recover();
}

#[derive(Clone)]
struct Datagram {
    is_for_server: bool,
    bytes: Vec<u8>,
}

struct World {
    now: Instant,
    expected: Option<Fingerprint>,
    schedule: RetrySchedule,
    client: ClientHandshake<Toy>,
    /// Gets only what the client accepted. It does the same.
    shadow: ClientHandshake<Toy>,
    starts: u8,
    key: Toy,
    acceptor: Acceptor,
    restarts: u8,
    half_open: Vec<([u8; 16], Accepted)>,
    /// Cookies that the acceptor issued.
    cookies: HashSet<[u8; 32]>,
    drawn: u32,
    network: VecDeque<Datagram>,
    /// The client random of the last Hello, which an attacker on the path knows.
    client_random: [u8; 32],
    address: SocketAddr,
    established: Option<HandshakeOutput>,
}

impl World {
    fn new(flags: u8) -> Self {
        let key = Toy([0xc7; MODULUS_LEN]);
        let expected = (flags & 1 == 0).then(|| Fingerprint::of_modulus(key.modulus()));
        let schedule = if flags & 2 == 0 { RetrySchedule::Initial } else { RetrySchedule::Background };
        let mut world = Self {
            now: Instant::from_micros(7_000_000),
            expected,
            schedule,
            client: ClientHandshake::new(),
            shadow: ClientHandshake::new(),
            starts: 0,
            acceptor: Acceptor::new(key.modulus(), LIMITS, [0; 32]),
            key,
            restarts: 0,
            half_open: Vec::new(),
            cookies: HashSet::new(),
            drawn: 0,
            network: VecDeque::new(),
            client_random: [0; 32],
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 4321),
            established: None,
        };
        world.start();
        world.settle();
        world
    }

    fn start(&mut self) {
        self.starts += 1;
        for client in [&mut self.client, &mut self.shadow] {
            client.start(self.now, [self.starts; 32], self.expected, LIMITS, self.schedule);
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 12 {
            0..=2 => {
                if let Some(datagram) = self.network.pop_front() {
                    self.deliver(&datagram);
                }
            }
            3 => {
                if let Some(datagram) = self.pick(input).and_then(|at| self.network.remove(at)) {
                    self.deliver(&datagram);
                }
            }
            4 => drop(self.pick(input).and_then(|at| self.network.remove(at))),
            5 => {
                // A copy arrives now, perhaps back at its sender.
                let Some(at) = self.pick(input) else { return };
                let mut datagram = self.network[at].clone();
                datagram.is_for_server ^= input.byte() & 1 == 1;
                self.deliver(&datagram);
            }
            6 | 7 => {
                // A changed copy arrives first; its CRC is right.
                let Some(at) = self.pick(input) else { return };
                let mut datagram = self.network[at].clone();
                for _ in 0..=input.byte() % 3 {
                    let place = input.number(2) % datagram.bytes.len();
                    datagram.bytes[place] ^= input.byte();
                }
                self.deliver_with_crc(&mut datagram);
            }
            8 => {
                let is_for_server = input.byte() & 1 == 1;
                let len = input.number(2) % MAX_DATAGRAM;
                let mut bytes = input.bytes(len).to_vec();
                bytes.resize(len.max(CRC_LEN), 0);
                self.deliver_with_crc(&mut Datagram { is_for_server, bytes });
            }
            9 => {
                // An attacker on the path answers the Hello, with its own key or the server's.
                let modulus = [0xc7 ^ (input.byte() & 0x10); MODULUS_LEN];
                let challenge =
                    Challenge { client_random: self.client_random, cookie: [input.byte(); 32], modulus: &modulus };
                let mut bytes = vec![0; MAX_DATAGRAM];
                let len = Packet::Challenge(challenge).encode(&mut bytes, Portable::crc32).expect("it fits");
                bytes.truncate(len);
                self.deliver(&Datagram { is_for_server: false, bytes });
            }
            10 => match input.byte() % 4 {
                0 => self.restart(),
                1 => self.address.set_port(4321 + u16::from(input.byte() % 4)),
                _ => {}
            },
            _ => self.wait(Duration::from_millis(16 * input.number(1) as u64)),
        }
    }

    /// Index of a datagram on the network.
    fn pick(&self, input: &mut Input<'_>) -> Option<usize> {
        input.number(1).checked_rem(self.network.len())
    }

    /// The server loses its state.
    fn restart(&mut self) {
        self.restarts += 1;
        self.acceptor = Acceptor::new(self.key.modulus(), LIMITS, [self.restarts; 32]);
        self.half_open.clear();
        self.cookies.clear();
    }

    fn deliver_with_crc(&mut self, datagram: &mut Datagram) {
        let len = datagram.bytes.len() - CRC_LEN;
        let crc = Portable::crc32(&datagram.bytes[..len]).to_be_bytes();
        datagram.bytes[len..].copy_from_slice(&crc);
        self.deliver(datagram);
    }

    fn deliver(&mut self, datagram: &Datagram) {
        if datagram.is_for_server {
            self.deliver_to_server(&datagram.bytes)
        } else {
            self.deliver_to_client(&datagram.bytes)
        }
    }

    fn deliver_to_client(&mut self, bytes: &[u8]) {
        if self.client.handle_datagram::<Portable>(self.now, bytes).is_ok() {
            let is_same = self.shadow.handle_datagram::<Portable>(self.now, bytes);
            assert_eq!(is_same, Ok(()), "a datagram that was dropped had changed something");
        }
    }

    fn deliver_to_server(&mut self, bytes: &[u8]) {
        let mut out = vec![0; MAX_DATAGRAM];
        match self.acceptor.handle_datagram::<Portable>(self.now, self.address, bytes, &mut out) {
            Incoming::Reply(len) => {
                // SPEC 3.1
                assert!(len <= bytes.len(), "{len} bytes answer {}", bytes.len());
                out.truncate(len);
                let Ok(Packet::Challenge(challenge)) = Packet::decode(&out, Portable::crc32) else {
                    panic!("the answer to a Hello is a Challenge")
                };
                self.cookies.insert(challenge.cookie);
                self.launch(false, out);
            }
            Incoming::Accept(pending) => {
                let Ok(Packet::Initiate(initiate)) = Packet::decode(bytes, Portable::crc32) else {
                    panic!("only an Initiate is accepted")
                };
                assert!(self.cookies.contains(&initiate.cookie), "a cookie that was not issued");
                let known = self.half_open.iter().find(|(id, _)| *id == pending.id());
                let accept = match known {
                    Some((_, accepted)) => accepted.datagram.to_vec(),
                    None => {
                        self.drawn += 1;
                        let seed = [self.drawn as u8; 32];
                        let Some(accepted) = pending.run::<Portable>(&self.key, self.drawn, seed) else { return };
                        let datagram = accepted.datagram.to_vec();
                        self.half_open.push((pending.id(), accepted));
                        datagram
                    }
                };
                assert!(accept.len() <= bytes.len());
                self.launch(false, accept);
            }
            Incoming::Dropped(_) | Incoming::Sealed(_) | Incoming::Hint => {}
        }
    }

    fn launch(&mut self, is_for_server: bool, bytes: Vec<u8>) {
        self.network.push_back(Datagram { is_for_server, bytes });
        if self.network.len() > MAX_NETWORK {
            self.network.pop_front();
        }
    }

    /// Lets the client do what is due.
    fn settle(&mut self) {
        for count in 0.. {
            assert!(count < MAX_COMPUTATIONS, "the client computes without end");
            assert_eq!(self.client.poll_timeout(), self.shadow.poll_timeout());
            let is_due = self.client.poll_timeout().is_some_and(|at| at <= self.now);
            if is_due {
                self.client.handle_timeout(self.now);
                self.shadow.handle_timeout(self.now);
            }
            assert_eq!(self.client.poll_drop(), self.shadow.poll_drop());
            self.events();
            let (mut bytes, mut same) = (vec![0; MAX_DATAGRAM], vec![0; MAX_DATAGRAM]);
            let len = self.client.poll_transmit::<Portable>(self.now, &mut bytes);
            assert_eq!(len, self.shadow.poll_transmit::<Portable>(self.now, &mut same));
            assert_eq!(bytes, same, "a datagram that was dropped had changed something");
            if let Some(len) = len {
                bytes.truncate(len);
                match Packet::decode(&bytes, Portable::crc32).expect("a client sends packets") {
                    Packet::Hello(hello) => self.client_random = hello.client_random,
                    Packet::Initiate(initiate) => self.client_random = initiate.hello.client_random,
                    packet => panic!("a client sent {packet:?}"),
                }
                self.launch(true, bytes);
            } else if !is_due {
                return;
            }
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            let same = self.shadow.poll_event();
            match (event, same) {
                (HandshakeEvent::UnknownServerKey(key), Some(HandshakeEvent::UnknownServerKey(same))) => {
                    assert!(key == same && self.expected.is_none());
                    if key == Fingerprint::of_modulus(self.key.modulus()) {
                        self.client.accept_key(self.now);
                        self.shadow.accept_key(self.now);
                    } else {
                        // The user rejects it, and tries again.
                        self.start();
                    }
                }
                (HandshakeEvent::Established(output), Some(HandshakeEvent::Established(_))) => {
                    self.agree(&output);
                    self.established = Some(output);
                }
                (event, same) => panic!("{event:?} {same:?}"),
            }
        }
    }

    /// The server has the same keys: the first packet of the client opens the connection there.
    fn agree(&self, output: &HandshakeOutput) {
        let mut first = vec![1; OVERHEAD + 1];
        let mut session = Session::<Portable>::new(self.now, output, 20);
        session.seal(self.now, &mut first, 1).expect("the first packet");
        let found = self.half_open.iter().find(|(_, accepted)| accepted.verify::<Portable>(&first).is_ok());
        // A server that was restarted meanwhile has forgotten it.
        assert!(found.is_some() || self.restarts > 0, "established with nobody");
        if let Some((_, accepted)) = found {
            assert_eq!(accepted.established.connection_id, output.connection_id);
            assert_eq!((accepted.established.remote, output.remote), (LIMITS, LIMITS));
        }
    }

    /// Advances the clock from timer to timer.
    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(next) = self.client.poll_timeout().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.settle();
            assert!(self.client.poll_timeout().is_none_or(|next| next > self.now), "a timer is due again");
        }
        self.now = until;
    }

    /// The network is kind from now on: the two finish.
    fn recover(&mut self) {
        let until = self.now + RECOVERY;
        while self.established.is_none() {
            assert!(self.now < until, "not established: {:?}", self.client);
            let arrives = self.network.len();
            self.wait(DELAY);
            for _ in 0..arrives {
                let Some(datagram) = self.network.pop_front() else { break };
                self.deliver(&datagram);
                self.settle();
            }
        }
    }
}
