//! Blocks: what is displayed in one piece and stays in one piece when the window moves. An entry,
//! successive joins and leaves, or a notice of this program.

use std::cell::OnceCell;

use jiff::civil::Date;

use super::line::{self, Lines, Times};
use super::source::{Entry, is_presence};
use crate::view::span::{Role, Row, Span};
use crate::view::text::invites::invite;
use crate::view::wrap::{WrappedRow, wrap};

/// Entries in one block. A block never spans a multiple of this number, so that its entries do not
/// depend on where a page ends.
const FOLD_LEN: u64 = 64;

/// The place of a block in the order of the transcript: the seq of an entry, and for a notice the
/// seq of the entry before it and its number among the notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The entry.
    pub seq: u64,
    /// 0 for the entry itself.
    pub notice: u64,
}

impl Key {
    /// Before everything else.
    pub(super) const ZERO: Self = Self { seq: 0, notice: 0 };

    /// The key of an entry.
    #[must_use]
    pub const fn entry(seq: u64) -> Self {
        Self { seq, notice: 0 }
    }

    /// The last key before this one.
    pub(super) const fn before(self) -> Self {
        match self.notice.checked_sub(1) {
            Some(notice) => Self { notice, ..self },
            None if self.seq == 0 => Self::ZERO,
            None => Self { seq: self.seq - 1, notice: u64::MAX },
        }
    }
}

/// A notice of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its place.
    pub key: Key,
    /// [`Role::Notice`], or [`Role::Error`].
    pub role: Role,
    /// The text; may have several lines.
    pub text: String,
}

/// What a block displays.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Entry(Entry),
    /// Successive joins and leaves; at least one.
    Fold(Vec<Entry>),
    Notice(Notice),
}

/// A block, and its rows at the present width.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) content: Content,
    /// The day of the first entry. A notice has none.
    pub(super) day: Option<Date>,
    rows: OnceCell<Vec<WrappedRow>>,
}

/// How rows are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout<'a> {
    pub(super) width: usize,
    pub(super) times: &'a Times,
    /// What the user searches for.
    pub(super) search: Option<&'a str>,
}

impl Block {
    pub(super) fn entry(entry: Entry, times: &Times, is_folded: bool) -> Self {
        let day = times.day(entry.time_ms);
        let content =
            if is_folded && is_presence(entry.kind) { Content::Fold(vec![entry]) } else { Content::Entry(entry) };
        Self { content, day, rows: OnceCell::new() }
    }

    pub(super) fn notice(notice: Notice) -> Self {
        Self { content: Content::Notice(notice), day: None, rows: OnceCell::new() }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Entry(entry) => std::slice::from_ref(entry),
            Content::Fold(entries) => entries,
            Content::Notice(_) => &[],
        }
    }

    pub(super) fn first(&self) -> Key {
        match &self.content {
            Content::Notice(notice) => notice.key,
            _ => Key::entry(self.entries().first().map_or(0, |entry| entry.seq)),
        }
    }

    pub(super) fn last(&self) -> Key {
        match &self.content {
            Content::Notice(notice) => notice.key,
            _ => Key::entry(self.entries().last().map_or(0, |entry| entry.seq)),
        }
    }

    /// Appends the entries of `next` if both are joins and leaves that belong together. Returns
    /// `next` if not.
    pub(super) fn fold(&mut self, next: Self, unread_after: Option<u64>) -> Option<Self> {
        let is_apart = |one: u64, other: u64| {
            one / FOLD_LEN != other / FOLD_LEN || unread_after.is_some_and(|seq| one <= seq && other > seq)
        };
        if self.day != next.day || is_apart(self.last().seq, next.first().seq) {
            return Some(next);
        }
        match (&mut self.content, next.content) {
            (Content::Fold(entries), Content::Fold(more)) => {
                entries.extend(more);
                self.rows = OnceCell::new();
                None
            }
            (_, content) => Some(Self { content, ..next }),
        }
    }

    /// Removes the body of this entry. Returns whether it is in this block.
    pub(super) fn remove_body(&mut self, seq: u64) -> bool {
        match &mut self.content {
            Content::Entry(entry) if entry.seq == seq => {
                entry.remove_body();
                self.forget_rows();
                true
            }
            _ => false,
        }
    }

    /// The rows are made again when they are displayed.
    pub(super) fn forget_rows(&mut self) {
        self.rows = OnceCell::new();
    }

    /// Returns its lines, of any length.
    pub(super) fn lines(&self, times: &Times) -> Lines {
        match &self.content {
            Content::Entry(entry) => line::entry_lines(entry, times),
            Content::Fold(entries) => line::fold_lines(entries, times),
            Content::Notice(notice) => line::notice_lines(notice.role, &notice.text),
        }
    }

    pub(super) fn rows(&self, layout: &Layout<'_>) -> &[WrappedRow] {
        self.rows.get_or_init(|| {
            let Lines { lines, indent } = self.lines(layout.times);
            // Beyond a third of the row, text aligned with its beginning wastes space.
            let indent = if indent > layout.width / 3 { 2 } else { indent };
            let (mut rows, mut before) = (Vec::new(), 0);
            for (number, line) in lines.into_iter().enumerate() {
                let line = if let Some(word) = layout.search { line.mark(word) } else { line };
                // An indent would become a part of an invite that is copied.
                let is_indented = invite(&line.text()).is_none() || !matches!(self.content, Content::Notice(_));
                let (indent, is_continued) = if is_indented { (indent, number > 0) } else { (0, false) };
                let wrapped = wrap(&line.spans, layout.width, indent, is_continued);
                rows.extend(wrapped.into_iter().map(|row| WrappedRow { offset: before + row.offset, row: row.row }));
                // One for the line end, so that an empty line has an offset, too.
                before += line.spans.iter().map(|span| span.text.len()).sum::<usize>() + 1;
            }
            rows
        })
    }
}

/// A line with a text in the middle.
pub(super) fn rule(role: Role, text: &str, width: usize) -> Row {
    let text = format!(" {text} ");
    let left = width.saturating_sub(crate::view::text::width(&text)) / 2;
    let mut row = Row::default();
    row.push(Span::new(role, "\u{2500}".repeat(left)));
    row.push(Span::new(role, text));
    let mut row = row.cut(width);
    let right = width - row.width();
    row.push(Span::new(role, "\u{2500}".repeat(right)));
    row
}
