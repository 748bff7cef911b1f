//! The front end of a session: what a person sees and types, and what a script reads and writes.
//!
//! * On a terminal: a prompt ([`prompt`]) with all output above it. Tab completes names, rooms and
//!   commands.
//! * Otherwise: standard input has posts, one per line ([`stdin`]), standard output has entries,
//!   standard error has notices; or standard output has everything, as objects ([`json`]).

mod completion;
pub mod json;
pub mod prompt;
pub mod stdin;
pub mod style;
pub mod terminal;
pub mod writer;

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use kabar_core::chat::EntryKind;
use kabar_std::invite::RoomName;
use kabar_std::line_editor::gate::TerminalGate;
use kabar_std::line_editor::{self, SavedTerminal};
use kabar_std::output::{Patient, unbuffered};
use kabar_std::text::{Content, Line, LineFormatter};

use crate::app_event::{AppEvent, EventSender};
use crate::command::{self, Command};
use crate::cursor::Position;
use crate::input::Input;
use crate::messages::{notices, questions, session_report};
use crate::session::{
    DisplayedEntry, DrainTimeout, FrontEnd, Loss, Notice, OutputStream, RoomLabel, RoomsView, SessionReport, mentions,
};
use json::Object;
use prompt::Prompt;
use stdin::{read_line_retrying, read_yes};
use style::Style;
use writer::{OnError, OutputLosses, Sink, Writer};

/// Prefix of entries in reply to `/history`, so that they do not look like new ones. Their numbers
/// follow, which `/delete` takes.
const HISTORY_PREFIX: &str = "| ";

/// The longest time that the prompt waits for the output before it.
const PROMPT_DELAY: Duration = Duration::from_secs(1);

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
    /// The name of this member.
    name: RefCell<String>,
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
    pub fn start(is_json: bool, sender: EventSender) -> io::Result<Self> {
        let (lines, name, is_mid_line) = (LineFormatter::new(), RefCell::default(), Cell::new(false));
        let terminal = SavedTerminal::save();
        if line_editor::is_possible() && !is_json {
            let gate = Arc::new(TerminalGate::default());
            let prompt = Some(Prompt::new(Arc::clone(&gate)));
            let entries = Writer::start(GatedWriter(gate), OnError::End, sender.clone())?;
            let (notices, style) = (None, Style::of_terminal());
            return Ok(Self { entries, notices, prompt, is_json, lines, style, name, sender, is_mid_line, terminal });
        }
        // Not the standard library's buffer, which would repeat what failed before.
        let stdout = Stream(io::BufWriter::new(Patient(unbuffered::stdout()?)));
        let entries = Writer::start(stdout, OnError::End, sender.clone())?;
        let stderr = Stream(Patient(unbuffered::stderr()?));
        let notices = Some(Writer::start(stderr, OnError::Drop, sender.clone())?);
        let (prompt, style) = (None, Style::PLAIN);
        Ok(Self { entries, notices, prompt, is_json, lines, style, name, sender, is_mid_line, terminal })
    }

    /// Displays the invite and the address of a room that this process hosts, if standard output
    /// has objects.
    pub fn hosting(&self, invite: String, address: String) {
        self.object(&Object::Hosting { invite, address });
    }

    fn line(&self, entry: &DisplayedEntry<'_>) -> String {
        let (header, content) = (&entry.header, entry.content);
        let (time_ms, author, kind) = (header.time_ms, header.author, header.kind);
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

    fn show_notice(&self, room: Option<RoomLabel<'_>>, notice: &Notice<'_>) {
        if self.is_json && !notice.is_continued() {
            // On standard error, nothing continues the line.
            self.end_line();
        }
        let name = room.map(|room| room.name.as_str());
        if let Some(object) = Object::of(notice, name).filter(|_| self.is_json) {
            return self.object(&object);
        }
        let Some(text) = notices::text(notice, room) else { return };
        if notice.is_continued() {
            self.write(text);
        } else if self.is_json {
            self.object(&Object::Notice { room: name, text: &text });
        } else {
            let text = if self.is_prompt() { self.style.dim(&text) } else { text };
            self.write(text + "\n");
        }
    }

    fn notice_writer(&self) -> &Writer {
        self.notices.as_ref().unwrap_or(&self.entries)
    }

    fn stop_prompt(&self) {
        if let Some(prompt) = &self.prompt {
            prompt.stop();
        }
    }
}

impl FrontEnd for Ui {
    fn can_ask(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn is_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    fn parse<'a>(&self, line: &'a str) -> Command<'a> {
        if self.is_prompt() { command::typed(line) } else { command::piped(line) }
    }

    fn set_name(&self, name: &str) {
        name.clone_into(&mut self.name.borrow_mut());
    }

    fn set_rooms(&self, rooms: &RoomsView<'_>) {
        if let Some(prompt) = &self.prompt {
            prompt.set_rooms(rooms);
        }
    }

    fn resume_input(&self) {
        if let Some(prompt) = &self.prompt {
            prompt.resume();
        }
    }

    fn shows_everything(&self) -> bool {
        self.is_json
    }

    fn skipped(&self, position: Position) {
        self.entries.entry(String::new(), Some(position));
    }

    fn entry(&self, entry: &DisplayedEntry<'_>, position: Option<Position>) {
        if self.is_json {
            let line = Object::Entry(json::Entry::new(entry)).line();
            return self.entries.entry(line + "\n", position);
        }
        let (line, kind) = (self.line(entry), entry.header.kind);
        let is_called = |body| mentions(&String::from_utf8_lossy(body), &self.name.borrow());
        let line = match entry.content {
            _ if !self.is_prompt() => line,
            _ if matches!(kind, EntryKind::OPERATOR | EntryKind::KICKED | EntryKind::TOPIC) => {
                self.style.operator(&line)
            }
            Content::Body(body) if !entry.is_own && kind.is_text() && is_called(body) => self.style.bold(&line),
            _ => line,
        };
        self.entries.entry(line + "\n", position);
    }

    fn history_line(&self, entry: &DisplayedEntry<'_>) -> Option<String> {
        if self.is_json {
            self.object(&Object::Past(json::Entry::new(entry)));
            return None;
        }
        Some(history_line(entry.header.seq, &self.line(entry)))
    }

    fn notice(&self, notice: &Notice<'_>) {
        self.show_notice(None, notice);
    }

    fn room_notice(&self, room: RoomLabel<'_>, notice: &Notice<'_>) {
        self.show_notice(Some(room), notice);
    }

    fn end_line(&self) {
        if self.is_mid_line.get() {
            self.write("\n".to_owned());
        }
    }

    fn has_room(&self) -> bool {
        self.entries.has_room() && self.notices.as_ref().is_none_or(Writer::has_room)
    }

    fn start_input(&mut self) -> io::Result<()> {
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

    fn ask_key(&self) -> io::Result<()> {
        self.write(questions::yes_or_no(questions::ACCEPT_KEY));
        // The answer ends the line.
        self.is_mid_line.set(false);
        let sender = self.sender.clone();
        spawn("kabar-ask", move || {
            sender.send(AppEvent::Answer(read_yes(&mut io::stdin().lock()).unwrap_or(false)));
        })
    }

    fn ask_password(&self, room: &RoomName, was_wrong: bool) -> io::Result<()> {
        self.is_mid_line.set(false);
        let (sender, to) = (self.sender.clone(), self.notice_writer().queue());
        let question = questions::ask_password(room, was_wrong);
        let ask = move |was_not_utf8| {
            let text =
                if was_not_utf8 { format!("\n{}{question}", questions::PASSWORD_NOT_UTF8) } else { question.clone() };
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

    fn settle(&self, timeout: DrainTimeout) -> Vec<Loss> {
        self.stop_prompt();
        let mut lost = losses(timeout, self.entries.settle(timeout.time), OutputStream::Stdout);
        if let Some(notices) = &self.notices {
            lost.extend(losses(timeout, notices.settle(timeout.time), OutputStream::Stderr));
        }
        lost
    }

    fn ended(&self, report: &SessionReport, unsent: u64) {
        let report = session_report(report);
        let (exit, reason) = (report.exit.code(), report.line.as_deref());
        self.object(&Object::Left { exit, unsent, reason });
    }

    fn finish(self: Box<Self>, timeout: DrainTimeout) -> Vec<Loss> {
        self.stop_prompt();
        self.terminal.restore();
        let mut lost = losses(timeout, self.entries.finish(timeout.time), OutputStream::Stdout);
        if let Some(notices) = self.notices {
            lost.extend(losses(timeout, notices.finish(timeout.time), OutputStream::Stderr));
        }
        lost
    }
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
