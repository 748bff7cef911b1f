//! What a person or a script sees and types.
//!
//! * On a terminal: a prompt ([`prompt`]), and everything that happens above it.
//! * Otherwise: standard input has posts, one per line ([`input`]), standard output has entries, standard error the rest.

pub mod command;
mod gate;
pub mod input;
pub mod prompt;
pub mod writer;

use std::cell::Cell;
use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::mail::{Mail, Mailer};
use command::Command;
use gate::{Gate, Through};
use input::{Typed, read_line};
use prompt::Prompt;
use writer::{Sink, Writer};

/// The user interface of one run.
#[derive(Debug)]
pub struct Ui {
    entries: Writer,
    /// Where it is not where entries go.
    notices: Option<Writer>,
    /// `None`: there is no terminal to edit lines on.
    prompt: Option<Prompt>,
    mailer: Mailer,
    /// Whether the last part did not end its line.
    is_mid_line: Cell<bool>,
}

impl Ui {
    /// As standard input and output demand it.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start(mailer: Mailer) -> io::Result<Self> {
        if prompt::is_possible() {
            let gate = Arc::new(Gate::default());
            let prompt = Prompt::new(Arc::clone(&gate));
            let entries = Writer::start(Through(gate), mailer.clone())?;
            return Ok(Self { entries, notices: None, prompt: Some(prompt), mailer, is_mid_line: Cell::new(false) });
        }
        let entries = Writer::start(Stream(io::BufWriter::new(io::stdout())), mailer.clone())?;
        let notices = Writer::start(Stream(io::stderr()), mailer.clone())?;
        Ok(Self { entries, notices: Some(notices), prompt: None, mailer, is_mid_line: Cell::new(false) })
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

    /// What a typed line means here.
    #[must_use]
    pub fn meaning<'a>(&self, line: &'a str) -> Command<'a> {
        if self.is_prompt() { command::typed(line) } else { command::piped(line) }
    }

    /// Shows an entry.
    pub fn entry(&self, line: String) {
        self.entries.text(line + "\n");
    }

    /// Says something about what goes on.
    pub fn notice(&self, line: &str) {
        self.part(&format!("{line}\n"));
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

    /// Says whether what is typed is shown again soon, as an entry.
    pub fn set_online(&self, is_online: bool) {
        if let Some(prompt) = &self.prompt {
            prompt.set_online(is_online);
        }
    }

    /// Begins to take lines.
    ///
    /// # Errors
    /// If the system gives no thread or the terminal cannot be used.
    pub fn start_input(&mut self) -> io::Result<()> {
        match &mut self.prompt {
            Some(prompt) => prompt.start(self.mailer.clone()),
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
            let mut answer = String::new();
            let is_read = io::stdin().lock().read_line(&mut answer).is_ok();
            let is_yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
            mailer.send(Mail::Answer(is_read && is_yes));
        })
    }

    /// Asks for a password, without showing it; [`Mail::Password`] follows.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn ask_password(&self, question: &str) -> io::Result<()> {
        self.part(question);
        self.is_mid_line.set(false);
        let mailer = self.mailer.clone();
        spawn("kabar-ask", move || {
            mailer.send(match rpassword::read_password() {
                Ok(password) => Mail::Password(Some(Zeroizing::new(password))),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Mail::Interrupt,
                Err(_) => Mail::Password(None),
            });
        })
    }

    /// Writes what is left, and gives the terminal back as it was.
    pub fn finish(self, patience: Duration) {
        if let Some(prompt) = &self.prompt {
            prompt.stop();
        }
        self.entries.finish(patience);
        if let Some(notices) = self.notices {
            notices.finish(patience);
        }
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
        let typed = read_line(&mut stdin).unwrap_or(Typed::End);
        let is_end = typed == Typed::End;
        if !mailer.line(typed) || is_end {
            return;
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// A flag that threads share.
#[derive(Clone, Debug, Default)]
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn set(&self, value: bool) {
        self.0.store(value, Ordering::SeqCst);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
