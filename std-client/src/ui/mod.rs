//! The user interface.
//!
//! * On a terminal: a prompt ([`prompt`]) with all output above it. Tab completes names
//!   ([`roster`]) and commands.
//! * Otherwise: standard input has posts, one per line ([`stdin`]), standard output has entries,
//!   standard error has notices; or standard output has everything, as objects ([`json`]).

mod editing;
mod gate;
pub mod json;
pub mod prompt;
pub mod roster;
pub mod stdin;
pub mod style;
pub mod terminal;
pub mod writer;

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_std::output::{Patient, unbuffered};
use kabar_std::text::{Content, Line, LineFormatter};

use crate::app_event::{AppEvent, EventSender};
use crate::command::{self, Command};
use crate::cursor::{Cursor, CursorSlot};
use crate::input::Input;
use crate::session::{Loss, OutputStream};
use gate::{GatedWriter, TerminalGate};
use json::Object;
use prompt::Prompt;
use roster::Roster;
use stdin::{read_line_retrying, read_yes};
use style::{Style, mentions};
use terminal::SavedTerminal;
use writer::{OnError, OutputLosses, Sink, Writer};

/// Prefix of entries in reply to `/history`, so that they do not look like new ones.
const HISTORY_PREFIX: &str = "| ";

/// The user interface of one run.
#[derive(Debug)]
pub struct Ui {
    entries: Writer,
    /// The writer of notices, if it is another one.
    notices: Option<Writer>,
    /// `None`: there is no terminal to edit lines on.
    prompt: Option<Prompt>,
    /// Whether standard output has objects.
    is_json: bool,
    lines: LineFormatter,
    style: Style,
    roster: Roster,
    /// The name in the room.
    name: RefCell<String>,
    sender: EventSender,
    /// Whether the last notice did not end its line.
    is_mid_line: Cell<bool>,
    terminal: SavedTerminal,
}

impl Ui {
    /// Starts the interface that standard input and output allow, with objects if requested.
    /// Positions of displayed entries are saved in `cursor`.
    ///
    /// # Errors
    /// If a thread cannot be spawned.
    pub fn start(is_json: bool, cursor: CursorSlot, sender: EventSender) -> io::Result<Self> {
        let (lines, roster, name, is_mid_line) =
            (LineFormatter::new(), Roster::default(), RefCell::default(), Cell::new(false));
        let terminal = SavedTerminal::save();
        if prompt::is_possible() && !is_json {
            let gate = Arc::new(TerminalGate::default());
            let prompt = Some(Prompt::new(Arc::clone(&gate)));
            let entries = Writer::start(GatedWriter(gate), OnError::End, cursor, sender.clone())?;
            let (notices, style) = (None, Style::of_terminal());
            return Ok(Self {
                entries,
                notices,
                prompt,
                is_json,
                lines,
                style,
                roster,
                name,
                sender,
                is_mid_line,
                terminal,
            });
        }
        // Not the standard library's buffer, which would repeat what failed before.
        let stdout = Stream(io::BufWriter::new(Patient(unbuffered::stdout()?)));
        let entries = Writer::start(stdout, OnError::End, cursor, sender.clone())?;
        let stderr = Stream(Patient(unbuffered::stderr()?));
        let notices = Some(Writer::start(stderr, OnError::Drop, CursorSlot::default(), sender.clone())?);
        let (prompt, style) = (None, Style::PLAIN);
        Ok(Self { entries, notices, prompt, is_json, lines, style, roster, name, sender, is_mid_line, terminal })
    }

    /// Whether questions can be answered.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal()
    }

    /// Whether lines are typed at a prompt.
    #[must_use]
    pub fn is_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    /// Whether standard output has objects.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Parses a line of input.
    #[must_use]
    pub fn parse<'a>(&self, line: &'a str) -> Command<'a> {
        if self.is_prompt() { command::typed(line) } else { command::piped(line) }
    }

    /// Sets the name in the room.
    pub fn set_name(&self, name: &str) {
        name.clone_into(&mut self.name.borrow_mut());
    }

    /// Displays an entry, which is at position `cursor`.
    pub fn entry(&self, header: &EntryHeader<'_>, content: Content<'_>, is_own: bool, cursor: Option<Cursor>) {
        if self.is_json {
            let line = Object::Entry(json::Entry::new(header, content, is_own)).line();
            return self.entries.entry(line + "\n", cursor);
        }
        let mut line = self.line(header, content);
        let is_called = |body| mentions(&String::from_utf8_lossy(body), &self.name.borrow());
        if self.is_prompt()
            && !is_own
            && header.kind.is_text()
            && matches!(content, Content::Body(body) if is_called(body))
        {
            line = self.style.bold(&line);
        }
        self.entries.entry(line + "\n", cursor);
    }

    /// Formats an entry in reply to `/history`; `None`: it was written as an object.
    #[must_use]
    pub fn history_line(&self, header: &EntryHeader<'_>, content: Content<'_>) -> Option<String> {
        if self.is_json {
            self.object(&Object::Past(json::Entry::new(header, content, false)));
            return None;
        }
        Some(self.line(header, content).lines().map(|line| format!("{HISTORY_PREFIX}{line}\n")).collect())
    }

    fn line(&self, header: &EntryHeader<'_>, content: Content<'_>) -> String {
        let EntryHeader { time_ms, author, kind, .. } = *header;
        self.lines.format(&Line { time_ms, author, address: None, kind, content })
    }

    /// Reports an event: as the object, or in words.
    pub fn report(&self, object: &Object<'_>, words: &str) {
        if self.is_json { self.object(object) } else { self.notice(words) }
    }

    /// Writes an object, if standard output has objects.
    pub fn object(&self, object: &Object<'_>) {
        if self.is_json {
            self.entries.text(object.line() + "\n");
        }
    }

    /// Displays a notice.
    pub fn notice(&self, words: &str) {
        if self.is_json {
            return self.object(&Object::Notice { text: words });
        }
        let words = if self.is_prompt() { self.style.dim(words) } else { words.to_owned() };
        self.write(&(words + "\n"));
    }

    /// Displays part of a line.
    pub fn write(&self, text: &str) {
        self.is_mid_line.set(!text.ends_with('\n'));
        self.notices.as_ref().unwrap_or(&self.entries).text(text.to_owned());
    }

    /// Ends the line of the last part.
    pub fn end_line(&self) {
        if self.is_mid_line.get() {
            self.write("\n");
        }
    }

    /// Whether entries may be taken. If not, [`AppEvent::OutputWritable`] follows.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.entries.has_room() && self.notices.as_ref().is_none_or(Writer::has_room)
    }

    /// Updates the names for completion by an entry.
    pub fn note_author(&self, author: &str, kind: EntryKind) {
        match kind {
            EntryKind::LEFT | EntryKind::KICKED => self.roster.remove(author),
            _ if *self.name.borrow() == author => {}
            _ => self.roster.note(author),
        }
    }

    /// Starts to read lines.
    ///
    /// # Errors
    /// If the thread cannot be spawned or the terminal cannot be used.
    pub fn start_input(&mut self) -> io::Result<()> {
        match &mut self.prompt {
            Some(prompt) => prompt.start(self.roster.clone(), self.sender.clone()),
            None => {
                let sender = self.sender.clone();
                spawn("kabar-input", move || read_lines(&sender))
            }
        }
    }

    /// Asks a yes-or-no question; [`AppEvent::Answer`] follows. No answer means no.
    ///
    /// # Errors
    /// If the thread cannot be spawned.
    pub fn ask(&self, question: &str) -> io::Result<()> {
        self.write(&format!("{question} [y/N] "));
        // The answer ends the line.
        self.is_mid_line.set(false);
        let sender = self.sender.clone();
        spawn("kabar-ask", move || {
            sender.send(AppEvent::Answer(read_yes(&mut io::stdin().lock()).unwrap_or(false)));
        })
    }

    /// Asks for a password, without echo; [`AppEvent::Password`] follows.
    ///
    /// # Errors
    /// If the thread cannot be spawned.
    pub fn ask_password(&self, question: String) -> io::Result<()> {
        self.is_mid_line.set(false);
        let sender = self.sender.clone();
        let to = self.notices.as_ref().unwrap_or(&self.entries).queue();
        spawn("kabar-ask", move || {
            sender.send(
                match terminal::read_password(move |why| {
                    to.text(if why.is_empty() { question.clone() } else { format!("\n{why}{question}") })
                }) {
                    Ok(password) => AppEvent::Password(Some(password)),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => AppEvent::Interrupt,
                    Err(_) => AppEvent::Password(None),
                },
            );
        })
    }

    /// Erases the prompt, and waits until all output is written or dropped. Returns what was lost
    /// so far.
    #[must_use]
    pub fn settle(&self, timeout: DrainTimeout) -> Vec<Loss> {
        self.stop_prompt();
        let mut lost = timeout.losses(self.entries.settle(timeout.time), OutputStream::Stdout);
        if let Some(notices) = &self.notices {
            lost.extend(timeout.losses(notices.settle(timeout.time), OutputStream::Stderr));
        }
        lost
    }

    /// Writes what is left, and restores the terminal. Returns what was lost.
    #[must_use]
    pub fn finish(self, timeout: DrainTimeout) -> Vec<Loss> {
        self.stop_prompt();
        self.terminal.restore();
        let mut lost = timeout.losses(self.entries.finish(timeout.time), OutputStream::Stdout);
        if let Some(notices) = self.notices {
            lost.extend(timeout.losses(notices.finish(timeout.time), OutputStream::Stderr));
        }
        lost
    }

    fn stop_prompt(&self) {
        if let Some(prompt) = &self.prompt {
            prompt.stop();
        }
    }
}

/// How long output may take at the end, and what counts as a loss.
#[derive(Clone, Copy, Debug)]
pub struct DrainTimeout {
    /// The time-out.
    pub time: Duration,
    /// Whether output that is not written in time is a loss.
    pub is_loss: bool,
    /// Whether the output still has a reader.
    pub has_reader: bool,
}

impl DrainTimeout {
    fn losses(self, losses: OutputLosses, stream: OutputStream) -> Vec<Loss> {
        let OutputLosses { output, position, waiting } = losses;
        let failed = output.filter(|_| self.has_reader).map(|error| Loss::Output { stream, error });
        let is_late = self.is_loss && self.has_reader && waiting > 0;
        let late = is_late.then_some(Loss::OutputNotRead(stream));
        failed.into_iter().chain(late).chain(position.map(Loss::PositionNotSaved)).collect()
    }
}

/// A pipe, a file, or a terminal without a prompt.
struct Stream<W>(W);

impl<W: Write + Send + 'static> Sink for Stream<W> {
    fn text(&mut self, text: String) -> io::Result<()> {
        self.0.write_all(text.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn read_lines(sender: &EventSender) {
    let mut stdin = io::stdin().lock();
    loop {
        let typed = read_line_retrying(&mut stdin);
        let is_end = matches!(typed, Input::End | Input::Failed(_));
        if !sender.input(typed) || is_end {
            return;
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}
