//! The members of a room, indexed by identity, name and instance. A member is an identity with its
//! name; each of its connections is a session. Messages that are still to be sent are stored with
//! the connection.

use std::sync::Arc;

use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::names::Name;

use crate::hub::fairness::prefix::Prefix;
use crate::hub::peer::Link;
use crate::hub::peer::member::Member;
use crate::hub::sorted_map::SortedMap;

/// The members of a room.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_identity: SortedMap<PublicIdentity, Person>,
    /// By folded name.
    by_name: SortedMap<Box<str>, PublicIdentity>,
    by_instance: SortedMap<u64, Session>,
    /// Connections of members that have every entry up to the head: only these are served when it
    /// moves. Members that lag are served after an acknowledgement, a timer or a read page.
    caught_up: Vec<u32>,
}

/// A member: its name and its sessions, of which there is at least one.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: Arc<Name>,
    /// In the order of their Joins.
    sessions: Vec<Session>,
}

/// A connection of a member, and the data with which later Joins are compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) peer: u32,
    pub(super) ordinal: u64,
    pub(super) prefix: Prefix,
    pub(super) instance: u64,
}

impl Person {
    pub(super) fn sessions(&self) -> &[Session] {
        &self.sessions
    }
}

impl Members {
    /// Number of members, however many sessions each has.
    pub(super) fn len(&self) -> usize {
        self.by_identity.len()
    }

    /// Adds a session. The first one of an identity makes it a member, with the session's name.
    pub(super) fn insert<P: Provider>(&mut self, link: &Link<P>, member: &Member) {
        let Member { name, identity, instance, .. } = member;
        let session = Session { peer: link.id, ordinal: link.ordinal, prefix: link.prefix, instance: *instance };
        self.by_instance.insert(*instance, session);
        if let Some(person) = self.by_identity.get_mut(identity) {
            return person.sessions.push(session);
        }
        self.by_name.insert(name.folded().into(), *identity);
        // Most members have one session only.
        self.by_identity.insert(*identity, Person { name: name.clone(), sessions: vec![session] });
    }

    /// Removes a session. Returns whether it was the last one of its member.
    pub(super) fn remove(&mut self, peer: u32, member: &Member) -> bool {
        self.by_instance.remove(&member.instance);
        if member.is_caught_up
            && let Some(at) = self.caught_up.iter().position(|id| *id == peer)
        {
            self.caught_up.remove(at);
        }
        let Some(person) = self.by_identity.get_mut(&member.identity) else { return false };
        person.sessions.retain(|session| session.peer != peer);
        let is_last = person.sessions.is_empty();
        if is_last {
            self.by_name.remove(person.name.folded());
            self.by_identity.remove(&member.identity);
        }
        is_last
    }

    /// Gives a member another name.
    pub(super) fn rename(&mut self, identity: &PublicIdentity, name: &Arc<Name>) {
        let Some(person) = self.by_identity.get_mut(identity) else { return };
        self.by_name.remove(person.name.folded());
        person.name = name.clone();
        self.by_name.insert(name.folded().into(), *identity);
    }

    pub(super) fn get(&self, identity: &PublicIdentity) -> Option<&Person> {
        self.by_identity.get(identity)
    }

    pub(super) fn contains(&self, identity: &PublicIdentity) -> bool {
        self.by_identity.contains_key(identity)
    }

    /// The sessions of an identity; none if it is not a member.
    pub(super) fn sessions_of(&self, identity: &PublicIdentity) -> &[Session] {
        self.by_identity.get(identity).map_or(&[], Person::sessions)
    }

    pub(super) fn identities(&self) -> impl Iterator<Item = PublicIdentity> {
        self.by_identity.keys().copied()
    }

    /// The identity that has a name.
    pub(super) fn named(&self, folded: &str) -> Option<PublicIdentity> {
        self.by_name.get(folded).copied()
    }

    /// The session with an instance.
    pub(super) fn session_of_instance(&self, instance: u64) -> Option<Session> {
        self.by_instance.get(&instance).copied()
    }

    /// All members by folded name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PublicIdentity, &Person)> {
        self.by_name.values().filter_map(|identity| Some((*identity, self.by_identity.get(identity)?)))
    }

    /// The names of all members by folded name, from after `after` on.
    pub(super) fn names_after<'a>(
        &'a self,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, &'a Name)> + use<'a> {
        let named = self.by_name.after(after);
        named.filter_map(|(folded, identity)| Some((&**folded, &*self.by_identity.get(identity)?.name)))
    }

    /// All sessions of all members, each with the member's name.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (&Name, Session)> {
        self.iter().flat_map(|(_, person)| person.sessions.iter().map(|session| (&*person.name, *session)))
    }

    /// Lists a session that has every entry.
    pub(super) fn add_caught_up(&mut self, peer: u32) {
        self.caught_up.push(peer);
    }

    /// Empties the list of sessions that have every entry, for [`Self::recycle`] to take back.
    pub(super) fn take_caught_up(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.caught_up)
    }

    /// Reuses the memory of a list.
    pub(super) fn recycle(&mut self, mut caught_up: Vec<u32>) {
        caught_up.clear();
        self.caught_up = caught_up;
    }
}
