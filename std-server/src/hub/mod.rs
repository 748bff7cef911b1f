//! The hub: connections, members, the room's log, limits. Sans-IO, like the core: datagrams, time and finished jobs in;
//! datagrams, deadlines, jobs and events out (SPEC 3.6, 4.5, 6, 7).
//!
//! ```text
//! datagram -> inbound -> (half_open) -> peer -> read -> join / posts / departure -> append -> commit -> log
//!                                         ^                                                             |
//! datagram <- outbound <------------- delivery: every member is a cursor into the log <-----------------'
//! ```
//!
//! # The drive contract
//!
//! After [`Hub::new`], any `handle_*` (or several) and any operator call: drain [`Hub::poll_transmit`], [`Hub::poll_job`] and
//! [`Hub::poll_event`] until none gives anything, in any order, then sleep until [`Hub::poll_timeout`], the next datagram or the next
//! finished job. (Asking for datagrams may make jobs; asking for jobs may make datagrams, see [`Hub::has_transmit`].) What came in since
//! the last time goes into one commit. If [`Hub::has_transmit`] still says yes after that, work is left that waits until others had
//! their turn: take what came in meanwhile without sleeping, call [`Hub::handle_timeout`], and drain again.
//!  A job that was fetched comes back by [`Hub::handle_done`], from whatever thread ran it.
//!
//! # Determinism
//!
//! Everything random comes from the seed, no map is iterated in an order that is not its own: the same inputs give the same
//! outputs.

mod config;
mod counters;
mod digest;
mod door;
mod events;
mod jobs;
mod limits;
mod operator;
mod peer;
mod room;
mod timers;

use core::net::SocketAddr;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use kabar_core::chat::{MAX_MESSAGE_LEN, Term};
use kabar_core::connection::Transmit;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::session::Acceptor;
use kabar_core::time::Instant;
use kabar_core::wire::MAX_DATAGRAM;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::store::Loaded;
use door::accepts::Accepts;
use door::half_open::HalfOpen;
use door::limiter::{Buckets, Rate};
use door::shares::Shares;
use door::{half_open, limiter, prefix, shares};
use peer::{Peer, pool, read, reclaim};
use room::commit::Appender;
use room::known::Known;
use room::log::Log;
use room::ownership::Ownership;
use room::pages::Pages;
use room::passwords::Passwords;
use room::sanctions::Sanctions;
use room::visits::Visits;
use room::{commit, keeping, known, log, ownership, pages};
use timers::{Timer, Timers};

pub use config::{Entrance, HubConfig, Mistakes, Profile};
pub use counters::{Counted, Counters};
pub use events::{Departure, HubEvent};
pub use jobs::{
    AcceptDone, AcceptJob, Done, Job, JobKind, NoPassword, PasswordDone, PasswordJob, PasswordVerifier, ReadJob,
    StoreDone, StoreJob,
};
pub use limits::{HubLimits, LIMITS, Limit, Unit};
pub use operator::{OperatorError, Outcome, Presence, Status};
pub use peer::pool::{Pool, Pooled};
pub use room::pages::PageRead;

/// A prefix may start this many times as many handshakes, and as much faster, while the server is not busy.
const CALM: u32 = 16;

/// The hub of one room.
#[derive(Debug)]
pub struct Hub<P: Provider> {
    config: HubConfig,
    room: Arc<str>,
    rng: ChaCha20Rng,
    wall: Wall,
    /// When this run began.
    began: Instant,
    /// For how long servers ran over this log before, in ms.
    ran_before_ms: u64,
    is_stopping: bool,

    acceptor: Acceptor,
    half_open: HalfOpen,
    accepts: Accepts<P>,
    /// Handshakes that each prefix may start while the server is busy.
    handshakes: Buckets,
    /// Handshakes that each prefix may start at any time.
    calm_handshakes: Buckets,
    hints: Buckets,
    /// Identities that are not known yet, by where they join from.
    newcomers: Buckets,
    visits: Visits,

    pool: Pool,
    /// Refusals of the pool when rings were looked for last.
    refusals_seen: u64,
    peers: Peers<P>,
    /// Peers that have not joined.
    waiting: usize,
    /// Of those, the ones that did not prove anything.
    strangers: Shares<u32>,
    /// Peers that are closed and not forgotten.
    over: Shares<u32>,
    /// Members, and those whose Join waits for its commit.
    residents: Shares<u32>,
    /// Peers that may have something to send, in this order; the first one is being asked if `is_asking`.
    ready: VecDeque<u32>,
    is_asking: bool,
    /// Peers whose work goes on in the next round, in this order.
    deferred: VecDeque<u32>,
    /// Counts from one time that everything was drained to the next.
    /// Counts rounds, wrapping.
    round: u32,
    is_round_over: bool,
    /// Members that have everything up to the head: those, and nobody else, are asked when it moves. Who is behind is asked when an
    /// acknowledgement, a timer or a page of the log comes.
    at_head: Vec<u32>,
    /// Peers whose streams are read on after the next commit.
    held: VecDeque<u32>,
    timers: Timers,
    passwords: Passwords,

    members: Members,
    log: Log,
    pages: Pages,
    appender: Appender,
    ownership: Ownership,
    known: Known,
    sanctions: Sanctions,

    replies: VecDeque<(SocketAddr, Vec<u8>)>,
    jobs: VecDeque<Job<P>>,
    events: VecDeque<HubEvent>,
    counters: Counters,
    /// Room for one message.
    message: Vec<u8>,
    /// Room for one answer to a stranger.
    reply: Box<[u8; MAX_DATAGRAM]>,
    /// Of the last input.
    now: Instant,
}

/// All connections by id. The order in which it is iterated means nothing: whoever goes through it sorts, or does what knows no order.
type Peers<P> = HashMap<u32, Box<Peer<P>>, BuildHasherDefault<IdHasher>>;

/// The hub draws the ids at random and nobody else can: that is hash enough.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        // Spreads over all bits: tables look at both ends.
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Who is here, by all that is unique.
#[derive(Debug, Default)]
struct Members {
    /// By folded name.
    by_name: BTreeMap<String, u32>,
    by_identity: BTreeMap<PublicIdentity, u32>,
    by_instance: BTreeMap<u64, u32>,
}

/// What the wall clock showed, and when.
#[derive(Clone, Copy, Debug)]
struct Wall {
    at: Instant,
    unix_ms: u64,
}

impl<P: Provider> Hub<P> {
    /// Begins a run over what the store holds. `modulus` is that of the server's key. `seed` must be fresh and secret: everything
    /// random comes from it.
    #[must_use]
    pub fn new(config: HubConfig, loaded: Loaded, modulus: &[u8], seed: [u8; 32], now: Instant) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let limits = config.limits;
        let mut acceptor_seed = [0; 32];
        rng.fill_bytes(&mut acceptor_seed);
        let handshakes = Rate { burst: limits.handshake_burst, interval: limits.handshake_interval };
        let hints = Rate { burst: limits.hint_burst, interval: limits.hint_interval };
        let newcomers = Rate { burst: limits.newcomer_burst, interval: limits.newcomer_interval };
        let mut hub = Self {
            room: config.room.as_str().into(),
            wall: Wall { at: now, unix_ms: 0 },
            began: now,
            ran_before_ms: loaded.ran_ms,
            is_stopping: false,
            acceptor: Acceptor::new(modulus, config.profile.limits(), acceptor_seed),
            half_open: HalfOpen::new(half_open::Bounds {
                entries: limits.half_open,
                per_prefix: limits.half_open_per_prefix,
                time: limits.half_open_time,
                cookies: limits.cookies,
            }),
            accepts: Accepts::new(limits.accept_jobs),
            handshakes: Buckets::new(handshakes, limits.prefixes),
            calm_handshakes: Buckets::new(handshakes.times(CALM), limits.prefixes),
            hints: Buckets::new(hints, limits.prefixes),
            newcomers: Buckets::new(newcomers, limits.prefixes),
            visits: Visits::new(&limits),
            pool: Pool::new(config.profile.capacity, limits.pool_bytes),
            refusals_seen: 0,
            peers: Peers::default(),
            waiting: 0,
            strangers: Shares::new(),
            over: Shares::new(),
            residents: Shares::new(),
            ready: VecDeque::new(),
            is_asking: false,
            deferred: VecDeque::new(),
            round: 1,
            is_round_over: false,
            at_head: Vec::new(),
            held: VecDeque::new(),
            timers: Timers::default(),
            passwords: Passwords::new(&limits),
            members: Members::default(),
            log: Log::new(&loaded, draw_term(&mut rng, &loaded), limits.tail_bytes),
            pages: Pages::new(limits.page_bytes, limits.page_reads),
            appender: Appender::new(limits.retry_min),
            ownership: Ownership::new(&loaded, config.admission_tag, limits.name_keep.as_millis()),
            known: Known::new(&loaded),
            sanctions: Sanctions::new(&loaded),
            replies: VecDeque::new(),
            jobs: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            message: vec![0; MAX_MESSAGE_LEN],
            reply: Box::new([0; MAX_DATAGRAM]),
            now,
            rng,
            config,
        };
        hub.await_the_present(now);
        hub.purge(now);
        hub.timers.set(Timer::Upkeep, Some(now + keeping::UPKEEP_INTERVAL));
        hub.finish_input(now);
        hub
    }

    /// Says what time it is: `unix_ms` since 1970 at `now`. Entries carry it, nothing depends on it: it may jump. Call it at the start
    /// and when the clock was set.
    pub fn set_wall(&mut self, now: Instant, unix_ms: u64) {
        self.wall = Wall { at: now, unix_ms };
    }

    /// Takes a datagram, in place.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        self.begin_round();
        self.counters.datagrams += 1;
        self.counters.bytes_in += datagram.len() as u64;
        self.counters.half_open_expired += self.half_open.expire(now);
        self.receive(now, from, datagram);
        self.finish_input(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.begin_round();
        self.counters.half_open_expired += self.half_open.expire(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Connection(id) => self.on_connection_timer(now, id),
                Timer::Phase(id) => self.on_phase_timer(now, id),
                Timer::Away(folded) => self.on_away_timer(now, &folded),
                Timer::Store => self.on_store_timer(),
                Timer::Pages | Timer::Passwords | Timer::Evict => {}
                Timer::Join(id) => self.read(now, id),
                Timer::Upkeep => self.on_upkeep_timer(now),
                Timer::Purge => self.purge(now),
                Timer::Pool => self.on_pool_timer(now),
            }
        }
        self.finish_input(now);
    }

    /// Takes a finished job.
    pub fn handle_done(&mut self, now: Instant, done: Done) {
        self.begin_round();
        match done {
            Done::Accept(done) => self.on_accept_done(done),
            Done::Password(done) => self.on_password_done(now, done),
            Done::Store(StoreDone::Append(result)) => self.on_append_done(now, result),
            Done::Store(StoreDone::Reload(result)) => self.on_reload_done(now, result),
            Done::Store(StoreDone::Read { range, entries }) => self.on_read_done(now, range, entries),
        }
        self.finish_input(now);
    }

    /// The next datagram to send, in `out` (at least 1200 bytes). Those to one peer come one after the other.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let transmit = self.next_transmit(now, out);
        if let Some(transmit) = transmit {
            self.counters.transmits += 1;
            self.counters.bytes_out += transmit.len as u64;
        }
        transmit
    }

    /// Whether [`Hub::poll_transmit`] may have something, now or after the next input.
    #[must_use]
    pub fn has_transmit(&self) -> bool {
        !self.ready.is_empty() || !self.replies.is_empty() || !self.deferred.is_empty()
    }

    /// The next job to run.
    pub fn poll_job(&mut self) -> Option<Job<P>> {
        if self.jobs.is_empty() {
            self.put_to_work(self.now);
        }
        self.jobs.pop_front()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<HubEvent> {
        self.events.pop_front()
    }

    /// When to call [`Hub::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next().into_iter().chain(self.half_open.deadline()).min()
    }

    /// Largest seq that is committed.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.log.head()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = Counters {
            messages_out: self.counters.messages_out + self.counters.delivered,
            buckets_full: self.handshakes.forgotten()
                + self.calm_handshakes.forgotten()
                + self.hints.forgotten()
                + self.newcomers.forgotten()
                + self.passwords.buckets_forgotten(),
            cookies_full: self.half_open.cookies_forgotten(),
            pool_empty: self.pool.refused(),
            pages_dropped: self.pages.dropped(),
            page_reads_held: self.pages.held(),
            tail_dropped: self.log.tail_dropped(),
            ..self.counters
        };
        for peer in self.peers.values() {
            counters.add(&peer.connection.counters());
        }
        counters
    }

    /// What follows every input.
    fn finish_input(&mut self, now: Instant) {
        // Whoever is being asked for datagrams may have more to say now.
        self.is_asking = false;
        self.now = now;
    }

    /// Makes jobs of whatever collected.
    fn put_to_work(&mut self, now: Instant) {
        while let Some(job) = self.accepts.hand_out() {
            self.jobs.push_back(Job::Accept(job));
        }
        self.append(now);
        self.check_next_password(now);
        self.read_pages();
        self.watch_pool(now);
    }

    /// What the wall clock shows, in ms since 1970.
    fn wall_ms(&self, now: Instant) -> u64 {
        self.wall.unix_ms.saturating_add(now.saturating_since(self.wall.at).as_millis())
    }

    fn tell(&mut self, event: HubEvent) {
        if self.events.len() >= self.config.limits.events {
            self.events.pop_front();
            self.counters.events_dropped += 1;
        }
        self.events.push_back(event);
    }
}

/// A name for this run that no run before had.
fn draw_term(rng: &mut ChaCha20Rng, loaded: &Loaded) -> Term {
    loop {
        let mut term = Term::default();
        rng.fill_bytes(&mut term.0);
        if loaded.terms.iter().all(|record| record.term != term) {
            return term;
        }
    }
}

#[cfg(test)]
mod tests;
