//! What a person sees and types, and what a script reads and writes: the outputs, the prompt, and
//! the questions.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use kabar_core::chat::EntryKind;
use kabar_std::invite::RoomName;
use kabar_std::line_editor::gate::TerminalGate;
use kabar_std::line_editor::{self, SavedTerminal};
use kabar_std::output::{Patient, unbuffered};
use kabar_std::text::{Line, LineFormatter};

use super::app_event::{AppEvent, EventSender};
use super::json::{self, Object};
use super::prompt::{Prompt, PromptRooms};
use super::stdin::{read_line_retrying, read_yes};
use super::style::Style;
use super::terminal;
use super::writer::{OnError, OutputLosses, Sink, Writer};
use crate::command::{self, Command};
use crate::cursor::Position;
use crate::engine::event::{Entry, Event};
use crate::input::{Input, InputMode};
use crate::messages::entries::line_formatter;
use crate::messages::events::{self, RoomLabel};
use crate::messages::notices::{self, Notice};
use crate::messages::{questions, session_report};
use crate::outcome::{Loss, OutputStream, SessionReport};
use crate::view::wrap;

/// Prefix of entries in reply to `/history`, so that they do not look like new ones. Their numbers
/// follow, which `/delete` takes.
const HISTORY_PREFIX: &str = "| ";

/// The longest time that the prompt waits for the output before it.
const PROMPT_DELAY: Duration = Duration::from_secs(1);

/// The user interface of one run.
#[derive(Debug)]
pub(super) struct Ui {
    entries: Writer,
    /// The writer of notices, if it is another one.
    notices: Option<Writer>,
    /// `None`: there is no terminal to edit lines on.
    prompt: Option<Prompt>,
    /// Whether a person types, at a prompt or at a terminal that cannot have one.
    is_typed: bool,
    /// Whether a person reads standard output.
    is_read: bool,
    /// Whether standard output has objects.
    is_json: bool,
    lines: LineFormatter,
    style: Style,
    sender: EventSender,
    /// Whether the last notice did not end its line.
    is_mid_line: Cell<bool>,
    terminal: SavedTerminal,
}

impl Ui {
    /// Starts the interface that standard input and output allow, with objects if requested.
    ///
    /// # Errors
    /// If a thread cannot be spawned.
    pub(super) fn start(is_json: bool, sender: EventSender) -> io::Result<Self> {
        let (lines, is_mid_line) = (line_formatter(), Cell::new(false));
        let is_typed = io::stdin().is_terminal() && !is_json;
        let is_read = io::stdout().is_terminal() && !is_json;
        let terminal = SavedTerminal::save();
        if line_editor::is_possible() && !is_json {
            let gate = Arc::new(TerminalGate::default());
            let prompt = Some(Prompt::new(Arc::clone(&gate)));
            let entries = Writer::start(GatedWriter(gate), OnError::End, sender.clone())?;
            let (notices, style) = (None, Style::of_terminal());
            return Ok(Self {
                entries,
                notices,
                prompt,
                is_typed,
                is_read,
                is_json,
                lines,
                style,
                sender,
                is_mid_line,
                terminal,
            });
        }
        // Not the standard library's buffer, which would repeat what failed before.
        let stdout = Stream(io::BufWriter::new(Patient(unbuffered::stdout()?)));
        let entries = Writer::start(stdout, OnError::End, sender.clone())?;
        let stderr = Stream(Patient(unbuffered::stderr()?));
        let notices = Some(Writer::start(stderr, OnError::Drop, sender.clone())?);
        let (prompt, style) = (None, Style::PLAIN);
        Ok(Self { entries, notices, prompt, is_typed, is_read, is_json, lines, style, sender, is_mid_line, terminal })
    }

    /// Displays the invite and the address of a room that this process hosts, if standard output
    /// has objects.
    pub(super) fn hosting(&self, invite: String, address: String) {
        self.object(&Object::Hosting { invite, address });
    }

    fn line(&self, entry: &Entry) -> String {
        let Entry { time_ms, author, kind, content, .. } = entry;
        let (time_ms, kind, content) = (*time_ms, *kind, content.as_content());
        self.lines.format(&Line { time_ms, author, address: None, kind, content })
    }

    /// Writes an object, if standard output has objects.
    fn object(&self, object: &Object<'_>) {
        if self.is_json {
            self.entries.text(object.line() + "\n");
        }
    }

    /// Writes a notice, which may be part of a line.
    fn write(&self, text: String) {
        self.is_mid_line.set(!text.ends_with('\n'));
        self.notice_writer().text(text);
    }

    /// Displays an event.
    pub(super) fn event(&self, event: &Event, room: Option<RoomLabel<'_>>) {
        let name = room.map(|room| room.name);
        let object = Object::of_event(event, name).filter(|_| self.is_json);
        let text = events::text(event, room);
        let is_continued = events::is_continued(event);
        if object.is_some() || (text.is_some() && !is_continued && (self.is_json || !matches!(event, Event::Joined(_))))
        {
            // Reaching a server is reported in one line. On standard error, nothing continues it.
            self.end_line();
        }
        match (object, text) {
            (Some(object), _) => self.object(&object),
            (None, Some(text)) if is_continued => self.write(text),
            (None, Some(text)) => self.line_of_notice(name, text),
            (None, None) => {}
        }
    }

    /// Displays a notice.
    pub(super) fn notice(&self, notice: &Notice<'_>, room: Option<RoomLabel<'_>>) {
        self.end_line();
        let name = room.map(|room| room.name);
        if let Some(object) = Object::of_notice(notice, name).filter(|_| self.is_json) {
            return self.object(&object);
        }
        if let Some(text) = notices::text(notice, room) {
            self.line_of_notice(name, text);
        }
    }

    fn line_of_notice(&self, room: Option<&str>, text: String) {
        if self.is_json {
            return self.object(&Object::Notice { room, text: &text });
        }
        let text = if self.is_prompt() { self.style.dim(&wrapped(&text)) } else { text };
        self.write(text + "\n");
    }

    fn notice_writer(&self) -> &Writer {
        self.notices.as_ref().unwrap_or(&self.entries)
    }

    fn stop_prompt(&self) {
        if let Some(prompt) = &self.prompt {
            prompt.stop();
        }
    }

    /// Whether a person reads what is displayed: on a terminal, not in a pipe or a file.
    pub(super) fn is_read_by_person(&self) -> bool {
        self.is_read
    }

    /// Whether there is a prompt, above which everything is displayed.
    pub(super) fn is_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    /// How lines are entered.
    pub(super) fn input_mode(&self) -> InputMode {
        match (&self.prompt, self.is_typed) {
            (Some(_), _) => InputMode::Prompt,
            (None, true) => InputMode::Terminal,
            (None, false) => InputMode::Pipe,
        }
    }

    /// Parses a line of input.
    pub(super) fn parse<'a>(&self, line: &'a str) -> Command<'a> {
        if self.input_mode() == InputMode::Pipe { command::piped(line) } else { command::typed(line) }
    }

    /// Sets what the prompt and completion need to know about rooms.
    pub(super) fn set_rooms(&self, rooms: PromptRooms) {
        if let Some(prompt) = &self.prompt {
            prompt.set_rooms(rooms);
        }
    }

    /// Continues to read lines after a command that may show another room.
    pub(super) fn resume_input(&self) {
        if let Some(prompt) = &self.prompt {
            prompt.resume();
        }
    }

    /// Whether the entries of all rooms are displayed, hidden ones too: a program decides by
    /// itself.
    pub(super) fn shows_everything(&self) -> bool {
        self.is_json
    }

    /// All entries up to this position count as displayed.
    pub(super) fn skipped(&self, position: Position) {
        self.entries.entry(String::new(), Some(position));
    }

    /// Displays an entry of the room with this name.
    pub(super) fn entry(&self, room: &str, entry: Entry) {
        self.end_line();
        if self.is_json {
            let line = Object::Entry(json::Entry::new(room, &entry)).line();
            return self.entries.entry(line + "\n", entry.position);
        }
        let (line, kind) = (self.line(&entry), entry.kind);
        let line = match kind {
            _ if !self.is_prompt() => line,
            EntryKind::OPERATOR | EntryKind::KICKED | EntryKind::TOPIC => self.style.operator(&line),
            _ if entry.is_mention => self.style.bold(&line),
            _ => line,
        };
        self.entries.entry(line + "\n", entry.position);
    }

    /// Formats an entry in reply to `/history`; `None`: it was displayed at once.
    pub(super) fn history_line(&self, room: &str, entry: &Entry) -> Option<String> {
        if self.is_json {
            self.object(&Object::Past(json::Entry::new(room, entry)));
            return None;
        }
        Some(history_line(entry.seq, &self.line(entry)))
    }

    /// Ends the line of a notice that is continued.
    pub(super) fn end_line(&self) {
        if self.is_mid_line.get() {
            self.write("\n".to_owned());
        }
    }

    /// Whether standard output has objects.
    pub(super) fn has_objects(&self) -> bool {
        self.is_json
    }

    /// Whether entries may be displayed. If not, [`AppEvent::OutputWritable`] follows.
    pub(super) fn has_room(&self) -> bool {
        self.entries.has_room() && self.notices.as_ref().is_none_or(Writer::has_room)
    }

    /// Starts to read lines.
    ///
    /// # Errors
    /// If the thread cannot be spawned or the terminal cannot be used.
    pub(super) fn start_input(&mut self) -> io::Result<()> {
        match &mut self.prompt {
            Some(prompt) => {
                // A prompt that is displayed after half a line erases it.
                let _ = self.entries.settle(PROMPT_DELAY);
                prompt.start(self.sender.clone())
            }
            None => {
                let sender = self.sender.clone();
                spawn("kabar-input", move || read_lines(&sender))
            }
        }
    }

    /// Asks whether to accept a key; [`AppEvent::Answer`] follows. No answer means no.
    ///
    /// # Errors
    /// If the thread cannot be spawned.
    pub(super) fn ask_key(&self) -> io::Result<()> {
        self.write(questions::yes_or_no(&questions::accept_key()));
        // The answer ends the line.
        self.is_mid_line.set(false);
        let sender = self.sender.clone();
        spawn("kabar-ask", move || {
            sender.send(AppEvent::Answer(read_yes(&mut io::stdin().lock()).unwrap_or(false)));
        })
    }

    /// Asks for the password of `room`, without echo; [`AppEvent::Password`] follows.
    ///
    /// # Errors
    /// If the thread cannot be spawned.
    pub(super) fn ask_password(&self, room: &RoomName, was_wrong: bool) -> io::Result<()> {
        self.end_line();
        let (sender, to) = (self.sender.clone(), self.notice_writer().queue());
        let question = questions::ask_password(room, was_wrong);
        let ask = move |was_not_utf8| {
            let text =
                if was_not_utf8 { format!("\n{}{question}", questions::password_not_utf8()) } else { question.clone() };
            to.text(text);
        };
        spawn("kabar-ask", move || {
            sender.send(match terminal::read_password(ask) {
                Ok(password) => AppEvent::Password(Some(password)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => AppEvent::Interrupt,
                Err(_) => AppEvent::Password(None),
            });
        })
    }

    /// Erases the prompt, and waits until all output is written or dropped. Returns what was lost
    /// so far.
    pub(super) fn settle(&self, timeout: DrainTimeout) -> Vec<Loss> {
        self.stop_prompt();
        let mut lost = losses(timeout, self.entries.settle(timeout.time), OutputStream::Stdout);
        if let Some(notices) = &self.notices {
            lost.extend(losses(timeout, notices.settle(timeout.time), OutputStream::Stderr));
        }
        lost
    }

    /// Displays the end of the session, with these numbers of lines that are not in their rooms,
    /// and that are sent the next time.
    pub(super) fn ended(&self, report: &SessionReport, unsent: u64, kept: u64) {
        let report = session_report(report);
        let (exit, reason) = (report.exit.code(), report.line.as_deref());
        self.object(&Object::Left { exit, unsent, kept, reason });
    }

    /// Writes what is left, and restores the terminal. Returns what was lost.
    pub(super) fn finish(self, timeout: DrainTimeout) -> Vec<Loss> {
        self.stop_prompt();
        self.terminal.restore();
        let mut lost = losses(timeout, self.entries.finish(timeout.time), OutputStream::Stdout);
        if let Some(notices) = self.notices {
            lost.extend(losses(timeout, notices.finish(timeout.time), OutputStream::Stderr));
        }
        lost
    }
}

/// Wraps the lines of a notice at words, to the width of the terminal. Columns of a table stay
/// columns.
fn wrapped(text: &str) -> String {
    let Some((terminal_size::Width(columns), _)) = terminal_size::terminal_size() else { return text.to_owned() };
    let line = |line| wrap::text(line, usize::from(columns), wrap::last_column(line));
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// How long output may take at the end, and what counts as a loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct DrainTimeout {
    /// The time-out.
    pub(super) time: Duration,
    /// Whether output that is not written in time is a loss.
    pub(super) is_loss: bool,
    /// Whether the output still has a reader.
    pub(super) has_reader: bool,
}

/// Formats the lines of an entry in reply to `/history`.
fn history_line(seq: u64, text: &str) -> String {
    let number = format!("{seq} ");
    let numbers = std::iter::once(number.clone()).chain(std::iter::repeat(" ".repeat(number.len())));
    text.lines().zip(numbers).map(|(line, number)| format!("{HISTORY_PREFIX}{number}{line}\n")).collect()
}

fn losses(timeout: DrainTimeout, losses: OutputLosses, stream: OutputStream) -> Vec<Loss> {
    let OutputLosses { output, position, waiting } = losses;
    let failed = output.filter(|_| timeout.has_reader).map(|error| Loss::Output { stream, error });
    let is_late = timeout.is_loss && timeout.has_reader && waiting > 0;
    let late = is_late.then_some(Loss::OutputNotRead(stream));
    failed.into_iter().chain(late).chain(position.map(Loss::PositionNotSaved)).collect()
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

/// A terminal with a prompt.
struct GatedWriter(Arc<TerminalGate>);

impl Sink for GatedWriter {
    fn text(&mut self, text: String) -> io::Result<()> {
        self.0.write(&text, |text| {
            let mut out = io::stdout();
            out.write_all(text.as_bytes())?;
            out.flush()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
