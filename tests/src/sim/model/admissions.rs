//! Who may be admitted (SPEC 6.2): an invite admits nobody after its end and no more identities
//! than it may, and an operator may have to let newcomers in. Checked at the commit of each
//! admission.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::crypto::identity::PublicIdentity;
use kabar_server::store::{Commit, ServerState};

use super::{Checked, demand};

/// Invites, and the identities that were admitted.
#[derive(Debug, Default)]
pub struct Admissions {
    invites: BTreeMap<u32, Invite>,
    /// Identities that hold an invite and nothing else.
    invited: BTreeSet<PublicIdentity>,
    needs_approval: bool,
    /// Identities that an operator let in.
    accepted: BTreeSet<PublicIdentity>,
    admitted: BTreeSet<PublicIdentity>,
    /// Those of them of which the server knows that.
    known: BTreeSet<PublicIdentity>,
    /// Including admissions that were lost when an older log was restored.
    ever_admitted: BTreeSet<PublicIdentity>,
}

/// An invite.
#[derive(Debug)]
struct Invite {
    /// Identities that it admits; `None`: any number.
    uses: Option<u32>,
    expires_ms: Option<u64>,
    used: u32,
    /// Durably.
    is_revoked: bool,
}

impl Admissions {
    /// Nobody was admitted. `invited` hold an invite and nothing else.
    #[must_use]
    pub fn new(invited: BTreeSet<PublicIdentity>, needs_approval: bool) -> Self {
        Self { invited, needs_approval, ..Self::default() }
    }

    /// Records that the operator made an invite.
    pub fn made(&mut self, id: u32, uses: Option<u32>, expires_ms: Option<u64>) {
        self.invites.insert(id, Invite { uses, expires_ms, used: 0, is_revoked: false });
    }

    /// Records that the operator let an identity in.
    pub fn accepted(&mut self, identity: PublicIdentity) {
        self.accepted.insert(identity);
    }

    /// Whether an identity was admitted at any time.
    #[must_use]
    pub fn was_admitted(&self, identity: PublicIdentity) -> bool {
        self.ever_admitted.contains(&identity)
    }

    /// Records a transaction that became durable. `is_over` tells whether an invite that expires at
    /// a time had expired before any Join of the transaction was admitted.
    pub fn committed(&mut self, commit: &Commit, is_over: impl Fn(u64) -> bool) -> Checked {
        let mut users = BTreeSet::new();
        for used in &commit.server.invite_uses {
            let Some(invite) = self.invites.get_mut(&used.invite) else {
                // A standing one; those of private rooms are not counted.
                let records = commit.server.invites.iter();
                let is_of_room = records.clone().any(|it| it.id == used.invite && it.room.is_some());
                users.extend(is_of_room.then_some(used.identity));
                continue;
            };
            let id = used.invite;
            invite.used += 1;
            demand!(used.number == invite.used, Admission, "use {} of invite {id} is {}", invite.used, used.number);
            demand!(!invite.is_revoked, Admission, "invite {id} is revoked and admits {:?}", used.identity);
            let is_expired = invite.expires_ms.is_some_and(&is_over);
            demand!(!is_expired, Admission, "invite {id} has expired and admits {:?}", used.identity);
            let is_used_up = invite.uses.is_some_and(|uses| uses < invite.used);
            demand!(!is_used_up, Admission, "invite {id} admits {} identities", invite.used);
            users.insert(used.identity);
        }
        for record in &commit.server.invites {
            if let Some(invite) = self.invites.get_mut(&record.id) {
                invite.is_revoked |= record.is_revoked;
            }
        }
        for identity in commit.rooms.iter().flat_map(|batch| &batch.admissions).map(|it| it.identity) {
            self.ever_admitted.insert(identity);
            if !self.admitted.insert(identity) {
                continue;
            }
            let is_invited = !self.invited.contains(&identity) || users.contains(&identity);
            demand!(is_invited, Admission, "{identity:?} is admitted without the use of an invite");
            let is_accepted = !self.needs_approval || self.accepted.contains(&identity);
            demand!(is_accepted, Admission, "{identity:?} is admitted, and no operator let it in");
        }
        Ok(())
    }

    /// Records that the server reported that an identity joined.
    pub fn joined(&mut self, identity: PublicIdentity) {
        self.known.insert(identity);
    }

    /// Whether an identity is admitted, and the server knows that.
    #[must_use]
    pub fn is_admitted(&self, identity: PublicIdentity) -> bool {
        self.known.contains(&identity)
    }

    /// Records that an older store was restored, which contains these invites and admissions.
    pub fn restored(&mut self, loaded: &ServerState, admitted: impl Iterator<Item = PublicIdentity>) {
        self.admitted = admitted.collect();
        self.known.clone_from(&self.admitted);
        self.accepted.clear();
        for (id, invite) in &mut self.invites {
            let record = loaded.invites.iter().find(|record| record.id == *id);
            invite.used = record.map_or(0, |record| record.used);
            invite.is_revoked = record.is_some_and(|record| record.is_revoked);
        }
    }
}
