//! Presence according to the log (SPEC 6.4): the identities that joined and have not left, each
//! with the name under which the log reports it.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::EntryKind;
use kabar_core::crypto::identity::PublicIdentity;

use super::Room;
use super::appender::{Origin, PendingEntry};
use crate::store::{self, RoomBatch, RoomState};

/// The committed presence: the name of each identity that is present, as it is shown.
#[derive(Debug, Default)]
pub(super) struct Presence(BTreeMap<PublicIdentity, String>);

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
    fn name<'a>(&'a self, changes: &'a Changes, identity: &PublicIdentity) -> Option<&'a str> {
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
    /// The changes by these entries.
    pub(super) fn of<'a>(entries: impl IntoIterator<Item = &'a PendingEntry>) -> Self {
        let mut changes = Self::default();
        entries.into_iter().for_each(|entry| changes.note(entry));
        changes
    }

    /// Notes an entry that is to be written.
    pub(super) fn note(&mut self, entry: &PendingEntry) {
        match &entry.origin {
            Origin::Presence { identity, .. } => {
                let is_joined = entry.kind == EntryKind::JOINED;
                self.is_present.insert(*identity, is_joined);
                if is_joined {
                    self.names.insert(*identity, entry.author.clone());
                }
            }
            Origin::Renamed { identity, name, .. } => {
                self.names.insert(*identity, name.shown().to_owned());
            }
            Origin::Member(_) | Origin::Operator => {}
        }
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

impl Room {
    /// The name under which an identity is present according to the log and the entries about to be
    /// written; `None`: it is absent.
    pub(super) fn present_name(&self, identity: &PublicIdentity) -> Option<&str> {
        self.presence.name(&self.appender.changes, identity)
    }

    /// Whether an identity is present, as [`Self::present_name`].
    pub(super) fn is_present(&self, identity: &PublicIdentity) -> bool {
        self.present_name(identity).is_some()
    }
}
