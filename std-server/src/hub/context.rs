//! The objects that the owners of state share: configuration, clock, randomness, deadlines, the
//! order in which connections are served, and the queues of output.

use std::collections::VecDeque;

use kabar_core::chat::{MAX_MESSAGE_LEN, Term};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use super::admitted::Admitted;
use super::census::Census;
use super::config::HubConfig;
use super::counters::Counters;
use super::events::HubEvent;
use super::invites::Invites;
use super::jobs::{Job, Loaded};
use super::loads::Loads;
use super::pages::Pages;
use super::people::People;
use super::privileges::Privileges;
use super::timers::Timers;
use super::transaction::Commits;
use super::transfers::table::Transfers;
use super::turns::{Turn, Turns};
use crate::store::RoomState;

/// Passed to every function that changes more than its own object.
#[derive(Debug)]
pub(super) struct Context<P: Provider> {
    pub(super) config: HubConfig,
    pub(super) rng: ChaCha20Rng,
    pub(super) wall: WallClock,
    pub(super) is_stopping: bool,
    /// The term of this run in the logs of all rooms (SPEC 7).
    pub(super) term: Term,
    pub(super) people: People,
    pub(super) invites: Invites,
    /// The identities that were admitted to any room.
    pub(super) admitted: Admitted,
    /// The transaction in progress.
    pub(super) commits: Commits,
    pub(super) timers: Timers,
    /// The order in which connections are served.
    pub(super) turns: Turns,
    /// Surveys of the log that are under way (see `room`).
    pub(super) surveys: usize,
    /// The last room that was searched for entries to be removed, of those that are not in memory;
    /// `None`: none is being searched (see `sweep`).
    pub(super) swept: Option<String>,
    /// Pages of the logs of all rooms.
    pub(super) pages: Pages,
    /// Rooms that are being loaded.
    pub(super) loads: Loads,
    /// Transfers of contents.
    pub(super) transfers: Transfers,
    /// Connections whose sessions in a room were replaced by others, until they are ended.
    pub(super) replaced: Vec<Replaced>,
    /// Connections by phase and address.
    pub(super) census: Census,
    pub(super) jobs: VecDeque<Job<P>>,
    pub(super) events: VecDeque<HubEvent>,
    pub(super) counters: Counters,
    /// Operators and trusted identities.
    pub(super) privileges: Privileges,
    /// Number of the commands of operators so far.
    pub(super) operations: u64,
    /// Buffer for the message that is being handled.
    pub(super) message: Vec<u8>,
}

/// A connection whose session in a room was replaced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Replaced {
    /// By one of the same instance: its client has abandoned it.
    Abandoned(u32),
    /// By one more of an identity that has too many.
    Surplus(u32),
}

/// The time of day when it was last set.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    pub(super) set_at: Instant,
    pub(super) unix_ms: u64,
}

impl<P: Provider> Context<P> {
    pub(super) fn new(
        config: HubConfig,
        loaded: &Loaded,
        mut rng: ChaCha20Rng,
        privileges: Privileges,
        now: Instant,
    ) -> Self {
        let occupied = loaded.server.rooms.iter().filter(|room| room.is_occupied && room.record.name != config.room);
        let occupied = occupied.map(|room| room.record.name.as_str().into());
        let pages = Pages::new(config.limits.page_bytes, config.limits.page_reads);
        let loads = Loads::new(config.limits.room_loads, occupied);
        Self {
            people: People::new(now, &config.limits, &loaded.server),
            invites: Invites::new(&loaded.server),
            admitted: Admitted::new(config.admission_tag, &loaded.server),
            term: draw_term(&mut rng, &loaded.room),
            commits: Commits::new(config.limits.retry_min),
            config,
            rng,
            wall: WallClock { set_at: now, unix_ms: 0 },
            is_stopping: false,
            timers: Timers::default(),
            turns: Turns::new(),
            surveys: 0,
            swept: None,
            pages,
            loads,
            transfers: Transfers::default(),
            replaced: Vec::new(),
            census: Census::new(),
            jobs: VecDeque::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            privileges,
            operations: 0,
            message: vec![0; MAX_MESSAGE_LEN],
        }
    }

    /// Queues an event; beyond the limit the oldest is dropped. Commands are not: each member waits
    /// for the answer to one.
    pub(super) fn emit(&mut self, event: HubEvent) {
        if self.events.len() >= self.config.limits.events
            && let Some(at) = self.events.iter().position(|event| !matches!(event, HubEvent::Operate { .. }))
        {
            self.events.remove(at);
            self.counters.events_dropped += 1;
        }
        self.events.push_back(event);
    }

    /// Takes one unit of a connection's budget. `false`: none is left, and the rest of its work is
    /// deferred.
    pub(super) fn take_work(&mut self, turn: &mut Turn) -> bool {
        let has_work = self.has_work(turn);
        if has_work {
            turn.spend_work();
        }
        has_work
    }

    /// Whether a connection has a unit of its budget left. If not, the rest of its work is
    /// deferred.
    pub(super) fn has_work(&mut self, turn: &mut Turn) -> bool {
        let has_work = self.turns.work_left(turn, self.config.limits.work) > 0;
        if !has_work {
            self.counters.work_deferred += u64::from(!turn.is_deferred);
            self.turns.defer(turn);
        }
        has_work
    }

    /// The time of day in ms since 1970.
    pub(super) fn wall_ms(&self, now: Instant) -> u64 {
        self.wall.unix_ms.saturating_add(now.saturating_since(self.wall.set_at).as_millis())
    }
}

/// A random term for this run that no earlier run had.
fn draw_term(rng: &mut ChaCha20Rng, loaded: &RoomState) -> Term {
    loop {
        let mut term = Term::default();
        rng.fill_bytes(&mut term.0);
        if loaded.terms.iter().all(|record| record.term != term) {
            return term;
        }
    }
}
