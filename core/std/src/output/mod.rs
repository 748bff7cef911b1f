//! Output lines for a screen, a pipe or a file, written by their own threads: a blocked screen
//! never blocks the program.
//!
//! If standard output and standard error are the same file (a terminal, `2>&1`), one thread writes
//! both, so that lines stay whole and in order. Otherwise each has its own thread, so that one that
//! is not read does not block the other.
//!
//! Every output of the programs, and what happens when it cannot be written:
//!
//! | output | reader gone (closed) | full disk | moved or deleted | slow |
//! |---|---|---|---|---|
//! | `kabar-server`: standard output | lines are dropped, nothing else happens | reported once on standard error; when it works again, a line reports how many were skipped; if it never does, exit code 1 | not detected | 4,096 lines are queued; more are dropped, and counted in their place |
//! | `kabar-server`: standard error | as above | as above, but not reported elsewhere | as above | as above |
//! | transcript | | reported once on standard error; then as standard output | opened again, also at SIGHUP; if that fails, the old file stays in use and it is reported | 4,096 entries are queued; more are counted in their place |
//! | metrics | the next request is answered | | | at most 3 s for each request |
//! | service manager | reported on standard error; the room stays open | | | at most 1 s |
//! | `kabar`: standard output (lines, `--json`) | leaves when what was typed is stored, exit code 0 | the same, exit code 1, or 6 if something was not sent; what was not written is displayed in the next session | | entries wait on the server; at the end `--give-up` seconds, then exit code 1 |
//! | `kabar`: standard error | notices are dropped | notices are dropped and counted; exit code 1 if the last could not be written | | waited for as for standard output |
//! | `kabar`: cursor, known servers | | reported once, and tried again with the next lines; exit code 1 if the last attempt failed | created again | |
//! | `kabar`: identity | | exit code 1 before joining | | |
//! | `history`, `check`, `config`, `invite`, `servers`, `identity`, help | exit code 0 | exit code 1 | | waited for |
//! | `backup`, `identity export` | | exit code 1 | | |
//!
//! A terminal that hangs up is an output whose reader is gone; the programs then stop as after a
//! signal ([`crate::signals`]). Output that is closed from the beginning (`>&-`) is discarded. A
//! limit of file sizes (`ulimit -f`) counts as a full disk.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use crate::line_editor::gate::TerminalGate;

/// Number of queued lines, per thread.
const QUEUE_LEN: usize = 4_096;
/// How long the end of an output waits for a slow reader or disk.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// A pause before a full queue, or a descriptor that another process made non-blocking, is tried
/// again.
const PAUSE: Duration = Duration::from_millis(10);

/// The destination of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

/// Queues of lines and the threads that write them. Lines that find a queue full, or cannot be
/// written, are dropped; their count is reported in their place.
#[derive(Debug)]
pub struct Output {
    program: &'static str,
    sender: OutputSender,
    lanes: Vec<LaneEnd>,
}

/// Sends lines to an [`Output`] from any thread.
#[derive(Clone, Debug)]
pub struct OutputSender {
    out: Lane,
    err: Lane,
}

/// Number of lines that were lost and not reported in their output, not counting closed outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Lines of standard output.
    pub out: u64,
    /// Lines of standard error.
    pub err: u64,
}

/// The queue of a thread that writes.
#[derive(Clone, Debug)]
struct Lane {
    items: SyncSender<Item>,
    missed: Arc<AtomicU64>,
}

#[derive(Debug)]
struct LaneEnd {
    lane: Lane,
    written: Receiver<Lost>,
}

#[derive(Debug)]
enum Item {
    Line(Stream, String),
    End,
}

impl Output {
    /// Writes to standard output and standard error of this process. Its own reports begin with the
    /// name of the `program`.
    ///
    /// # Errors
    /// If a thread cannot be spawned or a descriptor cannot be duplicated.
    pub fn of_process(program: &'static str) -> io::Result<Self> {
        let (out, err) = (unbuffered::stdout()?, unbuffered::stderr()?);
        if unbuffered::are_the_same(&out, &err) {
            Self::shared(program, out, err)
        } else {
            Self::apart(program, out, err)
        }
    }

    /// As [`Output::of_process`], for a process that edits lines at its terminal: the terminal is
    /// written through `gate`.
    ///
    /// # Errors
    /// As [`Output::of_process`].
    pub fn above_prompt(program: &'static str, gate: &Arc<TerminalGate>) -> io::Result<Self> {
        let (out, err) = (unbuffered::stdout()?, unbuffered::stderr()?);
        if unbuffered::are_the_same(&out, &err) {
            let gated = |to| AbovePrompt { gate: Arc::clone(gate), to: Patient(to) };
            Self::shared(program, gated(out), gated(err))
        } else {
            Self::apart(program, AbovePrompt { gate: Arc::clone(gate), to: Patient(out) }, err)
        }
    }

    /// Writes both on one thread: they are the same file.
    fn shared(
        program: &'static str,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let (lane, items) = Lane::new();
        let missed = Arc::clone(&lane.missed);
        let (mut out, mut err) = (Target::new(out), Target::new(err));
        let written = spawn(move || {
            run(&items, |item| match item {
                Item::Line(Stream::Out, line) => {
                    if let Some(trouble) = out.line(&line) {
                        let _ = err.line(&format!("{program}: {trouble}"));
                    }
                }
                Item::Line(Stream::Err, line) => {
                    let _ = err.line(&line);
                }
                Item::End => out.report_missed(&missed),
            });
            err.finish();
            Lost { out: out.finish(), err: err.finish() }
        })?;
        let sender = OutputSender { out: lane.clone(), err: lane.clone() };
        Ok(Self { program, sender, lanes: vec![LaneEnd { lane, written }] })
    }

    /// Writes each on its own thread.
    fn apart(
        program: &'static str,
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let ((out_lane, out_items), (err_lane, err_items)) = (Lane::new(), Lane::new());
        let (out_missed, err_missed) = (Arc::clone(&out_lane.missed), Arc::clone(&err_lane.missed));
        let complaints = err_lane.clone();
        let mut out = Target::new(out);
        let out_written = spawn(move || {
            run(&out_items, |item| match item {
                Item::Line(_, line) => {
                    if let Some(trouble) = out.line(&line) {
                        complaints.give(Item::Line(Stream::Err, format!("{program}: {trouble}")));
                    }
                }
                Item::End => out.report_missed(&out_missed),
            });
            Lost { out: out.finish(), err: 0 }
        })?;
        let mut err = Target::new(err);
        let err_written = spawn(move || {
            run(&err_items, |item| match item {
                Item::Line(_, line) => {
                    let _ = err.line(&line);
                }
                Item::End => err.report_missed(&err_missed),
            });
            Lost { out: 0, err: err.finish() }
        })?;
        let sender = OutputSender { out: out_lane.clone(), err: err_lane.clone() };
        let ends = [(out_lane, out_written), (err_lane, err_written)];
        let lanes = ends.into_iter().map(|(lane, written)| LaneEnd { lane, written }).collect();
        Ok(Self { program, sender, lanes })
    }

    /// Returns a sender.
    #[must_use]
    pub fn sender(&self) -> OutputSender {
        self.sender.clone()
    }

    /// Waits until everything queued is written, at most [`DRAIN_TIMEOUT`] for each output. Reports
    /// losses on standard error as far as possible, and returns the rest.
    #[must_use]
    pub fn finish(self) -> Lost {
        let mut lost = Lost::default();
        // Standard output first: its losses are reported on standard error.
        for LaneEnd { lane, written } in self.lanes {
            if lost.out > 0 {
                lane.give(Item::Line(Stream::Err, format!("{}: {}", self.program, lost_words(lost.out))));
            }
            lane.end();
            if let Ok(Lost { out, err }) = written.recv_timeout(DRAIN_TIMEOUT) {
                (lost.out, lost.err) = (lost.out + out, lost.err + err);
            }
        }
        lost
    }
}

impl OutputSender {
    /// Queues a line for standard output, or counts it as lost. Never blocks.
    pub fn line(&self, line: String) {
        self.out.give(Item::Line(Stream::Out, line));
    }

    /// Queues a line for standard error, or counts it as lost. Never blocks.
    pub fn remark(&self, line: String) {
        self.err.give(Item::Line(Stream::Err, line));
    }
}

impl Lane {
    fn new() -> (Self, Receiver<Item>) {
        let (items, waiting) = mpsc::sync_channel(QUEUE_LEN);
        (Self { items, missed: Arc::default() }, waiting)
    }

    fn give(&self, item: Item) {
        if let Err(TrySendError::Full(Item::Line(..))) = self.items.try_send(item) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends the thread after the queued items.
    fn end(&self) {
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        while let Err(TrySendError::Full(_)) = self.items.try_send(Item::End)
            && Instant::now() < deadline
        {
            std::thread::sleep(PAUSE);
        }
    }
}

fn lost_words(count: u64) -> String {
    let lines = if count == 1 { "line" } else { "lines" };
    format!("{count} {lines} could not be written to standard output")
}

fn spawn(write: impl FnOnce() -> Lost + Send + 'static) -> io::Result<Receiver<Lost>> {
    let (end, written) = mpsc::channel();
    std::thread::Builder::new().name("kabar-output".to_owned()).spawn(move || end.send(write()))?;
    Ok(written)
}

/// Takes lines until the end; calls `take` with [`Item::End`] whenever the queue is empty.
fn run(items: &Receiver<Item>, mut take: impl FnMut(Item)) {
    let mut is_over = false;
    while !is_over {
        let Ok(first) = items.recv() else { return take(Item::End) };
        let mut next = Some(first);
        while let Some(item) = next.take() {
            match item {
                Item::End => is_over = true,
                line => take(line),
            }
            next = items.try_recv().ok();
        }
        take(Item::End);
    }
}

/// A destination of lines, and the number of lines that it lacks.
struct Target<W> {
    to: W,
    /// Number of lines that were not written and are not reported there.
    missing: u64,
    /// Whether the last write ended within a line.
    is_torn: bool,
    /// Whether the last write failed, unless the output is closed.
    is_in_trouble: bool,
}

impl<W: Write> Target<W> {
    fn new(to: W) -> Self {
        Self { to, missing: 0, is_torn: false, is_in_trouble: false }
    }

    /// Writes a line. Returns a report if writing fails from now on.
    fn line(&mut self, line: &str) -> Option<String> {
        match self.report_missing().and_then(|()| self.put(format!("{line}\n"))) {
            Ok(()) => {
                self.is_in_trouble = false;
                None
            }
            Err(error) => {
                self.missing += 1;
                let is_trouble = error.kind() != io::ErrorKind::BrokenPipe;
                let is_new = is_trouble && !std::mem::replace(&mut self.is_in_trouble, is_trouble);
                is_new.then(|| format!("cannot write to standard output: {error}; lines are skipped"))
            }
        }
    }

    fn report_missed(&mut self, missed: &AtomicU64) {
        let missed = missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            let _ = self.line(&format!("({missed} lines skipped: output could not keep up)"));
        }
    }

    fn report_missing(&mut self) -> io::Result<()> {
        if self.missing > 0 {
            self.put(format!("({} lines skipped: they could not be written)\n", self.missing))?;
            self.missing = 0;
        }
        Ok(())
    }

    fn put(&mut self, text: String) -> io::Result<()> {
        let text = if self.is_torn { format!("\n{text}") } else { text };
        let (bytes, mut written) = (text.as_bytes(), 0);
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.to.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => {
                    written += len;
                    self.is_torn = bytes.get(written - 1) != Some(&b'\n');
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        self.to.flush()
    }

    /// Reports lost lines once more. Returns the number of those that are not reported.
    fn finish(&mut self) -> u64 {
        let is_reported = self.report_missing().is_ok();
        if is_reported || !self.is_in_trouble { 0 } else { self.missing }
    }
}

/// Writes each text above the prompt of a terminal.
#[derive(Debug)]
struct AbovePrompt<W> {
    gate: Arc<TerminalGate>,
    to: W,
}

impl<W: Write> Write for AbovePrompt<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let to = &mut self.to;
        self.gate.write(&String::from_utf8_lossy(bytes), |_| to.write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Writes to a descriptor that another process made non-blocking as if it were blocking.
#[derive(Debug)]
pub struct Patient<W>(pub W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Standard output and standard error without the buffer of the standard library, which repeats
/// failed writes.
#[cfg(unix)]
pub mod unbuffered {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    /// Standard output.
    ///
    /// # Errors
    /// If the descriptor cannot be duplicated.
    pub fn stdout() -> io::Result<File> {
        io::stdout().as_fd().try_clone_to_owned().map(File::from)
    }

    /// Standard error.
    ///
    /// # Errors
    /// If the descriptor cannot be duplicated.
    pub fn stderr() -> io::Result<File> {
        io::stderr().as_fd().try_clone_to_owned().map(File::from)
    }

    pub(super) fn are_the_same(one: &File, other: &File) -> bool {
        let identity = |file: &File| file.metadata().ok().map(|about| (about.dev(), about.ino()));
        identity(one).is_some_and(|one| identity(other) == Some(one))
    }
}

/// On other systems the standard library's handles.
#[cfg(not(unix))]
pub mod unbuffered {
    use std::io;

    /// Standard output.
    ///
    /// # Errors
    /// None.
    pub fn stdout() -> io::Result<io::Stdout> {
        Ok(io::stdout())
    }

    /// Standard error.
    ///
    /// # Errors
    /// None.
    pub fn stderr() -> io::Result<io::Stderr> {
        Ok(io::stderr())
    }

    pub(super) fn are_the_same(_: &io::Stdout, _: &io::Stderr) -> bool {
        true
    }
}

/// Writes a line to standard error. Errors are ignored.
pub fn remark(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests;
