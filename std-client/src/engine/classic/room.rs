//! The only room of a classic server: its entries, which are numbered here, and who was seen in it.

use std::collections::VecDeque;
use std::time::SystemTime;

use jiff::tz::TimeZone;
use kabar_core::chat::{EntryKind, Term};
use kabar_core::classic::Line;
use kabar_core::time::{Duration, Instant};
use kabar_std::invite::RoomName;

use super::lines::{Reported, time_ms};
use crate::engine::command::ClassicRequest;
use crate::engine::event::{Earlier, Entry, EntryContent, Event, HistoryPage, Joined, RoomId, ServerId};
use crate::engine::mention::mentions;
use crate::engine::queue::EventSink;

/// Lines within this time after joining are taken for the history: nothing says which are.
const HISTORY: Duration = Duration::from_secs(1);
/// Entries that are kept, for `/history`.
const MAX_ENTRIES: usize = 500;
/// Names that are kept of those who were seen.
const MAX_NAMES: usize = 200;

/// The room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) name: RoomName,
    pub(super) hides_joins: bool,
    pub(super) joined_at: Instant,
    own_name: String,
    zone: TimeZone,
    /// The number of the last entry.
    seq: u64,
    entries: VecDeque<Entry>,
    /// Those who were seen, the last one last.
    names: VecDeque<String>,
}

impl Room {
    pub(super) fn new(server: ServerId, request: &ClassicRequest) -> Self {
        Self {
            id: RoomId { server, index: 0 },
            name: request.room.clone(),
            hides_joins: request.hide_joins,
            joined_at: Instant::ZERO,
            own_name: request.name.clone(),
            zone: TimeZone::system(),
            seq: 0,
            entries: VecDeque::new(),
            names: VecDeque::new(),
        }
    }

    pub(super) fn on_joined(&mut self, now: Instant, sink: &EventSink) {
        self.joined_at = now;
        let (server, name) = (self.id.server, self.own_name.clone());
        sink.send(Event::OwnName { server, name: name.clone(), is_chosen: false });
        if self.hides_joins {
            sink.send(Event::JoinsShown { server, shows: false });
        }
        sink.send(Event::Joined(Joined {
            room: self.id,
            server_key: None,
            name,
            members: None,
            start: None,
            head: 0,
            term: Term([0; 8]),
            is_resumed: false,
            seen: None,
            is_again: false,
        }));
    }

    /// Reports what a line of the server states. Returns whether it is a known form.
    pub(super) fn on_line(&mut self, line: &Line<'_>, now: Instant, sink: &EventSink) -> bool {
        let Some(Reported { author, kind, text }) = Reported::of(line) else { return false };
        let is_replayed = now < self.joined_at + HISTORY;
        match kind {
            EntryKind::LEFT => self.names.retain(|name| name != author),
            _ => self.saw(author),
        }
        let time_ms = time_ms(line.time, &self.zone).unwrap_or_else(wall_time_ms);
        let (author, body) = (author.to_owned(), text.as_bytes().to_vec());
        // The name proves nothing: only what was said before may be of this person.
        let is_own = is_replayed && author == self.own_name;
        let is_mention = !is_own && kind == EntryKind::TEXT && mentions(text, &self.own_name);
        let is_hidden = self.hides_joins && kind != EntryKind::TEXT;
        let entry = self.entry(time_ms, author, kind, body);
        self.add(Entry { is_own, is_replayed, is_hidden, is_mention, ..entry }, sink);
        true
    }

    /// An own text was sent. The server sends it to everyone else. Returns the number of its entry.
    pub(super) fn on_sent(&mut self, text: String, number: u64, sink: &EventSink) -> u64 {
        let entry = self.entry(wall_time_ms(), self.own_name.clone(), EntryKind::TEXT, text.into_bytes());
        self.add(Entry { number, is_own: true, ..entry }, sink);
        self.seq
    }

    fn entry(&self, time_ms: u64, author: String, kind: EntryKind, body: Vec<u8>) -> Entry {
        Entry {
            room: self.id,
            seq: self.seq + 1,
            time_ms,
            author,
            instance: 0,
            number: 0,
            kind,
            content: EntryContent::Body(body),
            is_own: false,
            is_replayed: false,
            is_hidden: false,
            is_mention: false,
            position: None,
        }
    }

    fn add(&mut self, entry: Entry, sink: &EventSink) {
        self.seq = entry.seq;
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(entry.clone());
        sink.send(Event::Entry(entry));
    }

    fn saw(&mut self, name: &str) {
        self.names.retain(|known| known != name);
        if self.names.len() >= MAX_NAMES {
            self.names.pop_front();
        }
        self.names.push_back(name.to_owned());
    }

    /// Returns the own name and those who were seen, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let others = self.names.iter().filter(|name| **name != self.own_name);
        let mut names: Vec<_> = others.chain([&self.own_name]).cloned().collect();
        names.sort_unstable();
        names
    }

    /// Returns the answer to [`Command::History`](crate::engine::Command::History).
    pub(super) fn page(&self, before: u64, count: u8) -> Event {
        let is_before = |entry: &&Entry| before == 0 || entry.seq < before;
        let mut entries: Vec<_> = self.entries.iter().rev().filter(is_before).take(count.into()).cloned().collect();
        entries.reverse();
        let first_kept = self.entries.front().map(|entry| entry.seq);
        let has_more = entries.first().is_some_and(|first| Some(first.seq) > first_kept);
        let earlier = if has_more { Earlier::Possible } else { Earlier::Beginning };
        Event::HistoryPage(HistoryPage { room: self.id, entries, is_last: before == 0, earlier })
    }
}

fn wall_time_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
