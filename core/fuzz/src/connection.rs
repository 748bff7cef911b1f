//! A connection whose peer has its keys and is hostile: it sends any frames (SPEC 5). Nothing
//! panics, memory and output are bounded, and the connection goes on or closes with a code.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::MAX_DATAGRAM;
use kabar_core::connection::{CloseCode, Closed, Connection, ConnectionEvent, StreamId};
use kabar_core::crypto::Portable;
use kabar_core::internals::frame::{Ack, Frame, Frames, MAX_ACK_RANGES, MAX_OFFSET, PATH_LEN};
use kabar_core::internals::io::Writer;
use kabar_core::internals::packet::SEALED_HEADER_LEN;
use kabar_core::internals::{OVERHEAD, Role, Session};
use kabar_core::session::HandshakeOutput;
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::{BufferProvider, Capacity, Congestion, NewReno, RateBased};

use super::input::Input;
use super::memory::Memory;

/// Steps of a script at most.
const MAX_STEPS: usize = 120;
/// Datagrams at once at most: a burst, a challenge, a response.
const MAX_AT_ONCE: usize = 70;
/// Longest body of a packet.
const MAX_BODY: usize = MAX_DATAGRAM - OVERHEAD;

const fn address(host: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), 7_000)
}

/// Takes `data` as: role u8, bits of an epoch u8, sizes of the memory (4 bytes), then steps.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let role = if input.byte() & 1 == 0 { Role::Client } else { Role::Server };
    let epoch_bits = 6 + input.number(1) as u32 % 57;
    match role {
        Role::Client => run(role, epoch_bits, Memory::<NewReno>::new(&mut input), input),
        Role::Server => run(role, epoch_bits, Memory::<RateBased>::new(&mut input), input),
    }
}

fn run<C: Congestion>(role: Role, epoch_bits: u32, memory: Memory<C>, mut input: Input<'_>) {
    let mut world = World::new(role, epoch_bits, memory);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.settle();
    }
    world.fall_silent();
}

/// The byte that the peer sends at an offset, unless it contradicts itself.
fn byte(stream: usize, offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(stream as u64) >> 56) as u8
}

struct World<C: Congestion> {
    now: Instant,
    connection: Connection<Memory<C>, Portable>,
    capacity: Capacity,
    /// The peer's keys, and its address.
    peer: Session<Portable>,
    address: SocketAddr,
    /// The number after the last one that the connection sent.
    next_number: u64,
    /// The last challenge that arrived.
    challenge: [u8; 8],
    /// The highest limit that the connection granted for each stream, and what it wrote and read.
    granted: [u64; 2],
    written: [u64; 2],
    read: [u64; 2],
    /// Bytes that can be read. What was there stays as it is.
    readable: [Vec<u8>; 2],
    /// The peer sent other bytes for the same offset.
    contradicts: bool,
    ended: Option<Closed>,
    /// Bytes received from each host less those sent there, three times the former counted.
    credit: [i64; 256],
}

impl<C: Congestion> World<C> {
    fn new(role: Role, epoch_bits: u32, memory: Memory<C>) -> Self {
        let now = Instant::from_micros(5_000_000);
        let capacity = memory.capacity();
        let limits = capacity.parameters(512);
        let other = if role == Role::Client { Role::Server } else { Role::Client };
        let [ours, theirs] = [role, other].map(|role| HandshakeOutput::with_known_secrets(role, 77, limits));
        let mut connection = Connection::new(memory);
        connection.open_with_short_epochs(now, &ours, address(1), epoch_bits);
        Self {
            now,
            connection,
            capacity,
            peer: Session::new(now, &theirs, epoch_bits),
            address: address(1),
            next_number: 0,
            challenge: [0; 8],
            granted: [limits.chat.into(), limits.bulk.into()],
            written: [0; 2],
            read: [0; 2],
            readable: [const { Vec::new() }; 2],
            contradicts: false,
            ended: None,
            credit: [0; 256],
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let code = input.byte();
        let stream = usize::from(code >> 7);
        let id = StreamId::ALL[stream];
        match code % 16 {
            0..=7 => {
                let body = self.body(input, code % 8 + 1);
                self.send(&body);
            }
            8 => {
                let len = input.number(1);
                let body = input.bytes(len).to_vec();
                // It can have data with any bytes.
                self.contradicts = true;
                self.send(&body);
            }
            9 => {
                let to = self.number(input);
                self.peer.skip_to(to);
            }
            10 => self.address = address(1 + input.byte() % 8),
            11 => self.wait(Duration::from_millis(input.number(1) as u64)),
            12 => self.wait(Duration::from_millis(input.number(2) as u64)),
            13 => {
                let data = vec![7; 1 + input.number(1) * 4];
                let has_space = data.len() <= self.connection.send_space(id);
                let is_taken = self.connection.send(self.now, id, &[&data]).is_ok();
                assert!(has_space || !is_taken);
                self.written[stream] += if is_taken { data.len() as u64 } else { 0 };
            }
            14 => {
                let len = (1 + input.number(1) * 4).min(self.connection.readable(id));
                self.connection.consume(id, len);
                self.read[stream] += len as u64;
                self.readable[stream].drain(..len);
            }
            _ if input.byte() == 0 => self.connection.close(self.now, CloseCode::LEFT, "done"),
            _ => {}
        }
    }

    /// A number that is likely to mean something.
    fn number(&self, input: &mut Input<'_>) -> u64 {
        let kind = input.byte();
        let small = u64::from(kind >> 4);
        match kind % 16 {
            0..=2 => small,
            3..=5 => self.next_number.saturating_sub(1 + small),
            6 => self.next_number + small,
            7 => self.granted[0].saturating_sub(small),
            8 => self.granted[0] + small,
            9 => self.granted[1].saturating_sub(small),
            10 => (self.read[0] + self.readable[0].len() as u64).saturating_add(input.number(1) as u64),
            11 => MAX_OFFSET.saturating_sub(small),
            12 => MAX_OFFSET + small,
            13 => input.number(2) as u64,
            14 => u64::MAX - small,
            _ => input.number(8) as u64,
        }
    }

    /// A body of `count` frames, as many as fit.
    fn body(&mut self, input: &mut Input<'_>, count: u8) -> Vec<u8> {
        let mut buffer = [0; MAX_BODY];
        let mut out = Writer::new(&mut buffer);
        for _ in 0..count {
            let kind = input.byte();
            let stream = usize::from(kind >> 7);
            let id = StreamId::ALL[stream];
            let is_written = match kind % 16 {
                0..=4 => {
                    let offset = self.number(input);
                    let len = 1 + input.number(1) * if kind & 0x40 == 0 { 1 } else { 4 };
                    let is_other = kind & 0x60 == 0x20;
                    self.contradicts |= is_other;
                    let data: Vec<u8> = (0..len as u64)
                        .map(|at| byte(stream, offset.wrapping_add(at)) ^ if is_other { 0x55 } else { 0 })
                        .collect();
                    Frame::Stream { id, offset, data: &data }.encode(&mut out)
                }
                5..=8 => {
                    let ranges = self.ranges(input, 1 + usize::from(kind >> 4) * 2);
                    Ack::encode_ranges(&mut out, input.number(2) as u32, ranges.into_iter())
                }
                9 | 10 => Frame::MaxData { id, offset: self.number(input) }.encode(&mut out),
                11 => Frame::PathChallenge([kind; 8]).encode(&mut out),
                12 => Frame::PathResponse(self.challenge).encode(&mut out),
                13 => Frame::Ping.encode(&mut out),
                14 if kind >> 4 == 0 => {
                    Frame::Close { code: CloseCode(input.number(2) as u16), reason: "x" }.encode(&mut out)
                }
                14 => Frame::PathResponse([kind; 8]).encode(&mut out),
                _ => out.bytes(input.bytes(usize::from(kind >> 4))),
            };
            if is_written.is_err() {
                break;
            }
        }
        out.written().to_vec()
    }

    /// Ranges of packet numbers, highest first, with gaps, as an ACK can state them.
    fn ranges(&self, input: &mut Input<'_>, count: usize) -> Vec<std::ops::RangeInclusive<u64>> {
        let (mut ranges, mut highest) = (Vec::new(), Some(self.number(input)));
        while let Some(end) = highest.filter(|_| ranges.len() < count.min(MAX_ACK_RANGES + 1)) {
            let len = input.number(1) as u64;
            let start = end.saturating_sub(if len == 255 { u64::from(u32::MAX) } else { len % 8 });
            ranges.push(start..=end);
            highest = start.checked_sub(2 + input.number(1) as u64 % 4);
        }
        ranges
    }

    /// Sends a body, and checks what has to follow from it.
    fn send(&mut self, body: &[u8]) {
        let mut datagram = vec![0; body.len() + OVERHEAD];
        datagram[SEALED_HEADER_LEN..SEALED_HEADER_LEN + body.len()].copy_from_slice(body);
        if self.peer.seal(self.now, &mut datagram, body.len()).is_err() {
            return;
        }
        let breaks = self.breaks_a_rule(body);
        self.credit[host(self.address)] += 3 * datagram.len() as i64;
        let was_open = self.connection.is_open();
        let result = self.connection.handle_datagram(self.now, self.address, &mut datagram);
        assert!(!(was_open && breaks && result.is_ok() && self.connection.is_open()), "{body:02x?} was accepted");
        for (stream, id) in StreamId::ALL.into_iter().enumerate() {
            let window = [self.capacity.chat_receive, self.capacity.bulk_receive][stream];
            let mut readable = vec![0; self.connection.readable(id)];
            assert!(readable.len() <= window && self.connection.peek(id, 0, &mut readable));
            assert!(readable.starts_with(&self.readable[stream]), "what could be read changed");
            for (got, offset) in readable.iter().zip(self.read[stream]..) {
                let is_sent = *got == byte(stream, offset);
                assert!(is_sent || self.contradicts, "byte {offset} of {id:?}");
            }
            self.readable[stream] = readable;
        }
        self.settle();
    }

    /// Whether a packet acknowledges what was not sent, or has data beyond what was granted.
    fn breaks_a_rule(&self, body: &[u8]) -> bool {
        let frames: Result<Vec<_>, _> = Frames::new(body).collect();
        frames.map_or(true, |frames| {
            frames.iter().any(|frame| match frame {
                Frame::Ack(ack) => ack.ranges().any(|range| *range.end() >= self.next_number),
                Frame::Stream { id, offset, data } => offset + data.len() as u64 > self.granted[index(*id)],
                _ => false,
            })
        })
    }

    /// Takes the datagrams that the connection sends now, and its events.
    fn settle(&mut self) {
        let mut out = [0; MAX_DATAGRAM];
        for count in 0.. {
            assert!(count < MAX_AT_ONCE, "more datagrams at once than a burst");
            let Some(transmit) = self.connection.poll_transmit(self.now, &mut out) else { break };
            // SPEC 4.4
            if self.connection.remote() != Some(transmit.to) {
                self.credit[host(transmit.to)] -= transmit.len as i64;
                assert!(transmit.len <= OVERHEAD + PATH_LEN && self.credit[host(transmit.to)] >= 0, "{transmit:?}");
            }
            let opened = self.peer.open(&mut out[..transmit.len]).expect("sealed for the peer");
            self.next_number = opened.packet_number + 1;
            for frame in Frames::new(opened.body) {
                match frame.expect("a connection sends frames that decode") {
                    Frame::Ack(ack) => {
                        let largest = ack.ranges().next().map(|range| *range.end());
                        largest.into_iter().for_each(|largest| self.peer.on_acknowledged(largest));
                    }
                    Frame::PathChallenge(data) => self.challenge = data,
                    Frame::MaxData { id, offset } => {
                        let granted = &mut self.granted[index(id)];
                        *granted = offset.max(*granted);
                    }
                    Frame::Stream { id, offset, data } => {
                        assert!(offset + data.len() as u64 <= self.written[index(id)]);
                    }
                    _ => {}
                }
            }
        }
        while let Some(event) = self.connection.poll_event() {
            assert_eq!(self.ended, None, "{event:?} after the end");
            if let ConnectionEvent::Closed(ended) = event {
                self.ended = Some(ended);
            }
        }
        assert_eq!(self.ended.is_none(), self.connection.is_open());
        for (stream, id) in StreamId::ALL.into_iter().enumerate() {
            assert!(self.connection.acknowledged(id) <= self.written[stream]);
            assert!(self.connection.unacknowledged(id) as u64 <= self.written[stream]);
        }
    }

    /// Advances the clock from timer to timer.
    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        for count in 0.. {
            assert!(count < 20_000, "timers do not end");
            let Some(next) = self.connection.poll_timeout().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            self.connection.handle_timeout(self.now);
            self.settle();
            let next = self.connection.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer that was handled is due again");
        }
        self.now = until;
    }

    /// The peer falls silent: the connection ends, and has no memory left once all is read.
    fn fall_silent(&mut self) {
        self.wait(Duration::from_secs(61));
        assert!(self.connection.is_finished() && self.ended.is_some());
        for id in StreamId::ALL {
            self.connection.consume(id, usize::MAX);
        }
        assert_eq!(self.connection.memory().held(), 0);
    }
}

fn index(id: StreamId) -> usize {
    usize::from(id == StreamId::Bulk)
}

fn host(address: SocketAddr) -> usize {
    match address.ip() {
        IpAddr::V4(ip) => usize::from(ip.octets()[3]),
        IpAddr::V6(_) => 0,
    }
}
