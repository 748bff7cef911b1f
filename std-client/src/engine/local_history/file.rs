//! The file of one identity, in which rooms are recorded.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::RoomName;

use super::posts::Slot;
use super::room::RecordedRoom;
use crate::engine::event::{Event, HistoryError, RoomId};
use crate::engine::queue::EventSink;
use crate::history::{
    AppendError, Beginning, CurrentLog, LogRow, Reader, RoomRow, StorageError, StoreErrorKind, Writer,
};

/// How long after an error the file is not tried again.
const RETRY: Duration = Duration::from_secs(30);

/// The file of one identity, and the rooms that are recorded in it.
#[derive(Debug)]
pub(super) struct HistoryFile {
    dir: DataDir,
    identity: Arc<str>,
    /// `None`: it was not needed yet, or cannot be opened.
    pub(super) writer: Option<Writer>,
    reader: Option<Reader>,
    /// The durable outbox.
    pub(super) slot: Slot,
    pub(super) rooms: BTreeMap<RoomId, RecordedRoom>,
    /// Rooms that are to be recorded and are not, after an error: the log that each continues;
    /// `None`: that at which it is then.
    interrupted: BTreeMap<RoomId, Option<LogRow>>,
    /// From an error on: when the file is tried again.
    pub(super) retry_at: Option<Instant>,
    /// The last error.
    error: Option<Arc<HistoryError>>,
    /// Events about the file.
    pub(super) reports: Vec<Event>,
}

impl HistoryFile {
    pub(super) fn new(dir: DataDir, identity: Arc<str>) -> Self {
        Self {
            dir,
            identity,
            writer: None,
            reader: None,
            slot: Slot::default(),
            rooms: BTreeMap::new(),
            interrupted: BTreeMap::new(),
            retry_at: None,
            error: None,
            reports: Vec::new(),
        }
    }

    /// Reports what happened to the file.
    pub(super) fn report(&mut self, sink: &EventSink) {
        self.reports.drain(..).for_each(|event| sink.send(event));
    }

    pub(super) fn locate(&mut self, id: RoomId, server: &Fingerprint, name: &RoomName) -> Option<CurrentLog> {
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

    /// Finds the row of a room that is not recorded.
    pub(super) fn locate_posts(&mut self, id: RoomId, server: &Fingerprint, name: &RoomName) {
        if let Some(row) = self.write(|writer| writer.room(server, name.as_str())) {
            self.rooms.entry(id).or_insert_with(|| RecordedRoom::new(row)).row = row;
        }
    }

    pub(super) fn report_place(&mut self, room: RoomId, row: RoomRow, log: Option<LogRow>) {
        if let Some(known) = self.rooms.get_mut(&room)
            && known.reported != Some(log)
        {
            known.reported = Some(log);
            self.reports.push(Event::HistoryAt { room, identity: Arc::clone(&self.identity), row, log });
        }
    }

    pub(super) fn begin(&mut self, id: RoomId, from: Option<LogRow>, beginning: Beginning) -> Option<CurrentLog> {
        // Entries before a Joined precede what it states.
        self.append_pending();
        self.interrupted.entry(id).or_default().take_if(|_| beginning.is_reset);
        let row = self.rooms.get(&id)?.row;
        let begun = self.write(|writer| match writer.begin(row, from, beginning) {
            Err(AppendError::Storage(error)) => Err(error),
            begun => Ok(begun.ok()),
        })?;
        self.interrupted.remove(&id);
        let room = self.rooms.get_mut(&id)?;
        (room.log, room.term) = (begun.map(|begun| begun.log), Some(beginning.term));
        if let Some(CurrentLog { log, .. }) = begun {
            self.report_place(id, row, Some(log));
        }
        begun
    }

    /// Returns the log that a room continues once it can be recorded again; `None`: it is recorded,
    /// or is not to be, or it is not time for that.
    pub(super) fn interrupted(&self, id: RoomId) -> Option<Option<LogRow>> {
        let is_due = self.retry_at.is_none_or(|at| Instant::now() >= at);
        self.interrupted.get(&id).copied().filter(|_| is_due)
    }

    pub(super) fn forget(&mut self, id: RoomId) {
        self.commit();
        self.rooms.remove(&id);
        self.interrupted.remove(&id);
    }

    /// Writes everything that came in during this turn, and makes it durable together with what was
    /// written before in it.
    pub(super) fn commit(&mut self) {
        self.append_pending();
        self.move_read_marks();
        self.settle_posts();
        match self.writer.as_mut().map(Writer::commit) {
            Some(Ok(())) => self.rooms.values_mut().for_each(RecordedRoom::committed),
            Some(Err(error)) => self.fail(error.into()),
            None => {}
        }
    }

    fn move_read_marks(&mut self) {
        let marks: Vec<_> = self.rooms.values_mut().filter_map(RecordedRoom::take_mark).collect();
        for (row, place) in marks {
            self.write(|writer| writer.mark_read(row, place));
        }
    }

    /// Returns the reader, which has everything that was written so far.
    pub(super) fn reader(&mut self) -> Option<&Reader> {
        self.commit();
        if self.reader.is_none() {
            match self.writer.as_ref()?.reader() {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => self.fail(error.into()),
            }
        }
        self.reader.as_ref()
    }

    /// Returns why the file cannot be used.
    pub(super) fn error(&self) -> Arc<HistoryError> {
        let unknown = || Arc::new(StorageError(StoreErrorKind::Moved).into());
        self.error.clone().unwrap_or_else(unknown)
    }

    /// Runs `work` with the file, which is opened if necessary, in the transaction of this turn.
    /// `None`: it cannot be used.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut Writer) -> Result<T, StorageError>) -> Option<T> {
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
        let writer = self.writer.as_mut()?;
        match writer.begin_transaction().and_then(|()| work(writer)) {
            Ok(done) => Some(done),
            Err(error) => {
                self.fail(error.into());
                None
            }
        }
    }

    /// The file cannot be used for now: nothing is recorded, and nothing of this turn was.
    pub(super) fn fail(&mut self, error: HistoryError) {
        let kind = if let HistoryError::Storage(StorageError(kind)) = &error { Some(*kind) } else { None };
        let error = Arc::new(error);
        if self.retry_at.is_none() {
            self.reports.push(Event::HistoryNotKept(Arc::clone(&error)));
        }
        self.error = Some(error);
        self.retry_at = Some(Instant::now() + RETRY);
        (self.writer, self.reader) = (None, None);
        let recorded = self.rooms.iter().filter_map(|(id, room)| Some((*id, Some(room.log?))));
        self.interrupted.extend(recorded);
        if matches!(kind, Some(StoreErrorKind::Damaged | StoreErrorKind::Moved)) {
            // The next file is another one: rows and lines of this one mean nothing there.
            self.slot = Slot::None;
            self.rooms.clear();
            self.interrupted.values_mut().for_each(|log| *log = None);
        }
        self.rooms.values_mut().for_each(RecordedRoom::failed);
    }
}
