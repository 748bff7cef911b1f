//! The prompt of a terminal: a line to edit, with all output above it.
//!
//! A typed line is erased from the screen: it returns as an entry, in its place, once it is stored.
//! So a line with a time is stored; a line that is not stored soon is reported.
//!
//! Whoever is in several rooms sees at the prompt which one is shown. After a command that may show
//! another one, the next prompt waits for that.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kabar_std::line_editor::gate::TerminalGate;
use kabar_std::line_editor::helper::{Complete, LineHelper};
use kabar_std::line_editor::{self, Editor, ReadlineError};

use super::roster::{OpenTransfers, Roster};
use super::stdin::RetryBudget;
use crate::command::{Command, typed};
use crate::input::{Input, InputError};
use crate::line::app_event::{AppEvent, EventSender};
use crate::transfers::paths::Completer;
use crate::view::completion::{Context, candidates, typed_path};

/// How long the next prompt waits for a room to be shown, at most.
const SWITCH_TIMEOUT: Duration = Duration::from_secs(6);

/// The prompt. It reads nothing before it is started.
#[derive(Debug)]
pub(super) struct Prompt {
    gate: Arc<TerminalGate>,
    rooms: SharedRooms,
    resumed: Sender<()>,
    /// For the thread that reads.
    on_resume: Option<Receiver<()>>,
}

/// The rooms as the thread that reads needs them.
#[derive(Clone, Debug, Default)]
struct SharedRooms(Arc<Mutex<PromptRooms>>);

/// What the prompt and completion need to know about rooms.
#[derive(Clone, Debug, Default)]
pub(super) struct PromptRooms {
    /// The prompt.
    pub(super) prompt: String,
    /// The members of the room that is shown.
    pub(super) roster: Roster,
    /// The rooms that the user is in.
    pub(super) names: Vec<String>,
    /// Rooms that may be joined, as far as is known.
    pub(super) others: Vec<String>,
    /// The files of the room that is shown.
    pub(super) files: Roster,
    /// Files that are being sent and received.
    pub(super) transfers: OpenTransfers,
}

impl SharedRooms {
    fn lock(&self) -> MutexGuard<'_, PromptRooms> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prompt {
    /// Creates a prompt for output that is written through `gate`.
    pub(super) fn new(gate: Arc<TerminalGate>) -> Self {
        let (resumed, on_resume) = mpsc::channel();
        Self { gate, rooms: SharedRooms::default(), resumed, on_resume: Some(on_resume) }
    }

    pub(super) fn start(&mut self, sender: EventSender) -> io::Result<()> {
        let Some(on_resume) = self.on_resume.take() else { return Ok(()) };
        let (gate, rooms, for_completion) = (Arc::clone(&self.gate), self.rooms.clone(), self.rooms.clone());
        let completer = Completer::default();
        let complete = move |typed: &str| {
            // Not locked while a folder is read.
            let PromptRooms { roster, names: rooms, others, files, transfers, .. } = for_completion.lock().clone();
            let (names, files, transfers) = (roster.names(), files.names(), transfers.list());
            let paths = typed_path(typed).map(|path| completer.complete(path)).unwrap_or_default();
            let (names, rooms, others, files) = (&names, &rooms, &others, &files);
            candidates(typed, &Context { names, rooms, others, files, transfers: &transfers, paths: &paths })
        };
        let mut editor = line_editor::editor(&gate, complete)?;
        let read = move || {
            read(&mut editor, &sender, &gate, &rooms, &on_resume);
            gate.end_of_typing();
        };
        std::thread::Builder::new().name("kabar-prompt".to_owned()).spawn(read).map(drop)
    }

    pub(super) fn set_rooms(&self, rooms: PromptRooms) {
        *self.rooms.lock() = rooms;
    }

    /// Displays the next prompt, which waits after a command about rooms.
    pub(super) fn resume(&self) {
        let _ = self.resumed.send(());
    }

    /// Erases the prompt.
    pub(super) fn stop(&self) {
        line_editor::stop(&self.gate);
    }
}

fn read<C: Complete>(
    editor: &mut Editor<LineHelper<C>>,
    sender: &EventSender,
    gate: &TerminalGate,
    rooms: &SharedRooms,
    on_resume: &Receiver<()>,
) {
    let (mut budget, mut is_reported) = (RetryBudget::default(), false);
    // A line that was interrupted by an error, left and right of the cursor.
    let mut begun: Option<(String, String)> = None;
    loop {
        gate.before_typing();
        let (left, right) = begun.take().unwrap_or_default();
        let prompt = rooms.lock().prompt.clone();
        let read = editor.readline_with_initial(&prompt, (&left, &right));
        // A line that was not entered counts as read, too.
        let line = editor.helper().map(LineHelper::take_line).unwrap_or_default();
        if (&line.0, &line.1) != (&left, &right) {
            budget.reset();
        }
        match read {
            Ok(line) => {
                budget.reset();
                is_reported = false;
                let columns = editor.dimensions().map(|(columns, _)| usize::from(columns));
                let command = typed(&line);
                let (is_quit, is_post) = (command == Command::Quit, matches!(command, Command::Post(..)));
                let is_about_rooms = matches!(command, Command::Room(_) | Command::Join(_) | Command::Part(_));
                if is_post && gate.may_erase() {
                    erase(&prompt, &line, columns);
                }
                while on_resume.try_recv().is_ok() {}
                if !deliver(Input::Line(line), sender, gate) || is_quit {
                    return;
                }
                if is_about_rooms {
                    gate.end_of_typing();
                    let _ = on_resume.recv_timeout(SWITCH_TIMEOUT);
                }
            }
            Err(ReadlineError::Interrupted) => return sender.send(AppEvent::Interrupt),
            Err(ReadlineError::Signal(_)) => begun = Some(line),
            // Each drops at least one byte, so this ends. Reported once, not for each byte of a
            // paste.
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                begun = Some(line);
                if !std::mem::replace(&mut is_reported, true) && !deliver(Input::InvalidBytes, sender, gate) {
                    return;
                }
            }
            Err(ReadlineError::Eof) => {
                deliver(Input::End, sender, gate);
                return;
            }
            Err(_) if budget.try_again() => begun = Some(line),
            Err(error) => {
                deliver(Input::Failed(InputError::Terminal(terminal_error(error).into())), sender, gate);
                return;
            }
        }
    }
}

/// Returns the error of the operating system in an error of the editor.
fn terminal_error(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        error => io::Error::other(error),
    }
}

/// Sends input. While the queue is full, output is displayed without a prompt: it may be what
/// empties the queue.
fn deliver(typed: Input, sender: &EventSender, gate: &TerminalGate) -> bool {
    match sender.try_input(typed) {
        Ok(is_taken) => is_taken,
        Err(typed) => {
            gate.end_of_typing();
            sender.input(typed)
        }
    }
}

/// Erases the line that was just typed, if its height on the screen is certain.
fn erase(prompt: &str, line: &str, columns: Option<usize>) {
    if let Some(rows) = columns.and_then(|columns| rows(prompt, line, columns)) {
        let mut out = io::stdout();
        let _ = write!(out, "\x1b[{rows}A\r\x1b[J").and_then(|()| out.flush());
    }
}

/// Returns the number of rows of the prompt, which is ASCII, and the text on a screen of `columns`;
/// `None` if terminals may differ in the width of the characters.
fn rows(prompt: &str, text: &str, columns: usize) -> Option<usize> {
    if columns == 0 {
        return None;
    }
    let (mut rows, mut indent) = (0, prompt.len());
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        if line.contains(char::is_control) {
            return None;
        }
        let narrow = line.chars().filter(char::is_ascii).count() + indent;
        let others = line.chars().count() + indent - narrow;
        // Zero to two columns each. After a full row at the very end, the cursor is in the next
        // one.
        let is_last = lines.peek().is_none();
        let row_of = |width: usize| if is_last { width / columns } else { width.saturating_sub(1) / columns };
        let (least, most) = (row_of(narrow), row_of(narrow + 2 * others));
        if least != most {
            return None;
        }
        rows += least + 1;
        indent = 0;
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    fn rows(text: &str, columns: usize) -> Option<usize> {
        super::rows("> ", text, columns)
    }

    #[test]
    fn computes_the_height_of_a_line() {
        assert_eq!(rows("hello", 80), Some(1));
        assert_eq!(rows(&"x".repeat(77), 80), Some(1));
        assert_eq!(rows(&"x".repeat(78), 80), Some(2), "the cursor is in the next row");
        assert_eq!(rows(&"x".repeat(158), 80), Some(3));
        assert_eq!(rows("halo \u{1f44b}", 80), Some(1));
        assert_eq!(rows("two\nlines", 80), Some(2), "as they were pasted");
        assert_eq!(super::rows("lobby> ", &"x".repeat(73), 80), Some(2), "a prompt with the room");
        assert_eq!(rows(&format!("{}\n\n{}", "x".repeat(78), "x".repeat(79)), 80), Some(3));
    }

    #[test]
    fn height_is_unknown_when_terminals_differ() {
        assert_eq!(rows(&"\u{1f44b}".repeat(40), 80), None);
        assert_eq!(rows("a\ttab", 80), None);
        assert_eq!(rows("hello", 0), None);
    }
}
