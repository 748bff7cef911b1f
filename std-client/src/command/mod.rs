//! The commands of a room, and how a line is parsed into one. Knows no screen and no connection:
//! [`crate::session`] executes them, [`crate::messages`] describes them.

use kabar_core::chat::{EntryKind, MAX_HISTORY};

/// Entries that `/history` displays when no number is given.
pub const DEFAULT_HISTORY: u8 = 20;

/// A command that is typed as a word with a slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandName {
    /// `/who`
    Who,
    /// `/history`
    History,
    /// `/me`
    Me,
    /// `/nick`
    Nick,
    /// `/delete`
    Delete,
    /// `/ignore`
    Ignore,
    /// `/unignore`
    Unignore,
    /// `/joins`
    Joins,
    /// `/stats`
    Stats,
    /// `/help`
    Help,
    /// `/quit`
    Quit,
}

impl CommandName {
    /// All commands, in the order of `/help`.
    pub const ALL: [Self; 11] = [
        Self::Who,
        Self::History,
        Self::Me,
        Self::Nick,
        Self::Delete,
        Self::Ignore,
        Self::Unignore,
        Self::Joins,
        Self::Stats,
        Self::Help,
        Self::Quit,
    ];

    /// Those that also work in a pipe, where every other line is posted.
    pub const PIPED: [Self; 3] = [Self::Who, Self::Help, Self::Quit];

    /// Returns the word that is typed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Who => "/who",
            Self::History => "/history",
            Self::Me => "/me",
            Self::Nick => "/nick",
            Self::Delete => "/delete",
            Self::Ignore => "/ignore",
            Self::Unignore => "/unignore",
            Self::Joins => "/joins",
            Self::Stats => "/stats",
            Self::Help => "/help",
            Self::Quit => "/quit",
        }
    }

    /// Returns the placeholder of its argument, if it takes one.
    #[must_use]
    pub const fn argument(self) -> Option<&'static str> {
        match self {
            Self::History => Some("[N|more]"),
            Self::Me => Some("TEXT"),
            Self::Nick | Self::Unignore => Some("NAME"),
            Self::Delete => Some("[NUMBER]"),
            Self::Ignore => Some("[NAME]"),
            Self::Joins => Some("on|off"),
            Self::Who | Self::Stats | Self::Help | Self::Quit => None,
        }
    }

    /// Returns the commands that begin with `part`.
    pub fn starting_with(part: &str) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |name| name.word().starts_with(part))
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }
}

/// A parsed line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// An empty line.
    Nothing,
    /// Post this text.
    Post(EntryKind, &'a str),
    /// List the members.
    Who,
    /// Display the last entries, this many; `None`: those before the entries that were displayed
    /// last.
    History(Option<u8>),
    /// Take this name.
    Nick(&'a str),
    /// Remove the text of the entry at this position; `None`: of the last own one.
    Delete(Option<u64>),
    /// Hide lines of this member; `None`: list the names.
    Ignore(Option<&'a str>),
    /// Display lines of this member again.
    Unignore(&'a str),
    /// Display or hide joins and leaves.
    Joins(bool),
    /// Display the status of the connection.
    Stats,
    /// List the commands.
    Help,
    /// Leave.
    Quit,
    /// A command with a missing or invalid argument.
    Usage(CommandName),
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
    let Some(name) = CommandName::of(word) else { return Command::Unknown(word) };
    match (name, text.trim()) {
        (CommandName::Quit, _) => Command::Quit,
        (CommandName::Help, _) => Command::Help,
        (CommandName::Who, _) => Command::Who,
        (CommandName::Stats, _) => Command::Stats,
        (CommandName::History, "" | "more") => Command::History(None),
        (CommandName::History, count) => match count.parse::<u64>() {
            Ok(count @ 1..) => Command::History(Some(u8::try_from(count).unwrap_or(MAX_HISTORY).min(MAX_HISTORY))),
            _ => Command::Usage(name),
        },
        (CommandName::Me | CommandName::Nick | CommandName::Unignore, "") => Command::Usage(name),
        (CommandName::Me, text) => Command::Post(EntryKind::ACTION, text),
        (CommandName::Nick, name) => Command::Nick(name),
        (CommandName::Delete, "") => Command::Delete(None),
        (CommandName::Delete, number) => match number.trim_start_matches('#').parse() {
            Ok(seq @ 1..) => Command::Delete(Some(seq)),
            _ => Command::Usage(name),
        },
        (CommandName::Ignore, name) => Command::Ignore(Some(name).filter(|name| !name.is_empty())),
        (CommandName::Unignore, name) => Command::Unignore(name),
        (CommandName::Joins, "on") => Command::Joins(true),
        (CommandName::Joins, "off") => Command::Joins(false),
        (CommandName::Joins, _) => Command::Usage(name),
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

#[cfg(test)]
mod tests;
