//! Frames in cells.

use std::collections::HashMap;
use std::sync::Arc;

use ratatui::layout::Position;
use unicode_width::UnicodeWidthStr as _;

use super::theme::Theme;
use crate::view::frame::{Area, Frame};
use crate::view::span::Span;
use crate::view::text::{Cluster, clusters};

/// Displayed instead of what this terminal library measures in another way.
const UNKNOWN: &str = "\u{fffd}";

/// The links on the screen, by cell.
pub(super) type Links = HashMap<(u16, u16), Arc<str>>;

/// Draws a frame. A screen that was made smaller meanwhile has less of it.
pub(super) fn frame(frame: &Frame, theme: Theme, canvas: &mut ratatui::Frame<'_>) {
    let area = canvas.area();
    let buffer = canvas.buffer_mut();
    for_each_cluster(frame, |x, y, span, cluster| {
        // What this library measures in another way would shift the rest of the row.
        let symbol = if cluster.text.width() == cluster.width { cluster.text } else { UNKNOWN };
        for (number, x) in (x..x + cluster.width).enumerate() {
            if let Some(cell) = position(x, y).and_then(|position| buffer.cell_mut(position)) {
                cell.reset();
                cell.set_symbol(if number == 0 { symbol } else { " " }).set_style(theme.style(span));
            }
        }
    });
    if let Some(cursor) = frame.cursor.and_then(|(x, y)| position(x, y)).filter(|cursor| area.contains(*cursor)) {
        canvas.set_cursor_position(cursor);
    }
}

/// Returns the links of a frame.
pub(super) fn links(frame: &Frame) -> Links {
    let mut links = Links::new();
    for_each_cluster(frame, |x, y, span, cluster| {
        if let Some(link) = &span.link {
            let cells = (x..x + cluster.width).filter_map(|x| position(x, y));
            links.extend(cells.map(|cell| ((cell.x, cell.y), Arc::clone(link))));
        }
    });
    links
}

/// Calls `each` with column, row, span and cluster of everything that takes cells.
fn for_each_cluster<'a>(frame: &'a Frame, mut each: impl FnMut(usize, usize, &'a Span, Cluster<'a>)) {
    for Area { rect, rows } in &frame.areas {
        for (y, row) in (rect.y..).zip(rows) {
            let mut x = rect.x;
            for span in &row.spans {
                for cluster in clusters(&span.text).filter(|cluster| cluster.width > 0) {
                    each(x, y, span, cluster);
                    x += cluster.width;
                }
            }
        }
    }
}

fn position(x: usize, y: usize) -> Option<Position> {
    Some(Position::new(u16::try_from(x).ok()?, u16::try_from(y).ok()?))
}
