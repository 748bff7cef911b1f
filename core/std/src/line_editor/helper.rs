//! Callbacks of the line editor: completion, and the events that they imply (the prompt is
//! displayed, Enter was pressed).

use std::cell::RefCell;
use std::sync::Arc;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use super::gate::TerminalGate;

/// Completes lines.
pub trait Complete {
    /// Returns where the completed part of `typed` begins, the line up to the cursor, and what may
    /// replace it.
    fn complete(&self, typed: &str) -> (usize, Vec<String>);
}

impl<F: Fn(&str) -> (usize, Vec<String>)> Complete for F {
    fn complete(&self, typed: &str) -> (usize, Vec<String>) {
        self(typed)
    }
}

/// Completes, and reports to the gate: the editor asks for a hint when it has displayed the prompt,
/// and validates when Enter was pressed.
#[derive(Debug)]
pub struct LineHelper<C> {
    gate: Arc<TerminalGate>,
    complete: C,
    /// The line left and right of the cursor: the editor forgets it after an error.
    line: RefCell<(String, String)>,
}

impl<C> LineHelper<C> {
    pub(super) fn new(gate: Arc<TerminalGate>, complete: C) -> Self {
        Self { gate, complete, line: RefCell::default() }
    }

    /// Takes the line as it was at the last callback.
    pub fn take_line(&self) -> (String, String) {
        self.line.take()
    }
}

impl<C: Complete> Helper for LineHelper<C> {}

impl<C: Complete> Completer for LineHelper<C> {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.complete.complete(line.get(..at).unwrap_or_default()))
    }
}

impl<C> Highlighter for LineHelper<C> {}

impl<C> Hinter for LineHelper<C> {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<String> {
        let (left, right) = line.split_at_checked(at).unwrap_or((line, ""));
        self.line.replace((left.to_owned(), right.to_owned()));
        self.gate.prompt_is_shown();
        None
    }
}

impl<C> Validator for LineHelper<C> {
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.enter_is_pressed();
        Ok(ValidationResult::Valid(None))
    }
}

/// Returns where the last word of `typed` begins.
#[must_use]
pub fn last_word(typed: &str) -> usize {
    typed.rfind(char::is_whitespace).map_or(0, |at| at + typed[at..].chars().next().map_or(1, char::len_utf8))
}
