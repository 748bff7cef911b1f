use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;

use super::*;
use crate::session::tests::Screen;
use crate::temporary_dir;

fn display(dir: &DataDir, followed_to: u64, head: u64, screen: &Screen) -> Display {
    let mut preferences = Preferences::new(dir, &Fingerprint([7; 20]), "ANNA");
    preferences.load().unwrap();
    let start = DisplayStart { term: Term([9; 8]), skip_to: 0, since_ms: None, seen_to: None, followed_to };
    let mut display = Display::new(start, preferences);
    display.set_name("anna", head, screen);
    display
}

fn entry(display: &mut Display, seq: u64, author: &str, kind: EntryKind, body: &[u8], screen: &Screen) {
    let header = EntryHeader { seq, time_ms: 0, author, instance: 0, number: 0, kind };
    display.entry(&header, Content::Body(body), false, screen);
}

#[test]
fn ignored_members_are_hidden_counted_and_followed() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = display(&dir, 0, 0, &screen);
    anna.ignore("Bob", &screen);
    anna.ignore("bob", &screen);
    anna.ignore("ANNA", &screen);
    anna.ignore("b:b", &screen);
    let expected = [
        "lines of Bob are hidden from now on (/unignore Bob displays them again)",
        "bob is ignored already",
        "you cannot ignore yourself",
    ];
    assert_eq!(screen.take()[..3], expected);
    entry(&mut anna, 1, "bob", EntryKind::TEXT, b"one", &screen);
    entry(&mut anna, 2, "bob", EntryKind::RENAMED, b"robert", &screen);
    entry(&mut anna, 3, "robert", EntryKind::ACTION, b"waves", &screen);
    entry(&mut anna, 4, "bob", EntryKind::TEXT, b"another bob", &screen);
    assert_eq!(screen.take(), ["skip 1", "2 bob", "skip 3", "4 bob"]);
    assert_eq!(anna.ignored(), 2);
    let mut later = display(&dir, 4, 4, &screen);
    entry(&mut later, 2, "robert", EntryKind::RENAMED, b"rob", &screen);
    entry(&mut later, 5, "robert", EntryKind::TEXT, b"two", &screen);
    assert_eq!(screen.take(), ["2 robert", "skip 5"], "a rename that was followed before is not followed again");
    later.list_ignored(&screen);
    later.unignore("Robert", &screen);
    later.unignore("robert", &screen);
    let expected = ["ignored: robert", "lines of Robert are displayed again", "robert is not ignored"];
    assert_eq!(screen.take(), expected);
}

#[test]
fn joins_are_hidden_and_kicks_are_not() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    display(&dir, 0, 0, &screen).show_joins(false, &screen);
    screen.take();
    let mut anna = display(&dir, 0, 0, &screen);
    for (seq, kind) in [(1, EntryKind::JOINED), (2, EntryKind::LEFT), (3, EntryKind::KICKED)] {
        entry(&mut anna, seq, "bob", kind, b"", &screen);
    }
    assert_eq!(screen.take(), ["skip 1", "skip 2", "3 bob"]);
}

#[test]
fn own_name_follows_renames_after_the_join_only() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = display(&dir, 0, 10, &screen);
    entry(&mut anna, 9, "anna", EntryKind::RENAMED, b"eka", &screen);
    assert_eq!(anna.name(), "anna", "that was another member");
    entry(&mut anna, 11, "anna", EntryKind::RENAMED, b"ann", &screen);
    assert_eq!(anna.name(), "ann");
}

#[test]
fn last_own_entry_is_one_that_is_not_removed() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = display(&dir, 0, 0, &screen);
    for seq in 1..=100 {
        entry(&mut anna, seq, "anna", EntryKind::TEXT, b"own", &screen);
    }
    entry(&mut anna, 101, "bob", EntryKind::TEXT, b"other", &screen);
    assert_eq!((anna.last_own(), anna.own.len()), (Some(100), MAX_OWN));
    entry(&mut anna, 102, "anna", EntryKind::REMOVAL, &100_u64.to_be_bytes(), &screen);
    assert_eq!(anna.last_own(), Some(99));
    anna.reset();
    assert_eq!(anna.last_own(), None);
}

#[test]
fn entries_before_a_time_are_not_displayed() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = display(&dir, 0, 0, &screen);
    anna.since_ms = Some(1_000);
    for (seq, time_ms) in [(1, 10), (2, 999), (3, 1_000), (4, 900), (5, 2_000)] {
        let (author, kind) = ("bob", EntryKind::TEXT);
        let header = EntryHeader { seq, time_ms, author, instance: 0, number: 0, kind };
        anna.entry(&header, Content::Body(b"text"), false, &screen);
    }
    assert_eq!(screen.take(), ["3 bob", "4 bob", "5 bob"], "also if the server's clock was set back");
}
