//! Group commit (SPEC 7): posts and registrations are collected while a batch is being committed,
//! and nothing is sent about them before their commit. The states are those of [`Appender`].

mod batch;
mod outcome;

use std::collections::VecDeque;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::appender::{Appender, Origin, PendingEntry, RenamedBy, State, changes_of};
use super::requests::{CommittingJoin, JoinRequest};
use crate::hub::context::Context;
use crate::hub::jobs::{Job, StoreJob};
use crate::hub::peer::Peers;
use crate::store::{Commit, RoomBatch};

impl Room {
    /// Begins a commit if there is something to commit and none is in progress. Returns the
    /// connections of Joins that needed none: reading them may continue and yield more to commit.
    pub(in crate::hub) fn create_commit_job<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
    ) -> Vec<u32> {
        if !matches!(self.appender.state, State::Idle) || !self.has_to_commit(context) {
            return Vec::new();
        }
        self.refuse_surplus_sessions(now, peers, context);
        self.drop_void_removals(peers, context);
        let posts = self.drop_lost_joins(now, peers, context);
        let in_flight = self.build(now, context, posts);
        if in_flight.server.is_empty() && in_flight.batch.is_empty() {
            // Nothing has to be written for these Joins.
            return self.complete_joins(now, peers, context, in_flight.joins);
        }
        if context.config.faults().entry_before_commit() {
            let early = RoomBatch { entries: in_flight.batch.entries.clone(), ..RoomBatch::default() };
            self.log.apply(&early);
            self.mark_caught_up_ready(peers, context);
        }
        let commit = Commit { server: in_flight.server.clone(), rooms: vec![in_flight.batch.clone()] };
        context.jobs.push_back(Job::Store(StoreJob::Append { room: self.id, commit }));
        self.appender.state = State::Appending(in_flight);
        Vec::new()
    }

    fn has_to_commit<P: Provider>(&self, context: &Context<P>) -> bool {
        let Appender { posts, joins, seen, released, forgotten, forgotten_names, first, is_ran_due, .. } =
            &self.appender;
        let is_empty = posts.is_empty() && joins.is_empty() && seen.is_empty() && released.is_empty();
        let is_forgetting = !forgotten.is_empty() || !forgotten_names.is_empty() || first.is_some();
        let has_decided =
            self.sanctions.has_decided() || self.invites.has_changed() || context.privileges.has_decided();
        !is_empty || is_forgetting || *is_ran_due || has_decided || !self.log.is_term_durable()
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
                self.appender.bytes -= post.bytes();
            } else {
                posts.push_back(post);
            }
        }
        self.appender.changes = changes_of(&posts);
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
