//! Text that must not be lost: written in order by a thread of its own. When that is behind, no more entries are taken from the
//! room, which keeps them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use crate::cursor::{Cursor, CursorSlot};
use crate::mail::{Mail, Mailer};

/// Texts that wait before no more entries are taken.
const WAITING: usize = 256;

/// Where text goes.
pub trait Sink: Send + 'static {
    /// Writes a text.
    ///
    /// # Errors
    /// When nobody reads any more.
    fn text(&mut self, text: String) -> io::Result<()>;

    /// Called when no text waits.
    ///
    /// # Errors
    /// As [`Sink::text`].
    fn flush(&mut self) -> io::Result<()>;
}

/// A text, and the entry that it shows.
#[derive(Debug)]
struct Item {
    text: String,
    shows: Option<Cursor>,
}

/// The queue in front of a [`Sink`].
#[derive(Debug)]
pub struct Writer {
    queue: Queue,
    end: Receiver<()>,
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
    pub fn start(sink: impl Sink, cursor: CursorSlot, mailer: Mailer) -> io::Result<Self> {
        let (texts, queue) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let run = move || {
            if write(sink, &queue, &left, &cursor, &mailer).is_err() {
                mailer.send(Mail::OutputGone);
            }
            drop(ended);
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
        self.queue.item(Item { text, shows: cursor });
    }

    /// The queue, for another thread. The writer does not finish while there is one.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Whether entries may be taken; [`Mail::OutputRoom`] says when again.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.waiting.load(Ordering::Relaxed) < WAITING
    }

    /// Waits until all is written, or nobody reads, or `patience` is over.
    pub fn finish(self, patience: Duration) {
        drop(self.queue);
        let _ = self.end.recv_timeout(patience);
    }
}

impl Queue {
    /// Queues a text.
    pub fn text(&self, text: String) {
        self.item(Item { text, shows: None });
    }

    fn item(&self, item: Item) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(self.texts.send(item));
    }
}

fn write(
    mut sink: impl Sink,
    queue: &Receiver<Item>,
    waiting: &AtomicUsize,
    cursor: &CursorSlot,
    mailer: &Mailer,
) -> io::Result<()> {
    while let Ok(mut item) = queue.recv() {
        let mut shown = None;
        loop {
            sink.text(item.text)?;
            shown = item.shows.or(shown);
            if waiting.fetch_sub(1, Ordering::Relaxed) == WAITING {
                mailer.send(Mail::OutputRoom);
            }
            match queue.try_recv() {
                Ok(next) => item = next,
                Err(_) => break,
            }
        }
        sink.flush()?;
        // Only now: what is noted as shown is never shown again.
        if let Some(Err(error)) = shown.map(|shown| cursor.save(shown)) {
            mailer.send(Mail::Trouble(format!("(where you are in this room is not kept: {error})")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kabar_core::chat::Term;
    use kabar_core::session::Fingerprint;
    use kabar_server::invite::RoomName;

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

    fn writer(cursor: CursorSlot) -> (Writer, Sender<()>, Arc<Mutex<String>>, crate::mail::Mailbox, mio::Poll) {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (mailer, mailbox) = Mailer::new(waker);
        let (permit, permits) = mpsc::channel();
        let shown = Arc::new(Mutex::new(String::new()));
        let page = Page { shown: Arc::clone(&shown), permits };
        (Writer::start(page, cursor, mailer).unwrap(), permit, shown, mailbox, poll)
    }

    #[test]
    fn nothing_is_lost_and_a_slow_reader_is_waited_for() {
        let (writer, permit, shown, mailbox, _poll) = writer(CursorSlot::default());
        let expected: String = (0..WAITING).map(|number| format!("{number}\n")).collect();
        for number in 0..WAITING {
            assert!(writer.has_room());
            writer.text(format!("{number}\n"));
        }
        assert!(!writer.has_room());
        for _ in 0..WAITING {
            permit.send(()).unwrap();
        }
        assert!(matches!(mailbox.mail.recv(), Ok(Mail::OutputRoom)));
        writer.finish(Duration::from_secs(60));
        assert_eq!(*shown.lock().unwrap(), expected);
    }

    #[test]
    fn a_reader_that_has_gone_is_told() {
        let (writer, permit, _shown, mailbox, _poll) = writer(CursorSlot::default());
        drop(permit);
        writer.text("hello".to_owned());
        assert!(matches!(mailbox.mail.recv(), Ok(Mail::OutputGone)));
        writer.text("more".to_owned());
        writer.finish(Duration::from_secs(60));
    }

    #[test]
    fn only_what_was_shown_is_kept() {
        let (_home, dir) = temporary_dir();
        let file = || CursorFile::new(&dir, &Fingerprint([1; 20]), &RoomName::new("lobby").unwrap(), "anna");
        let at = |seq| Cursor { seq, term: Term([2; 8]) };
        let slot = CursorSlot::default();
        slot.set(file());
        let (writer, permit, shown, mailbox, _poll) = writer(slot);
        for seq in 1..=3 {
            writer.entry(format!("{seq}\n"), Some(at(seq)));
        }
        permit.send(()).unwrap();
        permit.send(()).unwrap();
        drop(permit);
        assert!(matches!(mailbox.mail.recv(), Ok(Mail::OutputGone)));
        assert_eq!(*shown.lock().unwrap(), "1\n2\n");
        assert!(file().load().unwrap().is_none_or(|kept| kept.seq <= 2), "the third was not shown");

        let slot = CursorSlot::default();
        slot.set(file());
        let (writer, permit, ..) = self::writer(slot);
        writer.entry("4\n".to_owned(), Some(at(4)));
        writer.text("a notice\n".to_owned());
        permit.send(()).unwrap();
        permit.send(()).unwrap();
        writer.finish(Duration::from_secs(60));
        assert_eq!(file().load().unwrap(), Some(at(4)));
    }
}
