use proptest::prelude::*;

use super::*;
use crate::view::span::{Role, Row, Span};
use crate::view::wrap::{WrappedRow, wrap};

/// Texts that are hard to measure: wide, joined, combining, right-to-left, zero width, tabs.
pub(crate) fn hard_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,12}".prop_map(String::from),
        3 => Just(" ".to_owned()),
        1 => "[ -~]{0,20}".prop_map(String::from),
        1 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const PIECES: &[&str] = &[
    "\u{65e5}\u{672c}\u{8a9e}",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1f1ee}\u{1f1e9}",
    "\u{1f44d}\u{1f3fd}",
    "e\u{301}",
    "\u{301}\u{301}",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    "\u{200b}",
    "\u{200d}",
    "\u{fe0f}",
    "2\u{fe0f}\u{20e3}",
    "\u{915}\u{94d}\u{937}\u{93f}\u{94d}\u{915}",
    "\u{1100}\u{1161}",
    "\t",
    "\n",
    "\r\n",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{3000}",
    "\u{1f1ee}",
];

fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    wrap(&[Span::plain(text)], width, indent, false).into_iter().map(|it| it.row.text()).collect()
}

#[test]
fn widths_are_those_of_terminals() {
    for (text, cells) in [
        ("", 0),
        ("abc", 3),
        ("\u{65e5}\u{672c}", 4),
        ("e\u{301}", 1),
        ("\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}", 2),
        ("\u{1f1ee}\u{1f1e9}", 2),
        ("\u{1f44d}\u{1f3fd}", 2),
        ("2\u{fe0f}\u{20e3}", 2),
        ("\u{5e9}\u{5dc}\u{5d5}\u{5dd}", 4),
        ("a\u{200b}b", 2),
    ] {
        assert_eq!(width(text), cells, "{text:?}");
    }
}

#[test]
fn a_cluster_of_many_cells_is_split() {
    let text = "\u{915}\u{94d}".repeat(50) + "\u{915}";
    let found: Vec<_> = clusters(&text).collect();
    assert!(found.iter().all(|cluster| cluster.width <= 2) && found.len() > 10, "{found:?}");
    assert_eq!(found.iter().map(|cluster| cluster.text).collect::<String>(), text);
}

#[test]
fn cuts_with_an_ellipsis() {
    assert_eq!((cut("lobby", 5), cut("lobbies", 5)), ("lobby".to_owned(), "lobb\u{2026}".to_owned()));
    assert_eq!((cut("\u{65e5}\u{672c}", 3), cut("x", 0)), ("\u{65e5}\u{2026}".to_owned(), String::new()));
    assert_eq!((fit("ab", 4), fit("\u{65e5}\u{672c}", 2)), ("ab  ".to_owned(), "\u{2026} ".to_owned()));
}

#[test]
fn tabs_keep_their_columns_and_controls_vanish() {
    let clean = |text: &str| clean_lines(text).collect::<Vec<_>>();
    assert_eq!(clean("a\tb\n\u{65e5}\u{672c}\tb\r\n"), ["a       b", "\u{65e5}\u{672c}    b"]);
    assert_eq!(clean("\tx\u{1b}[31m\u{7}\u{202e}"), ["        x[31m"]);
    assert_eq!(clean("a\u{2028}b\u{85}c\r"), ["a", "b", "c"]);
    assert_eq!(clean(""), [""]);
}

#[test]
fn rows_break_after_spaces_and_keep_the_indent() {
    assert_eq!(wrapped("anna: hello to all of you", 14, 6), ["anna: hello to", "      all of ", "      you"]);
    assert_eq!(wrapped("aaaa bbbbbbbbbbbb", 6, 0), ["aaaa ", "bbbbbb", "bbbbbb"]);
    assert_eq!(wrapped("    code", 20, 2), ["    code"]);
    assert_eq!(wrapped("ab   cd", 3, 0), ["ab ", "cd"]);
    assert_eq!(wrapped("", 3, 1), [""]);
}

#[test]
fn rows_break_between_wide_characters() {
    assert_eq!(wrapped("a\u{65e5}\u{672c}\u{8a9e}", 4, 0), ["a\u{65e5}", "\u{672c}\u{8a9e}"]);
    let full_stop = wrapped("\u{65e5}\u{672c}\u{8a9e}\u{3002}", 6, 0);
    assert_eq!(full_stop, ["\u{65e5}\u{672c}", "\u{8a9e}\u{3002}"], "no row begins with a full stop");
    assert_eq!(wrapped("\u{65e5}a", 1, 0), [TOO_WIDE, "a"]);
}

#[test]
fn an_indent_leaves_half_of_a_narrow_row() {
    assert_eq!(
        wrapped("a long name: text of it", 8, 13),
        ["a long ", "    name", "    : ", "    text", "    of ", "    it"]
    );
}

#[test]
fn marks_whole_clusters() {
    let row = Row { spans: vec![Span::plain("caf"), Span::new(Role::Own, "e\u{301} e")] }.mark("fe");
    let marked: Vec<_> = row.spans.iter().map(|span| (span.text.as_str(), span.is_match)).collect();
    assert_eq!(marked, [("ca", false), ("f", true), ("e\u{301}", true), (" e", false)]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn clusters_are_the_whole_text(text in hard_text()) {
        for line in clean_lines(&text) {
            let (mut at, mut cells) = (0, 0);
            for cluster in clusters(&line) {
                prop_assert_eq!(cluster.at, at);
                prop_assert!(cluster.width <= 2 && line[at..].starts_with(cluster.text));
                at += cluster.text.len();
                cells += cluster.width;
            }
            prop_assert_eq!((at, cells), (line.len(), width(&line)));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }

    #[test]
    fn no_row_is_wider_and_no_text_is_lost(text in hard_text(), width in 0_usize..30, indent in 0_usize..20) {
        let without_spaces = |text: &str| text.replace([' ', '\u{3000}'], "");
        for line in clean_lines(&text) {
            let rows = wrap(&[Span::plain(line.as_str())], width, indent, false);
            let mut shown = String::new();
            for (number, WrappedRow { row, offset }) in rows.iter().enumerate() {
                prop_assert!(row.width() <= width, "{row:?}");
                prop_assert!(number == 0 || rows[number - 1].offset < *offset || width == 0);
                shown.push_str(&row.text());
            }
            if width >= 4 {
                prop_assert_eq!(without_spaces(&shown), without_spaces(&line));
            }
        }
    }

    #[test]
    fn cut_text_fits(text in hard_text(), width in 0_usize..20) {
        for line in clean_lines(&text) {
            prop_assert!(super::width(&cut(&line, width)) <= width);
            prop_assert_eq!(super::width(&fit(&line, width)), width);
        }
    }

    #[test]
    fn a_mark_changes_no_text(text in hard_text(), word in "[a-e]{1,2}") {
        for line in clean_lines(&text) {
            let row = Row { spans: vec![Span::plain(line.as_str())] }.mark(&word);
            prop_assert_eq!(row.text(), line.clone());
            prop_assert!(row.width() >= width(&line));
        }
    }
}
