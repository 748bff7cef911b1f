//! What a person or a script sees and types.
//!
//! * On a terminal: a prompt ([`prompt`]), and everything that happens above it. Tab completes what [`roster`] and [`command`] know.
//! * Otherwise: standard input has posts, one per line ([`input`]), standard output has entries, standard error the rest; or
//!   standard output has everything, as objects ([`json`]).

pub mod command;
mod editing;
mod gate;
pub mod input;
pub mod json;
pub mod prompt;
pub mod roster;
pub mod style;
pub mod terminal;
pub mod writer;

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use kabar_core::chat::{EntryHeader, EntryKind};
use kabar_std::output::{Patient, unbuffered};
use kabar_std::text::{Content, Line, Lines};

use crate::cursor::{Cursor, CursorSlot};
use crate::mail::{Mail, Mailer};
use command::Command;
use gate::{Gate, Through};
use input::{Typed, read_line_enduring, read_yes};
use json::Object;
use prompt::Prompt;
use roster::Roster;
use style::{Style, mentions};
use terminal::SavedTerminal;
use writer::{Losses, OnError, Sink, Writer};

/// What answers about the past begin with, so that nobody takes them for what is said now.
const PAST: &str = "| ";

/// The user interface of one run.
#[derive(Debug)]
pub struct Ui {
    entries: Writer,
    /// Where it is not where entries go.
    notices: Option<Writer>,
    /// `None`: there is no terminal to edit lines on.
    prompt: Option<Prompt>,
    /// Standard output has objects.
    is_json: bool,
    lines: Lines,
    style: Style,
    roster: Roster,
    /// As whom one is in the room.
    name: RefCell<String>,
    mailer: Mailer,
    /// Whether the last part did not end its line.
    is_mid_line: Cell<bool>,
    terminal: SavedTerminal,
}

impl Ui {
    /// As standard input and output demand it; with objects if they are asked for. What was shown is kept in `cursor`.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start(is_json: bool, cursor: CursorSlot, mailer: Mailer) -> io::Result<Self> {
        let (lines, roster, name, is_mid_line) =
            (Lines::new(), Roster::default(), RefCell::default(), Cell::new(false));
        let terminal = SavedTerminal::save();
        if prompt::is_possible() && !is_json {
            let gate = Arc::new(Gate::default());
            let prompt = Some(Prompt::new(Arc::clone(&gate)));
            let entries = Writer::start(Through(gate), OnError::End, cursor, mailer.clone())?;
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
                mailer,
                is_mid_line,
                terminal,
            });
        }
        // Not the standard library's own buffer: it would write again what failed before.
        let stdout = Stream(io::BufWriter::new(Patient(unbuffered::stdout()?)));
        let entries = Writer::start(stdout, OnError::End, cursor, mailer.clone())?;
        let stderr = Stream(Patient(unbuffered::stderr()?));
        let notices = Some(Writer::start(stderr, OnError::LeaveOut, CursorSlot::default(), mailer.clone())?);
        let (prompt, style) = (None, Style::PLAIN);
        Ok(Self { entries, notices, prompt, is_json, lines, style, roster, name, mailer, is_mid_line, terminal })
    }

    /// Whether somebody is there to answer a question.
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

    /// What a typed line means here.
    #[must_use]
    pub fn meaning<'a>(&self, line: &'a str) -> Command<'a> {
        if self.is_prompt() { command::typed(line) } else { command::piped(line) }
    }

    /// As whom one is in the room now.
    pub fn set_name(&self, name: &str) {
        name.clone_into(&mut self.name.borrow_mut());
    }

    /// Shows an entry; it is at `cursor`.
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

    /// An entry of the past as one asked for it: a line to be shown with others, if it was not written already.
    #[must_use]
    pub fn past(&self, header: &EntryHeader<'_>, content: Content<'_>) -> Option<String> {
        if self.is_json {
            self.object(&Object::Past(json::Entry::new(header, content, false)));
            return None;
        }
        Some(self.line(header, content).lines().map(|line| format!("{PAST}{line}\n")).collect())
    }

    fn line(&self, header: &EntryHeader<'_>, content: Content<'_>) -> String {
        let EntryHeader { time_ms, author, kind, .. } = *header;
        self.lines.show(&Line { time_ms, author, address: None, kind, content })
    }

    /// Tells what happened: programs the object, people the words.
    pub fn tell(&self, object: &Object<'_>, words: &str) {
        if self.is_json { self.object(object) } else { self.notice(words) }
    }

    /// Tells programs what happened.
    pub fn object(&self, object: &Object<'_>) {
        if self.is_json {
            self.entries.text(object.line() + "\n");
        }
    }

    /// Says something about what goes on.
    pub fn notice(&self, words: &str) {
        if self.is_json {
            return self.object(&Object::Notice { text: words });
        }
        let words = if self.is_prompt() { self.style.dim(words) } else { words.to_owned() };
        self.part(&(words + "\n"));
    }

    /// Says part of a line.
    pub fn part(&self, text: &str) {
        self.is_mid_line.set(!text.ends_with('\n'));
        self.notices.as_ref().unwrap_or(&self.entries).text(text.to_owned());
    }

    /// Ends a line that was begun.
    pub fn fresh_line(&self) {
        if self.is_mid_line.get() {
            self.part("\n");
        }
    }

    /// Whether entries may be taken; [`Mail::OutputRoom`] says when again.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.entries.has_room() && self.notices.as_ref().is_none_or(Writer::has_room)
    }

    /// Somebody was heard of, by an entry.
    pub fn heard(&self, author: &str, kind: EntryKind) {
        match kind {
            EntryKind::LEFT | EntryKind::KICKED => self.roster.gone(author),
            _ if *self.name.borrow() == author => {}
            _ => self.roster.heard(author),
        }
    }

    /// Begins to take lines.
    ///
    /// # Errors
    /// If the system gives no thread or the terminal cannot be used.
    pub fn start_input(&mut self) -> io::Result<()> {
        match &mut self.prompt {
            Some(prompt) => prompt.start(self.roster.clone(), self.mailer.clone()),
            None => {
                let mailer = self.mailer.clone();
                spawn("kabar-input", move || read_lines(&mailer))
            }
        }
    }

    /// Asks a question that yes or no answers; [`Mail::Answer`] follows. No answer is no.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn ask(&self, question: &str) -> io::Result<()> {
        self.part(&format!("{question} [y/N] "));
        // Who answers ends the line.
        self.is_mid_line.set(false);
        let mailer = self.mailer.clone();
        spawn("kabar-ask", move || {
            mailer.send(Mail::Answer(read_yes(&mut io::stdin().lock()).unwrap_or(false)));
        })
    }

    /// Asks for a password, without showing it; [`Mail::Password`] follows.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn ask_password(&self, question: &str) -> io::Result<()> {
        self.is_mid_line.set(false);
        let (mailer, question) = (self.mailer.clone(), question.to_owned());
        let to = self.notices.as_ref().unwrap_or(&self.entries).queue();
        spawn("kabar-ask", move || {
            mailer.send(
                match terminal::ask_hidden(move |why| {
                    to.text(if why.is_empty() { question.clone() } else { format!("\n{why}{question}") })
                }) {
                    Ok(password) => Mail::Password(Some(password)),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => Mail::Interrupt,
                    Err(_) => Mail::Password(None),
                },
            );
        })
    }

    /// Takes the prompt away, and waits until what is to be written is written, or cannot be, or `patience` is over. What was lost, in
    /// words.
    #[must_use]
    pub fn settle(&self, patience: Patience) -> Vec<String> {
        self.stop_prompt();
        let mut lost = patience.lost(self.entries.settle(patience.time), "standard output");
        if let Some(notices) = &self.notices {
            lost.extend(patience.lost(notices.settle(patience.time), "standard error"));
        }
        lost
    }

    /// Writes what is left, and gives the terminal back as it was. What was lost, in words.
    #[must_use]
    pub fn finish(self, patience: Patience) -> Vec<String> {
        self.stop_prompt();
        self.terminal.restore();
        let mut lost = patience.lost(self.entries.finish(patience.time), "standard output");
        if let Some(notices) = self.notices {
            lost.extend(patience.lost(notices.finish(patience.time), "standard error"));
        }
        lost
    }

    fn stop_prompt(&self) {
        if let Some(prompt) = &self.prompt {
            prompt.stop();
        }
    }
}

/// How long the end waits for output, and whether what waits then is lost or only not waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long.
    pub time: Duration,
    /// Whether it is reported when it was too short.
    pub is_told: bool,
    /// Whether anybody is there for output at all.
    pub is_wanted: bool,
}

impl Patience {
    fn lost(self, losses: Losses, place: &str) -> Vec<String> {
        let Losses { output, cursor, waiting } = losses;
        let output = output.filter(|_| self.is_wanted);
        let output = output.map(|error| format!("{place} cannot be written: {error}"));
        let is_late = self.is_told && self.is_wanted && waiting > 0;
        let late = is_late.then(|| format!("nobody reads {place}: what waits was not written"));
        output.into_iter().chain(late).chain(cursor).collect()
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

fn read_lines(mailer: &Mailer) {
    let mut stdin = io::stdin().lock();
    loop {
        let typed = read_line_enduring(&mut stdin);
        let is_end = matches!(typed, Typed::End | Typed::Broken(_));
        if !mailer.line(typed) || is_end {
            return;
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}
