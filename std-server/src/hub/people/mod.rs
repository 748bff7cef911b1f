//! People: everything about identities that is the same in every room: their names, how often they
//! may join, be announced and post, and the Joins whose passwords are to be checked. Rooms ask it;
//! what it has to write is part of the transaction in progress.

mod batch;
mod claims;
mod join_request;
mod known;
mod names;
mod naming;
mod password_queue;
mod retention;
mod visits;

use core::fmt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::counters::Counters;
use super::fairness::limiter::{Buckets, Rate};
use super::limits::HubLimits;
use super::room_id::RoomId;
use crate::store::{NameRecord, ServerBatch, ServerState};
use claims::Claims;
use names::Names;
use visits::Visits;

pub(super) use batch::ServerPart;
pub(super) use join_request::JoinRequest;
pub(super) use known::{Kept, Known};
pub(super) use password_queue::{PasswordCheck, PasswordQueue, WaitingJoin};
pub(super) use retention::FORGOTTEN_AT_ONCE;
pub(super) use visits::PostToken;

/// The state of all identities.
#[derive(Debug)]
pub(super) struct People {
    /// When this run began.
    began: Instant,
    /// How long servers ran with this store before, in ms.
    ran_before_ms: u64,
    pub(super) names: Names,
    pub(super) known: Known,
    pub(super) claims: Claims,
    /// The names that identities have or are about to have, in each room where they have one.
    held: BTreeMap<PublicIdentity, Vec<(RoomId, String)>>,
    /// Renames in one room, to be repeated in the others.
    pub(super) renames: VecDeque<Rename>,
    pub(super) visits: Visits,
    /// Rate at which each address prefix may introduce new identities.
    pub(super) newcomers: Buckets,
    pub(super) passwords: PasswordQueue,
    pending: batch::Pending,
    in_flight: Option<Arc<ServerBatch>>,
}

/// A rename that was added to the next commit of a room.
#[derive(Debug)]
pub(super) struct Rename {
    pub(super) room: RoomId,
    pub(super) identity: PublicIdentity,
    pub(super) name: Name,
}

impl People {
    pub(super) fn new(now: Instant, limits: &HubLimits, loaded: &ServerState) -> Self {
        let newcomers = Rate { burst: limits.newcomer_burst, interval: limits.newcomer_interval };
        let mut known = Known::default();
        known.reload(loaded);
        Self {
            began: now,
            ran_before_ms: loaded.ran_ms,
            names: Names::new(loaded, limits.name_keep.as_millis()),
            known,
            claims: Claims::default(),
            held: BTreeMap::new(),
            renames: VecDeque::new(),
            visits: Visits::new(limits),
            newcomers: Buckets::new(newcomers, limits.prefixes),
            passwords: PasswordQueue::new(limits),
            pending: batch::Pending::default(),
            in_flight: None,
        }
    }

    /// Total time that servers ran with this store, in ms. It does not depend on the time of day.
    pub(super) fn ran_ms(&self, now: Instant) -> u64 {
        self.ran_before_ms.saturating_add(now.saturating_since(self.began).as_millis())
    }

    /// Notes the name that an identity has, or is about to have, in a room; `None`: it is neither a
    /// member nor present there.
    pub(super) fn hold(&mut self, room: RoomId, identity: PublicIdentity, name: Option<&str>) {
        let held = self.held.entry(identity).or_default();
        let at = held.iter().position(|(it, _)| *it == room);
        match (at, name) {
            (Some(at), Some(name)) if held[at].1 == name => {}
            (Some(at), Some(name)) => name.clone_into(&mut held[at].1),
            (None, Some(name)) => held.push((room, name.to_owned())),
            (Some(at), None) => _ = held.swap_remove(at),
            (None, None) => {}
        }
        if held.is_empty() {
            self.held.remove(&identity);
        }
    }

    /// The rooms in which an identity has a name, in the order of their ids.
    pub(super) fn rooms_of(&self, identity: &PublicIdentity) -> Vec<RoomId> {
        let mut rooms: Vec<RoomId> = self.held(identity).iter().map(|(room, _)| *room).collect();
        rooms.sort_unstable();
        rooms
    }

    /// The name that an identity has in another room than `room`.
    pub(super) fn name_elsewhere(&self, identity: &PublicIdentity, room: RoomId) -> Option<&str> {
        let elsewhere = self.held(identity).iter().filter(|(it, _)| *it != room);
        elsewhere.min_by_key(|(it, _)| *it).map(|(_, name)| name.as_str())
    }

    /// Whether the owner of a name has it in any room.
    pub(super) fn is_held(&self, record: &NameRecord) -> bool {
        self.held(&record.identity).iter().any(|(_, name)| *name == record.name)
    }

    fn held(&self, identity: &PublicIdentity) -> &[(RoomId, String)] {
        self.held.get(identity).map_or(&[], Vec::as_slice)
    }

    /// Adds the counts of its parts.
    pub(super) fn count(&self, counters: &mut Counters) {
        counters.buckets_full += self.newcomers.forgotten() + self.passwords.buckets_forgotten();
    }

    /// Writes the state that only authentic packets change. For tests.
    pub(super) fn write_state(&self, out: &mut impl fmt::Write) -> fmt::Result {
        writeln!(out, "{:?}\n{:?}\n{:?}", self.names, self.claims, self.held)?;
        writeln!(out, "{:?}\n{:?}", self.pending, self.in_flight)
    }
}
