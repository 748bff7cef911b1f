//! What came into a room while another one was shown: the last entries, to be displayed when the
//! room is shown, and the unread lines among them, which are reported from time to time.

use std::collections::VecDeque;

use kabar_core::chat::EntryKind;
use kabar_core::time::{Duration, Instant};
use kabar_std::text::{clean_line, removed_seq};

use crate::cursor::Position;
use crate::engine::event::{Entry, EntryContent};

/// Entries that are kept.
pub(super) const MAX_ENTRIES: usize = 100;
/// How long further lines are waited for before the first are reported.
const COLLECT: Duration = Duration::from_millis(300);
/// Time between two reports.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time between two reports, if the second one is about a mention.
const MENTION_INTERVAL: Duration = Duration::from_secs(1);

/// The entries of a room that is not shown.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    entries: VecDeque<Entry>,
    /// Entries that are not kept.
    left_out: u64,
    /// The position of the last entry, displayed or hidden.
    end: Option<Position>,
    /// Lines that nobody has seen.
    unread: u64,
    /// Who mentioned this member in a line that was not reported.
    mentioned_by: Option<String>,
    reported_at: Option<Instant>,
    due: Option<Instant>,
}

/// A report of unread lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnreadReport {
    pub(super) lines: u64,
    /// Who mentioned this member.
    pub(super) mentioned_by: Option<String>,
}

/// What is displayed when the room is shown.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) entries: VecDeque<Entry>,
    /// Entries before them that are not kept.
    pub(super) left_out: u64,
    /// The position of the last entry, displayed or hidden.
    pub(super) end: Option<Position>,
}

impl Backlog {
    /// Adds an entry. `name`: that of this member; `is_new`: whether the entry was not displayed in
    /// an earlier session.
    pub(super) fn push(&mut self, entry: Entry, name: &str, is_new: bool, now: Instant) {
        self.end.clone_from(&entry.position);
        if let (EntryKind::REMOVAL, EntryContent::Body(body)) = (entry.kind, &entry.content) {
            self.remove(removed_seq(body));
        }
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.pop_front();
            self.left_out += 1;
        }
        let is_line = entry.kind.is_postable() || entry.kind == EntryKind::OPERATOR;
        if is_line && is_new && !entry.is_own && entry.author != name {
            self.count(&entry, now);
        }
        self.entries.push_back(entry);
    }

    fn count(&mut self, entry: &Entry, now: Instant) {
        self.unread += 1;
        // The number of those was reported when the room was joined.
        if entry.is_replayed && !entry.is_mention {
            return;
        }
        let since_last = |interval: Duration| self.reported_at.map_or(now, |at| (at + interval).max(now));
        let due = if entry.is_mention { since_last(MENTION_INTERVAL) } else { since_last(INTERVAL).max(now + COLLECT) };
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
        if entry.is_mention {
            self.mentioned_by.get_or_insert_with(|| clean_line(&entry.author));
        }
    }

    /// An entry is hidden.
    pub(super) fn skip(&mut self, position: Option<Position>) {
        self.end = position;
    }

    /// The text of an entry is gone from the room.
    fn remove(&mut self, seq: Option<u64>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| Some(entry.seq) == seq) {
            (entry.kind, entry.content) = (EntryKind::REMOVED, EntryContent::Body(Vec::new()));
        }
    }

    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// Returns the report that is due.
    pub(super) fn report(&mut self, now: Instant) -> Option<UnreadReport> {
        self.due.filter(|due| now >= *due)?;
        (self.due, self.reported_at) = (None, Some(now));
        Some(UnreadReport { lines: self.unread, mentioned_by: self.mentioned_by.take() })
    }

    /// Returns when to call [`Backlog::report`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Takes everything, to be displayed.
    pub(super) fn take(&mut self) -> Missed {
        let Self { entries, left_out, end, .. } = std::mem::take(self);
        Missed { entries, left_out, end }
    }
}

#[cfg(test)]
mod tests;
