//! What a typed line means.

use kabar_core::chat::{EntryKind, MAX_HISTORY, MAX_TEXT_LEN};

/// Lines of `/history` when no number is given.
const DEFAULT_HISTORY: u8 = 20;

/// The commands, with what they take and what they do: for `/help` and for Tab.
const COMMANDS: [(&str, &str, &str); 7] = [
    ("/who", "", "who is here"),
    ("/history", " N", "the last N lines of the room (20, at most 200)"),
    ("/me", " TEXT", "say what you do"),
    ("/nick", " NAME", "leave, and come back under another name"),
    ("/stats", "", "how the connection does: delay, loss, what was damaged or forged"),
    ("/help", "", "this"),
    ("/quit", "", "leave, when all you said is stored; also !q or Ctrl-D (Ctrl-C: at once)"),
];

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Nothing.
    Nothing,
    /// Say it.
    Post(EntryKind, &'a str),
    /// Say who is here.
    Who,
    /// Show so many lines of the past.
    History(u8),
    /// Go on under this name.
    Nick(&'a str),
    /// Say how the connection does.
    Stats,
    /// Say what can be typed.
    Help,
    /// Leave.
    Quit,
    /// A command that lacks what it takes; how it is written.
    Incomplete(&'static str),
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
    if trimmed == "!q" {
        return Command::Quit;
    }
    let Some(rest) = line.strip_prefix('/') else { return Command::Post(EntryKind::TEXT, line) };
    if rest.starts_with('/') {
        return Command::Post(EntryKind::TEXT, rest);
    }
    let (word, text) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
    match (word, text.trim()) {
        ("/quit", _) => Command::Quit,
        ("/help", _) => Command::Help,
        ("/who", _) => Command::Who,
        ("/stats", _) => Command::Stats,
        ("/history", "") => Command::History(DEFAULT_HISTORY),
        ("/history", count) => match count.parse::<u64>() {
            Ok(count @ 1..) => Command::History(u8::try_from(count).unwrap_or(MAX_HISTORY).min(MAX_HISTORY)),
            _ => Command::Incomplete("/history N, N from 1 to 200"),
        },
        ("/me", "") => Command::Incomplete("/me TEXT"),
        ("/me", text) => Command::Post(EntryKind::ACTION, text),
        ("/nick", "") => Command::Incomplete("/nick NAME"),
        ("/nick", name) => Command::Nick(name),
        _ => Command::Unknown(word),
    }
}

/// A line from a pipe: a text as it is, unless it is one of the few commands and nothing else. An empty line says nothing.
#[must_use]
pub fn piped(line: &str) -> Command<'_> {
    match line {
        "" => Command::Nothing,
        "!q" | "/quit" => Command::Quit,
        "/help" => Command::Help,
        "/who" => Command::Who,
        _ => Command::Post(EntryKind::TEXT, line),
    }
}

/// What `/help` shows.
#[must_use]
pub fn help() -> String {
    let mut help: String =
        COMMANDS.iter().map(|(name, takes, does)| format!("{:15}{does}\n", format!("{name}{takes}"))).collect();
    help.push_str(&format!("{:15}say a line that begins with /\n", "//TEXT"));
    help.push_str("Tab completes names and commands, the arrow keys bring back what you typed.");
    help
}

/// Commands that begin with `part`, as they are completed.
#[must_use]
pub fn starting_with(part: &str) -> Vec<String> {
    let matching = COMMANDS.iter().filter(|(name, ..)| name.starts_with(part));
    matching.map(|(name, takes, _)| format!("{name}{}", if takes.is_empty() { "" } else { " " })).collect()
}

/// What is said about a text that is too long.
#[must_use]
pub fn too_long(len: usize) -> String {
    format!("not sent: {len} bytes; a text has at most {MAX_TEXT_LEN}")
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
        assert_eq!(typed("/stats"), Command::Stats);
        assert_eq!(typed("/quit now"), Command::Quit);
        assert_eq!(typed("/me waves "), Command::Post(EntryKind::ACTION, "waves"));
        assert_eq!(typed("/me"), Command::Incomplete("/me TEXT"));
        assert_eq!(typed("/nick  Anna Lena "), Command::Nick("Anna Lena"));
        assert_eq!(typed("/kick x"), Command::Unknown("/kick"));
        assert_eq!(typed("//etc is a path"), Command::Post(EntryKind::TEXT, "/etc is a path"));
        assert_eq!(typed("!quit"), Command::Post(EntryKind::TEXT, "!quit"));
        assert_eq!(typed("one\n two\n\r\n"), Command::Post(EntryKind::TEXT, "one\n two"));
    }

    #[test]
    fn history_is_counted_and_bounded() {
        assert_eq!(typed("/history"), Command::History(20));
        assert_eq!(typed("/history 7"), Command::History(7));
        assert_eq!(typed("/history 1000000"), Command::History(200));
        for wrong in ["/history 0", "/history -1", "/history x", "/history 1 2"] {
            assert!(matches!(typed(wrong), Command::Incomplete(_)), "{wrong}");
        }
    }

    #[test]
    fn a_piped_line_is_a_text_as_it_is() {
        for line in ["/etc/passwd", "//", "/me x", " !q", "  indented", "/quit now", "/history 3", "/nick x"] {
            assert_eq!(piped(line), Command::Post(EntryKind::TEXT, line));
        }
    }

    #[test]
    fn nothing_typed_says_nothing() {
        assert_eq!(typed("  "), Command::Nothing);
        assert_eq!(piped(""), Command::Nothing);
    }

    #[test]
    fn every_command_is_known_completed_and_explained() {
        for (name, ..) in COMMANDS {
            assert!(!matches!(typed(name), Command::Unknown(_) | Command::Post(..)), "{name}");
            assert!(help().contains(name));
            assert_eq!(starting_with(name)[0].trim_end(), name);
        }
        assert_eq!(starting_with("/h"), ["/history ", "/help"]);
        assert_eq!(starting_with("/x"), [""; 0]);
    }
}
