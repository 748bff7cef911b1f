//! Bans and mutes: an identity has no entry in the log after its sanction took effect, under
//! whatever name and from whatever device.
//!
//! The reason of each sanction contains its number. The server writes an entry with the reason when
//! the sanction takes effect, and commits both at once: from this entry on, the identity has none
//! until the operator lifts the sanction.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::EntryKind;
use kabar_server::store::SanctionKind;

use super::{Checked, Committed, demand};

/// An identity, by its index, and what was imposed on it.
pub type Sanctioned = (usize, SanctionKind);

/// Precedes the number of a sanction in its reason.
const REASON: &str = "sanction ";

/// The sanctions that the operator imposed and did not lift since, by number.
#[derive(Debug, Default)]
pub(super) struct Sanctions(BTreeMap<u32, Sanctioned>);

/// The reason of the sanction with this number.
#[must_use]
pub fn sanction_reason(number: u32) -> String {
    format!("{REASON}{number}")
}

/// The number in the reason of a sanction.
#[must_use]
pub fn sanction_number(reason: &str) -> Option<u32> {
    reason.rsplit_once(REASON)?.1.parse().ok()
}

impl Sanctions {
    pub(super) fn imposed(&mut self, number: u32, sanctioned: Sanctioned) {
        self.0.insert(number, sanctioned);
    }

    pub(super) fn lifted(&mut self, sanctioned: Sanctioned) {
        self.0.retain(|_, other| *other != sanctioned);
    }

    /// The sanction that begins with this entry.
    pub(super) fn marked_by(&self, entry: &Committed) -> Option<Sanctioned> {
        let text = std::str::from_utf8(&entry.body).ok().filter(|_| EntryKind(entry.kind) == EntryKind::OPERATOR)?;
        self.0.get(&sanction_number(text)?).copied()
    }
}

/// The sanctions that are in force according to one lineage of the log.
#[derive(Clone, Debug, Default)]
pub(super) struct InForce(BTreeSet<Sanctioned>);

impl InForce {
    pub(super) fn begin(&mut self, sanctioned: Sanctioned) {
        self.0.insert(sanctioned);
    }

    pub(super) fn end(&mut self, sanctioned: Sanctioned) {
        self.0.remove(&sanctioned);
    }

    pub(super) fn contains(&self, sanctioned: Sanctioned) -> bool {
        self.0.contains(&sanctioned)
    }

    /// Replaces all by those that a server found in its store: none may be lost; one that was
    /// lifted shortly before a crash may be back.
    pub(super) fn reload(&mut self, loaded: BTreeSet<Sanctioned>) -> Checked {
        let lost: Vec<&Sanctioned> = self.0.difference(&loaded).collect();
        demand!(lost.is_empty(), Sanction, "{lost:?} are in the log, and not in the store");
        self.0 = loaded;
        Ok(())
    }

    /// Checks that the author of an entry, who is one of `identities`, may post it.
    pub(super) fn check(&self, entry: &Committed, identities: &BTreeSet<usize>) -> Checked {
        for kind in [SanctionKind::Ban, SanctionKind::Mute] {
            let is_sanctioned = !identities.is_empty() && identities.iter().all(|it| self.contains((*it, kind)));
            demand!(!is_sanctioned, Sanction, "entry {} by {} follows its {kind:?}", entry.seq, entry.author);
        }
        Ok(())
    }
}
