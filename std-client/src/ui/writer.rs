//! Text that must not be lost: written in order by a thread of its own. When that is behind, no more entries are taken from the
//! room, which keeps them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::app_event::{AppEvent, EventSender};
use crate::cursor::{Cursor, CursorSlot};

/// Texts that wait before no more entries are taken.
const WAITING: usize = 256;

/// Where text goes.
pub trait Sink: Send + 'static {
    /// Writes a text.
    ///
    /// # Errors
    /// When nobody reads any more, or it cannot be written.
    fn text(&mut self, text: String) -> io::Result<()>;

    /// Called when no text waits.
    ///
    /// # Errors
    /// As [`Sink::text`].
    fn flush(&mut self) -> io::Result<()>;
}

/// What becomes of texts when one cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// It is the end: no text is left out in silence, and none is noted as shown that was not.
    End,
    /// It is left out and counted, which is said when the next can be written.
    LeaveOut,
}

/// What was lost until now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputLosses {
    /// Why texts cannot be written, if that is so for another reason than that nobody reads them.
    pub output: Option<String>,
    /// Why it is not noted what was shown, if that is so.
    pub cursor: Option<String>,
    /// Texts that still wait for somebody to read them.
    pub waiting: usize,
}

#[derive(Debug)]
enum Item {
    /// A text, and the entry that it shows.
    Text { text: String, shows: Option<Cursor> },
    /// Asks what was lost, when all that is queued before is written.
    Ask(Sender<OutputLosses>),
}

/// The queue in front of a [`Sink`].
#[derive(Debug)]
pub struct Writer {
    queue: Queue,
    end: Receiver<OutputLosses>,
}

/// Gives texts to a [`Writer`] from any thread.
#[derive(Clone, Debug)]
pub struct Queue {
    texts: Sender<Item>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts the thread. What it has shown is kept in `cursor`.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn start(sink: impl Sink, on_error: OnError, cursor: CursorSlot, sender: EventSender) -> io::Result<Self> {
        let (texts, queue) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let run = move || {
            let (losses, left_out) = (OutputLosses::default(), 0);
            let mut thread = Thread { sink, on_error, cursor, sender, left, losses, left_out };
            thread.run(&queue);
            drop(ended.send(thread.losses));
        };
        std::thread::Builder::new().name("kabar-output".to_owned()).spawn(run)?;
        Ok(Self { queue: Queue { texts, waiting }, end })
    }

    /// Queues a text.
    pub fn text(&self, text: String) {
        self.queue.text(text);
    }

    /// Queues the text of the entry at `cursor`.
    pub fn entry(&self, text: String, cursor: Option<Cursor>) {
        self.queue.item(text, cursor);
    }

    /// The queue, for another thread. The writer does not finish while there is one.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Whether entries may be taken; [`AppEvent::OutputRoom`] says when again.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.waiting.load(Ordering::Relaxed) < WAITING
    }

    /// Waits until all that is queued is written, or cannot be, or `patience` is over. What was lost until then.
    #[must_use]
    pub fn settle(&self, patience: Duration) -> OutputLosses {
        let (ask, answer) = mpsc::channel();
        drop(self.queue.texts.send(Item::Ask(ask)));
        let answer = match answer.recv_timeout(patience) {
            // It ended before.
            Err(RecvTimeoutError::Disconnected) => self.end.recv_timeout(patience),
            answer => answer,
        };
        answered(answer, &self.queue.waiting)
    }

    /// Waits until all is written, or cannot be, or `patience` is over. What was lost.
    #[must_use]
    pub fn finish(self, patience: Duration) -> OutputLosses {
        let Self { queue: Queue { texts, waiting }, end } = self;
        drop(texts);
        answered(end.recv_timeout(patience), &waiting)
    }
}

fn answered(answer: Result<OutputLosses, RecvTimeoutError>, waiting: &AtomicUsize) -> OutputLosses {
    answer.unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => {
            OutputLosses { waiting: waiting.load(Ordering::Relaxed), ..OutputLosses::default() }
        }
        // It was told before.
        RecvTimeoutError::Disconnected => OutputLosses::default(),
    })
}

impl Queue {
    /// Queues a text.
    pub fn text(&self, text: String) {
        self.item(text, None);
    }

    fn item(&self, text: String, shows: Option<Cursor>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(self.texts.send(Item::Text { text, shows }));
    }
}

struct Thread<S> {
    sink: S,
    on_error: OnError,
    cursor: CursorSlot,
    sender: EventSender,
    left: Arc<AtomicUsize>,
    losses: OutputLosses,
    /// Texts that were left out and are not said to be.
    left_out: u64,
}

impl<S: Sink> Thread<S> {
    fn run(&mut self, queue: &Receiver<Item>) {
        while let Ok(first) = queue.recv() {
            let (mut shown, mut asked, mut next) = (None, None, Some(first));
            while let Some(item) = next.take() {
                match item {
                    Item::Text { text, shows } => {
                        if !self.text(text) {
                            return;
                        }
                        shown = shows.or(shown);
                        next = queue.try_recv().ok();
                    }
                    Item::Ask(answer) => asked = Some(answer),
                }
            }
            if let Err(error) = self.sink.flush()
                && !self.failed(&error)
            {
                return;
            }
            // Only now: what is noted as shown is never shown again.
            if let Some(shown) = shown {
                self.note(shown);
            }
            if let Some(answer) = asked {
                drop(answer.send(self.losses.clone()));
            }
        }
    }

    /// Writes a text; `false`: it is the end.
    fn text(&mut self, text: String) -> bool {
        let text = match self.left_out {
            0 => text,
            count => format!("({count} notices are missing here: they could not be written)\n{text}"),
        };
        let written = self.sink.text(text);
        if self.left.fetch_sub(1, Ordering::Relaxed) == WAITING {
            self.sender.send(AppEvent::OutputRoom);
        }
        match written {
            Ok(()) => {
                (self.losses.output, self.left_out) = (None, 0);
                true
            }
            Err(error) => {
                self.left_out += 1;
                self.failed(&error)
            }
        }
    }

    /// Notes that it cannot be written; `false`: it is the end.
    fn failed(&mut self, error: &io::Error) -> bool {
        let is_loss = error.kind() != io::ErrorKind::BrokenPipe;
        self.losses.output = is_loss.then(|| error.to_string());
        let goes_on = self.on_error == OnError::LeaveOut;
        if !goes_on {
            self.sender.send(AppEvent::OutputGone);
        }
        goes_on
    }

    /// Keeps what was shown; where that fails, it is tried again with the next.
    fn note(&mut self, shown: Cursor) {
        match (self.cursor.save(shown), &self.losses.cursor) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                self.losses.cursor = None;
                self.sender.send(AppEvent::Trouble("(where you are in this room is kept again)".to_owned()));
            }
            (Err(error), before) => {
                let words = format!("where you are in this room is not kept: {error}");
                if before.is_none() {
                    self.sender.send(AppEvent::Trouble(format!("({words})")));
                }
                self.losses.cursor = Some(words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kabar_core::chat::Term;
    use kabar_core::session::Fingerprint;
    use kabar_std::invite::RoomName;

    use super::*;
    use crate::cursor::CursorFile;
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

    fn writer(
        cursor: CursorSlot,
    ) -> (Writer, Sender<()>, Arc<Mutex<String>>, crate::app_event::EventReceiver, mio::Poll) {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (sender, events) = EventSender::new(waker);
        let (permit, permits) = mpsc::channel();
        let shown = Arc::new(Mutex::new(String::new()));
        let page = Page { shown: Arc::clone(&shown), permits };
        (Writer::start(page, OnError::End, cursor, sender).unwrap(), permit, shown, events, poll)
    }

    #[test]
    fn nothing_is_lost_and_a_slow_reader_is_waited_for() {
        let (writer, permit, shown, events, _poll) = writer(CursorSlot::default());
        let expected: String = (0..WAITING).map(|number| format!("{number}\n")).collect();
        for number in 0..WAITING {
            assert!(writer.has_room());
            writer.text(format!("{number}\n"));
        }
        assert!(!writer.has_room());
        for _ in 0..WAITING {
            permit.send(()).unwrap();
        }
        assert!(matches!(events.mail.recv(), Ok(AppEvent::OutputRoom)));
        assert_eq!(writer.settle(Duration::from_secs(60)), OutputLosses::default());
        assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
        assert_eq!(*shown.lock().unwrap(), expected);
    }

    #[test]
    fn a_reader_that_has_gone_is_told() {
        let (writer, permit, _shown, events, _poll) = writer(CursorSlot::default());
        drop(permit);
        writer.text("hello".to_owned());
        assert!(matches!(events.mail.recv(), Ok(AppEvent::OutputGone)));
        writer.text("more".to_owned());
        let losses = OutputLosses { output: None, ..OutputLosses::default() };
        assert_eq!(writer.finish(Duration::from_secs(60)), losses, "nobody wants it");
    }

    /// A disk: how many texts fit, and what is on it.
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

    type OnDisk = (Writer, Arc<Mutex<(usize, String)>>, crate::app_event::EventReceiver, mio::Poll);

    fn on_disk(room: usize, on_error: OnError) -> OnDisk {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (sender, events) = EventSender::new(waker);
        let disk = Arc::new(Mutex::new((room, String::new())));
        let writer = Writer::start(Disk(Arc::clone(&disk)), on_error, CursorSlot::default(), sender).unwrap();
        (writer, disk, events, poll)
    }

    #[test]
    fn a_full_disk_ends_entries_and_is_told_at_the_end() {
        let (writer, disk, events, _poll) = on_disk(1, OnError::End);
        writer.text("one\n".to_owned());
        writer.text("two\n".to_owned());
        writer.text("three\n".to_owned());
        assert!(matches!(events.mail.recv(), Ok(AppEvent::OutputGone)));
        disk.lock().unwrap().0 = 9;
        let settled = writer.settle(Duration::from_secs(60));
        assert!(settled.output.is_some_and(|why| why.contains("no storage space")));
        assert_eq!(disk.lock().unwrap().1, "one\n", "nothing comes after a gap");
    }

    #[test]
    fn a_full_disk_leaves_notices_out_and_they_are_counted_when_it_works_again() {
        let (writer, disk, _mailbox, _poll) = on_disk(1, OnError::LeaveOut);
        (1..=3).for_each(|number| writer.text(format!("{number}\n")));
        assert!(writer.settle(Duration::from_secs(60)).output.is_some());
        disk.lock().unwrap().0 = 9;
        writer.text("4\n".to_owned());
        assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
        assert_eq!(disk.lock().unwrap().1, "1\n(2 notices are missing here: they could not be written)\n4\n");
    }

    #[test]
    fn a_reader_that_stands_still_is_told_by_what_waits() {
        let (writer, _permit, ..) = writer(CursorSlot::default());
        writer.text("one\n".to_owned());
        assert_eq!(writer.settle(Duration::from_millis(1)).waiting, 1);
    }

    #[test]
    fn only_what_was_shown_is_kept() {
        let (_home, dir) = temporary_dir();
        let file = || CursorFile::new(&dir, &Fingerprint([1; 20]), &RoomName::new("lobby").unwrap(), "anna");
        let at = |seq| Cursor { seq, term: Term([2; 8]) };
        let slot = CursorSlot::default();
        slot.set(file());
        let (writer, permit, shown, events, _poll) = writer(slot);
        for seq in 1..=3 {
            writer.entry(format!("{seq}\n"), Some(at(seq)));
        }
        permit.send(()).unwrap();
        permit.send(()).unwrap();
        drop(permit);
        assert!(matches!(events.mail.recv(), Ok(AppEvent::OutputGone)));
        assert_eq!(*shown.lock().unwrap(), "1\n2\n");
        assert!(file().load().unwrap().is_none_or(|kept| kept.seq <= 2), "the third was not shown");

        let slot = CursorSlot::default();
        slot.set(file());
        let (writer, permit, ..) = self::writer(slot);
        writer.entry("4\n".to_owned(), Some(at(4)));
        writer.text("a notice\n".to_owned());
        permit.send(()).unwrap();
        permit.send(()).unwrap();
        assert_eq!(writer.finish(Duration::from_secs(60)), OutputLosses::default());
        assert_eq!(file().load().unwrap(), Some(at(4)));
    }
}
