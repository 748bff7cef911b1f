//! A room: its members, its log, and its records of identities.
//!
//! ```text
//! Join -> join -> (passwords) -> commit -> welcome ----v
//! Post -> posts --------------> commit -> log -> delivery: every member is a cursor into the log
//! Leave, silence, force -> departure -> commit
//! ```

mod admission;
mod answers;
mod appender;
mod approval_queue;
mod approvals;
mod claims;
mod commit;
mod delivery;
mod departure;
mod invites;
mod join;
mod keeping;
mod known;
mod log;
mod members;
mod naming;
mod operations;
mod operator;
mod ownership;
mod pages;
mod password_queue;
mod passwords;
mod posts;
mod presence;
mod reads;
mod removal;
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
use appender::Appender;
use approval_queue::Approvals;
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

pub use invites::InviteTerms;
pub(crate) use invites::Invites;
pub use operations::MAX_ANSWER_LEN;
pub(super) use operations::answer_operation;
pub(super) use table::Rooms;

/// Stated to those whose request or Join cannot be stored.
const STORE_FAILS: &str = "the server cannot store anything at the moment";
/// The reason stated to an identity that is renamed too often.
const TOO_OFTEN: &str = "your name changed too often; try again in a minute";

/// The reason stated to a Join of an identity with too many sessions.
const TOO_MANY: &str = "you are connected from too many places; leave one of them";

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
    invites: Invites,
    approvals: Approvals,
    visits: Visits,
    /// The entry that the operator removes, until it was read.
    operator_removal: Option<u64>,
    /// Whether a survey of the entries to be removed is under way.
    is_surveying: bool,
    /// Rate at which each address prefix may introduce new identities.
    newcomers: Buckets,
}

/// The configuration of a room: its name, and who may join.
pub(super) struct RoomSettings {
    name: Arc<str>,
    /// The secret of the standing invite at the start.
    secret: [u8; ROOM_SECRET_LEN],
    join_policy: JoinPolicy,
    needs_approval: bool,
    admission_tag: [u8; 16],
}

impl RoomSettings {
    pub(super) fn new(config: &HubConfig) -> Self {
        Self {
            name: config.room.as_str().into(),
            secret: config.secret,
            join_policy: config.join_policy,
            needs_approval: config.needs_approval,
            admission_tag: config.admission_tag,
        }
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
            began: now,
            ran_before_ms: loaded.server.ran_ms,
            members: Members::default(),
            claims: Claims::default(),
            presence: Presence::new(&loaded.room),
            residents: Shares::new(),
            log: Log::new(&loaded.room, id.handle(), term, limits.tail_bytes),
            pages: Pages::new(limits.page_bytes, limits.page_reads),
            appender: Appender::new(limits.retry_min),
            ownership: Ownership::new(loaded, settings.admission_tag, limits.name_keep.as_millis()),
            known: Known::new(loaded),
            sanctions: Sanctions::new(&loaded.room),
            passwords: PasswordQueue::new(limits),
            invites: Invites::new(&settings.name, &loaded.server),
            approvals: Approvals::new(),
            visits: Visits::new(limits),
            operator_removal: None,
            is_surveying: false,
            newcomers: Buckets::new(newcomers, limits.prefixes),
            settings,
        };
        room.start_absence_timers(now, context);
        room.purge(now, context);
        room.plan_upkeep(now, context);
        room.survey(now, context);
        room
    }

    /// Begins with its standing invite; `id` is that of a new invite.
    pub(super) fn begin_invites<P: Provider>(&mut self, now: Instant, context: &Context<P>, id: u32) {
        self.set_standing_invite(now, context, id, self.settings.secret);
    }

    pub(super) fn id(&self) -> RoomId {
        self.id
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
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
            RoomTimer::Absence(identity) => self.on_absence_timer(&mut context.counters, identity),
            RoomTimer::Store => self.on_store_timer(context),
            // The next jobs are created anyway.
            RoomTimer::Pages | RoomTimer::Passwords | RoomTimer::Evict => {}
            RoomTimer::Upkeep => self.on_upkeep_timer(now, context),
            RoomTimer::Purge => self.purge(now, context),
            RoomTimer::Survey => self.survey(now, context),
        }
    }

    /// Whether too many posts wait for their commit to accept more.
    pub(super) fn is_saturated(&self, limit: usize) -> bool {
        self.appender.bytes() >= limit
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
        writeln!(out, "{:?}\n{:?}", self.invites, self.approvals)?;
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
