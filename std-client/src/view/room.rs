//! The state of a room that a screen needs.

use std::collections::{BTreeMap, VecDeque};

use super::editor::Editor;
use super::span::{Role, Row};
use super::text;
use super::transcript::Transcript;
use super::transcript::line::nick_colour;
use crate::command::Notify;
use crate::engine::RoomId;
use crate::language::message;
use kabar_std::text::clean_line;

/// Members that are listed at most.
const MAX_MEMBERS: usize = 2000;

/// Authors that are completed before other members.
const MAX_RECENT: usize = 50;

/// Cells of a post that are displayed if it is refused, and kept until it is in the room.
const EXCERPT: usize = 40;
const MAX_KEPT: usize = 200;

/// A room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) transcript: Transcript,
    /// What is being typed.
    pub(super) editor: Editor,
    pub(super) members: Members,
    pub(super) unsent: Unsent,
    /// The last entry that was read.
    pub(super) read: Option<u64>,
    pub(super) state: RoomState,
    /// The last entry when the room was joined.
    pub(super) head_at_join: u64,
    /// Whether it is in the local history.
    pub(super) is_recorded: bool,
    /// Entries up to this one are in the count of unread lines.
    pub(super) counted: u64,
    /// Which entries are announced.
    pub(super) notify: Notify,
    /// Whether a page of the history was requested.
    pub(super) awaits_page: bool,
    /// Whether the user asked for the members.
    pub(super) shows_members: bool,
}

/// The membership in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RoomState {
    Joining,
    Joined,
    Ended,
}

/// The members of a room.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Those that are present, sorted.
    present: Vec<String>,
    /// Authors; the last one first.
    recent: VecDeque<String>,
}

impl Members {
    pub(super) fn set(&mut self, names: &[String]) {
        self.present = names.iter().take(MAX_MEMBERS).cloned().collect();
        self.present.sort_by_cached_key(|name| name.to_lowercase());
    }

    pub(super) fn add(&mut self, name: &str) {
        if self.present.len() < MAX_MEMBERS && !self.present.iter().any(|known| known == name) {
            let folded = name.to_lowercase();
            let at = self.present.partition_point(|known| known.to_lowercase() < folded);
            self.present.insert(at, name.to_owned());
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.present.retain(|known| known != name);
    }

    /// Notes that a member wrote something.
    pub(super) fn wrote(&mut self, name: &str) {
        if self.recent.front().is_some_and(|last| last == name) {
            return;
        }
        self.recent.retain(|known| known != name);
        self.recent.push_front(name.to_owned());
        self.recent.truncate(MAX_RECENT);
    }

    /// Names for completion, those who wrote last first, without `own`.
    pub(super) fn names(&self, own: &str) -> Vec<String> {
        let others = self.present.iter().filter(|name| !self.recent.contains(name));
        let all = self.recent.iter().chain(others);
        all.filter(|name| *name != own).map(|name| clean_line(name)).collect()
    }

    /// The rows of the list.
    pub(super) fn rows(&self, own: &str, width: usize, height: usize) -> Vec<Row> {
        let heading = message!("room-members", members = self.present.len());
        let mut rows = vec![Row::of(Role::Heading, text::cut(&heading, width))];
        let role = |name: &String| if name == own { Role::OwnNick } else { Role::Nick(nick_colour(&clean_line(name))) };
        let fitting = height.saturating_sub(1);
        let names = self.present.iter().map(|name| Row::of(role(name), text::cut(&clean_line(name), width)));
        rows.extend(names.take(fitting));
        if self.present.len() > fitting && fitting > 0 {
            let more = message!("screen-more-members", members = self.present.len() + 1 - fitting);
            rows.truncate(fitting);
            rows.push(Row::of(Role::Heading, text::cut(&more, width)));
        }
        rows.truncate(height);
        rows
    }
}

/// Posts that are not in the room yet.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// Those that the engine has not answered.
    waiting: VecDeque<String>,
    /// Those with a number.
    posted: BTreeMap<u64, String>,
}

impl Unsent {
    pub(super) fn post(&mut self, text: &str) {
        self.waiting.push_back(text::cut(&clean_line(text), MAX_KEPT));
    }

    pub(super) fn on_posted(&mut self, number: u64) {
        if let Some(text) = self.waiting.pop_front() {
            self.posted.insert(number, text);
        }
    }

    pub(super) fn on_stored(&mut self, number: u64) {
        self.posted = self.posted.split_off(&number.saturating_add(1));
    }

    /// Returns the beginning of the text.
    pub(super) fn on_not_posted(&mut self) -> Option<String> {
        self.waiting.pop_front().map(excerpt)
    }

    /// Returns the beginning of the text.
    pub(super) fn on_refused(&mut self, number: u64) -> Option<String> {
        self.posted.remove(&number).map(excerpt)
    }

    pub(super) fn count(&self) -> usize {
        self.waiting.len() + self.posted.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Rows with the last posts; the status line counts all of them.
    pub(super) fn rows(&self, width: usize, height: usize) -> Vec<Row> {
        let texts = self.posted.values().chain(&self.waiting).skip(self.count().saturating_sub(height));
        texts.map(|text| Row::of(Role::Placeholder, text::cut(&format!("\u{2026} {text}"), width))).collect()
    }
}

fn excerpt(text: String) -> String {
    text::cut(&text, EXCERPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_sorted_and_authors_complete_first() {
        let mut members = Members::default();
        members.set(&["bob", "Anna", "me"].map(str::to_owned));
        members.add("Carl");
        members.add("bob");
        assert_eq!(members.present, ["Anna", "bob", "Carl", "me"]);
        ["bob", "Carl", "me", "Carl"].iter().for_each(|name| members.wrote(name));
        assert_eq!(members.names("me"), ["Carl", "bob", "Anna"]);
        members.remove("Anna");
        assert_eq!(members.names("me"), ["Carl", "bob"]);
    }

    #[test]
    fn a_long_list_says_how_many_are_left_out() {
        let mut members = Members::default();
        (0..10).for_each(|number| members.add(&format!("member{number}")));
        let rows: Vec<_> = members.rows("", 8, 4).iter().map(Row::text).collect();
        assert_eq!(rows, ["10 here", "member0", "member1", "and 8 m\u{2026}"]);
        assert_eq!(members.rows("", 20, 11).len(), 11);
        assert!(members.rows("", 20, 0).is_empty() && members.rows("", 20, 1).len() == 1);
    }

    #[test]
    fn everything_that_grows_is_bounded() {
        let mut members = Members::default();
        for number in 0..3 * MAX_MEMBERS {
            members.present.push(String::new());
            members.present.truncate(MAX_MEMBERS);
            members.wrote(&number.to_string());
        }
        members.add("one more");
        assert!(members.present.len() <= MAX_MEMBERS && members.recent.len() <= MAX_RECENT);
    }

    #[test]
    fn posts_are_unsent_until_they_are_stored() {
        let mut unsent = Unsent::default();
        ["one", "two\nlines", "three", "four"].iter().for_each(|text| unsent.post(text));
        (1..=3).for_each(|number| unsent.on_posted(number));
        assert_eq!(unsent.on_not_posted().as_deref(), Some("four"));
        assert_eq!(unsent.on_refused(2).as_deref(), Some("two lines"));
        assert_eq!(unsent.count(), 2);
        unsent.on_stored(1);
        assert_eq!(unsent.count(), 1);
        unsent.post("five");
        let rows = |width, height| unsent.rows(width, height).iter().map(Row::text).collect::<Vec<_>>();
        assert_eq!(rows(20, 3), ["\u{2026} three", "\u{2026} five"]);
        assert_eq!((rows(5, 1), rows(20, 0)), (vec!["\u{2026} fi\u{2026}".to_owned()], vec![]));
        unsent.on_posted(5);
        unsent.on_stored(u64::MAX);
        assert_eq!(unsent.count(), 0);
    }
}
