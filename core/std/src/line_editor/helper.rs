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
///
/// The editor is given one completion at a time. Another Tab directly after it takes the next one,
/// and the first one after the last: never back to what was typed.
#[derive(Debug)]
pub struct LineHelper<C> {
    gate: Arc<TerminalGate>,
    complete: C,
    last: RefCell<Option<Completed>>,
    /// The line left and right of the cursor: the editor forgets it after an error.
    line: RefCell<(String, String)>,
}

/// A completion that was given to the editor.
#[derive(Debug)]
struct Completed {
    /// The line up to the cursor, as the editor has it now.
    line: String,
    /// Where the completed part begins.
    start: usize,
    candidates: Vec<String>,
    /// The one that was given.
    chosen: usize,
}

impl<C: Complete> LineHelper<C> {
    /// Returns where the completed part of `typed` begins, and what replaces it.
    fn next(&self, typed: &str) -> Option<(usize, String)> {
        let last = self.last.take().filter(|last| last.line == typed && last.candidates.len() > 1);
        let completed = last.map_or_else(
            || {
                let (start, candidates) = self.complete.complete(typed);
                Completed { line: String::new(), start, candidates, chosen: 0 }
            },
            |last| Completed { chosen: (last.chosen + 1) % last.candidates.len(), ..last },
        );
        let text = completed.candidates.get(completed.chosen)?.clone();
        let line = format!("{}{text}", typed.get(..completed.start)?);
        let start = completed.start;
        self.last.replace(Some(Completed { line, ..completed }));
        Some((start, text))
    }
}

impl<C> LineHelper<C> {
    pub(super) fn new(gate: Arc<TerminalGate>, complete: C) -> Self {
        Self { gate, complete, last: RefCell::default(), line: RefCell::default() }
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
        let next = self.next(line.get(..at).unwrap_or_default());
        Ok(next.map_or((at, Vec::new()), |(start, text)| (start, vec![text])))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn helper(candidates: &'static [&'static str]) -> LineHelper<impl Complete> {
        let complete = move |typed: &str| {
            let start = last_word(typed);
            let matching = candidates.iter().filter(|name| name.starts_with(&typed[start..]) && typed.len() > start);
            (start, matching.map(|name| (*name).to_owned()).collect())
        };
        LineHelper::new(Arc::default(), complete)
    }

    #[test]
    fn another_tab_takes_the_next_completion_and_never_what_was_typed() {
        let helper = helper(&["anna ", "anton "]);
        for expected in ["anna ", "anton ", "anna ", "anton "] {
            let typed = helper.last.borrow().as_ref().map_or("ask an".to_owned(), |last| last.line.clone());
            assert_eq!(helper.next(&typed), Some((4, expected.to_owned())));
        }
        assert_eq!(helper.next("ask ant"), Some((4, "anton ".to_owned())), "another text begins a new completion");
    }

    #[test]
    fn another_tab_after_the_only_completion_changes_nothing() {
        let helper = helper(&["anna "]);
        assert_eq!(helper.next("an"), Some((0, "anna ".to_owned())));
        assert_eq!(helper.next("anna "), None);
    }
}
