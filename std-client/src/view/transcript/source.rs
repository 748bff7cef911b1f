//! The history of rooms in pages, as a [`Transcript`](super::Transcript) reads it; and a history
//! that is only kept in memory. [`super::stored`] has the one in a file.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;

use kabar_core::chat::{EntryKind, File};
use kabar_std::text::{clean_line, removed_seq};

use crate::command::Notify;
use crate::engine::event::{self, EntryContent};
use crate::engine::{RoomId, ServerId};
use crate::history::{LogRow, RoomRow};
use crate::view::text;

/// Entries that are kept of one room.
const MAX_ENTRIES: usize = 5000;

/// An entry, as far as it is displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the log.
    pub seq: u64,
    /// When it was stored, in ms since 1970.
    pub time_ms: u64,
    /// The member.
    pub author: String,
    /// The kind.
    pub kind: EntryKind,
    /// The body.
    pub content: EntryContent,
    /// Whether it is the user's own.
    pub is_own: bool,
    /// Whether it mentions the user.
    pub is_mention: bool,
    /// Whether the user does not want to see it, because it ignores the author.
    pub is_ignored: bool,
}

impl From<&event::Entry> for Entry {
    fn from(entry: &event::Entry) -> Self {
        Self {
            seq: entry.seq,
            time_ms: entry.time_ms,
            author: entry.author.clone(),
            kind: entry.kind,
            content: entry.content.clone(),
            is_own: entry.is_own,
            is_mention: entry.is_mention,
            // Joins are hidden by the transcript, which can display them again.
            is_ignored: entry.is_hidden && !is_presence(entry.kind),
        }
    }
}

impl Entry {
    /// Returns the text, if it has one that was delivered.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.content {
            EntryContent::Body(body) if self.kind.is_text() => Some(String::from_utf8_lossy(body).into_owned()),
            _ => None,
        }
    }

    /// Returns the file that it names, if that can be read.
    #[must_use]
    pub fn file(&self) -> Option<File<'_>> {
        match &self.content {
            EntryContent::Body(body) if self.kind == EntryKind::FILE => File::decode(body).ok(),
            _ => None,
        }
    }

    /// Whether it says something, so that it counts as unread.
    #[must_use]
    pub fn asks_for_attention(&self) -> bool {
        self.kind.is_text() || self.kind == EntryKind::FILE
    }

    /// Removes the body.
    pub(super) fn remove_body(&mut self) {
        (self.kind, self.content) = (EntryKind::REMOVED, EntryContent::Body(Vec::new()));
    }

    /// The entry whose body this one removes.
    pub(super) fn removes(&self) -> Option<u64> {
        match &self.content {
            EntryContent::Body(body) if self.kind == EntryKind::REMOVAL => removed_seq(body),
            _ => None,
        }
    }
}

/// Whether entries of this kind only report who is present.
#[must_use]
pub fn is_presence(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::JOINED | EntryKind::LEFT)
}

/// Which entries to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// The last ones.
    Newest,
    /// Those before this one.
    Before(u64),
    /// Those after this one.
    After(u64),
}

/// Whether there is more beyond a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// There is.
    More,
    /// Nothing: the page reaches the first or the last entry.
    Nothing,
    /// Nothing that is kept here; the server may have earlier ones.
    Server,
}

/// A page of the history.
#[derive(Clone, Debug)]
pub struct Page {
    /// Successive entries, the earliest first. Fewer than requested only if nothing more is kept.
    pub entries: Vec<Entry>,
    /// What is beyond it, in the direction of the query; for [`Query::Newest`], before it.
    pub beyond: Beyond,
}

/// The place of a room in a local history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryAt {
    /// The fingerprint of the identity, which selects the file.
    pub identity: Arc<str>,
    /// Its row.
    pub row: RoomRow,
    /// The log that is recorded; `None`: there is none yet.
    pub log: Option<LogRow>,
}

/// What a local history knows about a room at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Number of unread lines.
    pub unread: u64,
    /// Number of those that mention the user.
    pub mentions: u64,
    /// The last entry that was read, if the room was recorded before.
    pub read: Option<u64>,
    /// The last entry that is recorded: those up to it are in these counts.
    pub head: u64,
    /// Whether there is an unread line in the log that is displayed.
    pub has_unread: bool,
    /// The text that was typed and not sent.
    pub draft: String,
    /// Which entries are announced.
    pub notify: Notify,
}

/// Histories of rooms, in which the front end reads.
pub trait Source: Debug {
    /// Reads a page of at most `count` entries.
    fn page(&self, room: RoomId, query: Query, count: usize) -> Page;

    /// Returns the last entry before `before` whose text contains `word` in any case.
    fn search_before(&self, room: RoomId, word: &str, before: u64) -> Option<u64>;

    /// Returns the first entry after `after` whose text contains `word` in any case.
    fn search_after(&self, room: RoomId, word: &str, after: u64) -> Option<u64>;

    /// Returns the names of the last `count` files of a room, the last one first, each once.
    fn files(&self, room: RoomId, count: usize) -> Vec<String>;

    /// The place of a room in the local history. `None`: it cannot be read there.
    fn located(&mut self, _: RoomId, _: &HistoryAt) -> Option<Start> {
        None
    }

    /// The own name on a server.
    fn named(&mut self, _: ServerId, _: &str) {}

    /// Other members are ignored from now on.
    fn ignored_changed(&mut self, _: ServerId) {}

    /// Whether entries are recorded in the local history before they are delivered.
    fn set_recording(&mut self, _: bool) {}

    /// A room was joined, so that the server may fill gaps.
    fn joined(&mut self, _: RoomId) {}

    /// The server cannot fill gaps before this entry now. Returns whether there is something before
    /// them.
    fn pass_gaps(&mut self, _: RoomId, _: u64) -> bool {
        false
    }

    /// An entry was delivered. A history that the engine writes ignores it.
    fn delivered(&mut self, _: RoomId, _: &Entry) {}

    /// An earlier page was received from the server; `beyond` is what is before it. A history that
    /// the engine writes ignores it.
    fn received(&mut self, _: RoomId, _: &[Entry], _: Beyond) {}

    /// The history of a room begins again. A history that the engine writes ignores it.
    fn reset(&mut self, _: RoomId) {}
}

/// Returns each of these names once.
pub(super) fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

/// The entries of this run, in memory.
#[derive(Debug, Default)]
pub struct MemoryHistory {
    rooms: HashMap<RoomId, Log>,
}

#[derive(Debug)]
struct Log {
    entries: VecDeque<Entry>,
    /// What is before them.
    before: Beyond,
}

impl Log {
    fn texts(&self, word: &str) -> impl DoubleEndedIterator<Item = u64> {
        let is_hit = move |entry: &&Entry| {
            let text = entry.text().filter(|_| !entry.is_ignored);
            text.is_some_and(|text| !text::find::matches(&text, word).is_empty())
        };
        self.entries.iter().filter(is_hit).map(|entry| entry.seq)
    }
}

impl Source for MemoryHistory {
    fn page(&self, room: RoomId, query: Query, count: usize) -> Page {
        let Some(log) = self.rooms.get(&room) else {
            return Page { entries: Vec::new(), beyond: Beyond::Server };
        };
        let position = |seq| log.entries.partition_point(|entry| entry.seq < seq);
        let (range, beyond) = match query {
            Query::After(seq) => {
                let start = position(seq.saturating_add(1));
                let end = log.entries.len().min(start + count);
                (start..end, if end == log.entries.len() { Beyond::Nothing } else { Beyond::More })
            }
            Query::Newest | Query::Before(_) => {
                let end = if let Query::Before(seq) = query { position(seq) } else { log.entries.len() };
                let start = end.saturating_sub(count);
                (start..end, if start == 0 { log.before } else { Beyond::More })
            }
        };
        Page { entries: log.entries.range(range).cloned().collect(), beyond }
    }

    fn search_before(&self, room: RoomId, word: &str, before: u64) -> Option<u64> {
        self.rooms.get(&room)?.texts(word).rev().find(|seq| *seq < before)
    }

    fn search_after(&self, room: RoomId, word: &str, after: u64) -> Option<u64> {
        self.rooms.get(&room)?.texts(word).find(|seq| *seq > after)
    }

    fn files(&self, room: RoomId, count: usize) -> Vec<String> {
        let entries = self.rooms.get(&room).into_iter().flat_map(|log| log.entries.iter().rev());
        let files = entries.filter(|entry| !entry.is_ignored).filter_map(Entry::file);
        unique(files.take(count).map(|file| clean_line(file.name())))
    }

    fn delivered(&mut self, room: RoomId, entry: &Entry) {
        let before = if entry.seq == 1 { Beyond::Nothing } else { Beyond::Server };
        let log = self.rooms.entry(room).or_insert_with(|| Log { entries: VecDeque::new(), before });
        if log.entries.back().is_some_and(|last| last.seq >= entry.seq) {
            return;
        }
        if let Some(seq) = entry.removes()
            && let Ok(at) = log.entries.binary_search_by_key(&seq, |entry| entry.seq)
        {
            log.entries[at].remove_body();
        }
        log.entries.push_back(entry.clone());
        if log.entries.len() > MAX_ENTRIES {
            log.entries.pop_front();
            log.before = Beyond::Server;
        }
    }

    fn received(&mut self, room: RoomId, page: &[Entry], beyond: Beyond) {
        let log = self.rooms.entry(room).or_insert_with(|| Log { entries: VecDeque::new(), before: Beyond::Server });
        let first = log.entries.front().map_or(u64::MAX, |entry| entry.seq);
        for entry in page.iter().rev().filter(|entry| entry.seq < first) {
            if log.entries.len() == MAX_ENTRIES {
                // Earlier ones cannot be kept, so they are not requested.
                log.before = Beyond::Nothing;
                return;
            }
            log.entries.push_front(entry.clone());
        }
        if page.first().is_none_or(|entry| entry.seq <= log.entries.front().map_or(0, |first| first.seq)) {
            log.before = beyond;
        }
    }

    fn reset(&mut self, room: RoomId) {
        self.rooms.remove(&room);
    }
}
