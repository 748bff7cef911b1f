//! Pictures of a terminal's screen, as SVG.

use std::fmt::Write as _;

use vt100::{Cell, Color, Screen};

/// The size of a cell, in pixels.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
/// From the top of a cell to the baseline of its text.
const BASELINE: f32 = 13.5;
/// The space around the cells.
const MARGIN: f32 = 12.0;

const FOREGROUND: &str = "#d8d8d8";
const BACKGROUND: &str = "#1b1d21";

/// The 16 colours of the terminal.
const COLOURS: [&str; 16] = [
    "#1b1d21", "#e06c75", "#98c379", "#d8b06c", "#61afef", "#c678dd", "#56b6c2", "#c8ccd4", "#5c6370", "#ef7a85",
    "#a8d98c", "#f0c674", "#7cc0ff", "#d690ea", "#6fd0dc", "#ffffff",
];
/// The steps of each component in the cube of 216 colours.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// How a cell is drawn.
#[derive(Clone, PartialEq, Eq)]
struct Style {
    foreground: String,
    background: String,
    is_bold: bool,
    is_dim: bool,
    is_italic: bool,
    is_underlined: bool,
}

/// Draws a screen, without its cursor.
#[must_use]
pub fn svg(screen: &Screen) -> String {
    let (rows, columns) = screen.size();
    let (width, height) = (x(columns) + MARGIN, y(rows) + MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            column = run(screen, row, column, columns, &mut svg);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn x(column: u16) -> f32 {
    f32::from(column).mul_add(WIDTH, MARGIN)
}

fn y(row: u16) -> f32 {
    f32::from(row).mul_add(HEIGHT, MARGIN)
}

/// Draws the cells from `first` on that have the same style. Returns the next column.
fn run(screen: &Screen, row: u16, first: u16, columns: u16, svg: &mut String) -> u16 {
    let Some(cell) = screen.cell(row, first) else { return columns };
    let (style, mut text, mut next) = (style(cell), String::new(), first);
    while let Some(cell) = screen.cell(row, next).filter(|cell| next < columns && self::style(cell) == style) {
        if cell.is_wide_continuation() {
            next += 1;
            continue;
        }
        // The width of other characters than letters depends on the font: they stand alone.
        let is_plain = cell.contents().is_ascii();
        if !is_plain && !text.trim().is_empty() {
            break;
        }
        text.push_str(if cell.has_contents() { cell.contents() } else { " " });
        next += if cell.is_wide() { 2 } else { 1 };
        if !is_plain {
            break;
        }
    }
    let (left, top, width) = (x(first), y(row), f32::from(next - first) * WIDTH);
    if style.background != BACKGROUND {
        let colour = &style.background;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.0}\" width=\"{width:.1}\" height=\"{HEIGHT:.0}\" fill=\"{colour}\"/>"
        );
    }
    if !text.trim().is_empty() {
        let leading = text.len() - text.trim_start().len();
        let left = f32::from(u16::try_from(leading).unwrap_or(0)).mul_add(WIDTH, left);
        let (baseline, text) = (top + BASELINE, escaped(text.trim()));
        let attributes = attributes(&style);
        let _ = writeln!(svg, "<text x=\"{left:.1}\" y=\"{baseline:.1}\"{attributes}>{text}</text>");
    }
    next.max(first + 1)
}

fn attributes(style: &Style) -> String {
    let mut attributes = format!(" fill=\"{}\" xml:space=\"preserve\"", style.foreground);
    for (is_set, attribute) in [
        (style.is_bold, " font-weight=\"bold\""),
        (style.is_dim, " opacity=\"0.6\""),
        (style.is_italic, " font-style=\"italic\""),
        (style.is_underlined, " text-decoration=\"underline\""),
    ] {
        attributes.push_str(if is_set { attribute } else { "" });
    }
    attributes
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn style(cell: &Cell) -> Style {
    let (mut foreground, mut background) = (colour(cell.fgcolor(), FOREGROUND), colour(cell.bgcolor(), BACKGROUND));
    if cell.inverse() {
        std::mem::swap(&mut foreground, &mut background);
    }
    Style {
        foreground,
        background,
        is_bold: cell.bold(),
        is_dim: cell.dim(),
        is_italic: cell.italic(),
        is_underlined: cell.underline(),
    }
}

fn colour(colour: Color, default: &str) -> String {
    match colour {
        Color::Default => default.to_owned(),
        Color::Idx(index @ 0..=15) => COLOURS[usize::from(index)].to_owned(),
        Color::Idx(index @ 16..=231) => {
            let index = index - 16;
            let step = |index: u8| STEPS[usize::from(index % 6)];
            format!("#{:02x}{:02x}{:02x}", step(index / 36), step(index / 6), step(index))
        }
        Color::Idx(index) => format!("#{0:02x}{0:02x}{0:02x}", 8 + 10 * (index - 232)),
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
    }
}

/// Returns the texts of a picture without what differs in each run: every number is 0, and the line
/// for the day is left out.
#[must_use]
pub fn texts(svg: &str) -> Vec<String> {
    let texts = svg.lines().filter_map(|line| line.strip_suffix("</text>")?.rsplit_once('>'));
    let texts = texts.map(|(_, text)| {
        let mut without = text.replace(|c: char| c.is_ascii_digit(), "0");
        while without.contains("00") {
            without = without.replace("00", "0");
        }
        without
    });
    let is_of_day =
        |text: &str| text == "\u{2500}" || matches!(text.split(' ').collect::<Vec<_>>()[..], [_, "0", _, "0"]);
    texts.filter(|text| !is_of_day(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::{svg, texts};

    #[test]
    fn text_is_escaped_and_has_its_style() {
        let mut parser = vt100::Parser::new(3, 20, 0);
        let row = "\u{2500} Sun 29 Nov 2026 \u{2500}";
        parser.process(format!("<b> \x1b[1;31m&\x1b[0m \x1b[7mx\x1b[0m\r\n\u{65e5} 10:42\r\n{row}").as_bytes());
        let picture = svg(parser.screen());
        assert!(picture.contains(">&lt;b&gt;</text>") && picture.contains("#e06c75") && !picture.contains("<b>"));
        assert_eq!(texts(&picture), ["&lt;b&gt;", "&amp;", "x", "\u{65e5}", "0:0"]);
        assert!(picture.contains("y=\"12\" width=\"8.4\" height=\"18\" fill=\"#d8d8d8\""), "inverse: {picture}");
    }
}
