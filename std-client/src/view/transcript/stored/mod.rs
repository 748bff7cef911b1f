//! The local history as a source of transcripts: the log that is recorded at present of each room.
//!
//! What is delivered while nothing can be recorded, and rooms that are not in the file, are kept in
//! memory.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kabar_core::chat::{EntryKind, File};
use kabar_std::data_dir::DataDir;
use kabar_std::names::Name;
use kabar_std::search::Query as Words;
use kabar_std::text::clean_line;

use crate::engine::event::EntryContent;
use crate::engine::{RoomId, ServerId};
use crate::history::{
    Anchor, Attention, Gap, LogRow, NOTIFY, PageItem, Place, Reader, SearchMark, ServerRow, StoredContent, StoredEntry,
};
use crate::view::transcript::source::{Beyond, Entry, HistoryAt, MemoryHistory, Page, Query, Source, Start, unique};

/// Matches that are read at once.
const HITS: usize = 64;

/// Matches that are kept of a search.
const MAX_HITS: usize = 100_000;

/// The local histories of a person's identities.
#[derive(Debug)]
pub struct StoredHistory {
    dir: DataDir,
    /// By the fingerprint of the identity.
    readers: HashMap<Arc<str>, Reader>,
    rooms: HashMap<RoomId, StoredRoom>,
    /// The own names.
    names: HashMap<ServerId, String>,
    /// Rooms that are not in the file, and what could not be recorded.
    memory: MemoryHistory,
    is_recording: bool,
    search: RefCell<Option<Search>>,
}

/// A room in a file.
#[derive(Debug)]
struct StoredRoom {
    at: HistoryAt,
    server: Option<ServerRow>,
    /// Case-folded names of those whose lines are not displayed.
    ignored: HashSet<String>,
    /// Gaps that end before this entry are passed: the server cannot fill them now.
    passes_before: u64,
}

/// The matches of a search so far, the last one first.
#[derive(Debug)]
struct Search {
    room: RoomId,
    word: String,
    hits: Vec<u64>,
    /// Where it continues.
    next: Option<SearchMark>,
    is_complete: bool,
}

impl StoredHistory {
    /// The histories in a directory. Nothing is read before rooms are located.
    #[must_use]
    pub fn new(dir: DataDir) -> Self {
        Self {
            dir,
            readers: HashMap::new(),
            rooms: HashMap::new(),
            names: HashMap::new(),
            memory: MemoryHistory::default(),
            is_recording: true,
            search: RefCell::default(),
        }
    }

    /// Returns the place of the recorded log of a room.
    fn log(&self, room: RoomId) -> Option<(&StoredRoom, &Reader, LogRow)> {
        let stored = self.rooms.get(&room)?;
        Some((stored, self.readers.get(&stored.at.identity)?, stored.at.log?))
    }

    fn entry(&self, room: RoomId, stored: &StoredRoom, entry: &StoredEntry) -> Entry {
        let is_own = self.names.get(&room.server) == Some(&entry.author);
        let is_ignored = !stored.ignored.is_empty()
            && !is_own
            && (entry.kind.is_postable() || entry.kind == EntryKind::REMOVED)
            && Name::existing(&entry.author).is_ok_and(|name| stored.ignored.contains(name.folded()));
        Entry {
            seq: entry.place.seq,
            time_ms: entry.time_ms,
            author: entry.author.clone(),
            kind: entry.kind,
            content: match &entry.content {
                StoredContent::Body(body) => EntryContent::Body(body.clone()),
                StoredContent::Omitted(len) => EntryContent::Omitted(*len),
            },
            is_own,
            is_mention: entry.attention == Attention::Mention,
            is_ignored,
        }
    }

    /// Reads entries before `before`, up to the first gap that the server may fill.
    fn page_before(&self, room: RoomId, before: Option<u64>, count: usize) -> Option<Page> {
        let (stored, reader, log) = self.log(room)?;
        let anchor = before.map_or(Anchor::Last, |seq| Anchor::Before(Place { log, seq }));
        let page = reader.page(stored.at.row, anchor, count).ok()?;
        let last = page.entries().next_back().filter(|entry| entry.place.log == log);
        if let Some(before) = before
            && last.is_none_or(|entry| entry.place.seq.saturating_add(1) < before)
            && stored.has_open_gap_before(reader, Place { log, seq: before })
        {
            return Some(Page { entries: Vec::new(), beyond: Beyond::Server });
        }
        let (mut entries, mut beyond) = (Vec::new(), if page.has_earlier { Beyond::More } else { Beyond::Nothing });
        for item in page.items.iter().rev() {
            match item {
                PageItem::Entry(entry) if entry.place.log == log => entries.push(self.entry(room, stored, entry)),
                // An earlier log of the room: `kabar history` reads it.
                PageItem::Entry(_) => {
                    beyond = Beyond::Nothing;
                    break;
                }
                PageItem::Gap(gap) if gap.log == log && stored.waits_for(gap) => {
                    beyond = Beyond::Server;
                    break;
                }
                PageItem::Gap(_) => {}
            }
        }
        entries.reverse();
        if entries.is_empty() && beyond == Beyond::More {
            beyond = Beyond::Nothing;
        }
        Some(Page { entries, beyond })
    }

    fn page_after(&self, room: RoomId, after: u64, count: usize) -> Option<Page> {
        let (stored, reader, log) = self.log(room)?;
        let page = reader.page(stored.at.row, Anchor::After(Place { log, seq: after }), count).ok()?;
        let entries = page.entries().filter(|entry| entry.place.log == log);
        let entries = entries.map(|entry| self.entry(room, stored, entry)).collect();
        Some(Page { entries, beyond: if page.has_later { Beyond::More } else { Beyond::Nothing } })
    }

    /// Reads matches until `is_enough` accepts one, or there are no more. Then `choose` chooses one
    /// of them; the last one comes first.
    fn find(
        &self,
        room: RoomId,
        word: &str,
        is_enough: impl Fn(u64) -> bool,
        choose: impl Fn(&[u64]) -> Option<u64>,
    ) -> Option<u64> {
        let (stored, reader, log) = self.log(room)?;
        let mut kept = self.search.borrow_mut();
        let is_same = |search: &&mut Search| search.room == room && search.word == word;
        if kept.as_mut().filter(is_same).is_none() {
            *kept = Some(Search { room, word: word.to_owned(), hits: Vec::new(), next: None, is_complete: false });
        }
        let search = kept.as_mut()?;
        // As it is marked: one text, not several words.
        let words = if word.contains('"') { Words::new(word) } else { Words::new(&format!("\"{word}\"")) }?;
        while !search.is_complete && !search.hits.iter().any(|hit| is_enough(*hit)) {
            let page = reader.search(&words, Some(stored.at.row), search.next, HITS).ok()?;
            let hits = page.hits.iter().map(|hit| &hit.entry).filter(|entry| entry.place.log == log);
            let hits = hits.map(|entry| self.entry(room, stored, entry)).filter(|entry| !entry.is_ignored);
            search.hits.extend(hits.map(|entry| entry.seq));
            search.next = page.next;
            search.is_complete = page.next.is_none() || search.hits.len() > MAX_HITS;
        }
        choose(&search.hits)
    }

    /// Returns the last entry that is recorded.
    fn last(at: &HistoryAt, reader: &Reader) -> u64 {
        let page = reader.page(at.row, Anchor::Last, 1).unwrap_or_default();
        let last = page.entries().next().filter(|entry| Some(entry.place.log) == at.log);
        last.map_or(0, |entry| entry.place.seq)
    }

    fn read_ignored(&mut self, room: RoomId) {
        let Some(stored) = self.rooms.get_mut(&room) else { return };
        let reader = self.readers.get(&stored.at.identity);
        let names = reader.zip(stored.server).and_then(|(reader, server)| reader.ignored(server).ok());
        stored.ignored = names.unwrap_or_default().iter().map(|name| name.folded().to_owned()).collect();
    }
}

impl StoredRoom {
    /// Whether the entry before this place is not stored, and the server may have it.
    fn has_open_gap_before(&self, reader: &Reader, place: Place) -> bool {
        let page = reader.page(self.at.row, Anchor::At(place), 1).unwrap_or_default();
        matches!(page.items.first(), Some(PageItem::Gap(gap)) if gap.log == place.log && self.waits_for(gap))
    }

    /// Whether entries before a gap are displayed only once the server has filled it.
    fn waits_for(&self, gap: &Gap) -> bool {
        gap.fetchable().is_some() && gap.last.saturating_add(1) > self.passes_before
    }
}

impl Source for StoredHistory {
    fn page(&self, room: RoomId, query: Query, count: usize) -> Page {
        let recent = self.memory.page(room, query, count);
        if !self.rooms.contains_key(&room) {
            return recent;
        }
        // What was not recorded follows what was.
        let first = recent.entries.first().map(|entry| entry.seq);
        let stored = match query {
            Query::After(after) => self.page_after(room, after, count),
            Query::Newest if first.is_none() => self.page_before(room, None, count),
            Query::Newest => self.page_before(room, first, count),
            Query::Before(before) => self.page_before(room, Some(first.unwrap_or(before)), count),
        };
        let Some(mut page) = stored else { return recent };
        match query {
            Query::After(_) if page.beyond == Beyond::More => page,
            Query::After(after) => {
                let last = page.entries.last().map_or(after, |entry| entry.seq);
                page.entries.extend(recent.entries.into_iter().filter(|entry| entry.seq > last));
                page
            }
            Query::Newest | Query::Before(_) => {
                page.entries.extend(recent.entries);
                page
            }
        }
    }

    fn search_before(&self, room: RoomId, word: &str, before: u64) -> Option<u64> {
        let recent = self.memory.search_before(room, word, before);
        let first_before = |hits: &[u64]| hits.iter().copied().find(|hit| *hit < before);
        recent.or_else(|| self.find(room, word, |hit| hit < before, first_before))
    }

    fn search_after(&self, room: RoomId, word: &str, after: u64) -> Option<u64> {
        // Those after it were found before it.
        let last_after = |hits: &[u64]| hits.iter().rev().copied().find(|hit| *hit > after);
        let stored = self.find(room, word, |hit| hit <= after, last_after);
        stored.or_else(|| self.memory.search_after(room, word, after))
    }

    fn files(&self, room: RoomId, count: usize) -> Vec<String> {
        let recent = self.memory.files(room, count);
        let bodies = self.log(room).and_then(|(_, reader, log)| reader.files(log, count).ok()).unwrap_or_default();
        let files = bodies.iter().filter_map(|body| File::decode(body).ok());
        unique(recent.into_iter().chain(files.map(|file| clean_line(file.name()))))
    }

    fn located(&mut self, room: RoomId, at: &HistoryAt) -> Option<Start> {
        if !self.readers.contains_key(&at.identity) {
            let reader = Reader::open(&self.dir, &at.identity).ok()?;
            self.readers.insert(Arc::clone(&at.identity), reader);
        }
        let reader = self.readers.get(&at.identity)?;
        let known = reader.rooms().ok()?.into_iter().find(|known| known.room == at.row);
        let server = known.map(|known| known.server);
        let unread = reader.summaries().ok()?.into_iter().find(|summary| summary.room == at.row)?.unread;
        let first_unread = reader.first_unread(at.row).ok()?.filter(|first| Some(first.log) == at.log);
        let start = Start {
            unread: unread.entries,
            mentions: unread.mentions,
            head: Self::last(at, reader),
            read: at.log.and_then(|log| reader.read_mark(log).ok()),
            has_unread: first_unread.is_some(),
            draft: reader.draft(at.row).ok()?,
            notify: reader.setting(at.row, NOTIFY).ok()?.unwrap_or_default(),
        };
        let stored = StoredRoom { at: at.clone(), server, ignored: HashSet::new(), passes_before: 0 };
        self.rooms.insert(room, stored);
        self.read_ignored(room);
        Some(start)
    }

    fn named(&mut self, server: ServerId, name: &str) {
        self.names.insert(server, name.to_owned());
    }

    fn ignored_changed(&mut self, server: ServerId) {
        let rooms: Vec<_> = self.rooms.keys().filter(|room| room.server == server).copied().collect();
        rooms.into_iter().for_each(|room| self.read_ignored(room));
        *self.search.get_mut() = None;
    }

    fn set_recording(&mut self, is_recording: bool) {
        if is_recording && !self.is_recording {
            // What came in meanwhile is a gap, which the server fills.
            self.rooms.keys().for_each(|room| self.memory.reset(*room));
        }
        self.is_recording = is_recording;
    }

    fn pass_gaps(&mut self, room: RoomId, before: u64) -> bool {
        let Some(stored) = self.rooms.get_mut(&room) else { return false };
        let is_new = before > stored.passes_before;
        stored.passes_before = stored.passes_before.max(before);
        is_new && self.page_before(room, Some(before), 1).is_some_and(|page| !page.entries.is_empty())
    }

    fn joined(&mut self, room: RoomId) {
        self.rooms.get_mut(&room).into_iter().for_each(|stored| stored.passes_before = 0);
    }

    fn delivered(&mut self, room: RoomId, entry: &Entry) {
        if !(self.is_recording && self.rooms.contains_key(&room)) {
            self.memory.delivered(room, entry);
        }
        *self.search.get_mut() = None;
    }

    fn received(&mut self, room: RoomId, page: &[Entry], beyond: Beyond) {
        *self.search.get_mut() = None;
        if !self.rooms.contains_key(&room) {
            return self.memory.received(room, page, beyond);
        }
        let Some((first, last)) = page.first().zip(page.last()).map(|(first, last)| (first.seq, last.seq)) else {
            // The server has nothing before.
            let _ = self.pass_gaps(room, u64::MAX);
            return;
        };
        let is_recorded = |(_, reader, log): (_, &Reader, _)| {
            reader.entry(Place { log, seq: first }).is_ok_and(|entry| entry.is_some())
        };
        if !self.log(room).is_some_and(is_recorded) {
            self.pass_gaps(room, last.saturating_add(1));
        } else if beyond != Beyond::Server {
            self.pass_gaps(room, first);
        }
    }

    fn reset(&mut self, room: RoomId) {
        self.rooms.remove(&room);
        self.memory.reset(room);
        *self.search.get_mut() = None;
    }
}

#[cfg(test)]
mod tests;
