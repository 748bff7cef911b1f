//! The plain-text transcript: every entry as a line at the end of a file, as `chat_history.txt` always was.
//!
//! It is a view of the log, not the log: it takes what is committed while the server runs and never repeats a line. What a killed
//! server had committed and not yet written is missing in it; `kabar-server history` has everything.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;

use crate::data_dir::FileError;
use crate::hub::HubEvent;
use crate::text::{Content, Line, Lines};

/// Entries that wait to be written: at most 18 MB.
const WAITING: usize = 4_096;
/// What is written at once, in bytes.
const CHUNK: usize = 64 << 10;
/// How long the end waits for a disk that does not write.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A queue of entries and the thread that writes them. Whoever drops it waits, not for ever, until all is written.
#[derive(Debug)]
pub struct Transcript {
    entries: Option<SyncSender<HubEvent>>,
    missed: Arc<AtomicU64>,
    written: Receiver<()>,
}

impl Transcript {
    /// Goes on at the end of the file at `path`; makes it, for its owner only, if there is none. Later trouble with it is said once
    /// on stderr.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(FileError::new("write the transcript", path))?;
        let owned = path.to_path_buf();
        let complain = move |error| {
            let error = FileError::new("write the transcript", &owned)(error);
            eprintln!("{error}; lines will be missing there, the room goes on");
        };
        Self::start(file, Lines::new(), complain).map_err(FileError::new("write the transcript", path))
    }

    fn start(to: impl Appendable, lines: Lines, complain: impl FnOnce(io::Error) + Send + 'static) -> io::Result<Self> {
        let (entries, waiting) = mpsc::sync_channel(WAITING);
        let missed = Arc::new(AtomicU64::new(0));
        let missing = Arc::clone(&missed);
        let (end, written) = mpsc::channel::<()>();
        let write = move || {
            Writer { to, lines, missing: 0, is_torn: false, complain: Some(complain) }.run(&waiting, &missing);
            drop(end);
        };
        std::thread::Builder::new().name("kabar-transcript".to_owned()).spawn(write)?;
        Ok(Self { entries: Some(entries), missed, written })
    }

    /// Writes an entry some time soon, or counts it as missing. Never waits. Other events are not for a transcript.
    pub fn take(&self, event: &HubEvent) {
        if let (HubEvent::Entry { .. }, Some(entries)) = (event, &self.entries)
            && let Err(TrySendError::Full(_)) = entries.try_send(event.clone())
        {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        self.entries = None;
        let _ = self.written.recv_timeout(LAST_WORDS);
    }
}

/// What a transcript is written to.
trait Appendable: Write + Send + 'static {}
impl Appendable for File {}

struct Writer<W, C> {
    to: W,
    lines: Lines,
    /// Entries that are not in the file and not yet said to be missing.
    missing: u64,
    /// The last line may have no end.
    is_torn: bool,
    /// Called once.
    complain: Option<C>,
}

impl<W: Appendable, C: FnOnce(io::Error)> Writer<W, C> {
    fn run(mut self, entries: &Receiver<HubEvent>, missed: &AtomicU64) {
        while let Ok(entry) = entries.recv() {
            let (mut text, mut count) = (self.show(&entry), 1);
            while text.len() < CHUNK
                && let Ok(entry) = entries.try_recv()
            {
                text.push_str(&self.show(&entry));
                count += 1;
            }
            self.append(&text, count);
            self.missing += missed.swap(0, Ordering::Relaxed);
        }
        if self.missing > 0 {
            self.append("", 0);
        }
    }

    fn append(&mut self, text: &str, count: u64) {
        let end = if self.is_torn { "\n" } else { "" };
        let gap = match self.missing {
            0 => String::new(),
            missing => format!("({missing} lines are missing here; the history has them)\n"),
        };
        match self.to.write_all(format!("{end}{gap}{text}").as_bytes()) {
            Ok(()) => (self.missing, self.is_torn) = (0, false),
            Err(error) => {
                (self.missing, self.is_torn) = (self.missing + count, true);
                if let Some(complain) = self.complain.take() {
                    complain(error);
                }
            }
        }
    }

    fn show(&self, event: &HubEvent) -> String {
        let HubEvent::Entry { time_ms, author, kind, body, .. } = event else { return String::new() };
        let content = Content::Body(body);
        let line = Line { time_ms: *time_ms, author, address: None, kind: *kind, content };
        self.lines.show(&line) + "\n"
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kabar_core::chat::Kind;

    use super::*;

    fn entry(seq: u64, text: &str) -> HubEvent {
        let (author, kind, body) = ("Farhan".to_owned(), Kind::TEXT, text.as_bytes().to_vec());
        HubEvent::Entry { seq, time_ms: 1_730_457_430_000, author, from: Some(([127, 0, 0, 1], 1).into()), kind, body }
    }

    /// Has room for so many bytes.
    #[derive(Clone, Default)]
    struct Disk {
        written: Arc<Mutex<(String, usize)>>,
        permits: Option<Arc<Mutex<Receiver<()>>>>,
    }

    impl Appendable for Disk {}

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
            let transcript = Transcript::open(&path).unwrap();
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
        let error = Transcript::open(home.path()).unwrap_err().to_string();
        assert!(error.contains(home.path().to_str().unwrap()) && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_full_disk_is_said_once_and_what_is_missing_is_counted() {
        let disk = Disk::default();
        disk.written.lock().unwrap().1 = 60;
        let complaints = Arc::new(AtomicU64::new(0));
        let complained = Arc::clone(&complaints);
        let complain = move |_| {
            complained.fetch_add(1, Ordering::Relaxed);
        };
        let mut writer =
            Writer { to: disk.clone(), lines: Lines::new(), missing: 0, is_torn: false, complain: Some(complain) };
        for seq in 1..=4 {
            let line = writer.show(&entry(seq, "hello"));
            writer.append(&line, 1);
        }
        assert_eq!(complaints.load(Ordering::Relaxed), 1);
        disk.written.lock().unwrap().1 = 1_000;
        let line = writer.show(&entry(5, "last"));
        writer.append(&line, 1);
        let text = disk.written.lock().unwrap().0.clone();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("Farhan: hello"), "{text}");
        assert_eq!(lines[lines.len() - 2], "(3 lines are missing here; the history has them)", "{text}");
        assert!(lines[lines.len() - 1].ends_with("Farhan: last"), "{text}");
    }

    #[test]
    fn a_disk_that_hangs_blocks_nobody() {
        let (permit, permits) = mpsc::channel::<()>();
        let disk = Disk { permits: Some(Arc::new(Mutex::new(permits))), ..Disk::default() };
        disk.written.lock().unwrap().1 = 10_000_000;
        let transcript = Transcript::start(disk.clone(), Lines::new(), |_| ()).unwrap();
        let total = 3 * WAITING as u64;
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
