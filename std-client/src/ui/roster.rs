//! Names that Tab completes: those that were heard of, the last one first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names that are kept.
const MAX_NAMES: usize = 512;

/// Shared by the thread that hears of names and the one that completes them.
#[derive(Clone, Debug, Default)]
pub struct Roster(Arc<Mutex<Vec<String>>>);

impl Roster {
    /// `name` was heard of.
    pub fn note(&self, name: &str) {
        let mut names = self.names();
        names.retain(|known| known != name);
        names.insert(0, name.to_owned());
        names.truncate(MAX_NAMES);
    }

    /// `name` has gone.
    pub fn remove(&self, name: &str) {
        self.names().retain(|known| known != name);
    }

    /// Names that begin with `part`, whatever its case.
    #[must_use]
    pub fn starting_with(&self, part: &str) -> Vec<String> {
        let part = part.to_lowercase();
        self.names().iter().filter(|name| name.to_lowercase().starts_with(&part)).cloned().collect()
    }

    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_spoke_last_comes_first_and_who_went_not_at_all() {
        let roster = Roster::default();
        for name in ["anna", "Anton", "bob", "anna"] {
            roster.note(name);
        }
        assert_eq!(roster.starting_with("AN"), ["anna", "Anton"]);
        roster.remove("anna");
        assert_eq!(roster.starting_with("an"), ["Anton"]);
        assert_eq!(roster.starting_with("").len(), 2);
    }

    #[test]
    fn is_bounded() {
        let roster = Roster::default();
        (0..2_000).for_each(|number| roster.note(&format!("n{number}")));
        assert_eq!(roster.starting_with("").len(), MAX_NAMES);
    }
}
