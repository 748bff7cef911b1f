//! Text that must not be lost: written in order by a thread of its own. When that is behind, no more entries are taken from the
//! room, which keeps them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

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

/// The queue in front of a [`Sink`].
#[derive(Debug)]
pub struct Writer {
    texts: Sender<String>,
    waiting: Arc<AtomicUsize>,
    end: Receiver<()>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn start(sink: impl Sink, mailer: Mailer) -> io::Result<Self> {
        let (texts, queue) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let run = move || {
            if write(sink, &queue, &left, &mailer).is_err() {
                mailer.send(Mail::OutputGone);
            }
            drop(ended);
        };
        std::thread::Builder::new().name("kabar-output".to_owned()).spawn(run)?;
        Ok(Self { texts, waiting, end })
    }

    /// Queues a text.
    pub fn text(&self, text: String) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(self.texts.send(text));
    }

    /// Whether entries may be taken; [`Mail::OutputRoom`] says when again.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < WAITING
    }

    /// Waits until all is written, or nobody reads, or `patience` is over.
    pub fn finish(self, patience: Duration) {
        drop(self.texts);
        let _ = self.end.recv_timeout(patience);
    }
}

fn write(mut sink: impl Sink, queue: &Receiver<String>, waiting: &AtomicUsize, mailer: &Mailer) -> io::Result<()> {
    while let Ok(mut text) = queue.recv() {
        loop {
            sink.text(text)?;
            if waiting.fetch_sub(1, Ordering::Relaxed) == WAITING {
                mailer.send(Mail::OutputRoom);
            }
            match queue.try_recv() {
                Ok(next) => text = next,
                Err(_) => break,
            }
        }
        sink.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

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

    fn writer() -> (Writer, Sender<()>, Arc<Mutex<String>>, crate::mail::Mailbox, mio::Poll) {
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(mio::Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let (mailer, mailbox) = Mailer::new(waker);
        let (permit, permits) = mpsc::channel();
        let shown = Arc::new(Mutex::new(String::new()));
        (Writer::start(Page { shown: Arc::clone(&shown), permits }, mailer).unwrap(), permit, shown, mailbox, poll)
    }

    #[test]
    fn nothing_is_lost_and_a_slow_reader_is_waited_for() {
        let (writer, permit, shown, mailbox, _poll) = writer();
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
        let (writer, permit, _shown, mailbox, _poll) = writer();
        drop(permit);
        writer.text("hello".to_owned());
        assert!(matches!(mailbox.mail.recv(), Ok(Mail::OutputGone)));
        writer.text("more".to_owned());
        writer.finish(Duration::from_secs(60));
    }
}
