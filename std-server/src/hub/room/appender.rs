//! Collects the content of a room's next batch, and holds the one that is being committed.

use core::net::SocketAddr;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, EntryKind};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::names::Name;

use super::presence::Changes;
use super::requests::CommittingJoin;
use crate::hub::people::JoinRequest;
use crate::store::{Forgotten, RoomBatch};

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
    /// One of these in another room.
    Elsewhere,
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
#[derive(Debug, Default)]
pub(super) struct Appender {
    pub(super) in_flight: Option<InFlight>,
    pub(super) posts: VecDeque<PendingEntry>,
    pub(super) joins: Vec<CommittingJoin>,
    /// Instances whose connections ended.
    pub(super) seen_instances: BTreeSet<u64>,
    /// Records already removed from memory, to be removed from the store.
    pub(super) forgotten: Forgotten,
    /// The entries below this seq are to be removed.
    pub(super) first: Option<u64>,
    /// Changes of presence and names by `posts` and the batch in progress.
    pub(super) changes: Changes,
}

/// A batch in progress, and the data that is needed when its outcome is known.
#[derive(Debug)]
pub(super) struct InFlight {
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
    /// Adds an entry to the next commit.
    pub(super) fn push(&mut self, pending: PendingEntry) {
        pending.note(&mut self.changes);
        self.posts.push_back(pending);
    }

    /// Adds an admitted Join to the next commit.
    pub(super) fn push_join(&mut self, peer: u32, request: Box<JoinRequest>) {
        self.joins.push(CommittingJoin { peer, request });
    }

    /// Records with the next commit that an instance was in use.
    pub(super) fn push_seen(&mut self, instance: u64) {
        self.seen_instances.insert(instance);
    }

    /// The records that the next commit removes.
    pub(super) fn forgotten(&mut self) -> &mut Forgotten {
        &mut self.forgotten
    }

    /// After everything was read from the store again: nothing is about to be removed.
    pub(super) fn clear_forgotten(&mut self) {
        self.forgotten = Forgotten::default();
    }

    /// The identities whose instances the batch in progress writes.
    pub(super) fn writes(&self) -> impl Iterator<Item = PublicIdentity> {
        self.in_flight().into_iter().flat_map(|it| it.batch.instances.iter().map(|record| record.identity))
    }

    /// Joins that are not committed.
    pub(super) fn joining(&self) -> impl Iterator<Item = &JoinRequest> {
        let in_flight = self.in_flight().into_iter().flat_map(|it| &it.joins);
        self.joins.iter().chain(in_flight).map(|join| &*join.request)
    }

    pub(super) fn in_flight(&self) -> Option<&InFlight> {
        self.in_flight.as_ref()
    }

    /// Whether the body of an entry is about to be removed.
    pub(super) fn is_removing(&self, seq: u64) -> bool {
        let is_it = |post: &PendingEntry| matches!(post.origin, Origin::Removal { seq: it, .. } if it == seq);
        self.posts.iter().any(is_it) || self.in_flight().is_some_and(|it| it.batch.removed.contains(&seq))
    }

    /// Number of Joins that are not committed.
    pub(super) fn joins(&self) -> usize {
        self.joins.len() + self.in_flight().map_or(0, |it| it.joins.len())
    }

    /// Number of entries that are not committed.
    pub(super) fn posts(&self) -> usize {
        self.posts.len() + self.in_flight().map_or(0, |it| it.batch.entries.len())
    }

    /// Whether there is nothing to commit.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.posts.is_empty() && self.joins.is_empty()
    }

    /// After a batch: only the changes by `posts` are still to be written.
    pub(super) fn recompute_changes(&mut self) {
        self.changes = changes_of(&self.posts);
    }
}

/// The changes of presence and names by these entries.
fn changes_of(posts: &VecDeque<PendingEntry>) -> Changes {
    let mut changes = Changes::default();
    posts.iter().for_each(|post| post.note(&mut changes));
    changes
}

impl Origin {
    /// The identity whose presence or name it changes.
    pub(super) fn identity(&self) -> Option<PublicIdentity> {
        match self {
            Self::Presence { identity, .. } | Self::Renamed { identity, .. } => Some(*identity),
            Self::Member(_) | Self::Operator | Self::Removal { .. } => None,
        }
    }

    /// The connection whose Join the entry belongs to, if it is written only with that.
    pub(super) fn joining(&self) -> Option<u32> {
        match self {
            Self::Presence { joining, .. } => *joining,
            Self::Renamed { by: RenamedBy::Join(id), .. } => Some(*id),
            Self::Renamed { .. } | Self::Removal { .. } | Self::Member(_) | Self::Operator => None,
        }
    }
}
