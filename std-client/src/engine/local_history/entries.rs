//! Entries, from the sessions into the file.

use super::file::HistoryFile;
use super::room::{self, RecordedRoom};
use crate::engine::event::{Earlier, Entry, HistoryPage, RoomId};
use crate::history::{AppendError, Batch, Beginning, MAX_BATCH};

/// Entries of a room that wait for the end of the turn.
const MAX_PENDING: usize = MAX_BATCH / 4;

impl HistoryFile {
    pub(super) fn record(&mut self, entry: &Entry, is_mine: bool) {
        let Some(room) = self.rooms.get_mut(&entry.room) else { return };
        room.take(entry, is_mine);
        if room.pending.len() >= MAX_PENDING {
            self.append_pending();
        }
    }

    pub(super) fn add_page(&mut self, page: &HistoryPage, own_name: &str) {
        // It may have entries that came in this turn.
        self.append_pending();
        let Some((row, log, _)) = self.rooms.get(&page.room).and_then(RecordedRoom::place) else { return };
        let entries: Vec<_> = page.entries.iter().map(|entry| room::page_entry(entry, own_name)).collect();
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

    /// Appends what is pending.
    pub(super) fn append_pending(&mut self) {
        let waiting: Vec<RoomId> =
            self.rooms.iter().filter(|(_, room)| !room.pending.is_empty()).map(|(id, _)| *id).collect();
        match self.append(&waiting) {
            Ok(()) => {}
            Err(AppendError::Storage(error)) => self.fail(error.into()),
            // One of them is the cause.
            Err(_) => {
                for room in waiting {
                    if let Err(error) = self.append(&[room]) {
                        self.append_again(room, error);
                    }
                }
            }
        }
        self.rooms.values_mut().for_each(|room| room.pending.clear());
    }

    /// Appends the pending entries of these rooms.
    fn append(&mut self, rooms: &[RoomId]) -> Result<(), AppendError> {
        let Self { writer: Some(writer), rooms: all, .. } = self else { return Ok(()) };
        let entries: Vec<_> = rooms
            .iter()
            .filter_map(|room| {
                let room = all.get(room)?;
                Some((room.log?, room.term?, room.new_entries()))
            })
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        let batches: Vec<_> =
            entries.iter().map(|(log, term, entries)| Batch { log: *log, term: *term, entries }).collect();
        writer.begin_transaction()?;
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
}
