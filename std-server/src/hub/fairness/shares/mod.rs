//! Shares of a bounded table between address prefixes (SPEC 3.7): the one rule by which every table
//! that strangers can fill displaces entries.
//!
//! The weight of a prefix is the number of its entries. Where the table is full, a newcomer takes
//! the place of the oldest entry of the heaviest prefix: of the heaviest /48, within it of the
//! heaviest /56, within it of the heaviest /64. It does so only if that prefix still weighs no less
//! than the newcomer's afterwards, so that among equally light prefixes the first entry stays:
//! handshakes that displaced each other in turn would never complete.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::hub::fairness::prefix::{LEVELS, NARROWEST, Prefix};

/// The entries of one table, by key, with the prefix that each counts against.
#[derive(Debug)]
pub(in crate::hub) struct Shares<K> {
    places: BTreeMap<K, Place>,
    /// Oldest first within each prefix.
    order: BTreeMap<(Prefix, u64), K>,
    weights: [BTreeMap<Prefix, Weight>; LEVELS],
    /// By the prefix one level up; the heaviest last, and among equally heavy ones the first to
    /// arrive.
    by_weight: [BTreeSet<(Prefix, Weight, Prefix)>; LEVELS],
    /// Entries made so far.
    made: u64,
}

/// The place of an entry.
#[derive(Clone, Copy, Debug)]
struct Place {
    prefix: Prefix,
    ordinal: u64,
}

/// The weight of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    entries: u32,
    /// Ordinal of its first entry.
    since: Reverse<u64>,
}

impl Weight {
    const MIN: Self = Self { entries: 0, since: Reverse(u64::MAX) };
    const MAX: Self = Self { entries: u32::MAX, since: Reverse(0) };
}

impl<K: Copy + Ord> Shares<K> {
    pub(in crate::hub) fn new() -> Self {
        Self {
            places: BTreeMap::new(),
            order: BTreeMap::new(),
            weights: Default::default(),
            by_weight: Default::default(),
            made: 0,
        }
    }

    #[cfg(test)]
    pub(in crate::hub) fn len(&self) -> usize {
        self.places.len()
    }

    pub(in crate::hub) fn contains(&self, key: &K) -> bool {
        self.places.contains_key(key)
    }

    /// Entries of a prefix at a level.
    pub(in crate::hub) fn weight(&self, prefix: Prefix, level: usize) -> usize {
        self.weights[level].get(&prefix.at(level)).map_or(0, |weight| weight.entries as usize)
    }

    /// Adds an entry; replaces one of the same key.
    pub(in crate::hub) fn insert(&mut self, key: K, prefix: Prefix) {
        self.remove(&key);
        self.made += 1;
        let place = Place { prefix, ordinal: self.made };
        self.places.insert(key, place);
        self.order.insert((prefix, place.ordinal), key);
        for level in 0..LEVELS {
            let weight = Weight { entries: 0, since: Reverse(place.ordinal) };
            self.change(prefix, level, |before| Weight { entries: before.entries + 1, ..before }, weight);
        }
    }

    /// Removes an entry, if it is there.
    pub(in crate::hub) fn remove(&mut self, key: &K) {
        let Some(Place { prefix, ordinal }) = self.places.remove(key) else { return };
        self.order.remove(&(prefix, ordinal));
        for level in 0..LEVELS {
            self.change(prefix, level, |before| Weight { entries: before.entries - 1, ..before }, Weight::MIN);
        }
    }

    fn change(&mut self, prefix: Prefix, level: usize, change: impl FnOnce(Weight) -> Weight, first: Weight) {
        let (node, parent) = (prefix.at(level), parent(prefix, level));
        let before = self.weights[level].get(&node).copied().unwrap_or(first);
        let after = change(before);
        self.by_weight[level].remove(&(parent, before, node));
        if after.entries == 0 {
            self.weights[level].remove(&node);
        } else {
            self.weights[level].insert(node, after);
            self.by_weight[level].insert((parent, after, node));
        }
    }

    /// The heaviest part of `parent`.
    fn heaviest(&self, parent: Prefix, level: usize) -> Option<(Prefix, usize)> {
        let parts = (parent, Weight::MIN, Prefix::MIN)..=(parent, Weight::MAX, Prefix::MAX);
        let (_, weight, node) = self.by_weight[level].range(parts).next_back()?;
        Some((*node, weight.entries as usize))
    }

    /// The oldest entry of the heaviest prefix.
    pub(in crate::hub) fn heaviest_oldest(&self) -> Option<K> {
        self.oldest_below(Prefix::MIN, 0)
    }

    fn oldest_below(&self, mut node: Prefix, from_level: usize) -> Option<K> {
        for level in from_level..LEVELS {
            (node, _) = self.heaviest(node, level)?;
        }
        self.order.range((node, 0)..=(node, u64::MAX)).next().map(|(_, key)| *key)
    }

    /// The entry that one of prefix `newcomer` may displace. `None`: the newcomer's prefix is
    /// already as heavy as any.
    pub(in crate::hub) fn displaced_by(&self, newcomer: Prefix) -> Option<K> {
        for level in 0..LEVELS {
            let (node, weight) = self.heaviest(parent(newcomer, level), level)?;
            if node != newcomer.at(level) {
                let is_heavier = weight >= self.weight(newcomer, level) + 2;
                return if is_heavier { self.oldest_below(node, level + 1) } else { None };
            }
        }
        None
    }
}

/// The prefix one level up; above the widest there is one for all.
fn parent(prefix: Prefix, level: usize) -> Prefix {
    level.checked_sub(1).map_or(Prefix::MIN, |level| prefix.at(level.min(NARROWEST)))
}

#[cfg(test)]
mod tests;
