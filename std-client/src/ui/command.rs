//! What a typed line means.

use kabar_core::chat::{Kind, MAX_TEXT_LEN};

/// What `/help` shows.
pub const HELP: &str = "\
/who          who is here
/me TEXT      say what you do
//TEXT        say a line that begins with /
/help         this
/quit or !q   leave, when all you said is stored (Ctrl-C: at once)";

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Nothing.
    Nothing,
    /// Say it.
    Post(Kind, &'a str),
    /// Say who is here.
    Who,
    /// Say what can be typed.
    Help,
    /// Leave.
    Quit,
    /// A command that does not exist.
    Unknown(&'a str),
}

/// A line that a person typed at a prompt.
#[must_use]
pub fn typed(line: &str) -> Command<'_> {
    // What is pasted may bring line ends along.
    let line = line.trim_end_matches(['\r', '\n']);
    let trimmed = line.trim_end();
    if trimmed.is_empty() {
        return Command::Nothing;
    }
    if let Some(command) = exact(trimmed) {
        return command;
    }
    if let Some(rest) = line.strip_prefix('/') {
        if rest.starts_with('/') {
            return Command::Post(Kind::TEXT, rest);
        }
        let (word, text) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        return match text.trim() {
            text if word == "/me" && !text.is_empty() => Command::Post(Kind::ACTION, text),
            _ => exact(word).unwrap_or(Command::Unknown(word)),
        };
    }
    Command::Post(Kind::TEXT, line)
}

/// A line from a pipe: a text as it is, unless it is one of the few commands and nothing else. An empty line says nothing.
#[must_use]
pub fn piped(line: &str) -> Command<'_> {
    if line.is_empty() { Command::Nothing } else { exact(line).unwrap_or(Command::Post(Kind::TEXT, line)) }
}

/// What is said about a text that is too long.
#[must_use]
pub fn too_long(len: usize) -> String {
    format!("not sent: {len} bytes; a text has at most {MAX_TEXT_LEN}")
}

fn exact(line: &str) -> Option<Command<'_>> {
    match line {
        "!q" | "/quit" => Some(Command::Quit),
        "/help" => Some(Command::Help),
        "/who" => Some(Command::Who),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_leave() {
        for line in ["!q", "/quit"] {
            assert_eq!(typed(line), Command::Quit);
            assert_eq!(typed(&format!("{line} ")), Command::Quit);
            assert_eq!(piped(line), Command::Quit);
        }
    }

    #[test]
    fn a_typed_slash_is_a_command_and_two_are_a_text() {
        assert_eq!(typed("/who"), Command::Who);
        assert_eq!(typed("/help"), Command::Help);
        assert_eq!(typed("/quit now"), Command::Quit);
        assert_eq!(typed("/me waves "), Command::Post(Kind::ACTION, "waves"));
        assert_eq!(typed("/me"), Command::Unknown("/me"));
        assert_eq!(typed("/kick x"), Command::Unknown("/kick"));
        assert_eq!(typed("//etc is a path"), Command::Post(Kind::TEXT, "/etc is a path"));
        assert_eq!(typed("!quit"), Command::Post(Kind::TEXT, "!quit"));
        assert_eq!(typed("one\n two\n\r\n"), Command::Post(Kind::TEXT, "one\n two"));
    }

    #[test]
    fn a_piped_line_is_a_text_as_it_is() {
        for line in ["/etc/passwd", "//", "/me x", " !q", "  indented", "/quit now"] {
            assert_eq!(piped(line), Command::Post(Kind::TEXT, line));
        }
    }

    #[test]
    fn nothing_typed_says_nothing() {
        assert_eq!(typed("  "), Command::Nothing);
        assert_eq!(piped(""), Command::Nothing);
    }
}
