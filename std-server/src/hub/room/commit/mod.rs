//! The part of a room in a transaction: its batch, and what follows when that is committed.

mod batch;
mod outcome;

use std::collections::VecDeque;
use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::appender::{Appender, Origin, PendingEntry, RenamedBy};
use super::presence::Changes;
use super::requests::{CommittingJoin, JoinRequest};
use crate::hub::context::Context;
use crate::hub::peer::Peers;
use crate::store::{RoomBatch, ServerBatch};

/// A begun commit of a room.
#[derive(Debug)]
pub(in crate::hub) enum Begun {
    /// This is to be written.
    Batch(Arc<ServerBatch>, Arc<RoomBatch>),
    /// Nothing has to be written for the Joins of these connections: they are complete, and reading
    /// them may continue.
    Joined(Vec<u32>),
}

impl Room {
    /// Begins a commit of everything that was collected, when none is in progress.
    pub(in crate::hub) fn begin_commit<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
    ) -> Begun {
        self.refuse_surplus_sessions(now, peers, context);
        let posts = self.drop_lost_joins(now, peers, context);
        let in_flight = self.build(now, context, posts);
        if in_flight.server.is_empty() && in_flight.batch.is_empty() {
            // Nothing has to be written for these Joins.
            return Begun::Joined(self.complete_joins(now, peers, context, in_flight.joins));
        }
        if context.config.faults().entry_before_commit() {
            let early = RoomBatch { entries: in_flight.batch.entries.clone(), ..RoomBatch::default() };
            self.log.apply(&early);
            self.mark_caught_up_ready(peers, context);
        }
        let begun = Begun::Batch(in_flight.server.clone(), in_flight.batch.clone());
        self.appender.in_flight = Some(in_flight);
        begun
    }

    /// Whether anything is collected.
    pub(in crate::hub) fn has_to_commit(&self) -> bool {
        let Appender { posts, joins, seen, released, forgotten, forgotten_names, is_ran_due, .. } = &self.appender;
        let is_empty = posts.is_empty() && joins.is_empty() && seen.is_empty() && released.is_empty();
        let is_forgetting = !forgotten.is_empty() || !forgotten_names.is_empty();
        !is_empty || is_forgetting || *is_ran_due || self.sanctions.has_decided() || !self.log.is_term_durable()
    }

    /// Takes the collected posts, without the announcements of Joins whose connection has ended.
    fn drop_lost_joins<P: Provider>(
        &mut self,
        now: Instant,
        peers: &Peers<P>,
        context: &mut Context<P>,
    ) -> VecDeque<PendingEntry> {
        let is_joining = |id: u32| peers.get(id).is_some_and(|peer| peer.phase.is_joining(self.id));
        let (joins, lost): (Vec<CommittingJoin>, Vec<CommittingJoin>) =
            core::mem::take(&mut self.appender.joins).into_iter().partition(|it| is_joining(it.peer));
        self.appender.joins = joins;
        if lost.is_empty() {
            return core::mem::take(&mut self.appender.posts);
        }
        let mut posts = VecDeque::with_capacity(self.appender.posts.len());
        for mut post in core::mem::take(&mut self.appender.posts) {
            let is_lost = post.origin.joining().is_some_and(|id| lost.iter().any(|join| join.peer == id));
            if is_lost && !self.pass_on(&mut post.origin) {
                context.commits.end_entries(post.bytes());
            } else {
                posts.push_back(post);
            }
        }
        self.appender.changes = Changes::of(&posts);
        for CommittingJoin { request, .. } in &lost {
            self.end_join(now, context, &request.identity, &request.name);
        }
        posts
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
            let Some(peer) = peers.get_mut(*id) else { continue };
            if let Some(member) = peer.member_mut() {
                member.is_caught_up = false;
            }
            context.turns.mark_ready(&mut peer.turn);
        }
        self.members.recycle(caught_up);
    }
}
