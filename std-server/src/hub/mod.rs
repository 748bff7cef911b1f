//! The hub: strangers, connections and rooms. Sans-IO, like the core: datagrams, time and finished
//! jobs in; datagrams, deadlines, jobs and events out (SPEC 3.6, 4.5, 6, 7). State has one owner:
//!
//! * `door`: strangers. All that an unauthenticated datagram may touch: half-open connections,
//!   replies, limits per address.
//! * `peer`: the table of connections, their memory and their streams.
//! * `people`: identities, and everything about them that is the same in every room: names, rates.
//! * `invites`: who may join by which secret; `admitted`: who was admitted to any room.
//! * `room`: a room with its members and its log.
//! * `commit`: the transaction in progress, which covers all rooms.
//! * `routes`, `connection_events`, `messages`, `join`: hand each input to the owner of the state
//!   that it concerns.
//! * `classic`: clients of the classic dialect (SPEC 11); `logins`: their texts.
//! * `transfers`: contents on their way; `bulk`: the stream that they take.
//! * `delivery`: sends to a connection what its rooms have for it, in turn.
//! * `context`: the objects that all of these share: configuration, people, clock, deadlines, the
//!   order in which connections are served, and the queues of output.
//! * `fairness`: tables and rates that are shared between address prefixes.
//!
//! ```text
//! datagram -> door -> peer -> (message) -> room -> commit job
//! datagram <- peer <- room: every member is a cursor into the log <- finished commit
//! ```
//!
//! # The drive contract
//!
//! 1. Input: any `handle_*`, or several, and any operator call.
//! 2. [`Hub::create_jobs`]: creates the jobs that are due: one commit of everything that was
//!    collected since the last one, reads of the log, password checks, handshakes.
//! 3. Output: drain [`Hub::poll_job`], [`Hub::poll_transmit`] and [`Hub::poll_event`], in any
//!    order.
//! 4. If [`Hub::poll_transmit`] returned anything, repeat 2 and [`Hub::poll_job`]: delivery finds
//!    out which pages of the log have to be read.
//! 5. Sleep until [`Hub::poll_timeout`], the next datagram or the next finished job. But if
//!    [`Hub::has_transmit`] still returns `true`, work is left that waits until other connections
//!    had their turn: do not sleep, handle the input that arrived in the meantime, call
//!    [`Hub::handle_timeout`] and continue with 2.
//!
//! The result of every job is passed to [`Hub::handle_done`], no matter which thread ran it.
//!
//! # Determinism
//!
//! Everything random comes from the seed, and nothing depends on the order of a hash table: the
//! same inputs give the same outputs.

mod admissions;
mod admitted;
mod bulk;
mod census;
mod classic;
mod commit;
mod config;
mod connection_events;
mod context;
mod counters;
mod delivery;
mod door;
mod encoded;
mod events;
mod fairness;
mod fault_injection;
mod invites;
mod jobs;
mod join;
mod limits;
mod loading;
mod loads;
mod logins;
mod messages;
mod operator;
mod pages;
mod peer;
mod people;
mod privileges;
mod report;
mod room;
mod room_id;
mod rooms;
mod routes;
mod sorted_map;
mod state_digest;
mod sweep;
mod timers;
mod transaction;
mod transfers;
mod turns;
mod upkeep;

use core::net::SocketAddr;

use kabar_core::connection::Transmit;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_core::transport::Capacity;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use classic::Classic;
use context::{Context, WallClock};
use door::Door;
use peer::Peers;
use privileges::Privileges;
use room::{Directory, Room, RoomSettings, Rooms};

use crate::store::RoomState;

pub use config::{ClassicConfig, HubConfig, JoinPolicy, Profile};
pub use counters::{CounterValue, Counters};
pub use encoded::PageRead;
pub use events::{HubEvent, LeaveReason, OperationId};
#[cfg(feature = "fault-injection")]
pub use fault_injection::FaultInjection;
pub use invites::InviteTerms;
pub(crate) use invites::Invites;
pub use jobs::{
    AcceptDone, AcceptJob, Done, Job, JobKind, Loaded, NoPassword, PasswordDone, PasswordJob, PasswordVerifier,
    ReadJob, Reloaded, StoreDone, StoreJob,
};
pub use limits::{HubLimits, LIMITS, Limit, Unit};
pub use peer::pool::{Pool, Pooled};
pub use report::{InviteInfo, MemberInfo, OperatorError, PrivilegeInfo, RoomInfo, SanctionInfo, Status, WaitingInfo};
pub use room::MAX_ANSWER_LEN;
pub use room_id::RoomId;
pub use rooms::{RESERVED_ROOMS, RoomChange};
pub use transfers::jobs::{ContentDone, ContentJob, IndexDone, IndexJob};
pub use transfers::table::INDEX_JOBS;

/// The hub: everything of a server but its socket, its clock, its threads and its store.
#[derive(Debug)]
pub struct Hub<P: Provider> {
    door: Door<P>,
    classic: Option<Classic>,
    peers: Peers<P>,
    rooms: Rooms,
    context: Context<P>,
}

impl<P: Provider> Hub<P> {
    /// Starts a hub with the state that the store holds. `modulus` is that of the server's key.
    /// `seed` must be fresh and secret: everything random comes from it.
    #[must_use]
    pub fn new(mut config: HubConfig, loaded: Loaded, modulus: &[u8], seed: [u8; 32], now: Instant) -> Self {
        if config.limits.file_bytes == 0 {
            config.profile.capacity = Capacity { bulk_send: 0, bulk_receive: 0, ..config.profile.capacity };
        }
        let mut rng = ChaCha20Rng::from_seed(seed);
        let mut acceptor_seed = [0; 32];
        rng.fill_bytes(&mut acceptor_seed);
        let classic = config.classic.as_ref().map(|it| Classic::new(it, &config.limits));
        let (door, peers) = (Door::new(&config, modulus, acceptor_seed), Peers::new(&config));
        let rooms = Rooms::new(Directory::new(&loaded.server, &config.room));
        let settings = RoomSettings::new(&config, &rooms.directory.record(&config.room));
        let privileges = Privileges::new(&config.operators, &loaded.server);
        let context = Context::new(config, &loaded, rng, privileges, now);
        let mut hub = Self { door, classic, peers, rooms, context };
        let secret = hub.context.config.secret;
        hub.context.set_standing_invite(now, None, secret);
        hub.insert_room(now, settings, &loaded.room);
        hub.context.begin_upkeep(now);
        hub
    }

    /// Takes a room into memory, with the state that the store holds.
    fn insert_room(&mut self, now: Instant, settings: RoomSettings, loaded: &RoomState) -> RoomId {
        let Self { rooms, context, .. } = self;
        rooms.insert(|id| Room::new(now, context, id, settings, loaded))
    }

    /// Sets the time of day: `unix_ms` since 1970 at `now`. It is written into entries, and invites
    /// expire by it (SPEC 6.2); it may jump. Call this at the start and whenever the clock was set.
    pub fn set_wall(&mut self, now: Instant, unix_ms: u64) {
        let is_first = self.context.wall.unix_ms == 0;
        self.context.wall = WallClock { set_at: now, unix_ms };
        if is_first {
            self.context.collect_contents(now);
        }
    }

    /// Handles a datagram, in place.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        self.begin_input(now);
        self.context.counters.datagrams += 1;
        self.context.counters.bytes_in += datagram.len() as u64;
        self.door.expire(now, &mut self.context.counters);
        self.receive(now, from, datagram);
    }

    /// Handles the deadlines that have passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.begin_input(now);
        self.door.expire(now, &mut self.context.counters);
        while let Some(timer) = self.context.timers.pop_due(now) {
            self.on_timer(now, timer);
        }
    }

    /// Handles the result of a job.
    pub fn handle_done(&mut self, now: Instant, done: Done) {
        self.begin_input(now);
        self.on_done(now, done);
    }

    /// Creates the jobs that the input so far made necessary. Joins that need no commit are
    /// completed, and Joins whose password cannot be checked are refused.
    pub fn create_jobs(&mut self, now: Instant) {
        self.door.create_jobs(&mut self.context.jobs);
        self.visit_touched_rooms(now);
        self.create_commit_job(now);
        self.visit_touched_rooms(now);
        bulk::create_jobs(now, &mut self.context);
        self.peers.watch_pool(now, &mut self.context.timers);
        // The connection that is polled for datagrams may have more to send now.
        self.context.turns.is_polling = false;
    }

    /// The next datagram to send, in `out` (at least 1200 bytes). Those to one peer come one after
    /// the other.
    #[must_use]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let transmit = self.door.poll_transmit(out).or_else(|| self.poll_classic_answer(out));
        let transmit = transmit.or_else(|| self.next_transmit(now, out));
        if let Some(transmit) = transmit {
            self.context.counters.transmits += 1;
            self.context.counters.bytes_out += transmit.len as u64;
        }
        transmit
    }

    /// Whether [`Hub::poll_transmit`] may have something, now or after the next input.
    #[must_use]
    pub fn has_transmit(&self) -> bool {
        let turns = &self.context.turns;
        !turns.ready.is_empty() || !turns.deferred.is_empty() || self.door.has_replies() || self.has_classic_answers()
    }

    /// The next job to run.
    #[must_use]
    pub fn poll_job(&mut self) -> Option<Job<P>> {
        self.context.jobs.pop_front()
    }

    /// The next event.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<HubEvent> {
        self.context.events.pop_front()
    }

    /// When to call [`Hub::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.context.timers.next().into_iter().chain(self.door.deadline()).min()
    }

    /// Counts since the hub was created.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let counted = &self.context.counters;
        let mut counters = Counters {
            messages_out: counted.messages_out + counted.delivered,
            buckets_full: self.door.buckets_forgotten(),
            cookies_full: self.door.cookies_forgotten(),
            pool_empty: self.peers.pool.refused(),
            room_loads_held: self.context.loads.held(),
            pages_dropped: self.context.pages.dropped(),
            page_reads_held: self.context.pages.held(),
            ..*counted
        };
        self.context.people.count(&mut counters);
        self.rooms.iter().for_each(|room| room.count(&mut counters));
        self.peers.iter().for_each(|peer| counters.add(&peer.link.connection.counters()));
        counters
    }
}

#[cfg(test)]
mod tests;
