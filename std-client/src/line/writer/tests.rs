use std::sync::Mutex;

use kabar_core::chat::Term;
use kabar_core::session::Fingerprint;
use kabar_std::invite::RoomName;

use super::*;
use crate::cursor::{Cursor, CursorFile, SharedCursorFile};
use crate::temporary_dir;

struct Page {
    shown: Arc<Mutex<String>>,
    permits: Receiver<()>,
}

impl Sink for Page {
    fn text(&mut self, text: String) -> io::Result<()> {
        self.permits.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        self.shown.lock().unwrap().push_str(&text);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn writer() -> (Writer, Sender<()>, Arc<Mutex<String>>, crate::line::app_event::EventReceiver, mio::Poll) {
    let poll = mio::Poll::new().unwrap();
    let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
    let (sender, receiver) = EventSender::new(waker);
    let (permit, permits) = mpsc::channel();
    let shown = Arc::new(Mutex::new(String::new()));
    let page = Page { shown: Arc::clone(&shown), permits };
    (Writer::start(page, OnError::End, sender).unwrap(), permit, shown, receiver, poll)
}

#[test]
fn waits_for_a_slow_reader_and_loses_nothing() {
    let (writer, permit, shown, receiver, _poll) = writer();
    let expected: String = (0..QUEUE_LEN).map(|number| format!("{number}\n")).collect();
    for number in 0..QUEUE_LEN {
        assert!(writer.has_room());
        writer.text(format!("{number}\n"));
    }
    assert!(!writer.has_room());
    for _ in 0..QUEUE_LEN {
        permit.send(()).unwrap();
    }
    assert!(matches!(receiver.events.recv(), Ok(AppEvent::OutputWritable)));
    assert_eq!(writer.settle(Duration::from_secs(60)), OutputLosses::default());
    assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
    assert_eq!(*shown.lock().unwrap(), expected);
}

#[test]
fn reports_a_closed_output() {
    let (writer, permit, _shown, receiver, _poll) = writer();
    drop(permit);
    writer.text("hello".to_owned());
    assert!(matches!(receiver.events.recv(), Ok(AppEvent::OutputClosed)));
    writer.text("more".to_owned());
    let losses = OutputLosses { output: None, ..OutputLosses::default() };
    assert_eq!(writer.finish(Duration::from_secs(60)), losses, "a closed output is no loss");
}

/// A disk: the number of texts that fit, and its content.
struct Disk(Arc<Mutex<(usize, String)>>);

impl Sink for Disk {
    fn text(&mut self, text: String) -> io::Result<()> {
        let (room, written) = &mut *self.0.lock().unwrap();
        *room = room.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        written.push_str(&text);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type OnDisk = (Writer, Arc<Mutex<(usize, String)>>, crate::line::app_event::EventReceiver, mio::Poll);

fn on_disk(room: usize, on_error: OnError) -> OnDisk {
    let poll = mio::Poll::new().unwrap();
    let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
    let (sender, receiver) = EventSender::new(waker);
    let disk = Arc::new(Mutex::new((room, String::new())));
    let writer = Writer::start(Disk(Arc::clone(&disk)), on_error, sender).unwrap();
    (writer, disk, receiver, poll)
}

#[test]
fn full_disk_ends_entries_and_is_reported_at_the_end() {
    let (writer, disk, receiver, _poll) = on_disk(1, OnError::End);
    writer.text("one\n".to_owned());
    writer.text("two\n".to_owned());
    writer.text("three\n".to_owned());
    assert!(matches!(receiver.events.recv(), Ok(AppEvent::OutputClosed)));
    disk.lock().unwrap().0 = 9;
    let settled = writer.settle(Duration::from_secs(60));
    assert!(settled.output.is_some_and(|why| why.to_string().contains("no storage space")));
    assert_eq!(disk.lock().unwrap().1, "one\n", "nothing follows a gap");
}

#[test]
fn full_disk_drops_notices_and_their_count_follows() {
    let (writer, disk, _receiver, _poll) = on_disk(1, OnError::Drop);
    (1..=3).for_each(|number| writer.text(format!("{number}\n")));
    assert!(writer.settle(Duration::from_secs(60)).output.is_some());
    disk.lock().unwrap().0 = 9;
    writer.text("4\n".to_owned());
    assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
    assert_eq!(disk.lock().unwrap().1, "1\n(2 notices skipped: they could not be written)\n4\n");
}

#[test]
fn counts_queued_texts_of_a_reader_that_does_not_read() {
    let (writer, _permit, ..) = writer();
    writer.text("one\n".to_owned());
    assert_eq!(writer.settle(Duration::from_millis(1)).waiting, 1);
}

fn open(dir: &kabar_std::data_dir::DataDir, room: &str) -> (SharedCursorFile, Option<Cursor>) {
    let opened = CursorFile::open(dir, &Fingerprint([1; 20]), &RoomName::new(room).unwrap(), "ANNA", &[]);
    (SharedCursorFile::new(opened.file), opened.start.unwrap().map(|shown| shown.cursor))
}

fn at(seq: u64, file: &SharedCursorFile) -> Option<Position> {
    Some(Position {
        shown: crate::cursor::Shown { cursor: Cursor { seq, term: Term([2; 8]) }, log: None },
        file: file.clone(),
    })
}

#[test]
fn entry_that_is_not_displayed_moves_the_position_only() {
    let (_home, dir) = temporary_dir();
    let (writer, _permit, shown, ..) = writer();
    writer.entry(String::new(), at(7, &open(&dir, "lobby").0));
    assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
    assert_eq!(shown.lock().unwrap().as_str(), "");
    assert_eq!(open(&dir, "lobby").1.map(|cursor| cursor.seq), Some(7));
}

#[test]
fn saves_only_positions_that_were_displayed() {
    let (_home, dir) = temporary_dir();
    let (writer, permit, shown, receiver, _poll) = writer();
    let file = open(&dir, "lobby").0;
    for seq in 1..=3 {
        writer.entry(format!("{seq}\n"), at(seq, &file));
    }
    permit.send(()).unwrap();
    permit.send(()).unwrap();
    drop((permit, file));
    assert!(matches!(receiver.events.recv(), Ok(AppEvent::OutputClosed)));
    assert_eq!(*shown.lock().unwrap(), "1\n2\n");
    let _ = writer.finish(Duration::from_secs(60));
    assert!(open(&dir, "lobby").1.is_none_or(|kept| kept.seq <= 2), "the third was not displayed");

    let (writer, permit, ..) = self::writer();
    writer.entry("4\n".to_owned(), at(4, &open(&dir, "lobby").0));
    writer.text("a notice\n".to_owned());
    permit.send(()).unwrap();
    permit.send(()).unwrap();
    assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
    assert_eq!(open(&dir, "lobby").1.map(|cursor| cursor.seq), Some(4));
}

#[test]
fn every_room_has_its_own_position() {
    let (_home, dir) = temporary_dir();
    let (writer, permit, ..) = writer();
    let (lobby, ops) = (open(&dir, "lobby").0, open(&dir, "ops").0);
    for (seq, file) in [(1, &lobby), (8, &ops), (2, &lobby), (9, &ops)] {
        writer.entry(format!("{seq}\n"), at(seq, file));
        permit.send(()).unwrap();
    }
    drop((lobby, ops));
    assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
    let seq_in = |room| open(&dir, room).1.map(|cursor| cursor.seq);
    assert_eq!((seq_in("lobby"), seq_in("ops")), (Some(2), Some(9)));
}
