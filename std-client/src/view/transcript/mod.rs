//! The transcript of a room: a window over a history without bounds.
//!
//! The window is a range of successive [blocks](block) around what is displayed. Further pages come
//! from a [`Source`], and blocks far from the screen are dropped. The place in the transcript is
//! the end, which it follows, or an *anchor*: a position in the text of a block, which is in the
//! first row of the screen. Neither entries that are added at either end nor another width move it.
//!
//! * [`source`]: pages of entries. [`stored`]: those of the local history. [`mod@line`]: entries as
//!   lines. [`block`]: rows of an entry.
//! * `scroll`: the place. `draw`: the rows on the screen.

pub mod block;
mod draw;
pub mod line;
mod scroll;
pub mod source;
pub mod stored;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::engine::RoomId;

use super::span::Role;
use block::{Block, Key, Layout, Notice};
use line::Times;
use scroll::Place;
use source::{Beyond, Entry, Page, Query, Source, is_presence};

/// Entries in a page.
const PAGE: usize = 100;

/// Blocks that are loaded beyond the screen at least, in each direction. More than a fold has
/// entries, so that all folds on the screen are complete.
const MARGIN: usize = 100;

/// Blocks in the window. If more are loaded, those that are far from the screen are dropped.
const MAX_BLOCKS: usize = 800;

/// Pages that one call loads. A history of joins only, which are hidden, has no end.
const MAX_PAGES: usize = 50;

/// Notices that are kept.
const MAX_NOTICES: usize = 200;

/// How joins and leaves are displayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Joins {
    /// One row for each.
    Shown,
    /// Successive ones together.
    #[default]
    Folded,
    /// Not at all.
    Hidden,
}

/// The transcript of a room.
#[derive(Debug)]
pub struct Transcript {
    room: RoomId,
    times: Times,
    joins: Joins,
    /// Successive blocks, in the order of their keys.
    blocks: VecDeque<Block>,
    /// What is before the window; `None`: nothing was loaded.
    above: Option<Beyond>,
    /// Whether the window has the last entry.
    is_at_head: bool,
    /// The window has everything after the first key, up to the second: some entries have no block.
    covered: (Key, Key),
    /// The first entry that was loaded, even if it is hidden.
    first: Option<u64>,
    /// The last entry that was delivered.
    head: u64,
    notices: VecDeque<Notice>,
    notices_created: u64,
    place: Place,
    width: usize,
    height: usize,
    unread_after: Option<u64>,
    search: Option<String>,
}

impl Transcript {
    /// Creates the transcript of a room. Nothing is loaded until [`Self::load`].
    #[must_use]
    pub fn new(room: RoomId, times: Times, joins: Joins) -> Self {
        Self {
            room,
            times,
            joins,
            blocks: VecDeque::new(),
            above: None,
            is_at_head: false,
            covered: (Key::ZERO, Key::ZERO),
            first: None,
            head: 0,
            notices: VecDeque::new(),
            notices_created: 0,
            place: Place::End,
            width: 0,
            height: 0,
            unread_after: None,
            search: None,
        }
    }

    /// Sets the size of the area. The first row stays, unless the end is displayed.
    pub fn resize(&mut self, width: usize, height: usize) {
        if self.width != width {
            self.blocks.iter_mut().for_each(Block::forget_rows);
        }
        (self.width, self.height) = (width, height);
    }

    /// Sets how joins are displayed.
    pub fn show_joins(&mut self, joins: Joins) {
        if self.joins != joins {
            self.joins = joins;
            self.unload();
        }
    }

    /// Sets the last entry that was read: the line for unread entries is after it.
    pub fn set_unread_after(&mut self, seq: Option<u64>) {
        if self.unread_after != seq {
            self.unread_after = seq;
            // Folds end there.
            self.unload();
        }
    }

    /// Marks this word in any case.
    pub fn mark(&mut self, word: Option<String>) {
        let word = word.filter(|word| !word.is_empty());
        if self.search != word {
            self.search = word;
            self.blocks.iter_mut().for_each(Block::forget_rows);
        }
    }

    /// Returns the last entry that was delivered.
    #[must_use]
    pub const fn head(&self) -> u64 {
        self.head
    }

    /// Returns the first entry that was loaded, even if it is hidden.
    #[must_use]
    pub const fn first(&self) -> Option<u64> {
        self.first
    }

    /// Appends an entry that was delivered; the source has it already.
    pub fn push(&mut self, entry: &Entry) {
        if let Some(seq) = entry.removes() {
            // It may be in the window.
            let _ = self.blocks.iter_mut().any(|block| block.remove_body(seq));
        }
        self.head = self.head.max(entry.seq);
        // A page may have had it.
        if self.is_at_head && entry.seq > self.covered.1.seq {
            self.follow_if_end_is_visible();
            self.covered.1 = Key::entry(entry.seq);
            self.first.get_or_insert(entry.seq);
            if let Some(block) = self.block(entry.clone()) {
                push_block(&mut self.blocks, block, self.unread_after);
            }
        }
    }

    /// Appends a notice of this program after the last entry.
    pub fn push_notice(&mut self, role: Role, text: impl Into<String>) {
        self.notices_created += 1;
        let key = Key { seq: self.head, notice: self.notices_created };
        let notice = Notice { key, role, text: text.into() };
        if self.is_at_head {
            self.follow_if_end_is_visible();
            self.covered.1 = key;
            self.blocks.push_back(Block::notice(notice.clone()));
        }
        self.notices.push_back(notice);
        if self.notices.len() > MAX_NOTICES {
            self.notices.pop_front();
        }
    }

    /// Returns the texts of the notices, the last one first.
    pub fn notices(&self) -> impl Iterator<Item = &str> {
        self.notices.iter().rev().map(|notice| &*notice.text)
    }

    /// Earlier entries may have come from the server.
    pub fn reload_above(&mut self) {
        if self.above == Some(Beyond::Server) {
            self.unload();
        }
    }

    /// The history begins again: everything but the notices is dropped.
    pub fn reset(&mut self) {
        self.unload();
        (self.head, self.place, self.unread_after) = (0, Place::End, None);
        for notice in &mut self.notices {
            notice.key.seq = 0;
        }
    }

    /// Drops the blocks; the place stays.
    pub fn unload(&mut self) {
        self.blocks.clear();
        (self.above, self.is_at_head, self.first) = (None, false, None);
    }

    /// Loads what the screen needs. Returns whether the history before the window is at the server
    /// only, and is needed.
    pub fn load(&mut self, source: &dyn Source) -> bool {
        if self.above.is_none() {
            self.begin(source);
        }
        for _ in 0..MAX_PAGES {
            let (above, below) = self.blocks_beyond();
            if above < MARGIN && self.above == Some(Beyond::More) {
                self.load_above(source);
            } else if below < MARGIN && !self.is_at_head {
                self.load_below(source);
            } else {
                break;
            }
        }
        self.evict();
        self.above == Some(Beyond::Server) && self.blocks_beyond().0 == 0
    }

    /// Loads the first page.
    fn begin(&mut self, source: &dyn Source) {
        if let Some(key) = self.place.key() {
            self.covered = (key.before(), key.before());
            self.above = Some(Beyond::More);
            return self.load_below(source);
        }
        let Page { entries, beyond } = source.page(self.room, Query::Newest, PAGE);
        let last = entries.last().map_or(0, |entry| entry.seq);
        self.head = self.head.max(last);
        let first = first_covered(&entries, beyond);
        self.covered = (first, Key { seq: self.head, notice: self.notices_created });
        (self.above, self.is_at_head) = (Some(beyond), true);
        self.blocks = self.merge(entries, self.covered);
    }

    fn load_above(&mut self, source: &dyn Source) {
        let until = self.covered.0;
        let Page { entries, beyond } = source.page(self.room, Query::Before(until.seq.saturating_add(1)), PAGE);
        let beyond = if entries.is_empty() && beyond == Beyond::More { Beyond::Nothing } else { beyond };
        self.covered.0 = first_covered(&entries, beyond);
        self.above = Some(beyond);
        let mut blocks = self.merge(entries, (self.covered.0, until));
        let mut after = std::mem::take(&mut self.blocks);
        if let Some(next) = after.pop_front() {
            push_block(&mut blocks, next, self.unread_after);
        }
        blocks.append(&mut after);
        self.blocks = blocks;
    }

    fn load_below(&mut self, source: &dyn Source) {
        let from = self.covered.1;
        let Page { entries, beyond } = source.page(self.room, Query::After(from.seq), PAGE);
        let last = entries.last().map_or(from.seq, |entry| entry.seq);
        self.head = self.head.max(last);
        self.is_at_head = beyond != Beyond::More || entries.is_empty();
        self.covered.1 =
            if self.is_at_head { Key { seq: self.head, notice: self.notices_created } } else { Key::entry(last) };
        for block in self.merge(entries, (from, self.covered.1)) {
            push_block(&mut self.blocks, block, self.unread_after);
        }
    }

    /// Returns the blocks of these entries, and of the notices after the first key, up to the
    /// second.
    fn merge(&mut self, entries: Vec<Entry>, (after, until): (Key, Key)) -> VecDeque<Block> {
        if let Some(first) = entries.first().map(|entry| entry.seq) {
            self.first = Some(self.first.map_or(first, |known| known.min(first)));
        }
        let mut notices =
            self.notices.iter().filter(|notice| after < notice.key && notice.key <= until).cloned().peekable();
        let mut blocks = VecDeque::new();
        for entry in entries {
            while let Some(notice) = notices.next_if(|notice| notice.key < Key::entry(entry.seq)) {
                blocks.push_back(Block::notice(notice));
            }
            if let Some(block) = self.block(entry) {
                push_block(&mut blocks, block, self.unread_after);
            }
        }
        blocks.extend(notices.map(Block::notice));
        blocks
    }

    /// Returns the block of an entry, unless it is hidden.
    fn block(&self, entry: Entry) -> Option<Block> {
        let is_hidden = entry.is_ignored || self.joins == Joins::Hidden && is_presence(entry.kind);
        (!is_hidden).then(|| Block::entry(entry, &self.times, self.joins == Joins::Folded))
    }

    /// Drops blocks that are far from the screen.
    fn evict(&mut self) {
        let (mut above, mut below) = self.blocks_beyond();
        while self.blocks.len() > MAX_BLOCKS {
            if above >= below && above > 2 * MARGIN {
                let dropped = self.blocks.pop_front();
                above -= 1;
                self.covered.0 = dropped.map_or(self.covered.0, |block| block.last());
                self.above = Some(Beyond::More);
            } else if below > 2 * MARGIN {
                let dropped = self.blocks.pop_back();
                below -= 1;
                self.covered.1 = dropped.map_or(self.covered.1, |block| block.first().before());
                self.is_at_head = false;
            } else {
                break;
            }
        }
    }

    fn layout(&self) -> Layout<'_> {
        Layout { width: self.width, times: &self.times, search: self.search.as_deref() }
    }
}

/// Appends a block, or folds it into the last one.
fn push_block(blocks: &mut VecDeque<Block>, next: Block, unread_after: Option<u64>) {
    let next = match blocks.back_mut() {
        Some(last) => last.fold(next, unread_after),
        None => Some(next),
    };
    blocks.extend(next);
}

/// Returns the key after which a page covers everything, if `beyond` is before it.
fn first_covered(entries: &[Entry], beyond: Beyond) -> Key {
    match entries.first() {
        Some(first) if beyond == Beyond::More => Key::entry(first.seq).before(),
        _ => Key::ZERO,
    }
}
