//! Replies that come in parts, members and history: reported in one piece when complete.

use std::collections::VecDeque;

use kabar_core::chat::Request;
use kabar_core::client::{RequestError, RoomSlot};
use kabar_core::time::Instant;
use kabar_std::text::clean_line;

use crate::engine::event::{Earlier, Entry, HistoryPage, RoomId};
use crate::profile::StdClient;

/// Bound of the names in one reply: the largest number that a server can state.
const MAX_NAMES: usize = 1 << 16;

/// Replies that are not complete yet.
#[derive(Debug, Default)]
pub(super) struct Replies {
    names: Vec<String>,
    entries: Vec<Entry>,
    /// Pages that were requested from the server; `None`: by [`super::catch_up`].
    expected: VecDeque<Option<PageRequest>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PageRequest {
    /// Entries before this one; 0: the last ones.
    before: u64,
    count: u8,
}

impl Replies {
    /// A page was requested that is not a reply to a command.
    pub(super) fn expect_catch_up(&mut self) {
        self.expected.push_back(None);
    }

    /// Whether the next page is such a one.
    pub(super) fn is_catch_up_next(&self) -> bool {
        self.expected.front() == Some(&None)
    }

    /// Such a page is complete.
    pub(super) fn catch_up_answered(&mut self) {
        self.expected.pop_front();
    }

    /// Forgets what was expected: the connection was lost.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Requests a page of the history.
    pub(super) fn request_history(
        &mut self,
        before: u64,
        count: u8,
        slot: RoomSlot,
        client: &mut StdClient,
        now: Instant,
    ) -> Result<(), RequestError> {
        client.request(now, slot, Request::History { before, count })?;
        self.expected.push_back(Some(PageRequest { before, count }));
        Ok(())
    }

    /// Takes a name of a member list. Returns the list with its last one.
    pub(super) fn name(&mut self, name: Option<&str>, remaining: u16) -> Option<Vec<String>> {
        self.names.extend(name.filter(|_| self.names.len() < MAX_NAMES).map(clean_line));
        if remaining > 0 {
            return None;
        }
        let mut names = std::mem::take(&mut self.names);
        names.sort();
        Some(names)
    }

    /// Takes an entry of a page. Returns the page with its last one.
    pub(super) fn entry(&mut self, entry: Option<Entry>, remaining: u16, room: RoomId) -> Option<HistoryPage> {
        let requested = self.expected.front().copied().flatten();
        // A server that sends more than was requested is not kept in memory.
        let limit = requested.map_or(0, |page| usize::from(page.count));
        self.entries.extend(entry.filter(|_| self.entries.len() < limit));
        if remaining > 0 {
            return None;
        }
        self.expected.pop_front();
        let entries = std::mem::take(&mut self.entries);
        let is_whole = requested.is_some_and(|page| entries.len() < usize::from(page.count));
        let earlier = match entries.first().map(|entry| entry.seq) {
            Some(1) => Earlier::Beginning,
            Some(_) if is_whole => Earlier::NotKept,
            Some(_) => Earlier::Possible,
            None if requested.is_some_and(|page| page.before > 0) => Earlier::NotKept,
            None => Earlier::Beginning,
        };
        Some(HistoryPage { room, entries, is_last: requested.is_none_or(|page| page.before == 0), earlier })
    }
}

#[cfg(test)]
mod tests;
