//! The part of a room in a transaction: its batch, and what follows when that is committed.

mod batch;
mod outcome;

use std::collections::VecDeque;
use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::Room;
use super::appender::{Appender, Origin, PendingEntry, RenamedBy};
use super::requests::CommittingJoin;
use crate::hub::context::Context;
use crate::hub::peer::Peers;
use crate::hub::people::JoinRequest;
use crate::hub::people::ServerPart;
use crate::store::RoomBatch;

/// A begun commit of a room.
#[derive(Debug)]
pub(in crate::hub) enum Begun {
    /// This is to be written.
    Batch(Arc<RoomBatch>),
    /// Nothing has to be written for the Joins of these connections: they are complete, and reading
    /// them may continue.
    Joined(Vec<u32>),
}

impl Room {
    /// Before a commit begins: refuses Joins that it cannot contain, and drops the announcements of
    /// Joins whose connection has ended. Returns the renames that are dropped.
    pub(in crate::hub) fn prepare_commit<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
    ) -> Vec<(PublicIdentity, Name)> {
        self.refuse_surplus_sessions(now, peers, context);
        self.drop_void_removals(peers, context);
        self.drop_lost_joins(now, peers, context)
    }

    /// Begins a commit of everything that was collected, when none is in progress.
    pub(in crate::hub) fn begin_commit<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        part: &mut ServerPart,
    ) -> Begun {
        let (in_flight, is_empty) = self.build(now, context, part);
        if is_empty {
            // Nothing has to be written for these Joins.
            return Begun::Joined(self.complete_joins(now, peers, context, in_flight.joins));
        }
        if context.config.faults().entry_before_commit() {
            let early = RoomBatch { entries: in_flight.batch.entries.clone(), ..RoomBatch::default() };
            self.log.apply(&early);
            self.mark_caught_up_ready(peers, context);
        }
        let batch = in_flight.batch.clone();
        self.appender.in_flight = Some(in_flight);
        Begun::Batch(batch)
    }

    /// Whether anything is collected.
    pub(in crate::hub) fn has_to_commit(&self) -> bool {
        let Appender { posts, joins, seen_instances, forgotten, first, .. } = &self.appender;
        let is_empty = posts.is_empty() && joins.is_empty() && seen_instances.is_empty();
        let is_forgetting = !forgotten.is_empty() || first.is_some();
        let has_decided = self.sanctions.has_decided();
        !is_empty || is_forgetting || has_decided || !self.log.is_term_durable()
    }

    fn drop_lost_joins<P: Provider>(
        &mut self,
        now: Instant,
        peers: &Peers<P>,
        context: &mut Context<P>,
    ) -> Vec<(PublicIdentity, Name)> {
        let is_joining = |id: u32| peers.get(id).is_some_and(|peer| peer.memberships.is_joining(self.id));
        let (joins, lost): (Vec<CommittingJoin>, Vec<CommittingJoin>) =
            core::mem::take(&mut self.appender.joins).into_iter().partition(|it| is_joining(it.peer));
        self.appender.joins = joins;
        if lost.is_empty() {
            return Vec::new();
        }
        let (mut posts, mut renames) = (VecDeque::with_capacity(self.appender.posts.len()), Vec::new());
        for mut post in core::mem::take(&mut self.appender.posts) {
            let is_lost = post.origin.joining().is_some_and(|id| lost.iter().any(|join| join.peer == id));
            if is_lost && !self.pass_on(&mut post.origin) {
                context.commits.end_entries(post.bytes());
                if let Origin::Renamed { identity, name, .. } = post.origin {
                    renames.push((identity, name));
                }
            } else {
                posts.push_back(post);
            }
        }
        self.appender.posts = posts;
        self.appender.recompute_changes();
        for CommittingJoin { request, .. } in &lost {
            self.end_join(now, context, &request.identity, &request.name);
        }
        renames
    }

    /// Drops a rename that another room has dropped.
    pub(in crate::hub) fn drop_rename<P: Provider>(
        &mut self,
        context: &mut Context<P>,
        identity: PublicIdentity,
        name: &Name,
    ) {
        let is_it = |post: &PendingEntry| match &post.origin {
            Origin::Renamed { identity: of, name: to, by: RenamedBy::Elsewhere } => *of == identity && to == name,
            _ => false,
        };
        let dropped = self.appender.posts.iter().position(is_it).and_then(|at| self.appender.posts.remove(at));
        if let Some(entry) = dropped {
            context.commits.end_entries(entry.bytes());
            self.appender.recompute_changes();
            self.report(&mut context.people, identity);
        }
    }

    /// Makes an announcement of a lost Join that of another Join of the same identity, if there is
    /// one that it fits.
    fn pass_on(&self, origin: &mut Origin) -> bool {
        let (identity, name, joining) = match origin {
            Origin::Presence { identity, joining: Some(joining) } => (*identity, None, joining),
            Origin::Renamed { identity, name, by: RenamedBy::Join(joining) } => (*identity, Some(name), joining),
            _ => return false,
        };
        let fits = |request: &JoinRequest| {
            request.identity == identity && name.as_deref().is_none_or(|name| request.name == *name)
        };
        let other = self.appender.joins.iter().find(|join| fits(&join.request));
        other.inspect(|other| *joining = other.peer).is_some()
    }

    /// The head has moved: members that had every entry are to be served.
    fn mark_caught_up_ready<P: Provider>(&mut self, peers: &mut Peers<P>, context: &mut Context<P>) {
        let caught_up = self.members.take_caught_up();
        for id in &caught_up {
            let Some((link, member)) = peers.member_mut(*id, self.id) else { continue };
            member.is_caught_up = false;
            context.turns.mark_ready(&mut link.turn);
        }
        self.members.recycle(caught_up);
    }
}
