//! Pages of the logs of all rooms from before their tails: read from the store for members that lag
//! and for History, shared by all connections, bounded in bytes. They are read in the order in
//! which they were first requested, and a member requests at most two at a time: one that reads a
//! lot waits for its next page as long as all others.

use core::ops::RangeInclusive;
use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::MAX_MESSAGE_LEN;

use crate::hub::encoded::{Encoded, PageRead};
use crate::hub::room_id::RoomId;

/// Entries per page: at most 142 KB.
pub(in crate::hub) const PAGE: u64 = 32;
/// The longest page in bytes.
const MAX_PAGE_LEN: usize = PAGE as usize * MAX_MESSAGE_LEN;

/// The result of [`Pages::lookup`].
#[derive(Debug)]
pub(in crate::hub) enum Lookup {
    /// The first entry that was accepted, and its seq.
    Here(u64, Encoded),
    /// The page has no such entry; continue at this seq.
    Passed(u64),
    /// The page has to be read.
    Later,
    /// The page was read, and the entry does not exist.
    Gone,
}

/// The purpose of a page. A member requests one page for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum For {
    /// The next entry for a cursor.
    Cursor,
    /// An answer to History.
    Answer,
    /// The entry that is to be removed.
    Removal,
}

/// Identifies a page: its room, and its number in the log.
type PageId = (RoomId, u64);

/// Pages, and the connections that wait for them.
#[derive(Debug)]
pub(in crate::hub) struct Pages {
    pages: BTreeMap<PageId, Page>,
    /// Pages by when they were used last, or by an earlier use.
    ages: BTreeMap<u64, PageId>,
    bytes: usize,
    limit: usize,
    uses: u64,
    waiting: BTreeMap<PageId, Waiting>,
    /// Pages to be read, in the order of their first request.
    order: BTreeMap<u64, PageId>,
    wants: u64,
    /// The pages of a room that each connection waits for.
    wanted: BTreeMap<(RoomId, u32), [Option<u64>; 3]>,
    outstanding: BTreeSet<PageId>,
    /// Pages that are being read and may contain a body that was removed since.
    stale: BTreeSet<PageId>,
    max_reads: usize,
    dropped: u64,
    held: u64,
    is_held: bool,
}

#[derive(Debug)]
struct Page {
    range: RangeInclusive<u64>,
    /// Of each seq of the range.
    entries: Vec<Option<Encoded>>,
    bytes: usize,
    used: u64,
    /// Its key in `ages`.
    stands_at: u64,
}

/// A page that connections wait for.
#[derive(Debug)]
struct Waiting {
    /// Its key in `order`.
    turn: u64,
    connections: BTreeSet<u32>,
}

fn page_of(seq: u64) -> u64 {
    seq.saturating_sub(1) / PAGE
}

impl Pages {
    /// At most `limit` bytes; at most `max_reads` reads at once, and no more than the memory has
    /// room for: otherwise one page would evict another before it was used, and no member would
    /// make progress.
    pub(in crate::hub) fn new(limit: usize, max_reads: usize) -> Self {
        Self {
            pages: BTreeMap::new(),
            ages: BTreeMap::new(),
            bytes: 0,
            limit,
            uses: 0,
            waiting: BTreeMap::new(),
            order: BTreeMap::new(),
            wants: 0,
            wanted: BTreeMap::new(),
            outstanding: BTreeSet::new(),
            stale: BTreeSet::new(),
            max_reads: max_reads.min(limit / MAX_PAGE_LEN).max(1),
            dropped: 0,
            held: 0,
            is_held: false,
        }
    }

    /// Looks for the first entry of `range` that `takes` accepts, within the page of its start.
    pub(in crate::hub) fn lookup(
        &mut self,
        room: RoomId,
        range: RangeInclusive<u64>,
        takes: impl Fn(&Encoded) -> bool,
    ) -> Lookup {
        let seq = *range.start();
        self.uses += 1;
        let Some(page) = self.pages.get_mut(&(room, page_of(seq))).filter(|page| page.range.contains(&seq)) else {
            return Lookup::Later;
        };
        page.used = self.uses;
        let last = (*range.end()).min(*page.range.end());
        let skip = usize::try_from(seq - page.range.start()).unwrap_or(usize::MAX);
        for (at, entry) in (seq..=last).zip(page.entries.iter().skip(skip)) {
            match entry {
                None => return Lookup::Gone,
                Some(entry) if takes(entry) => return Lookup::Here(at, entry.clone()),
                Some(_) => {}
            }
        }
        Lookup::Passed(last + 1)
    }

    /// Notes that a connection waits for the page of `seq`, instead of the one of this room that it
    /// requested for the same purpose before.
    pub(in crate::hub) fn want(&mut self, room: RoomId, seq: u64, connection_id: u32, why: For) {
        let page = page_of(seq);
        let slots = self.wanted.entry((room, connection_id)).or_default();
        let old = slots[why as usize].replace(page);
        if old == Some(page) {
            return;
        }
        if let Some(old) = old.filter(|old| !slots.contains(&Some(*old))) {
            self.leave((room, old), connection_id);
        }
        self.wants += 1;
        let id = (room, page);
        let (turn, is_under_way) = (self.wants, self.outstanding.contains(&id));
        let waiting = self.waiting.entry(id).or_insert_with(|| {
            if !is_under_way {
                self.order.insert(turn, id);
            }
            Waiting { turn, connections: BTreeSet::new() }
        });
        waiting.connections.insert(connection_id);
    }

    /// Ends the waiting of a connection in a room.
    pub(in crate::hub) fn forget(&mut self, room: RoomId, connection_id: u32) {
        for page in self.wanted.remove(&(room, connection_id)).into_iter().flatten().flatten() {
            self.leave((room, page), connection_id);
        }
    }

    /// Ends the waiting of a connection for `page`. A page that no connection waits for is not
    /// read.
    fn leave(&mut self, page: PageId, connection_id: u32) {
        let Some(waiting) = self.waiting.get_mut(&page) else { return };
        waiting.connections.remove(&connection_id);
        if waiting.connections.is_empty() {
            self.order.remove(&waiting.turn);
            self.waiting.remove(&page);
        }
    }

    /// Whether a page waits to be read.
    pub(in crate::hub) fn has_next(&self) -> bool {
        !self.order.is_empty()
    }

    /// The next page to read, within what `kept` states is kept of its room and committed.
    pub(in crate::hub) fn next_read(
        &mut self,
        kept: impl Fn(RoomId) -> RangeInclusive<u64>,
    ) -> Option<(RoomId, RangeInclusive<u64>)> {
        let (turn, id) = self.order.first_key_value().map(|(turn, id)| (*turn, *id))?;
        if self.outstanding.len() >= self.max_reads {
            self.held += u64::from(!core::mem::replace(&mut self.is_held, true));
            return None;
        }
        self.is_held = false;
        self.order.remove(&turn);
        self.outstanding.insert(id);
        let (room, page) = id;
        let (first, kept) = (page * PAGE + 1, kept(room));
        Some((room, first.max(*kept.start())..=(first + PAGE - 1).min(*kept.end())))
    }

    /// Adds a page; returns the connections that waited for it.
    pub(in crate::hub) fn complete(
        &mut self,
        room: RoomId,
        range: RangeInclusive<u64>,
        read: PageRead,
    ) -> BTreeSet<u32> {
        let index = page_of(*range.end());
        let page = (room, index);
        if self.stale.contains(&page) {
            self.fail(room, &range);
            return BTreeSet::new();
        }
        self.outstanding.remove(&page);
        self.insert(page, range, read);
        while self.bytes > self.limit && self.pages.len() > 1 {
            self.drop_oldest();
        }
        let connections = self.waiting.remove(&page).map(|waiting| waiting.connections).unwrap_or_default();
        for id in &connections {
            let Some(slots) = self.wanted.get_mut(&(room, *id)) else { continue };
            slots.iter_mut().for_each(|slot| *slot = slot.filter(|page| *page != index));
            if slots.iter().all(Option::is_none) {
                self.wanted.remove(&(room, *id));
            }
        }
        connections
    }

    fn insert(&mut self, id: PageId, range: RangeInclusive<u64>, read: PageRead) {
        let mut read = read.0.into_iter().peekable();
        let entry = |seq| read.next_if(|(at, _)| *at == seq).map(|(_, encoded)| encoded);
        let entries: Vec<Option<Encoded>> = range.clone().map(entry).collect();
        let bytes = entries.iter().flatten().map(|entry| entry.message_len()).sum();
        self.uses += 1;
        self.bytes += bytes;
        self.ages.insert(self.uses, id);
        let page = Page { range, entries, bytes, used: self.uses, stands_at: self.uses };
        if let Some(old) = self.pages.insert(id, page) {
            self.bytes -= old.bytes;
            self.ages.remove(&old.stands_at);
        }
    }

    /// Drops the least recently used page.
    fn drop_oldest(&mut self) {
        while let Some((stands_at, id)) = self.ages.pop_first() {
            let Some(page) = self.pages.get_mut(&id) else { continue };
            if page.used == stands_at {
                self.bytes -= page.bytes;
                self.pages.remove(&id);
                self.dropped += 1;
                return;
            }
            // It was used since.
            page.stands_at = page.used;
            self.ages.insert(page.used, id);
        }
    }

    /// Handles a failed read: the connections that wait for the page still do.
    pub(in crate::hub) fn fail(&mut self, room: RoomId, range: &RangeInclusive<u64>) {
        let id = (room, page_of(*range.end()));
        self.outstanding.remove(&id);
        self.stale.remove(&id);
        if let Some(waiting) = self.waiting.get(&id) {
            self.order.insert(waiting.turn, id);
        }
    }

    /// Removes the body of an entry. A page that is being read is read again.
    pub(in crate::hub) fn remove_body(&mut self, room: RoomId, seq: u64) {
        let id = (room, page_of(seq));
        if self.outstanding.contains(&id) {
            self.stale.insert(id);
        }
        let Some(page) = self.pages.get_mut(&id).filter(|page| page.range.contains(&seq)) else { return };
        let at = usize::try_from(seq - page.range.start()).unwrap_or(usize::MAX);
        if let Some(Some(entry)) = page.entries.get_mut(at) {
            let removed = entry.without_body();
            let freed = entry.message_len() - removed.message_len();
            page.bytes -= freed;
            self.bytes -= freed;
            *entry = removed;
        }
    }

    /// Whether a page of a room is being read or waited for.
    pub(in crate::hub) fn is_reading(&self, room: RoomId) -> bool {
        let all = (room, 0)..=(room, u64::MAX);
        self.outstanding.range(all.clone()).next().is_some() || self.waiting.range(all).next().is_some()
    }

    /// Number of pages that were evicted.
    pub(in crate::hub) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Number of times that reads had to wait.
    pub(in crate::hub) fn held(&self) -> u64 {
        self.held
    }

    /// Drops all pages of a room: its log has changed, or it leaves memory.
    pub(in crate::hub) fn clear(&mut self, room: RoomId) {
        let of_room: Vec<PageId> = self.pages.range((room, 0)..=(room, u64::MAX)).map(|(id, _)| *id).collect();
        for page in of_room.iter().filter_map(|id| self.pages.remove(id)) {
            self.bytes -= page.bytes;
            self.ages.remove(&page.stands_at);
        }
    }
}

#[cfg(test)]
mod tests;
