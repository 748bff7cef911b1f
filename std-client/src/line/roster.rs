//! Names for completion, those seen last first. Shared by two threads, and bounded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bound of the names.
const MAX_NAMES: usize = 512;

/// Names, shared by the thread that displays entries and the one that completes names.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster(Arc<Mutex<Vec<String>>>);

impl Roster {
    /// Moves `name` to the front.
    pub(super) fn note(&self, name: &str) {
        let mut names = self.names();
        names.retain(|known| known != name);
        names.insert(0, name.to_owned());
        names.truncate(MAX_NAMES);
    }

    /// Removes `name`.
    pub(super) fn remove(&self, name: &str) {
        self.names().retain(|known| known != name);
    }

    /// Returns the names that begin with `part`, ignoring case.
    #[must_use]
    pub(super) fn starting_with(&self, part: &str) -> Vec<String> {
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
    fn lists_the_last_author_first_and_no_member_that_left() {
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
    fn number_of_names_is_bounded() {
        let roster = Roster::default();
        (0..2_000).for_each(|number| roster.note(&format!("n{number}")));
        assert_eq!(roster.starting_with("").len(), MAX_NAMES);
    }
}
