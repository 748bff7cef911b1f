//! The real hub on one thread in virtual time, every call of it measured.

use std::net::SocketAddr;
use std::time::Instant as Clock;

use kabar_core::chat::{EntryKind, Term};
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::time::{Duration, Instant};
use kabar_server::hub::{Counters, Done, Hub, HubConfig, HubLimits, Job, JobKind, NoPassword};
use kabar_server::store::{Batch, LogEntry, MemoryStore, Store, TermRecord};
use kabar_std::provider::Accelerated;

use super::{BODY, DATAGRAM_LEN, ROOM, SECRET};
use crate::bench::Error;
use crate::raw::Raw;
use crate::sim::keys::SimPrivateKey;

/// Milliseconds of silence after which all is done.
const QUIET_MS: u32 = 30;

/// What a datagram cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Seconds of the serving thread, until all that the datagram asked for was done.
    pub(super) hub: f64,
    /// Of that, the longest that others waited: one call that takes something in, or all output
    /// that there is at once.
    pub(super) longest: f64,
    /// Seconds of the thread for public-key work.
    pub(super) accept: f64,
    /// Seconds of the threads of the store, here one in memory.
    pub(super) store: f64,
    /// Turns with something to do.
    pub(super) turns: u64,
    pub(super) lookups: u64,
    pub(super) page_reads: u64,
    pub(super) bytes_out: u64,
}

pub(super) struct Stage {
    hub: Hub<Accelerated>,
    store: MemoryStore,
    key: SimPrivateKey,
    pub(super) now: Instant,
    /// Clients, the n-th at the n-th address.
    pub(super) peers: Vec<Raw>,
    cost: Cost,
}

impl Stage {
    /// A room with a log of `entries`.
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
        let batch =
            Batch { room: ROOM.to_owned(), term, entries: (1..=entries).map(entry).collect(), ..Batch::default() };
        store.commit(&batch).map_err(|_| Error::new("the log cannot be made"))?;
        let loaded = store.load(ROOM).map_err(|_| Error::new("the log cannot be read"))?;
        let mut config = HubConfig::new(ROOM, SECRET);
        change(&mut config.limits);
        let key = SimPrivateKey::real();
        let now = Instant::ZERO + Duration::from_secs(1_000);
        let hub = Hub::new(config, loaded, key.modulus(), [7; 32], now);
        let mut stage = Self { hub, store, key, now, peers: Vec::new(), cost: Cost::default() };
        stage.settle();
        Ok(stage)
    }

    /// A peer that has not said anything yet.
    pub(super) fn stranger(&mut self) -> usize {
        let mut seed = [9; 32];
        seed[..8].copy_from_slice(&self.peers.len().to_be_bytes());
        self.peers.push(Raw::new(self.now, &seed, SECRET, ROOM));
        self.peers.len() - 1
    }

    /// A peer whose handshake is done, and whose connection is half-open at the server.
    pub(super) fn half_open(&mut self) -> Result<usize, Error> {
        let peer = self.stranger();
        for _ in 0..4 {
            if let Some(packet) = self.peers[peer].handshake_packet(self.now) {
                self.give(peer, packet);
                self.drain();
            }
            if self.peers[peer].is_open() {
                return Ok(peer);
            }
        }
        Err(Error::new("a handshake did not succeed"))
    }

    /// A member who takes entries of up to so many bytes.
    pub(super) fn member(&mut self, max_entry_len: u16) -> Result<usize, Error> {
        let peer = self.half_open()?;
        let join = self.peers[peer].join(&format!("member{peer}"), max_entry_len);
        self.say(peer, &join);
        if self.peers[peer].instance() == 0 { Err(Error::new("a join did not succeed")) } else { Ok(peer) }
    }

    /// Says `bytes`, and waits until all is done.
    pub(super) fn say(&mut self, peer: usize, bytes: &[u8]) {
        let datagram = self.peers[peer].say(self.now, bytes);
        self.give(peer, datagram);
        self.settle();
    }

    /// What `datagram` costs until all that it asks for is done.
    pub(super) fn measure(&mut self, peer: usize, datagram: Vec<u8>) -> Cost {
        self.settle();
        let before = self.hub.counters();
        self.cost = Cost::default();
        self.give(peer, datagram);
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

    fn give(&mut self, peer: usize, mut datagram: Vec<u8>) {
        let (now, from) = (self.now, address(peer));
        self.timed(|hub| hub.handle_datagram(now, from, &mut datagram));
    }

    /// Gives the server a datagram, and the peers its answers, which nobody acknowledges.
    pub(super) fn tell(&mut self, peer: usize, datagram: Vec<u8>) {
        self.give(peer, datagram);
        self.drain();
    }

    /// Lets what is left of a case pass: half-open connections, answers to those who are gone.
    pub(super) fn rest(&mut self) {
        self.settle();
        self.now += Duration::from_secs(10);
        let now = self.now;
        self.hub.handle_timeout(now);
        self.settle();
    }

    /// Runs until nothing happens any more.
    fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < QUIET_MS {
            quiet = if self.drain() { 0 } else { quiet + 1 };
            for peer in 0..self.peers.len() {
                if let Some(datagram) = self.peers[peer].acknowledge(self.now) {
                    self.give(peer, datagram);
                }
            }
            self.now += Duration::from_millis(1);
            let now = self.now;
            self.timed(|hub| hub.handle_timeout(now));
        }
    }

    /// Fetches what there is, runs jobs, and tells peers. Whether there was anything.
    fn drain(&mut self) -> bool {
        let mut has_work = false;
        loop {
            let (sent, now) = (self.fetch(), self.now);
            has_work |= !sent.is_empty();
            for (to, mut datagram) in sent {
                let peer = (0..self.peers.len()).find(|peer| address(*peer) == to);
                if let Some(peer) = peer.and_then(|peer| self.peers.get_mut(peer)) {
                    peer.hear(now, &mut datagram);
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
        let done = job.run(&self.key, &NoPassword, &mut self.store);
        *if kind == JobKind::Store { &mut self.cost.store } else { &mut self.cost.accept } +=
            begun.elapsed().as_secs_f64();
        done
    }
}

/// Of the n-th client: each in a network of its own.
fn address(peer: usize) -> SocketAddr {
    let [.., high, low] = peer.to_be_bytes();
    SocketAddr::from(([20, low, high, 1], 5_000))
}
