//! Parts of the history for pages. The last entries are kept in memory, earlier ones are read in
//! the local history, and ranges that are not stored there come from the server.

use std::sync::Arc;

use kabar_std::search::Query;

use super::Front;
use super::archive::{Hidden, convert};
use super::room::{Found, Request, Room, StoredRoom};
use crate::engine::event::HistoryPage;
use crate::engine::{Command, RoomId, ServerId};
use crate::history::{self, Anchor, LogRow, NOTIFY, Reader, RoomRow};
use crate::web::protocol::{Hit, MAX_PAGE, Membership, Part, Place, RoomKey, ToPage};
use crate::web::server::input::PageId;

/// Texts that are found at once.
const MAX_HITS: usize = 100;

impl Front {
    /// A room has a place in the local history.
    pub(super) fn on_history_at(&mut self, id: RoomId, identity: &Arc<str>, row: RoomRow, log: Option<LogRow>) {
        self.archive.open(identity);
        self.archive.logs.extend(log.map(|log| (log.number(), log)));
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let is_new = room.stored.is_none();
        let stored = StoredRoom { identity: Arc::clone(identity), row, log };
        if let Some(reader) = self.archive.reader(&stored)
            && is_new
        {
            restore(room, reader, row);
        }
        room.stored = Some(stored);
        self.publish_room(id);
    }

    pub(super) fn on_page_request(&mut self, page: PageId, id: RoomId, part: Part, tag: u32) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let request = Request { page, tag, part };
        let own_name = self.servers.get(&id.server).map_or("", |server| &server.name);
        let kept = room.find(part);
        let stored = room.stored.as_ref();
        let found = kept.or_else(|| stored.and_then(|stored| self.archive.find(stored, part, own_name)));
        match found {
            Some(found) => self.send_page(id, request, found),
            None if room.membership != Membership::Joined => {
                let found = room.find_last(part);
                self.send_page(id, request, found);
            }
            None => {
                if room.request(request) {
                    self.ask_server(id);
                }
            }
        }
    }

    /// Asks the server for the first request that waits.
    fn ask_server(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get(&id) else { return };
        let Some(request) = room.requests.front() else { return };
        let count = u8::try_from(MAX_PAGE).unwrap_or(u8::MAX);
        self.config.engine.send(Command::History { room: id, before: room.before(request.part), count });
    }

    pub(super) fn on_history_page(&mut self, page: &HistoryPage) {
        let Some(room) = self.rooms.get_mut(&page.room) else { return };
        let Some(request) = room.requests.pop_front() else { return };
        let found = room.found(request.part, page);
        self.send_page(page.room, request, found);
        self.ask_server(page.room);
    }

    /// Pages that were requested from this server do not come.
    pub(super) fn drop_requests(&mut self, server: ServerId) {
        let rooms: Vec<_> = self.rooms.keys().filter(|room| room.server == server).copied().collect();
        for id in rooms {
            let Some(room) = self.rooms.get_mut(&id) else { continue };
            let requests = std::mem::take(&mut room.requests);
            let answers: Vec<_> = requests.into_iter().map(|request| (request, room.find_last(request.part))).collect();
            for (request, found) in answers {
                self.send_page(id, request, found);
            }
        }
    }

    fn send_page(&mut self, id: RoomId, request: Request, found: Found) {
        let Found { entries, has_earlier, has_later, is_offline } = found;
        let (room, tag) = (RoomKey(id), request.tag);
        self.pages.send(request.page, &ToPage::Page { room, tag, entries, has_earlier, has_later, is_offline });
    }

    /// Searches texts in the local history.
    pub(super) fn search(&mut self, page: PageId, room: Option<RoomId>, text: &str, tag: u32) {
        let Some(query) = Query::new(text) else {
            return self.pages.send(page, &ToPage::Found { tag, hits: Vec::new(), has_more: false });
        };
        if self.archive.readers.is_empty() {
            self.answer(page, room, true, &crate::messages::web::no_search());
        }
        let only = room.and_then(|room| self.rooms.get(&room)?.stored.clone());
        let (mut hits, mut has_more) = (Vec::new(), false);
        for (identity, reader) in &self.archive.readers {
            if only.as_ref().is_some_and(|only| only.identity != *identity) {
                continue;
            }
            let row = only.as_ref().map(|only| only.row);
            let Ok(found) = reader.search(&query, row, None, MAX_HITS) else { continue };
            has_more |= found.next.is_some();
            let names = reader.rooms().unwrap_or_default();
            for hit in found.hits {
                let is_it = |room: &&Room| {
                    room.stored.as_ref().is_some_and(|stored| stored.row == hit.room && stored.identity == *identity)
                };
                let room = self.rooms.values().find(is_it).map(Room::key);
                let name = names.iter().find(|known| known.room == hit.room).map(|known| known.name.clone());
                self.archive.logs.insert(hit.entry.place.log.number(), hit.entry.place.log);
                let entry = convert(&hit.entry, "", &Hidden::default());
                hits.push(Hit { room, name: name.unwrap_or_default(), entry });
            }
        }
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.entry.time_ms));
        hits.truncate(MAX_HITS);
        self.pages.send(page, &ToPage::Found { tag, hits, has_more });
    }
}

/// Restores what the local history has of a room: its draft, and what is unread.
fn restore(room: &mut Room, reader: &Reader, row: RoomRow) {
    room.draft = reader.draft(row).unwrap_or_default();
    room.notify = reader.setting(row, NOTIFY).ok().flatten().unwrap_or_default();
    let summaries = reader.summaries().unwrap_or_default();
    let summary = summaries.into_iter().find(|summary| summary.room == row);
    if let Some(unread) = summary.map(|summary| summary.unread) {
        (room.unread.lines, room.unread.mentions) = (unread.entries, unread.mentions);
    }
    let before = |place: history::Place| Place { log: place.log.number(), seq: place.seq.saturating_sub(1) };
    let first_unread = reader.first_unread(row).ok().flatten().map(before);
    let last = || {
        let page = reader.page(row, Anchor::Last, 1).ok()?;
        page.entries().next_back().map(|entry| entry.place)
    };
    // What comes in after the last entry that is stored is unread, too.
    let at = |place: history::Place| Place { log: place.log.number(), seq: place.seq };
    room.unread.read = first_unread.or_else(|| last().map(at));
}
