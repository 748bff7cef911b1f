//! The members of a room, indexed by identity, name and instance. Messages that are still to be
//! sent to a member are stored with its connection.

use core::ops::Bound::{Excluded, Unbounded};
use std::collections::BTreeMap;

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::names::Name;

use crate::hub::fairness::prefix::Prefix;
use crate::hub::peer::Peer;
use crate::hub::peer::member::Member;

/// The members of a room.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_identity: BTreeMap<PublicIdentity, Seat>,
    /// By folded name.
    by_name: BTreeMap<String, Named>,
    by_instance: BTreeMap<u64, u32>,
    /// Connections of members that have every entry up to the head: only these are served when it
    /// moves. Members that lag are served after an acknowledgement, a timer or a read page.
    caught_up: Vec<u32>,
}

/// The connection of a member, and the data with which later Joins are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) peer: u32,
    pub(super) ordinal: u64,
    pub(super) prefix: Prefix,
    pub(super) instance: u64,
}

#[derive(Debug)]
struct Named {
    name: Name,
    identity: PublicIdentity,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.by_identity.len()
    }

    pub(super) fn insert<P: Provider>(&mut self, peer: &Peer<P>, member: &Member) {
        let Member { name, identity, instance, .. } = member;
        let seat = Seat { peer: peer.id, ordinal: peer.ordinal, prefix: peer.prefix, instance: *instance };
        self.by_identity.insert(*identity, seat);
        self.by_name.insert(name.folded().to_owned(), Named { name: name.clone(), identity: *identity });
        self.by_instance.insert(*instance, peer.id);
    }

    pub(super) fn remove(&mut self, peer: u32, member: &Member) {
        self.by_identity.remove(&member.identity);
        self.by_name.remove(member.name.folded());
        self.by_instance.remove(&member.instance);
        if member.is_caught_up
            && let Some(at) = self.caught_up.iter().position(|id| *id == peer)
        {
            self.caught_up.remove(at);
        }
    }

    pub(super) fn get(&self, identity: &PublicIdentity) -> Option<&Seat> {
        self.by_identity.get(identity)
    }

    pub(super) fn identities(&self) -> impl Iterator<Item = PublicIdentity> {
        self.by_identity.keys().copied()
    }

    /// The member of a name: its identity, and its name as the server writes it.
    pub(super) fn named(&self, folded: &str) -> Option<(&Name, PublicIdentity)> {
        self.by_name.get(folded).map(|named| (&named.name, named.identity))
    }

    /// The connection of the member of a name.
    pub(super) fn peer_named(&self, folded: &str) -> Option<u32> {
        self.by_identity.get(&self.by_name.get(folded)?.identity).map(|seat| seat.peer)
    }

    /// The connection of the member with an instance.
    pub(super) fn peer_of_instance(&self, instance: u64) -> Option<u32> {
        self.by_instance.get(&instance).copied()
    }

    /// All members by folded name, from after `after` on.
    pub(super) fn names_after<'a>(
        &'a self,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a String, &'a Name)> + use<'a> {
        let from = after.map_or(Unbounded, Excluded);
        self.by_name.range::<str, _>((from, Unbounded)).map(|(folded, named)| (folded, &named.name))
    }

    /// All members by folded name: the name as the server writes it and the connection.
    pub(super) fn seats(&self) -> impl Iterator<Item = (&Name, Seat)> {
        self.by_name.values().filter_map(|named| Some((&named.name, *self.by_identity.get(&named.identity)?)))
    }

    /// Lists a member that has every entry.
    pub(super) fn add_caught_up(&mut self, peer: u32) {
        self.caught_up.push(peer);
    }

    /// Empties the list of members that have every entry, for [`Self::recycle`] to take back.
    pub(super) fn take_caught_up(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.caught_up)
    }

    /// Reuses the memory of a list.
    pub(super) fn recycle(&mut self, mut caught_up: Vec<u32>) {
        caught_up.clear();
        self.caught_up = caught_up;
    }
}
