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

/// A report about a transcript, as one line for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptWarning {
    /// The line.
    pub message: String,
    /// Whether lines are missing at the end of the transcript, without a line there that reports
    /// it.
    pub is_loss: bool,
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
            let (path, missing) = (self.path.display(), count(self.missing));
            let words = format!("{missing} missing at the end of the transcript {path}; the history has them");
            (self.on_warning)(TranscriptWarning { message: words, is_loss: true });
        }
    }

    fn follow(&mut self, is_demanded: bool) {
        match self.to.follow(is_demanded) {
            Ok(()) if self.state == FileState::Moved => self.state = FileState::None,
            Ok(()) => {}
            Err(error) if self.state == FileState::None => {
                self.state = FileState::Moved;
                let error = FileError::new("open the transcript again", &self.path)(error);
                self.say(format!("{error}; the file that was there is written on"));
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
                self.say(format!("the transcript {} can be written again", self.path.display()));
            }
            Ok(()) => {}
            Err(error) if self.state != FileState::Unwritable => {
                self.state = FileState::Unwritable;
                let error = FileError::new("write the transcript", &self.path)(error);
                self.say(format!("{error}; lines will be missing there, the room goes on"));
            }
            Err(_) => {}
        }
    }

    fn say(&self, words: String) {
        (self.on_warning)(TranscriptWarning { message: words, is_loss: false });
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
mod tests {
    use std::sync::Mutex;

    use kabar_core::chat::EntryKind;

    use super::*;

    fn entry(seq: u64, text: &str) -> HubEvent {
        let (author, kind, body) = ("Farhan".to_owned(), EntryKind::TEXT, text.as_bytes().to_vec());
        HubEvent::Entry { seq, time_ms: 1_730_457_430_000, author, from: Some(([127, 0, 0, 1], 1).into()), kind, body }
    }

    /// The number of bytes that fit.
    #[derive(Clone, Default)]
    struct Disk {
        written: Arc<Mutex<(String, usize)>>,
        permits: Option<Arc<Mutex<Receiver<()>>>>,
    }

    impl Appendable for Disk {
        fn follow(&mut self, _: bool) -> io::Result<()> {
            Ok(())
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(permits) = &self.permits {
                let _ = permits.lock().unwrap().recv();
            }
            let (text, room) = &mut *self.written.lock().unwrap();
            let len = bytes.len().min(*room - text.len());
            text.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
            if len == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(len) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn goes_on_at_the_end_and_repeats_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("chat_history.txt");
        for run in 0..2 {
            let transcript = Transcript::open(&path, |on_warning| panic!("{on_warning:?}")).unwrap();
            transcript.take(&entry(run, &format!("run {run}\nsecond line")));
            transcript.take(&HubEvent::StoreRecovered);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("[2024-1") && lines[0].ends_with("] Farhan: run 0"), "{text}");
        assert_eq!(lines[1], "    second line");
        assert!(lines[2].ends_with("] Farhan: run 1"), "{text}");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_opened_is_named_in_one_line() {
        let home = tempfile::tempdir().unwrap();
        let error = Transcript::open(home.path(), drop).unwrap_err().to_string();
        assert!(error.contains(home.path().to_str().unwrap()) && !error.contains('\n'), "{error}");
    }

    /// A writer to `to`, and its warnings.
    fn writer<W: Appendable>(to: W) -> (Writer<W, impl Fn(TranscriptWarning)>, Receiver<String>) {
        let (remarks, remarked) = mpsc::channel();
        let on_warning = move |TranscriptWarning { message, .. }| drop(remarks.send(message));
        let (path, lines) = (PathBuf::from("/transcript"), LineFormatter::new());
        (Writer { to, path, lines, missing: 0, is_torn: false, state: FileState::None, on_warning }, remarked)
    }

    fn append<W: Appendable>(writer: &mut Writer<W, impl Fn(TranscriptWarning)>, entries: &[HubEvent]) {
        let mut batch = Batch::default();
        entries.iter().for_each(|entry| batch.push(&writer.format(entry)));
        writer.append(&batch);
    }

    #[test]
    fn a_full_disk_is_said_once_and_what_is_missing_is_counted() {
        let disk = Disk::default();
        // Room for one line and a part of the next.
        disk.written.lock().unwrap().1 = 60;
        let (mut writer, remarked) = writer(disk.clone());
        append(&mut writer, &[entry(1, "hello"), entry(2, "hello")]);
        append(&mut writer, &[entry(3, "hello")]);
        append(&mut writer, &[entry(4, "hello")]);
        assert!(remarked.recv().unwrap().contains("lines will be missing"));
        assert!(remarked.try_recv().is_err(), "said once");
        disk.written.lock().unwrap().1 = 1_000;
        append(&mut writer, &[entry(5, "last")]);
        assert!(remarked.recv().unwrap().contains("can be written again"));
        let text = disk.written.lock().unwrap().0.clone();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("Farhan: hello"), "{text}");
        assert_eq!(lines[lines.len() - 2], "(3 lines are missing here; the history has them)", "{text}");
        assert!(lines[lines.len() - 1].ends_with("Farhan: last"), "{text}");
        let len = disk.written.lock().unwrap().0.len();
        disk.written.lock().unwrap().1 = len;
        append(&mut writer, &[entry(6, "hello")]);
        assert!(remarked.recv().unwrap().contains("lines will be missing"), "said again");
    }

    #[test]
    fn what_is_missing_at_the_end_is_said() {
        let (remarks, remarked) = mpsc::channel();
        let on_warning = move |TranscriptWarning { message, .. }| drop(remarks.send(message));
        let transcript =
            Transcript::start(Disk::default(), Path::new("/transcript"), LineFormatter::new(), on_warning).unwrap();
        transcript.take(&entry(1, "hello"));
        drop(transcript);
        assert!(remarked.recv().unwrap().contains("lines will be missing"));
        assert!(remarked.recv().unwrap().starts_with("1 line is missing at the end of the transcript /transcript"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_moved_or_deleted_is_left_and_its_path_opened_again() {
        let home = tempfile::tempdir().unwrap();
        let (path, moved) = (home.path().join("chat.txt"), home.path().join("chat.txt.1"));
        let (mut writer, remarked) = writer(TranscriptFile::open(&path).unwrap());
        let mut say = |text: &str, is_demanded| {
            writer.follow(is_demanded);
            append(&mut writer, &[entry(1, text)]);
        };
        say("one", false);
        std::fs::rename(&path, &moved).unwrap();
        say("two", false);
        std::fs::remove_file(&path).unwrap();
        say("three", false);
        // As a log rotation with copy and truncate does.
        std::fs::write(&path, "").unwrap();
        say("four", false);
        say("five", true);
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert!(read(&moved).ends_with("Farhan: one\n") && read(&moved).lines().count() == 1);
        let text = read(&path);
        assert!(
            text.lines().count() == 2 && text.contains("Farhan: four\n") && text.ends_with("Farhan: five\n"),
            "{text}"
        );
        // The path cannot be created: writing continues in the moved file, and this is reported
        // once.
        std::fs::rename(&path, &moved).unwrap();
        std::fs::create_dir(&path).unwrap();
        say("six", false);
        say("seven", false);
        assert!(read(&moved).contains("Farhan: six\n") && read(&moved).ends_with("Farhan: seven\n"));
        assert!(remarked.recv().unwrap().contains("cannot open the transcript again"));
        assert!(remarked.try_recv().is_err(), "said once");
        std::fs::remove_dir(&path).unwrap();
        say("eight", false);
        assert!(read(&path).ends_with("Farhan: eight\n"));
    }

    #[cfg(unix)]
    #[test]
    fn opens_its_file_again_when_it_is_demanded() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("chat.txt");
        let transcript = Transcript::open(&path, |on_warning| panic!("{on_warning:?}")).unwrap();
        let reopener = transcript.reopener();
        std::fs::remove_file(&path).unwrap();
        reopener.reopen();
        drop(transcript);
        assert!(path.exists());
        reopener.reopen();
    }

    #[test]
    fn a_disk_that_hangs_blocks_nobody() {
        let (permit, permits) = mpsc::channel::<()>();
        let disk = Disk { permits: Some(Arc::new(Mutex::new(permits))), ..Disk::default() };
        disk.written.lock().unwrap().1 = 10_000_000;
        let transcript = Transcript::start(disk.clone(), Path::new("/transcript"), LineFormatter::new(), drop).unwrap();
        let total = 3 * QUEUE_LEN as u64;
        for seq in 1..=total {
            transcript.take(&entry(seq, "hello"));
        }
        drop(permit);
        drop(transcript);
        let text = disk.written.lock().unwrap().0.clone();
        let written = text.lines().filter(|line| line.ends_with("hello")).count() as u64;
        let missing: u64 =
            text.lines().filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse::<u64>().ok()).sum();
        assert!(missing > 0 && written + missing == total, "{written} and {missing} of {total}");
    }
}
