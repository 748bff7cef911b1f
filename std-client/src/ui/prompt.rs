//! The prompt of a terminal: a line to type in, and everything that happens above it.
//!
//! A typed line is taken off the screen again while the room is there: it comes back as an entry, in its place, as soon as it is
//! stored. When the room cannot be reached it stays.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor, ExternalPrinter};

use super::Flag;
use super::command::{Command, typed};
use super::input::Typed;
use super::writer::Sink;
use crate::mail::{Mail, Mailer};

const PROMPT: &str = "> ";

type Printer = Arc<Mutex<Option<Box<dyn ExternalPrinter + Send>>>>;

/// The prompt. Nothing is typed until it was started.
pub struct Prompt {
    printer: Printer,
    is_online: Flag,
    is_prompting: Flag,
    saved: Option<SavedTerminal>,
}

/// Writes above the prompt.
pub(super) struct AbovePrompt(Printer);

impl Prompt {
    pub(super) fn new() -> (Self, AbovePrompt) {
        let printer = Printer::default();
        let prompt = Self {
            printer: Arc::clone(&printer),
            is_online: Flag::default(),
            is_prompting: Flag::default(),
            saved: SavedTerminal::save(),
        };
        (prompt, AbovePrompt(printer))
    }

    pub(super) fn set_online(&self, is_online: bool) {
        self.is_online.set(is_online);
    }

    pub(super) fn start(&mut self, mailer: Mailer) -> io::Result<()> {
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Editor::<(), _>::with_history(config, MemHistory::new()).map_err(io::Error::other)?;
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        *lock(&self.printer) = Some(Box::new(printer));
        let (is_online, is_prompting) = (self.is_online.clone(), self.is_prompting.clone());
        super::spawn("kabar-prompt", move || {
            is_prompting.set(true);
            read(&mut editor, &mailer, &is_online);
            is_prompting.set(false);
        })
    }

    /// Gives the terminal back as it was, also from under a prompt.
    pub(super) fn stop(&self) {
        if self.is_prompting.get() {
            // No bracketed paste, and off with the prompt.
            let mut out = io::stdout();
            drop(out.write_all(b"\x1b[?2004l\r\x1b[J").and_then(|()| out.flush()));
        }
        if let Some(saved) = &self.saved {
            saved.restore();
        }
        // What is written from now on needs no prompt to be redrawn. A writer that is held up by the prompt just now is not waited for.
        if let Ok(mut printer) = self.printer.try_lock() {
            *printer = None;
        }
    }
}

fn read(editor: &mut Editor<(), MemHistory>, mailer: &Mailer, is_online: &Flag) {
    loop {
        match editor.readline(PROMPT) {
            Ok(line) => {
                let columns = editor.dimensions().map(|(columns, _)| usize::from(columns));
                let (is_quit, is_post) = (typed(&line) == Command::Quit, matches!(typed(&line), Command::Post(..)));
                if is_post && is_online.get() {
                    erase(&line, columns);
                }
                if !mailer.line(Typed::Line(line)) || is_quit {
                    return;
                }
            }
            Err(ReadlineError::Interrupted) => return mailer.send(Mail::Interrupt),
            Err(ReadlineError::Signal(_)) => {}
            Err(_) => {
                let _ = mailer.line(Typed::End);
                return;
            }
        }
    }
}

/// Takes a line that was just typed off the screen, if it is sure how much of the screen it takes.
fn erase(line: &str, columns: Option<usize>) {
    let is_plain = std::env::var("TERM").is_ok_and(|term| matches!(term.as_str(), "" | "dumb" | "cons25" | "emacs"));
    if is_plain {
        return;
    }
    if let Some(rows) = columns.and_then(|columns| rows(line, columns)) {
        let mut out = io::stdout();
        drop(write!(out, "\x1b[{rows}A\r\x1b[J").and_then(|()| out.flush()));
    }
}

/// Rows that prompt and line take on a screen of so many columns; `None` where terminals may differ in how wide the characters are.
fn rows(line: &str, columns: usize) -> Option<usize> {
    if columns == 0 || line.contains(char::is_control) {
        return None;
    }
    let ascii = line.chars().filter(char::is_ascii).count() + PROMPT.len();
    let others = line.chars().count() + PROMPT.len() - ascii;
    // Nothing to two columns each.
    let (least, most) = (ascii / columns, (ascii + 2 * others) / columns);
    (least == most).then_some(least + 1)
}

impl Sink for AbovePrompt {
    fn text(&mut self, text: String) -> io::Result<()> {
        if let Some(printer) = lock(&self.0).as_mut() {
            return printer.print(text).map_err(io::Error::other);
        }
        let mut out = io::stdout();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock(printer: &Printer) -> std::sync::MutexGuard<'_, Option<Box<dyn ExternalPrinter + Send>>> {
    printer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prompt(..)")
    }
}

/// How the terminal was set before anything was asked.
#[cfg(unix)]
struct SavedTerminal(nix::sys::termios::Termios);

#[cfg(unix)]
impl SavedTerminal {
    fn save() -> Option<Self> {
        nix::sys::termios::tcgetattr(io::stdin()).ok().map(Self)
    }

    fn restore(&self) {
        let _ = nix::sys::termios::tcsetattr(io::stdin(), nix::sys::termios::SetArg::TCSANOW, &self.0);
    }
}

#[cfg(not(unix))]
struct SavedTerminal;

#[cfg(not(unix))]
impl SavedTerminal {
    fn save() -> Option<Self> {
        None
    }

    fn restore(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_how_much_of_the_screen_a_line_takes() {
        assert_eq!(rows("hello", 80), Some(1));
        assert_eq!(rows(&"x".repeat(77), 80), Some(1));
        assert_eq!(rows(&"x".repeat(78), 80), Some(2), "the cursor stands in the next row");
        assert_eq!(rows(&"x".repeat(158), 80), Some(3));
        assert_eq!(rows("halo \u{1f44b}", 80), Some(1));
    }

    #[test]
    fn touches_nothing_when_it_does_not_know() {
        assert_eq!(rows(&"\u{1f44b}".repeat(40), 80), None);
        assert_eq!(rows("two\nlines", 80), None);
        assert_eq!(rows("hello", 0), None);
    }
}
