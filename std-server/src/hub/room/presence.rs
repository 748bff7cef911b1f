//! Presence according to the log (SPEC 6.4): the identities that joined and have not left, each
//! with the name under which the log reports it.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::sorted_map::SortedMap;
use crate::store::{self, RoomBatch, RoomState};

/// The committed presence: the name of each identity that is present, as it is shown.
#[derive(Debug, Default)]
pub(super) struct Presence(SortedMap<PublicIdentity, String>);

/// Changes by entries that are not committed.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    is_present: BTreeMap<PublicIdentity, bool>,
    /// The latest name of each identity that joins or gets another name.
    names: BTreeMap<PublicIdentity, String>,
}

impl Presence {
    pub(super) fn new(loaded: &RoomState) -> Self {
        Self(loaded.present.iter().map(|it| (it.identity, it.name.clone())).collect())
    }

    /// Applies the changes by a committed batch.
    pub(super) fn apply(&mut self, changes: &Changes) {
        for identity in changes.identities() {
            match self.name(changes, &identity).map(str::to_owned) {
                Some(name) => self.0.insert(identity, name),
                None => self.0.remove(&identity),
            };
        }
    }

    /// The name under which an identity is present; `None`: it is absent.
    pub(super) fn committed_name(&self, identity: &PublicIdentity) -> Option<&str> {
        self.0.get(identity).map(String::as_str)
    }

    /// The name under which an identity is present after `changes`; `None`: it is absent.
    pub(super) fn name<'a>(&'a self, changes: &'a Changes, identity: &PublicIdentity) -> Option<&'a str> {
        let before = self.0.get(identity);
        let is_present = changes.is_present.get(identity).copied().unwrap_or(before.is_some());
        changes.names.get(identity).or(before).filter(|_| is_present).map(String::as_str)
    }

    /// Writes changes into a batch.
    pub(super) fn write(&self, changes: &Changes, batch: &mut RoomBatch) {
        for identity in changes.identities() {
            let (before, after) = (self.committed_name(&identity), self.name(changes, &identity));
            match after {
                _ if before == after => {}
                Some(name) => batch.present.push(store::Presence { identity, name: name.to_owned() }),
                None => batch.absent.push(identity),
            }
        }
    }

    /// All identities that are present.
    pub(super) fn identities(&self) -> impl Iterator<Item = PublicIdentity> {
        self.0.keys().copied()
    }
}

impl Changes {
    /// Notes that an identity joins under this name.
    pub(super) fn note_joined(&mut self, identity: PublicIdentity, name: &str) {
        self.is_present.insert(identity, true);
        self.note_name(identity, name);
    }

    /// Notes that an identity leaves.
    pub(super) fn note_left(&mut self, identity: PublicIdentity) {
        self.is_present.insert(identity, false);
    }

    /// Notes that an identity gets another name.
    pub(super) fn note_name(&mut self, identity: PublicIdentity, name: &str) {
        self.names.insert(identity, name.to_owned());
    }

    /// The name that an identity gets, if it gets one.
    pub(super) fn name(&self, identity: &PublicIdentity) -> Option<&str> {
        self.names.get(identity).map(String::as_str)
    }

    /// The identities that are concerned.
    pub(super) fn identities(&self) -> BTreeSet<PublicIdentity> {
        self.is_present.keys().chain(self.names.keys()).copied().collect()
    }
}
