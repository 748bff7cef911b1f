//! The plain-text transcript: appends every entry as a line to a file.
//!
//! The transcript is a view of the log: it gets what is committed while the server runs, and never
//! repeats a line. Entries that a killed server had committed but not written here are missing;
//! `kabar-server history` has everything.
//!
//! Before each batch of lines it checks whether the file is still at its path. If the file was
//! moved or deleted, the path is opened again, so that programs that rotate logs need no signal.
//! Lines that cannot be written are counted; when writing works again, a line reports how many are
//! missing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Weak};

use crate::hub::HubEvent;
use kabar_std::data_dir::FileError;
use kabar_std::output::DRAIN_TIMEOUT;
use kabar_std::text::{Content, Line, LineFormatter};

/// Maximum number of queued entries: at most 18 MB.
const QUEUE_LEN: usize = 4_096;
/// Bytes written at once.
const CHUNK: usize = 64 << 10;

/// A queue of entries and the thread that writes them. Dropping it waits until everything is
/// written, up to one second.
#[derive(Debug)]
pub struct Transcript {
    items: Option<Arc<SyncSender<Item>>>,
    missed: Arc<AtomicU64>,
    written: Receiver<()>,
}

/// Makes a [`Transcript`] reopen its file, from any thread.
#[derive(Clone, Debug)]
pub struct Reopener(Weak<SyncSender<Item>>);

/// A report about a transcript. Displayed as one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptWarning {
    /// The file was moved, and its path cannot be opened again.
    #[error("{0}; the file that was there is written on")]
    NotReopened(FileError),
    /// The file cannot be written.
    #[error("{0}; lines will be missing there, the room goes on")]
    NotWritable(FileError),
    /// The file at this path can be written again.
    #[error("the transcript {} can be written again", .0.display())]
    WritableAgain(PathBuf),
    /// Lines are missing at the end of the transcript, without a line there that reports it.
    #[error("{} missing at the end of the transcript {}; the history has them", count(*lines), path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Number of lines.
        lines: u64,
    },
}

#[derive(Debug)]
enum Item {
    Entry(HubEvent),
    Reopen,
}

impl Transcript {
    /// Opens the file at `path` for appending; creates it, for its owner only, if there is none.
    /// Reports later errors, and their end, to `on_warning` once each.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be opened.
    pub fn open(path: &Path, on_warning: impl Fn(TranscriptWarning) + Send + 'static) -> Result<Self, FileError> {
        let failed = || FileError::new("write the transcript", path);
        let place = TranscriptFile::open(path).map_err(failed())?;
        Self::start(place, path, LineFormatter::new(), on_warning).map_err(failed())
    }

    fn start(
        to: impl Appendable,
        path: &Path,
        lines: LineFormatter,
        on_warning: impl Fn(TranscriptWarning) + Send + 'static,
    ) -> io::Result<Self> {
        let (items, waiting) = mpsc::sync_channel(QUEUE_LEN);
        let missed = Arc::new(AtomicU64::new(0));
        let missing = Arc::clone(&missed);
        let (end, written) = mpsc::channel::<()>();
        let path = path.to_path_buf();
        let write = move || {
            Writer { to, path, lines, missing: 0, is_torn: false, state: FileState::None, on_warning }
                .run(&waiting, &missing);
            drop(end);
        };
        std::thread::Builder::new().name("kabar-transcript".to_owned()).spawn(write)?;
        Ok(Self { items: Some(Arc::new(items)), missed, written })
    }

    /// Queues an entry, or counts it as missing if the queue is full. Never waits. Ignores other
    /// events.
    pub fn take(&self, event: &HubEvent) {
        if let (HubEvent::Entry { .. }, Some(items)) = (event, &self.items)
            && let Err(TrySendError::Full(_)) = items.try_send(Item::Entry(event.clone()))
        {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns a handle that reopens the file.
    #[must_use]
    pub fn reopener(&self) -> Reopener {
        Reopener(self.items.as_ref().map(Arc::downgrade).unwrap_or_default())
    }
}

impl Reopener {
    /// Makes the transcript reopen its path soon. Does nothing after the end of the transcript.
    pub fn reopen(&self) {
        if let Some(items) = self.0.upgrade() {
            // With a full queue the path is checked before the next write anyway.
            let _ = items.try_send(Item::Reopen);
        }
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        self.items = None;
        let _ = self.written.recv_timeout(DRAIN_TIMEOUT);
    }
}

/// The file of a transcript; tests replace it.
trait Appendable: Write + Send + 'static {
    /// Reopens the path if it is another file now, or if `is_demanded`. Keeps the open file if that
    /// fails.
    fn follow(&mut self, is_demanded: bool) -> io::Result<()>;
}

/// An open file and its path.
struct TranscriptFile {
    path: PathBuf,
    file: File,
}

impl TranscriptFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_path_buf(), file: open(path)? })
    }

    #[cfg(unix)]
    fn is_there(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let identity = |about: io::Result<std::fs::Metadata>| about.ok().map(|about| (about.dev(), about.ino()));
        let open = identity(self.file.metadata());
        open.is_none() || identity(std::fs::metadata(&self.path)) == open
    }

    #[cfg(not(unix))]
    fn is_there(&self) -> bool {
        true
    }
}

impl Appendable for TranscriptFile {
    fn follow(&mut self, is_demanded: bool) -> io::Result<()> {
        if is_demanded || !self.is_there() {
            self.file = open(&self.path)?;
        }
        Ok(())
    }
}

impl Write for TranscriptFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

struct Writer<W, R> {
    to: W,
    path: PathBuf,
    lines: LineFormatter,
    /// Entries that are missing in the file and not reported yet.
    missing: u64,
    /// Whether the last line may be incomplete.
    is_torn: bool,
    state: FileState,
    on_warning: R,
}

/// The last reported state of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileState {
    None,
    /// It was moved, and the path cannot be opened.
    Moved,
    /// It cannot be written.
    Unwritable,
}

/// Formatted entries: one text, and the offsets at which they end.
#[derive(Default)]
struct Batch {
    text: String,
    ends: Vec<usize>,
}

impl Batch {
    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.ends.push(self.text.len());
    }
}

impl<W: Appendable, R: Fn(TranscriptWarning)> Writer<W, R> {
    fn run(mut self, items: &Receiver<Item>, missed: &AtomicU64) {
        while let Ok(first) = items.recv() {
            let (mut batch, mut is_demanded, mut next) = (Batch::default(), false, Some(first));
            while let Some(item) = next.take() {
                match item {
                    Item::Entry(entry) => batch.push(&self.format(&entry)),
                    Item::Reopen => is_demanded = true,
                }
                if batch.text.len() < CHUNK {
                    next = items.try_recv().ok();
                }
            }
            self.follow(is_demanded);
            self.append(&batch);
            self.missing += missed.swap(0, Ordering::Relaxed);
        }
        if self.missing > 0 {
            self.append(&Batch::default());
        }
        if self.missing > 0 {
            let (path, lines) = (self.path.clone(), self.missing);
            (self.on_warning)(TranscriptWarning::Incomplete { path, lines });
        }
    }

    fn follow(&mut self, is_demanded: bool) {
        match self.to.follow(is_demanded) {
            Ok(()) if self.state == FileState::Moved => self.state = FileState::None,
            Ok(()) => {}
            Err(error) if self.state == FileState::None => {
                self.state = FileState::Moved;
                let error = FileError::new("open the transcript again", &self.path)(error);
                (self.on_warning)(TranscriptWarning::NotReopened(error));
            }
            Err(_) => {}
        }
    }

    fn append(&mut self, batch: &Batch) {
        let end = if self.is_torn { "\n" } else { "" };
        let gap = match self.missing {
            0 => String::new(),
            missing => format!("({} missing here; the history has them)\n", count(missing)),
        };
        let start = end.len() + gap.len();
        let whole = format!("{end}{gap}{}", batch.text);
        if whole.is_empty() {
            return;
        }
        let (written, result) = write_all(&mut self.to, whole.as_bytes());
        if written > 0 {
            self.is_torn = whole.as_bytes().get(written - 1) != Some(&b'\n');
        }
        if written >= start {
            self.missing = 0;
        }
        self.missing += batch.ends.iter().filter(|end| start + **end > written).count() as u64;
        match result {
            Ok(()) if self.state == FileState::Unwritable => {
                self.state = FileState::None;
                (self.on_warning)(TranscriptWarning::WritableAgain(self.path.clone()));
            }
            Ok(()) => {}
            Err(error) if self.state != FileState::Unwritable => {
                self.state = FileState::Unwritable;
                let error = FileError::new("write the transcript", &self.path)(error);
                (self.on_warning)(TranscriptWarning::NotWritable(error));
            }
            Err(_) => {}
        }
    }

    fn format(&self, event: &HubEvent) -> String {
        let HubEvent::Entry { time_ms, author, kind, body, .. } = event else { return String::new() };
        let content = Content::Body(body);
        let line = Line { time_ms: *time_ms, author, address: None, kind: *kind, content };
        self.lines.format(&line) + "\n"
    }
}

fn count(lines: u64) -> String {
    if lines == 1 { "1 line is".to_owned() } else { format!("{lines} lines are") }
}

/// Writes `bytes`; returns how many were written, also after an error.
fn write_all(to: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match to.write(rest) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(len) => written += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

#[cfg(test)]
mod tests;
