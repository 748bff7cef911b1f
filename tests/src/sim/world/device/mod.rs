//! The devices of a world: each runs one real client process after the other, and keeps or forgets
//! the store of the one before.
//!
//! This file defines a device; `lifecycle` starts and ends its processes, `drive` passes datagrams
//! and time to them, `acts` lets them post, request and leave,
//! `files` sends and fetches contents, and `observer` reports their events
//! to the model.

mod acts;
mod drive;
mod files;
mod lifecycle;
mod local_history;
mod observer;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use kabar_core::chat::Start;
use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_core::crypto::identity::{Identity, PublicIdentity};
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};

use crate::sim::harness_client::HarnessClient;
use crate::sim::model::{ProcessId, Store, content_hash};
use crate::sim::network::Direction;
use crate::sim::rng::Rng;
use crate::sim::scenario::{Plan, SavePolicy};

pub(in crate::sim::world) use files::{Content, Files};
pub(in crate::sim::world) use local_history::LocalHistory;

/// One device.
#[derive(Debug)]
pub(in crate::sim::world) struct Device {
    pub(in crate::sim::world) plan: Plan,
    /// The public key of its identity.
    pub(in crate::sim::world) public: PublicIdentity,
    pub(in crate::sim::world) address: SocketAddr,
    pub(in crate::sim::world) up: Direction,
    pub(in crate::sim::world) down: Direction,
    pub(in crate::sim::world) running: Option<Running>,
    /// It is not started again.
    pub(in crate::sim::world) is_gone: bool,
    pub(in crate::sim::world) suspended_until: Instant,
    pub(in crate::sim::world) stalled_until: Instant,
    /// Its identity was admitted, as far as the current store can know.
    pub(in crate::sim::world) was_admitted: bool,
    /// When it starts again after leaving.
    pub(in crate::sim::world) restart_after: Option<Duration>,
    /// The stores that it saved, by room.
    pub(in crate::sim::world) disk: BTreeMap<usize, Store>,
    /// The file in which they are saved, too, if the run has real ones.
    pub(in crate::sim::world) history: Option<LocalHistory>,
    /// The contents that it sends and holds.
    pub(in crate::sim::world) files: Files,
    /// Rooms that it does not join again.
    pub(in crate::sim::world) given_up: BTreeSet<usize>,
    /// Hashes of the datagrams sent to its current process, and to earlier ones. Kept only if all
    /// of them have the same seed.
    sent: BTreeSet<u64>,
    sent_before: BTreeSet<u64>,
    /// It accepted the server's key and keeps it.
    knows_key: bool,
    processes: u32,
    returns: u32,
    refusals: u32,
    pub(in crate::sim::world) posts_left: u32,
}

/// A running client.
#[derive(Debug)]
pub(in crate::sim::world) struct Running {
    /// Counts the clients of its device.
    run: u32,
    pub(in crate::sim::world) client: Box<dyn HarnessClient>,
    /// In the order in which it joined the rooms.
    pub(in crate::sim::world) memberships: Vec<Membership>,
    /// World time at which its clock shows zero.
    started_at: Instant,
    timer_id: u64,
    idle_wakes: u32,
    idle_since: Instant,
    /// It was asked to leave ...
    is_leaving: bool,
    /// ... once everything is settled.
    settles_first: bool,
    /// The reason with which it ended.
    ended: Option<EndReason>,
    offered: Option<Fingerprint>,
}

/// A client in one room. To the room's model it is a process.
#[derive(Debug)]
pub(in crate::sim::world) struct Membership {
    pub(in crate::sim::world) room: usize,
    pub(in crate::sim::world) process: ProcessId,
    slot: RoomSlot,
    /// Its identity was admitted when it began, and still is.
    pub(in crate::sim::world) was_admitted: bool,
    /// It was asked to leave the room, ...
    is_parting: bool,
    /// ... and joins it again after this time.
    rejoin_after: Option<Duration>,
    observed: Observed,
}

impl Membership {
    /// The topic of which the client was informed; `None`: not even whether there is one.
    pub(in crate::sim::world) fn topic(&self) -> Option<&str> {
        self.observed.topic.as_deref()
    }
}

impl Running {
    /// Identifies this client among those of its device.
    pub(in crate::sim::world) fn run(&self) -> u32 {
        self.run
    }

    /// Whether the client ends without waiting for its posts, also in rooms that it was leaving.
    fn is_aborted(&self) -> bool {
        self.is_leaving && !self.settles_first
    }

    /// Whether the client says that it is a member.
    pub(in crate::sim::world) fn is_online(&self, membership: &Membership) -> bool {
        self.client.state(membership.slot) == State::Online
    }

    /// The membership in a room.
    pub(in crate::sim::world) fn in_room(&self, room: usize) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.room == room)
    }
}

/// State derived from the events of a membership.
#[derive(Debug, Default)]
struct Observed {
    /// Entries delivered since the store was saved.
    unsaved: u32,
    /// The reason with which it ended.
    ended: Option<EndReason>,
    request: Option<HistoryRequest>,
    rename: Option<RenameRequest>,
    /// The entry of which it requested the removal.
    removal: Option<u64>,
    /// It waits for the answer to a command.
    operates: bool,
    /// The head that the last Welcome stated.
    head: u64,
    /// The topic; `None`: unknown.
    topic: Option<String>,
    /// The topic after Welcome was not stated yet.
    awaits_topic: bool,
}

/// A request for another name.
#[derive(Debug)]
struct RenameRequest {
    name: String,
    /// The head of the log when it was requested.
    head: u64,
}

/// A request for older entries, and the answers to it.
#[derive(Debug)]
struct HistoryRequest {
    /// Entries of which the answer consists, unless the log changes meanwhile.
    expected: Vec<u64>,
    /// Entries of which it may consist.
    range: std::ops::Range<u64>,
    /// Longest body that the client accepts.
    max_len: usize,
    answers: Vec<u64>,
}

impl Device {
    pub(in crate::sim::world) fn new(at: usize, plan: &Plan) -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 1, at as u8, 1)), 5_000),
            up: Direction::new(plan.path.0),
            down: Direction::new(plan.path.1),
            plan: plan.clone(),
            public: identity(plan).public(),
            running: None,
            is_gone: false,
            suspended_until: Instant::ZERO,
            stalled_until: Instant::ZERO,
            was_admitted: false,
            restart_after: None,
            disk: BTreeMap::new(),
            history: None,
            files: Files::default(),
            given_up: BTreeSet::new(),
            sent: BTreeSet::new(),
            sent_before: BTreeSet::new(),
            knows_key: plan.pinned,
            processes: 0,
            returns: 0,
            refusals: 0,
            posts_left: plan.posts,
        }
    }

    /// Records a datagram that is sent to it.
    pub(in crate::sim::world) fn record_sent(&mut self, bytes: &[u8]) {
        if self.plan.same_seed {
            let hash = content_hash(0, bytes);
            self.sent_before.remove(&hash);
            self.sent.insert(hash);
        }
    }

    /// To a process that draws the same random numbers as an earlier one, an Accept of the earlier
    /// one is genuine, and so is everything that follows: without randomness nobody can tell the
    /// difference. Seeds must be fresh; without that, only instances are safe, and only if no old
    /// datagram returns.
    fn is_of_earlier_process(&self, bytes: &[u8]) -> bool {
        self.plan.same_seed && self.sent_before.contains(&content_hash(0, bytes))
    }

    /// Whether it must be a member and have every entry when the faults have stopped.
    pub(in crate::sim::world) fn is_expected(&self) -> bool {
        self.plan.is_honest() && !self.plan.never_reads && !self.is_gone
    }

    /// Where its next process starts in a room.
    fn start_in(&self, room: usize) -> Start {
        let plan = &self.plan;
        let kept = self.disk.get(&room).filter(|_| plan.saves != SavePolicy::Never);
        kept.map_or(plan.start, |store| Start::After {
            seq: store.cursor,
            term: store.term,
            fallback_count: plan.fallback_count,
        })
    }

    /// The time that its clock shows.
    pub(in crate::sim::world) fn clock(&self, now: Instant) -> Instant {
        let Some(running) = &self.running else { return Instant::ZERO };
        let tick = self.plan.tick.as_micros();
        let passed = now.saturating_since(running.started_at).as_micros();
        Instant::from_micros(passed / tick * tick)
    }

    /// World time at which its clock shows `local` or more.
    fn world_time(&self, local: Instant) -> Instant {
        let Some(running) = &self.running else { return Instant::ZERO };
        let tick = self.plan.tick.as_micros();
        running.started_at + Duration::from_micros(local.as_micros().div_ceil(tick).saturating_mul(tick))
    }

    fn reads(&self, now: Instant) -> bool {
        now >= self.stalled_until && !self.plan.never_reads
    }
}

/// The identity of a device.
fn identity(plan: &Plan) -> Identity {
    let mut rng = Rng::new(plan.identity as u64, "identity");
    Identity::from_seed(&rng.seed())
}
