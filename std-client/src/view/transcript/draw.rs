//! The rows of the transcript on the screen.

use jiff::civil::Date;

use super::Transcript;
use super::block::{Key, rule};
use super::line::day_text;
use super::source::{Beyond, Entry};
use crate::language::message;
use crate::view::span::{Role, Row};

/// A row on the screen, and the entry that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRow {
    /// What is displayed.
    pub row: Row,
    /// The block that it is of; `None`: a line between blocks, or nothing.
    pub key: Option<Key>,
}

/// The lines above a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// For its day.
    pub(super) day: Option<Date>,
    /// For unread entries.
    pub(super) is_unread: bool,
}

impl Rules {
    pub(super) fn count(self) -> usize {
        usize::from(self.day.is_some()) + usize::from(self.is_unread)
    }
}

impl Transcript {
    /// Returns as many rows as the area has. [`Transcript::load`] precedes. Nothing is above a
    /// transcript that does not fill the area.
    #[must_use]
    pub fn rows(&self) -> Vec<PlacedRow> {
        let (mut at, row) = self.top();
        let mut rows = Vec::with_capacity(self.height);
        let mut skipped = row;
        while rows.len() < self.height && at < self.blocks.len() {
            let (key, block) = (self.blocks[at].first(), self.blocks[at].rows(&self.layout()));
            let rules = self.rules(at).map(|row| PlacedRow { row, key: None });
            let text = block.iter().map(|row| PlacedRow { row: row.row.clone(), key: Some(key) });
            rows.extend(rules.chain(text).skip(std::mem::take(&mut skipped)).take(self.height - rows.len()));
            at += 1;
        }
        let missing = self.height - rows.len();
        rows.splice(0..0, std::iter::repeat_n(PlacedRow { row: Row::default(), key: None }, missing));
        rows
    }

    /// Returns the lines of all blocks on the screen, of any length.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let rows = self.rows();
        let mut keys = rows.iter().filter_map(|row| row.key);
        let Some(first) = keys.next() else { return Vec::new() };
        let last = keys.next_back().unwrap_or(first);
        let shown = self.blocks.iter().filter(|block| (first..=last).contains(&block.first()));
        let lines = shown.flat_map(|block| block.lines(&self.times).lines);
        lines.map(|line| line.spans.iter().map(|span| span.text.as_str()).collect()).collect()
    }

    /// The lines above a block.
    fn rules(&self, at: usize) -> impl Iterator<Item = Row> {
        let Rules { day, is_unread } = self.rules_above(at);
        let day = day.map(|day| rule(Role::Day, &day_text(day), self.width));
        let unread = is_unread.then(|| rule(Role::Unread, &message!("new-rule"), self.width));
        day.into_iter().chain(unread)
    }

    /// Which lines are above a block.
    pub(super) fn rules_above(&self, at: usize) -> Rules {
        let none = Rules { day: None, is_unread: false };
        let Some(block) = self.blocks.get(at).filter(|block| !block.entries().is_empty()) else { return none };
        let before = self.blocks.range(..at).rev().find(|block| !block.entries().is_empty());
        let day = block.day.filter(|day| before.and_then(|before| before.day) != Some(*day));
        let is_new = |seq: u64| self.unread_after.is_some_and(|read| seq > read);
        let is_first_new = match before {
            Some(before) => !is_new(before.last().seq),
            None => self.above != Some(Beyond::More),
        };
        Rules { day, is_unread: is_first_new && is_new(block.first().seq) }
    }

    /// Returns an entry of the window.
    #[must_use]
    pub fn entry(&self, seq: u64) -> Option<&Entry> {
        let at = self.blocks.partition_point(|block| block.last() < Key::entry(seq));
        self.blocks.get(at)?.entries().iter().find(|entry| entry.seq == seq)
    }

    /// Whether an entry is on the screen.
    #[must_use]
    pub fn is_visible(&self, seq: u64) -> bool {
        self.rows().iter().any(|placed| placed.key == Some(Key::entry(seq)))
    }

    /// Returns the entries of the window that can be selected, the last one first: texts and files.
    pub fn messages(&self) -> impl Iterator<Item = &Entry> {
        let is_message = |entry: &&Entry| entry.text().is_some() || entry.file().is_some();
        self.blocks.iter().rev().flat_map(|block| block.entries().iter().rev()).filter(is_message)
    }
}
