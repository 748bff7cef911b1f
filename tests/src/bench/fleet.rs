//! Many members on one thread: each has its own socket, or shares one with a few others; all share
//! a poll and a clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration as StdDuration;

use kabar_core::chat::Start;
use kabar_core::client::{Config, Credential, Event, Output, PostError};
use kabar_core::connection::Transmit;
use kabar_core::crypto::identity::Identity;
use kabar_core::time::{Duration, Instant};
use kabar_server::hub::Pool;
use kabar_std::clock::Clock;
use kabar_std::random::random_bytes;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Protocol, Socket, Type};

use super::Error;
use super::member::{Member, member, pool};
use super::server::Target;

/// Datagrams taken from one socket before the next socket is served.
const DATAGRAMS_PER_TURN: usize = 64;
/// Requested size of receive buffers, like that of the client for hosts.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Longest datagram of the protocol, and one byte to detect longer ones.
const BUFFER: usize = 1201;
/// A nearer deadline is reached in a busy loop: sleeping would be a millisecond late.
const SPIN: Duration = Duration::from_micros(1_200);

/// Members, by index.
pub(super) struct Fleet {
    target: Target,
    idle_s: u16,
    /// Members of each room; `None`: all are in the first room of the server.
    per_room: Option<usize>,
    pool: Pool,
    poll: Poll,
    events: Events,
    clock: Clock,
    /// Members of each socket: more than one where the system does not allow as many open files.
    per_socket: usize,
    sockets: Vec<Shared>,
    slots: Vec<Slot>,
    /// Deadlines that were set; only the one that its slot still has is valid.
    deadlines: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Sockets that may have more datagrams.
    readable: VecDeque<usize>,
    /// Slots that had an input: their output must be drained.
    touched: Vec<usize>,
    traffic: Traffic,
}

/// Datagrams on all sockets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) received: u64,
    pub(super) received_bytes: u64,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
}

/// The socket of `per_socket` members in a row.
struct Shared {
    socket: UdpSocket,
    is_readable: bool,
}

struct Slot {
    member: Box<dyn Member>,
    deadline: Option<Instant>,
    is_touched: bool,
    received: u64,
}

impl Fleet {
    /// A fleet without members. `idle_s`: the idle timeout that members state.
    pub(super) fn new(target: Target, idle_s: u16) -> Result<Self, Error> {
        Ok(Self {
            target,
            idle_s,
            per_room: None,
            pool: pool(),
            poll: Poll::new().map_err(Error::io("wait for sockets"))?,
            events: Events::with_capacity(1024),
            clock: Clock::start(),
            per_socket: 1,
            sockets: Vec::new(),
            slots: Vec::new(),
            deadlines: BinaryHeap::new(),
            readable: VecDeque::new(),
            touched: Vec::new(),
            traffic: Traffic::default(),
        })
    }

    /// Spreads the members over rooms that exist, with this number in each.
    pub(super) fn spread(&mut self, per_room: usize) {
        self.per_room = Some(per_room);
    }

    /// Lets this number of members share each socket. Before the first member.
    pub(super) fn share_sockets(&mut self, per_socket: usize) {
        self.per_socket = per_socket;
    }

    /// The name of the n-th room.
    pub(super) fn room_name(number: usize) -> String {
        format!("room{number:05}")
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Number of datagrams that the socket of a member received.
    pub(super) fn received(&self, slot: usize) -> u64 {
        self.slots[slot].received
    }

    /// Adds a member that is not started and returns its index.
    pub(super) fn add(&mut self, posts: bool) -> Result<usize, Error> {
        let number = self.slots.len();
        if number.is_multiple_of(self.per_socket) {
            let mut socket = socket(self.target.server).map_err(Error::io("create a socket"))?;
            let (token, interest) = (Token(self.sockets.len()), Interest::READABLE);
            self.poll.registry().register(&mut socket, token, interest).map_err(Error::io("register a socket"))?;
            self.sockets.push(Shared { socket, is_readable: false });
        }
        let member = member(&self.pool, posts);
        self.slots.push(Slot { member, deadline: None, is_touched: false, received: 0 });
        Ok(number)
    }

    /// Starts a member, or starts it again.
    pub(super) fn start(&mut self, slot: usize) -> Result<(), Error> {
        let mut identity = [0x5a; 32];
        identity[..8].copy_from_slice(&(slot as u64).to_be_bytes());
        let room = self.per_room.map_or_else(|| "lobby".to_owned(), |per_room| Self::room_name(slot / per_room));
        let config = Config {
            server: self.target.server,
            fingerprint: Some(self.target.fingerprint),
            room: &room,
            name: &format!("m{slot:05}"),
            is_default_name: false,
            identity: &Identity::from_seed(&identity),
            credential: Credential::Secret(self.target.secret),
            start: Start::Head,
            max_entry_len: kabar_client::profile::LARGEST_ENTRY,
            idle_s: self.idle_s,
            ack_delay_ms: kabar_client::profile::ACK_DELAY_MS,
            tick_us: kabar_client::profile::TICK_US,
        };
        let seed = random_bytes().map_err(Error::io("draw random bytes"))?;
        let now = self.now();
        self.slots[slot].member.start(&config, seed, now).map_err(|error| Error::new(error.to_string()))?;
        self.touch(slot);
        Ok(())
    }

    /// Posts a line; `false` if the outbox is full.
    pub(super) fn post(&mut self, slot: usize, body: &[u8]) -> Result<bool, Error> {
        match self.slots[slot].member.post(body) {
            Ok(_) => {
                self.touch(slot);
                Ok(true)
            }
            Err(PostError::Full) => Ok(false),
            Err(error) => Err(Error::new(error.to_string())),
        }
    }

    /// Starts leaving.
    pub(super) fn leave(&mut self, slot: usize) {
        let now = self.now();
        self.slots[slot].member.leave(now);
        self.touch(slot);
    }

    /// Sends pending datagrams, waits until `until` or the next input, and passes inputs to their
    /// members. Calls `each` with every event.
    pub(super) fn turn(
        &mut self,
        until: Instant,
        each: &mut dyn FnMut(usize, &Event<'_>, Instant),
    ) -> Result<(), Error> {
        self.settle(each);
        let next = self.deadlines.peek().map_or(until, |Reverse((deadline, _))| until.min(*deadline));
        let left = next.saturating_since(self.now());
        let is_soon = !self.readable.is_empty() || left < SPIN;
        let timeout = if is_soon { StdDuration::ZERO } else { StdDuration::from_micros(left.as_micros()) };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(Error::io("wait for sockets")(error));
            }
            _ => {}
        }
        for event in &self.events {
            let number = event.token().0;
            if !std::mem::replace(&mut self.sockets[number].is_readable, true) {
                self.readable.push_back(number);
            }
        }
        for _ in 0..self.readable.len() {
            let Some(number) = self.readable.pop_front() else { break };
            if self.receive(number) {
                self.readable.push_back(number);
            } else {
                self.sockets[number].is_readable = false;
            }
            self.settle(each);
        }
        let now = self.now();
        while let Some(Reverse((deadline, number))) = self.deadlines.peek().copied()
            && deadline <= now
        {
            self.deadlines.pop();
            let slot = &mut self.slots[number];
            if slot.deadline == Some(deadline) {
                slot.deadline = None;
                slot.member.handle_timeout(now);
                self.touch(number);
            }
        }
        self.settle(each);
        Ok(())
    }

    /// Receives datagrams. Returns whether the socket may have more.
    fn receive(&mut self, number: usize) -> bool {
        let mut buffer = [0; BUFFER];
        let first = number * self.per_socket;
        let members = first..self.slots.len().min(first + self.per_socket);
        for _ in 0..DATAGRAMS_PER_TURN {
            match self.sockets[number].socket.recv(&mut buffer) {
                Ok(len) => {
                    self.traffic.received += 1;
                    self.traffic.received_bytes += len as u64;
                    // A member ignores the datagrams for others.
                    for number in members.clone() {
                        let now = self.clock.now();
                        let slot = &mut self.slots[number];
                        slot.received += 1;
                        let mut datagram = buffer;
                        slot.member.handle_datagram(now, self.target.server, &mut datagram[..len]);
                        self.touch(number);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // The server is not listening at the moment.
                Err(_) => {}
            }
        }
        true
    }

    fn touch(&mut self, number: usize) {
        if !std::mem::replace(&mut self.slots[number].is_touched, true) {
            self.touched.push(number);
        }
    }

    /// Drains the output of all members that had an input.
    fn settle(&mut self, each: &mut dyn FnMut(usize, &Event<'_>, Instant)) {
        let mut out = [0; BUFFER];
        while let Some(number) = self.touched.pop() {
            let now = self.clock.now();
            let slot = &mut self.slots[number];
            slot.is_touched = false;
            let deadline = loop {
                match slot.member.poll_output(now, &mut out) {
                    Output::Event(event) => each(number, &event, now),
                    Output::Transmit(Transmit { len, .. }) => {
                        self.traffic.sent += 1;
                        self.traffic.sent_bytes += len as u64;
                        // A datagram that the system does not accept is lost, as on the network.
                        let _ = self.sockets[number / self.per_socket].socket.send(&out[..len]);
                    }
                    Output::Timeout(deadline) => break deadline,
                }
            };
            if deadline != slot.deadline {
                slot.deadline = deadline;
                self.deadlines.extend(deadline.map(|deadline| Reverse((deadline, number))));
            }
        }
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fleet").field("members", &self.slots.len()).finish_non_exhaustive()
    }
}

impl Traffic {
    pub(super) fn since(self, begin: Self) -> Self {
        Self {
            received: self.received - begin.received,
            received_bytes: self.received_bytes - begin.received_bytes,
            sent: self.sent - begin.sent,
            sent_bytes: self.sent_bytes - begin.sent_bytes,
        }
    }
}

/// A socket that exchanges datagrams with `remote` only.
pub(super) fn socket(remote: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(remote), Type::DGRAM, Some(Protocol::UDP))?;
    // A smaller buffer than requested is acceptable.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_nonblocking(true)?;
    if remote.is_ipv4() {
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    }
    socket.connect(&remote.into())?;
    Ok(UdpSocket::from_std(socket.into()))
}
