use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_core::session::Fingerprint;

use super::*;
use crate::preferences::Preferences;
use crate::session::tests::Screen;
use crate::temporary_dir;

/// A server with entries `first` to `head`, and a member that pages through them.
struct Log {
    first: u64,
    head: u64,
    replies: Replies,
    person: Person,
    screen: Screen,
}

impl Log {
    fn new(first: u64, head: u64) -> Self {
        let (_home, dir) = temporary_dir();
        let preferences = Preferences::new(&dir, &Fingerprint([7; 20]), "ANNA");
        Self { first, head, replies: Replies::default(), person: Person::new(preferences), screen: Screen::default() }
    }

    /// `/history` with this count. Returns what is displayed.
    fn page(&mut self, count: Option<u8>) -> String {
        if let Some(page) = self.replies.next_page(count, self.screen.lobby()) {
            self.replies.expected.push_back(Some(page));
            let end = if page.before == 0 { self.head + 1 } else { page.before };
            let start = end.saturating_sub(page.count.into()).max(self.first);
            let count = end.saturating_sub(start);
            for (seq, remaining) in (start..end).zip((0..count).rev()) {
                let (author, kind) = ("bob", EntryKind::TEXT);
                let header = EntryHeader { seq, time_ms: 0, author, instance: 0, number: 0, kind };
                let entry = Some(Entry { header, body: b"text" });
                self.replies.entry(entry, remaining as u16, &mut self.person, self.screen.lobby());
            }
            if count == 0 {
                self.replies.entry(None, 0, &mut self.person, self.screen.lobby());
            }
        }
        self.screen.take().join("\n")
    }
}

#[test]
fn pages_reach_back_to_the_beginning() {
    let mut log = Log::new(1, 5);
    assert_eq!(log.page(Some(2)), "the last 2 lines of the room (/history more shows earlier ones):\n4 bob\n5 bob");
    assert_eq!(log.page(None), "2 earlier lines (/history more shows earlier ones):\n2 bob\n3 bob");
    assert_eq!(log.page(None), "1 earlier line, from the beginning of the room:\n1 bob");
    assert_eq!(log.page(None), "there are no earlier lines: this is the beginning of the room");
    assert!(log.page(Some(1)).contains("5 bob"), "a number starts at the end again");
}

#[test]
fn pages_end_where_entries_are_no_longer_kept() {
    let mut log = Log::new(3, 6);
    assert!(log.page(Some(2)).contains("5 bob\n6 bob"));
    assert!(log.page(None).contains("3 bob\n4 bob"));
    assert_eq!(log.page(None), "there are no earlier lines: the server no longer keeps them");
    let mut log = Log::new(3, 4);
    assert_eq!(log.page(None), "the last 2 lines of the room (earlier ones are no longer kept):\n3 bob\n4 bob");
}

#[test]
fn history_of_an_empty_room_is_empty() {
    assert_eq!(Log::new(1, 0).page(None), "there are no earlier lines: this is the beginning of the room");
}
