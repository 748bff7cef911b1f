use proptest::prelude::*;

use super::*;
use crate::view::text::tests::hard_text;
use crate::view::text::width;

fn at(text: &str) -> Editor {
    let (before, after) = text.split_once('|').unwrap();
    let mut editor = Editor::with_text(&format!("{before}{after}"));
    editor.set_cursor(before.len());
    editor
}

fn shown(editor: &Editor) -> String {
    let (before, after) = editor.text().split_at(editor.cursor());
    format!("{before}|{after}")
}

fn edited(text: &str, edit: impl FnOnce(&mut Editor)) -> String {
    let mut editor = at(text);
    edit(&mut editor);
    shown(&editor)
}

#[test]
fn moves_over_clusters_and_words() {
    let go = |text: &str, motion| edited(text, |editor| editor.go(motion));
    assert_eq!(go("ae\u{301}|", Motion::Left), "a|e\u{301}");
    assert_eq!(go("|\u{1f469}\u{200d}\u{1f467}x", Motion::Right), "\u{1f469}\u{200d}\u{1f467}|x");
    assert_eq!(go("|", Motion::Left), "|");
    assert_eq!(go("one, two|", Motion::WordLeft), "one, |two");
    assert_eq!(go("one, |two", Motion::WordLeft), "|one, two");
    assert_eq!(go("one|, two", Motion::WordRight), "one, two|");
    assert_eq!(go("a\nbc|d\ne", Motion::LineStart), "a\n|bcd\ne");
    assert_eq!(go("a\nb|cd\ne", Motion::LineEnd), "a\nbcd|\ne");
}

#[test]
fn deletes_and_returns_what_was_deleted() {
    let mut editor = at("one, two|");
    assert_eq!((editor.delete(Motion::WordLeft).as_str(), shown(&editor).as_str()), ("two", "one, |"));
    assert_eq!(edited("ae\u{301}|b", |editor| drop(editor.delete(Motion::Left))), "a|b");
    assert_eq!(edited("a|e\u{301}b", |editor| drop(editor.delete(Motion::Right))), "a|b");
    assert_eq!(edited("a|", |editor| assert_eq!(editor.delete(Motion::Right), "")), "a|");
}

#[test]
fn the_cursor_stays_between_clusters() {
    assert_eq!(edited("e|x", |editor| assert!(editor.insert("\u{301}"))), "e\u{301}|x");
    assert_eq!(edited("|\u{301}x", |editor| assert!(editor.insert("e"))), "e\u{301}|x");
    let merged = edited("\u{1f469}\u{200d}|a\u{1f467}", |editor| drop(editor.delete(Motion::Right)));
    assert_eq!(merged, "\u{1f469}\u{200d}\u{1f467}|");
}

#[test]
fn a_paste_keeps_lines_and_tabs_only() {
    assert_eq!(edited("|", |editor| assert!(editor.insert("a\r\nb\tc\rd\u{1b}[2J\u{7}"))), "a\nb\tc\nd[2J|");
    let mut editor = Editor::default();
    assert!(!editor.insert(&"\u{e9}".repeat(MAX_LEN)), "too long");
    assert_eq!(editor.text().len(), MAX_LEN);
    assert!(!editor.insert("x"));
}

#[test]
fn undoes_words_that_were_typed_in_one_piece() {
    let mut editor = Editor::default();
    "one two".chars().for_each(|c| assert!(editor.insert(c.encode_utf8(&mut [0; 4]))));
    let steps: Vec<_> = std::iter::from_fn(|| editor.undo().then(|| editor.text().to_owned())).collect();
    assert_eq!(steps, ["one ", "one", ""]);
    editor.insert("a text");
    assert_eq!(editor.take(), "a text");
    assert!(editor.undo() && editor.text() == "a text");
}

#[test]
fn moves_through_rows_and_keeps_the_column() {
    let mut editor = at("abcdef\ngh\nijkl|");
    assert!(editor.go_rows(5, -1));
    assert_eq!(shown(&editor), "abcdef\ngh|\nijkl");
    assert!(editor.go_rows(5, -2));
    assert_eq!(shown(&editor), "abcd|ef\ngh\nijkl");
    assert!(!editor.go_rows(5, -1));
}

#[test]
fn the_cursor_after_a_full_row_is_in_the_next_one() {
    let editor = at("abcd|");
    assert_eq!(editor.window(4, 3), (vec!["abcd".to_owned(), String::new()], (1, 0)));
    assert_eq!(at("ab|cd").window(4, 1), (vec!["abcd".to_owned()], (0, 2)));
    assert_eq!(at("abc\u{65e5}|").window(4, 5).0, ["abc", "\u{65e5}"]);
    assert_eq!(at("a\tb|").window(20, 1), (vec!["a       b".to_owned()], (0, 9)));
}

#[test]
fn recalls_what_was_typed() {
    let (mut editor, mut recall) = (Editor::with_text("draft"), Recall::default());
    ["one", "two", "two", " "].iter().for_each(|text| recall.add(text));
    let mut earlier = || (editor.recall_earlier(&mut recall), editor.text().to_owned());
    assert_eq!(earlier(), (true, "two".to_owned()));
    assert_eq!(earlier(), (true, "one".to_owned()));
    assert_eq!(earlier(), (false, "one".to_owned()));
    let mut later = || (editor.recall_later(&mut recall), editor.text().to_owned());
    assert_eq!(later(), (true, "two".to_owned()));
    assert_eq!(later(), (true, "draft".to_owned()));
    assert_eq!(later(), (false, "draft".to_owned()));
}

#[test]
fn what_was_typed_is_bounded() {
    let mut recall = Recall::default();
    (0..1000).for_each(|number| recall.add(&format!("{number}")));
    assert!(std::iter::from_fn(|| recall.earlier("")).count() <= 200);
    (0..10).for_each(|number| recall.add(&number.to_string().repeat(60_000)));
    assert!(std::iter::from_fn(|| recall.earlier("")).map(|text| text.len()).sum::<usize>() <= 256 * 1024);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(String),
    Go(Motion),
    Delete(Motion),
    Rows(isize),
    Undo,
    Complete(usize, String),
}

fn step() -> impl Strategy<Value = Step> {
    let motions =
        [Motion::Left, Motion::Right, Motion::WordLeft, Motion::WordRight, Motion::LineStart, Motion::LineEnd];
    let motion = || proptest::sample::select(motions.to_vec());
    prop_oneof![
        3 => hard_text().prop_map(Step::Insert),
        3 => motion().prop_map(Step::Go),
        1 => motion().prop_map(Step::Delete),
        2 => (-3_isize..4).prop_map(Step::Rows),
        1 => Just(Step::Undo),
        1 => (0_usize..40, hard_text()).prop_map(|(start, text)| Step::Complete(start, text)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn the_cursor_is_always_inside(steps in proptest::collection::vec(step(), 0..20), columns in 0_usize..30, height in 0_usize..6) {
        let mut editor = Editor::default();
        for step in steps {
            match &step {
                Step::Insert(text) => drop(editor.insert(text)),
                Step::Go(motion) => editor.go(*motion),
                Step::Delete(motion) => drop(editor.delete(*motion)),
                Step::Rows(rows) => drop(editor.go_rows(columns, *rows)),
                Step::Undo => drop(editor.undo()),
                Step::Complete(start, text) => editor.complete(*start, &clean_input(text)),
            }
            let cursor = editor.cursor();
            let is_between = cursor == editor.text().len() || editor.text().grapheme_indices(true).any(|(at, _)| at == cursor);
            prop_assert!(is_between, "{:?} {:?}", step, editor);
            let (rows, (row, column)) = editor.window(columns, height);
            prop_assert!(rows.len() <= height && (row < height || height == 0), "{rows:?} {row}");
            prop_assert!(column < columns || columns == 0, "{column}");
            for row in &rows {
                prop_assert!(width(row) <= columns, "{row:?}");
            }
            if height > 0 && columns > 0 {
                let before = width(&rows[row]);
                prop_assert!(column <= before || column == 0, "{rows:?} {row} {column}");
            }
        }
    }

    #[test]
    fn rows_have_the_whole_text(text in hard_text(), columns in 2_usize..30) {
        let editor = Editor::with_text(&text);
        let rows = Layout::new(editor.text(), columns).rows;
        let shown: String = rows.iter().map(|row| row.text.as_str()).collect();
        let without_spaces = |text: &str| text.replace([' ', '\t', '\n'], "");
        prop_assert_eq!(without_spaces(&shown), without_spaces(editor.text()));
    }
}
