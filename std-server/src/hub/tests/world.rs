//! A hub, clients, and a network between them, in virtual time.

use core::net::SocketAddr;
use std::collections::VecDeque;

use kabar_core::chat::EntryKind;
use kabar_core::crypto::Portable;
use kabar_core::time::{Duration, Instant};

use super::fake_client::{Credential, FakeClient, JoinArgs, ROOM, SECRET, join_args};
use super::server_key::{Key, MODULUS};
use crate::contents::MemoryContents;
use crate::hub::{Done, Hub, HubConfig, HubEvent, Job, JobKind, Loaded, OperatorError, PasswordVerifier, RoomId};
use crate::store::{LogEntry, MemoryStore, Visibility};

/// The password of rooms that have one.
pub(super) const PASSWORD: &str = "open sesame";
const DELAY: Duration = Duration::from_millis(1);
/// 2024-11-01 10:37:10.
pub(super) const WALL_MS: u64 = 1_730_457_430_000;

struct Verifier;

impl PasswordVerifier for Verifier {
    fn verify(&self, password: &[u8]) -> bool {
        password == PASSWORD.as_bytes()
    }
}

/// A datagram in transit between a client and the server.
struct InTransit {
    at: Instant,
    client: usize,
    to_server: bool,
    from: SocketAddr,
    bytes: Vec<u8>,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) config: HubConfig,
    pub(super) hub: Hub<Portable>,
    pub(super) store: MemoryStore,
    pub(super) contents: MemoryContents,
    pub(super) clients: Vec<FakeClient>,
    pub(super) events: Vec<HubEvent>,
    /// Kinds of jobs that are not run, but wait in `jobs`.
    pub(super) held: Vec<JobKind>,
    pub(super) jobs: VecDeque<Job<Portable>>,
    /// Destination and length of each datagram that the server sent.
    pub(super) sent: Vec<(SocketAddr, usize)>,
    /// Datagrams to addresses that are those of no client.
    pub(super) to_others: Vec<(SocketAddr, Vec<u8>)>,
    /// All datagrams that clients sent, to be replayed.
    pub(super) recorded: Vec<(SocketAddr, Vec<u8>)>,
    in_transit: VecDeque<InTransit>,
    runs: u8,
}

pub(super) fn server() -> SocketAddr {
    SocketAddr::from(([10, 9, 9, 9], 9999))
}

pub(super) fn config() -> HubConfig {
    HubConfig::new(ROOM, SECRET)
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut HubConfig)) -> Self {
        let mut config = config();
        change(&mut config);
        Self::over(config, MemoryStore::new())
    }

    pub(super) fn over(config: HubConfig, mut store: MemoryStore) -> Self {
        let now = Instant::ZERO + Duration::from_secs(1_000);
        let loaded = Loaded::read(&mut store, ROOM).expect("readable");
        let mut world = Self {
            now,
            hub: Hub::new(config.clone(), loaded, &MODULUS, [7; 32], now),
            config,
            store,
            contents: MemoryContents::new(),
            clients: Vec::new(),
            events: Vec::new(),
            held: Vec::new(),
            jobs: VecDeque::new(),
            sent: Vec::new(),
            to_others: Vec::new(),
            recorded: Vec::new(),
            in_transit: VecDeque::new(),
            runs: 0,
        };
        world.hub.set_wall(now, WALL_MS);
        world.drain();
        world
    }

    /// Adds a room in addition to the first one, if there is none of this name, and loads it.
    pub(super) fn add_room(&mut self, name: &str) -> RoomId {
        self.add_room_with(name, Visibility::Open)
    }

    /// As [`Self::add_room`], but private.
    pub(super) fn add_private_room(&mut self, name: &str) -> RoomId {
        self.add_room_with(name, Visibility::Private)
    }

    fn add_room_with(&mut self, name: &str, visibility: Visibility) -> RoomId {
        let added = self.hub.add_room(self.now, None, name, visibility, "");
        assert!(matches!(added, Ok(()) | Err(OperatorError::RoomExists)));
        self.open_room(name)
    }

    /// Loads a room.
    pub(super) fn open_room(&mut self, name: &str) -> RoomId {
        while self.hub.open_room(self.now, name).expect("there is such a room").is_none() {
            self.run_ms(5);
        }
        let id = self.hub.open_room(self.now, name).expect("there is such a room").expect("it is loaded");
        self.drain();
        id
    }

    /// The server is killed and started again over what its store holds.
    pub(super) fn restart(&mut self) {
        self.runs += 1;
        self.jobs.clear();
        self.in_transit.clear();
        let loaded = Loaded::read(&mut self.store, ROOM).expect("readable");
        self.hub = Hub::new(self.config.clone(), loaded, &MODULUS, [100 + self.runs; 32], self.now);
        self.hub.set_wall(self.now, WALL_MS + 1_000_000 * u64::from(self.runs));
        self.drain();
    }

    /// A new client at its own address.
    pub(super) fn client(&mut self) -> usize {
        let index = self.clients.len();
        let [high, low] = (index as u16).to_be_bytes();
        self.client_at(SocketAddr::from(([10, 1, high, low], 5_000)))
    }

    pub(super) fn client_at(&mut self, address: SocketAddr) -> usize {
        self.clients.push(FakeClient::new(address, self.clients.len() as u8));
        self.clients.len() - 1
    }

    /// Connects a client.
    pub(super) fn connect(&mut self, client: usize) {
        self.clients[client].connect(self.now);
        self.run_ms(50);
        assert!(self.clients[client].is_connected(), "no connection");
    }

    /// Connects, sends a Join, and lets half a second pass.
    pub(super) fn attempt_join(&mut self, client: usize, join_args: &JoinArgs) {
        self.connect(client);
        self.clients[client].join(join_args);
        self.run_ms(500);
    }

    /// A new client that joins.
    pub(super) fn join(&mut self, join_args: &JoinArgs) -> usize {
        let client = self.client();
        self.attempt_join(client, join_args);
        assert!(self.clients[client].is_welcome(), "not welcome: {:?}", self.clients[client].received);
        client
    }

    /// A new client whose secret is wrong, and which is cut off before it receives the refusal.
    pub(super) fn refuse_without_acknowledgement(&mut self) -> usize {
        let client = self.client();
        self.connect(client);
        self.clients[client].join(&JoinArgs { credential: Credential::WrongSecret, ..join_args("Ana", 1) });
        self.run_ms(1);
        self.clients[client].is_cut = true;
        client
    }

    pub(super) fn run_ms(&mut self, millis: u64) {
        self.run(Duration::from_millis(millis));
    }

    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        self.drain();
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            while self.in_transit.front().is_some_and(|in_transit| in_transit.at <= self.now) {
                self.deliver_next();
            }
            if self.hub.poll_timeout().is_some_and(|at| at <= self.now) {
                self.hub.handle_timeout(self.now);
                self.drain_hub();
                assert!(self.hub.poll_timeout().is_none_or(|at| at > self.now), "the hub's timer does not move on");
            }
            for client in 0..self.clients.len() {
                let mut turns = 0;
                while self.clients[client].poll_timeout().is_some_and(|at| at <= self.now) {
                    self.clients[client].handle_timeout(self.now, server());
                    self.drain_client(client);
                    turns += 1;
                    assert!(turns < 100, "a client's timer does not move on");
                }
            }
        }
        self.now = end;
    }

    fn next(&self) -> Option<Instant> {
        let clients = self.clients.iter().filter_map(FakeClient::poll_timeout);
        clients.chain(self.hub.poll_timeout()).chain(self.in_transit.front().map(|in_transit| in_transit.at)).min()
    }

    fn deliver_next(&mut self) {
        let Some(mut in_transit) = self.in_transit.pop_front() else { return };
        let client = &self.clients[in_transit.client];
        if client.is_cut || (client.is_unreachable && !in_transit.to_server) {
            return;
        }
        if in_transit.to_server {
            self.hub.handle_datagram(self.now, in_transit.from, &mut in_transit.bytes);
            self.drain_hub();
        } else {
            self.clients[in_transit.client].handle_datagram(self.now, server(), &mut in_transit.bytes);
            self.drain_client(in_transit.client);
        }
    }

    /// Passes a datagram to the hub immediately.
    pub(super) fn inject(&mut self, from: SocketAddr, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        self.hub.handle_datagram(self.now, from, &mut bytes);
        self.drain_hub();
    }

    /// Sends everything that hub and clients have to send.
    pub(super) fn drain(&mut self) {
        self.drain_hub();
        for client in 0..self.clients.len() {
            self.drain_client(client);
        }
    }

    fn drain_client(&mut self, client: usize) {
        let mut out = [0; 1200];
        while let Some(len) = self.clients[client].poll_transmit(self.now, &mut out) {
            let from = self.clients[client].address;
            self.recorded.push((from, out[..len].to_vec()));
            let bytes = out[..len].to_vec();
            self.in_transit.push_back(InTransit { at: self.now + DELAY, client, to_server: true, from, bytes });
        }
    }

    fn drain_hub(&mut self) {
        loop {
            self.drain_hub_transmits();
            self.hub.create_jobs(self.now);
            self.drain_hub_transmits();
            while let Some(job) = self.hub.poll_job() {
                self.jobs.push_back(job);
            }
            while let Some(event) = self.hub.poll_event() {
                self.events.push(event);
            }
            let Some(at) = self.jobs.iter().position(|job| !self.held.contains(&job.kind())) else {
                if !self.hub.has_transmit() {
                    return;
                }
                // Work that waits until others had their turn.
                self.hub.handle_timeout(self.now);
                continue;
            };
            let job = self.jobs.remove(at).expect("in range");
            let done = self.run_job(job);
            self.hub.handle_done(self.now, done);
        }
    }

    fn drain_hub_transmits(&mut self) {
        let mut out = [0; 1200];
        while let Some(transmit) = self.hub.poll_transmit(self.now, &mut out) {
            self.sent.push((transmit.to, transmit.len));
            let client = self.clients.iter().position(|client| client.address == transmit.to);
            if let Some(client) = client {
                let bytes = out[..transmit.len].to_vec();
                let from = server();
                self.in_transit.push_back(InTransit { at: self.now + DELAY, client, to_server: false, from, bytes });
            } else {
                self.to_others.push((transmit.to, out[..transmit.len].to_vec()));
            }
        }
    }

    /// Runs the hub's jobs until there are none. Everything else waits.
    pub(super) fn run_jobs(&mut self) {
        loop {
            self.hub.create_jobs(self.now);
            let Some(job) = self.hub.poll_job() else { return };
            let done = self.run_job(job);
            self.hub.handle_done(self.now, done);
        }
    }

    pub(super) fn run_job(&mut self, job: Job<Portable>) -> Done {
        job.run(&Key, &Verifier, &mut self.store, &mut self.contents)
    }

    /// Lets jobs of this kind wait from now on.
    pub(super) fn hold(&mut self, kind: JobKind) {
        self.held.push(kind);
    }

    /// Runs the waiting jobs.
    pub(super) fn release(&mut self) {
        self.held.clear();
        self.drain_hub();
    }

    /// The log in the store.
    pub(super) fn log(&self) -> &[LogEntry] {
        self.store.entries(ROOM)
    }

    /// The texts in the log.
    pub(super) fn texts(&self) -> Vec<String> {
        let texts = self.log().iter().filter(|entry| entry.kind == EntryKind::TEXT);
        texts.map(|entry| String::from_utf8(entry.body.clone()).expect("a text")).collect()
    }

    /// Name and kind of each entry about a member: joined, left, ...
    pub(super) fn announcements(&self) -> Vec<(String, EntryKind)> {
        let announcements = self.log().iter().filter(|entry| entry.instance == 0);
        announcements.map(|entry| (entry.author.clone(), entry.kind)).collect()
    }
}
