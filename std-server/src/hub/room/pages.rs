//! Pages of the log from before the tail: read from the store for cursors that lag and for History,
//! shared by all connections that want them, bounded in bytes. They are read in the order in which
//! they were first wanted, and nobody wants more than two at a time: a member that reads much waits
//! for its next page as long as everybody else.

use core::ops::RangeInclusive;
use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::MAX_MESSAGE_LEN;

use crate::hub::encoded::{Encoded, PageRead};

/// Entries per page: at most 142 KB.
pub(in crate::hub) const PAGE: u64 = 32;
/// The longest page in bytes.
const MAX_PAGE_LEN: usize = PAGE as usize * MAX_MESSAGE_LEN;

/// The result of [`Pages::lookup`].
#[derive(Debug)]
pub(in crate::hub) enum Lookup {
    /// The first entry that was wanted, and its seq.
    Here(u64, Encoded),
    /// The page has none that is wanted; go on at this seq.
    Passed(u64),
    /// The page has to be read.
    Later,
    /// The page was read and the entry is not there.
    Gone,
}

/// The purpose of a page. A connection wants one page for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum For {
    /// The next entry for a cursor.
    Cursor,
    /// An answer to History.
    Answer,
}

/// Pages, and the connections that wait for them.
#[derive(Debug)]
pub(in crate::hub) struct Pages {
    pages: BTreeMap<u64, Page>,
    /// Pages by when they were used last, or by an earlier use.
    ages: BTreeMap<u64, u64>,
    bytes: usize,
    limit: usize,
    uses: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Pages to be read, by when they were wanted first.
    order: BTreeMap<u64, u64>,
    wants: u64,
    /// The pages that each connection waits for.
    wanted: BTreeMap<u32, [Option<u64>; 2]>,
    outstanding: BTreeSet<u64>,
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
    /// At most `limit` bytes; at most `max_reads` reads at once, and no more than there is room for
    /// what they give: otherwise one page would drop another before it was used, and nobody would
    /// get on.
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
            max_reads: max_reads.min(limit / MAX_PAGE_LEN).max(1),
            dropped: 0,
            held: 0,
            is_held: false,
        }
    }

    /// Looks for the first entry of `range` that `takes` wants, within the page of its start.
    pub(in crate::hub) fn lookup(&mut self, range: RangeInclusive<u64>, takes: impl Fn(&Encoded) -> bool) -> Lookup {
        let seq = *range.start();
        self.uses += 1;
        let Some(page) = self.pages.get_mut(&page_of(seq)).filter(|page| page.range.contains(&seq)) else {
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

    /// Notes that a connection waits for the page of `seq`, and for no other one that it wanted for
    /// this.
    pub(in crate::hub) fn want(&mut self, seq: u64, connection_id: u32, why: For) {
        let page = page_of(seq);
        let slots = self.wanted.entry(connection_id).or_default();
        let old = slots[why as usize].replace(page);
        let other = slots[1 - why as usize];
        if old == Some(page) {
            return;
        }
        if let Some(old) = old.filter(|old| other != Some(*old)) {
            self.leave(old, connection_id);
        }
        self.wants += 1;
        let (turn, is_under_way) = (self.wants, self.outstanding.contains(&page));
        let waiting = self.waiting.entry(page).or_insert_with(|| {
            if !is_under_way {
                self.order.insert(turn, page);
            }
            Waiting { turn, connections: BTreeSet::new() }
        });
        waiting.connections.insert(connection_id);
    }

    /// Ends the waiting of a connection.
    pub(in crate::hub) fn forget(&mut self, connection_id: u32) {
        for page in self.wanted.remove(&connection_id).into_iter().flatten().flatten() {
            self.leave(page, connection_id);
        }
    }

    /// Ends the waiting of a connection for `page`. A page that no connection waits for is not
    /// read.
    fn leave(&mut self, page: u64, connection_id: u32) {
        let Some(waiting) = self.waiting.get_mut(&page) else { return };
        waiting.connections.remove(&connection_id);
        if waiting.connections.is_empty() {
            self.order.remove(&waiting.turn);
            self.waiting.remove(&page);
        }
    }

    /// The next page to read, within what is kept and committed.
    pub(in crate::hub) fn next_read(&mut self, kept: &RangeInclusive<u64>) -> Option<RangeInclusive<u64>> {
        let (turn, page) = self.order.first_key_value().map(|(turn, page)| (*turn, *page))?;
        if self.outstanding.len() >= self.max_reads {
            self.held += u64::from(!core::mem::replace(&mut self.is_held, true));
            return None;
        }
        self.is_held = false;
        self.order.remove(&turn);
        self.outstanding.insert(page);
        let first = page * PAGE + 1;
        Some(first.max(*kept.start())..=(first + PAGE - 1).min(*kept.end()))
    }

    /// Adds a page; returns the connections that waited for it.
    pub(in crate::hub) fn complete(&mut self, range: RangeInclusive<u64>, read: PageRead) -> BTreeSet<u32> {
        let index = page_of(*range.end());
        self.outstanding.remove(&index);
        self.insert(index, range, read);
        while self.bytes > self.limit && self.pages.len() > 1 {
            self.drop_oldest();
        }
        let connections = self.waiting.remove(&index).map(|waiting| waiting.connections).unwrap_or_default();
        for id in &connections {
            let Some(slots) = self.wanted.get_mut(id) else { continue };
            slots.iter_mut().for_each(|slot| *slot = slot.filter(|page| *page != index));
            if slots.iter().all(Option::is_none) {
                self.wanted.remove(id);
            }
        }
        connections
    }

    fn insert(&mut self, index: u64, range: RangeInclusive<u64>, read: PageRead) {
        let mut read = read.0.into_iter().peekable();
        let entry = |seq| read.next_if(|(at, _)| *at == seq).map(|(_, encoded)| encoded);
        let entries: Vec<Option<Encoded>> = range.clone().map(entry).collect();
        let bytes = entries.iter().flatten().map(|entry| entry.message().len()).sum();
        self.uses += 1;
        self.bytes += bytes;
        self.ages.insert(self.uses, index);
        let page = Page { range, entries, bytes, used: self.uses, stands_at: self.uses };
        if let Some(old) = self.pages.insert(index, page) {
            self.bytes -= old.bytes;
            self.ages.remove(&old.stands_at);
        }
    }

    /// Drops the page that was not used for longest.
    fn drop_oldest(&mut self) {
        while let Some((stands_at, index)) = self.ages.pop_first() {
            let Some(page) = self.pages.get_mut(&index) else { continue };
            if page.used == stands_at {
                self.bytes -= page.bytes;
                self.pages.remove(&index);
                self.dropped += 1;
                return;
            }
            // It was used since.
            page.stands_at = page.used;
            self.ages.insert(page.used, index);
        }
    }

    /// A read failed: the connections that wait for it still do.
    pub(in crate::hub) fn fail(&mut self, range: &RangeInclusive<u64>) {
        let index = page_of(*range.end());
        self.outstanding.remove(&index);
        if let Some(waiting) = self.waiting.get(&index) {
            self.order.insert(waiting.turn, index);
        }
    }

    /// Number of pages that made room for others.
    pub(in crate::hub) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Number of times that reads had to wait.
    pub(in crate::hub) fn held(&self) -> u64 {
        self.held
    }

    /// Drops all pages: the log has changed.
    pub(in crate::hub) fn clear(&mut self) {
        self.pages.clear();
        self.ages.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::EntryKind;

    use super::*;
    use crate::store::LogEntry;

    fn entries(range: RangeInclusive<u64>) -> PageRead {
        let entry = |seq| LogEntry {
            seq,
            time_ms: 0,
            author: "ana".into(),
            instance: 1,
            number: seq,
            kind: EntryKind::DATA,
            body: vec![0; 1_000],
        };
        PageRead::new(1, &range.map(entry).collect::<Vec<_>>())
    }

    fn look(pages: &mut Pages, seq: u64) -> Lookup {
        pages.lookup(seq..=seq, |_| true)
    }

    #[test]
    fn a_page_is_read_once_for_all_waiting_connections() {
        let mut pages = Pages::new(1 << 20, 2);
        assert!(matches!(look(&mut pages, 40), Lookup::Later));
        pages.want(40, 1, For::Cursor);
        pages.want(41, 2, For::Cursor);
        pages.want(40, 1, For::Answer);
        assert_eq!(pages.next_read(&(1..=100)), Some(33..=64));
        assert_eq!(pages.next_read(&(1..=100)), None);
        assert_eq!(pages.complete(33..=64, entries(33..=64)), BTreeSet::from([1, 2]));
        assert!(pages.wanted.is_empty());
        assert!(matches!(look(&mut pages, 64), Lookup::Here(64, entry) if entry.entry().header.seq == 64));
        assert!(matches!(look(&mut pages, 65), Lookup::Later));
    }

    #[test]
    fn reads_are_bounded_in_number_and_stay_within_the_log() {
        let mut pages = Pages::new(1 << 20, 2);
        for (id, seq) in [(1, 1), (2, 40), (3, 90)] {
            pages.want(seq, id, For::Cursor);
        }
        assert_eq!(pages.next_read(&(5..=70)), Some(5..=32));
        assert_eq!(pages.next_read(&(5..=70)), Some(33..=64));
        assert_eq!(pages.next_read(&(5..=70)), None);
        pages.fail(&(5..=32));
        assert_eq!(pages.next_read(&(5..=70)), Some(5..=32), "it was wanted first");
    }

    #[test]
    fn pages_are_read_in_order_of_their_first_request() {
        let mut pages = Pages::new(1 << 20, 1);
        // One reads old pages, one new ones; both want their next page when they have one.
        let mut wanted = [1, 0, 897];
        pages.want(wanted[0], 0, For::Answer);
        pages.want(wanted[2], 2, For::Cursor);
        let mut read = Vec::new();
        for _ in 0..6 {
            let range = pages.next_read(&(1..=1_000)).expect("a page is wanted");
            read.push(*range.start());
            for id in pages.complete(range.clone(), entries(range)) {
                wanted[id as usize] += 32;
                pages.want(wanted[id as usize], id, For::Answer);
            }
        }
        assert_eq!(read, [1, 897, 33, 929, 65, 961]);
    }

    #[test]
    fn a_connection_requests_one_page_per_purpose() {
        let mut pages = Pages::new(1 << 20, 8);
        for seq in [1, 33, 65, 97] {
            pages.want(seq, 1, For::Answer);
            pages.want(seq + 320, 1, For::Cursor);
        }
        pages.want(33, 2, For::Cursor);
        let read: Vec<u64> =
            core::iter::from_fn(|| pages.next_read(&(1..=1_000))).map(|range| *range.start()).collect();
        assert_eq!(read, [97, 417, 33]);
    }

    #[test]
    fn a_page_requested_only_by_a_removed_connection_is_not_read() {
        let mut pages = Pages::new(1 << 20, 8);
        pages.want(1, 1, For::Answer);
        pages.want(40, 1, For::Cursor);
        pages.want(40, 2, For::Cursor);
        pages.forget(1);
        assert_eq!(pages.next_read(&(1..=100)), Some(33..=64));
        assert_eq!(pages.next_read(&(1..=100)), None);
        pages.forget(2);
        pages.fail(&(33..=64));
        assert_eq!(pages.next_read(&(1..=100)), None);
        assert!(pages.waiting.is_empty() && pages.order.is_empty() && pages.wanted.is_empty());
    }

    #[test]
    fn outstanding_reads_are_bounded_by_the_page_memory() {
        let mut pages = Pages::new(2 * MAX_PAGE_LEN, 8);
        let mut tiny = Pages::new(0, 8);
        for seq in [1, 40, 90] {
            pages.want(seq, seq as u32, For::Cursor);
            tiny.want(seq, seq as u32, For::Cursor);
        }
        let count = |pages: &mut Pages| core::iter::from_fn(|| pages.next_read(&(1..=100))).count();
        assert_eq!((count(&mut pages), count(&mut tiny)), (2, 1));
    }

    #[test]
    fn lookup_skips_rejected_entries_within_the_page() {
        let mut pages = Pages::new(1 << 20, 2);
        pages.complete(33..=64, entries(33..=64));
        let mut find = |range, wanted: u64| pages.lookup(range, |entry| entry.entry().header.seq == wanted);
        assert!(matches!(find(40..=90, 50), Lookup::Here(50, _)));
        assert!(matches!(find(40..=90, 90), Lookup::Passed(65)));
        assert!(matches!(find(40..=49, 50), Lookup::Passed(50)));
    }

    #[test]
    fn a_page_truncated_at_the_head_is_read_again_when_the_log_has_grown() {
        let mut pages = Pages::new(1 << 20, 2);
        pages.want(33, 1, For::Cursor);
        assert_eq!(pages.next_read(&(1..=40)), Some(33..=40));
        pages.complete(33..=40, entries(33..=40));
        assert!(matches!(look(&mut pages, 41), Lookup::Later));
        pages.want(41, 1, For::Cursor);
        assert_eq!(pages.next_read(&(1..=99)), Some(33..=64));
        pages.complete(33..=64, entries(33..=64));
        assert!(matches!(look(&mut pages, 41), Lookup::Here(41, _)));
    }

    #[test]
    fn a_missing_entry_of_a_read_page_is_gone() {
        let mut pages = Pages::new(1 << 20, 2);
        pages.want(1, 1, For::Cursor);
        assert_eq!(pages.next_read(&(1..=32)), Some(1..=32));
        pages.complete(1..=32, entries(5..=32));
        assert!(matches!(look(&mut pages, 4), Lookup::Gone));
        assert!(matches!(look(&mut pages, 5), Lookup::Here(5, _)));
    }

    #[test]
    fn pages_are_bounded_in_bytes_and_evicted_least_recently_used_first() {
        let mut pages = Pages::new(80_000, 9);
        for page in 0..2 {
            pages.complete(page * 32 + 1..=page * 32 + 32, entries(page * 32 + 1..=page * 32 + 32));
        }
        assert!(matches!(look(&mut pages, 1), Lookup::Here(..)));
        pages.complete(65..=96, entries(65..=96));
        assert!(pages.bytes <= 80_000);
        assert!(matches!(look(&mut pages, 1), Lookup::Here(..)));
        assert!(matches!(look(&mut pages, 33), Lookup::Later));
        assert_eq!(pages.ages.len(), pages.pages.len());
    }
}
