//! What a page completes: commands and emoji.

use serde::Serialize;

use crate::command::{CommandName, OPERATOR_COMMANDS};

/// A command that can be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CommandHelp {
    /// The word.
    pub word: &'static str,
    /// The placeholder of its argument; may be empty.
    pub argument: &'static str,
    /// Whether it is for operators.
    pub is_for_operators: bool,
}

/// Returns the commands that can be typed, in the order of `/help`.
#[must_use]
pub fn commands() -> Vec<CommandHelp> {
    // A page scrolls, and has no paths.
    let is_possible = |name: &CommandName| !matches!(name, CommandName::History | CommandName::Send);
    let own = CommandName::ALL.into_iter().filter(is_possible).map(|name| CommandHelp {
        word: name.word(),
        argument: name.argument().unwrap_or_default(),
        is_for_operators: false,
    });
    let operators = OPERATOR_COMMANDS.iter().map(|command| CommandHelp {
        word: command.word,
        argument: command.argument,
        is_for_operators: true,
    });
    own.chain(operators).collect()
}

/// Returns the short names of emoji, as a JSON object.
#[must_use]
pub fn emoji_names() -> String {
    let names = emojis::iter().flat_map(|emoji| emoji.shortcodes().map(|name| (name, emoji.as_str())));
    serde_json::to_string(&names.collect::<std::collections::BTreeMap<_, _>>()).unwrap_or_default()
}
