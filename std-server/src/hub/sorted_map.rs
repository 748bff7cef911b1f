//! A map for rooms, of which a server has many and most are small: a sorted vector. A tree has room
//! for eleven entries in its smallest form.

use core::borrow::Borrow;

/// Up to this number of entries, no memory is reserved for further ones.
const SMALL: usize = 4;

/// Entries in the order of their keys. An insertion moves the entries after it.
#[derive(Clone, Debug)]
pub(super) struct SortedMap<K, V>(Vec<(K, V)>);

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    pub(super) fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// Inserts an entry, and returns the value that the key had.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(core::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.insert_at(at, (key, value));
                None
            }
        }
    }

    fn insert_at(&mut self, at: usize, entry: (K, V)) {
        // A vector that grows by itself begins with space for four entries; most maps have fewer.
        if self.0.len() < SMALL {
            self.0.reserve_exact(1);
        }
        self.0.insert(at, entry);
    }

    /// The value of a key; an absent one is inserted with the default.
    pub(super) fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = self.find(&key).unwrap_or_else(|at| {
            self.insert_at(at, (key, V::default()));
            at
        });
        &mut self.0[at].1
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        let (_, value) = self.0.remove(at);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Some(value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries after a key, which need not be there; `None`: all.
    pub(super) fn after<Q: Ord + ?Sized>(&self, key: Option<&Q>) -> impl Iterator<Item = (&K, &V)> + use<'_, K, V, Q>
    where
        K: Borrow<Q>,
    {
        let from = key.map_or(0, |key| self.find(key).map_or_else(|at| at, |at| at + 1));
        self.0.iter().skip(from).map(|(key, value)| (key, value))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &V> + Clone {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The last of several entries with one key stays.
impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut entries: Vec<(K, V)> = entries.into_iter().collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        entries.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                core::mem::swap(later, earlier);
            }
            is_same
        });
        Self(entries)
    }
}

#[cfg(test)]
mod tests {
    use core::ops::Bound::{Excluded, Unbounded};
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn behaves_like_a_tree() {
        let (mut map, mut tree) = (SortedMap::default(), BTreeMap::new());
        let mut number = 7_u32;
        for step in 0..2_000_u32 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = number >> 26;
            match step % 5 {
                0..=2 => assert_eq!(map.insert(key, step), tree.insert(key, step)),
                3 => assert_eq!(map.remove(&key), tree.remove(&key)),
                4 if step % 2 == 0 => {
                    assert!(map.after(Some(&key)).eq(tree.range((Excluded(key), Unbounded))));
                    assert_eq!((map.is_empty(), map.after(None::<&u32>).count()), (tree.is_empty(), tree.len()));
                }
                _ => {
                    *map.or_default(key) += 1;
                    *tree.entry(key).or_default() += 1;
                }
            }
            assert_eq!((map.get(&key), map.contains_key(&key)), (tree.get(&key), tree.contains_key(&key)));
            assert_eq!(map.len(), tree.len());
        }
        assert!(map.iter().eq(tree.iter()) && map.keys().eq(tree.keys()) && map.values().eq(tree.values()));
        let twice: SortedMap<u8, char> = [(2, 'a'), (1, 'b'), (2, 'c')].into_iter().collect();
        assert_eq!(twice.into_iter().collect::<Vec<_>>(), [(1, 'b'), (2, 'c')]);
    }
}
