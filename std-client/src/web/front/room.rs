//! A room: its state, the entries that are kept of it, and requests for others.

use std::collections::VecDeque;
use std::sync::Arc;

use kabar_core::chat::EntryKind;

use super::unsent::Unsent;
use crate::command::Notify;
use crate::cursor::Position;
use crate::engine::RoomId;
use crate::engine::event;
use crate::history::{LogRow, RoomRow};
use crate::web::protocol::{self, Entry, MAX_PAGE, Membership, Part, Place, RoomKey, RoomState};
use crate::web::server::input::PageId;

/// Last entries that are kept.
const MAX_ENTRIES: usize = 500;
/// Members that are listed.
const MAX_MEMBERS: usize = 5_000;
/// Requests of pages that wait for the server. Further ones replace the earliest.
const MAX_REQUESTS: usize = 32;
/// Entries that are sent at once as they come in. Of more, pages read the end.
const MAX_BATCH: usize = 100;

/// A room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) membership: Membership,
    pub(super) problem: Option<String>,
    pub(super) draft: String,
    /// Present members, sorted.
    pub(super) members: Vec<String>,
    pub(super) unsent: Unsent,
    pub(super) unread: Unread,
    /// Which entries are announced.
    pub(super) notify: Notify,
    /// The position of the last entry, until it is saved.
    pub(super) position: Option<Position>,
    /// Requests that wait for pages from the server. The first one was sent.
    pub(super) requests: VecDeque<Request>,
    /// Whether the user asked for the members.
    pub(super) shows_members: bool,
    /// Where it is in the local history; `None`: it is not recorded.
    pub(super) stored: Option<StoredRoom>,
    /// Without a local history, the number of its logs so far.
    logs: u64,
    /// The last entries, without a gap.
    entries: VecDeque<Entry>,
    /// Entries that were not sent to pages yet.
    batch: Batch,
}

/// What is unread.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// The last entry that was read; `None`: not known yet.
    pub(super) read: Option<Place>,
    pub(super) lines: u64,
    pub(super) mentions: u64,
}

/// A room in the local history.
#[derive(Clone, Debug)]
pub(super) struct StoredRoom {
    /// Selects the file.
    pub(super) identity: Arc<str>,
    pub(super) row: RoomRow,
    /// The log that entries are appended to.
    pub(super) log: Option<LogRow>,
}

/// A request for part of the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) page: PageId,
    pub(super) tag: u32,
    pub(super) part: Part,
}

/// Entries that came in, and the place before them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) after: Option<Place>,
    pub(super) entries: Vec<Entry>,
}

/// Part of the history.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    pub(super) has_earlier: bool,
    pub(super) has_later: bool,
    /// Whether there may be others, which need a connection.
    pub(super) is_offline: bool,
}

impl Room {
    pub(super) fn new(id: RoomId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            topic: String::new(),
            membership: Membership::Joining,
            problem: None,
            draft: String::new(),
            members: Vec::new(),
            unsent: Unsent::default(),
            unread: Unread::default(),
            notify: Notify::default(),
            position: None,
            requests: VecDeque::new(),
            shows_members: false,
            stored: None,
            logs: 1,
            entries: VecDeque::new(),
            batch: Batch::default(),
        }
    }

    pub(super) fn key(&self) -> RoomKey {
        RoomKey(self.id)
    }

    pub(super) fn state(&self) -> RoomState<'_> {
        RoomState {
            room: self.key(),
            name: &self.name,
            topic: &self.topic,
            membership: self.membership,
            unread: self.unread.lines,
            mentions: self.unread.mentions,
            read: self.unread.read.unwrap_or(Place { log: 0, seq: 0 }),
            draft: &self.draft,
            notify: self.notify.into(),
            problem: self.problem.as_deref(),
        }
    }

    /// Returns the place of an entry of the present log.
    pub(super) fn place(&self, seq: u64) -> Place {
        let log = self.stored.as_ref().and_then(|stored| stored.log);
        Place { log: log.map_or(self.logs, LogRow::number), seq }
    }

    /// Returns the entry at a place, if it is kept here.
    pub(super) fn entry(&self, place: Place) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.place == place)
    }

    /// Returns the place of the last entry.
    pub(super) fn last(&self) -> Option<Place> {
        self.entries.back().map(|entry| entry.place)
    }

    /// Takes an entry that came in. Returns whether it is unread.
    pub(super) fn push(&mut self, entry: &event::Entry) -> bool {
        let shown = self.convert(entry);
        if let Some(seq) = shown.removed {
            self.remove_text(seq);
        }
        if self.batch.entries.is_empty() {
            self.batch.after = self.last();
        }
        if self.batch.entries.len() == MAX_BATCH {
            self.batch.after = Some(self.batch.entries.remove(0).place);
        }
        self.batch.entries.push(shown.clone());
        let is_unread = self.unread.read.is_some_and(|read| shown.place > read)
            && (entry.kind.is_text() || entry.kind == EntryKind::FILE)
            && !(shown.own || shown.hidden);
        if is_unread {
            self.unread.lines += 1;
            self.unread.mentions += u64::from(shown.mention);
        }
        if self.entries.len() == MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back(shown);
        if let Some(position) = &entry.position {
            self.position = Some(position.clone());
        }
        is_unread
    }

    /// Returns the last entry of the user, as far as it is kept here.
    pub(super) fn last_own(&self) -> Option<u64> {
        self.entries.iter().rev().find(|entry| entry.own && is_text(entry)).map(|entry| entry.place.seq)
    }

    /// Takes the entries that were not sent to pages yet.
    pub(super) fn take_batch(&mut self) -> Option<Batch> {
        (!self.batch.entries.is_empty()).then(|| std::mem::take(&mut self.batch))
    }

    /// The history begins again.
    pub(super) fn reset(&mut self) {
        self.logs += 1;
        self.entries.clear();
        (self.batch, self.unread) = (Batch::default(), Unread::default());
    }

    /// Everything up to this place was read. Returns whether that is new.
    pub(super) fn mark_read(&mut self, place: Place) -> bool {
        let is_new = self.unread.read.is_none_or(|read| read < place) && self.last().is_some_and(|last| place <= last);
        if is_new {
            let rest = self.entries.iter().filter(|entry| entry.place > place);
            let unread = rest.filter(|entry| is_text(entry) && !(entry.own || entry.hidden));
            let (lines, mentions) =
                unread.fold((0, 0), |(lines, mentions), entry| (lines + 1, mentions + u64::from(entry.mention)));
            self.unread = Unread { read: Some(place), lines, mentions };
        }
        is_new
    }

    /// Returns part of the history, if all of it is kept here.
    pub(super) fn find(&self, part: Part) -> Option<Found> {
        let first = self.entries.front()?.place;
        let len = self.entries.len();
        let position = |place: Place| self.entries.partition_point(|entry| entry.place < place);
        let (start, count) = match part {
            Part::Newest => (len.checked_sub(MAX_PAGE), MAX_PAGE),
            Part::Before(place) => (position(place).checked_sub(MAX_PAGE), MAX_PAGE),
            Part::After(place) if place < first => (None, 0),
            Part::After(place) => (Some(position(Place { seq: place.seq.saturating_add(1), ..place })), MAX_PAGE),
            Part::Around(place) => (position(place).checked_sub(MAX_PAGE / 2), MAX_PAGE),
        };
        // The first entry of the log has nothing before it.
        let start = start.or((first.seq == 1).then_some(0))?;
        let count = if let Part::Before(place) = part { position(place) - start } else { count };
        let end = len.min(start + count);
        let entries = self.entries.range(start..end).cloned().collect();
        let has_earlier = start > 0 || first.seq > 1;
        Some(Found { entries, has_earlier, has_later: end < len, is_offline: false })
    }

    /// Returns what is kept here of a part, without anything else.
    pub(super) fn find_last(&self, part: Part) -> Found {
        let is_wanted = |entry: &&Entry| match part {
            Part::Before(place) => entry.place < place,
            Part::After(place) => entry.place > place,
            Part::Newest | Part::Around(_) => true,
        };
        let skipped = self.entries.iter().filter(is_wanted).count().saturating_sub(MAX_PAGE);
        let entries = self.entries.iter().filter(is_wanted).skip(skipped).cloned().collect();
        Found { entries, has_earlier: false, has_later: false, is_offline: true }
    }

    /// Adds a request. Returns whether the server is to be asked for it now.
    pub(super) fn request(&mut self, request: Request) -> bool {
        // The first one was sent, so the second one is the earliest that can be replaced.
        if self.requests.len() == MAX_REQUESTS {
            self.requests.remove(1);
        }
        self.requests.push_back(request);
        self.requests.len() == 1
    }

    /// Returns the place before which the server is asked for a part.
    pub(super) fn before(&self, part: Part) -> u64 {
        let wanted = u64::try_from(MAX_PAGE).unwrap_or(u64::MAX);
        match part {
            Part::Newest => 0,
            Part::Before(place) => place.seq,
            Part::After(place) => place.seq.saturating_add(wanted).saturating_add(1),
            Part::Around(place) => place.seq.saturating_add(wanted / 2),
        }
    }

    /// Converts entries of a page from the server.
    pub(super) fn found(&self, part: Part, page: &event::HistoryPage) -> Found {
        let is_wanted = |entry: &&event::Entry| match part {
            Part::Before(place) => entry.seq < place.seq,
            Part::After(place) => entry.seq > place.seq,
            Part::Newest | Part::Around(_) => true,
        };
        let entries: Vec<_> = page.entries.iter().filter(is_wanted).map(|entry| self.convert(entry)).collect();
        Found {
            has_earlier: !entries.is_empty() && page.earlier == event::Earlier::Possible,
            has_later: !page.is_last,
            is_offline: false,
            entries,
        }
    }

    pub(super) fn set_members(&mut self, names: &[String]) {
        self.members = names.iter().take(MAX_MEMBERS).cloned().collect();
    }

    /// Returns the changes of the members that an entry reports: names, and whether they are
    /// present.
    pub(super) fn update_members(&mut self, entry: &event::Entry) -> Vec<(String, bool)> {
        let changes = entry.member_changes();
        for (name, is_present) in &changes {
            self.members.retain(|known| known != name);
            if *is_present && self.members.len() < MAX_MEMBERS {
                let at = self.members.partition_point(|known| known < name);
                self.members.insert(at, name.clone());
            }
        }
        changes
    }

    fn remove_text(&mut self, seq: u64) {
        let place = self.place(seq);
        for entry in self.entries.iter_mut().chain(&mut self.batch.entries).filter(|entry| entry.place == place) {
            (entry.kind, entry.text, entry.file) = (kabar_std::json::kind_name(EntryKind::REMOVED), None, None);
        }
    }

    fn convert(&self, entry: &event::Entry) -> Entry {
        let (text, size, removed) = protocol::content_of(entry.kind, entry.content.as_content());
        Entry {
            place: self.place(entry.seq),
            time_ms: entry.time_ms,
            author: entry.author.clone(),
            kind: kabar_std::json::kind_name(entry.kind),
            own: entry.is_own,
            mention: entry.is_mention,
            hidden: entry.is_hidden,
            replayed: entry.is_replayed,
            text,
            size,
            file: protocol::file_of(entry.kind, entry.content.as_content()),
            removed,
        }
    }
}

fn is_text(entry: &Entry) -> bool {
    matches!(entry.kind.as_str(), "text" | "action" | "operator")
}
