//! The members according to the log (SPEC 6.4): joined and left are written once per presence, and
//! a rename by the name before.

use std::collections::BTreeMap;

use kabar_core::chat::EntryKind;

use super::{Checked, Committed, demand};

/// Whether `name` is `stated`, or `stated` with the number that a server appends to a default name
/// that is taken. Clients that return state their names as default names (SPEC 6.2).
pub(in crate::sim) fn may_become(stated: &str, name: &str) -> bool {
    let number = name.strip_prefix(stated).filter(|number| !number.starts_with(['+', '0']));
    name == stated || number.and_then(|number| number.parse().ok()).is_some_and(|number: u8| (2..=99).contains(&number))
}

/// The names that the log reports. An identity is known by the first of its names.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    /// The first name of the identity that got each name by a rename.
    first_names: BTreeMap<String, String>,
    /// The present name of each identity that is present, by its first name.
    present: BTreeMap<String, String>,
}

impl People {
    /// The first name of the identity that has or had a name.
    pub(super) fn first_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.first_names.get(name).map_or(name, String::as_str)
    }

    /// Checks and notes an entry by the server. `are_same`: whether two first names are of the same
    /// identity, which may have changed its name in another room.
    pub(super) fn note(&mut self, entry: &Committed, are_same: &dyn Fn(&str, &str) -> bool) -> Checked {
        let (seq, name) = (entry.seq, &entry.author);
        let first = self.first_name(name).to_owned();
        let present = self.present.get(&first).cloned();
        let is_named_so = present.as_ref().is_none_or(|present| present == name);
        match EntryKind(entry.kind) {
            EntryKind::JOINED => {
                demand!(present.is_none(), Names, "entry {seq}: {name} joined, and had not left as {present:?}");
                self.present.insert(first, name.clone());
            }
            EntryKind::LEFT => {
                demand!(present.as_ref() == Some(name), Names, "entry {seq}: {name} left, but is {present:?}");
                self.present.remove(&first);
            }
            EntryKind::KICKED => {
                demand!(is_named_so, Names, "entry {seq}: {name} was kicked, but is {present:?}");
                self.present.remove(&first);
            }
            EntryKind::RENAMED => {
                let after = String::from_utf8_lossy(&entry.body).into_owned();
                demand!(
                    after != *name && is_named_so,
                    Names,
                    "entry {seq}: {name} is now {after}, but was {present:?}"
                );
                let owner = self.first_name(&after);
                let is_free = owner == after || owner == first;
                let is_own = is_free || (!self.present.contains_key(owner) && are_same(owner, &first));
                demand!(is_own, Names, "entry {seq}: {name} is now {after}, who is {owner}");
                if present.is_some() {
                    self.present.insert(first.clone(), after.clone());
                }
                if after != first {
                    self.first_names.insert(after, first);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
