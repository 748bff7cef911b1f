//! What is completed: names, those seen last first, and transfers. Shared by two threads, and
//! bounded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabar_std::text::clean_line;

use crate::engine::event::Transfer;
use crate::transfers::TransferId;

/// Bound of the names.
const MAX_NAMES: usize = 512;

/// Names, shared by the thread that displays entries and the one that completes names.
#[derive(Clone, Debug, Default)]
pub(super) struct Roster(Arc<Mutex<Vec<String>>>);

impl Roster {
    /// Moves `name` to the front.
    pub(super) fn note(&self, name: &str) {
        let mut names = self.lock();
        names.retain(|known| known != name);
        names.insert(0, name.to_owned());
        names.truncate(MAX_NAMES);
    }

    /// Removes `name`.
    pub(super) fn remove(&self, name: &str) {
        self.lock().retain(|known| known != name);
    }

    /// Returns the names.
    #[must_use]
    pub(super) fn names(&self) -> Vec<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Transfers that have not ended, and the names of their files.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenTransfers(Arc<Mutex<Vec<(TransferId, String)>>>);

impl OpenTransfers {
    /// Takes a report of the engine.
    pub(super) fn note(&self, transfer: &Transfer) {
        let mut list = self.lock();
        list.retain(|(id, _)| *id != transfer.id);
        if !transfer.state.is_end() && list.len() < MAX_NAMES {
            list.push((transfer.id, clean_line(&transfer.name)));
        }
    }

    /// Returns them.
    pub(super) fn list(&self) -> Vec<(TransferId, String)> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(TransferId, String)>> {
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
        assert_eq!(roster.names(), ["anna", "bob", "Anton"]);
        roster.remove("anna");
        assert_eq!(roster.names(), ["bob", "Anton"]);
    }

    #[test]
    fn number_of_names_is_bounded() {
        let roster = Roster::default();
        (0..2_000).for_each(|number| roster.note(&format!("n{number}")));
        assert_eq!(roster.names().len(), MAX_NAMES);
    }
}
