//! Group commit (SPEC 7): posts and registrations collect while a batch is being committed; nobody is told anything before.
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

use kabar_core::chat::{ENTRY_OVERHEAD, Kind};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use crate::hub::Hub;
use crate::hub::peer::Phase;
use crate::hub::{Job, StoreJob};
use crate::store::{Batch, Forgotten};

/// What the log is about to get.
#[derive(Debug)]
pub(in crate::hub) struct Pending {
    author: String,
    instance: u64,
    number: u64,
    kind: Kind,
    body: Vec<u8>,
    source: Source,
}

/// Where an entry comes from.
#[derive(Clone, Debug)]
pub(in crate::hub) enum Source {
    /// A member's post.
    Member(SocketAddr),
    /// The operator.
    Operator,
    /// The server, about a member coming or going. `joiner`: only if that Join is committed with it.
    Presence { folded: String, joiner: Option<u32> },
}

/// A Join that waits for its commit.
#[derive(Clone, Debug)]
pub(in crate::hub) struct Joiner {
    pub(in crate::hub) id: u32,
    pub(in crate::hub) folded: String,
}

/// What collects, and what is under way.
#[derive(Debug)]
pub(in crate::hub) struct Appender {
    state: State,
    posts: VecDeque<Pending>,
    joiners: Vec<Joiner>,
    /// Folded names whose owners were seen.
    seen: BTreeSet<String>,
    /// Instances whose connections ended.
    seen_instances: BTreeSet<u64>,
    released: Vec<String>,
    /// What is forgotten here already and is still to be removed from the store.
    forgotten: Forgotten,
    /// The running time is to be written even if nothing else is.
    is_ran_due: bool,
    /// Bytes of posts that collect or are under way.
    bytes: usize,
    /// What `posts` and the batch under way say about who is here.
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

/// A batch under way, and what is needed when it is through, or not.
#[derive(Debug)]
struct InFlight {
    batch: Arc<Batch>,
    /// Of each entry.
    sources: Vec<Source>,
    joiners: Vec<Joiner>,
    /// The head under it.
    base: u64,
}

impl Pending {
    /// A member's post.
    pub(in crate::hub) fn by_member(
        author: &str,
        instance: u64,
        number: u64,
        kind: Kind,
        body: &[u8],
        from: SocketAddr,
    ) -> Self {
        let source = Source::Member(from);
        Self { author: author.to_owned(), instance, number, kind, body: body.to_vec(), source }
    }

    /// Something that the server itself says.
    pub(in crate::hub) fn by_server(author: &str, kind: Kind, body: &[u8], source: Source) -> Self {
        Self { author: author.to_owned(), instance: 0, number: 0, kind, body: body.to_vec(), source }
    }

    fn bytes(&self) -> usize {
        self.body.len() + ENTRY_OVERHEAD
    }
}

impl Appender {
    pub(in crate::hub) fn new(pause: Duration) -> Self {
        Self {
            state: State::Idle,
            posts: VecDeque::new(),
            joiners: Vec::new(),
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
    pub(in crate::hub) fn push(&mut self, pending: Pending) {
        self.bytes += pending.bytes();
        note_presence(&mut self.presence, pending.kind, &pending.source);
        self.posts.push_back(pending);
    }

    /// Adds a Join that waits.
    pub(in crate::hub) fn push_join(&mut self, id: u32, folded: String) {
        self.joiners.push(Joiner { id, folded });
    }

    /// Adds that the owner of a name was seen, with an instance.
    pub(in crate::hub) fn push_seen(&mut self, folded: &str, instance: u64) {
        self.seen.insert(folded.to_owned());
        self.seen_instances.insert(instance);
    }

    /// What the next batch removes.
    pub(in crate::hub) fn forgotten(&mut self) -> &mut Forgotten {
        &mut self.forgotten
    }

    /// Lets the running time be written with the next batch, or with one of its own.
    pub(in crate::hub) fn push_ran(&mut self) {
        self.is_ran_due = true;
    }

    /// Whose names and instances the batch under way writes.
    pub(in crate::hub) fn writes(&self) -> impl Iterator<Item = PublicIdentity> {
        let batch = self.in_flight().map(|it| &*it.batch);
        let names = batch.into_iter().flat_map(|batch| batch.names.iter().map(|record| record.identity));
        names.chain(batch.into_iter().flat_map(|batch| batch.instances.iter().map(|record| record.identity)))
    }

    /// The connections of joins that wait, those of the batch under way included.
    pub(in crate::hub) fn joiners(&self) -> impl Iterator<Item = u32> {
        let in_flight = self.in_flight().into_iter().flat_map(|it| &it.joiners);
        self.joiners.iter().chain(in_flight).map(|joiner| joiner.id)
    }

    fn in_flight(&self) -> Option<&InFlight> {
        match &self.state {
            State::Appending(it) | State::Reloading(it) | State::ReloadPausing(it) => Some(it),
            State::Idle | State::Pausing => None,
        }
    }

    /// Adds that a name is nobody's any more.
    pub(in crate::hub) fn push_released(&mut self, folded: &str) {
        self.released.push(folded.to_owned());
    }

    /// Whether a name is about to be nobody's any more.
    pub(in crate::hub) fn is_releasing(&self, folded: &str) -> bool {
        let in_flight = self.in_flight().map_or(&[][..], |it| it.batch.released.as_slice());
        self.released.iter().chain(in_flight).any(|released| released == folded)
    }

    /// Bytes of posts that are not committed.
    pub(in crate::hub) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Joins that wait.
    pub(in crate::hub) fn joins(&self) -> usize {
        self.joiners.len() + self.in_flight().map_or(0, |it| it.joiners.len())
    }

    /// Posts that are not committed.
    pub(in crate::hub) fn posts(&self) -> usize {
        self.posts.len() + self.in_flight().map_or(0, |it| it.batch.entries.len())
    }

    /// Whether a commit failed and it is too early for another. (After that, whatever comes first shows whether all is well.)
    pub(in crate::hub) fn is_recovering(&self) -> bool {
        matches!(self.state, State::Reloading(_) | State::Pausing | State::ReloadPausing(_))
    }

    /// Whether there is nothing to commit.
    pub(in crate::hub) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.posts.is_empty() && self.joiners.is_empty()
    }

    /// Whether the last commit failed, or is not known to have happened.
    pub(in crate::hub) fn is_in_trouble(&self) -> bool {
        self.is_in_trouble
    }

    /// What is about to be said of somebody's presence.
    pub(in crate::hub) fn presence(&self, folded: &str) -> Option<bool> {
        self.presence.get(folded).copied()
    }

    /// After a batch: only what collects is still to be said.
    fn recompute_presence(&mut self) {
        self.presence.clear();
        for pending in &self.posts {
            note_presence(&mut self.presence, pending.kind, &pending.source);
        }
    }
}

fn note_presence(presence: &mut BTreeMap<String, bool>, kind: Kind, source: &Source) {
    if let Source::Presence { folded, .. } = source {
        presence.insert(folded.clone(), kind == Kind::JOINED);
    }
}

impl<P: Provider> Hub<P> {
    /// Begins a commit if something collected and none is under way.
    pub(in crate::hub) fn append(&mut self, now: Instant) {
        while matches!(self.appender.state, State::Idle) && self.has_to_append() {
            let posts = self.drop_lost_joins(now);
            let in_flight = self.build(now, posts);
            if in_flight.batch.is_empty() {
                if in_flight.joiners.is_empty() {
                    return;
                }
                // Nothing to write for these: welcome at once.
                self.complete_joins(now, in_flight.joiners);
                continue;
            }
            if self.config.mistakes.entry_before_commit {
                let early = Batch { entries: in_flight.batch.entries.clone(), ..Batch::default() };
                self.log.apply(&early);
                self.mark_members_ready();
            }
            self.jobs.push_back(Job::Store(StoreJob::Append(in_flight.batch.clone())));
            self.appender.state = State::Appending(in_flight);
        }
    }

    fn has_to_append(&self) -> bool {
        let Appender { posts, joiners, seen, released, forgotten, is_ran_due, .. } = &self.appender;
        let is_empty = posts.is_empty() && joiners.is_empty() && seen.is_empty() && released.is_empty();
        !is_empty || !forgotten.is_empty() || *is_ran_due || self.sanctions.has_decided() || !self.log.is_term_durable()
    }

    /// Takes the posts that collected, without what was to be said of joins whose connection is gone.
    fn drop_lost_joins(&mut self, now: Instant) -> VecDeque<Pending> {
        let is_joining = |id: &u32| self.peers.get(id).is_some_and(|peer| matches!(peer.phase, Phase::Joining(_)));
        let (joiners, lost) =
            core::mem::take(&mut self.appender.joiners).into_iter().partition(|it| is_joining(&it.id));
        self.appender.joiners = joiners;
        let lost: Vec<Joiner> = lost;
        let mut posts = core::mem::take(&mut self.appender.posts);
        if !lost.is_empty() {
            let is_lost = |joiner: &u32| lost.iter().any(|it| it.id == *joiner);
            posts.retain(|post| {
                let stays = !matches!(&post.source, Source::Presence { joiner: Some(id), .. } if is_lost(id));
                self.appender.bytes -= if stays { 0 } else { post.bytes() };
                stays
            });
            self.appender.presence.clear();
            for post in &posts {
                note_presence(&mut self.appender.presence, post.kind, &post.source);
            }
            for joiner in &lost {
                self.end_claim(now, &joiner.folded);
            }
        }
        posts
    }

    /// The head moved: who had everything has not any more.
    pub(in crate::hub) fn mark_members_ready(&mut self) {
        let at_head = core::mem::take(&mut self.at_head);
        for id in &at_head {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.is_at_head = false;
                self.mark_ready(*id);
            }
        }
        // Its memory is used again.
        self.at_head = at_head;
        self.at_head.clear();
    }
}
