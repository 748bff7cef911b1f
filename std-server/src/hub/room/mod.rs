//! A room: its members, its log, and its records of identities.
//!
//! ```text
//! Join -> join -> (passwords) -> commit -> welcome ----v
//! Post -> posts --------------> commit -> log -> delivery: every member is a cursor into the log
//! Leave, silence, force -> departure -> commit
//! ```

mod answers;
mod appender;
mod claims;
mod commit;
mod delivery;
mod departure;
mod join;
mod known;
mod log;
mod members;
mod naming;
mod operator;
mod ownership;
mod pages;
mod password_queue;
mod passwords;
mod posts;
mod presence;
mod reads;
mod rename;
mod requests;
mod retention;
mod sanctions;
mod sessions;
mod table;
mod visits;
mod welcome;

use core::fmt;
use std::sync::Arc;

use kabar_core::chat::{ROOM_SECRET_LEN, Term};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use super::config::{HubConfig, JoinPolicy};
use super::context::Context;
use super::counters::Counters;
use super::fairness::limiter::{Buckets, Rate};
use super::fairness::shares::Shares;
use super::jobs::Loaded;
use super::room_id::RoomId;
use super::timers::{RoomTimer, Timer};
use appender::{Appender, PendingEntry};
use claims::Claims;
use known::Known;
use log::Log;
use members::Members;
use ownership::Ownership;
use pages::Pages;
use password_queue::PasswordQueue;
use presence::Presence;
use sanctions::Sanctions;
use visits::Visits;

pub(super) use commit::Begun;
use table::Listed;
pub(super) use table::Rooms;

/// Stated to those whose request or Join cannot be stored.
const STORE_FAILS: &str = "the server cannot store anything at the moment";

/// The result of handling a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handled {
    /// It was handled.
    Done,
    /// It has to wait, and so do the messages after it.
    Defer,
    /// It is malformed or not allowed.
    Violation,
}

/// The state of one room. Its methods get the connections that they work on.
#[derive(Debug)]
pub(super) struct Room {
    id: RoomId,
    settings: RoomSettings,
    /// In the lists of the table.
    listed: Listed,
    /// When this run began.
    began: Instant,
    /// How long servers ran with this log before, in ms.
    ran_before_ms: u64,
    members: Members,
    claims: Claims,
    presence: Presence,
    /// Connections of members, and those whose Join waits for its commit.
    residents: Shares<u32>,
    log: Log,
    pages: Pages,
    appender: Appender,
    ownership: Ownership,
    known: Known,
    sanctions: Sanctions,
    passwords: PasswordQueue,
    visits: Visits,
    /// Rate at which each address prefix may introduce new identities.
    newcomers: Buckets,
}

/// The configuration of a room: its name, and who may join.
pub(super) struct RoomSettings {
    name: Arc<str>,
    secret: [u8; ROOM_SECRET_LEN],
    join_policy: JoinPolicy,
    admission_tag: [u8; 16],
}

impl RoomSettings {
    pub(super) fn new(config: &HubConfig) -> Self {
        let HubConfig { room, secret, join_policy, admission_tag, .. } = config;
        Self { name: room.as_str().into(), secret: *secret, join_policy: *join_policy, admission_tag: *admission_tag }
    }
}

impl Room {
    /// Starts a room with the state that the store holds.
    pub(super) fn new<P: Provider>(
        now: Instant,
        context: &mut Context<P>,
        id: RoomId,
        settings: RoomSettings,
        loaded: &Loaded,
    ) -> Self {
        let limits = &context.config.limits;
        let newcomers = Rate { burst: limits.newcomer_burst, interval: limits.newcomer_interval };
        let term = draw_term(&mut context.rng, loaded);
        let mut room = Self {
            id,
            listed: Listed::default(),
            began: now,
            ran_before_ms: loaded.server.ran_ms,
            members: Members::default(),
            claims: Claims::default(),
            presence: Presence::new(&loaded.room),
            residents: Shares::new(),
            log: Log::new(&loaded.room, id.handle(), term, limits.tail_bytes),
            pages: Pages::new(limits.page_bytes, limits.page_reads),
            appender: Appender::default(),
            ownership: Ownership::new(loaded, settings.admission_tag, limits.name_keep.as_millis()),
            known: Known::new(loaded),
            sanctions: Sanctions::new(&loaded.room),
            passwords: PasswordQueue::new(limits),
            visits: Visits::new(limits),
            newcomers: Buckets::new(newcomers, limits.prefixes),
            settings,
        };
        room.start_absence_timers(now, context);
        room.purge(now, context);
        room.plan_upkeep(now, context);
        room
    }

    pub(super) fn id(&self) -> RoomId {
        self.id
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Its name, for a job.
    pub(super) fn shared_name(&self) -> Arc<str> {
        self.settings.name.clone()
    }

    /// The number by which messages name this room.
    pub(super) fn handle(&self) -> u8 {
        self.log.handle()
    }

    /// A deadline of this room.
    fn timer(&self, timer: RoomTimer) -> Timer {
        Timer::Room(self.id, timer)
    }

    /// Total time that servers ran with this log, in ms. It does not depend on the time of day.
    fn ran_ms(&self, now: Instant) -> u64 {
        self.ran_before_ms.saturating_add(now.saturating_since(self.began).as_millis())
    }

    /// Handles one of its deadlines.
    pub(super) fn on_timer<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, timer: &RoomTimer) {
        match timer {
            RoomTimer::Absence(identity) => self.on_absence_timer(context, identity),
            // The next jobs are created anyway.
            RoomTimer::Pages | RoomTimer::Passwords | RoomTimer::Evict => {}
            RoomTimer::Upkeep => self.on_upkeep_timer(now, context),
            RoomTimer::Purge => self.purge(now, context),
        }
    }

    /// Adds an entry to the next commit.
    fn push<P: Provider>(&mut self, context: &mut Context<P>, entry: PendingEntry) {
        context.commits.begin_entry(entry.bytes());
        self.appender.push(entry);
    }

    /// Whether nothing is left to commit.
    pub(super) fn is_idle(&self) -> bool {
        self.appender.is_idle()
    }

    /// Smallest seq that is kept.
    pub(super) fn first(&self) -> u64 {
        self.log.first()
    }

    /// Largest seq that is committed.
    pub(super) fn head(&self) -> u64 {
        self.log.head()
    }

    /// Adds the counts of its parts.
    pub(super) fn count(&self, counters: &mut Counters) {
        counters.buckets_full += self.newcomers.forgotten() + self.passwords.buckets_forgotten();
        counters.pages_dropped += self.pages.dropped();
        counters.page_reads_held += self.pages.held();
        counters.tail_dropped += self.log.tail_dropped();
    }

    /// Writes the state that only authentic packets change. For tests.
    pub(super) fn write_state(&self, out: &mut impl fmt::Write) -> fmt::Result {
        writeln!(out, "{:?}\n{:?}\n{:?}", self.members, self.log, self.ownership)?;
        writeln!(out, "{:?}\n{:?}", self.claims, self.presence)?;
        writeln!(out, "{:?}\n{:?}", self.sanctions, self.appender)
    }
}

/// A random term for this run that no earlier run had.
fn draw_term(rng: &mut ChaCha20Rng, loaded: &Loaded) -> Term {
    loop {
        let mut term = Term::default();
        rng.fill_bytes(&mut term.0);
        if loaded.room.terms.iter().all(|record| record.term != term) {
            return term;
        }
    }
}

impl fmt::Debug for RoomSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, join_policy, .. } = self;
        f.debug_struct("RoomSettings").field("name", name).field("join_policy", join_policy).finish_non_exhaustive()
    }
}
