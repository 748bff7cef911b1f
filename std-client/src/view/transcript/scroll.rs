//! The place in the transcript.

use super::Transcript;
use super::block::{Block, Key};
use super::source::Source;

/// What is in the first row of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The end is in the last row.
    End,
    /// This block is in the first row, or what comes next if it is not displayed.
    Anchor { key: Key, line: Line },
}

/// A row of a block, whatever the width is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// This number of rows before its text: lines for days and for unread entries.
    Above(usize),
    /// The row with this position of its text, in bytes.
    Text(usize),
}

impl Place {
    pub(super) const fn key(self) -> Option<Key> {
        match self {
            Self::End => None,
            Self::Anchor { key, .. } => Some(key),
        }
    }
}

/// A row: the index of its block, and its number in the block.
pub(super) type RowIndex = (usize, usize);

impl Transcript {
    /// Scrolls by this number of rows, negative ones upwards.
    pub fn scroll(&mut self, source: &dyn Source, rows: isize) {
        self.load(source);
        self.set_top(self.walk(self.top(), rows));
        self.load(source);
    }

    /// The row at this distance, or the first or last one of the window.
    fn walk(&self, (mut block, mut row): RowIndex, rows: isize) -> RowIndex {
        for _ in 0..rows.unsigned_abs() {
            if rows < 0 {
                if row > 0 {
                    row -= 1;
                } else if let Some(before) = block.checked_sub(1) {
                    (block, row) = (before, self.block_height(before).saturating_sub(1));
                } else {
                    break;
                }
            } else if row + 1 < self.block_height(block) {
                row += 1;
            } else if block + 1 < self.blocks.len() {
                (block, row) = (block + 1, 0);
            } else {
                break;
            }
        }
        (block, row)
    }

    /// Scrolls by pages; one row of the page before stays.
    pub fn scroll_pages(&mut self, source: &dyn Source, pages: isize) {
        let rows = isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(isize::MAX);
        self.scroll(source, pages.saturating_mul(rows));
    }

    /// Goes to the first entry that is kept.
    pub fn scroll_to_start(&mut self, source: &dyn Source) {
        self.go_to(Key::ZERO);
        self.load(source);
    }

    /// Goes to the end, and follows it.
    pub fn scroll_to_end(&mut self) {
        self.place = Place::End;
        if !self.is_at_head {
            self.unload();
        }
    }

    /// Goes to an entry, and displays it in the middle.
    pub fn scroll_to(&mut self, source: &dyn Source, seq: u64) {
        self.go_to(Key::entry(seq));
        self.load(source);
        let half = isize::try_from(self.height / 2).unwrap_or(isize::MAX);
        self.set_top(self.walk(self.place_row().unwrap_or_default(), -half));
        self.load(source);
    }

    fn go_to(&mut self, key: Key) {
        self.place = Place::Anchor { key, line: Line::Above(0) };
        if !(self.covered.0 < key && key <= self.covered.1) {
            self.unload();
        }
    }

    /// Whether the end is displayed.
    #[must_use]
    pub fn is_end_visible(&self) -> bool {
        self.is_at_head && (self.place == Place::End || self.top() >= self.end_top())
    }

    /// Follows the end from now on if it is displayed.
    pub(super) fn follow_if_end_is_visible(&mut self) {
        if self.is_end_visible() {
            self.place = Place::End;
        }
    }

    /// The number of blocks above and below what is displayed.
    pub(super) fn blocks_beyond(&self) -> (usize, usize) {
        let (top, mut row) = self.top();
        let (mut bottom, mut rows) = (top, 0);
        while bottom < self.blocks.len() && rows < self.height {
            rows += self.block_height(bottom).saturating_sub(std::mem::take(&mut row));
            bottom += 1;
        }
        (top, self.blocks.len() - bottom)
    }

    /// The first row that is displayed: that of the place, unless less than a screen follows.
    pub(super) fn top(&self) -> RowIndex {
        let end_top = self.end_top();
        self.place_row().map_or(end_top, |row| row.min(end_top))
    }

    /// The row of the anchor.
    fn place_row(&self) -> Option<RowIndex> {
        let Place::Anchor { key, line } = self.place else { return None };
        let at = self.blocks.partition_point(|block| block.last() < key);
        let block = self.blocks.get(at)?;
        let above = self.rules_above(at).count();
        let row = match line {
            _ if block.first() > key => 0,
            Line::Above(rows) => above.saturating_sub(rows),
            Line::Text(offset) => above + row_of(block.rows(&self.layout()), offset),
        };
        Some((at, row))
    }

    /// The first row that is displayed if the last row has the end of the window.
    fn end_top(&self) -> RowIndex {
        let mut room = self.height;
        for at in (0..self.blocks.len()).rev() {
            let height = self.block_height(at);
            if height >= room {
                return (at, height - room);
            }
            room -= height;
        }
        (0, 0)
    }

    fn set_top(&mut self, (at, row): RowIndex) {
        if self.is_at_head && (at, row) >= self.end_top() {
            self.place = Place::End;
            return;
        }
        let Some(block) = self.blocks.get(at) else { return };
        let above = self.rules_above(at).count();
        let line = match row.checked_sub(above) {
            None => Line::Above(above - row),
            Some(row) => Line::Text(block.rows(&self.layout()).get(row).map_or(0, |row| row.offset)),
        };
        self.place = Place::Anchor { key: Block::first(block), line };
    }

    /// The rows of a block.
    pub(super) fn block_height(&self, at: usize) -> usize {
        self.rules_above(at).count() + self.blocks.get(at).map_or(0, |block| block.rows(&self.layout()).len())
    }
}

/// The row with this position of the text.
fn row_of(rows: &[crate::view::wrap::WrappedRow], offset: usize) -> usize {
    rows.partition_point(|row| row.offset <= offset).saturating_sub(1)
}
