//! A client, a server, a lossy network, and a clock that jumps from event to event.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::string::String;
use std::sync::LazyLock;
use std::vec;
use std::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::server::{self, REFUSAL, SECRET, Server};
use crate::chat::{EntryKind, Info, MAX_MESSAGE_LEN, PostRefusedCode, RefusedCode, ServerMessage, Start, Term};
use crate::client::{Client, Config, Credential, DisconnectReason, EndReason, Event, Output, RoomSlot};
use crate::connection::Transmit;
use crate::crypto::Portable;
use crate::crypto::identity::Identity;
use crate::crypto::rsa::AnyRsa;
use crate::session::Fingerprint;
use crate::time::{Duration, Instant};
use crate::transport::InlineBuffers;

pub(super) type TestClient<const ROOMS: usize = 1> =
    Client<AnyRsa, InlineBuffers<8192, 8192, 8192, 32>, Portable, 4096, 4480, ROOMS>;

pub(super) const HOME: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 4321);
pub(super) static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::from_seed(&[0x1d; 32]));

/// An [`Event`], owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    UnknownServerKey(Fingerprint),
    Joined {
        name: String,
        start: u64,
        head: u64,
        term: Term,
        is_resumed: bool,
    },
    Reset,
    Gap {
        after: u64,
        first: u64,
    },
    Entry {
        seq: u64,
        number: u64,
        body: Vec<u8>,
        own: bool,
    },
    EntryTooLarge {
        seq: u64,
        size: u16,
    },
    Stored {
        number: u64,
        seq: u64,
    },
    PostRefused {
        number: u64,
        code: PostRefusedCode,
    },
    OutboxWritable,
    /// Encoded, with its length field.
    Info(Vec<u8>),
    Refused {
        code: RefusedCode,
        text: String,
    },
    RoomEnded {
        reason: EndReason,
        unsettled: u64,
    },
    Disconnected(DisconnectReason),
    Reconnected,
    Ended(EndReason),
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::UnknownServerKey(fingerprint) => Self::UnknownServerKey(fingerprint),
            Event::Joined { name, start, head, term, is_resumed, .. } => {
                Self::Joined { name: name.into(), start, head, term, is_resumed }
            }
            Event::Reset { .. } => Self::Reset,
            Event::Gap { after, first, .. } => Self::Gap { after, first },
            Event::Entry { header, body, own, .. } => {
                Self::Entry { seq: header.seq, number: header.number, body: body.to_vec(), own }
            }
            Event::EntryTooLarge { header, size, .. } => Self::EntryTooLarge { seq: header.seq, size },
            Event::Stored { number, seq, .. } => Self::Stored { number, seq },
            Event::PostRefused { number, code, .. } => Self::PostRefused { number, code },
            Event::OutboxWritable { .. } => Self::OutboxWritable,
            Event::Info { info, .. } => Self::info(info),
            Event::Refused { code, text, .. } => Self::Refused { code, text: text.into() },
            Event::RoomEnded { reason, unsettled, .. } => Self::RoomEnded { reason, unsettled },
            Event::Disconnected(lost) => Self::Disconnected(lost),
            Event::Reconnected => Self::Reconnected,
            Event::Ended(reason) => Self::Ended(reason),
        }
    }
}

impl Seen {
    pub(super) fn info(info: Info<'_>) -> Self {
        let mut message = vec![0; MAX_MESSAGE_LEN];
        let len = ServerMessage::Info(info).encode(&mut message).unwrap();
        message.truncate(len);
        Self::Info(message)
    }

    pub(super) fn refused(code: RefusedCode) -> Self {
        Self::Refused { code, text: REFUSAL.into() }
    }
}

struct Datagram {
    arrives: Instant,
    from: SocketAddr,
    to_client: bool,
    bytes: Vec<u8>,
}

/// A world with a client for one room.
pub(super) type World = WorldOf<1>;

pub(super) struct WorldOf<const ROOMS: usize> {
    pub(super) now: Instant,
    pub(super) client: TestClient<ROOMS>,
    pub(super) server: Server,
    pub(super) seen: Vec<Seen>,
    /// Those events that concern one room.
    pub(super) seen_in: Vec<(RoomSlot, Seen)>,
    /// Datagrams lost, in percent.
    pub(super) loss: u32,
    /// All datagrams from the server are lost.
    pub(super) is_deaf: bool,
    /// Whether the caller polls events.
    pub(super) polls: bool,
    /// First bytes of every datagram that the client sent, with the time.
    pub(super) sent: Vec<(Instant, Vec<u8>)>,
    /// Public-key operations of the client: in total, and in the call that did most.
    pub(super) operations: u32,
    pub(super) most_operations: u32,
    /// When the client is to be woken up.
    pub(super) deadline: Option<Instant>,
    flight: Vec<Datagram>,
    rng: ChaCha8Rng,
}

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) fn config() -> Config<'static> {
    Config {
        server: server::ADDRESS,
        fingerprint: None,
        room: "lobby",
        name: "bob",
        is_default_name: false,
        identity: &IDENTITY,
        credential: Credential::Secret(SECRET),
        start: Start::Head,
        max_entry_len: 4352,
        idle_s: 60,
        ack_delay_ms: 5,
        tick_us: 1000,
    }
}

impl<const ROOMS: usize> WorldOf<ROOMS> {
    /// Creates a world with an idle client.
    pub(super) fn idle(server: Server) -> Self {
        Self {
            now: Instant::from_micros(77_000_000),
            client: Client::new(InlineBuffers::new()),
            server,
            seen: Vec::new(),
            seen_in: Vec::new(),
            loss: 0,
            is_deaf: false,
            polls: true,
            sent: Vec::new(),
            operations: 0,
            most_operations: 0,
            deadline: None,
            flight: Vec::new(),
            rng: ChaCha8Rng::seed_from_u64(1),
        }
    }

    /// Starts the client, which expects the key of the server.
    pub(super) fn start(config: &Config<'_>) -> Self {
        Self::start_with(Server::new(), config, 1)
    }

    pub(super) fn start_with(server: Server, config: &Config<'_>, seed: u8) -> Self {
        let mut world = Self::idle(server);
        let fingerprint = config.fingerprint.unwrap_or(server::fingerprint(0));
        world.rng = ChaCha8Rng::seed_from_u64(u64::from(seed));
        world.client.start(&Config { fingerprint: Some(fingerprint), ..*config }, [seed; 32], world.now).unwrap();
        world
    }

    /// A client that has joined; the events up to then are removed.
    pub(super) fn online() -> Self {
        Self::online_with(&config())
    }

    pub(super) fn online_with(config: &Config<'_>) -> Self {
        let mut world = Self::start(config);
        world.run_until(secs(5), |world| world.has_joined());
        world.run(Duration::from_millis(300));
        world.seen.clear();
        world
    }

    pub(super) fn has_joined(&self) -> bool {
        self.seen.iter().any(|seen| matches!(seen, Seen::Joined { .. }))
    }

    /// The last events other than entries.
    pub(super) fn last_seen(&self) -> Vec<&Seen> {
        let mut seen: Vec<_> = self.seen.iter().filter(|seen| !matches!(seen, Seen::Entry { .. })).collect();
        seen.split_off(seen.len().saturating_sub(12))
    }

    pub(super) fn ended(&self) -> Option<EndReason> {
        self.seen.iter().find_map(|seen| match seen {
            Seen::Ended(reason) => Some(*reason),
            _ => None,
        })
    }

    /// Bodies of all entries, in the order reported.
    pub(super) fn bodies(&self) -> Vec<Vec<u8>> {
        self.seen
            .iter()
            .filter_map(|seen| match seen {
                Seen::Entry { body, .. } => Some(body.clone()),
                _ => None,
            })
            .collect()
    }

    pub(super) fn post(&mut self, body: &[u8]) -> u64 {
        self.client.post(RoomSlot::FIRST, EntryKind::TEXT, body).unwrap()
    }

    pub(super) fn count(&self, wanted: &Seen) -> usize {
        self.seen.iter().filter(|seen| *seen == wanted).count()
    }

    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end) {}
    }

    /// Runs until `done`, and fails if that is not within `span`.
    #[track_caller]
    pub(super) fn run_until(&mut self, span: Duration, mut done: impl FnMut(&Self) -> bool) {
        let end = self.now + span;
        loop {
            if done(self) {
                return;
            }
            assert!(self.step(end), "not within {} s: {:?}", span.as_millis() / 1000, self.last_seen());
        }
    }

    /// Delivers a datagram from any address to the client now.
    pub(super) fn inject(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        self.client.handle_datagram(self.now, from, &mut datagram);
        self.drain();
    }

    /// Advances to the next event; returns `false` if there is none until `end`.
    fn step(&mut self, end: Instant) -> bool {
        self.drain();
        let arrival = self.flight.iter().map(|datagram| datagram.arrives).min();
        let next = [arrival, self.deadline, self.server.poll_timeout()].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        while let Some(at) = self.flight.iter().position(|datagram| datagram.arrives <= self.now) {
            let mut datagram = self.flight.remove(at);
            if datagram.to_client {
                self.client.handle_datagram(self.now, datagram.from, &mut datagram.bytes);
            } else if let Some(reply) = self.server.handle(self.now, datagram.from, &mut datagram.bytes) {
                self.launch(server::ADDRESS, true, reply);
            }
            self.drain();
        }
        if self.deadline.is_some_and(|due| due <= self.now) {
            let before = self.client.remaining();
            self.client.handle_timeout(self.now);
            let done = before.iter().zip(self.client.remaining()).filter(|(before, after)| **before && !after).count();
            self.operations += done as u32;
            self.most_operations = self.most_operations.max(done as u32);
        }
        if self.server.poll_timeout().is_some_and(|due| due <= self.now) {
            self.server.handle_timeout(self.now);
        }
        self.drain();
        true
    }

    fn drain(&mut self) {
        let mut out = vec![0; 1200];
        if self.polls {
            self.client.resume_events();
        } else {
            self.client.pause_events();
        }
        self.deadline = loop {
            match self.client.poll_output(self.now, &mut out) {
                Output::Event(event) => {
                    self.seen_in.extend(event.room().map(|room| (room, event.into())));
                    self.seen.push(event.into());
                }
                Output::Transmit(Transmit { to, len }) => {
                    self.sent.push((self.now, out[..len].to_vec()));
                    if to == server::ADDRESS {
                        self.launch(HOME, false, out[..len].to_vec());
                    }
                }
                Output::Timeout(deadline) => break deadline,
            }
        };
        let is_due = self.deadline.is_some_and(|due| due <= self.now);
        assert!(is_due || !self.client.remaining().contains(&true), "a step remains, and is not due");
        self.server.work(self.now);
        while let Some((_, bytes)) = self.server.poll_transmit(self.now) {
            self.launch(server::ADDRESS, true, bytes);
        }
    }

    fn launch(&mut self, from: SocketAddr, to_client: bool, bytes: Vec<u8>) {
        if self.rng.next_u32() % 100 < self.loss || (self.is_deaf && to_client) {
            return;
        }
        let jitter = if self.loss == 0 { 0 } else { u64::from(self.rng.next_u32() % 15_000) };
        let arrives = self.now + Duration::from_micros(10_000 + jitter);
        self.flight.push(Datagram { arrives, from, to_client, bytes });
    }
}

impl<const ROOMS: usize> TestClient<ROOMS> {
    /// Which public-key operations are pending: KEM, share, agreement, signature.
    fn remaining(&self) -> [bool; 4] {
        let handshake = std::format!("{:?}", self.handshake);
        let is_at = |phase| handshake.contains(phase);
        [is_at("Encapsulate"), is_at("Share"), is_at("Agree"), self.due_join().is_some()]
    }
}
