//! Replies that come in parts, members and history: displayed in one piece when complete. The
//! history is displayed page by page, from the end of the log to its beginning.

use std::collections::VecDeque;

use kabar_core::chat::{Entry, Request};
use kabar_core::client::{RequestError, RoomSlot};
use kabar_core::time::Instant;
use kabar_std::text::{Content, clean_line};

use super::front_end::DisplayedEntry;
use super::notice::{Earlier, HistoryPage, Notice};
use super::person::Person;
use super::roster::Roster;
use super::view::RoomView;
use crate::command::DEFAULT_HISTORY;
use crate::profile::StdClient;

/// Bound of the names in one reply: the largest number that a server can state.
const MAX_NAMES: usize = 1 << 16;

/// Replies that are not complete yet.
#[derive(Debug, Default)]
pub(super) struct Replies {
    names: Vec<String>,
    /// Number of expected member lists that are not displayed: they are for completion.
    silent: u32,
    page: Page,
    /// Pages that were requested from the server; `None`: by [`super::catch_up`].
    expected: VecDeque<Option<PageRequest>>,
    /// Pages to request when the one before is there.
    wanted: u32,
    /// The first entry of the page that was displayed last.
    oldest: Option<u64>,
    /// Entries per page.
    count: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PageRequest {
    /// Entries before this one; 0: the last ones.
    before: u64,
    count: u8,
}

/// A page that is not complete yet.
#[derive(Debug, Default)]
struct Page {
    text: String,
    /// Entries in the text.
    lines: u64,
    /// Entries, with those that are not displayed.
    entries: u64,
    first: Option<u64>,
}

impl Replies {
    /// The next member list is for completion only.
    pub(super) fn expect_silent(&mut self) {
        self.silent += 1;
    }

    /// A page was requested that is not a reply to `/history`.
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
        *self = Self { oldest: self.oldest, count: self.count, ..Self::default() };
    }

    /// Requests a page of the history: the last `count` entries; `None`: those before the page that
    /// was displayed last.
    pub(super) fn request_history(
        &mut self,
        count: Option<u8>,
        slot: RoomSlot,
        client: &mut StdClient,
        view: RoomView<'_>,
        now: Instant,
    ) -> Result<(), RequestError> {
        if count.is_none() && !self.expected.is_empty() {
            self.wanted += 1;
            return Ok(());
        }
        if let Some(page) = self.next_page(count, view) {
            client.request(now, slot, Request::History { before: page.before, count: page.count })?;
            self.expected.push_back(Some(page));
        }
        Ok(())
    }

    fn next_page(&mut self, count: Option<u8>, view: RoomView<'_>) -> Option<PageRequest> {
        let before = if count.is_some() { 0 } else { self.oldest.unwrap_or(0) };
        self.count = count.or(self.count);
        let count = self.count.unwrap_or(DEFAULT_HISTORY);
        if before == 1 {
            let page = HistoryPage { is_last: false, earlier: Earlier::Beginning };
            view.notice(&Notice::History { lines: 0, text: "", page });
            return None;
        }
        Some(PageRequest { before, count })
    }

    /// Requests a page that was wanted while another one was expected.
    pub(super) fn check(&mut self, slot: RoomSlot, client: &mut StdClient, view: RoomView<'_>, now: Instant) {
        if self.wanted > 0 && self.expected.is_empty() {
            self.wanted -= 1;
            let _ = self.request_history(None, slot, client, view, now);
        }
    }

    /// Takes a name of a member list, and displays the list with its last one.
    pub(super) fn name(&mut self, name: Option<&str>, remaining: u16, own: &str, roster: &Roster, view: RoomView<'_>) {
        self.names.extend(name.filter(|_| self.names.len() < MAX_NAMES).map(clean_line));
        if remaining > 0 {
            return;
        }
        let mut names = std::mem::take(&mut self.names);
        names.sort();
        if self.silent > 0 {
            self.silent -= 1;
            return names.iter().filter(|name| *name != own).for_each(|name| roster.note(name));
        }
        view.notice(&Notice::Members(&names));
    }

    /// Takes an entry of a page, and displays the page with its last one.
    pub(super) fn entry(&mut self, entry: Option<Entry<'_>>, remaining: u16, person: &mut Person, view: RoomView<'_>) {
        if let Some(Entry { header, body }) = entry {
            self.page.entries += 1;
            self.page.first.get_or_insert(header.seq);
            let content = Content::Body(body);
            let displayed = DisplayedEntry { room: view.label.name, header, content, is_own: false };
            if person.shows(&header)
                && let Some(line) = view.ui.history_line(&displayed)
            {
                self.page.text.push_str(&line);
                self.page.lines += 1;
            }
        }
        if remaining > 0 {
            return;
        }
        let Page { text, lines, entries, first } = std::mem::take(&mut self.page);
        let requested = self.expected.pop_front().flatten();
        self.oldest = first.or(self.oldest);
        let is_whole = requested.is_some_and(|page| entries < u64::from(page.count));
        let earlier = match first {
            Some(1) => Earlier::Beginning,
            Some(_) if is_whole => Earlier::NotKept,
            Some(_) => Earlier::Possible,
            None if requested.is_some_and(|page| page.before > 0) => Earlier::NotKept,
            None => Earlier::Beginning,
        };
        let page = HistoryPage { is_last: requested.is_none_or(|page| page.before == 0), earlier };
        // In one piece, so that no entry comes in between.
        view.notice(&Notice::History { lines, text: &text, page });
    }
}

#[cfg(test)]
mod tests;
