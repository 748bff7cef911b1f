use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::RoomName;

use super::*;
use crate::cursor::CursorFile;
use crate::preferences::Preferences;
use crate::session::tests::Screen;
use crate::temporary_dir;

/// A member called anna, and her display of the lobby.
struct Anna {
    person: Person,
    display: Display,
}

impl Anna {
    fn new(dir: &DataDir, followed_to: u64, head: u64, screen: &Screen) -> Self {
        let mut preferences = Preferences::new(dir, &Fingerprint([7; 20]), "ANNA");
        preferences.load().unwrap();
        let mut person = Person::new(preferences);
        person.set_name("anna", screen);
        let display = Display::new(DisplayStart { term: Term([9; 8]), head, seen_to: None, followed_to }, None);
        Self { person, display }
    }

    fn entry_in(&mut self, view: RoomView<'_>, seq: u64, author: &str, kind: EntryKind, body: &[u8]) {
        let header = EntryHeader { seq, time_ms: 0, author, instance: 0, number: 0, kind };
        self.display.entry(&header, Content::Body(body), false, &mut self.person, view, Instant::ZERO);
    }

    fn entry(&mut self, seq: u64, author: &str, kind: EntryKind, body: &[u8], screen: &Screen) {
        self.entry_in(screen.lobby(), seq, author, kind, body);
    }
}

/// The file of a position, which makes hidden entries visible to the test.
fn cursor_file(dir: &DataDir) -> Option<SharedCursorFile> {
    let lobby = RoomName::default();
    Some(SharedCursorFile::new(CursorFile::open(dir, &Fingerprint([7; 20]), &lobby, "ANNA", &[]).file))
}

#[test]
fn ignored_members_are_hidden_counted_and_followed() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = Anna::new(&dir, 0, 0, &screen);
    anna.display.file = cursor_file(&dir);
    anna.person.ignore("Bob", &screen);
    anna.person.ignore("bob", &screen);
    anna.person.ignore("ANNA", &screen);
    anna.person.ignore("b:b", &screen);
    let expected = [
        "lines of Bob are hidden from now on (/unignore Bob displays them again)",
        "bob is ignored already",
        "you cannot ignore yourself",
    ];
    assert_eq!(screen.take()[..3], expected);
    anna.entry(1, "bob", EntryKind::TEXT, b"one", &screen);
    anna.entry(2, "bob", EntryKind::RENAMED, b"robert", &screen);
    anna.entry(3, "robert", EntryKind::ACTION, b"waves", &screen);
    anna.entry(4, "bob", EntryKind::TEXT, b"another bob", &screen);
    assert_eq!(screen.take(), ["skip 1", "2 bob", "skip 3", "4 bob"]);
    assert_eq!(anna.person.ignored(), 2);
    anna.display.file = None;
    let mut later = Anna::new(&dir, 4, 4, &screen);
    later.display.file = cursor_file(&dir);
    later.entry(2, "robert", EntryKind::RENAMED, b"rob", &screen);
    later.entry(5, "robert", EntryKind::TEXT, b"two", &screen);
    assert_eq!(screen.take(), ["2 robert", "skip 5"], "a rename that was followed before is not followed again");
    later.person.list_ignored(&screen);
    later.person.unignore("Robert", &screen);
    later.person.unignore("robert", &screen);
    let expected = ["ignored: robert", "lines of Robert are displayed again", "robert is not ignored"];
    assert_eq!(screen.take(), expected);
}

#[test]
fn joins_are_hidden_and_kicks_are_not() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    Anna::new(&dir, 0, 0, &screen).person.show_joins(false, &screen);
    screen.take();
    let mut anna = Anna::new(&dir, 0, 0, &screen);
    anna.display.file = cursor_file(&dir);
    for (seq, kind) in [(1, EntryKind::JOINED), (2, EntryKind::LEFT), (3, EntryKind::KICKED)] {
        anna.entry(seq, "bob", kind, b"", &screen);
    }
    assert_eq!(screen.take(), ["skip 1", "skip 2", "3 bob"]);
}

#[test]
fn own_name_follows_renames_after_the_join_only() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = Anna::new(&dir, 0, 10, &screen);
    anna.entry(9, "anna", EntryKind::RENAMED, b"eka", &screen);
    assert_eq!(anna.person.name(), "anna", "that was another member");
    anna.entry(11, "anna", EntryKind::RENAMED, b"ann", &screen);
    assert_eq!(anna.person.name(), "ann");
}

#[test]
fn last_own_entry_is_one_that_is_not_removed() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = Anna::new(&dir, 0, 0, &screen);
    anna.display.file = cursor_file(&dir);
    for seq in 1..=100 {
        anna.entry(seq, "anna", EntryKind::TEXT, b"own", &screen);
    }
    anna.entry(101, "bob", EntryKind::TEXT, b"other", &screen);
    assert_eq!((anna.display.last_own(), anna.display.own.len()), (Some(100), MAX_OWN));
    anna.entry(102, "anna", EntryKind::REMOVAL, &100_u64.to_be_bytes(), &screen);
    assert_eq!(anna.display.last_own(), Some(99));
    anna.display.reset();
    assert_eq!(anna.display.last_own(), None);
}

#[test]
fn room_that_is_shown_again_displays_what_came_in() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = Anna::new(&dir, 0, 0, &screen);
    anna.display.file = cursor_file(&dir);
    anna.person.show_joins(false, &screen);
    screen.take();
    anna.entry_in(screen.not_shown(), 1, "bob", EntryKind::TEXT, b"one");
    anna.entry_in(screen.not_shown(), 2, "bob", EntryKind::TOPIC, b"what to do");
    anna.entry_in(screen.not_shown(), 3, "bob", EntryKind::LEFT, b"");
    assert_eq!(screen.take(), [""; 0]);
    assert_eq!(anna.display.backlog.unread(), 1);
    anna.display.switch_to(false, screen.lobby());
    assert_eq!(screen.take(), ["--- #lobby: what to do ---", "1 bob", "2 bob", "skip 3"]);
    anna.display.switch_to(true, screen.lobby());
    assert_eq!(screen.take(), ["--- #lobby (private): what to do; nothing new ---"]);
}

#[test]
fn many_entries_are_left_out_and_counted() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = Anna::new(&dir, 0, 0, &screen);
    (1..=107).for_each(|seq| anna.entry_in(screen.not_shown(), seq, "bob", EntryKind::TEXT, b"hello"));
    anna.display.switch_to(false, screen.lobby());
    let shown = screen.take();
    assert_eq!(shown[0], "--- #lobby ---\n(7 earlier lines are left out; /history shows them)");
    assert_eq!((shown.len(), shown[1].as_str(), shown[100].as_str()), (101, "8 bob", "107 bob"));
}

#[test]
fn context_of_an_earlier_session_is_not_new() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = Anna::new(&dir, 0, 0, &screen);
    let start = DisplayStart { term: Term([9; 8]), head: 3, seen_to: Some(2), followed_to: 2 };
    anna.display = Display::new(start, None);
    (1..=3).for_each(|seq| anna.entry_in(screen.not_shown(), seq, "bob", EntryKind::TEXT, b"hello"));
    assert_eq!(anna.display.backlog.unread(), 1);
    anna.display.switch_to(false, screen.lobby());
    assert_eq!(screen.take()[1..], ["1 bob", "2 bob", "--- new since your last visit ---", "3 bob"]);
}

#[test]
fn topic_is_that_of_the_server_and_then_of_the_log() {
    let (_home, dir) = temporary_dir();
    let screen = Screen::default();
    let mut anna = Anna::new(&dir, 0, 10, &screen);
    assert!(anna.display.set_topic("now") && !anna.display.set_topic("now"));
    anna.entry(9, "bob", EntryKind::TOPIC, b"before", &screen);
    assert_eq!(anna.display.topic(), "now", "an earlier one");
    anna.entry(11, "bob", EntryKind::TOPIC, b"then\x1b", &screen);
    assert_eq!(anna.display.topic(), "then");
}
