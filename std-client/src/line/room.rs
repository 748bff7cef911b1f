//! A room as it is displayed: what was seen of it, what came in while it was not shown, and the
//! lines that are on their way to it.

use std::collections::VecDeque;

use kabar_core::chat::{EntryKind, File};
use kabar_core::time::Instant;
use kabar_std::invite::RoomName;
use kabar_std::text::{clean_line, removed_seq};

use super::backlog::Backlog;
use super::pages::Pages;
use super::roster::Roster;
use super::unstored::UnstoredLines;
use crate::engine::RoomId;
use crate::engine::event::{Entry, EntryContent, Joined};

/// Number of own entries that are remembered for `/delete`.
const MAX_OWN: usize = 64;

/// A room that the user is in, or joins.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) name: RoomName,
    pub(super) topic: String,
    /// Whether only an invite of this room admits, as far as is known.
    pub(super) is_private: bool,
    pub(super) is_joined: bool,
    /// Entries up to here were displayed in an earlier session, and are repeated for context.
    seen_to: u64,
    /// Whether the first entry after these is still to be announced.
    announces_new: bool,
    /// Own entries whose text may be removed, the last one last.
    own: VecDeque<u64>,
    /// The last entry that was displayed to a person since the engine was informed of one.
    pub(super) read: Option<u64>,
    /// What came in while another room was shown.
    pub(super) backlog: Backlog,
    /// Members, for completion.
    pub(super) roster: Roster,
    /// Names of files, for completion.
    pub(super) files: Roster,
    /// Lines that are not stored.
    pub(super) unstored: UnstoredLines,
    /// Lines that the engine has not answered, in their order.
    pub(super) posting: VecDeque<String>,
    /// Lists of members that were requested; whether each is displayed.
    pub(super) members_wanted: VecDeque<bool>,
    pub(super) pages: Pages,
}

impl Room {
    pub(super) fn new(id: RoomId, name: RoomName) -> Self {
        Self {
            id,
            name,
            topic: String::new(),
            is_private: false,
            is_joined: false,
            seen_to: 0,
            announces_new: false,
            own: VecDeque::new(),
            read: None,
            backlog: Backlog::default(),
            roster: Roster::default(),
            files: Roster::default(),
            unstored: UnstoredLines::default(),
            posting: VecDeque::new(),
            members_wanted: VecDeque::new(),
            pages: Pages::default(),
        }
    }

    /// The room was joined. `has_context`: whether entries that were seen are repeated.
    pub(super) fn joined(&mut self, joined: &Joined, has_context: bool) {
        self.is_joined = true;
        let is_between = |seen: &u64| joined.start.is_some_and(|start| start < *seen) && *seen < joined.head;
        if let Some(seen) = joined.seen.filter(|_| has_context).filter(is_between) {
            (self.seen_to, self.announces_new) = (seen, true);
        }
    }

    /// The history was replaced by an older one: everything is displayed.
    pub(super) fn reset(&mut self) {
        self.read = None;
        (self.seen_to, self.announces_new) = (0, false);
        self.own.clear();
    }

    /// The connection was lost: answers do not come.
    pub(super) fn disconnected(&mut self) {
        self.members_wanted.clear();
        self.pages.disconnected();
    }

    /// Returns the last own entry.
    pub(super) fn last_own(&self) -> Option<u64> {
        self.own.back().copied()
    }

    /// Returns the number of lines that are not stored.
    pub(super) fn waiting(&self) -> u64 {
        (self.unstored.len() + self.posting.len()) as u64
    }

    /// Keeps an entry until the room is shown. `name`: that of the user.
    pub(super) fn keep(&mut self, entry: Entry, name: &str, now: Instant) {
        let is_new = entry.seq > self.seen_to;
        self.backlog.push(entry, name, is_new, now);
    }

    /// Whether this entry, which is displayed now, is the first new one.
    pub(super) fn takes_first_new(&mut self, entry: &Entry) -> bool {
        let is_first = self.announces_new && entry.seq > self.seen_to;
        self.announces_new &= !is_first;
        is_first
    }

    /// Learns names and own entries. `name`: that of the user.
    pub(super) fn learn(&mut self, entry: &Entry, name: &str) {
        let Entry { seq, author, kind, content, .. } = entry;
        match (*kind, content) {
            (EntryKind::RENAMED, EntryContent::Body(to)) => {
                let to = clean_line(&String::from_utf8_lossy(to));
                self.roster.remove(author);
                if to != name {
                    self.roster.note(&to);
                }
            }
            (EntryKind::REMOVAL, EntryContent::Body(body)) => {
                let removed = removed_seq(body);
                self.own.retain(|own| Some(*own) != removed);
            }
            (kind, _) if kind.is_postable() && (entry.is_own || author == name) => {
                self.own.push_back(*seq);
                if self.own.len() > MAX_OWN {
                    self.own.pop_front();
                }
            }
            _ => {}
        }
        if let (EntryKind::FILE, EntryContent::Body(body)) = (*kind, content)
            && let Ok(file) = File::decode(body)
        {
            self.files.note(&clean_line(file.name()));
        }
        match *kind {
            EntryKind::RENAMED | EntryKind::REMOVED => {}
            EntryKind::LEFT | EntryKind::KICKED => self.roster.remove(author),
            _ if author == name => {}
            _ => self.roster.note(author),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ServerId;

    fn room() -> Room {
        Room::new(RoomId { server: ServerId(0), index: 0 }, RoomName::default())
    }

    fn entry(seq: u64, author: &str, kind: EntryKind, body: &[u8]) -> Entry {
        Entry {
            room: room().id,
            seq,
            time_ms: 0,
            author: author.to_owned(),
            instance: 0,
            number: 0,
            kind,
            content: EntryContent::Body(body.to_vec()),
            is_own: false,
            is_replayed: false,
            is_hidden: false,
            is_mention: false,
            position: None,
        }
    }

    #[test]
    fn last_own_entry_is_one_that_is_not_removed() {
        let mut room = room();
        (1..=100).for_each(|seq| room.learn(&entry(seq, "anna", EntryKind::TEXT, b"own"), "anna"));
        room.learn(&entry(101, "bob", EntryKind::TEXT, b"other"), "anna");
        assert_eq!((room.last_own(), room.own.len()), (Some(100), MAX_OWN));
        room.learn(&entry(102, "anna", EntryKind::REMOVAL, &100_u64.to_be_bytes()), "anna");
        assert_eq!(room.last_own(), Some(99));
        room.reset();
        assert_eq!(room.last_own(), None);
    }

    #[test]
    fn context_of_an_earlier_session_is_not_new() {
        let mut room = room();
        (room.seen_to, room.announces_new) = (2, true);
        for seq in 1..=3 {
            room.keep(entry(seq, "bob", EntryKind::TEXT, b"hello"), "anna", Instant::ZERO);
        }
        assert_eq!(room.backlog.unread(), 1);
        let entries = room.backlog.take().entries;
        let first: Vec<_> = entries.iter().map(|entry| room.takes_first_new(entry)).collect();
        assert_eq!(first, [false, false, true]);
        assert!(!room.takes_first_new(&entry(4, "bob", EntryKind::TEXT, b"")), "announced once");
    }
}
