//! Group commit (SPEC 7): posts and registrations are collected while a batch is being committed,
//! and nothing is sent about them before their commit. The states are those of [`Appender`].

mod batch;
mod outcome;

use std::collections::VecDeque;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::appender::{Appender, Origin, PendingEntry, State, note_presence};
use super::requests::CommittingJoin;
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
        if !matches!(self.appender.state, State::Idle) || !self.has_to_commit() {
            return Vec::new();
        }
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

    fn has_to_commit(&self) -> bool {
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
        let mut posts = core::mem::take(&mut self.appender.posts);
        if !lost.is_empty() {
            let is_lost = |joining: &u32| lost.iter().any(|it| it.peer == *joining);
            posts.retain(|post| {
                let stays = !matches!(&post.origin, Origin::Presence { joining: Some(id), .. } if is_lost(id));
                self.appender.bytes -= if stays { 0 } else { post.bytes() };
                stays
            });
            self.appender.presence.clear();
            for post in &posts {
                note_presence(&mut self.appender.presence, post.kind, &post.origin);
            }
            for join in &lost {
                self.end_claim(now, context, join.request.name.folded());
            }
        }
        posts
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
