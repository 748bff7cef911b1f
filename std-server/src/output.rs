//! Lines for a screen or a pipe, written by a thread of their own: a blocked screen never blocks what goes on.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;

/// Lines that wait to be written.
const WAITING: usize = 4_096;
/// How long the end waits for a reader that does not read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A queue of lines and the thread that writes them. Lines that find it full are counted and left out, which is said in their place.
#[derive(Debug)]
pub struct Output {
    lines: SyncSender<String>,
    missed: Arc<AtomicU64>,
    written: Receiver<()>,
}

/// Gives lines to an [`Output`] from anywhere.
#[derive(Clone, Debug)]
pub struct OutputSender {
    lines: SyncSender<String>,
    missed: Arc<AtomicU64>,
}

impl Output {
    /// Writes to `to`, flushing whenever no line waits. A reader that has gone ends the writing, nothing else.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, waiting) = mpsc::sync_channel(WAITING);
        let missed = Arc::new(AtomicU64::new(0));
        let missing = Arc::clone(&missed);
        let (end, written) = mpsc::channel::<()>();
        let write = move || {
            drop(write_lines(to, &waiting, &missing));
            drop(end);
        };
        std::thread::Builder::new().name("kabar-output".to_owned()).spawn(write)?;
        Ok(Self { lines, missed, written })
    }

    /// For others to give lines.
    #[must_use]
    pub fn sender(&self) -> OutputSender {
        OutputSender { lines: self.lines.clone(), missed: Arc::clone(&self.missed) }
    }

    /// Waits until everything is written, once all senders are gone; not for ever, if nobody reads.
    pub fn finish(self) {
        drop(self.lines);
        let _ = self.written.recv_timeout(LAST_WORDS);
    }
}

impl OutputSender {
    /// Writes a line some time soon, or counts it as missed. Never waits.
    pub fn line(&self, line: String) {
        if let Err(TrySendError::Full(_)) = self.lines.try_send(line) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write_lines(mut to: impl Write, lines: &Receiver<String>, missed: &AtomicU64) -> io::Result<()> {
    while let Ok(line) = lines.recv() {
        writeln!(to, "{line}")?;
        while let Ok(line) = lines.try_recv() {
            writeln!(to, "{line}")?;
        }
        let missed = missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            writeln!(to, "({missed} lines are not shown: they came faster than they could be written)")?;
        }
        to.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes one line per permit.
    struct Screen {
        shown: Arc<Mutex<String>>,
        permits: Receiver<()>,
    }

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.permits.recv();
            self.shown.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_blocked_screen_blocks_nobody_and_says_what_it_missed() {
        let shown = Arc::new(Mutex::new(String::new()));
        let (permit, permits) = mpsc::channel();
        let output = Output::start(Screen { shown: Arc::clone(&shown), permits }).unwrap();
        let sender = output.sender();
        for number in 0..3 * WAITING {
            sender.line(format!("line {number}"));
        }
        drop((sender, permit));
        output.finish();
        let shown = shown.lock().unwrap();
        let lines = shown.lines().filter(|line| line.starts_with("line ")).count();
        let missed: usize =
            shown.lines().filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse::<usize>().ok()).sum();
        assert!(shown.starts_with("line 0\nline 1\n") && missed > 0);
        assert_eq!(lines + missed, 3 * WAITING);
    }

    #[test]
    fn a_reader_that_has_gone_is_no_trouble() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let output = Output::start(Gone).unwrap();
        let sender = output.sender();
        for _ in 0..3 * WAITING {
            sender.line("hello".to_owned());
        }
        drop(sender);
        output.finish();
    }
}
