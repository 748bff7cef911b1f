//! The names that identities have in a room, which are reported to [`People`].

use kabar_core::crypto::identity::PublicIdentity;

use super::Room;
use crate::hub::people::People;

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

    /// Whether an identity is a member or present, and so has a name here.
    pub(super) fn is_named(&self, identity: &PublicIdentity) -> bool {
        self.members.contains(identity) || self.is_present(identity)
    }

    /// The name that an identity has: as a member, or according to the log.
    pub(super) fn committed_name(&self, identity: &PublicIdentity) -> Option<&str> {
        let person = self.members.get(identity);
        person.map(|person| person.name.shown()).or_else(|| self.presence.committed_name(identity))
    }

    /// Reports which name an identity has, or is about to have.
    pub(super) fn report(&self, people: &mut People, identity: PublicIdentity) {
        let pending = || self.appender.changes.name(&identity);
        let name = match self.members.get(&identity) {
            Some(person) => Some(pending().unwrap_or_else(|| person.name.shown())),
            None => self.present_name(&identity),
        };
        people.hold(self.id, identity, name);
    }
}
