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
use super::roster::Roster;
use crate::command::CommandName;

/// Completes names and commands, and reports to the gate: the editor asks for a hint when it has
/// displayed the prompt, and validates when Enter was pressed.
pub(super) struct Editing {
    gate: Arc<TerminalGate>,
    roster: Roster,
    /// The line left and right of the cursor: the editor forgets it after an error.
    line: RefCell<(String, String)>,
}

impl Editing {
    pub(super) fn new(gate: Arc<TerminalGate>, roster: Roster) -> Self {
        Self { gate, roster, line: RefCell::default() }
    }

    /// Takes the line as it was at the last callback.
    pub(super) fn take_line(&self) -> (String, String) {
        self.line.take()
    }
}

impl Helper for Editing {}

impl Completer for Editing {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(completions(line.get(..at).unwrap_or_default(), &self.roster))
    }
}

impl Highlighter for Editing {}

impl Hinter for Editing {
    type Hint = String;

    fn hint(&self, line: &str, at: usize, _: &Context<'_>) -> Option<String> {
        let (left, right) = line.split_at_checked(at).unwrap_or((line, ""));
        self.line.replace((left.to_owned(), right.to_owned()));
        self.gate.prompt_is_shown();
        None
    }
}

impl Validator for Editing {
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        self.gate.enter_is_pressed();
        Ok(ValidationResult::Valid(None))
    }
}

/// Returns where the last word of `typed` begins, and its completions: commands or names. A name at
/// the beginning of a line addresses its member and gets a colon.
fn completions(typed: &str, roster: &Roster) -> (usize, Vec<String>) {
    let start =
        typed.rfind(char::is_whitespace).map_or(0, |at| at + typed[at..].chars().next().map_or(1, char::len_utf8));
    let word = &typed[start..];
    if start == 0 && word.starts_with('/') {
        let completed =
            |name: CommandName| format!("{}{}", name.word(), if name.argument().is_some() { " " } else { "" });
        return (0, CommandName::starting_with(word).map(completed).collect());
    }
    let names = if word.is_empty() && start > 0 { Vec::new() } else { roster.starting_with(word) };
    let end = if start == 0 { ": " } else { " " };
    (start, names.into_iter().map(|name| name + end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_names_with_a_colon_at_the_beginning_only() {
        let roster = Roster::default();
        ["farhan", "J\u{f6}rg", "darryl"].into_iter().for_each(|name| roster.note(name));
        let complete = |typed: &str| completions(typed, &roster);
        assert_eq!(complete("fa"), (0, vec!["farhan: ".to_owned()]));
        assert_eq!(complete("ask FA"), (4, vec!["farhan ".to_owned()]));
        assert_eq!(complete("\u{e9}\u{a0}j\u{f6}"), (4, vec!["J\u{f6}rg ".to_owned()]));
        assert_eq!(complete("").1.len(), 3, "all, the last author first");
        assert_eq!(complete("hello ").1.len(), 0);
    }

    #[test]
    fn completes_commands_at_the_beginning_only() {
        let roster = Roster::default();
        assert_eq!(completions("/hi", &roster), (0, vec!["/history ".to_owned()]));
        assert_eq!(completions("/he", &roster), (0, vec!["/help".to_owned()]), "it takes no argument");
        assert_eq!(completions("see /hi", &roster).1.len(), 0);
    }
}
