//! Bodies that were removed from the log (SPEC 6.4): each with the entry as it was before.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::EntryKind;

use super::{Checked, Committed, demand};

/// The removed bodies of one lineage of a log.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Removals {
    /// By the seq of the entry: the seq of the removal, and the entry before it.
    before: BTreeMap<u64, (u64, Committed)>,
    /// Entries whose body is back because a log without the removal was restored. Members may have
    /// either form.
    restored: BTreeSet<u64>,
}

impl Removals {
    /// Removes the body of `entry`; the removal is entry `by`.
    pub(super) fn remove(&mut self, by: u64, entry: &mut Committed) -> Checked {
        let kind = EntryKind(entry.kind);
        let is_message = kind.is_postable() || kind == EntryKind::OPERATOR;
        demand!(is_message, Removal, "entry {by} removes entry {}, which is of kind {}", entry.seq, entry.kind);
        self.before.insert(entry.seq, (by, entry.clone()));
        (entry.kind, entry.body) = (EntryKind::REMOVED.0, Vec::new().into());
        Ok(())
    }

    /// Whether the body of an entry is removed.
    pub(in crate::sim) fn contains(&self, seq: u64) -> bool {
        self.before.contains_key(&seq)
    }

    /// The removal of an entry, and the entry before it.
    pub(in crate::sim) fn before(&self, seq: u64) -> Option<(u64, &Committed)> {
        self.before.get(&seq).map(|(removal, entry)| (*removal, entry))
    }

    /// Lengths of the body of an entry that members may have, besides the present one.
    pub(super) fn other_lens(&self, seq: u64) -> impl Iterator<Item = usize> {
        let before = self.before.get(&seq).map(|(_, entry)| entry.body.len());
        before.into_iter().chain(self.restored.contains(&seq).then_some(0))
    }

    /// The removals up to `head`. Those after it are undone in `entries`, which ends there.
    pub(super) fn cut(&self, head: u64, entries: &mut [Committed]) -> Self {
        let mut cut = Self { before: BTreeMap::new(), restored: self.restored.clone() };
        for (seq, (removal, entry)) in &self.before {
            if *removal <= head {
                cut.before.insert(*seq, (*removal, entry.clone()));
            } else if let Some(restored) = entries.get_mut(*seq as usize - 1) {
                *restored = entry.clone();
                cut.restored.insert(*seq);
            }
        }
        cut
    }
}
