//! Collects the content of the next commit, and holds the batch that is being committed.
//!
//! ```text
//! Idle -something collected-> Appending -ok-> Idle
//!                                 |-failed, uncertain-> Reloading -> (it was written) -> Idle
//!                                                           |------> (it was not) -> Pausing -> Idle: the same posts again
//!                                                           |-failed-> ReloadPausing -> Reloading
//! ```

use core::net::SocketAddr;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, EntryKind};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Duration;
use kabar_std::names::Name;

use super::presence::Changes;
use super::requests::{CommittingJoin, JoinRequest};
use crate::store::{Forgotten, RoomBatch, ServerBatch};

/// An entry that waits for its commit.
#[derive(Debug)]
pub(super) struct PendingEntry {
    pub(super) author: String,
    pub(super) instance: u64,
    pub(super) number: u64,
    pub(super) kind: EntryKind,
    pub(super) body: Vec<u8>,
    pub(super) origin: Origin,
}

/// The origin of an entry.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A member's post.
    Member(SocketAddr),
    /// The operator.
    Operator,
    /// The server, about a member that joins or leaves. `joining`: only if the Join of this
    /// connection is committed with it.
    Presence { identity: PublicIdentity, joining: Option<u32> },
    /// The server, about a member that gets another name.
    Renamed { identity: PublicIdentity, name: Name, by: RenamedBy },
    /// The server, about an entry whose body is removed.
    Removal { seq: u64, by: Remover },
}

/// The message that renames a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RenamedBy {
    /// The Join of this connection: only if that is committed.
    Join(u32),
    /// A request on this connection, which waits for the answer.
    Request(u32),
}

/// By whom an entry is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remover {
    /// The operator at the console.
    Operator,
    /// A member; `peer`: its connection, which waits for the answer.
    Member { identity: PublicIdentity, peer: u32 },
}

/// The content of the next commit, and the batch in progress.
#[derive(Debug)]
pub(super) struct Appender {
    pub(super) state: State,
    pub(super) posts: VecDeque<PendingEntry>,
    pub(super) joins: Vec<CommittingJoin>,
    /// Folded names whose owners were seen.
    pub(super) seen: BTreeSet<String>,
    /// Instances whose connections ended.
    pub(super) seen_instances: BTreeSet<u64>,
    pub(super) released: Vec<String>,
    /// Records already removed from memory, to be removed from the store.
    pub(super) forgotten: Forgotten,
    pub(super) forgotten_names: Vec<String>,
    /// The entries below this seq are to be removed.
    pub(super) first: Option<u64>,
    /// The running time is to be written even if nothing else is.
    pub(super) is_ran_due: bool,
    /// Bytes of posts that are not committed.
    pub(super) bytes: usize,
    /// Changes of presence and names by `posts` and the batch in progress.
    pub(super) changes: Changes,
    pub(super) pause: Duration,
    pub(super) is_in_trouble: bool,
}

#[derive(Debug)]
pub(super) enum State {
    Idle,
    Appending(InFlight),
    Reloading(InFlight),
    /// Until the timer.
    Pausing,
    /// Until the timer.
    ReloadPausing(InFlight),
}

/// A batch in progress, and the data that is needed when its outcome is known.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) server: Arc<ServerBatch>,
    pub(super) batch: Arc<RoomBatch>,
    /// The origin of each entry.
    pub(super) origins: Vec<Origin>,
    pub(super) joins: Vec<CommittingJoin>,
    /// Changes of presence and names by its entries.
    pub(super) changes: Changes,
    /// The head before it.
    pub(super) base: u64,
}

impl PendingEntry {
    /// A member's post.
    pub(super) fn by_member(
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
    pub(super) fn by_server(author: &str, kind: EntryKind, body: &[u8], origin: Origin) -> Self {
        Self { author: author.to_owned(), instance: 0, number: 0, kind, body: body.to_vec(), origin }
    }

    pub(super) fn bytes(&self) -> usize {
        self.body.len() + ENTRY_OVERHEAD
    }

    /// Notes the presence and the name that it changes.
    pub(super) fn note(&self, changes: &mut Changes) {
        match &self.origin {
            Origin::Presence { identity, .. } if self.kind == EntryKind::JOINED => {
                changes.note_joined(*identity, &self.author);
            }
            Origin::Presence { identity, .. } => changes.note_left(*identity),
            Origin::Renamed { identity, name, .. } => changes.note_name(*identity, name.shown()),
            Origin::Member(_) | Origin::Operator | Origin::Removal { .. } => {}
        }
    }
}

impl Appender {
    pub(super) fn new(pause: Duration) -> Self {
        Self {
            state: State::Idle,
            posts: VecDeque::new(),
            joins: Vec::new(),
            seen: BTreeSet::new(),
            seen_instances: BTreeSet::new(),
            released: Vec::new(),
            forgotten: Forgotten::default(),
            forgotten_names: Vec::new(),
            first: None,
            is_ran_due: false,
            bytes: 0,
            changes: Changes::default(),
            pause,
            is_in_trouble: false,
        }
    }

    /// Adds an entry to the next commit.
    pub(super) fn push(&mut self, pending: PendingEntry) {
        self.bytes += pending.bytes();
        pending.note(&mut self.changes);
        self.posts.push_back(pending);
    }

    /// Adds an admitted Join to the next commit.
    pub(super) fn push_join(&mut self, peer: u32, request: Box<JoinRequest>) {
        self.joins.push(CommittingJoin { peer, request });
    }

    /// Records with the next commit that the owner of a name was seen, with an instance.
    pub(super) fn push_seen(&mut self, folded: &str, instance: u64) {
        self.seen.insert(folded.to_owned());
        self.seen_instances.insert(instance);
    }

    /// The records that the next commit removes.
    pub(super) fn forgotten(&mut self) -> &mut Forgotten {
        &mut self.forgotten
    }

    /// Removes a name from the store with the next commit.
    pub(super) fn push_forgotten_name(&mut self, folded: &str) {
        self.forgotten_names.push(folded.to_owned());
    }

    /// After everything was read from the store again: nothing is about to be removed.
    pub(super) fn clear_forgotten(&mut self) {
        self.forgotten = Forgotten::default();
        self.forgotten_names.clear();
    }

    /// Makes the next commit write the running time, even if it writes nothing else.
    pub(super) fn push_ran(&mut self) {
        self.is_ran_due = true;
    }

    /// The identities whose names and instances the batch in progress writes.
    pub(super) fn writes(&self) -> impl Iterator<Item = PublicIdentity> {
        let in_flight = self.in_flight();
        let names = in_flight.into_iter().flat_map(|it| it.server.names.iter().map(|record| record.identity));
        names.chain(in_flight.into_iter().flat_map(|it| it.batch.instances.iter().map(|record| record.identity)))
    }

    /// Joins that are not committed.
    pub(super) fn joining(&self) -> impl Iterator<Item = &JoinRequest> {
        let in_flight = self.in_flight().into_iter().flat_map(|it| &it.joins);
        self.joins.iter().chain(in_flight).map(|join| &*join.request)
    }

    pub(super) fn in_flight(&self) -> Option<&InFlight> {
        match &self.state {
            State::Appending(it) | State::Reloading(it) | State::ReloadPausing(it) => Some(it),
            State::Idle | State::Pausing => None,
        }
    }

    /// Releases a name with the next commit.
    pub(super) fn push_released(&mut self, folded: &str) {
        self.released.push(folded.to_owned());
    }

    /// Whether a name is about to be released.
    pub(super) fn is_releasing(&self, folded: &str) -> bool {
        let in_flight = self.in_flight().map_or(&[][..], |it| it.server.released.as_slice());
        self.released.iter().chain(in_flight).any(|released| released == folded)
    }

    /// Whether the body of an entry is about to be removed.
    pub(super) fn is_removing(&self, seq: u64) -> bool {
        let is_it = |post: &PendingEntry| matches!(post.origin, Origin::Removal { seq: it, .. } if it == seq);
        self.posts.iter().any(is_it) || self.in_flight().is_some_and(|it| it.batch.removed.contains(&seq))
    }

    /// Bytes of posts that are not committed.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of Joins that are not committed.
    pub(super) fn joins(&self) -> usize {
        self.joins.len() + self.in_flight().map_or(0, |it| it.joins.len())
    }

    /// Number of entries that are not committed.
    pub(super) fn posts(&self) -> usize {
        self.posts.len() + self.in_flight().map_or(0, |it| it.batch.entries.len())
    }

    /// Whether a commit failed and it is too early for another. (After that, the next one shows
    /// whether the store works again.)
    pub(super) fn is_recovering(&self) -> bool {
        matches!(self.state, State::Reloading(_) | State::Pausing | State::ReloadPausing(_))
    }

    /// Whether there is nothing to commit.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.posts.is_empty() && self.joins.is_empty()
    }

    /// Whether the last commit failed, or is not known to have happened.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.is_in_trouble
    }

    /// After a batch: only the changes by `posts` are still to be written.
    pub(super) fn recompute_changes(&mut self) {
        self.changes = changes_of(&self.posts);
    }
}

/// The changes of presence and names by these entries.
pub(super) fn changes_of(posts: &VecDeque<PendingEntry>) -> Changes {
    let mut changes = Changes::default();
    posts.iter().for_each(|post| post.note(&mut changes));
    changes
}

impl Origin {
    /// The connection whose Join the entry belongs to, if it is written only with that.
    pub(super) fn joining(&self) -> Option<u32> {
        match self {
            Self::Presence { joining, .. } => *joining,
            Self::Renamed { by: RenamedBy::Join(id), .. } => Some(*id),
            Self::Renamed { .. } | Self::Removal { .. } | Self::Member(_) | Self::Operator => None,
        }
    }
}
