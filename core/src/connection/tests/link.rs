//! The harness: a pair of connections, a seeded link between them, and a clock that jumps from
//! event to event.

use core::marker::PhantomData;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::connection::{Connection, ConnectionEvent};
use crate::crypto::Portable;
use crate::session::{HandshakeOutput, Role};
use crate::time::{Duration, Instant};
use crate::transport::{
    ArrayRanges, Buffer, BufferProvider, Buffers, Capacity, Congestion, NewReno, RateBased, SentPacket,
};
use crate::wire::frame::StreamId;
use crate::wire::packet::TransportParameters;

pub(super) const CLIENT: SocketAddr = address(1);
pub(super) const SERVER: SocketAddr = address(2);

pub(super) const fn address(host: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), 7_000 + host as u16)
}

pub(super) const fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1_000)
}

/// The limits that a side with `memory` states.
pub(super) fn limits(memory: &impl BufferProvider) -> TransportParameters {
    let capacity = memory.capacity();
    TransportParameters {
        datagram: 1200,
        packets: 64,
        message: 512,
        chat: u32::try_from(capacity.chat_receive).unwrap(),
        bulk: u32::try_from(capacity.bulk_receive).unwrap(),
        ack_delay_ms: 5,
        tick_us: 1_000,
        idle_s: 60,
    }
}

/// Buffers that are allocated on acquisition, as on a server. `refuses`: if N, every N-th request
/// fails. `lacks`: this one is never to be had.
#[derive(Debug)]
pub(super) struct Pooled<C = NewReno, const RANGES: usize = 16> {
    capacity: Capacity,
    bytes: [Option<Vec<u8>>; 4],
    slots: Option<Vec<SentPacket>>,
    refuses: Option<u32>,
    lacks: Option<Buffer>,
    asked: u32,
    control: PhantomData<C>,
}

impl Pooled {
    pub(super) fn new(chat: usize, bulk: usize, in_flight: usize) -> Self {
        Self::of(chat, bulk, in_flight)
    }

    pub(super) fn rate_based(chat: usize, bulk: usize, in_flight: usize) -> Pooled<RateBased> {
        Pooled::of(chat, bulk, in_flight)
    }

    pub(super) fn large() -> Self {
        Self::new(65_536, 65_536, 64)
    }

    pub(super) fn refusing(self, every: u32) -> Self {
        Self { refuses: Some(every), ..self }
    }

    pub(super) fn lacking(self, part: Buffer) -> Self {
        Self { lacks: Some(part), ..self }
    }

    /// Buffers that are held.
    pub(super) fn held(&self) -> usize {
        self.bytes.iter().flatten().count() + usize::from(self.slots.is_some())
    }
}

impl<C, const RANGES: usize> Pooled<C, RANGES> {
    pub(super) fn of(chat: usize, bulk: usize, in_flight: usize) -> Self {
        let capacity = Capacity { chat_send: chat, chat_receive: chat, bulk_send: bulk, bulk_receive: bulk, in_flight };
        let bytes = [const { None }; 4];
        Self { capacity, bytes, slots: None, refuses: None, lacks: None, asked: 0, control: PhantomData }
    }

    fn byte_part(&mut self, part: Buffer) -> Option<(usize, &mut Option<Vec<u8>>)> {
        let Capacity { chat_send, chat_receive, bulk_send, bulk_receive, .. } = self.capacity;
        match part {
            Buffer::ChatSend => Some((chat_send, &mut self.bytes[0])),
            Buffer::ChatReceive => Some((chat_receive, &mut self.bytes[1])),
            Buffer::BulkSend => Some((bulk_send, &mut self.bytes[2])),
            Buffer::BulkReceive => Some((bulk_receive, &mut self.bytes[3])),
            Buffer::InFlight => None,
        }
    }
}

impl<C: Congestion, const RANGES: usize> BufferProvider for Pooled<C, RANGES> {
    type Congestion = C;
    type Ranges = ArrayRanges<RANGES>;

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn buffers(&mut self) -> Buffers<'_> {
        let [chat_send, chat_receive, bulk_send, bulk_receive] =
            self.bytes.each_mut().map(|part| part.as_deref_mut().unwrap_or_default());
        let in_flight = self.slots.as_deref_mut().unwrap_or_default();
        Buffers { chat_send, chat_receive, bulk_send, bulk_receive, in_flight }
    }

    fn acquire(&mut self, part: Buffer) -> bool {
        self.asked += 1;
        if self.lacks == Some(part) || self.refuses.is_some_and(|every| self.asked.is_multiple_of(every)) {
            return false;
        }
        let in_flight = self.capacity.in_flight;
        match self.byte_part(part) {
            // The content is arbitrary, as in a pool that connections share.
            Some((len, bytes)) => *bytes = Some(std::vec![0xdb; len]),
            None => self.slots = Some(std::vec![SentPacket::EMPTY; in_flight]),
        }
        true
    }

    fn release(&mut self, part: Buffer) {
        match self.byte_part(part) {
            Some((_, bytes)) => assert!(bytes.take().is_some(), "released {part:?} twice"),
            None => assert!(self.slots.take().is_some(), "released slots twice"),
        }
    }
}

/// The results of a handshake between sides with these limits.
pub(super) fn established(client: TransportParameters, server: TransportParameters) -> [HandshakeOutput; 2] {
    let mut sides = [
        HandshakeOutput::with_known_secrets(Role::Client, 77, client),
        HandshakeOutput::with_known_secrets(Role::Server, 77, server),
    ];
    [sides[0].remote, sides[1].remote] = [server, client];
    sides
}

/// Conditions of the link. Shares are in thousandths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    pub(super) loss: u32,
    pub(super) duplication: u32,
    pub(super) corruption: u32,
    /// One-way delay, and its largest random addition, which reorders datagrams.
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    /// Larger datagrams are lost.
    pub(super) max_len: usize,
}

pub(super) const CLEAN: Conditions = Conditions {
    loss: 0,
    duplication: 0,
    corruption: 0,
    delay: Duration::from_millis(20),
    jitter: Duration::ZERO,
    max_len: usize::MAX,
};

pub(super) fn rough(loss_percent: u32) -> Conditions {
    Conditions { loss: loss_percent * 10, duplication: 50, corruption: 20, jitter: Duration::from_millis(15), ..CLEAN }
}

#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) arrives: Instant,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// One side and its application, which writes a known stream, reads and compares.
#[derive(Debug)]
pub(super) struct Side<M: BufferProvider> {
    pub(super) connection: Connection<M, Portable>,
    pub(super) address: SocketAddr,
    pub(super) events: Vec<ConnectionEvent>,
    /// Bytes written and read of each stream.
    pub(super) written: [u64; 2],
    pub(super) read: [u64; 2],
    /// Bytes that are still to be written.
    pub(super) to_write: [u64; 2],
    /// Whether it reads received data.
    pub(super) reads: bool,
}

#[derive(Debug)]
pub(super) struct Pair<C: BufferProvider, S: BufferProvider> {
    pub(super) now: Instant,
    pub(super) client: Side<C>,
    pub(super) server: Side<S>,
    pub(super) conditions: Conditions,
    pub(super) in_flight: Vec<Datagram>,
    /// Every datagram sent: when, from, to, length.
    pub(super) log: Vec<(Instant, SocketAddr, SocketAddr, usize)>,
    /// Bit masks of the next datagrams of client and server that are lost: bit 0 is the next one.
    pub(super) lost: [u64; 2],
    rng: ChaCha8Rng,
}

/// The byte at an offset of a stream: the same for both sides.
fn byte(stream: usize, offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(stream as u64) >> 56) as u8
}

impl<M: BufferProvider> Side<M> {
    fn new(memory: M, address: SocketAddr) -> Self {
        Self {
            connection: Connection::new(memory),
            address,
            events: Vec::new(),
            written: [0; 2],
            read: [0; 2],
            to_write: [0; 2],
            reads: true,
        }
    }

    /// Writes and reads as much as possible.
    pub(super) fn run_application(&mut self, now: Instant) {
        for (index, id) in StreamId::ALL.into_iter().enumerate() {
            while self.to_write[index] > 0 {
                let len = self.to_write[index].min(100).min(self.connection.send_space(id) as u64);
                let data: Vec<u8> = (0..len).map(|at| byte(index, self.written[index] + at)).collect();
                let (head, tail) = data.split_at(data.len() / 3);
                if len == 0 || self.connection.send(now, id, &[head, tail]).is_err() {
                    break;
                }
                self.written[index] += len;
                self.to_write[index] -= len;
            }
            while self.reads && self.connection.readable(id) > 0 {
                let len = self.connection.readable(id).min(333);
                let mut data = std::vec![0; len];
                assert!(self.connection.peek(id, 0, &mut data));
                for (at, &got) in data.iter().enumerate() {
                    assert_eq!(got, byte(index, self.read[index] + at as u64), "stream {index} is not what was sent");
                }
                self.connection.consume(id, len);
                self.read[index] += len as u64;
            }
        }
        while let Some(event) = self.connection.poll_event() {
            self.events.push(event);
        }
    }
}

impl<C: BufferProvider, S: BufferProvider> Pair<C, S> {
    pub(super) fn new(seed: u64, conditions: Conditions, client: C, server: S) -> Self {
        let (client_limits, server_limits) = (limits(&client), limits(&server));
        Self::with_limits(seed, conditions, (client, client_limits), (server, server_limits), 20)
    }

    pub(super) fn with_limits(
        seed: u64,
        conditions: Conditions,
        client: (C, TransportParameters),
        server: (S, TransportParameters),
        epoch_bits: u32,
    ) -> Self {
        let now = at(1_000);
        let [for_client, for_server] = established(client.1, server.1);
        let mut pair = Self {
            now,
            client: Side::new(client.0, CLIENT),
            server: Side::new(server.0, SERVER),
            conditions,
            in_flight: Vec::new(),
            log: Vec::new(),
            lost: [0; 2],
            rng: ChaCha8Rng::seed_from_u64(seed),
        };
        pair.client.connection.open_with_epoch_bits(now, &for_client, SERVER, epoch_bits);
        pair.server.connection.open_with_epoch_bits(now, &for_server, CLIENT, epoch_bits);
        pair
    }

    fn chance(&mut self, share: u32) -> bool {
        self.rng.next_u32() % 1000 < share
    }

    /// Puts a datagram on the link.
    pub(super) fn carry(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.log.push((self.now, from, to, bytes.len()));
        let lost = &mut self.lost[usize::from(from == SERVER)];
        let is_lost = *lost & 1 == 1;
        *lost >>= 1;
        if is_lost || bytes.len() > self.conditions.max_len {
            return;
        }
        let copies = 1 + u32::from(self.chance(self.conditions.duplication));
        for _ in 0..copies {
            if self.chance(self.conditions.loss) {
                continue;
            }
            let mut bytes = bytes.to_vec();
            if self.chance(self.conditions.corruption) {
                let at = self.rng.next_u32() as usize % bytes.len();
                bytes[at] ^= 1 << (self.rng.next_u32() % 8);
            }
            let jitter = match self.conditions.jitter.as_micros() {
                0 => 0,
                jitter => u64::from(self.rng.next_u32()) % jitter,
            };
            let arrives = self.now + self.conditions.delay + Duration::from_micros(jitter);
            self.in_flight.push(Datagram { arrives, from, to, bytes });
        }
    }

    /// Runs both applications and sends the datagrams of both connections that are due now.
    pub(super) fn settle(&mut self) {
        self.client.run_application(self.now);
        self.server.run_application(self.now);
        let mut out = [0; 1200];
        while let Some(transmit) = self.client.connection.poll_transmit(self.now, &mut out) {
            let from = self.client.address;
            self.carry(from, transmit.to, &out[..transmit.len]);
        }
        while let Some(transmit) = self.server.connection.poll_transmit(self.now, &mut out) {
            let from = self.server.address;
            self.carry(from, transmit.to, &out[..transmit.len]);
        }
    }

    /// Advances to the next event, at most to `until`; returns `false` when that is reached.
    pub(super) fn step(&mut self, until: Instant) -> bool {
        self.settle();
        let timers = [self.client.connection.poll_timeout(), self.server.connection.poll_timeout()];
        let arrivals = self.in_flight.iter().map(|datagram| datagram.arrives);
        let next = timers.into_iter().flatten().chain(arrivals).min().map(|next| next.max(self.now));
        let Some(next) = next.filter(|&next| next <= until) else {
            self.now = until;
            return false;
        };
        self.now = next;
        while let Some(index) = self.in_flight.iter().position(|datagram| datagram.arrives <= self.now) {
            let datagram = self.in_flight.remove(index);
            self.deliver(datagram);
            self.settle();
        }
        if self.client.connection.poll_timeout().is_some_and(|at| at <= self.now) {
            self.client.connection.handle_timeout(self.now);
            self.settle();
            assert_later(self.client.connection.poll_timeout(), self.now);
        }
        if self.server.connection.poll_timeout().is_some_and(|at| at <= self.now) {
            self.server.connection.handle_timeout(self.now);
            self.settle();
            assert_later(self.server.connection.poll_timeout(), self.now);
        }
        true
    }

    fn deliver(&mut self, datagram: Datagram) {
        let Datagram { from, to, mut bytes, .. } = datagram;
        if to == self.client.address {
            let _ = self.client.connection.handle_datagram(self.now, from, &mut bytes);
        } else if to == self.server.address {
            let _ = self.server.connection.handle_datagram(self.now, from, &mut bytes);
        }
    }

    /// Runs for `span`.
    pub(super) fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
    }

    /// Runs until `done`, and fails after `bound` of virtual time.
    pub(super) fn run_until(&mut self, bound: Duration, mut done: impl FnMut(&Self) -> bool) -> Duration {
        let start = self.now;
        while !done(self) {
            assert!(self.step(start + bound), "not done after {bound:?}: {:?} {:?}", self.progress(), self.counters());
        }
        self.now.saturating_since(start)
    }

    pub(super) fn progress(&self) -> ([[u64; 2]; 2], [[u64; 2]; 2]) {
        ([self.client.written, self.server.read], [self.server.written, self.client.read])
    }

    pub(super) fn counters(&self) -> [crate::connection::Counters; 2] {
        [self.client.connection.counters(), self.server.connection.counters()]
    }

    /// Whether all data was written, read and acknowledged.
    pub(super) fn is_done(&self) -> bool {
        let all = |from: &[u64; 2], to: &[u64; 2]| from == to;
        all(&self.client.written, &self.server.read)
            && all(&self.server.written, &self.client.read)
            && self.client.to_write == [0; 2]
            && self.server.to_write == [0; 2]
            && StreamId::ALL.iter().all(|&id| {
                self.client.connection.unacknowledged(id) == 0 && self.server.connection.unacknowledged(id) == 0
            })
    }
}

/// Asserts that a timer that was handled is not in the past, which would be a busy loop.
fn assert_later(timeout: Option<Instant>, now: Instant) {
    assert!(timeout.is_none_or(|at| at > now), "timer at {timeout:?} after it was handled at {now:?}");
}
