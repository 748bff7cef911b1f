//! A room: its members and its log.
//!
//! ```text
//! Join -> join -> (people::passwords) -> commit -> welcome ----v
//! Post -> posts --------------> commit -> log -> delivery: every member is a cursor into the log
//! Leave, silence, force -> departure -> commit
//! ```

mod admission;
mod admissions;
mod answers;
mod appender;
mod approval_queue;
mod approvals;
mod causes;
mod commit;
mod delivery;
mod departure;
mod directory;
mod instances;
mod join;
mod keeping;
mod listing;
mod loading;
mod log;
mod members;
mod naming;
mod operations;
mod operator;
mod passwords;
mod posts;
mod presence;
mod reads;
mod record;
mod removal;
mod rename;
mod requests;
mod residents;
mod retention;
mod sanctions;
mod sessions;
mod table;
mod tails;
mod welcome;

use core::fmt;
use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::config::{HubConfig, JoinPolicy};
use super::context::Context;
use super::counters::Counters;
use super::room_id::RoomId;
use super::sorted_map::SortedMap;
use super::timers::{RoomTimer, Timer};
use crate::store::{Retention, RoomRecord, RoomState, SanctionKind, Visibility};
use admissions::Admissions;
use appender::{Appender, PendingEntry};
use approval_queue::Approvals;
use instances::Instances;
use log::Log;
use members::Members;
use presence::Presence;
use residents::Residents;
use sanctions::Sanctions;
use tails::CountedTail;

pub(super) use admission::refuse_unknown;
pub(super) use commit::Begun;
pub(super) use delivery::Progress;
pub(super) use directory::{Directory, DirectoryEntry, NewTopic};
pub(super) use keeping::Kept;
pub(super) use loading::Found;
pub use operations::MAX_ANSWER_LEN;
pub(super) use operations::answer_operation;
pub(super) use requests::JoinError;
pub(super) use table::Rooms;

/// Stated to those whose request or Join cannot be stored.
pub(super) const STORE_FAILS: &str = "the server cannot store anything at the moment";
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
    /// In the lists of the table.
    listed: Listed,
    members: Members,
    /// The number of Joins in progress of each identity that has any.
    joining: SortedMap<PublicIdentity, usize>,
    presence: Presence,
    /// Connections of members, and those whose Join waits for its commit.
    residents: Residents,
    log: Log,
    appender: Appender,
    admissions: Admissions,
    instances: Instances,
    sanctions: Sanctions,
    approvals: Approvals,
    /// The entry that the operator removes, until it was read.
    operator_removal: Option<u64>,
    /// Whether a survey of the entries to be removed is under way.
    is_surveying: bool,
}

/// The lists of [`Rooms`] that a room is in.
#[derive(Clone, Copy, Debug, Default)]
struct Listed {
    is_touched: bool,
    is_dirty: bool,
    /// Nothing keeps it in memory, and the time after which it is dropped has begun.
    is_idle: bool,
    tail: CountedTail,
}

/// The configuration of a room: its name, and who may join.
pub(super) struct RoomSettings {
    name: Arc<str>,
    /// Only those who were admitted to it, or have an invite of it, may join.
    pub(super) is_private: bool,
    /// Nobody may join it.
    is_closed: bool,
    /// Who created it: may join it without an invite.
    created_by: Option<PublicIdentity>,
    /// Its topic, as committed.
    topic: String,
    retention: Retention,
    join_policy: JoinPolicy,
    needs_approval: bool,
}

impl RoomSettings {
    pub(super) fn new(config: &HubConfig, record: &RoomRecord) -> Self {
        Self {
            name: record.name.as_str().into(),
            is_private: record.visibility == Visibility::Private,
            is_closed: record.is_closed,
            created_by: record.created_by,
            topic: record.topic.clone(),
            retention: record.retention,
            join_policy: config.join_policy,
            needs_approval: config.needs_approval,
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
        loaded: &RoomState,
    ) -> Self {
        let mut room = Self {
            id,
            listed: Listed::default(),
            members: Members::default(),
            joining: SortedMap::default(),
            presence: Presence::new(loaded),
            residents: Residents::default(),
            log: Log::new(loaded, context.term),
            appender: Appender::default(),
            admissions: Admissions::new(loaded),
            instances: Instances::new(loaded, &mut context.people.known),
            sanctions: Sanctions::new(loaded),
            approvals: Approvals::new(),
            operator_removal: None,
            is_surveying: false,
            settings,
        };
        room.start_absence_timers(now, context);
        for identity in room.presence.identities() {
            room.report(&mut context.people, identity);
        }
        room.repeat_missed_renames(context);
        room.purge(now, context);
        room.plan_upkeep(now, context);
        room.survey(now, context);
        room
    }

    pub(super) fn id(&self) -> RoomId {
        self.id
    }

    /// Whether an identity may not post in it.
    pub(super) fn is_muted(&self, identity: PublicIdentity) -> bool {
        self.sanctions.holds(identity, SanctionKind::Mute)
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether only those who were admitted to it, or have an invite of it, may join.
    pub(super) fn is_private(&self) -> bool {
        self.settings.is_private
    }

    /// Its name, for a job.
    pub(super) fn shared_name(&self) -> Arc<str> {
        self.settings.name.clone()
    }

    /// A deadline of this room.
    fn timer(&self, timer: RoomTimer) -> Timer {
        Timer::Room(self.id, timer)
    }

    /// Handles one of its deadlines.
    pub(super) fn on_timer<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, timer: &RoomTimer) {
        match timer {
            RoomTimer::Absence(identity) => self.on_absence_timer(context, identity),
            RoomTimer::Upkeep => self.on_upkeep_timer(now, context),
            RoomTimer::Purge => self.purge(now, context),
            RoomTimer::Survey => self.survey(now, context),
            // The table drops it.
            RoomTimer::Idle => {}
        }
    }

    /// Adds an entry to the next commit.
    fn push<P: Provider>(&mut self, context: &mut Context<P>, entry: PendingEntry) {
        context.commits.begin_entry(entry.bytes());
        let concerned = entry.origin.identity();
        self.appender.push(entry);
        if let Some(identity) = concerned {
            self.report(&mut context.people, identity);
        }
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

    /// Lets newcomers wait for an operator. For tests.
    #[cfg(test)]
    pub(super) fn let_newcomers_wait(&mut self) {
        self.settings.needs_approval = true;
    }

    /// The highest number of an instance that is stored.
    pub(super) fn highest_number(&self, instance: u64) -> u64 {
        self.log.instance(instance).map_or(0, |known| known.highest)
    }

    /// Number of members who are connected.
    pub(super) fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Adds the counts of its parts.
    pub(super) fn count(&self, counters: &mut Counters) {
        counters.tail_dropped += self.log.tail_dropped();
    }

    /// Writes the state that only authentic packets change. For tests.
    pub(super) fn write_state(&self, out: &mut impl fmt::Write) -> fmt::Result {
        writeln!(out, "{:?}\n{:?}\n{:?}", self.members, self.log, self.admissions)?;
        writeln!(out, "{:?}\n{:?}", self.joining, self.presence)?;
        writeln!(out, "{:?}\n{:?}\n{:?}", self.approvals, self.sanctions, self.appender)
    }
}

impl fmt::Debug for RoomSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, join_policy, .. } = self;
        f.debug_struct("RoomSettings").field("name", name).field("join_policy", join_policy).finish_non_exhaustive()
    }
}
