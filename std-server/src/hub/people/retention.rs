//! Retention of names (SPEC 6.6): those whose owner was unseen for long are removed from memory and
//! store, and so are those beyond the bound of an identity.
//!
//! A name is removed from memory at once, and from the store with the next commit. If that commit
//! fails, the names are read from the store again and it returns.

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::People;
use crate::hub::counters::Counters;
use crate::hub::limits::HubLimits;
use crate::store::NameRecord;

/// Records that are removed at a time, so that no commit takes long.
pub(in crate::hub) const FORGOTTEN_AT_ONCE: usize = 1_000;

impl People {
    /// Removes some names that lapsed or are beyond the bounds. Returns whether these were all.
    pub(in crate::hub) fn purge(&mut self, now: Instant, limits: &HubLimits, counters: &mut Counters) -> bool {
        let ran_ms = self.ran_ms(now);
        let (mut lapsed, mut crowded) = (Vec::new(), Vec::new());
        for (identity, kept) in self.known.iter() {
            if lapsed.len() + crowded.len() >= FORGOTTEN_AT_ONCE {
                break;
            }
            if kept.names.len() > limits.names_per_identity {
                crowded.push(*identity);
            }
            let has_lapsed = |record: &&NameRecord| {
                self.names.has_lapsed(record, ran_ms) && !self.is_busy(identity) && self.is_idle_name(record)
            };
            lapsed.extend(self.owned(identity).filter(has_lapsed).cloned());
        }
        let is_done = lapsed.len() + crowded.len() < FORGOTTEN_AT_ONCE;
        for record in lapsed {
            counters.names_lapsed += 1;
            self.forget_name(&record);
        }
        for identity in crowded {
            self.trim_names(limits, counters, identity, 0);
        }
        is_done
    }

    /// Removes the surplus names of an identity if `new_names` are added, the least recently used
    /// ones first.
    pub(in crate::hub) fn trim_names(
        &mut self,
        limits: &HubLimits,
        counters: &mut Counters,
        identity: PublicIdentity,
        new_names: usize,
    ) {
        let kept = self.known.get(&identity).map_or(0, |kept| kept.names.len());
        let surplus = (kept + new_names).saturating_sub(limits.names_per_identity);
        if surplus == 0 {
            return;
        }
        let idle = self.owned(&identity).filter(|record| self.is_idle_name(record));
        let mut idle: Vec<NameRecord> = idle.cloned().collect();
        idle.sort_unstable_by(|a, b| (a.seen_ran_ms, &a.folded).cmp(&(b.seen_ran_ms, &b.folded)));
        idle.truncate(surplus);
        for record in idle {
            counters.names_crowded += 1;
            self.forget_name(&record);
        }
    }

    /// Whether a name is in use nowhere: its owner has it in no room, and nothing in progress
    /// claims it.
    pub(in crate::hub) fn is_idle_name(&self, record: &NameRecord) -> bool {
        !self.claims.is_claimed(&record.folded) && !self.is_held(record)
    }

    /// Whether an identity is in a room, about to join one, or written by the batch in progress.
    pub(in crate::hub) fn is_busy(&self, identity: &PublicIdentity) -> bool {
        self.held.contains_key(identity) || self.claims.is_joining(identity) || self.writes(identity)
    }

    /// Whether no further identity fits into the table.
    pub(in crate::hub) fn is_full(&self, limits: &HubLimits) -> bool {
        let is_new = |identity: &&PublicIdentity| !self.known.contains(identity);
        self.known.len() + self.claims.joining().filter(is_new).count() >= limits.identities
    }
}
