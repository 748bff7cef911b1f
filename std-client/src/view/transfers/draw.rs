//! Rows about transfers: above the input as long as there are some, and in the whole list.

use kabar_std::text::clean_line;

use super::{Item, TransferList};
use crate::engine::RoomId;
use crate::engine::event::TransferState;
use crate::language::message;
use crate::messages::transfers::{percent, state_texts, summary_texts};
use crate::view::span::{Role, Row, Span};
use crate::view::text;

/// Rows above the input at most.
pub const MAX_ROWS: usize = 2;
/// The smallest screen that has all of them; others have one.
const ROWS_FROM: (usize, usize) = (64, 16);
/// The narrowest list with one row per transfer.
const COLUMNS_FROM: usize = 56;
/// Cells of a bar, at least and at most.
const BAR: (u64, u64) = (8, 20);
/// Cells that a long name has at least, on a row of twice that.
const NAME: usize = 16;
/// Cells between columns.
const GAP: usize = 2;

/// Returns the number of rows above the input, on a screen of this size.
#[must_use]
pub fn height(transfers: &TransferList, width: usize, height: usize) -> usize {
    let max = if width >= ROWS_FROM.0 && height >= ROWS_FROM.1 { MAX_ROWS } else { 1 };
    match transfers.open().count() {
        0 => 0,
        open if open <= max => open,
        _ => 1,
    }
}

/// Returns the rows above the input: one per transfer if they fit, or one about all. The room is
/// displayed unless it is `shown`.
#[must_use]
pub fn rows(transfers: &TransferList, shown: Option<RoomId>, width: usize, height: usize) -> Vec<Row> {
    let open: Vec<_> = transfers.open().collect();
    if height == 0 || open.is_empty() {
        return Vec::new();
    }
    if open.len() > height {
        return vec![summary_row(transfers, width)];
    }
    let labels: Vec<_> = open.iter().map(|item| label(item, Some(item.transfer.room) != shown)).collect();
    let widest = labels.iter().map(|label| text::width(label)).max().unwrap_or(0);
    open.iter().zip(&labels).map(|(item, label)| row(item, label, widest, width)).collect()
}

/// Returns the rows of the whole list. The selected transfer is among them.
#[must_use]
pub fn list_rows(transfers: &TransferList, width: usize, height: usize) -> Vec<Row> {
    let all = transfers.all();
    let heading = if all.is_empty() { message!("transfers-none") } else { message!("transfers-heading") };
    let mut rows = vec![Row::of(Role::Heading, text::cut(&heading, width))];
    let is_in_columns = width >= COLUMNS_FROM;
    let rows_each = if is_in_columns { 1 } else { 2 };
    let fitting = (height.saturating_sub(1) / rows_each).max(1);
    let selected = transfers.selected_index(&all);
    let first = (selected + 1).saturating_sub(fitting);
    let visible: Vec<_> = all.iter().enumerate().skip(first).take(fitting).collect();
    let labels: Vec<_> = visible.iter().map(|(_, item)| numbered_label(item)).collect();
    let widest = labels.iter().map(|label| text::width(label)).max().unwrap_or(0);
    for ((at, item), label) in visible.into_iter().zip(labels) {
        let both = match is_in_columns {
            true => vec![row(item, &label, widest.min(width / 2), width)],
            false => vec![Row::of(role(item), text::cut(&label, width)), state_row(item, width)],
        };
        rows.extend(both.into_iter().map(|row| if at == selected { selected_row(row, width) } else { row }));
    }
    rows.truncate(height);
    rows
}

fn selected_row(mut row: Row, width: usize) -> Row {
    row.spans.iter_mut().for_each(|span| span.role = Role::Selected);
    row.fit(width, Role::Selected)
}

fn label(item: &Item, has_room: bool) -> String {
    let arrow = if item.transfer.is_upload { '\u{2191}' } else { '\u{2193}' };
    let room = if has_room { format!(" #{}", clean_line(&item.room)) } else { String::new() };
    format!("{arrow} {}{room}", clean_line(&item.transfer.name))
}

fn numbered_label(item: &Item) -> String {
    format!("{:>2} {}", item.transfer.id.0, label(item, true))
}

const fn role(item: &Item) -> Role {
    match &item.transfer.state {
        TransferState::Failed(_) => Role::Error,
        TransferState::Waiting(_) | TransferState::Cancelled => Role::Placeholder,
        _ => Role::Text,
    }
}

/// A row with the label, a bar if there is space, and the longest form of the state that fits.
fn row(item: &Item, label: &str, widest: usize, width: usize) -> Row {
    let states = state_texts(&item.transfer);
    let least = text::width(label).min(NAME).min(width / 2);
    let fits = |state: &&String| least + GAP + text::width(state) <= width;
    let state = states.iter().find(fits).or(states.last()).cloned().unwrap_or_default();
    let state_width = text::width(&state);
    let label_width = widest.min(width.saturating_sub(GAP + state_width).max(least));
    let space = width.saturating_sub(label_width + state_width + 2 * GAP);
    let mut row = Row::of(role(item), text::fit(label, label_width));
    row.push(Span::plain(" ".repeat(GAP)));
    if let Some(percent) = percent(&item.transfer) {
        bar(&mut row, percent, space);
    }
    row.push(Span::new(role(item), state));
    row.cut(width)
}

/// The second row of a transfer in a narrow list.
fn state_row(item: &Item, width: usize) -> Row {
    let mut row = Row::of(Role::Text, " ".repeat(GAP * 2));
    let states = state_texts(&item.transfer);
    let fits = |state: &&String| GAP * 2 + text::width(state) <= width;
    row.push(Span::new(role(item), states.iter().find(fits).or(states.last()).cloned().unwrap_or_default()));
    row.cut(width)
}

fn summary_row(transfers: &TransferList, width: usize) -> Row {
    let summary = transfers.summary();
    let part = |arrow, count| if count > 0 { format!("{arrow}{count} ") } else { String::new() };
    let label = part('\u{2191}', summary.sending) + &part('\u{2193}', summary.receiving);
    let texts = summary_texts(summary.measured, summary.size);
    let fits = |state: &&String| text::width(&label) + 1 + text::width(state) <= width;
    let state = texts.iter().find(fits).or(texts.last()).cloned().unwrap_or_default();
    Row::of(Role::Text, format!("{label} {state}")).cut(width)
}

/// Appends a bar and a gap, if it has at least the smallest width in these cells.
fn bar(row: &mut Row, percent: u64, space: usize) {
    let (least, most) = BAR;
    let cells = u64::try_from(space).unwrap_or(most).min(most);
    if cells < least {
        return;
    }
    let done = cells * percent.min(100) / 100;
    let repeat = |symbol: &str, count| symbol.repeat(usize::try_from(count).unwrap_or(0));
    row.push(Span::plain(repeat("\u{2501}", done)));
    row.push(Span::new(Role::Border, repeat("\u{2500}", cells - done)));
    row.push(Span::plain(" ".repeat(GAP)));
}
