//! The log of a room as it is delivered, and what follows from its entries: names of others and of
//! this member, the topic, what is hidden.

use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_std::text::{Content, clean_line};

use super::output::RoomOutput;
use super::person::Person;
use crate::cursor::{Cursor, Position, SharedCursorFile, Shown};
use crate::engine::event::{Earlier, Entry, EntryContent, Event, HistoryPage, RoomId};
use crate::engine::local_history::LocalHistory;
use crate::engine::mention::mentions;
use crate::history::LogRow;

/// The state of a log.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) term: Term,
    /// The last entry when the room was joined at first.
    head: u64,
    /// Where the positions of displayed entries are saved.
    file: Option<SharedCursorFile>,
    /// Renames up to here were followed in an earlier session.
    followed_to: u64,
    /// Entries up to here may be about another member with the name of this one, or about an
    /// earlier topic.
    named_at: u64,
    topic: String,
    history: LocalHistory,
}

/// How an entry is handled that the server sends on its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handling {
    /// Whether it is recorded now, and not in its turn later.
    pub(super) is_recorded: bool,
    /// Whether it is delivered now, and not in its turn later, or never.
    pub(super) is_delivered: bool,
}

impl Log {
    /// `followed_to`: entries up to here were delivered in an earlier session.
    pub(super) fn new(
        term: Term,
        head: u64,
        followed_to: u64,
        file: Option<SharedCursorFile>,
        history: LocalHistory,
    ) -> Self {
        Self { term, head, file, followed_to, named_at: head, topic: String::new(), history }
    }

    pub(super) const fn history(&self) -> &LocalHistory {
        &self.history
    }

    /// Sets the topic, and reports it if it is another one.
    pub(super) fn set_topic(&mut self, topic: &str, is_from_entry: bool, output: RoomOutput<'_>) {
        let topic = clean_line(topic);
        if topic != self.topic {
            self.topic.clone_from(&topic);
            output.send(Event::Topic { room: output.room, topic, is_from_entry });
        }
    }

    /// The room was joined again: the name of this member and the topic are those after the entry
    /// `head`, which may be earlier than at the last join.
    pub(super) fn rejoined(&mut self, head: u64) {
        self.named_at = head;
    }

    /// The history was replaced by an older one.
    pub(super) fn reset(&mut self) {
        self.followed_to = 0;
    }

    /// Takes an entry that the server sends on its own.
    pub(super) fn entry(
        &mut self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        is_own: bool,
        handling: Handling,
        person: &mut Person,
        output: RoomOutput<'_>,
    ) {
        self.follow(header, content, person, output);
        let entry = self.describe(header, content, is_own, person, output.room);
        if handling.is_recorded {
            self.history.record(&entry, is_own || entry.author == person.name());
        }
        if handling.is_delivered {
            self.deliver(entry, person, output);
        }
    }

    /// Records an entry of a page of the server's history, which was delivered before.
    pub(super) fn record(&self, header: &EntryHeader<'_>, content: Content<'_>, person: &Person, room: RoomId) {
        let entry = self.describe(header, content, false, person, room);
        self.history.record(&entry, entry.author == person.name());
    }

    /// Records entries of a page of the server's history, which follow each other.
    pub(super) fn add_page(&self, entries: Vec<Entry>, person: &Person, room: RoomId) {
        if !entries.is_empty() {
            let page = HistoryPage { room, entries, is_last: false, earlier: Earlier::Possible };
            self.history.add_page(&page, person.name());
        }
    }

    /// Takes an entry of a page of the server's history, and reports it. Returns it.
    pub(super) fn read(
        &mut self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        person: &mut Person,
        output: RoomOutput<'_>,
    ) -> Entry {
        self.follow(header, content, person, output);
        let entry = self.describe(header, content, false, person, output.room);
        self.deliver(entry.clone(), person, output);
        entry
    }

    /// Reports an entry that was recorded earlier.
    pub(super) fn replay(
        &self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        is_own: bool,
        person: &mut Person,
        output: RoomOutput<'_>,
    ) {
        let entry = self.describe(header, content, is_own, person, output.room);
        self.deliver(entry, person, output);
    }

    fn deliver(&self, mut entry: Entry, person: &mut Person, output: RoomOutput<'_>) {
        if entry.is_hidden {
            person.count_hidden(entry.kind);
        }
        let cursor = Cursor { seq: entry.seq, term: self.term };
        let shown = Shown { cursor, log: self.history.log(output.room).map(LogRow::number) };
        entry.position = self.file.clone().map(|file| Position { shown, file });
        output.send(Event::Entry(entry));
    }

    /// Copies an entry, with what is known about it.
    pub(super) fn describe(
        &self,
        header: &EntryHeader<'_>,
        content: Content<'_>,
        is_own: bool,
        person: &Person,
        room: RoomId,
    ) -> Entry {
        let EntryHeader { seq, time_ms, author, instance, number, kind } = *header;
        let is_mention = matches!(content, Content::Body(body) if kind.is_text()
            && !is_own
            && author != person.name()
            && mentions(&String::from_utf8_lossy(body), person.name()));
        let content = match content {
            Content::Body(body) => EntryContent::Body(body.to_vec()),
            Content::Omitted(len) => EntryContent::Omitted(len),
        };
        let (author, is_replayed, is_hidden) = (author.to_owned(), seq <= self.head, !person.shows(header));
        Entry {
            room,
            seq,
            time_ms,
            author,
            instance,
            number,
            kind,
            content,
            is_own,
            is_replayed,
            is_hidden,
            is_mention,
            position: None,
        }
    }

    /// Learns names and the topic.
    fn follow(&mut self, header: &EntryHeader<'_>, content: Content<'_>, person: &mut Person, output: RoomOutput<'_>) {
        let EntryHeader { seq, author, kind, .. } = *header;
        match (kind, content) {
            (EntryKind::RENAMED, Content::Body(to)) => {
                let to = clean_line(&String::from_utf8_lossy(to));
                self.renamed(seq, author, &to, person, output);
            }
            // SPEC 6.3: the topic that the server stated on joining is that after the last entry
            // then.
            (EntryKind::TOPIC, Content::Body(topic)) if seq > self.named_at => {
                self.set_topic(&String::from_utf8_lossy(topic), true, output);
            }
            _ => {}
        }
    }

    /// Earlier entries may be about a member that had the same name then.
    fn renamed(&mut self, seq: u64, from: &str, to: &str, person: &mut Person, output: RoomOutput<'_>) {
        let server = output.room.server;
        if seq > self.named_at && from == person.name() {
            self.named_at = seq;
            return person.set_name(to, server, output.sink);
        }
        if seq > self.followed_to {
            self.followed_to = seq;
            person.follow_rename(from, to, server, output.sink);
        }
    }
}

#[cfg(test)]
mod tests;
