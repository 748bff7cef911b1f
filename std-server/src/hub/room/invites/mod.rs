//! The invites of a room (SPEC 6.2). A change by an operator takes effect at once. It is written
//! with every commit until one has succeeded. A use is written by the commit that admits its
//! identity.
//!
//! Invites that have ended are kept: an admitted identity may still prove that it holds one, and a
//! stranger with one learns why it is not admitted. The oldest of them make room for new invites.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::chat::message::client_proof;
use kabar_core::crypto::ct_eq;
use kabar_core::crypto::identity::PublicIdentity;

use crate::hub::report::{InviteInfo, OperatorError};
use crate::store::{InviteRecord, InviteState, InviteUse, ServerBatch, ServerState};

/// The tag of admissions that last, by an invite or by an operator: unlike those by a password,
/// which have a tag of the password, they do not end when the password changes.
pub(in crate::hub) const LASTING_TAG: [u8; 16] = *b"kabar admitted 1";

/// The invites of one room.
#[derive(Debug)]
pub(crate) struct Invites {
    room: String,
    durable: BTreeMap<u32, InviteRecord>,
    uses: BTreeMap<u32, Vec<InviteUse>>,
    /// Made, and not known to be durable.
    made: BTreeMap<u32, InviteRecord>,
    /// Revoked, and not known to be durably so.
    revoked: BTreeSet<u32>,
    /// Removed, and not known to be durably so.
    forgotten: BTreeSet<u32>,
}

/// The terms of a new invite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InviteTerms {
    /// Who makes it; `None`: the server.
    pub made_by: Option<PublicIdentity>,
    /// How long it is valid, in ms; `None`: until it is revoked.
    pub valid_ms: Option<u64>,
    /// How many identities it admits; `None`: any number.
    pub uses: Option<u32>,
}

impl Invites {
    /// The invites of `room` in the store.
    pub(crate) fn new(room: &str, loaded: &ServerState) -> Self {
        let mut invites = Self {
            room: room.to_owned(),
            durable: BTreeMap::new(),
            uses: BTreeMap::new(),
            made: BTreeMap::new(),
            revoked: BTreeSet::new(),
            forgotten: BTreeSet::new(),
        };
        invites.reload(loaded);
        invites
    }

    /// Replaces the durable invites by those in the store. Changes that are not durable stay.
    pub(in crate::hub) fn reload(&mut self, loaded: &ServerState) {
        (self.durable, self.uses) = (BTreeMap::new(), BTreeMap::new());
        self.take_written(&loaded.invites, &loaded.invite_uses);
    }

    /// Applies a committed batch.
    pub(in crate::hub) fn apply(&mut self, batch: &ServerBatch) {
        for id in &batch.forgotten_invites {
            self.durable.remove(id);
            self.uses.remove(id);
        }
        self.take_written(&batch.invites, &batch.invite_uses);
    }

    fn take_written(&mut self, records: &[InviteRecord], uses: &[InviteUse]) {
        let own = records.iter().filter(|record| record.room.as_ref().is_none_or(|room| *room == self.room));
        self.durable.extend(own.map(|record| (record.id, record.clone())));
        for it in uses.iter().filter(|it| self.durable.contains_key(&it.invite)) {
            let kept = self.uses.entry(it.invite).or_default();
            kept.retain(|known| known.number != it.number && known.number + crate::store::KEPT_USES > it.number);
            kept.push(*it);
        }
        let Self { durable, made, revoked, forgotten, .. } = self;
        made.retain(|id, _| !durable.contains_key(id));
        revoked.retain(|id| made.contains_key(id) || durable.get(id).is_some_and(|record| !record.is_revoked));
        forgotten.retain(|id| durable.contains_key(id));
    }

    /// Writes the changes, and the uses by identities that are about to be admitted, into a batch.
    /// The changes are kept until it is committed.
    pub(crate) fn write(&self, now_ms: u64, admitted: &[(u32, PublicIdentity)], batch: &mut ServerBatch) {
        let changed = self.made.keys().chain(&self.revoked).chain(admitted.iter().map(|(id, _)| id));
        let changed: BTreeSet<u32> = changed.copied().collect();
        for mut record in changed.into_iter().filter_map(|id| self.get(id)) {
            for (_, identity) in admitted.iter().filter(|(id, _)| *id == record.id) {
                record.used += 1;
                record.uses_left = record.uses_left.map(|left| left.saturating_sub(1));
                let (invite, number) = (record.id, record.used);
                batch.invite_uses.push(InviteUse { invite, number, identity: *identity, time_ms: now_ms });
            }
            // The time of day is set only after the start.
            record.made_ms = if record.made_ms == 0 { now_ms } else { record.made_ms };
            batch.invites.push(record);
        }
        batch.forgotten_invites.extend(&self.forgotten);
    }

    /// Whether there is a change that is not known to be durable.
    pub(in crate::hub) fn has_changed(&self) -> bool {
        !self.made.is_empty() || !self.revoked.is_empty() || !self.forgotten.is_empty()
    }

    /// An invite, with changes that are not durable.
    pub(in crate::hub) fn get(&self, id: u32) -> Option<InviteRecord> {
        let record = self.durable.get(&id).or_else(|| self.made.get(&id));
        let mut record = record.filter(|_| !self.forgotten.contains(&id))?.clone();
        record.is_revoked |= self.revoked.contains(&id);
        Some(record)
    }

    /// All invites, by id, with changes that are not durable.
    fn all(&self) -> impl Iterator<Item = InviteRecord> {
        let ids: BTreeSet<u32> = self.durable.keys().chain(self.made.keys()).copied().collect();
        ids.into_iter().filter_map(|id| self.get(id))
    }

    /// All invites for an operator, by id.
    pub(crate) fn list(&self, now_ms: u64) -> Vec<InviteInfo> {
        let uses = |id| self.uses.get(&id).cloned().unwrap_or_default();
        self.all().map(|record| InviteInfo { state: record.state(now_ms), uses: uses(record.id), record }).collect()
    }

    /// The highest id of an invite.
    pub(crate) fn last_id(&self) -> u32 {
        self.durable.keys().chain(self.made.keys()).max().copied().unwrap_or_default()
    }

    /// The invite that a client has proved that it holds; in force or not.
    pub(in crate::hub) fn proved(&self, proof: &[u8; 32], exporter: &[u8; 32]) -> Option<InviteRecord> {
        // All are compared: the time shows neither which one it is nor whether there is one.
        self.all().fold(
            None,
            |found, record| {
                if ct_eq(proof, &client_proof(&record.secret, exporter)) { Some(record) } else { found }
            },
        )
    }

    /// The secret of the standing invite.
    pub(in crate::hub) fn standing_secret(&self) -> Option<[u8; ROOM_SECRET_LEN]> {
        self.all().find(|record| record.is_standing && !record.is_revoked).map(|record| record.secret)
    }

    /// Makes an invite under a new id.
    pub(crate) fn add(
        &mut self,
        now_ms: u64,
        id: u32,
        secret: [u8; ROOM_SECRET_LEN],
        terms: InviteTerms,
        limit: usize,
    ) -> Result<InviteRecord, OperatorError> {
        if !self.has_room(now_ms, limit) {
            return Err(OperatorError::TooManyInvites);
        }
        let InviteTerms { made_by, valid_ms, uses } = terms;
        let record = InviteRecord {
            id,
            room: Some(self.room.clone()),
            secret,
            is_standing: false,
            made_by,
            made_ms: now_ms,
            expires_ms: valid_ms.map(|valid| now_ms.saturating_add(valid)),
            uses_left: uses,
            used: 0,
            is_revoked: false,
        };
        self.made.insert(id, record.clone());
        Ok(record)
    }

    /// Makes `secret` that of the standing invite; an earlier one is revoked. `id` is new. Nothing
    /// changes if it is the secret already.
    pub(crate) fn set_standing(&mut self, now_ms: u64, id: u32, secret: [u8; ROOM_SECRET_LEN], limit: usize) {
        if self.standing_secret() == Some(secret) {
            return;
        }
        let earlier = self.all().filter(|record| record.is_standing && !record.is_revoked).map(|record| record.id);
        let earlier: Vec<u32> = earlier.collect();
        self.revoked.extend(earlier);
        // There is always room: an earlier one has just ended.
        self.has_room(now_ms, limit);
        let record = InviteRecord {
            id,
            room: Some(self.room.clone()),
            secret,
            is_standing: true,
            made_by: None,
            made_ms: now_ms,
            expires_ms: None,
            uses_left: None,
            used: 0,
            is_revoked: false,
        };
        self.made.insert(id, record);
    }

    /// Ends an invite that is not the standing one.
    pub(crate) fn revoke(&mut self, id: u32) -> Result<InviteRecord, OperatorError> {
        let record = self.get(id).ok_or(OperatorError::NoSuchInvite)?;
        match record {
            InviteRecord { is_revoked: true, .. } => Err(OperatorError::AlreadyInEffect),
            InviteRecord { is_standing: true, .. } => Err(OperatorError::StandingInvite),
            _ => {
                self.revoked.insert(id);
                Ok(record)
            }
        }
    }

    /// Makes room for one more invite: forgets the oldest that have ended. `false`: all are in
    /// force.
    fn has_room(&mut self, now_ms: u64, limit: usize) -> bool {
        let all: Vec<InviteRecord> = self.all().collect();
        let surplus = (all.len() + 1).saturating_sub(limit);
        let ended = all.iter().filter(|record| !record.is_in_force(now_ms)).map(|record| record.id);
        let ended: Vec<u32> = ended.take(surplus).collect();
        for id in &ended {
            self.made.remove(id);
            self.revoked.remove(id);
            self.forgotten.extend(self.durable.contains_key(id).then_some(*id));
        }
        ended.len() == surplus
    }
}

/// The sentence for a stranger whose invite has ended.
pub(in crate::hub) fn ended_sentence(state: InviteState) -> &'static str {
    match state {
        InviteState::InForce => "this invite is valid",
        InviteState::Revoked => "this invite was revoked",
        InviteState::UsedUp => "this invite is used up",
        InviteState::Expired => "this invite has expired",
    }
}

#[cfg(test)]
mod tests;
