//! The local histories that pages read.

use std::collections::HashMap;
use std::sync::Arc;

use kabar_core::chat::EntryKind;
use kabar_std::data_dir::DataDir;
use kabar_std::names::Name;

use super::room::{Found, StoredRoom};
use crate::history::{self, Anchor, Attention, LogRow, PageItem, Reader, RoomRow, StorageError, StoredEntry};
use crate::web::protocol::{self, Entry, MAX_PAGE, Part, Place};

/// The local histories, one per identity.
#[derive(Debug)]
pub(super) struct Archive {
    dir: DataDir,
    pub(super) readers: HashMap<Arc<str>, Reader>,
    /// Logs by their number.
    pub(super) logs: HashMap<u64, LogRow>,
}

impl Archive {
    pub(super) fn new(dir: DataDir) -> Self {
        Self { dir, readers: HashMap::new(), logs: HashMap::new() }
    }

    /// Opens the history of an identity, unless it is open.
    pub(super) fn open(&mut self, identity: &Arc<str>) {
        if !self.readers.contains_key(identity)
            && let Ok(reader) = Reader::open(&self.dir, identity)
        {
            self.readers.insert(Arc::clone(identity), reader);
        }
    }

    pub(super) fn reader(&self, room: &StoredRoom) -> Option<&Reader> {
        self.readers.get(&room.identity)
    }

    fn place(&self, place: Place) -> Option<history::Place> {
        Some(history::Place { log: *self.logs.get(&place.log)?, seq: place.seq })
    }

    /// Returns the entry at a place; `None`: it is not stored.
    pub(super) fn entry(&self, room: &StoredRoom, place: Place, own_name: &str) -> Option<Entry> {
        let reader = self.reader(room)?;
        let entry = reader.entry(self.place(place)?).ok().flatten()?;
        Some(convert(&entry, own_name, &Hidden::read(reader, room.row).ok()?))
    }

    /// Whether the user does not want to see what a member writes in a room.
    pub(super) fn ignores(&self, room: &StoredRoom, author: &str) -> bool {
        let hidden = self.reader(room).and_then(|reader| Hidden::read(reader, room.row).ok());
        hidden.is_some_and(|hidden| hidden.ignores(author))
    }

    /// Reads part of the history of a room; `None`: it is not stored.
    pub(super) fn find(&mut self, room: &StoredRoom, part: Part, own_name: &str) -> Option<Found> {
        let anchor = match part {
            Part::Newest => Anchor::Last,
            Part::Before(place) => Anchor::Before(self.place(place)?),
            Part::After(place) => Anchor::After(self.place(place)?),
            Part::Around(place) => Anchor::Around(self.place(place)?),
        };
        let reader = self.reader(room)?;
        let page = reader.page(room.row, anchor, MAX_PAGE).ok()?;
        let whole = Whole::of(&page.items, part);
        let hidden = Hidden::read(reader, room.row).ok()?;
        let entries: Vec<_> = whole.entries.iter().map(|entry| convert(entry, own_name, &hidden)).collect();
        let logs: Vec<_> = page.entries().map(|entry| entry.place.log).collect();
        self.logs.extend(logs.into_iter().map(|log| (log.number(), log)));
        // A range that is not stored is reported with the entry after it only.
        let may_have_earlier = matches!(part, Part::Before(place) if place.seq > 1);
        if entries.is_empty() && (whole.has_gap || may_have_earlier) {
            return None;
        }
        Some(Found {
            entries,
            has_earlier: page.has_earlier || whole.has_gap_before,
            has_later: page.has_later || whole.has_gap_after,
            is_offline: false,
        })
    }
}

/// The entries of a page up to the first range that the server may still have.
struct Whole<'a> {
    entries: Vec<&'a StoredEntry>,
    has_gap: bool,
    has_gap_before: bool,
    has_gap_after: bool,
}

impl<'a> Whole<'a> {
    fn of(items: &'a [PageItem], part: Part) -> Self {
        let is_gap = |item: &PageItem| matches!(item, PageItem::Gap(gap) if gap.fetchable().is_some());
        let (start, end) = match part {
            Part::Newest | Part::Before(_) => (items.iter().rposition(is_gap).map_or(0, |gap| gap + 1), items.len()),
            Part::After(_) => (0, items.iter().position(is_gap).unwrap_or(items.len())),
            Part::Around(place) => {
                let is_before = |item: &PageItem| match item {
                    PageItem::Entry(entry) => (entry.place.log.number(), entry.place.seq) < (place.log, place.seq),
                    PageItem::Gap(gap) => (gap.log.number(), gap.last) < (place.log, place.seq),
                };
                let middle = items.partition_point(is_before);
                let (before, after) = items.split_at(middle);
                (
                    before.iter().rposition(is_gap).map_or(0, |gap| gap + 1),
                    after.iter().position(is_gap).map_or(items.len(), |gap| middle + gap),
                )
            }
        };
        let entry = |item: &'a PageItem| if let PageItem::Entry(entry) = item { Some(entry) } else { None };
        Self {
            entries: items[start..end].iter().filter_map(entry).collect(),
            has_gap: items.iter().any(is_gap),
            has_gap_before: start > 0,
            has_gap_after: end < items.len(),
        }
    }
}

/// What the user does not want to see of a server.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    names: Vec<Name>,
    joins: bool,
}

impl Hidden {
    fn read(reader: &Reader, row: RoomRow) -> Result<Self, StorageError> {
        let Some(room) = reader.rooms()?.into_iter().find(|room| room.room == row) else { return Ok(Self::default()) };
        Ok(Self { names: reader.ignored(room.server)?, joins: reader.hides_joins(room.server)? })
    }

    fn has(&self, entry: &StoredEntry) -> bool {
        let is_join = matches!(entry.kind, EntryKind::JOINED | EntryKind::LEFT);
        (is_join && self.joins) || self.ignores(&entry.author)
    }

    fn ignores(&self, author: &str) -> bool {
        let is_ignored = |name: &Name| Name::existing(author).is_ok_and(|author| author.folded() == name.folded());
        !self.names.is_empty() && self.names.iter().any(is_ignored)
    }
}

pub(super) fn convert(entry: &StoredEntry, own_name: &str, hidden: &Hidden) -> Entry {
    let (text, size, removed) = protocol::content_of(entry.kind, entry.content.as_content());
    Entry {
        place: Place { log: entry.place.log.number(), seq: entry.place.seq },
        time_ms: entry.time_ms,
        author: entry.author.clone(),
        kind: kabar_std::json::kind_name(entry.kind),
        own: entry.author == own_name && entry.instance != 0,
        mention: entry.attention == Attention::Mention,
        hidden: hidden.has(entry),
        replayed: true,
        text,
        size,
        file: protocol::file_of(entry.kind, entry.content.as_content()),
        removed,
    }
}

#[cfg(test)]
mod tests;
