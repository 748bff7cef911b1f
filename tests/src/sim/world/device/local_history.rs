//! The local history of a device: a real file, which has to hold what the model says was saved
//! (rule S4), also after a process that wrote it was killed.
//!
//! ```text
//! Joined -> Writer::begin       entries -> kept in memory -(saved)-> Writer::append, Writer::commit
//! killed -> the files as they are on the disk are those of the next process, without what was
//!           appended and not committed
//! ```

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;

use kabar_client::history::{
    Anchor, Attention, Batch, Beginning, CurrentLog, LogRow, NewEntry, Place, RoomRow, StoredContent, Writer,
};
use kabar_core::chat::{EntryHeader, Term};
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use tempfile::TempDir;

use crate::sim::model::{Checked, FileEntry, Model, Rule, Store, Violation, demand};
use crate::sim::world::ROOMS;

const SERVER: Fingerprint = Fingerprint([7; 20]);
const IDENTITY: &str = "device";
/// The files of which a history consists on the disk.
const FILES: [&str; 2] = ["device.db", "device.db-wal"];
const PAGE: usize = 100;

/// The history of one device.
#[derive(Debug)]
pub(in crate::sim::world) struct LocalHistory {
    /// Of the process that runs, or of the last one.
    dir: TempDir,
    writer: Option<Writer>,
    rooms: BTreeMap<usize, Received>,
}

/// The part of a membership that is not in the file.
#[derive(Debug, Default)]
struct Received {
    log: Option<LogRow>,
    /// Since it was joined.
    term: Option<Term>,
    is_reset: bool,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    header: EntryHeader<'static>,
    author: String,
    content: StoredContent,
}

impl Entry {
    fn as_new(&self) -> NewEntry<'_> {
        let Self { header, author, content } = self;
        let EntryHeader { seq, time_ms, instance, number, kind, .. } = *header;
        let header = EntryHeader { seq, time_ms, author, instance, number, kind };
        NewEntry { header, content: content.as_content(), attention: Attention::None }
    }
}

fn failed<T>(result: Result<T, impl Display>) -> Result<T, Violation> {
    result.map_err(|error| Violation::new(Rule::S4, format!("a local history {error}")))
}

impl LocalHistory {
    pub(in crate::sim::world) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory for the history");
        Self { dir, writer: None, rooms: BTreeMap::new() }
    }

    /// A membership begins. `is_kept`: the device has saved one before.
    pub(super) fn start(&mut self, room: usize, is_kept: bool) -> Checked {
        let row = self.row(room)?;
        let current = failed(self.writer()?.current(row))?;
        demand!(current.is_some() == is_kept, S4, "a local history has {current:?}; saved before: {is_kept}");
        self.rooms.insert(room, Received { log: current.map(|current| current.log), ..Received::default() });
        Ok(())
    }

    pub(super) fn reset(&mut self, room: usize) {
        self.rooms.entry(room).or_default().is_reset = true;
    }

    pub(super) fn joined(&mut self, room: usize, start: u64, term: Term) -> Checked {
        self.append(room)?;
        let row = self.row(room)?;
        let received = self.rooms.entry(room).or_default();
        let (from, is_reset) = (received.log, std::mem::take(&mut received.is_reset));
        let CurrentLog { log, .. } = failed(self.writer()?.begin(row, from, Beginning { start, term, is_reset }))?;
        failed(self.writer()?.commit())?;
        let received = self.rooms.entry(room).or_default();
        (received.log, received.term) = (Some(log), Some(term));
        Ok(())
    }

    pub(super) fn entry(&mut self, room: usize, header: &EntryHeader<'_>, content: StoredContent) {
        let EntryHeader { seq, time_ms, author, instance, number, kind } = *header;
        let header = EntryHeader { seq, time_ms, author: "", instance, number, kind };
        let entry = Entry { header, author: author.to_owned(), content };
        self.rooms.entry(room).or_default().entries.push(entry);
    }

    /// The device saves the store of a room.
    pub(super) fn save(&mut self, room: usize, store: &Store) -> Checked {
        self.append(room)?;
        failed(self.writer()?.commit())?;
        let row = self.row(room)?;
        let current = failed(self.writer()?.current(row))?;
        let saved = current.map(|current| (current.start, current.cursor.seq, current.cursor.term));
        let expected = (store.start, store.cursor, store.term);
        demand!(saved == Some(expected), S4, "a local history is at {saved:?}, and was to be at {expected:?}");
        Ok(())
    }

    /// Writes the entries that were received, in a transaction that is to be committed.
    fn append(&mut self, room: usize) -> Checked {
        let received = self.rooms.entry(room).or_default();
        let (entries, term) = (std::mem::take(&mut received.entries), received.term);
        let Some((log, term)) = received.log.zip(term) else { return Ok(()) };
        let new: Vec<NewEntry<'_>> = entries.iter().map(Entry::as_new).collect();
        failed(self.writer()?.begin_transaction())?;
        failed(self.writer()?.append(&[Batch { log, term, entries: &new }]))
    }

    /// The process is killed: only what is on the disk is left. It may be in the middle of a turn.
    pub(super) fn kill(&mut self) {
        let rooms: Vec<usize> = self.rooms.keys().copied().collect();
        for room in rooms {
            // What cannot be appended is not on the disk either.
            let _ = self.append(room);
        }
        self.rooms.clear();
        if self.writer.is_none() {
            return;
        }
        let next = tempfile::tempdir().expect("a directory for the history");
        fs::create_dir_all(next.path().join("history")).expect("a directory");
        for file in FILES.map(|file| format!("history/{file}")) {
            let _ = fs::copy(self.dir.path().join(&file), next.path().join(&file));
        }
        self.writer = None;
        self.dir = next;
    }

    /// The process ends.
    pub(super) fn close(&mut self) {
        self.rooms.clear();
        self.writer = None;
    }

    /// Checks that the file holds what the device has saved, and nothing else.
    pub(in crate::sim::world) fn check(&mut self, room: usize, store: &Store, model: &Model) -> Checked {
        let row = self.row(room)?;
        let current = failed(self.writer()?.current(row))?;
        let Some(CurrentLog { log, start, cursor }) = current else {
            return Err(Violation::new(Rule::S4, format!("a local history has nothing of {}", ROOMS[room])));
        };
        let reader = failed(self.writer()?.reader())?;
        let (mut entries, mut anchor) = (Vec::new(), Anchor::At(Place { log, seq: start + 1 }));
        loop {
            let page = failed(reader.page(row, anchor, PAGE))?;
            let Some(last) = page.entries().next_back() else { break };
            anchor = Anchor::After(last.place);
            entries.extend(page.entries().map(|entry| FileEntry {
                seq: entry.place.seq,
                instance: entry.instance,
                number: entry.number,
                time_ms: entry.time_ms,
                len: match &entry.content {
                    StoredContent::Body(body) => body.len(),
                    StoredContent::Omitted(len) => usize::from(*len),
                },
            }));
            if !page.has_later {
                break;
            }
        }
        model.check_file(store, (start, cursor.seq, cursor.term), &entries)
    }

    fn row(&mut self, room: usize) -> Result<RoomRow, Violation> {
        failed(self.writer()?.room(&SERVER, ROOMS[room]))
    }

    fn writer(&mut self) -> Result<&mut Writer, Violation> {
        if self.writer.is_none() {
            let dir = DataDir::open(self.dir.path()).expect("a directory for the history");
            let (writer, aside) = failed(Writer::open(&dir, IDENTITY))?;
            demand!(aside.is_none(), S4, "a local history was set aside: {aside:?}");
            self.writer = Some(writer);
        }
        Ok(self.writer.as_mut().expect("it was just opened"))
    }
}
