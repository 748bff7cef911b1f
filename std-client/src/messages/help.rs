//! The reply to `/help`, and how a command is typed.

use kabar_core::chat::MAX_HISTORY;
use kabar_std::text::clean_line;

use crate::command::{CommandName, DEFAULT_HISTORY, OPERATOR_COMMANDS, OperatorCommand, suggestion};
use crate::input::InputMode;
use crate::language::{self, Arguments, message};

/// Width of the first column.
const WIDTH: usize = 19;

/// Returns the reply to `/help`: the commands that there are, and what else can be typed.
pub(super) fn help(mode: InputMode) -> String {
    match mode {
        InputMode::Prompt => all_commands() + &message!("help-at-prompt"),
        InputMode::Terminal => all_commands() + &message!("help-at-terminal"),
        InputMode::Pipe => commands_in_pipes(),
    }
}

fn all_commands() -> String {
    let mut help = String::new();
    for name in CommandName::ALL {
        help.push_str(&row(&with_argument(name), &description(name)));
    }
    help.push_str(&row("//TEXT", &message!("help-slashes")));
    help.push_str(&(message!("help-for-operators") + "\n"));
    for command in OPERATOR_COMMANDS {
        let OperatorCommand { word, argument } = command;
        help.push_str(&row(format!("{word} {argument}").trim_end(), &operator_description(command)));
    }
    help
}

fn commands_in_pipes() -> String {
    let mut help = String::new();
    for name in CommandName::PIPED {
        help.push_str(&row(&with_argument(name), &description(name)));
    }
    help + &message!("help-in-pipes")
}

/// Returns what to do about a word that is no command.
pub(super) fn unknown(word: &str) -> String {
    let meant = suggestion(word).map(|known| message!("unknown-command-meant", word = known)).unwrap_or_default();
    message!("unknown-command", word = clean_line(word), meant)
}

/// Returns how a command is typed.
pub(super) fn usage(name: CommandName) -> String {
    let command = with_argument(name);
    if name == CommandName::History {
        message!("usage-history", command, max = MAX_HISTORY)
    } else {
        message!("usage", command)
    }
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
        CommandName::History => message!("help-history", lines = DEFAULT_HISTORY, max = MAX_HISTORY),
        CommandName::Who => message!("help-who"),
        CommandName::Me => message!("help-me"),
        CommandName::Nick => message!("help-nick"),
        CommandName::Delete => message!("help-delete"),
        CommandName::Ignore => message!("help-ignore"),
        CommandName::Unignore => message!("help-unignore"),
        CommandName::Joins => message!("help-joins"),
        CommandName::Notify => message!("help-notify"),
        CommandName::Rooms => message!("help-rooms"),
        CommandName::Room => message!("help-room"),
        CommandName::Join => message!("help-join"),
        CommandName::Part => message!("help-part"),
        CommandName::Topic => message!("help-topic"),
        CommandName::Send => message!("help-send"),
        CommandName::Get => message!("help-get"),
        CommandName::Transfers => message!("help-transfers"),
        CommandName::Cancel => message!("help-cancel"),
        CommandName::Stats => message!("help-stats"),
        CommandName::Help => message!("help-help"),
        CommandName::Quit => message!("help-quit"),
    }
}

fn operator_description(command: &OperatorCommand) -> String {
    language::format(&format!("help-operator-{}", command.word.trim_start_matches('/')), &Arguments::new())
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
