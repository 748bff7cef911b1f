//! Bans and mutes of identities, not of names or addresses. A decision of an operator takes effect
//! at once. It is written with every commit until one has succeeded.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;

use crate::store::{RoomBatch, RoomState, Sanction, SanctionKind};
use kabar_std::names::Name;

type Key = (PublicIdentity, SanctionKind);

/// All sanctions of a room.
#[derive(Debug, Default)]
pub(in crate::hub) struct Sanctions {
    durable: BTreeMap<Key, Sanction>,
    /// Decisions that are not known to be durable; `None`: lifted.
    decided: BTreeMap<Key, Option<Sanction>>,
}

impl Sanctions {
    pub(in crate::hub) fn new(loaded: &RoomState) -> Self {
        let mut sanctions = Self::default();
        sanctions.reload(loaded);
        sanctions
    }

    /// Replaces the durable sanctions by those in the store. Decisions stay.
    pub(in crate::hub) fn reload(&mut self, loaded: &RoomState) {
        self.durable = loaded.sanctions.iter().map(|sanction| (key(sanction), sanction.clone())).collect();
        self.forget_settled();
    }

    /// Applies a committed batch.
    pub(in crate::hub) fn apply(&mut self, batch: &RoomBatch) {
        for lifted in &batch.lifted {
            self.durable.remove(lifted);
        }
        for sanction in &batch.sanctions {
            self.durable.insert(key(sanction), sanction.clone());
        }
        self.forget_settled();
    }

    fn forget_settled(&mut self) {
        let Self { durable, decided } = self;
        decided.retain(|key, decision| decision.as_ref() != durable.get(key));
    }

    /// Writes the decisions into a batch. They are kept until it is committed.
    pub(in crate::hub) fn write(&self, batch: &mut RoomBatch) {
        for (key, decision) in &self.decided {
            match decision {
                Some(sanction) => batch.sanctions.push(sanction.clone()),
                None => batch.lifted.push(*key),
            }
        }
    }

    /// Whether there is a decision that is not known to be durable.
    pub(in crate::hub) fn has_decided(&self) -> bool {
        !self.decided.is_empty()
    }

    /// Whether a sanction is in effect.
    pub(in crate::hub) fn holds(&self, identity: PublicIdentity, kind: SanctionKind) -> bool {
        self.get(identity, kind).is_some()
    }

    /// The sanction of this kind that is in effect.
    pub(in crate::hub) fn get(&self, identity: PublicIdentity, kind: SanctionKind) -> Option<&Sanction> {
        let key = (identity, kind);
        self.decided.get(&key).map_or_else(|| self.durable.get(&key), Option::as_ref)
    }

    /// Imposes a sanction. `false`: it was in effect already.
    pub(in crate::hub) fn impose(&mut self, sanction: Sanction) -> bool {
        let is_new = !self.holds(sanction.identity, sanction.kind);
        if is_new {
            self.decided.insert(key(&sanction), Some(sanction));
        }
        is_new
    }

    /// Lifts a sanction. `false`: it was not in effect.
    pub(in crate::hub) fn lift(&mut self, identity: PublicIdentity, kind: SanctionKind) -> bool {
        let held = self.holds(identity, kind);
        if held {
            self.decided.insert((identity, kind), None);
        }
        held
    }

    /// The sanctions in effect, oldest first.
    pub(in crate::hub) fn all(&self) -> Vec<&Sanction> {
        let durable = self.durable.iter().filter(|(key, _)| !self.decided.contains_key(key));
        let decided = self.decided.values().filter_map(Option::as_ref);
        let mut all: Vec<&Sanction> = durable.map(|(_, sanction)| sanction).chain(decided).collect();
        all.sort_by_key(|sanction| (sanction.since_ms, key(sanction)));
        all
    }

    /// The identity that had this name when a sanction of this kind was imposed on it.
    pub(in crate::hub) fn find_by_name(&self, name: &Name, kind: SanctionKind) -> Option<PublicIdentity> {
        let is_named = |sanction: &&Sanction| {
            sanction.kind == kind && Name::existing(&sanction.name).is_ok_and(|it| it.folded() == name.folded())
        };
        self.all().into_iter().rev().find(is_named).map(|sanction| sanction.identity)
    }
}

fn key(sanction: &Sanction) -> Key {
    (sanction.identity, sanction.kind)
}

#[cfg(test)]
mod tests;
