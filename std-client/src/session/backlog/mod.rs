//! What came into a room while another one was shown: the last entries, to be displayed when the
//! room is shown, and the unread lines among them, which are reported from time to time.

use std::collections::VecDeque;

use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_core::time::{Duration, Instant};
use kabar_std::text::{Content, clean_line, removed_seq};

use super::mention::mentions;

/// Entries that are kept.
pub(super) const MAX_ENTRIES: usize = 100;
/// How long further lines are waited for before the first are reported.
const COLLECT: Duration = Duration::from_millis(300);
/// Time between two reports.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time between two reports, if the second one is about a mention.
const MENTION_INTERVAL: Duration = Duration::from_secs(1);

/// An entry that comes in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'a> {
    pub(super) header: EntryHeader<'a>,
    pub(super) content: Content<'a>,
    pub(super) is_own: bool,
    /// Whether it was not displayed in an earlier session.
    pub(super) is_new: bool,
    /// Whether the number of such entries was reported when the room was joined.
    pub(super) is_announced: bool,
}

/// An entry, copied.
#[derive(Clone, Debug)]
pub(super) struct StoredEntry {
    seq: u64,
    time_ms: u64,
    author: String,
    instance: u64,
    number: u64,
    kind: EntryKind,
    content: StoredContent,
    pub(super) is_own: bool,
}

#[derive(Clone, Debug)]
enum StoredContent {
    Body(Vec<u8>),
    Omitted(u16),
}

impl StoredEntry {
    fn new(header: &EntryHeader<'_>, content: Content<'_>, is_own: bool) -> Self {
        let EntryHeader { seq, time_ms, author, instance, number, kind } = *header;
        let content = match content {
            Content::Body(body) => StoredContent::Body(body.to_vec()),
            Content::Omitted(size) => StoredContent::Omitted(size),
        };
        Self { seq, time_ms, author: author.to_owned(), instance, number, kind, content, is_own }
    }

    pub(super) fn header(&self) -> EntryHeader<'_> {
        let Self { seq, time_ms, instance, number, kind, .. } = *self;
        EntryHeader { seq, time_ms, author: &self.author, instance, number, kind }
    }

    pub(super) fn content(&self) -> Content<'_> {
        match &self.content {
            StoredContent::Body(body) => Content::Body(body),
            StoredContent::Omitted(size) => Content::Omitted(*size),
        }
    }
}

/// The entries of a room that is not shown.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    entries: VecDeque<StoredEntry>,
    /// Entries that are not kept.
    left_out: u64,
    /// The last entry, displayed or hidden.
    end: Option<u64>,
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
    pub(super) entries: VecDeque<StoredEntry>,
    /// Entries before them that are not kept.
    pub(super) left_out: u64,
    /// The last entry, displayed or hidden.
    pub(super) end: Option<u64>,
}

impl Backlog {
    /// Adds an entry. `name`: that of this member.
    pub(super) fn push(&mut self, entry: &Incoming<'_>, name: &str, now: Instant) {
        let Incoming { header, content, is_own, is_new, is_announced } = *entry;
        self.end = Some(header.seq);
        if let (EntryKind::REMOVAL, Content::Body(body)) = (header.kind, content) {
            self.remove(removed_seq(body));
        }
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.pop_front();
            self.left_out += 1;
        }
        self.entries.push_back(StoredEntry::new(&header, content, is_own));
        let is_line = header.kind.is_postable() || header.kind == EntryKind::OPERATOR;
        if !is_line || !is_new || is_own || header.author == name {
            return;
        }
        self.unread += 1;
        let is_mention = matches!(content, Content::Body(body)
            if header.kind.is_text() && mentions(&String::from_utf8_lossy(body), name));
        if is_announced && !is_mention {
            return;
        }
        let since_last = |interval: Duration| self.reported_at.map_or(now, |at| (at + interval).max(now));
        let due = if is_mention { since_last(MENTION_INTERVAL) } else { since_last(INTERVAL).max(now + COLLECT) };
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
        if is_mention {
            self.mentioned_by.get_or_insert_with(|| clean_line(header.author));
        }
    }

    /// An entry is hidden.
    pub(super) fn skip(&mut self, seq: u64) {
        self.end = Some(seq);
    }

    /// The text of an entry is gone from the room.
    fn remove(&mut self, seq: Option<u64>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| Some(entry.seq) == seq) {
            (entry.kind, entry.content) = (EntryKind::REMOVED, StoredContent::Body(Vec::new()));
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
