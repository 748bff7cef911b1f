//! Operators and trusted identities of the server, not of a room. A decision takes effect at once.
//! It is written with every commit until one has succeeded.
//!
//! The operators of the configuration are operators as long as it names them: no command changes
//! that.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::session::Fingerprint;
use kabar_std::names::Name;

use crate::store::{Privilege, PrivilegeKind, ServerBatch, ServerState};

type Key = (PublicIdentity, PrivilegeKind);

/// All privileges of identities.
#[derive(Debug, Default)]
pub(super) struct Privileges {
    /// The operators that the configuration names.
    configured: Vec<Fingerprint>,
    durable: BTreeMap<Key, Privilege>,
    /// Decisions that are not known to be durable; `None`: revoked.
    decided: BTreeMap<Key, Option<Privilege>>,
}

impl Privileges {
    pub(super) fn new(configured: &[Fingerprint], loaded: &ServerState) -> Self {
        let mut privileges = Self { configured: configured.to_vec(), ..Self::default() };
        privileges.reload(loaded);
        privileges
    }

    /// Replaces the durable privileges by those in the store. Decisions stay.
    pub(super) fn reload(&mut self, loaded: &ServerState) {
        self.durable = loaded.privileges.iter().map(|privilege| (key(privilege), privilege.clone())).collect();
        self.forget_settled();
    }

    /// Applies a committed batch.
    pub(super) fn apply(&mut self, batch: &ServerBatch) {
        for revoked in &batch.revoked {
            self.durable.remove(revoked);
        }
        for privilege in &batch.granted {
            self.durable.insert(key(privilege), privilege.clone());
        }
        self.forget_settled();
    }

    fn forget_settled(&mut self) {
        let Self { durable, decided, .. } = self;
        decided.retain(|key, decision| decision.as_ref() != durable.get(key));
    }

    /// Writes the decisions into a batch. They are kept until it is committed.
    pub(super) fn write(&self, batch: &mut ServerBatch) {
        for (key, decision) in &self.decided {
            match decision {
                Some(privilege) => batch.granted.push(privilege.clone()),
                None => batch.revoked.push(*key),
            }
        }
    }

    /// Whether there is a decision that is not known to be durable.
    pub(super) fn has_decided(&self) -> bool {
        !self.decided.is_empty()
    }

    /// Whether an identity may operate the server.
    pub(super) fn is_operator(&self, identity: PublicIdentity) -> bool {
        self.is_granted(identity, PrivilegeKind::Operator) || self.is_configured(identity)
    }

    /// Whether the posts of an identity are accepted however fast they come.
    pub(super) fn is_free(&self, identity: PublicIdentity) -> bool {
        self.is_granted(identity, PrivilegeKind::Trusted) || self.is_operator(identity)
    }

    /// Whether the configuration names an identity as an operator.
    pub(super) fn is_configured(&self, identity: PublicIdentity) -> bool {
        !self.configured.is_empty() && self.configured.contains(&Fingerprint::of_identity(&identity))
    }

    /// The operators that the configuration names.
    pub(super) fn configured(&self) -> &[Fingerprint] {
        &self.configured
    }

    fn is_granted(&self, identity: PublicIdentity, kind: PrivilegeKind) -> bool {
        let key = (identity, kind);
        self.decided.get(&key).map_or_else(|| self.durable.get(&key), Option::as_ref).is_some()
    }

    /// Number of privileges that were granted.
    pub(super) fn len(&self) -> usize {
        self.granted().count()
    }

    fn granted(&self) -> impl Iterator<Item = &Privilege> {
        let durable = self.durable.iter().filter(|(key, _)| !self.decided.contains_key(key));
        durable.map(|(_, privilege)| privilege).chain(self.decided.values().filter_map(Option::as_ref))
    }

    /// The privileges that were granted, by kind, oldest first.
    pub(super) fn all(&self) -> Vec<Privilege> {
        let mut all: Vec<Privilege> = self.granted().cloned().collect();
        all.sort_by_key(|privilege| (privilege.kind, privilege.since_ms, privilege.identity));
        all
    }

    /// Grants a privilege. `false`: the identity has it already.
    pub(super) fn grant(&mut self, privilege: Privilege) -> bool {
        let is_new = !self.is_granted(privilege.identity, privilege.kind);
        if is_new {
            self.decided.insert(key(&privilege), Some(privilege));
        }
        is_new
    }

    /// Revokes a privilege. `false`: the identity does not have it.
    pub(super) fn revoke(&mut self, identity: PublicIdentity, kind: PrivilegeKind) -> bool {
        let was_granted = self.is_granted(identity, kind);
        if was_granted {
            self.decided.insert((identity, kind), None);
        }
        was_granted
    }

    /// The identity that had this name when a privilege of this kind was granted to it.
    pub(super) fn find_by_name(&self, name: &Name, kind: PrivilegeKind) -> Option<PublicIdentity> {
        let is_named = |privilege: &&Privilege| {
            privilege.kind == kind && Name::existing(&privilege.name).is_ok_and(|it| it.folded() == name.folded())
        };
        self.granted().find(is_named).map(|privilege| privilege.identity)
    }
}

fn key(privilege: &Privilege) -> Key {
    (privilege.identity, privilege.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: PublicIdentity = PublicIdentity([1; 32]);

    fn operator(since_ms: u64) -> Privilege {
        Privilege { identity: ANA, kind: PrivilegeKind::Operator, name: "Ana".into(), since_ms, by: None }
    }

    fn written(privileges: &Privileges) -> ServerBatch {
        let mut batch = ServerBatch::default();
        privileges.write(&mut batch);
        batch
    }

    #[test]
    fn a_privilege_takes_effect_at_once_and_is_written_until_durable() {
        let mut privileges = Privileges::default();
        assert!(privileges.grant(operator(1)) && !privileges.grant(operator(2)));
        assert!(privileges.is_operator(ANA) && privileges.is_free(ANA) && !privileges.is_configured(ANA));
        let batch = written(&privileges);
        assert_eq!((&batch.granted, written(&privileges) == batch), (&vec![operator(1)], true));
        privileges.apply(&batch);
        assert!(written(&privileges).is_empty() && privileges.is_operator(ANA) && privileges.len() == 1);
    }

    #[test]
    fn a_privilege_revoked_during_its_commit_ends_with_the_next_commit() {
        let mut privileges = Privileges::default();
        privileges.grant(operator(1));
        let first = written(&privileges);
        let kind = PrivilegeKind::Operator;
        assert!(privileges.revoke(ANA, kind) && !privileges.revoke(ANA, kind));
        privileges.apply(&first);
        assert!(!privileges.is_operator(ANA) && privileges.all().is_empty());
        let second = written(&privileges);
        assert_eq!(second.revoked, [(ANA, kind)]);
        privileges.apply(&second);
        assert!(written(&privileges).is_empty() && !privileges.is_operator(ANA));
    }

    #[test]
    fn operators_of_the_configuration_are_known_by_their_fingerprint() {
        let mut privileges = Privileges::new(&[Fingerprint::of_identity(&ANA)], &ServerState::default());
        assert!(privileges.is_configured(ANA) && privileges.is_operator(ANA) && privileges.is_free(ANA));
        assert!(!privileges.is_operator(PublicIdentity([2; 32])));
        assert!(!privileges.revoke(ANA, PrivilegeKind::Operator) && privileges.is_operator(ANA));
    }
}
