//! Output that must not be lost, written in order by its own thread. While too much is queued,
//! no more entries are taken from the client; the server keeps them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use kabar_std::data_dir::FileError;

use crate::cursor::Position;
use crate::line::app_event::{AppEvent, EventSender};
use crate::messages::notices::notices_skipped;
use crate::shared_error::SharedError;

/// Number of queued texts at which no more entries are taken.
const QUEUE_LEN: usize = 256;

/// A destination of text.
pub(super) trait Sink: Send + 'static {
    /// Writes a text.
    ///
    /// # Errors
    /// If it is closed or cannot be written.
    fn text(&mut self, text: String) -> io::Result<()>;

    /// Called when the queue is empty.
    ///
    /// # Errors
    /// As [`Sink::text`].
    fn flush(&mut self) -> io::Result<()>;
}

/// The reaction to a text that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnError {
    /// The writer ends: no text is silently dropped, and no entry is recorded that was not
    /// displayed.
    End,
    /// The text is dropped and counted; the count is reported with the next text.
    Drop,
}

/// Losses of a writer so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OutputLosses {
    /// Why texts cannot be written, unless the output is closed.
    pub(super) output: Option<SharedError<io::Error>>,
    /// Why the position in the room cannot be saved.
    pub(super) position: Option<SharedError<FileError>>,
    /// Number of texts that are still queued.
    pub(super) waiting: usize,
}

#[derive(Debug)]
enum Item {
    /// A text, and the position of the entry in it.
    Text { text: String, shows: Option<Position> },
    /// Requests the losses once everything queued before is written.
    Report(Sender<OutputLosses>),
}

/// The queue in front of a [`Sink`].
#[derive(Debug)]
pub(super) struct Writer {
    queue: Queue,
    end: Receiver<OutputLosses>,
}

/// Sends texts to a [`Writer`] from any thread.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    texts: Sender<Item>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the thread cannot be spawned.
    pub(super) fn start(sink: impl Sink, on_error: OnError, sender: EventSender) -> io::Result<Self> {
        let (texts, queue) = mpsc::channel();
        let (ended, end) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let run = move || {
            let (losses, dropped) = (OutputLosses::default(), 0);
            let mut thread = Thread { sink, on_error, sender, left, losses, dropped };
            thread.run(&queue);
            let _ = ended.send(thread.losses);
        };
        std::thread::Builder::new().name("kabar-output".to_owned()).spawn(run)?;
        Ok(Self { queue: Queue { texts, waiting }, end })
    }

    /// Queues a text.
    pub(super) fn text(&self, text: String) {
        self.queue.text(text);
    }

    /// Queues the text of the entry at `position`, which is saved when the text was written. The
    /// text is empty if the entry is not displayed.
    pub(super) fn entry(&self, text: String, position: Option<Position>) {
        self.queue.item(text, position);
    }

    /// Returns the queue, for another thread. The writer does not finish while it exists.
    #[must_use]
    pub(super) fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Whether entries may be taken. If not, [`AppEvent::OutputWritable`] follows.
    #[must_use]
    pub(super) fn has_room(&self) -> bool {
        self.queue.waiting.load(Ordering::Relaxed) < QUEUE_LEN
    }

    /// Waits at most `timeout` until everything queued is written or dropped. Returns the losses so
    /// far.
    #[must_use]
    pub(super) fn settle(&self, timeout: Duration) -> OutputLosses {
        let (ask, answer) = mpsc::channel();
        let _ = self.queue.texts.send(Item::Report(ask));
        let answer = match answer.recv_timeout(timeout) {
            // The writer has ended.
            Err(RecvTimeoutError::Disconnected) => self.end.recv_timeout(timeout),
            answer => answer,
        };
        answered(answer, &self.queue.waiting)
    }

    /// Waits at most `timeout` until everything is written or dropped. Returns the losses.
    #[must_use]
    pub(super) fn finish(self, timeout: Duration) -> OutputLosses {
        let Self { queue: Queue { texts, waiting }, end } = self;
        drop(texts);
        answered(end.recv_timeout(timeout), &waiting)
    }
}

fn answered(answer: Result<OutputLosses, RecvTimeoutError>, waiting: &AtomicUsize) -> OutputLosses {
    answer.unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => {
            OutputLosses { waiting: waiting.load(Ordering::Relaxed), ..OutputLosses::default() }
        }
        // They were reported before.
        RecvTimeoutError::Disconnected => OutputLosses::default(),
    })
}

impl Queue {
    /// Queues a text.
    pub(super) fn text(&self, text: String) {
        self.item(text, None);
    }

    fn item(&self, text: String, shows: Option<Position>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _ = self.texts.send(Item::Text { text, shows });
    }
}

struct Thread<S> {
    sink: S,
    on_error: OnError,
    sender: EventSender,
    left: Arc<AtomicUsize>,
    losses: OutputLosses,
    /// Number of dropped texts that are not reported yet.
    dropped: u64,
}

impl<S: Sink> Thread<S> {
    fn run(&mut self, queue: &Receiver<Item>) {
        while let Ok(first) = queue.recv() {
            let (mut shown, mut asked, mut next) = (Vec::new(), None, Some(first));
            while let Some(item) = next.take() {
                match item {
                    Item::Text { text, shows } => {
                        if !self.text(text) {
                            return;
                        }
                        shows.into_iter().for_each(|position| advance(&mut shown, position));
                        next = queue.try_recv().ok();
                    }
                    Item::Report(answer) => asked = Some(answer),
                }
            }
            if let Err(error) = self.sink.flush()
                && !self.failed(error)
            {
                return;
            }
            // Only now: an entry at a saved position is never displayed again.
            shown.iter().for_each(|position| self.save_position(position));
            if let Some(answer) = asked {
                let _ = answer.send(self.losses.clone());
            }
        }
    }

    /// Writes a text, if it is not empty. Returns whether to continue.
    fn text(&mut self, text: String) -> bool {
        if text.is_empty() {
            self.taken();
            return true;
        }
        let text = match self.dropped {
            0 => text,
            count => format!("{}\n{text}", notices_skipped(count)),
        };
        let written = self.sink.text(text);
        self.taken();
        match written {
            Ok(()) => {
                (self.losses.output, self.dropped) = (None, 0);
                true
            }
            Err(error) => {
                self.dropped += 1;
                self.failed(error)
            }
        }
    }

    /// Counts a text as written or dropped.
    fn taken(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == QUEUE_LEN {
            self.sender.send(AppEvent::OutputWritable);
        }
    }

    /// Records an error. Returns whether to continue.
    fn failed(&mut self, error: io::Error) -> bool {
        let is_loss = error.kind() != io::ErrorKind::BrokenPipe;
        self.losses.output = is_loss.then(|| error.into());
        let continues = self.on_error == OnError::Drop;
        if !continues {
            self.sender.send(AppEvent::OutputClosed);
        }
        continues
    }

    /// Saves a position. After an error, the next one is tried.
    fn save_position(&mut self, position: &Position) {
        match (position.file.save(position.shown), &self.losses.position) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                self.losses.position = None;
                self.sender.send(AppEvent::PositionSavedAgain);
            }
            (Err(error), before) => {
                let error = SharedError::from(error);
                if before.is_none() {
                    self.sender.send(AppEvent::PositionNotSaved(error.clone()));
                }
                self.losses.position = Some(error);
            }
        }
    }
}

/// Keeps the last position of each room.
fn advance(shown: &mut Vec<Position>, position: Position) {
    match shown.iter_mut().find(|known| known.file.is_same(&position.file)) {
        Some(known) => *known = position,
        None => shown.push(position),
    }
}

#[cfg(test)]
mod tests;
