//! Styled text in rows of a width. Rows break after spaces and next to wide characters; a word that
//! is longer than a row breaks anywhere. All rows but the first are indented.

use super::span::{Row, Span};
use super::text::{Cluster, TOO_WIDE, clusters};

/// A row, and where in the text it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedRow {
    /// The number of bytes of the spans that are before this row. It does not depend on the width,
    /// apart from the spaces at which rows break.
    pub offset: usize,
    /// What is displayed.
    pub row: Row,
}

/// Wraps the spans of one line. There is at least one row; none is wider than `width`. The first
/// row is indented, too, if the line continues a text.
#[must_use]
pub fn wrap(line: &[Span], width: usize, indent: usize, is_continued: bool) -> Vec<WrappedRow> {
    // An indent leaves at least half of the row.
    let indent = indent.min(width / 2);
    Wrapper { line, width, indent, is_continued, rows: Vec::new() }.run()
}

/// Wraps one line of plain text. Rows after the first are indented.
#[must_use]
pub fn text(line: &str, width: usize, indent: usize) -> String {
    let rows = wrap(&[Span::plain(line)], width, indent, false);
    rows.iter().map(|row| row.row.text().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Returns the first cell after the last gap of two spaces and more: where the last column of a
/// table begins, as far as a line can be in one; 0: there is no such gap.
#[must_use]
pub fn last_column(line: &str) -> usize {
    let last = line.trim_end().rmatch_indices("  ").next().map_or(0, |(at, gap)| at + gap.len());
    line[..last].chars().count()
}

/// A cluster, the span that it is in, and its offset from the beginning of the line.
struct Cell<'a> {
    span: usize,
    offset: usize,
    text: &'a str,
    width: usize,
}

impl Cell<'_> {
    fn is_space(&self) -> bool {
        self.text == " " || self.text == "\u{3000}"
    }
}

struct Wrapper<'a> {
    line: &'a [Span],
    width: usize,
    indent: usize,
    is_continued: bool,
    rows: Vec<WrappedRow>,
}

impl<'a> Wrapper<'a> {
    fn run(mut self) -> Vec<WrappedRow> {
        let cells = self.cells();
        let (mut start, mut last_break, mut at) = (0, 0, 0);
        let mut used = if self.is_continued { self.indent } else { 0 };
        while let Some(cell) = cells.get(at) {
            // Spaces at the end of a row take no cells.
            if used + cell.width <= self.width || cell.is_space() {
                used += cell.width;
                at += 1;
                if is_break(cell, cells.get(at)) {
                    last_break = at;
                }
                continue;
            }
            let end = if last_break > start { last_break } else { at };
            self.push(&cells[start..end]);
            (start, last_break, at, used) = (end, end, end, self.indent);
        }
        self.push(&cells[start..]);
        self.rows
    }

    /// The clusters of the line. Those that do not fit into a row are replaced.
    fn cells(&self) -> Vec<Cell<'a>> {
        let mut before = 0;
        let mut cells = Vec::new();
        for (span, Span { text, .. }) in self.line.iter().enumerate() {
            cells.extend(clusters(text).map(|Cluster { at, text, width }| {
                let room = self.width - self.indent;
                let (text, width) = if width > room { (TOO_WIDE, room.min(1)) } else { (text, width) };
                Cell { span, offset: before + at, text, width }
            }));
            before += text.len();
        }
        if self.width == 0 {
            cells.clear();
        }
        cells
    }

    fn push(&mut self, cells: &[Cell<'_>]) {
        let offset = cells.first().map_or(0, |cell| cell.offset);
        let mut row = Row::default();
        if self.is_continued || !self.rows.is_empty() {
            row.push(Span::plain(" ".repeat(self.indent)));
        }
        let mut room = self.width - row.width();
        for cell in cells {
            // Only spaces at the end do not fit.
            let Some(left) = room.checked_sub(cell.width) else { break };
            room = left;
            row.push_like(&self.line[cell.span], cell.text);
        }
        self.rows.push(WrappedRow { offset, row });
    }
}

/// Whether a row may end after `cell`.
fn is_break(cell: &Cell<'_>, next: Option<&Cell<'_>>) -> bool {
    let Some(next) = next else { return false };
    if next.is_space() {
        return false;
    }
    cell.is_space() || is_ideograph(next) || is_ideograph(cell) && !is_closing(next)
}

/// Texts of wide characters have no spaces.
fn is_ideograph(cell: &Cell<'_>) -> bool {
    cell.width > 1 && !is_closing(cell)
}

/// Whether this never begins a row.
fn is_closing(cell: &Cell<'_>) -> bool {
    cell.text.starts_with(|c: char| {
        ")]}.,;:!?\u{3001}\u{3002}\u{300d}\u{300f}\u{3011}\u{ff01}\u{ff09}\u{ff0c}\u{ff1a}\u{ff1b}\u{ff1f}\u{30fc}"
            .contains(c)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_at_words_below_the_last_column() {
        let row = "/me TEXT   describe what you do";
        assert_eq!(last_column(row), 11);
        assert_eq!(text(row, 24, last_column(row)), "/me TEXT   describe what\n           you do");
        assert_eq!((last_column("no  table at all   "), last_column("")), (4, 0));
        assert_eq!(text("a notice without columns", 11, 0), "a notice\nwithout\ncolumns");
        assert_eq!(text("", 10, 0), "");
    }
}
