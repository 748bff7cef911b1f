//! The rows of a text that is being typed. Unlike rows of the transcript they break between any two
//! clusters, so that every position has its place.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::view::text::{Cluster, TAB, TOO_WIDE, clusters};

/// A row.
#[derive(Clone, Debug, Default)]
pub(super) struct EditorRow {
    /// What is displayed.
    pub(super) text: String,
    /// The positions of the cursor in the row: bytes of the text, and the column.
    stops: Vec<(usize, usize)>,
    width: usize,
}

/// A text in rows of a width.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// At least one.
    pub(super) rows: Vec<EditorRow>,
    width: usize,
}

impl Layout {
    pub(super) fn new(text: &str, width: usize) -> Self {
        let mut layout = Self { rows: Vec::new(), width };
        let mut start = 0;
        for line in text.split('\n') {
            layout.rows.push(EditorRow::default());
            for (at, grapheme) in line.grapheme_indices(true) {
                for cluster in clusters(grapheme) {
                    layout.push(start + at, cluster);
                }
            }
            start += line.len();
            // The cursor after a full row is in the next one.
            layout.make_room(1);
            layout.stop(start);
            start += 1;
        }
        layout
    }

    fn push(&mut self, position: usize, cluster: Cluster<'_>) {
        let tab = |column: usize| (TAB - column % TAB).min(self.width);
        let is_tab = cluster.text == "\t";
        let column = self.rows.last().map_or(0, |row| row.width);
        let (text, width) = match cluster {
            _ if is_tab => ("", tab(column)),
            Cluster { width, .. } if width > self.width => (TOO_WIDE, self.width.min(1)),
            Cluster { text, width, .. } => (text, width),
        };
        self.make_room(width);
        let column = self.rows.last().map_or(0, |row| row.width);
        let width = if is_tab { (TAB - column % TAB).min(self.width - column) } else { width };
        if cluster.at == 0 {
            self.stop(position);
        }
        if let Some(row) = self.rows.last_mut().filter(|_| self.width > 0) {
            row.text.push_str(text);
            if is_tab {
                row.text.extend(std::iter::repeat_n(' ', width));
            }
            row.width += width;
        }
    }

    /// Begins another row if this one has no space for `width` cells.
    fn make_room(&mut self, width: usize) {
        let used = self.rows.last().map_or(0, |row| row.width);
        if used > 0 && used + width > self.width {
            self.rows.push(EditorRow::default());
        }
    }

    fn stop(&mut self, position: usize) {
        if let Some(row) = self.rows.last_mut() {
            row.stops.push((position, row.width));
        }
    }

    /// Returns row and column of a position in the text.
    pub(super) fn position(&self, cursor: usize) -> (usize, usize) {
        let is_before = |row: &EditorRow| row.stops.first().is_some_and(|(position, _)| *position <= cursor);
        let row = self.rows.partition_point(is_before).saturating_sub(1);
        let stops = self.rows.get(row).map_or(&[][..], |row| &row.stops);
        let at = stops.partition_point(|(position, _)| *position <= cursor).saturating_sub(1);
        (row, stops.get(at).map_or(0, |(_, column)| *column))
    }

    /// Returns the position in this row that is nearest to a column; `None`: there is no such row.
    pub(super) fn at(&self, row: usize, column: usize) -> Option<usize> {
        let stops = &self.rows.get(row)?.stops;
        let at = stops.partition_point(|(_, stop)| *stop <= column).saturating_sub(1);
        stops.get(at).map(|(position, _)| *position)
    }
}
