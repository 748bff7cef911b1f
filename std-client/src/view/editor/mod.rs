//! The line that is being typed, which may have several rows. The cursor is always between two
//! grapheme clusters.
//!
//! * [`rows`]: its rows on the screen. [`recall`]: what was typed before.

pub mod recall;
pub mod rows;
#[cfg(test)]
mod tests;

use kabar_std::text::clean_line;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

use recall::Recall;
use rows::Layout;

/// The longest text, in bytes: many times what can be posted. The rest of a paste is dropped.
pub const MAX_LEN: usize = 64 * 1024;

/// Edits that can be undone.
const MAX_UNDO: usize = 50;

/// The editor of one room.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    text: String,
    cursor: usize,
    /// The column that moves between rows aim at.
    column: Option<usize>,
    /// Text and cursor before earlier edits.
    undo: Vec<(String, usize)>,
    last_edit: Option<Edit>,
}

/// Kinds of edits. Successive edits of the same kind are undone together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Typed,
    Deleted,
    Other,
}

/// Where to move, or up to where to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// One cluster to the left.
    Left,
    /// One cluster to the right.
    Right,
    /// To the beginning of the word, or the word before.
    WordLeft,
    /// To the end of the word, or the next word.
    WordRight,
    /// To the beginning of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
}

impl Editor {
    /// Creates an editor with a text, and the cursor after it.
    #[must_use]
    pub fn with_text(text: &str) -> Self {
        let mut editor = Self::default();
        editor.insert(text);
        editor.undo.clear();
        editor
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the position of the cursor, in bytes.
    #[must_use]
    pub const fn cursor(&self) -> usize {
        self.cursor
    }

    /// Inserts text at the cursor: what is typed, or pasted. What must not reach a terminal is
    /// removed, except for line ends and tabs. Returns whether all of it fits.
    pub fn insert(&mut self, text: &str) -> bool {
        let clean = clean_input(text);
        let room = MAX_LEN - self.text.len();
        let end = clean.grapheme_indices(true).map(|(at, it)| at + it.len()).take_while(|end| *end <= room).last();
        let fits = &clean[..end.unwrap_or(0)];
        let is_typed = fits.chars().nth(1).is_none() && !fits.contains(char::is_whitespace);
        self.begin(if is_typed { Edit::Typed } else { Edit::Other });
        self.text.insert_str(self.cursor, fits);
        self.set_cursor(self.cursor + fits.len());
        fits.len() == clean.len()
    }

    /// Replaces the text from `start` to the cursor: a completion.
    pub fn complete(&mut self, start: usize, text: &str) {
        self.begin(Edit::Other);
        if text.len() + self.text.len() <= MAX_LEN && self.text.is_char_boundary(start) && start <= self.cursor {
            self.text.replace_range(start..self.cursor, text);
            self.set_cursor(start + text.len());
        }
    }

    /// Replaces the whole text, and puts the cursor after it.
    pub fn set(&mut self, text: &str) {
        self.begin(Edit::Other);
        self.text.clear();
        self.cursor = 0;
        self.insert(text);
    }

    /// Returns the text and clears it. The cleared text can be undone.
    pub fn take(&mut self) -> String {
        self.begin(Edit::Other);
        self.set_cursor(0);
        std::mem::take(&mut self.text)
    }

    /// Moves the cursor.
    pub fn go(&mut self, motion: Motion) {
        self.last_edit = None;
        self.set_cursor(self.target(motion));
    }

    /// Deletes up to there, and returns what was deleted.
    pub fn delete(&mut self, motion: Motion) -> String {
        let target = self.target(motion);
        let (start, end) = (target.min(self.cursor), target.max(self.cursor));
        if start == end {
            return String::new();
        }
        let is_single = matches!(motion, Motion::Left | Motion::Right);
        self.begin(if is_single { Edit::Deleted } else { Edit::Other });
        let deleted = self.text.drain(start..end).collect();
        self.set_cursor(start);
        deleted
    }

    /// Moves the cursor by rows of this width, negative ones upwards. Returns `false` if there is
    /// no such row.
    pub fn go_rows(&mut self, width: usize, rows: isize) -> bool {
        let layout = Layout::new(&self.text, width);
        let (row, column) = layout.position(self.cursor);
        let aim = self.column.unwrap_or(column);
        let Some(cursor) = row.checked_add_signed(rows).and_then(|row| layout.at(row, aim)) else { return false };
        self.last_edit = None;
        self.set_cursor(cursor);
        self.column = Some(aim);
        true
    }

    /// Undoes the last edit. Returns whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some((text, cursor)) = self.undo.pop() else { return false };
        (self.text, self.last_edit) = (text, None);
        self.set_cursor(cursor);
        true
    }

    /// Replaces the text by one that was typed before. Returns whether there is one.
    pub fn recall_earlier(&mut self, recall: &mut Recall) -> bool {
        let Some(text) = recall.earlier(&self.text) else { return false };
        self.set(&text);
        true
    }

    /// Replaces the text by the one that was typed after it.
    pub fn recall_later(&mut self, recall: &mut Recall) -> bool {
        let Some(text) = recall.later() else { return false };
        self.set(&text);
        true
    }

    /// Returns the rows in an area of this size, with the cursor inside, and the row and column of
    /// the cursor there.
    #[must_use]
    pub fn window(&self, width: usize, height: usize) -> (Vec<String>, (usize, usize)) {
        let layout = Layout::new(&self.text, width);
        let (row, column) = layout.position(self.cursor);
        let first = (row + 1).saturating_sub(height);
        let rows = layout.rows.into_iter().skip(first).take(height).map(|row| row.text).collect();
        (rows, (row - first.min(row), column.min(width.saturating_sub(1))))
    }

    /// Returns the number of rows at this width.
    #[must_use]
    pub fn height(&self, width: usize) -> usize {
        Layout::new(&self.text, width).rows.len()
    }

    fn target(&self, motion: Motion) -> usize {
        let (before, after) = self.text.split_at(self.cursor);
        match motion {
            Motion::Left => before.grapheme_indices(true).next_back().map_or(0, |(at, _)| at),
            Motion::Right => after.graphemes(true).next().map_or(self.cursor, |next| self.cursor + next.len()),
            Motion::WordLeft => {
                let word = before.trim_end_matches(|c: char| !c.is_alphanumeric());
                word.trim_end_matches(char::is_alphanumeric).len()
            }
            Motion::WordRight => {
                let word = after.trim_start_matches(|c: char| !c.is_alphanumeric());
                self.text.len() - word.trim_start_matches(char::is_alphanumeric).len()
            }
            Motion::LineStart => before.rfind('\n').map_or(0, |at| at + 1),
            Motion::LineEnd => after.find('\n').map_or(self.text.len(), |at| self.cursor + at),
        }
    }

    /// Puts the cursor to this position, or to the next one that is between two clusters.
    fn set_cursor(&mut self, cursor: usize) {
        let mut cursor = cursor.min(self.text.len());
        while !self.text.is_char_boundary(cursor) {
            cursor += 1;
        }
        let mut clusters = GraphemeCursor::new(cursor, self.text.len(), true);
        if !matches!(clusters.is_boundary(&self.text, 0), Ok(true)) {
            cursor = clusters.next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len());
        }
        (self.cursor, self.column) = (cursor, None);
    }

    /// Keeps the present state, unless the last edit was of the same kind.
    fn begin(&mut self, edit: Edit) {
        if edit == Edit::Other || self.last_edit != Some(edit) {
            self.undo.push((self.text.clone(), self.cursor));
            if self.undo.len() > MAX_UNDO {
                self.undo.remove(0);
            }
        }
        self.last_edit = Some(edit);
    }
}

/// Removes from typed or pasted text what others would not see either.
fn clean_input(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            clean.push('\n');
        }
        for (number, column) in line.split('\t').enumerate() {
            if number > 0 {
                clean.push('\t');
            }
            clean.push_str(&clean_line(column));
        }
    }
    clean
}
