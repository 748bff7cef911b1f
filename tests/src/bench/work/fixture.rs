//! The real hub on one thread in virtual time, with every call timed.

use std::net::SocketAddr;
use std::time::Instant as Clock;

use kabar_core::chat::{EntryKind, Term};
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::time::{Duration, Instant};
use kabar_server::contents::NoContents;
use kabar_server::hub::{Counters, Done, Hub, HubConfig, HubLimits, Job, JobKind, Loaded, NoPassword};
use kabar_server::store::{LogEntry, MemoryStore, RoomBatch, Store, TermRecord};
use kabar_std::provider::Accelerated;

use super::{BODY, DATAGRAM_LEN, ROOM, SECRET};
use crate::bench::Error;
use crate::raw::Raw;
use crate::sim::keys::SimPrivateKey;

/// Milliseconds without output after which everything is done.
const QUIET_MS: u32 = 30;

/// The cost of a datagram.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Seconds of the serving thread until everything that the datagram requested is done.
    pub(super) hub: f64,
    /// The longest part of `hub` that others wait for: one call with an input, or all output that
    /// is available at once.
    pub(super) longest: f64,
    /// Seconds of the thread for public-key work.
    pub(super) accept: f64,
    /// Seconds of the threads of the store, which is in memory here.
    pub(super) store: f64,
    /// Turns with output.
    pub(super) turns: u64,
    pub(super) lookups: u64,
    pub(super) page_reads: u64,
    pub(super) bytes_out: u64,
}

pub(super) struct Fixture {
    hub: Hub<Accelerated>,
    store: MemoryStore,
    key: SimPrivateKey,
    pub(super) now: Instant,
    /// Clients; the n-th has the n-th address.
    pub(super) peers: Vec<Raw>,
    cost: Cost,
}

impl Fixture {
    /// A room whose log has `entries` entries.
    pub(super) fn new(entries: u64, change: impl FnOnce(&mut HubLimits)) -> Result<Self, Error> {
        let entry = |seq| LogEntry {
            seq,
            time_ms: 1_700_000_000_000,
            author: "server".to_owned(),
            instance: 0,
            number: 0,
            kind: EntryKind::OPERATOR,
            body: vec![b'x'; BODY],
        };
        let mut store = MemoryStore::new();
        let term = Some(TermRecord { term: Term([1; 8]), first_seq: 1 });
        let batch = RoomBatch {
            room: ROOM.to_owned(),
            term,
            entries: (1..=entries).map(entry).collect(),
            ..RoomBatch::default()
        };
        store.commit(&batch.into()).map_err(|_| Error::new("the log cannot be created"))?;
        let loaded = Loaded::read(&mut store, ROOM).map_err(|_| Error::new("the log cannot be read"))?;
        let mut config = HubConfig::new(ROOM, SECRET);
        config.limits.post_rate = 0;
        change(&mut config.limits);
        let key = SimPrivateKey::real();
        let now = Instant::ZERO + Duration::from_secs(1_000);
        let hub = Hub::new(config, loaded, key.modulus(), [7; 32], now);
        let mut fixture = Self { hub, store, key, now, peers: Vec::new(), cost: Cost::default() };
        fixture.settle();
        Ok(fixture)
    }

    /// A peer that has not sent anything yet.
    pub(super) fn stranger(&mut self) -> usize {
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&self.peers.len().to_be_bytes());
        self.peers.push(Raw::new(self.now, &seed, SECRET, ROOM));
        self.peers.len() - 1
    }

    /// A peer that has completed its handshake and whose connection is half-open at the server.
    pub(super) fn half_open(&mut self) -> Result<usize, Error> {
        let peer = self.stranger();
        for _ in 0..4 {
            if let Some(packet) = self.peers[peer].handshake_packet(self.now) {
                self.deliver(peer, packet);
                self.drain();
            }
            if self.peers[peer].is_open() {
                return Ok(peer);
            }
        }
        Err(Error::new("a handshake did not succeed"))
    }

    /// A member that accepts entries of up to `max_entry_len` bytes.
    pub(super) fn member(&mut self, max_entry_len: u16) -> Result<usize, Error> {
        let peer = self.half_open()?;
        let join = self.peers[peer].join(&format!("member{peer}"), max_entry_len);
        self.send_stream(peer, &join);
        if self.peers[peer].instance() == 0 { Err(Error::new("a join did not succeed")) } else { Ok(peer) }
    }

    /// Sends `bytes` on the stream, and runs until everything is done.
    pub(super) fn send_stream(&mut self, peer: usize, bytes: &[u8]) {
        let datagram = self.peers[peer].stream_packet(self.now, bytes);
        self.deliver(peer, datagram);
        self.settle();
    }

    /// The cost of `datagram` until everything that it requests is done.
    pub(super) fn measure(&mut self, peer: usize, datagram: Vec<u8>) -> Cost {
        self.settle();
        let before = self.hub.counters();
        self.cost = Cost::default();
        self.deliver(peer, datagram);
        self.settle();
        let Counters { lookups, pages_read, bytes_out, .. } = self.hub.counters();
        Cost {
            lookups: lookups - before.lookups,
            page_reads: pages_read - before.pages_read,
            bytes_out: bytes_out - before.bytes_out,
            ..self.cost
        }
    }

    fn timed<T>(&mut self, call: impl FnOnce(&mut Hub<Accelerated>) -> T) -> T {
        let begun = Clock::now();
        let result = call(&mut self.hub);
        let took = begun.elapsed().as_secs_f64();
        self.cost.hub += took;
        self.cost.longest = self.cost.longest.max(took);
        result
    }

    fn deliver(&mut self, peer: usize, mut datagram: Vec<u8>) {
        let (now, from) = (self.now, address(peer));
        self.timed(|hub| hub.handle_datagram(now, from, &mut datagram));
    }

    /// Passes a datagram to the server and its answers to the peers, without acknowledging them.
    pub(super) fn exchange(&mut self, peer: usize, datagram: Vec<u8>) {
        self.deliver(peer, datagram);
        self.drain();
    }

    /// Lets the remains of a case expire: half-open connections, answers to peers that left.
    pub(super) fn expire(&mut self) {
        self.settle();
        self.now += Duration::from_secs(10);
        let now = self.now;
        self.hub.handle_timeout(now);
        self.settle();
    }

    /// Runs until nothing happens.
    fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < QUIET_MS {
            quiet = if self.drain() { 0 } else { quiet + 1 };
            for peer in 0..self.peers.len() {
                if let Some(datagram) = self.peers[peer].acknowledge(self.now) {
                    self.deliver(peer, datagram);
                }
            }
            self.now += Duration::from_millis(1);
            let now = self.now;
            self.timed(|hub| hub.handle_timeout(now));
        }
    }

    /// Drains the output of the hub, runs jobs, and passes datagrams to peers. Returns whether
    /// there was output.
    fn drain(&mut self) -> bool {
        let mut has_work = false;
        loop {
            let (sent, now) = (self.fetch(), self.now);
            has_work |= !sent.is_empty();
            for (to, mut datagram) in sent {
                let peer = (0..self.peers.len()).find(|peer| address(*peer) == to);
                if let Some(peer) = peer.and_then(|peer| self.peers.get_mut(peer)) {
                    peer.handle_datagram(now, &mut datagram);
                }
            }
            while self.timed(|hub| hub.poll_event()).is_some() {}
            self.timed(|hub| hub.create_jobs(now));
            let Some(job) = self.timed(Hub::poll_job) else { break };
            has_work = true;
            let done = self.run(job);
            self.timed(|hub| hub.handle_done(now, done));
        }
        has_work |= self.hub.has_transmit();
        self.cost.turns += u64::from(has_work);
        has_work
    }

    fn fetch(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let (mut sent, now, before) = (Vec::new(), self.now, self.cost.hub);
        let mut out = [0; DATAGRAM_LEN];
        while let Some(transmit) = self.timed(|hub| hub.poll_transmit(now, &mut out)) {
            sent.push((transmit.to, out[..transmit.len].to_vec()));
        }
        self.cost.longest = self.cost.longest.max(self.cost.hub - before);
        sent
    }

    fn run(&mut self, job: Job<Accelerated>) -> Done {
        let kind = job.kind();
        let begun = Clock::now();
        let done = job.run(&self.key, &NoPassword, &mut self.store, &mut NoContents);
        *if kind == JobKind::Store { &mut self.cost.store } else { &mut self.cost.accept } +=
            begun.elapsed().as_secs_f64();
        done
    }
}

/// Address of the n-th client; each is in a different network.
fn address(peer: usize) -> SocketAddr {
    let [.., high, low] = peer.to_be_bytes();
    SocketAddr::from(([20, low, high, 1], 5_000))
}
