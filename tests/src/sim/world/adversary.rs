//! An adversary: a member that knows the room's secret and follows no other rule. It has a real
//! handshake and a real connection, and sends messages that no client would send. The server may
//! refuse or store its posts; the guarantees to others must hold.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::chat::message::{
    Authentication, ClientMessage, Join, Post, Request, ServerMessage, client_proof, join_statement,
};
use kabar_core::chat::{EntryKind, MAX_BODY_LEN, MAX_MESSAGE_LEN, Start, Term};
use kabar_core::connection::Connection;
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Portable;
use kabar_core::crypto::identity::Identity;
use kabar_core::internals::packet::Packet;
use kabar_core::internals::{ClientHandshake, HandshakeEvent, RetrySchedule};
use kabar_core::session::TransportParameters;
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::InlineBuffers;

use super::{ROOMS, SECRET, SERVER, World, WorldEvent};
use crate::sim::coverage::Seen;
use crate::sim::keys::SimKey;
use crate::sim::model::{Checked, demand};
use crate::sim::network::{Direction, Faults, Origin};
use crate::sim::rng::Rng;

/// Time between two actions of the adversary, in us.
const GAP: (u64, u64) = (10_000, 2_000_000);
/// Size of its ring buffers, in bytes.
const RING: usize = 8192;

/// The adversary; some scenarios have one.
#[derive(Debug)]
pub(super) struct Adversary {
    pub(super) address: SocketAddr,
    pub(super) up: Direction,
    pub(super) down: Direction,
    handshake: ClientHandshake<SimKey>,
    connection: Connection<InlineBuffers<RING, RING, 0, 16>, Portable>,
    rng: Rng,
    timer_id: u64,
    has_joined: bool,
    handle: u8,
    instance: u64,
    number: u64,
    /// Time of its last action.
    now: Instant,
    reads: bool,
    /// Whether it continues to acknowledge once it has joined. If not, it stays when the faults
    /// stop.
    acknowledges: bool,
}

impl Adversary {
    /// The name under which it posts.
    pub(super) const NAME: &'static str = "adversary";

    /// Its identity.
    pub(super) fn identity() -> Identity {
        Identity::from_seed(b"the identity of an adversary:32B")
    }

    pub(super) fn new(seed: u64) -> Self {
        let faults = Faults { loss: 20, ..Faults::NONE };
        let mut rng = Rng::new(seed, "adversary");
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 2, 0, 1)), 6_666),
            up: Direction::new(faults),
            down: Direction::new(faults),
            handshake: ClientHandshake::new(),
            connection: Connection::new(InlineBuffers::new()),
            reads: rng.chance(800),
            acknowledges: rng.chance(600),
            rng,
            timer_id: 0,
            has_joined: false,
            handle: 0,
            instance: 0,
            number: 0,
            now: Instant::ZERO,
        }
    }

    fn begin(&mut self, now: Instant) {
        let parameters = TransportParameters {
            datagram: 1200,
            packets: 16,
            message: MAX_MESSAGE_LEN as u16,
            chat: RING as u32,
            bulk: 0,
            ack_delay_ms: 0,
            tick_us: 1,
            // A connection that never acknowledges receives nothing. It must not end by its own
            // timeout.
            idle_s: if self.acknowledges { 10 } else { 3_600 },
        };
        self.handshake.start(now, self.rng.seed(), None, parameters, RetrySchedule::Initial);
        (self.has_joined, self.handle, self.number) = (false, 0, 0);
    }

    /// Reads messages to learn its handle and instance.
    fn read(&mut self) {
        let mut message = [0; MAX_MESSAGE_LEN];
        let mut prefix = [0; 2];
        while self.reads && self.connection.peek(StreamId::Chat, 0, &mut prefix) {
            let len = usize::from(u16::from_be_bytes(prefix));
            let Some(out) = message.get_mut(..len) else { return };
            if !self.connection.peek(StreamId::Chat, 2, out) {
                return;
            }
            if let Ok(Some(ServerMessage::Welcome(welcome))) = ServerMessage::decode(out) {
                (self.handle, self.instance) = (welcome.handle, welcome.instance);
            }
            self.connection.consume(StreamId::Chat, len + 2);
        }
    }

    /// Performs one random action; `foreign` is an instance of another member.
    fn act(&mut self, now: Instant, foreign: u64) {
        self.now = now;
        if !self.connection.is_open() {
            if !self.handshake.is_active() {
                self.begin(now);
            }
            return;
        }
        if !self.has_joined {
            self.has_joined = true;
            // Sometimes it never joins.
            if self.rng.chance(800) {
                self.join(foreign);
            }
            return;
        }
        if self.handle != 0 && !self.acknowledges {
            // A valid message, so that the connection is not closed for any other reason.
            return self.request(Request::ListMembers);
        }
        match self.rng.below(13) {
            0 => self.join(foreign),
            1 => self.garbage(),
            2 => self.connection.close(now, CloseCode::LEFT, "boo"),
            3 => self.connection.reset(),
            4 => {
                let before = self.rng.next();
                self.request(Request::History { before, count: 200 });
            }
            5 => self.request(Request::ListMembers),
            6 => {
                let seq = self.rng.below(40);
                self.request(Request::Remove { seq });
            }
            _ => self.post(foreign),
        }
    }

    fn join(&mut self, foreign: u64) {
        let Some(exporter) = self.connection.exporter().copied() else { return };
        let identity = Self::identity();
        let public = identity.public();
        let mut statement = [0; 160];
        let Ok(len) = join_statement(&exporter, &public, ROOMS[0], &mut statement) else { return };
        let mut signature = identity.sign(&statement[..len]);
        if self.rng.chance(100) {
            signature[self.rng.index(64)] ^= 1;
        }
        let instance = *self.rng.pick(&[0, self.instance, self.instance, foreign, self.rng.clone().next()]);
        let start = match self.rng.below(4) {
            0 => Start::Head,
            1 => Start::Last(u32::MAX),
            2 => Start::After { seq: u64::MAX, term: Term([0; 8]), fallback_count: u32::MAX },
            _ => Start::After { seq: self.rng.below(50), term: Term([7; 8]), fallback_count: 3 },
        };
        let max_entry_len = self.rng.next() as u16;
        self.send_message(&ClientMessage::Join(Join {
            room: ROOMS[0],
            name: Self::NAME,
            identity: public,
            signature,
            authentication: Authentication::Secret(client_proof(&SECRET, &exporter)),
            instance,
            start,
            max_entry_len,
            is_default_name: false,
        }));
    }

    fn post(&mut self, foreign: u64) {
        self.number += self.rng.below(3);
        let kind = *self.rng.pick(&[
            EntryKind::TEXT,
            EntryKind::TEXT,
            EntryKind::DATA,
            EntryKind::JOINED,
            EntryKind::OPERATOR,
            EntryKind(200),
        ]);
        let settled = *self.rng.pick(&[0, 0, self.number.saturating_sub(1), self.number, u64::MAX]);
        let instance = *self.rng.pick(&[self.instance, self.instance, self.instance, foreign, 0]);
        let number = *self.rng.pick(&[self.number, self.number, self.number, 0, u64::MAX]);
        let mut body = vec![b'r'; *self.rng.pick(&[0, 10, 100, 4_096, 4_097, MAX_BODY_LEN])];
        if self.rng.chance(200) {
            body.fill(0xff);
        }
        let handle = if self.rng.chance(950) { self.handle } else { self.rng.next() as u8 };
        self.send_message(&ClientMessage::Post(Post { handle, instance, number, settled, kind, body: &body }));
    }

    fn garbage(&mut self) {
        let mut bytes = vec![0; self.rng.between(1, 60) as usize];
        self.rng.fill(&mut bytes);
        if self.rng.chance(700) {
            // The length is right, so it is an unknown type, or a known one that does not decode.
            bytes[0] = 0;
            if let Some(second) = bytes.get_mut(1) {
                *second = 0;
            }
            let len = bytes.len().saturating_sub(2);
            if let Some(prefix) = bytes.first_chunk_mut() {
                *prefix = (len as u16).to_be_bytes();
            }
        }
        let _ = self.connection.send(self.now, StreamId::Chat, &[&bytes]);
    }

    fn request(&mut self, request: Request<'_>) {
        self.send_message(&ClientMessage::Request { handle: self.handle, request });
    }

    fn send_message(&mut self, message: &ClientMessage<'_>) {
        let mut bytes = [0; MAX_MESSAGE_LEN];
        if let Ok(len) = message.encode(&mut bytes) {
            let _ = self.connection.send(self.now, StreamId::Chat, &[&bytes[..len]]);
        }
    }
}

impl World {
    pub(super) fn adversary_receives(&mut self, mut bytes: Vec<u8>, origin: Origin) -> Checked {
        let now = self.now();
        let Some(adversary) = self.adversary.as_mut().filter(|_| origin == Origin::Peer) else { return Ok(()) };
        let is_sealed = matches!(Packet::decode(&bytes, crc32), Ok(Packet::Sealed(_)));
        if is_sealed && adversary.handle != 0 && !adversary.acknowledges {
            // Ignored: the server keeps retransmitting.
            self.coverage.count(Seen::NeverAcknowledges);
            return Ok(());
        }
        if is_sealed {
            let _ = adversary.connection.handle_datagram(now, SERVER, &mut bytes);
        } else {
            let _ = adversary.handshake.handle_datagram::<Portable>(now, &bytes);
        }
        self.drive_adversary()
    }

    pub(super) fn adversary_wakes(&mut self, timer_id: u64) -> Checked {
        let now = self.now();
        let Some(adversary) = self.adversary.as_mut().filter(|adversary| adversary.timer_id == timer_id) else {
            return Ok(());
        };
        if adversary.handshake.is_active() {
            adversary.handshake.handle_timeout(now);
        }
        if !adversary.connection.is_finished() {
            adversary.connection.handle_timeout(now);
        }
        self.drive_adversary()
    }

    pub(super) fn adversary_acts(&mut self) -> Checked {
        let now = self.now();
        if self.quiet_since.is_some() {
            // It disappears without closing, or stays and acknowledges nothing.
            self.adversary.take_if(|adversary| adversary.acknowledges || adversary.handle == 0);
            return Ok(());
        }
        let entries = self.models[0].log().entries();
        let foreign = entries.iter().rev().find(|entry| entry.instance != 0 && entry.author != Adversary::NAME);
        let foreign = foreign.map_or(1, |entry| entry.instance);
        let Some(adversary) = &mut self.adversary else { return Ok(()) };
        adversary.act(now, foreign);
        self.coverage.count(Seen::AdversaryActed);
        let gap = adversary.rng.between(GAP.0, GAP.1);
        self.queue.push(now + Duration::from_micros(gap), WorldEvent::AdversaryActs);
        self.drive_adversary()
    }

    fn drive_adversary(&mut self) -> Checked {
        let now = self.now();
        let mut out = [0; 1200];
        for _ in 0..1000 {
            let Some(adversary) = &mut self.adversary else { return Ok(()) };
            while let Some(event) = adversary.handshake.poll_event() {
                match event {
                    HandshakeEvent::UnknownServerKey(_) => adversary.handshake.accept_key(now),
                    HandshakeEvent::Established(established) => adversary.connection.open(now, &established, SERVER),
                }
            }
            while adversary.connection.poll_event().is_some() {}
            adversary.read();
            let len = match adversary.handshake.is_active() {
                true => adversary.handshake.poll_transmit::<Portable>(now, &mut out),
                false => None,
            };
            let len = match len {
                None if !adversary.connection.is_finished() => {
                    adversary.connection.poll_transmit(now, &mut out).map(|transmit| transmit.len)
                }
                len => len,
            };
            if let Some(len) = len {
                let arrivals = adversary.up.send(&out[..len], &mut self.network_rng, &mut self.coverage);
                let from = adversary.address;
                for arrival in arrivals {
                    let (bytes, origin) = (arrival.bytes, arrival.origin);
                    self.queue.push(now + arrival.after, WorldEvent::ToServer { from, bytes, origin });
                }
                continue;
            }
            let handshake = adversary.handshake.poll_timeout().filter(|_| adversary.handshake.is_active());
            let connection = adversary.connection.poll_timeout().filter(|_| !adversary.connection.is_finished());
            if let Some(deadline) = handshake.into_iter().chain(connection).min() {
                adversary.timer_id += 1;
                let timer_id = adversary.timer_id;
                self.queue.push(deadline, WorldEvent::AdversaryWake { timer_id });
            }
            return Ok(());
        }
        demand!(false, Contract, "the adversary sends without end");
        Ok(())
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    <Portable as kabar_core::crypto::Provider>::crc32(bytes)
}
