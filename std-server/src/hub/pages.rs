//! Pages of the log that are behind the tail: read from the store for cursors that lag and for History, shared by all who want
//! them, bounded in bytes.

use core::ops::RangeInclusive;
use std::collections::{BTreeMap, BTreeSet};

use super::log::Encoded;
use crate::store::LogEntry;

/// Entries per page: at most 142 KB.
const PAGE: u64 = 32;

/// What is known of an entry.
#[derive(Debug)]
pub(super) enum Lookup {
    /// Here it is.
    Here(Encoded),
    /// It has to be read.
    Later,
    /// It was looked for and is not there.
    Gone,
}

/// Pages, and who waits for which.
#[derive(Debug)]
pub(super) struct Pages {
    pages: BTreeMap<u64, Page>,
    bytes: usize,
    limit: usize,
    uses: u64,
    waiting: BTreeMap<u64, Vec<u32>>,
    outstanding: BTreeSet<u64>,
    max_reads: usize,
    dropped: u64,
    held: u64,
    is_held: bool,
}

#[derive(Debug)]
struct Page {
    range: RangeInclusive<u64>,
    entries: BTreeMap<u64, Encoded>,
    bytes: usize,
    used: u64,
}

fn page_of(seq: u64) -> u64 {
    seq.saturating_sub(1) / PAGE
}

impl Pages {
    pub(super) fn new(limit: usize, max_reads: usize) -> Self {
        Self {
            pages: BTreeMap::new(),
            bytes: 0,
            limit,
            uses: 0,
            waiting: BTreeMap::new(),
            outstanding: BTreeSet::new(),
            max_reads,
            dropped: 0,
            held: 0,
            is_held: false,
        }
    }

    /// Looks an entry up.
    pub(super) fn lookup(&mut self, seq: u64) -> Lookup {
        self.uses += 1;
        match self.pages.get_mut(&page_of(seq)) {
            Some(page) if page.range.contains(&seq) => {
                page.used = self.uses;
                page.entries.get(&seq).map_or(Lookup::Gone, |entry| Lookup::Here(entry.clone()))
            }
            _ => Lookup::Later,
        }
    }

    /// Notes that a connection waits for the page of `seq`.
    pub(super) fn want(&mut self, seq: u64, connection_id: u32) {
        let waiting = self.waiting.entry(page_of(seq)).or_default();
        if !waiting.contains(&connection_id) {
            waiting.push(connection_id);
        }
    }

    /// The next page to read, within what is kept and committed.
    pub(super) fn next_read(&mut self, kept: &RangeInclusive<u64>) -> Option<RangeInclusive<u64>> {
        let page = *self.waiting.keys().find(|page| !self.outstanding.contains(page))?;
        if self.outstanding.len() >= self.max_reads {
            self.held += u64::from(!core::mem::replace(&mut self.is_held, true));
            return None;
        }
        self.is_held = false;
        self.outstanding.insert(page);
        let first = page * PAGE + 1;
        Some(first.max(*kept.start())..=(first + PAGE - 1).min(*kept.end()))
    }

    /// Takes a page; returns who waited for it.
    pub(super) fn complete(&mut self, range: RangeInclusive<u64>, entries: Vec<LogEntry>) -> Vec<u32> {
        let index = page_of(*range.end());
        self.outstanding.remove(&index);
        let entries: BTreeMap<u64, Encoded> = entries.iter().map(|entry| (entry.seq, Encoded::new(entry))).collect();
        let bytes = entries.values().map(|entry| entry.message().len()).sum();
        self.uses += 1;
        self.bytes += bytes;
        if let Some(old) = self.pages.insert(index, Page { range, entries, bytes, used: self.uses }) {
            self.bytes -= old.bytes;
        }
        while self.bytes > self.limit && self.pages.len() > 1 {
            let oldest = self.pages.iter().min_by_key(|(_, page)| page.used).map(|(index, _)| *index);
            let Some(page) = oldest.and_then(|index| self.pages.remove(&index)) else { break };
            self.bytes -= page.bytes;
            self.dropped += 1;
        }
        self.waiting.remove(&index).unwrap_or_default()
    }

    /// A read failed: it is wanted as before.
    pub(super) fn fail(&mut self, range: &RangeInclusive<u64>) {
        self.outstanding.remove(&page_of(*range.end()));
    }

    /// How many pages made room for others.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How often reads had to wait.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Forgets what was read (the log is not what it was).
    pub(super) fn clear(&mut self) {
        self.pages.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::Kind;

    use super::*;

    fn entries(range: RangeInclusive<u64>) -> Vec<LogEntry> {
        let entry = |seq| LogEntry {
            seq,
            time_ms: 0,
            author: "ana".into(),
            instance: 1,
            number: seq,
            kind: Kind::DATA,
            body: vec![0; 1_000],
        };
        range.map(entry).collect()
    }

    #[test]
    fn a_page_is_read_once_for_all_who_wait() {
        let mut pages = Pages::new(1 << 20, 2);
        assert!(matches!(pages.lookup(40), Lookup::Later));
        pages.want(40, 1);
        pages.want(41, 2);
        pages.want(40, 1);
        assert_eq!(pages.next_read(&(1..=100)), Some(33..=64));
        assert_eq!(pages.next_read(&(1..=100)), None);
        assert_eq!(pages.complete(33..=64, entries(33..=64)), [1, 2]);
        assert!(matches!(pages.lookup(64), Lookup::Here(entry) if entry.entry().head.seq == 64));
        assert!(matches!(pages.lookup(65), Lookup::Later));
    }

    #[test]
    fn reads_are_bounded_in_number_and_stay_within_the_log() {
        let mut pages = Pages::new(1 << 20, 2);
        for seq in [1, 40, 90] {
            pages.want(seq, 1);
        }
        assert_eq!(pages.next_read(&(5..=70)), Some(5..=32));
        assert_eq!(pages.next_read(&(5..=70)), Some(33..=64));
        assert_eq!(pages.next_read(&(5..=70)), None);
        pages.fail(&(5..=32));
        assert_eq!(pages.next_read(&(5..=70)), Some(5..=32));
    }

    #[test]
    fn a_page_that_was_cut_by_the_head_is_read_again_when_more_is_wanted() {
        let mut pages = Pages::new(1 << 20, 2);
        pages.want(33, 1);
        assert_eq!(pages.next_read(&(1..=40)), Some(33..=40));
        pages.complete(33..=40, entries(33..=40));
        assert!(matches!(pages.lookup(41), Lookup::Later));
        pages.want(41, 1);
        assert_eq!(pages.next_read(&(1..=99)), Some(33..=64));
        pages.complete(33..=64, entries(33..=64));
        assert!(matches!(pages.lookup(41), Lookup::Here(_)));
    }

    #[test]
    fn an_entry_that_is_not_where_it_was_looked_for_is_gone() {
        let mut pages = Pages::new(1 << 20, 2);
        pages.want(1, 1);
        assert_eq!(pages.next_read(&(1..=32)), Some(1..=32));
        pages.complete(1..=32, entries(5..=32));
        assert!(matches!(pages.lookup(4), Lookup::Gone));
    }

    #[test]
    fn pages_are_bounded_in_bytes_and_the_least_used_goes_first() {
        let mut pages = Pages::new(80_000, 9);
        for page in 0..2 {
            pages.complete(page * 32 + 1..=page * 32 + 32, entries(page * 32 + 1..=page * 32 + 32));
        }
        assert!(matches!(pages.lookup(1), Lookup::Here(_)));
        pages.complete(65..=96, entries(65..=96));
        assert!(pages.bytes <= 80_000);
        assert!(matches!(pages.lookup(1), Lookup::Here(_)) && matches!(pages.lookup(33), Lookup::Later));
    }
}
