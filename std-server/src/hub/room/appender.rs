//! Collects the content of a room's next batch, and holds the one that is being committed.

use core::net::SocketAddr;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use kabar_core::chat::{ENTRY_OVERHEAD, EntryKind};
use kabar_core::crypto::identity::PublicIdentity;
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
}

/// The message that renames a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RenamedBy {
    /// The Join of this connection: only if that is committed.
    Join(u32),
    /// A request on this connection, which waits for the answer.
    Request(u32),
}

/// The content of the next commit, and the batch in progress.
#[derive(Debug, Default)]
pub(super) struct Appender {
    pub(super) in_flight: Option<InFlight>,
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
    /// The running time is to be written even if nothing else is.
    pub(super) is_ran_due: bool,
    /// Changes of presence and names by `posts` and the batch in progress.
    pub(super) changes: Changes,
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
}

impl Appender {
    /// Adds an entry to the next commit.
    pub(super) fn push(&mut self, pending: PendingEntry) {
        self.changes.note(&pending);
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
        self.in_flight.as_ref()
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
        self.changes = Changes::of(&self.posts);
    }
}

impl Origin {
    /// The connection whose Join the entry belongs to, if it is written only with that.
    pub(super) fn joining(&self) -> Option<u32> {
        match self {
            Self::Presence { joining, .. } => *joining,
            Self::Renamed { by: RenamedBy::Join(id), .. } => Some(*id),
            Self::Renamed { .. } | Self::Member(_) | Self::Operator => None,
        }
    }
}
