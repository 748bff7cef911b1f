//! Which entries of a room's log are displayed, now or when the room is shown, and what follows
//! from those that are not: names of others and of this member, which entries are own ones, the
//! topic.

use std::collections::VecDeque;

use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_core::time::Instant;
use kabar_std::text::{Content, clean_line, removed_seq};

use super::backlog::{Backlog, Incoming, Missed};
use super::front_end::DisplayedEntry;
use super::notice::Notice;
use super::person::Person;
use super::roster::Roster;
use super::view::RoomView;
use crate::cursor::{Cursor, Position, SharedCursorFile};

/// Number of own entries that are remembered for `/delete`.
const MAX_OWN: usize = 64;

/// The state of the display of a log.
#[derive(Debug)]
pub(super) struct Display {
    pub(super) term: Term,
    /// The last entry when the room was joined at first.
    head: u64,
    /// Where the positions of displayed entries are saved.
    file: Option<SharedCursorFile>,
    /// Entries up to here were displayed in an earlier session, and are repeated for context.
    seen_to: u64,
    /// Whether the first entry after these is still to be announced.
    announces_new: bool,
    /// Renames up to here were followed in an earlier session.
    followed_to: u64,
    /// Entries up to here may be about another member with the name of this one.
    named_at: u64,
    /// Own entries whose text may be removed, the last one last.
    own: VecDeque<u64>,
    /// What came in while another room was shown.
    pub(super) backlog: Backlog,
    /// Members, for completion.
    pub(super) roster: Roster,
    topic: String,
}

/// The entries to begin with.
#[derive(Clone, Copy, Debug)]
pub(super) struct DisplayStart {
    /// The term of the server.
    pub(super) term: Term,
    /// The last entry.
    pub(super) head: u64,
    /// Entries up to here are repeated for context.
    pub(super) seen_to: Option<u64>,
    /// Entries up to here were displayed in an earlier session.
    pub(super) followed_to: u64,
}

impl Display {
    pub(super) fn new(start: DisplayStart, file: Option<SharedCursorFile>) -> Self {
        let DisplayStart { term, head, seen_to, followed_to } = start;
        Self {
            term,
            head,
            file,
            seen_to: seen_to.unwrap_or(0),
            announces_new: seen_to.is_some(),
            followed_to,
            named_at: head,
            own: VecDeque::new(),
            backlog: Backlog::default(),
            roster: Roster::default(),
            topic: String::new(),
        }
    }

    /// Returns the last own entry.
    pub(super) fn last_own(&self) -> Option<u64> {
        self.own.back().copied()
    }

    /// Returns the topic, which may be empty.
    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// Sets the topic. Returns whether it is another one.
    pub(super) fn set_topic(&mut self, topic: &str) -> bool {
        let topic = clean_line(topic);
        let is_change = topic != self.topic;
        self.topic = topic;
        is_change
    }

    /// The name of this member is valid after the entry `at`.
    pub(super) fn named_at(&mut self, at: u64) {
        self.named_at = at.max(self.named_at);
    }

    /// The history was replaced by an older one: everything is displayed.
    pub(super) fn reset(&mut self) {
        (self.seen_to, self.announces_new) = (0, false);
        (self.followed_to, self.named_at) = (0, 0);
        self.own.clear();
    }

    /// Takes an entry: displays it unless it is hidden, or keeps it until the room is shown.
    pub(super) fn entry(
        &mut self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        is_own: bool,
        person: &mut Person,
        view: RoomView<'_>,
        now: Instant,
    ) {
        self.follow(header, content, is_own, person, view);
        let is_displayed = person.shows(header) || view.ui.shows_everything();
        match (is_displayed, view.label.is_shown) {
            (true, true) => self.show(header, content, is_own, view),
            (false, true) => self.skip(header.seq, view),
            (true, false) => {
                let (header, seq) = (*header, header.seq);
                let (is_new, is_announced) = (seq > self.seen_to, seq <= self.head);
                self.backlog.push(&Incoming { header, content, is_own, is_new, is_announced }, person.name(), now);
            }
            (false, false) => self.backlog.skip(header.seq),
        }
    }

    /// The room is shown now: displays what came in. `is_private`: as far as is known.
    pub(super) fn switch_to(&mut self, is_private: bool, view: RoomView<'_>) {
        let Missed { entries, left_out, end } = self.backlog.take();
        let (topic, is_empty) = (self.topic.as_str(), entries.is_empty());
        view.notice(&Notice::RoomShown { room: view.label.name, topic, is_private, is_empty, left_out });
        for entry in &entries {
            self.show(&entry.header(), entry.content(), entry.is_own, view);
        }
        if let Some(seq) = end {
            self.skip(seq, view);
        }
    }

    fn show(&mut self, header: &EntryHeader<'_>, content: Content<'_>, is_own: bool, view: RoomView<'_>) {
        if self.announces_new && header.seq > self.seen_to {
            self.announces_new = false;
            view.notice(&Notice::NewEntries);
        }
        let entry = DisplayedEntry { room: view.label.name, header: *header, content, is_own };
        view.ui.entry(&entry, self.position(header.seq));
    }

    fn skip(&self, seq: u64, view: RoomView<'_>) {
        if let Some(position) = self.position(seq) {
            view.ui.skipped(position);
        }
    }

    fn position(&self, seq: u64) -> Option<Position> {
        Some(Position { cursor: Cursor { seq, term: self.term }, file: self.file.clone()? })
    }

    /// Learns names, own entries and the topic.
    fn follow(
        &mut self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        is_own: bool,
        person: &mut Person,
        view: RoomView<'_>,
    ) {
        let EntryHeader { seq, author, kind, .. } = *header;
        match (kind, content) {
            (EntryKind::RENAMED, Content::Body(to)) => {
                let to = clean_line(&String::from_utf8_lossy(to));
                self.renamed(seq, author, &to, person, view);
            }
            (EntryKind::REMOVAL, Content::Body(body)) => {
                let removed = removed_seq(body);
                self.own.retain(|own| Some(*own) != removed);
            }
            // The topic that the server stated on joining is that after the last entry then.
            (EntryKind::TOPIC, Content::Body(topic)) if seq > self.named_at => {
                self.set_topic(&String::from_utf8_lossy(topic));
            }
            (kind, _) if kind.is_postable() && (is_own || author == person.name()) => {
                self.own.push_back(seq);
                if self.own.len() > MAX_OWN {
                    self.own.pop_front();
                }
            }
            _ => {}
        }
        match kind {
            EntryKind::RENAMED | EntryKind::REMOVED => {}
            EntryKind::LEFT | EntryKind::KICKED => self.roster.remove(author),
            _ if author == person.name() => {}
            _ => self.roster.note(author),
        }
    }

    /// Earlier entries may be about a member that had the same name then.
    fn renamed(&mut self, seq: u64, from: &str, to: &str, person: &mut Person, view: RoomView<'_>) {
        if seq > self.named_at && from == person.name() {
            self.named_at = seq;
            return person.set_name(to, view.ui);
        }
        self.roster.remove(from);
        if to != person.name() {
            self.roster.note(to);
        }
        if seq > self.followed_to {
            self.followed_to = seq;
            person.follow_rename(from, to, view.ui);
        }
    }
}

#[cfg(test)]
mod tests;
