//! Two connections and the network between them: whatever the network does, what is read is what
//! was written, and once it is kind everything arrives (SPEC 4 and 5).

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::MAX_DATAGRAM;
use kabar_core::connection::{Closed, Connection, ConnectionEvent, Dropped, StreamId};
use kabar_core::crypto::{Portable, Provider};
use kabar_core::internals::packet::{CRC_LEN, Packet};
use kabar_core::internals::{OVERHEAD, Role, Session};
use kabar_core::session::{HandshakeOutput, OpenError, TransportParameters};
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::{BufferProvider, Congestion, NewReno, RateBased};

use super::input::Input;
use super::memory::Memory;

/// Steps of a script at most, so that an execution stays short.
const MAX_STEPS: usize = 120;
/// Datagrams on the network at most; the oldest are lost.
const MAX_NETWORK: usize = 128;
/// Datagrams that a side sends at once at most: a burst, a challenge, a response and a CLOSE.
const MAX_AT_ONCE: usize = 70;
/// Bytes of the datagram of a challenge or a response.
const CHALLENGE_LEN: usize = OVERHEAD + 9;
/// With less silence than this on both sides, a connection has to go on.
const SILENCE: Duration = Duration::from_secs(10);
/// Time in which everything arrives once the network is kind.
const RECOVERY: Duration = Duration::from_secs(120);
/// One-way delay of the kind network.
const DELAY: Duration = Duration::from_millis(5);

const SERVER: SocketAddr = address(1);

const fn address(host: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), 7_000)
}

/// Takes `data` as: sizes of the memory of the client and of the server (4 bytes each), bits of an
/// epoch u8, acknowledgement delay u8, whether the Hello was short u8, then steps.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let (client, server) = (Memory::<NewReno>::new(&mut input), Memory::<RateBased>::new(&mut input));
    let mut world = World::new(client, server, &mut input);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.settle();
    }
    world.recover();
}

/// The byte at an offset of a stream, in one direction.
fn byte(is_server: bool, stream: usize, offset: u64) -> u8 {
    let key = offset.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(stream as u64 * 2 + u64::from(is_server));
    (key.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 56) as u8
}

#[derive(Clone)]
struct Datagram {
    /// Copies have the same.
    id: usize,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// One side and its application.
struct Side<C: Congestion> {
    connection: Connection<Memory<C>, Portable>,
    is_server: bool,
    address: SocketAddr,
    written: [u64; 2],
    read: [u64; 2],
    /// Whether the application reads.
    reads: bool,
    ended: Option<Closed>,
    /// The datagrams that it accepted.
    accepted: HashSet<usize>,
    /// Bytes received from each address less those sent there, three times the former counted.
    credit: [i64; 256],
}

impl<C: Congestion> Side<C> {
    fn new(now: Instant, memory: Memory<C>, established: &HandshakeOutput, remote: SocketAddr, bits: u32) -> Self {
        let mut connection = Connection::new(memory);
        connection.open_with_short_epochs(now, established, remote, bits);
        let is_server = remote != SERVER;
        let address = if is_server { SERVER } else { address(2) };
        Self {
            connection,
            is_server,
            address,
            written: [0; 2],
            read: [0; 2],
            reads: true,
            ended: None,
            accepted: HashSet::new(),
            credit: [0; 256],
        }
    }

    fn write(&mut self, now: Instant, stream: usize, len: usize) {
        let id = StreamId::ALL[stream];
        let data: Vec<u8> = (0..len as u64).map(|at| byte(self.is_server, stream, self.written[stream] + at)).collect();
        // A stream that the peer has closed takes data that never arrives.
        if !self.connection.is_taken(id) {
            return;
        }
        let has_space = len <= self.connection.send_space(id);
        let (head, tail) = data.split_at(len / 3);
        let is_taken = self.connection.send(now, id, &[head, tail]).is_ok();
        assert!(has_space || !is_taken);
        if is_taken {
            self.written[stream] += len as u64;
        }
    }

    fn read(&mut self) {
        for (stream, id) in StreamId::ALL.into_iter().enumerate() {
            let len = self.connection.readable(id);
            if !self.reads || len == 0 {
                continue;
            }
            let mut data = vec![0; len];
            assert!(self.connection.peek(id, 0, &mut data));
            for (got, offset) in data.into_iter().zip(self.read[stream]..) {
                assert_eq!(got, byte(!self.is_server, stream, offset), "at {offset} of {id:?}");
            }
            self.connection.consume(id, len);
            self.read[stream] += len as u64;
        }
        while let Some(event) = self.connection.poll_event() {
            assert_eq!(self.ended, None, "{event:?} after the end");
            if let ConnectionEvent::Closed(ended) = event {
                // The network can only make it silent.
                assert_eq!(ended, Closed::Idle);
                self.ended = Some(ended);
            }
        }
    }

    /// Everything that a datagram could change, apart from counters and keys.
    fn state(&self) -> String {
        let text = format!("{:?}", self.connection);
        let (before, rest) = text.split_once("counters: Counters {").expect("the counters of the connection");
        format!("{before}{}", rest.split_once('}').expect("their end").1)
    }

    /// Hands a genuine datagram over.
    fn deliver(&mut self, now: Instant, datagram: &Datagram) {
        self.credit[host(datagram.from)] += 3 * datagram.bytes.len() as i64;
        let result = self.connection.handle_datagram(now, datagram.from, &mut datagram.bytes.clone());
        match result {
            Ok(()) | Err(Dropped::BufferFull) => {
                assert!(self.accepted.insert(datagram.id), "a datagram was accepted twice");
            }
            Err(Dropped::Open(OpenError::Replayed)) => assert!(self.accepted.contains(&datagram.id)),
            Err(Dropped::Open(OpenError::Stale) | Dropped::NotOpen) => {}
            Err(error) => panic!("a genuine datagram: {error}"),
        }
    }

    /// Hands over a datagram that the peer did not send: nothing changes.
    fn deliver_forged(&mut self, now: Instant, from: SocketAddr, mut bytes: Vec<u8>) {
        // A datagram that is damaged, or of another type, does not get to a connection.
        let Ok(Packet::Sealed(_)) = Packet::decode(&bytes, Portable::crc32) else { return };
        let (before, counters) = (self.state(), self.connection.counters());
        let result = self.connection.handle_datagram(now, from, &mut bytes);
        assert!(matches!(result, Err(Dropped::Open(_) | Dropped::NotOpen)), "{result:?} of a forged datagram");
        assert_eq!(self.state(), before);
        let after = self.connection.counters();
        assert_eq!((after.received, after.buffer_full), (counters.received, counters.buffer_full));
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        let mut out = vec![0; MAX_DATAGRAM];
        let transmit = self.connection.poll_transmit(now, &mut out)?;
        out.truncate(transmit.len);
        // SPEC 4.4: an address that has not proved itself gets a challenge or a response, and at
        // most three times what came from there.
        if self.connection.remote() != Some(transmit.to) {
            self.credit[host(transmit.to)] -= transmit.len as i64;
            assert!(transmit.len <= CHALLENGE_LEN && self.credit[host(transmit.to)] >= 0, "{transmit:?}");
        }
        Some((transmit.to, out))
    }
}

fn host(address: SocketAddr) -> usize {
    match address.ip() {
        IpAddr::V4(ip) => usize::from(ip.octets()[3]),
        IpAddr::V6(_) => 0,
    }
}

struct World {
    now: Instant,
    client: Side<NewReno>,
    server: Side<RateBased>,
    network: VecDeque<Datagram>,
    /// Larger datagrams are lost.
    max_len: usize,
    sent: usize,
    /// Seals as the server does.
    reflected: Session<Portable>,
}

impl World {
    fn new(client: Memory<NewReno>, server: Memory<RateBased>, input: &mut Input<'_>) -> Self {
        let now = Instant::from_micros(1_000_000);
        let epoch_bits = 6 + input.number(1) as u32 % 15;
        let ack_delay_ms = input.number(1) as u16;
        // A short Hello means that larger datagrams do not pass.
        let max_len = if input.byte() & 1 == 1 { 640 } else { MAX_DATAGRAM };
        let [for_client, for_server] = [client.capacity(), server.capacity()]
            .map(|capacity| TransportParameters { ack_delay_ms, ..capacity.parameters(512) });
        let [mut of_client, mut of_server] = [(Role::Client, for_client), (Role::Server, for_server)]
            .map(|(role, limits)| HandshakeOutput::with_known_secrets(role, 77, limits));
        [of_client.remote, of_server.remote] = [for_server, for_client];
        let reflected = Session::new(now, &of_server, epoch_bits);
        Self {
            now,
            client: Side::new(now, client, &of_client, SERVER, epoch_bits),
            server: Side::new(now, server, &of_server, address(2), epoch_bits),
            network: VecDeque::new(),
            max_len,
            sent: 0,
            reflected,
        }
    }

    /// One step of the script.
    fn step(&mut self, input: &mut Input<'_>) {
        let code = input.byte();
        let (step, is_server) = (code % 16, code & 0x80 != 0);
        match step {
            0..=2 => {
                let len = 1 + input.number(1) * if step == 2 { 8 } else { 1 };
                let stream = usize::from(step == 1);
                if is_server {
                    self.server.write(self.now, stream, len);
                } else {
                    self.client.write(self.now, stream, len);
                }
            }
            3 | 4 => {
                if let Some(datagram) = self.network.pop_front() {
                    self.deliver(&datagram);
                }
            }
            5 => {
                // Out of order.
                if let Some(datagram) = self.pick(input).and_then(|at| self.network.remove(at)) {
                    self.deliver(&datagram);
                }
            }
            6 => drop(self.pick(input).and_then(|at| self.network.remove(at))),
            7 => {
                if let Some(at) = self.pick(input) {
                    self.network.push_back(self.network[at].clone());
                }
            }
            8 | 9 => {
                let Some(at) = self.pick(input) else { return };
                let Datagram { from, to, mut bytes, .. } = self.network[at].clone();
                let len = bytes.len() - CRC_LEN;
                let (place, bit) = (input.number(2), input.byte() % 8);
                // Most of the interesting bytes are in the header and the tag.
                let place = if step == 8 { place % len } else { place % 16 };
                bytes[place] ^= 1 << bit;
                let crc = Portable::crc32(&bytes[..len]).to_be_bytes();
                bytes[len..].copy_from_slice(&crc);
                self.deliver_forged(from, to, bytes);
            }
            10 => {
                // Authentic to the client, but sent to the server.
                let body_len = 1 + input.number(1);
                let mut bytes = vec![1; body_len + OVERHEAD];
                self.reflected.skip_to(input.number(2) as u64);
                if self.reflected.seal(self.now, &mut bytes, body_len).is_ok() {
                    self.deliver_forged(self.client.address, SERVER, bytes);
                }
            }
            11 => {
                // Somebody on the path sends a copy from elsewhere, ahead of it or behind it.
                let Some(at) = self.pick(input) else { return };
                let from = address(100 + input.byte() % 100);
                let datagram = Datagram { from, ..self.network[at].clone() };
                self.deliver(&datagram);
            }
            12 => self.client.address = address(2 + input.byte() % 8),
            13 => self.max_len = 576 + input.number(1) * 4,
            14 => {
                let reads = if is_server { &mut self.server.reads } else { &mut self.client.reads };
                *reads = !*reads;
            }
            _ => {
                let millis = input.number(1) as u64;
                self.wait(Duration::from_millis(if is_server { 16 * millis } else { millis }));
            }
        }
    }

    /// Index of a datagram on the network.
    fn pick(&self, input: &mut Input<'_>) -> Option<usize> {
        input.number(1).checked_rem(self.network.len())
    }

    fn deliver(&mut self, datagram: &Datagram) {
        if datagram.to == SERVER {
            self.server.deliver(self.now, datagram);
        } else if datagram.to == self.client.address {
            self.client.deliver(self.now, datagram);
        }
    }

    fn deliver_forged(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if to == SERVER {
            self.server.deliver_forged(self.now, from, bytes);
        } else {
            self.client.deliver_forged(self.now, from, bytes);
        }
    }

    /// Runs both applications, and puts on the network what the connections send.
    fn settle(&mut self) {
        self.client.read();
        self.server.read();
        for count in 0.. {
            assert!(count < 2 * MAX_AT_ONCE, "more datagrams at once than a burst");
            let sent = self.client.poll_transmit(self.now).map(|sent| (self.client.address, sent));
            let sent = sent.or_else(|| self.server.poll_transmit(self.now).map(|sent| (SERVER, sent)));
            let Some((from, (to, bytes))) = sent else { break };
            self.sent += 1;
            if bytes.len() <= self.max_len {
                self.network.push_back(Datagram { id: self.sent, from, to, bytes });
            }
            if self.network.len() > MAX_NETWORK {
                self.network.pop_front();
            }
        }
        self.client.read();
        self.server.read();
    }

    /// Advances the clock, from timer to timer.
    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        for count in 0.. {
            assert!(count < 20_000, "timers do not end");
            let timers = [self.client.connection.poll_timeout(), self.server.connection.poll_timeout()];
            let Some(next) = timers.into_iter().flatten().min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if timers[0].is_some_and(|at| at <= self.now) {
                self.client.connection.handle_timeout(self.now);
            }
            if timers[1].is_some_and(|at| at <= self.now) {
                self.server.connection.handle_timeout(self.now);
            }
            self.settle();
            let timers = [self.client.connection.poll_timeout(), self.server.connection.poll_timeout()];
            assert!(timers.into_iter().flatten().all(|at| at > self.now), "a timer that was handled is due again");
        }
        self.now = until;
    }

    fn is_done(&self) -> bool {
        (self.client.written, self.server.written) == (self.server.read, self.client.read)
            && StreamId::ALL
                .into_iter()
                .all(|id| self.client.connection.unacknowledged(id) + self.server.connection.unacknowledged(id) == 0)
    }

    /// The network is kind from now on, and there is memory: everything arrives.
    fn recover(&mut self) {
        let [client, server] = [self.client.connection.silence(self.now), self.server.connection.silence(self.now)];
        let goes_on = client.max(server) < SILENCE;
        let until = self.now + RECOVERY;
        (self.client.reads, self.server.reads) = (true, true);
        self.client.connection.memory().stop_refusing();
        self.server.connection.memory().stop_refusing();
        self.settle();
        while !self.is_done() && self.now < until {
            if !goes_on && (self.client.ended.is_some() || self.server.ended.is_some()) {
                break;
            }
            let timers = [self.client.connection.poll_timeout(), self.server.connection.poll_timeout()];
            let next = timers.into_iter().flatten().min().unwrap_or(until);
            let span = if self.network.is_empty() { next.saturating_since(self.now).max(DELAY) } else { DELAY };
            // What was sent before this delay arrives after it.
            let arrives = self.network.len();
            self.wait(span);
            for _ in 0..arrives.min(self.network.len()) {
                let datagram = self.network.pop_front().expect("counted");
                self.deliver(&datagram);
                self.settle();
            }
        }
        let progress = [self.client.written, self.server.read, self.server.written, self.client.read];
        let ended = [self.client.ended, self.server.ended];
        assert!(!goes_on || (self.is_done() && ended == [None; 2]), "{progress:?} {ended:?}");
    }
}
