//! The local histories that the engine writes: one file per identity. Everything that one turn of
//! the engine's thread writes is one transaction: what the sessions received, what was posted and
//! what is settled. It is durable before the events about it leave and before anything is sent.
//!
//! ```text
//! Session::locate -> LocalHistory::locate    the row of a room, once the server's key is known
//! Joined          -> LocalHistory::begin     the log that its entries belong to
//! Entry           -> LocalHistory::record
//! Post            -> LocalHistory::push
//! the turn ends   -> LocalHistories::commit  then the events leave, and the sessions send
//! ```
//! * `file`: the file and its transaction. `room`: a room in it. `entries`, `posts`, `choices`:
//!   what is written.
//!
//! A file that cannot be opened or written is reported once, and tried again after a while. Rooms
//! are not recorded until then, and their cursors stay: what came in meanwhile is requested from
//! the server again, by this process or by the next one. Posts of that time are sent, and are lost
//! if the process ends before.

mod choices;
mod entries;
mod file;
mod posts;
mod room;
mod transfers;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::RoomName;

use super::event::{Entry, Event, HistoryPage, RoomId};
use super::queue::EventSink;
use crate::history::{Anchor, Beginning, ChangeError, CurrentLog, LogRow, PageItem, Place, StoredEntry};
pub(super) use choices::{Choice, Choices};
use file::HistoryFile;

/// The histories of all identities that the engine uses.
#[derive(Clone, Debug)]
pub(super) struct LocalHistories {
    dir: DataDir,
    list: Arc<Mutex<Vec<LocalHistory>>>,
}

impl LocalHistories {
    pub(super) fn new(dir: DataDir) -> Self {
        Self { dir, list: Arc::default() }
    }

    /// Returns the history of the identity with this fingerprint.
    pub(super) fn of(&self, identity: &str) -> LocalHistory {
        let mut list = lock(&self.list);
        if let Some(known) = list.iter().find(|known| &*known.identity == identity) {
            return known.clone();
        }
        let identity: Arc<str> = identity.into();
        let file = HistoryFile::new(self.dir.clone(), Arc::clone(&identity));
        let new = LocalHistory { identity, file: Arc::new(Mutex::new(file)) };
        list.push(new.clone());
        new
    }

    /// Closes all files, which no session uses any more.
    pub(super) fn close(&self) {
        lock(&self.list).clear();
    }

    /// Makes durable what came in since the last call. Returns what is to be reported before it.
    pub(super) fn commit(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for history in lock(&self.list).iter() {
            let mut file = history.file();
            file.commit();
            events.append(&mut file.reports);
        }
        events
    }
}

/// The history of one identity.
#[derive(Clone, Debug)]
pub(super) struct LocalHistory {
    identity: Arc<str>,
    file: Arc<Mutex<HistoryFile>>,
}

impl LocalHistory {
    fn file(&self) -> MutexGuard<'_, HistoryFile> {
        lock(&self.file)
    }

    /// Finds the room in the file, and reports its place. Returns the log that was current when it
    /// was last joined; `None`: there is none, or the file cannot be used.
    pub(super) fn locate(
        &self,
        room: RoomId,
        server: &Fingerprint,
        name: &RoomName,
        sink: &EventSink,
    ) -> Option<CurrentLog> {
        let mut file = self.file();
        let current = file.locate(room, server, name);
        file.report(sink);
        current
    }

    /// Finds the room in the file, only for its posts.
    pub(super) fn locate_posts(&self, room: RoomId, server: &Fingerprint, name: &RoomName) {
        self.file().locate_posts(room, server, name);
    }

    /// The room was joined: entries are recorded from now on. `from`: the log that the Join
    /// continues. Returns the log that they belong to, unless they are not recorded.
    pub(super) fn begin(
        &self,
        room: RoomId,
        from: Option<LogRow>,
        beginning: Beginning,
        sink: &EventSink,
    ) -> Option<CurrentLog> {
        let mut file = self.file();
        let begun = file.begin(room, from, beginning);
        file.report(sink);
        begun
    }

    /// Whether a room is to be recorded again now, after an error. Returns the log that it
    /// continues, if it continues one.
    pub(super) fn interrupted(&self, room: RoomId) -> Option<Option<LogRow>> {
        self.file().interrupted(room)
    }

    /// Records an entry that the server delivered. `is_mine`: whether the person wrote it.
    pub(super) fn record(&self, entry: &Entry, is_mine: bool) {
        self.file().record(entry, is_mine);
    }

    /// Returns the log that entries of a room are appended to; `None`: it is not recorded.
    pub(super) fn log(&self, room: RoomId) -> Option<LogRow> {
        self.file().rooms.get(&room)?.log
    }

    /// Records a page of the server's history. `own_name`: that of the person.
    pub(super) fn add_page(&self, page: &HistoryPage, own_name: &str) {
        self.file().add_page(page, own_name);
    }

    /// Reads up to `limit` entries from `from` on, of the log that is recorded. `None`: that is not
    /// possible.
    pub(super) fn read(&self, room: RoomId, from: u64, limit: usize) -> Option<Read> {
        let mut file = self.file();
        let (row, log, is_complete) = file.rooms.get(&room)?.place()?;
        let reader = file.reader()?;
        let page = reader.page(row, Anchor::At(Place { log, seq: from }), limit).ok()?;
        let entries = page.items.into_iter().filter_map(|item| match item {
            PageItem::Entry(entry) if entry.place.log == log => Some(entry),
            _ => None,
        });
        Some(Read { entries: entries.collect(), is_complete })
    }

    /// Returns the first entry of the recorded log from this time on, if an entry after `start` is
    /// earlier.
    pub(super) fn first_since(&self, room: RoomId, time_ms: u64, start: u64) -> Option<u64> {
        let mut file = self.file();
        let (row, log, _) = file.rooms.get(&room)?.place()?;
        let page = file.reader()?.page(row, Anchor::Time(time_ms), 1).ok()?;
        let place = page.entries().next()?.place;
        (place.log == log && place.seq > start.saturating_add(1)).then_some(place.seq)
    }

    /// Everything up to this entry is read.
    pub(super) fn mark_read(&self, room: RoomId, seq: u64) {
        if let Some(room) = self.file().rooms.get_mut(&room) {
            room.read = room.read.max(Some(seq));
        }
    }

    /// Keeps a text that was typed and not posted.
    pub(super) fn save_draft(&self, room: RoomId, text: &str) {
        let mut file = self.file();
        let Some(row) = file.rooms.get(&room).map(|room| room.row) else { return };
        file.write(|writer| match writer.save_draft(row, text) {
            Err(ChangeError::Storage(error)) => Err(error),
            _ => Ok(()),
        });
    }

    /// Whether the file can be used, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        self.file().retry_at.is_none()
    }

    /// The room is being left: only its posts matter.
    pub(super) fn end_recording(&self, room: RoomId) {
        let mut file = self.file();
        file.commit();
        if let Some(room) = file.rooms.get_mut(&room) {
            room.log = None;
        }
    }

    /// The room was left, or has ended.
    pub(super) fn forget(&self, room: RoomId) {
        self.file().forget(room);
    }
}

/// Entries that were read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) entries: Vec<StoredEntry>,
    /// Whether all that was recorded until now is in the file.
    pub(super) is_complete: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
