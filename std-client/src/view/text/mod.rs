//! Text in cells of a terminal: grapheme clusters, their widths, and texts cut to a width.
//!
//! [`links`]: addresses of pages in a text. [`find`]: a word in a text, in any case.

pub mod find;
pub mod invites;
pub mod links;
#[cfg(test)]
pub(crate) mod tests;

use kabar_std::text::clean_line;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Distance of tab stops, in cells.
pub(super) const TAB: usize = 8;

/// The widest cluster that is kept in one piece. Terminals disagree about wider ones, which are
/// sequences of letters of Indic scripts.
const MAX_CLUSTER_WIDTH: usize = 2;

/// Replaces a cluster that is wider than the whole row.
pub(super) const TOO_WIDE: &str = "\u{fffd}";

/// What follows a text that was cut.
const ELLIPSIS: char = '\u{2026}';

/// A piece of a text that takes whole cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cluster<'a> {
    /// Its position in the text, in bytes.
    pub at: usize,
    /// Its characters.
    pub text: &'a str,
    /// Its cells: 0, 1 or 2.
    pub width: usize,
}

/// Returns the clusters of `text`, which has no control characters. They are grapheme clusters,
/// except for very wide ones, which are split.
pub fn clusters(text: &str) -> impl Iterator<Item = Cluster<'_>> {
    text.grapheme_indices(true).flat_map(|(at, text)| {
        let width = text.width();
        let is_whole = width <= MAX_CLUSTER_WIDTH;
        let whole = is_whole.then_some(Cluster { at, text, width });
        let parts = (!is_whole).then(|| split(at, text));
        whole.into_iter().chain(parts.into_iter().flatten())
    })
}

/// Splits a cluster before each character that takes cells.
fn split(start: usize, cluster: &str) -> impl Iterator<Item = Cluster<'_>> {
    let takes_cells = |c: char| c.encode_utf8(&mut [0; 4]).width() > 0;
    let mut starts = cluster.char_indices().filter(move |(at, c)| *at == 0 || takes_cells(*c)).map(|(at, _)| at);
    let mut next = starts.next();
    std::iter::from_fn(move || {
        let at = next?;
        next = starts.next();
        let text = &cluster[at..next.unwrap_or(cluster.len())];
        // The width of a sequence is at most that of its first character, by construction.
        let width = text.width().min(MAX_CLUSTER_WIDTH);
        Some(Cluster { at: start + at, text, width })
    })
}

/// Returns the number of cells that `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { clusters(text).map(|cluster| cluster.width).sum() }
}

/// Cuts `text` to `width` cells; an ellipsis takes the place of what is cut.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut used = 0;
    let mut kept: String = clusters(text)
        .take_while(|cluster| {
            used += cluster.width;
            used <= room
        })
        .map(|cluster| cluster.text)
        .collect();
    kept.push(ELLIPSIS);
    kept
}

/// Cuts `text` to `width` cells, or fills it with spaces to that width.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let missing = width.saturating_sub(self::width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// Returns the lines of a text from the network, without anything that must not reach a terminal
/// ([`kabar_std::text`]). Tabs are expanded, so that columns stay columns.
pub fn clean_lines(text: &str) -> impl Iterator<Item = String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.split(is_line_end).map(|line| expand_tabs(line.strip_suffix('\r').unwrap_or(line)))
}

/// Whether a line ends here: as in [`kabar_std::text::clean_text`].
const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn expand_tabs(line: &str) -> String {
    let mut columns = line.split('\t').map(clean_line);
    let mut expanded = columns.next().unwrap_or_default();
    for column in columns {
        let fill = TAB - width(&expanded) % TAB;
        expanded.extend(std::iter::repeat_n(' ', fill));
        expanded.push_str(&column);
    }
    expanded
}
