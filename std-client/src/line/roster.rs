//! What is completed: names, those seen last first, and transfers. Shared by two threads, and
//! bounded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabar_std::text::clean_line;

use crate::engine::event::{Transfer, TransferState, Wait};
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

/// Transfers that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenTransfers(Arc<Mutex<Vec<OpenTransfer>>>);

#[derive(Debug)]
struct OpenTransfer {
    id: TransferId,
    name: String,
    /// What it waits for, as far as that was displayed.
    displayed: Option<Wait>,
    /// How far it was then, in bytes.
    done_then: u64,
    /// How far it is.
    done: u64,
}

/// Bytes after which a transfer that waits for the same again is displayed again.
const PROGRESS: u64 = 16 << 20;

impl OpenTransfers {
    /// Takes a report of the engine. Returns whether it is news: a transfer that is tried every few
    /// seconds waits for the same again and again.
    pub(super) fn note(&self, transfer: &Transfer) -> bool {
        let mut list = self.lock();
        if transfer.state.is_end() {
            list.retain(|open| open.id != transfer.id);
            return true;
        }
        let at = match list.iter().position(|open| open.id == transfer.id) {
            Some(at) => at,
            None if list.len() >= MAX_NAMES => return true,
            None => {
                let (id, name) = (transfer.id, clean_line(&transfer.name));
                list.push(OpenTransfer { id, name, displayed: None, done_then: 0, done: 0 });
                list.len() - 1
            }
        };
        let Some(open) = list.get_mut(at) else { return true };
        match &transfer.state {
            // The connection is lost and comes back between two of the same kind.
            TransferState::Waiting(Wait::Connection) => true,
            TransferState::Waiting(wait) => {
                let has_advanced = open.done.saturating_sub(open.done_then) > PROGRESS;
                let is_news = open.displayed != Some(*wait) || has_advanced;
                if is_news {
                    (open.displayed, open.done_then) = (Some(*wait), open.done);
                }
                is_news
            }
            TransferState::Running(measured) => {
                open.done = measured.done;
                true
            }
            _ => true,
        }
    }

    /// Returns their numbers, and the names of their files.
    pub(super) fn list(&self) -> Vec<(TransferId, String)> {
        self.lock().iter().map(|open| (open.id, open.name.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OpenTransfer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{RoomId, ServerId};
    use crate::transfers::progress::Measured;

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

    #[test]
    fn a_transfer_that_waits_for_the_same_again_is_no_news() {
        let open = OpenTransfers::default();
        let note = |state| {
            let room = RoomId { server: ServerId(0), index: 0 };
            let (id, name, size) = (TransferId(7), "a\x1b.txt".to_owned(), Some(1 << 30));
            open.note(&Transfer { id, room, is_upload: false, name, size, state })
        };
        let running = |done| TransferState::Running(Measured { done, rate: None, left: None });
        let full = || TransferState::Waiting(Wait::Disk);
        assert!(note(TransferState::Waiting(Wait::Others)) && note(running(9)) && note(full()));
        assert!(!note(full()) && note(running(9)) && !note(full()));
        assert!(note(TransferState::Waiting(Wait::Server)), "another reason");
        assert!(note(full()) && note(running(PROGRESS + 10)) && note(full()), "there was progress");
        assert_eq!(open.list(), [(TransferId(7), "a.txt".to_owned())]);
        assert!(note(TransferState::Cancelled) && open.list().is_empty());
    }
}
