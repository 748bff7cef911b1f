//! Group commit (SPEC 7): posts and registrations collect while a batch is being committed; nothing
//! is sent about it before.
//!
//! ```text
//! Idle -something collected-> Appending -ok-> Idle
//!                                 |-failed, uncertain-> Reloading -> (it was written) -> Idle
//!                                                           |------> (it was not) -> Pausing -> Idle: the same posts again
//!                                                           |-failed-> ReloadPausing -> Reloading
//! ```

mod batch;
mod outcome;

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, EntryKind};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use super::Room;
use super::requests::{CommittingJoin, JoinRequest};
use crate::hub::context::Context;
use crate::hub::peer::{Peers, Phase};
use crate::hub::{Job, StoreJob};
use crate::store::{Batch, Forgotten};

/// An entry that is about to be written.
#[derive(Debug)]
pub(in crate::hub::room) struct Pending {
    author: String,
    instance: u64,
    number: u64,
    kind: EntryKind,
    body: Vec<u8>,
    origin: Origin,
}

/// Where an entry comes from.
#[derive(Clone, Debug)]
pub(in crate::hub::room) enum Origin {
    /// A member's post.
    Member(SocketAddr),
    /// The operator.
    Operator,
    /// The server, about a member that joins or leaves. `joining`: only if the Join of this
    /// connection is committed with it.
    Presence { folded: String, joining: Option<u32> },
}

/// What collects, and the batch in progress.
#[derive(Debug)]
pub(in crate::hub::room) struct Appender {
    state: State,
    posts: VecDeque<Pending>,
    joins: Vec<CommittingJoin>,
    /// Folded names whose owners were seen.
    seen: BTreeSet<String>,
    /// Instances whose connections ended.
    seen_instances: BTreeSet<u64>,
    released: Vec<String>,
    /// Forgotten here already, and still to be removed from the store.
    forgotten: Forgotten,
    /// The running time is to be written even if nothing else is.
    is_ran_due: bool,
    /// Bytes of posts that collect or are in progress.
    bytes: usize,
    /// What `posts` and the batch in progress state about who is present.
    presence: BTreeMap<String, bool>,
    pause: Duration,
    is_in_trouble: bool,
}

#[derive(Debug)]
enum State {
    Idle,
    Appending(InFlight),
    Reloading(InFlight),
    /// Until the timer.
    Pausing,
    /// Until the timer.
    ReloadPausing(InFlight),
}

/// A batch in progress, and what is needed when it is committed, or not.
#[derive(Debug)]
struct InFlight {
    batch: Arc<Batch>,
    /// Of each entry.
    origins: Vec<Origin>,
    joins: Vec<CommittingJoin>,
    /// The head under it.
    base: u64,
}

impl Pending {
    /// A member's post.
    pub(in crate::hub::room) fn by_member(
        author: &str,
        instance: u64,
        number: u64,
        kind: EntryKind,
        body: &[u8],
        from: SocketAddr,
    ) -> Self {
        let origin = Origin::Member(from);
        Self { author: author.to_owned(), instance, number, kind, body: body.to_vec(), origin }
    }

    /// An entry by the server itself.
    pub(in crate::hub::room) fn by_server(author: &str, kind: EntryKind, body: &[u8], origin: Origin) -> Self {
        Self { author: author.to_owned(), instance: 0, number: 0, kind, body: body.to_vec(), origin }
    }

    fn bytes(&self) -> usize {
        self.body.len() + ENTRY_OVERHEAD
    }
}

impl Appender {
    pub(in crate::hub::room) fn new(pause: Duration) -> Self {
        Self {
            state: State::Idle,
            posts: VecDeque::new(),
            joins: Vec::new(),
            seen: BTreeSet::new(),
            seen_instances: BTreeSet::new(),
            released: Vec::new(),
            forgotten: Forgotten::default(),
            is_ran_due: false,
            bytes: 0,
            presence: BTreeMap::new(),
            pause,
            is_in_trouble: false,
        }
    }

    /// Adds to what collects.
    pub(in crate::hub::room) fn push(&mut self, pending: Pending) {
        self.bytes += pending.bytes();
        note_presence(&mut self.presence, pending.kind, &pending.origin);
        self.posts.push_back(pending);
    }

    /// Adds a Join that is admitted.
    pub(in crate::hub::room) fn push_join(&mut self, peer: u32, request: Box<JoinRequest>) {
        self.joins.push(CommittingJoin { peer, request });
    }

    /// Adds that the owner of a name was seen, with an instance.
    pub(in crate::hub::room) fn push_seen(&mut self, folded: &str, instance: u64) {
        self.seen.insert(folded.to_owned());
        self.seen_instances.insert(instance);
    }

    /// What the next batch removes.
    pub(in crate::hub::room) fn forgotten(&mut self) -> &mut Forgotten {
        &mut self.forgotten
    }

    /// Has the running time written with the next batch, or alone.
    pub(in crate::hub::room) fn push_ran(&mut self) {
        self.is_ran_due = true;
    }

    /// Whose names and instances the batch in progress writes.
    pub(in crate::hub::room) fn writes(&self) -> impl Iterator<Item = PublicIdentity> {
        let batch = self.in_flight().map(|it| &*it.batch);
        let names = batch.into_iter().flat_map(|batch| batch.names.iter().map(|record| record.identity));
        names.chain(batch.into_iter().flat_map(|batch| batch.instances.iter().map(|record| record.identity)))
    }

    /// Joins that wait, those of the batch in progress included.
    pub(in crate::hub::room) fn joining(&self) -> impl Iterator<Item = &JoinRequest> {
        let in_flight = self.in_flight().into_iter().flat_map(|it| &it.joins);
        self.joins.iter().chain(in_flight).map(|join| &*join.request)
    }

    fn in_flight(&self) -> Option<&InFlight> {
        match &self.state {
            State::Appending(it) | State::Reloading(it) | State::ReloadPausing(it) => Some(it),
            State::Idle | State::Pausing => None,
        }
    }

    /// Adds that a name is released.
    pub(in crate::hub::room) fn push_released(&mut self, folded: &str) {
        self.released.push(folded.to_owned());
    }

    /// Whether a name is about to be released.
    pub(in crate::hub::room) fn is_releasing(&self, folded: &str) -> bool {
        let in_flight = self.in_flight().map_or(&[][..], |it| it.batch.released.as_slice());
        self.released.iter().chain(in_flight).any(|released| released == folded)
    }

    /// Bytes of posts that are not committed.
    pub(in crate::hub::room) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Joins that wait.
    pub(in crate::hub::room) fn joins(&self) -> usize {
        self.joins.len() + self.in_flight().map_or(0, |it| it.joins.len())
    }

    /// Posts that are not committed.
    pub(in crate::hub::room) fn posts(&self) -> usize {
        self.posts.len() + self.in_flight().map_or(0, |it| it.batch.entries.len())
    }

    /// Whether a commit failed and it is too early for another. (After that, whatever comes first
    /// shows whether all is well.)
    pub(in crate::hub::room) fn is_recovering(&self) -> bool {
        matches!(self.state, State::Reloading(_) | State::Pausing | State::ReloadPausing(_))
    }

    /// Whether there is nothing to commit.
    pub(in crate::hub::room) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.posts.is_empty() && self.joins.is_empty()
    }

    /// Whether the last commit failed, or is not known to have happened.
    pub(in crate::hub::room) fn is_in_trouble(&self) -> bool {
        self.is_in_trouble
    }

    /// What is about to be written about the presence of a name's owner.
    pub(in crate::hub::room) fn presence(&self, folded: &str) -> Option<bool> {
        self.presence.get(folded).copied()
    }

    /// After a batch: only what collects is still to be written.
    fn recompute_presence(&mut self) {
        self.presence.clear();
        for pending in &self.posts {
            note_presence(&mut self.presence, pending.kind, &pending.origin);
        }
    }
}

fn note_presence(presence: &mut BTreeMap<String, bool>, kind: EntryKind, origin: &Origin) {
    if let Origin::Presence { folded, .. } = origin {
        presence.insert(folded.clone(), kind == EntryKind::JOINED);
    }
}

impl Room {
    /// Begins a commit if something collected and none is in progress. Returns the connections of
    /// Joins that needed none: they may be read on, and then there may be more to commit.
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
        if in_flight.batch.is_empty() {
            // Nothing is to be written for these: they are welcome at once.
            return self.complete_joins(now, peers, context, in_flight.joins);
        }
        if context.config.faults().entry_before_commit() {
            let early = Batch { entries: in_flight.batch.entries.clone(), ..Batch::default() };
            self.log.apply(&early);
            self.mark_caught_up_ready(peers, context);
        }
        context.jobs.push_back(Job::Store(StoreJob::Append(in_flight.batch.clone())));
        self.appender.state = State::Appending(in_flight);
        Vec::new()
    }

    fn has_to_commit(&self) -> bool {
        let Appender { posts, joins, seen, released, forgotten, is_ran_due, .. } = &self.appender;
        let is_empty = posts.is_empty() && joins.is_empty() && seen.is_empty() && released.is_empty();
        !is_empty || !forgotten.is_empty() || *is_ran_due || self.sanctions.has_decided() || !self.log.is_term_durable()
    }

    /// Takes the posts that collected, without the announcements of Joins whose connection is gone.
    fn drop_lost_joins<P: Provider>(
        &mut self,
        now: Instant,
        peers: &Peers<P>,
        context: &mut Context<P>,
    ) -> VecDeque<Pending> {
        let is_joining = |id: u32| peers.get(id).is_some_and(|peer| matches!(peer.phase, Phase::Joining(_)));
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

    /// The head moved: members that had everything have not now.
    fn mark_caught_up_ready<P: Provider>(&mut self, peers: &mut Peers<P>, context: &mut Context<P>) {
        let caught_up = self.members.take_caught_up();
        for id in &caught_up {
            let Some(peer) = peers.get_mut(*id) else { continue };
            if let Some(member) = peer.member_mut() {
                member.is_caught_up = false;
            }
            context.turns.mark_ready(peer);
        }
        self.members.recycle(caught_up);
    }
}
