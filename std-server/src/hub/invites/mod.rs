//! The invites of the server (SPEC 6.2): each admits to all open rooms, or to one room. A change by
//! an operator takes effect at once. It is written with every commit until one has succeeded. A use
//! is written by the commit that admits its identity.
//!
//! Invites that have ended are kept: an admitted identity may still prove that it holds one, and a
//! stranger with one learns why it is not admitted. The oldest of them make room for new invites.

mod uses;

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::ROOM_SECRET_LEN;
use kabar_core::chat::message::client_proof;
use kabar_core::crypto::ct_eq;
use kabar_core::crypto::identity::PublicIdentity;

use super::report::{InviteInfo, OperatorError};
use crate::store::{InviteRecord, InviteState, InviteUse, ServerBatch, ServerState};
use uses::Joining;

/// The invites of a server.
#[derive(Debug, Default)]
pub(crate) struct Invites {
    durable: BTreeMap<u32, InviteRecord>,
    uses: BTreeMap<u32, Vec<InviteUse>>,
    /// Made, and not known to be durable.
    made: BTreeMap<u32, InviteRecord>,
    /// Revoked, and not known to be durably so.
    revoked: BTreeSet<u32>,
    /// Now for all open rooms instead of one, and not known to be durably so.
    widened: BTreeSet<u32>,
    /// Removed, and not known to be durably so.
    forgotten: BTreeSet<u32>,
    joining: Joining,
}

/// The terms of a new invite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InviteTerms {
    /// The room that it admits to; `None`: every open room.
    pub room: Option<String>,
    /// The operator who makes it; `None`: the server.
    pub made_by: Option<PublicIdentity>,
    /// How long it is valid, in ms; `None`: until it is revoked.
    pub valid_ms: Option<u64>,
    /// How many identities it admits; `None`: any number.
    pub uses: Option<u32>,
}

impl Invites {
    /// The invites in the store.
    pub(crate) fn new(loaded: &ServerState) -> Self {
        let mut invites = Self::default();
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
        self.durable.extend(records.iter().map(|record| (record.id, record.clone())));
        for it in uses.iter().filter(|it| self.durable.contains_key(&it.invite)) {
            let kept = self.uses.entry(it.invite).or_default();
            kept.retain(|known| known.number != it.number && known.number + crate::store::KEPT_USES > it.number);
            kept.push(*it);
        }
        let Self { durable, made, revoked, widened, forgotten, .. } = self;
        made.retain(|id, _| !durable.contains_key(id));
        revoked.retain(|id| made.contains_key(id) || durable.get(id).is_some_and(|record| !record.is_revoked));
        widened.retain(|id| durable.get(id).is_some_and(|record| record.room.is_some()));
        forgotten.retain(|id| durable.contains_key(id));
    }

    /// Writes the changes, and the uses by identities that are about to be admitted, into a batch.
    /// The changes are kept until it is committed.
    pub(crate) fn write(&self, now_ms: u64, admitted: &BTreeSet<(u32, PublicIdentity)>, batch: &mut ServerBatch) {
        let changed = self.made.keys().chain(&self.revoked).chain(&self.widened).copied();
        let changed: BTreeSet<u32> = changed.chain(admitted.iter().map(|(id, _)| *id)).collect();
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
        let Self { made, revoked, widened, forgotten, .. } = self;
        !made.is_empty() || !revoked.is_empty() || !widened.is_empty() || !forgotten.is_empty()
    }

    /// An invite, with changes that are not durable.
    pub(in crate::hub) fn get(&self, id: u32) -> Option<InviteRecord> {
        let record = self.durable.get(&id).or_else(|| self.made.get(&id));
        let mut record = record.filter(|_| !self.forgotten.contains(&id))?.clone();
        record.is_revoked |= self.revoked.contains(&id);
        record.room = record.room.filter(|_| !self.widened.contains(&id));
        Some(record)
    }

    /// All invites, by id, with changes that are not durable.
    fn all(&self) -> impl Iterator<Item = InviteRecord> {
        let ids: BTreeSet<u32> = self.durable.keys().chain(self.made.keys()).copied().collect();
        ids.into_iter().filter_map(|id| self.get(id))
    }

    /// All invites for an operator, by id. `name` shows an identity.
    pub(crate) fn list(&self, now_ms: u64, name: impl Fn(&PublicIdentity) -> String) -> Vec<InviteInfo> {
        let info = |record: InviteRecord| {
            let uses = self.uses.get(&record.id).map_or(&[][..], Vec::as_slice);
            InviteInfo {
                state: record.state(now_ms),
                made_by: record.made_by.as_ref().map(&name),
                used_by: uses.iter().map(|it| (name(&it.identity), it.time_ms)).collect(),
                record,
            }
        };
        self.all().map(info).collect()
    }

    /// The invite without bounds that an operator made for a room, if it is in force.
    pub(in crate::hub) fn unbounded_of(&self, by: PublicIdentity, room: &str) -> Option<InviteRecord> {
        let is_it = |it: &InviteRecord| {
            let is_unbounded = it.expires_ms.is_none() && it.uses_left.is_none();
            it.made_by == Some(by) && it.room.as_deref() == Some(room) && is_unbounded && !it.is_revoked
        };
        self.all().find(is_it)
    }

    /// The invites that an identity is known to have used: of each, the last uses are.
    pub(in crate::hub) fn used_by(&self, identity: PublicIdentity) -> impl Iterator<Item = InviteRecord> {
        let used = move |uses: &[InviteUse]| uses.iter().any(|it| it.identity == identity);
        self.uses.iter().filter(move |(_, uses)| used(uses)).filter_map(|(id, _)| self.get(*id))
    }

    /// The id of a new invite.
    fn next_id(&self) -> u32 {
        self.durable.keys().chain(self.made.keys()).max().map_or(1, |last| last.saturating_add(1))
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

    /// The standing invite of the server (`None`) or of a private room.
    pub(crate) fn standing(&self, room: Option<&str>) -> Option<InviteRecord> {
        self.all().find(|it| it.is_standing && !it.is_revoked && it.room.as_deref() == room)
    }

    /// Makes an invite.
    pub(crate) fn add(
        &mut self,
        now_ms: u64,
        secret: [u8; ROOM_SECRET_LEN],
        terms: InviteTerms,
        limit: usize,
    ) -> Result<InviteRecord, OperatorError> {
        if !self.has_room(now_ms, limit) {
            return Err(OperatorError::TooManyInvites);
        }
        let InviteTerms { room, made_by, valid_ms, uses } = terms;
        let record = InviteRecord {
            id: self.next_id(),
            room,
            secret,
            is_standing: false,
            made_by,
            made_ms: now_ms,
            expires_ms: valid_ms.map(|valid| now_ms.saturating_add(valid)),
            uses_left: uses,
            used: 0,
            is_revoked: false,
        };
        self.made.insert(record.id, record.clone());
        Ok(record)
    }

    /// Makes `secret` that of the standing invite of the server (`None`) or of a room; an earlier
    /// one is revoked. Nothing changes if it is the secret already.
    ///
    /// A server that had a single room stored its standing invite as that of the room.
    pub(crate) fn set_standing(
        &mut self,
        now_ms: u64,
        room: Option<&str>,
        secret: [u8; ROOM_SECRET_LEN],
        limit: usize,
    ) -> InviteRecord {
        let is_in_force = |it: &InviteRecord| it.is_standing && !it.is_revoked && it.secret == secret;
        let known = self.all().find(|it| is_in_force(it) && (room.is_none() || it.room.as_deref() == room));
        let earlier = self.standing(room).filter(|it| known.as_ref().is_none_or(|known| known.id != it.id));
        self.revoked.extend(earlier.map(|it| it.id));
        if let Some(known) = known {
            self.widened.extend((room.is_none() && known.room.is_some()).then_some(known.id));
            return InviteRecord { room: room.map(str::to_owned), ..known };
        }
        // An invite that has ended makes room. The standing one is needed even if there is none.
        self.has_room(now_ms, limit);
        let record = InviteRecord {
            id: self.next_id(),
            room: room.map(str::to_owned),
            secret,
            is_standing: true,
            made_by: None,
            made_ms: now_ms,
            expires_ms: None,
            uses_left: None,
            used: 0,
            is_revoked: false,
        };
        self.made.insert(record.id, record.clone());
        record
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

    /// Ends all invites of a room.
    pub(in crate::hub) fn end_room(&mut self, room: &str) {
        let of_room = self.all().filter(|it| it.room.as_deref() == Some(room) && !it.is_revoked).map(|it| it.id);
        let of_room: Vec<u32> = of_room.collect();
        self.revoked.extend(of_room);
    }

    /// Makes room for one more invite: forgets the oldest that have ended. `false`: all are in
    /// force.
    fn has_room(&mut self, now_ms: u64, limit: usize) -> bool {
        // The number of rooms bounds their standing invites.
        let is_counted = |it: &InviteRecord| !(it.is_standing && it.room.is_some() && it.is_in_force(now_ms));
        let all: Vec<InviteRecord> = self.all().filter(is_counted).collect();
        let surplus = (all.len() + 1).saturating_sub(limit);
        let ended = all.iter().filter(|record| !record.is_in_force(now_ms)).map(|record| record.id);
        let ended: Vec<u32> = ended.take(surplus).collect();
        for id in &ended {
            self.made.remove(id);
            self.revoked.remove(id);
            self.widened.remove(id);
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
