//! Parses typed lines into commands.

use kabar_core::chat::{EntryKind, MAX_HISTORY};

/// Lines of `/history` when no number is given.
const DEFAULT_HISTORY: u8 = 20;

/// The commands, with argument and description: for `/help` and for completion.
const COMMANDS: [(&str, &str, &str); 7] = [
    ("/who", "", "who is here"),
    ("/history", " N", "the last N lines of the room (20, at most 200)"),
    ("/me", " TEXT", "describe what you do"),
    ("/nick", " NAME", "rejoin under another name"),
    ("/stats", "", "connection status: delay, loss, damaged and forged packets"),
    ("/help", "", "this list"),
    ("/quit", "", "leave when everything you sent is stored; also !q or Ctrl-D (Ctrl-C: at once)"),
];

/// A parsed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// An empty line.
    Nothing,
    /// Post this text.
    Post(EntryKind, &'a str),
    /// List the members.
    Who,
    /// Display this number of earlier entries.
    History(u8),
    /// Rejoin under this name.
    Nick(&'a str),
    /// Display the status of the connection.
    Stats,
    /// List the commands.
    Help,
    /// Leave.
    Quit,
    /// A command with a missing or invalid argument; its usage.
    Usage(&'static str),
    /// An unknown command.
    Unknown(&'a str),
}

/// Parses a line that was typed at a prompt.
#[must_use]
pub fn typed(line: &str) -> Command<'_> {
    // Pasted text may end with line ends.
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
            _ => Command::Usage("/history N (1 to 200)"),
        },
        ("/me", "") => Command::Usage("/me TEXT"),
        ("/me", text) => Command::Post(EntryKind::ACTION, text),
        ("/nick", "") => Command::Usage("/nick NAME"),
        ("/nick", name) => Command::Nick(name),
        _ => Command::Unknown(word),
    }
}

/// Parses a line from a pipe: text as it is, unless the whole line is one of a few commands. An
/// empty line is ignored.
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

/// Returns the reply to `/help`.
#[must_use]
pub fn help() -> String {
    let mut help: String =
        COMMANDS.iter().map(|(name, takes, does)| format!("{:15}{does}\n", format!("{name}{takes}"))).collect();
    help.push_str(&format!("{:15}send text that begins with /\n", "//TEXT"));
    help.push_str("Tab completes names and commands; the arrow keys recall what you typed.");
    help
}

/// Returns the commands that begin with `part`, as they are completed.
#[must_use]
pub fn starting_with(part: &str) -> Vec<String> {
    let matching = COMMANDS.iter().filter(|(name, ..)| name.starts_with(part));
    matching.map(|(name, takes, _)| format!("{name}{}", if takes.is_empty() { "" } else { " " })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_quit_commands_leave() {
        for line in ["!q", "/quit"] {
            assert_eq!(typed(line), Command::Quit);
            assert_eq!(typed(&format!("{line} ")), Command::Quit);
            assert_eq!(piped(line), Command::Quit);
        }
    }

    #[test]
    fn typed_slash_is_a_command_and_two_are_text() {
        assert_eq!(typed("/who"), Command::Who);
        assert_eq!(typed("/help"), Command::Help);
        assert_eq!(typed("/stats"), Command::Stats);
        assert_eq!(typed("/quit now"), Command::Quit);
        assert_eq!(typed("/me waves "), Command::Post(EntryKind::ACTION, "waves"));
        assert_eq!(typed("/me"), Command::Usage("/me TEXT"));
        assert_eq!(typed("/nick  Anna Lena "), Command::Nick("Anna Lena"));
        assert_eq!(typed("/kick x"), Command::Unknown("/kick"));
        assert_eq!(typed("//etc is a path"), Command::Post(EntryKind::TEXT, "/etc is a path"));
        assert_eq!(typed("!quit"), Command::Post(EntryKind::TEXT, "!quit"));
        assert_eq!(typed("one\n two\n\r\n"), Command::Post(EntryKind::TEXT, "one\n two"));
    }

    #[test]
    fn history_count_is_bounded() {
        assert_eq!(typed("/history"), Command::History(20));
        assert_eq!(typed("/history 7"), Command::History(7));
        assert_eq!(typed("/history 1000000"), Command::History(200));
        for wrong in ["/history 0", "/history -1", "/history x", "/history 1 2"] {
            assert!(matches!(typed(wrong), Command::Usage(_)), "{wrong}");
        }
    }

    #[test]
    fn piped_line_is_text() {
        for line in ["/etc/passwd", "//", "/me x", " !q", "  indented", "/quit now", "/history 3", "/nick x"] {
            assert_eq!(piped(line), Command::Post(EntryKind::TEXT, line));
        }
    }

    #[test]
    fn empty_line_is_ignored() {
        assert_eq!(typed("  "), Command::Nothing);
        assert_eq!(piped(""), Command::Nothing);
    }

    #[test]
    fn every_command_is_parsed_completed_and_explained() {
        for (name, ..) in COMMANDS {
            assert!(!matches!(typed(name), Command::Unknown(_) | Command::Post(..)), "{name}");
            assert!(help().contains(name));
            assert_eq!(starting_with(name)[0].trim_end(), name);
        }
        assert_eq!(starting_with("/h"), ["/history ", "/help"]);
        assert_eq!(starting_with("/x"), [""; 0]);
    }
}
