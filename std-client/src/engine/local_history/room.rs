//! A room that is recorded, and its entries of one turn.

use kabar_core::chat::{EntryHeader, EntryKind, Term};

use super::super::event::Entry;
use crate::history::{Attention, LogRow, NewEntry, Place, RoomRow};

/// A room of the file.
#[derive(Debug)]
pub(super) struct RecordedRoom {
    pub(super) row: RoomRow,
    /// The log that entries are appended to; `None`: they are not recorded.
    pub(super) log: Option<LogRow>,
    /// The term of the server.
    pub(super) term: Option<Term>,
    /// Entries that are not in the file yet.
    pub(super) pending: Vec<Pending>,
    /// The read mark, if it has moved.
    pub(super) read: Option<u64>,
    /// Which of the outboxes has its posts; `None`: they are not durable.
    pub(super) outbox: Option<usize>,
    /// Posts up to this one are settled, and the file does not have that yet.
    pub(super) settled: Option<u64>,
    /// The last post that was stored in this turn.
    pub(super) pushed: Option<u64>,
    /// The last post that could not be stored, until it is settled.
    pub(super) skipped: Option<u64>,
    /// The log that was reported.
    pub(super) reported: Option<Option<LogRow>>,
}

/// An entry that is not in the file yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) entry: Entry,
    attention: Attention,
}

impl RecordedRoom {
    pub(super) fn new(row: RoomRow) -> Self {
        Self {
            row,
            log: None,
            term: None,
            pending: Vec::new(),
            read: None,
            outbox: None,
            settled: None,
            pushed: None,
            skipped: None,
            reported: None,
        }
    }

    /// Takes an entry, if the room is recorded.
    pub(super) fn take(&mut self, entry: &Entry, is_mine: bool) {
        if self.log.is_some() {
            let attention = if is_mine { Attention::None } else { attention(entry) };
            self.pending.push(Pending { entry: entry.clone(), attention });
        }
    }

    /// Everything that was written is durable.
    pub(super) fn committed(&mut self) {
        if let Some(settled) = self.settled.take() {
            self.skipped = self.skipped.filter(|skipped| *skipped > settled);
        }
        self.pushed = None;
    }

    /// Nothing of this turn is written, and the room is not recorded until it is located again.
    pub(super) fn failed(&mut self) {
        (self.log, self.reported) = (None, None);
        self.pending.clear();
        self.skipped = self.pushed.take().or(self.skipped);
    }

    /// Returns the pending entries as they are stored.
    pub(super) fn new_entries(&self) -> Vec<NewEntry<'_>> {
        self.pending.iter().map(new_entry).collect()
    }

    /// Returns its place, and whether everything is in the file; `None`: it is not recorded.
    pub(super) fn place(&self) -> Option<(RoomRow, LogRow, bool)> {
        Some((self.row, self.log?, self.pending.is_empty()))
    }

    /// Returns the read mark, if it has moved.
    pub(super) fn take_mark(&mut self) -> Option<(RoomRow, Place)> {
        let log = self.log?;
        self.read.take().map(|seq| (self.row, Place { log, seq }))
    }
}

/// Returns an entry of a page as it is stored.
pub(super) fn page_entry<'a>(entry: &'a Entry, own_name: &str) -> NewEntry<'a> {
    let attention = if entry.author == own_name { Attention::None } else { attention(entry) };
    stored_as(entry, attention)
}

fn new_entry(pending: &Pending) -> NewEntry<'_> {
    stored_as(&pending.entry, pending.attention)
}

fn stored_as(entry: &Entry, attention: Attention) -> NewEntry<'_> {
    let Entry { seq, time_ms, ref author, instance, number, kind, .. } = *entry;
    let header = EntryHeader { seq, time_ms, author, instance, number, kind };
    NewEntry { header, content: entry.content.as_content(), attention }
}

/// How far an entry asks for attention.
fn attention(entry: &Entry) -> Attention {
    let is_line = entry.kind.is_text() || entry.kind == EntryKind::FILE;
    match (is_line && !entry.is_hidden, entry.is_mention) {
        (false, _) => Attention::None,
        (true, false) => Attention::Unread,
        (true, true) => Attention::Mention,
    }
}
