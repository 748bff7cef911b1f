//! The posts of a room in the durable outbox, and those of them that the client does not have yet.

use std::collections::VecDeque;

use kabar_core::client::{PostError, RoomSlot};

use crate::engine::event::RoomId;
use crate::engine::local_history::LocalHistory;
use crate::history::outbox::OutboxLine;
use crate::profile::StdClient;

/// The posts of a room in the durable outbox.
#[derive(Debug)]
pub(super) struct DurablePosts {
    /// Those that the client does not have yet.
    pub(super) unsent: VecDeque<OutboxLine>,
    /// The last number of an earlier process.
    pub(super) before: u64,
    /// Posts of an earlier process, until that is reported.
    pub(super) resumed: u64,
}

impl DurablePosts {
    /// Returns the number of posts that the client does not have.
    pub(super) fn unsent(&self) -> u64 {
        self.unsent.iter().filter(|line| !line.is_refused).count() as u64
    }

    /// Returns how many posts of an earlier process there were, once.
    pub(super) fn take_resumed(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.resumed)).filter(|lines| *lines > 0)
    }

    /// The number in this run of a post; 0: it is of an earlier process.
    pub(super) fn number_in_run(&self, number: u64) -> u64 {
        number.saturating_sub(self.before)
    }

    /// Gives the client what it has space for.
    pub(super) fn hand_over(&mut self, id: RoomId, slot: RoomSlot, history: &LocalHistory, client: &mut StdClient) {
        while let Some(line) = self.unsent.front() {
            let posted = if line.is_refused {
                client.post_refused(slot)
            } else {
                match client.post(slot, line.kind, &line.body) {
                    // Not from this version: it is never accepted.
                    Err(PostError::TooLong | PostError::Kind | PostError::NotText) => {
                        history.refuse(id, line.number);
                        client.post_refused(slot)
                    }
                    posted => posted,
                }
            };
            if posted.is_err() {
                return;
            }
            self.unsent.pop_front();
        }
    }
}
