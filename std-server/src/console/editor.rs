//! Reads the operator's lines at a terminal, with a line editor: output is printed above the line.
//! End of input does not stop the server.

use std::io;
use std::sync::Arc;

use kabar_std::line_editor::gate::TerminalGate;
use kabar_std::line_editor::helper::{Complete, LineHelper, last_word};
use kabar_std::line_editor::{self, Editor, ReadlineError};

use super::command::{self, SLASH};
use super::input::{ConsoleInput, MAX_ERRORS, terminal};

const PROMPT: &str = "> ";

/// Lets the operator edit lines at the terminal, above which all output goes through `gate`, and
/// passes each to `take`, until end of input. `names` lists the names that Tab completes.
///
/// # Errors
/// If there is no terminal, or the thread cannot be spawned.
pub fn edit_lines(
    gate: Arc<TerminalGate>,
    names: impl Fn() -> Vec<String> + Send + 'static,
    mut take: impl FnMut(ConsoleInput<'_>) + Send + 'static,
) -> io::Result<()> {
    let mut editor = line_editor::editor(&gate, move |typed: &str| completions(typed, &names))?;
    let read = move || {
        edit(&mut editor, &gate, &mut take);
        gate.end_of_typing();
    };
    std::thread::Builder::new().name("kabar-console".to_owned()).spawn(read).map(drop)
}

fn edit<C: Complete>(editor: &mut Editor<LineHelper<C>>, gate: &TerminalGate, take: &mut impl FnMut(ConsoleInput<'_>)) {
    let (mut begun, mut errors) = ((String::new(), String::new()), 0);
    loop {
        if terminal::is_in_background() {
            gate.end_of_typing();
            terminal::wait_for_foreground();
        }
        gate.before_typing();
        let read = editor.readline_with_initial(PROMPT, (&begun.0, &begun.1));
        // The editor forgets a line that it did not return.
        begun = editor.helper().map(LineHelper::take_line).unwrap_or_default();
        match read {
            Ok(line) => {
                begun = Default::default();
                errors = 0;
                take(ConsoleInput::Line(&line));
            }
            Err(ReadlineError::Eof) => return,
            Err(ReadlineError::Interrupted) => return take(ConsoleInput::Interrupt),
            Err(ReadlineError::Signal(_)) => {}
            // The editor has lost the rest of the line, too. Each drops at least one byte, so this
            // ends.
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                begun = Default::default();
                take(ConsoleInput::NotText);
            }
            Err(error) => {
                errors += 1;
                if errors == 1 {
                    take(ConsoleInput::ReadError(error.to_string()));
                }
                if errors >= MAX_ERRORS {
                    return;
                }
            }
        }
    }
}

/// Completes commands at the beginning of a line, and names after it.
fn completions(typed: &str, names: impl Fn() -> Vec<String>) -> (usize, Vec<String>) {
    let start = last_word(typed);
    let word = &typed[start..];
    if let Some(begun) = word.strip_prefix(SLASH).filter(|_| start == 0) {
        let end = |takes_argument| if takes_argument { " " } else { "" };
        let words = command::words().filter(|(known, _)| known.starts_with(&begun.to_lowercase()));
        return (0, words.map(|(known, takes_argument)| format!("{SLASH}{known}{}", end(takes_argument))).collect());
    }
    if word.is_empty() {
        return (start, Vec::new());
    }
    let begun = word.to_lowercase();
    let end = if start == 0 { ": " } else { " " };
    let names = names().into_iter().filter(|name| name.to_lowercase().starts_with(&begun));
    (start, names.map(|name| name + end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_commands_at_the_beginning_and_names_after_it() {
        let complete = |typed: &str| completions(typed, || vec!["darryl".to_owned(), "Jörg".to_owned()]);
        assert_eq!(complete("/ki"), (0, vec!["/kick ".to_owned()]));
        assert_eq!(complete("/wh"), (0, vec!["/who".to_owned()]));
        assert_eq!(complete("/kick jÖ"), (6, vec!["Jörg ".to_owned()]));
        assert_eq!(complete("da"), (0, vec!["darryl: ".to_owned()]));
        assert_eq!((complete("/kick ").1.len(), complete("see /ki").1.len()), (0, 0));
    }
}
