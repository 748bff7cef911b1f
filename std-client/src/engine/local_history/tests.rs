//! What is written in one turn, on files.

use std::time::Instant;

use kabar_core::chat::{EntryKind, Term};

use super::*;
use crate::engine::event::{EntryContent, HistoryError, ServerId};
use crate::engine::queue::{Events, queues};
use crate::history::tests::commits;
use crate::history::{Reader, StorageError, StoreErrorKind};
use crate::poller::Poller;
use crate::temporary_dir;

const ANNA: &str = "ANNA";
const SERVER: Fingerprint = Fingerprint([7; 20]);
const LOBBY: RoomId = RoomId { server: ServerId(0), index: 0 };
const T1: Term = Term([1; 8]);

impl LocalHistories {
    /// Makes the disk full for the file of this identity, until it is opened again.
    pub(in crate::engine) fn fill_disk(&self, identity: &str) {
        let history = self.of(identity);
        let file = history.file();
        file.writer.as_ref().unwrap().limit_pages(Some(1));
    }

    /// The file of this identity is tried again.
    pub(in crate::engine) fn retry(&self, identity: &str) {
        self.of(identity).file().retry_at = Some(Instant::now());
    }
}

/// The history of anna in the lobby, with an outbox, and a turn of the engine.
struct Anna {
    dir: DataDir,
    histories: LocalHistories,
    history: LocalHistory,
    sink: EventSink,
    events: Events,
    _poller: Poller,
    _home: tempfile::TempDir,
}

impl Anna {
    fn new() -> Self {
        let (_home, dir) = temporary_dir();
        let histories = LocalHistories::new(dir.clone());
        let history = histories.of(ANNA);
        let (_poller, waker) = Poller::new().unwrap();
        let (_, events, _, sink) = queues(&waker, Arc::new(|| ()));
        let anna = Self { dir, histories, history, sink, events, _poller, _home };
        anna.history.locate(LOBBY, &SERVER, &RoomName::default(), &anna.sink);
        anna.history.begin(LOBBY, None, Beginning { start: 0, term: T1, is_reset: false }, &anna.sink).unwrap();
        anna.history.resume_posts(LOBBY).unwrap();
        anna.history.assign(LOBBY, 9);
        anna.commit();
        anna
    }

    fn record(&self, seq: u64, text: &str) {
        let content = EntryContent::Body(text.as_bytes().to_vec());
        let entry = Entry {
            room: LOBBY,
            seq,
            time_ms: 1,
            author: "bob".to_owned(),
            instance: 5,
            number: seq,
            kind: EntryKind::TEXT,
            content,
            is_own: false,
            is_replayed: false,
            is_hidden: false,
            is_mention: false,
            position: None,
        };
        self.history.record(&entry, false);
    }

    fn push(&self, text: &str) -> Option<u64> {
        self.history.push(LOBBY, &[(EntryKind::TEXT, text.as_bytes())])
    }

    /// Ends the turn, and returns the events about the file.
    fn commit(&self) -> Vec<Event> {
        self.sink.flush(Vec::new());
        let sent = std::iter::from_fn(|| self.events.try_recv());
        sent.chain(self.histories.commit()).collect()
    }

    fn recorded(&self) -> Vec<(LogRow, u64)> {
        let reader = Reader::open(&self.dir, ANNA).unwrap();
        let room = reader.rooms().unwrap()[0].room;
        let page = reader.page(room, Anchor::Last, 1000).unwrap();
        page.entries().map(|entry| (entry.place.log, entry.place.seq)).collect()
    }

    fn seqs(&self) -> Vec<u64> {
        self.recorded().into_iter().map(|(_, seq)| seq).collect()
    }
}

fn not_kept(event: &Event) -> Option<StoreErrorKind> {
    match event {
        Event::HistoryNotKept(error) => match **error {
            HistoryError::Storage(StorageError(kind)) => Some(kind),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn a_turn_is_one_transaction() {
    let anna = Anna::new();
    let before = commits(&anna.dir, ANNA);
    anna.record(1, "one");
    anna.record(2, "two");
    assert_eq!((anna.push("typed"), anna.push("again")), (Some(1), Some(2)));
    anna.history.mark_read(LOBBY, 1);
    anna.history.settle(LOBBY, 1);
    anna.history.save_draft(LOBBY, "half");
    assert_eq!(anna.commit().len(), 0);
    assert_eq!((commits(&anna.dir, ANNA), anna.seqs()), (before + 1, vec![1, 2]));
    assert_eq!(anna.history.kept(LOBBY), 1);
    anna.commit();
    assert_eq!(commits(&anna.dir, ANNA), before + 1, "a turn without anything writes nothing");
}

#[test]
fn on_a_full_disk_nothing_is_counted_as_kept() {
    let anna = Anna::new();
    anna.record(1, "one");
    assert_eq!(anna.push("kept"), Some(1));
    anna.commit();
    anna.histories.fill_disk(ANNA);
    assert_eq!(anna.push("not kept"), Some(2), "it is sent all the same");
    (2..99).for_each(|seq| anna.record(seq, &"x".repeat(4000)));
    let events = anna.commit();
    assert_eq!(events.iter().filter_map(not_kept).collect::<Vec<_>>(), [StoreErrorKind::DiskFull]);
    assert_eq!((anna.seqs(), anna.history.log(LOBBY)), (vec![1], None), "the cursor stays");
    (2..4).for_each(|seq| anna.record(seq, "missing"));
    assert_eq!(anna.commit().len(), 0, "reported once");
    assert_eq!(anna.history.interrupted(LOBBY), None, "not yet");
    anna.histories.retry(ANNA);
    let log = anna.history.interrupted(LOBBY).unwrap();
    let stored = anna.history.locate(LOBBY, &SERVER, &RoomName::default(), &anna.sink).unwrap();
    assert_eq!((Some(stored.log), stored.cursor.seq), (log, 1));
    anna.history.begin(LOBBY, log, Beginning { start: 1, term: T1, is_reset: false }, &anna.sink).unwrap();
    anna.record(2, "two");
    assert!(anna.commit().iter().any(|event| matches!(event, Event::HistoryKeptAgain)));
    assert_eq!((anna.seqs(), anna.history.kept(LOBBY)), (vec![1, 2], 1));
    assert_eq!((anna.push("nor this"), anna.history.kept(LOBBY)), (Some(3), 1), "it would come before the lost one");
    anna.history.settle(LOBBY, 3);
    assert_eq!(anna.history.kept(LOBBY), 0);
    assert_eq!((anna.push("kept again"), anna.history.kept(LOBBY)), (Some(4), 1));
}

#[test]
fn another_life_of_a_log_begins_another_log() {
    let anna = Anna::new();
    (1..=3).for_each(|seq| anna.record(seq, "first life"));
    assert_eq!(anna.push("typed"), Some(1));
    anna.commit();
    (2..=3).for_each(|seq| anna.record(seq, "second life"));
    let events = anna.commit();
    let log = events.iter().find_map(|event| if let Event::HistoryAt { log, .. } = event { *log } else { None });
    assert_eq!(log, anna.history.log(LOBBY));
    let recorded = anna.recorded();
    let of_later = recorded.iter().filter(|(of, _)| Some(*of) == log).map(|(_, seq)| *seq);
    assert!(of_later.eq([2, 3]) && recorded.len() == 5, "the earlier one is kept: {recorded:?}");
    assert_eq!(anna.history.kept(LOBBY), 1);
}

#[test]
fn a_file_that_was_moved_is_not_written() {
    let anna = Anna::new();
    anna.record(1, "one");
    anna.commit();
    let path = anna.dir.join(&format!("history/{ANNA}.db"));
    std::fs::rename(&path, path.with_extension("moved")).unwrap();
    anna.record(2, "two");
    let events = anna.commit();
    assert_eq!(events.iter().filter_map(not_kept).collect::<Vec<_>>(), [StoreErrorKind::Moved]);
    assert_eq!((anna.push("typed"), anna.history.space_for_posts(LOBBY)), (None, None), "its outbox is lost");
    anna.histories.retry(ANNA);
    assert_eq!(anna.history.interrupted(LOBBY), Some(None));
    assert_eq!(anna.history.locate(LOBBY, &SERVER, &RoomName::default(), &anna.sink), None, "a new one");
    anna.history.begin(LOBBY, None, Beginning { start: 2, term: T1, is_reset: false }, &anna.sink).unwrap();
    anna.record(3, "three");
    anna.commit();
    assert_eq!(anna.seqs(), [3]);
}
