//! The reply to `/help`, and how a command is typed.

use kabar_core::chat::MAX_HISTORY;
use kabar_std::text::clean_line;

use crate::command::{CommandName, DEFAULT_HISTORY, OPERATOR_COMMANDS, OperatorCommand, suggestion};
use crate::input::InputMode;

/// Width of the first column.
const WIDTH: usize = 19;

/// Returns the reply to `/help`: the commands that there are, and what else can be typed.
pub(super) fn help(mode: InputMode) -> String {
    match mode {
        InputMode::Prompt => {
            all_commands() + "Tab completes names, rooms and commands; the arrow keys recall what you typed."
        }
        InputMode::Terminal => {
            all_commands() + "There is no prompt here: this terminal (see TERM), or the output, does not allow one."
        }
        InputMode::Pipe => commands_in_pipes(),
    }
}

fn all_commands() -> String {
    let mut help = String::new();
    for name in CommandName::ALL {
        help.push_str(&row(&with_argument(name), &description(name)));
    }
    help.push_str(&row("//TEXT", "send text that begins with /"));
    help.push_str("For operators of the server:\n");
    for OperatorCommand { word, argument, description } in OPERATOR_COMMANDS {
        help.push_str(&row(format!("{word} {argument}").trim_end(), description));
    }
    help
}

fn commands_in_pipes() -> String {
    let mut help = String::new();
    for name in CommandName::PIPED {
        help.push_str(&row(&with_argument(name), &description(name)));
    }
    help + "Every other line is posted as it is, to the room that is shown: the first one, until a line `/room NAME`. More commands are available at a terminal."
}

/// Returns what to do about a word that is no command.
pub(super) fn unknown(word: &str) -> String {
    let meant = suggestion(word).map(|known| format!(": did you mean {known}?")).unwrap_or_default();
    let word = clean_line(word);
    format!("unknown command {word}{meant} (/help lists all; start with // to send text that begins with /)")
}

/// Returns how a command is typed.
pub(super) fn usage(name: CommandName) -> String {
    let range = if name == CommandName::History { format!(" (1 to {MAX_HISTORY})") } else { String::new() };
    format!("usage: {}{range}", with_argument(name))
}

fn row(typed: &str, description: &str) -> String {
    let width = WIDTH.max(typed.chars().count() + 2);
    format!("{typed:width$}{description}\n")
}

fn with_argument(name: CommandName) -> String {
    match name.argument() {
        Some(argument) => format!("{} {argument}", name.word()),
        None => name.word().to_owned(),
    }
}

fn description(name: CommandName) -> String {
    match name {
        CommandName::Who => "who is here",
        CommandName::History => {
            return format!(
                "the last N lines of the room ({DEFAULT_HISTORY}, at most {MAX_HISTORY}), with their numbers; then those before"
            );
        }
        CommandName::Me => "describe what you do",
        CommandName::Nick => "take another name",
        CommandName::Delete => "remove your last message, or the one with this number, from the room",
        CommandName::Ignore => "hide the messages of a member, from now on; without a name, list who is ignored",
        CommandName::Unignore => "display them again",
        CommandName::Joins => "display or hide joins and leaves, from now on",
        CommandName::Notify => "ring the bell or notify for all lines of this room, for those that mention you, or for none",
        CommandName::Rooms => "the rooms of this server, with their topics, and which ones you are in",
        CommandName::Room => "show this room; what you type goes there",
        CommandName::Join => "join another room of this server",
        CommandName::Part => "leave this room, or the one with this name",
        CommandName::Topic => "show what this room is about; with TEXT, change it (for operators)",
        CommandName::Stats => "connection status: delay, loss, damaged and forged packets",
        CommandName::Help => "this list",
        CommandName::Quit => "leave when everything you sent is stored; also !q or Ctrl-D (Ctrl-C: at once)",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, piped};

    #[test]
    fn help_has_a_row_for_every_command() {
        let help = help(InputMode::Prompt);
        for name in CommandName::ALL {
            assert!(help.lines().any(|line| line.starts_with(name.word())), "{name:?}");
        }
        for command in OPERATOR_COMMANDS {
            assert!(help.lines().any(|line| line.starts_with(command.word)), "{command:?}");
        }
        assert!(help.contains("\n/room add|set|close|list ...  create"), "{help}");
        assert!(help.contains("/history [N|more]  the last N lines of the room (20, at most 200), with"), "{help}");
    }

    #[test]
    fn help_in_pipes_has_the_commands_that_work_there() {
        let rows = help(InputMode::Pipe).lines().filter(|line| line.starts_with('/')).count();
        assert_eq!(rows, CommandName::PIPED.len());
        for name in CommandName::ALL {
            let is_command = !matches!(piped(name.word()), Command::Post(..));
            assert_eq!(is_command, CommandName::PIPED.contains(&name), "{name:?}");
        }
    }

    #[test]
    fn usage_has_the_argument() {
        assert_eq!(usage(CommandName::History), "usage: /history [N|more] (1 to 200)");
        assert_eq!(usage(CommandName::Nick), "usage: /nick NAME");
    }
}
