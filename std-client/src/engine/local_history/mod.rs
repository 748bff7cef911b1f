//! The local histories that the engine writes: one file per identity. What the sessions receive in
//! one turn of the engine's thread is appended in one transaction, before the events about it
//! leave.
//!
//! ```text
//! Session::locate   -> LocalHistory::locate   the row of a room, once the key of its server is known
//! Joined            -> LocalHistory::begin    the log that its entries belong to
//! Entry             -> LocalHistory::record
//! the turn ends     -> LocalHistories::flush   appends; then EventSink::flush lets the events leave
//! ```
//! A file that cannot be opened or written is reported once. Rooms are not recorded until it can
//! be written again, which is tried every [`RETRY`]; what came in meanwhile is a gap.

mod choices;
mod posts;
mod room;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::RoomName;

use super::event::{Earlier, Entry, Event, HistoryError, HistoryPage, RoomId};
use super::queue::EventSink;
use crate::history::{
    Anchor, AppendError, Batch, Beginning, ChangeError, CurrentLog, LogRow, MAX_BATCH, PageItem, Place, Reader,
    RoomRow, StorageError, StoreErrorKind, StoredEntry, Writer,
};
pub(super) use choices::{Choice, Choices};
use posts::Slot;
use room::RecordedRoom;

/// How long after an error the file is not tried again.
const RETRY: Duration = Duration::from_secs(30);
/// Entries of a room that wait for the end of the turn.
const MAX_PENDING: usize = MAX_BATCH / 4;

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

    /// Writes what came in since the last call. Returns what is to be reported before it.
    pub(super) fn flush(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for history in lock(&self.list).iter() {
            let mut file = history.file();
            file.flush();
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

    /// Whether it is time to begin again, after an error.
    pub(super) fn is_retry_due(&self) -> bool {
        self.file().retry_at.is_some_and(|at| Instant::now() >= at)
    }

    /// Records an entry that the server delivered. `is_mine`: whether the person wrote it.
    pub(super) fn record(&self, entry: &Entry, is_mine: bool) {
        self.file().record(entry, is_mine);
    }

    /// Returns the log that entries of a room are appended to; `None`: it is not recorded.
    pub(super) fn log(&self, room: RoomId) -> Option<LogRow> {
        self.file().rooms.get(&room)?.log
    }

    /// Records a page of the server's history.
    pub(super) fn add_page(&self, page: &HistoryPage) {
        self.file().add_page(page);
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
        file.flush();
        if let Some(room) = file.rooms.get_mut(&room) {
            room.log = None;
        }
    }

    /// The room was left, or has ended.
    pub(super) fn forget(&self, room: RoomId) {
        let mut file = self.file();
        file.flush();
        file.rooms.remove(&room);
    }
}

/// Entries that were read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) entries: Vec<StoredEntry>,
    /// Whether all that was recorded until now is in the file.
    pub(super) is_complete: bool,
}

/// The file of one identity, and the rooms that are recorded in it.
#[derive(Debug)]
struct HistoryFile {
    dir: DataDir,
    identity: Arc<str>,
    /// `None`: it was not needed yet, or cannot be opened.
    writer: Option<Writer>,
    reader: Option<Reader>,
    /// Whether the rows of an earlier file mean nothing any more.
    is_lost: bool,
    /// The durable outbox.
    slot: Slot,
    rooms: BTreeMap<RoomId, RecordedRoom>,
    /// From an error on: when the file is tried again.
    retry_at: Option<Instant>,
    /// The last error.
    error: Option<Arc<HistoryError>>,
    /// Events about the file.
    reports: Vec<Event>,
}

impl HistoryFile {
    fn new(dir: DataDir, identity: Arc<str>) -> Self {
        Self {
            dir,
            identity,
            writer: None,
            reader: None,
            is_lost: false,
            slot: Slot::default(),
            rooms: BTreeMap::new(),
            retry_at: None,
            error: None,
            reports: Vec::new(),
        }
    }

    /// Reports what happened to the file.
    fn report(&mut self, sink: &EventSink) {
        self.reports.drain(..).for_each(|event| sink.send(event));
    }

    fn locate(&mut self, id: RoomId, server: &Fingerprint, name: &RoomName) -> Option<CurrentLog> {
        let (row, current) = self.write(|writer| {
            let row = writer.room(server, name.as_str())?;
            Ok((row, writer.current(row)?))
        })?;
        let log = current.map(|current| current.log);
        if self.rooms.get(&id).is_none_or(|room| room.log.is_none()) {
            self.rooms.entry(id).or_insert_with(|| RecordedRoom::new(row)).row = row;
            self.report_place(id, row, log);
        }
        current
    }

    fn report_place(&mut self, room: RoomId, row: RoomRow, log: Option<LogRow>) {
        if let Some(known) = self.rooms.get_mut(&room)
            && known.reported != Some(log)
        {
            known.reported = Some(log);
            self.reports.push(Event::HistoryAt { room, identity: Arc::clone(&self.identity), row, log });
        }
    }

    fn begin(&mut self, id: RoomId, from: Option<LogRow>, beginning: Beginning) -> Option<CurrentLog> {
        // Entries before a Joined precede what it states.
        self.flush();
        let row = self.rooms.get(&id)?.row;
        let begun = self.write(|writer| match writer.begin(row, from, beginning) {
            Err(AppendError::Storage(error)) => Err(error),
            begun => Ok(begun.ok()),
        })?;
        let room = self.rooms.get_mut(&id)?;
        (room.log, room.term) = (begun.map(|begun| begun.log), Some(beginning.term));
        if let Some(CurrentLog { log, .. }) = begun {
            self.report_place(id, row, Some(log));
        }
        begun
    }

    fn record(&mut self, entry: &Entry, is_mine: bool) {
        let Some(room) = self.rooms.get_mut(&entry.room) else { return };
        room.take(entry, is_mine);
        if room.pending.len() >= MAX_PENDING {
            self.flush();
        }
    }

    fn add_page(&mut self, page: &HistoryPage) {
        // It may have entries that came in this turn.
        self.flush();
        let Some((row, log, _)) = self.rooms.get(&page.room).and_then(RecordedRoom::place) else { return };
        let entries: Vec<_> = page.entries.iter().map(room::page_entry).collect();
        let first_kept = page.entries.first().filter(|_| page.earlier == Earlier::NotKept).map(|first| first.seq);
        self.write(|writer| {
            // The server may have stored more than it has sent.
            let delivered = writer.current(row)?.map_or(0, |current| current.cursor.seq);
            let known = entries.partition_point(|entry| entry.header.seq <= delivered);
            match writer.add_page(log, &entries[..known], first_kept) {
                Err(AppendError::Storage(error)) => Err(error),
                // A page that does not fit into the log is only displayed.
                Ok(()) | Err(_) => Ok(()),
            }
        });
    }

    /// Appends what is pending, and moves the read marks.
    fn flush(&mut self) {
        let waiting: Vec<RoomId> =
            self.rooms.iter().filter(|(_, room)| !room.pending.is_empty()).map(|(id, _)| *id).collect();
        if !waiting.is_empty() && self.append(&waiting).is_err() {
            // One of them is the cause.
            for room in waiting {
                if let Err(error) = self.append(&[room]) {
                    self.append_again(room, error);
                }
            }
        }
        self.rooms.values_mut().for_each(|room| room.pending.clear());
        let marks: Vec<_> = self.rooms.values_mut().filter_map(RecordedRoom::take_mark).collect();
        for (row, place) in marks {
            self.write(|writer| writer.mark_read(row, place));
        }
        self.settle_posts();
    }

    /// Appends the pending entries of these rooms in one transaction.
    fn append(&mut self, rooms: &[RoomId]) -> Result<(), AppendError> {
        let Self { writer: Some(writer), rooms: all, .. } = self else { return Ok(()) };
        let entries: Vec<_> = rooms
            .iter()
            .filter_map(|room| {
                let room = all.get(room)?;
                Some((room.log?, room.term?, room.new_entries()))
            })
            .collect();
        let batches: Vec<_> =
            entries.iter().map(|(log, term, entries)| Batch { log: *log, term: *term, entries }).collect();
        writer.append(&batches)
    }

    /// The entries of a room were not appended: this is another life of its log, or the file cannot
    /// be written.
    fn append_again(&mut self, id: RoomId, error: AppendError) {
        let (true, Some(room)) = (!matches!(error, AppendError::Storage(_)), self.rooms.get_mut(&id)) else {
            if let AppendError::Storage(error) = error {
                self.fail(error.into());
            }
            return;
        };
        let (Some(from), Some(term), Some(first)) = (room.log, room.term, room.pending.first()) else { return };
        let is_reset = matches!(error, AppendError::Contradiction(_));
        let beginning = Beginning { start: first.entry.seq.saturating_sub(1), term, is_reset };
        let row = room.row;
        let begun = self.write(|writer| match writer.begin(row, Some(from).filter(|_| is_reset), beginning) {
            Err(AppendError::Storage(error)) => Err(error),
            begun => Ok(begun.ok()),
        });
        let log = begun.flatten().map(|begun| begun.log);
        if let Some(room) = self.rooms.get_mut(&id) {
            room.log = log;
        }
        match (log, self.append(&[id])) {
            (Some(log), Ok(())) => self.report_place(id, row, Some(log)),
            (_, Err(AppendError::Storage(error))) => self.fail(error.into()),
            (_, Err(_)) | (None, _) => self.rooms.get_mut(&id).into_iter().for_each(|room| room.log = None),
        }
    }

    fn reader(&mut self) -> Option<&Reader> {
        if self.reader.is_none() {
            match self.writer.as_ref()?.reader() {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => self.fail(error.into()),
            }
        }
        self.reader.as_ref()
    }

    /// Returns why the file cannot be used.
    fn error(&self) -> Arc<HistoryError> {
        let unknown = || Arc::new(StorageError(StoreErrorKind::Moved).into());
        self.error.clone().unwrap_or_else(unknown)
    }

    /// Runs `work` with the file, which is opened if necessary. `None`: it cannot be used.
    fn write<T>(&mut self, work: impl FnOnce(&mut Writer) -> Result<T, StorageError>) -> Option<T> {
        if self.writer.is_none() {
            if self.retry_at.is_some_and(|at| Instant::now() < at) {
                return None;
            }
            match Writer::open(&self.dir, &self.identity) {
                Ok((writer, aside)) => {
                    self.reports.extend(aside.map(Event::HistorySetAside));
                    if self.retry_at.take().is_some() {
                        self.reports.push(Event::HistoryKeptAgain);
                    }
                    self.writer = Some(writer);
                }
                Err(error) => {
                    self.fail(error.into());
                    return None;
                }
            }
        }
        match work(self.writer.as_mut()?) {
            Ok(done) => Some(done),
            Err(error) => {
                self.fail(error.into());
                None
            }
        }
    }

    /// The file cannot be used for now: nothing is recorded.
    fn fail(&mut self, error: HistoryError) {
        let kind = if let HistoryError::Storage(StorageError(kind)) = &error { Some(*kind) } else { None };
        if matches!(kind, Some(StoreErrorKind::Damaged | StoreErrorKind::Moved)) {
            (self.is_lost, self.slot) = (true, Slot::None);
        }
        let error = Arc::new(error);
        if self.retry_at.is_none() {
            self.reports.push(Event::HistoryNotKept(Arc::clone(&error)));
        }
        self.error = Some(error);
        self.retry_at = Some(Instant::now() + RETRY);
        (self.writer, self.reader) = (None, None);
        for room in self.rooms.values_mut() {
            (room.log, room.reported) = (None, None);
            room.pending.clear();
            room.has_outbox &= !self.is_lost;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
