//! The commands of a room, and how a line is parsed into one. Knows no screen and no connection:
//! [`crate::line`] executes them, [`crate::messages`] describes them.

use kabar_core::chat::{EntryKind, MAX_HISTORY};
use kabar_std::invite::RoomName;

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
    /// `/notify`
    Notify,
    /// `/room`
    Room,
    /// `/rooms`
    Rooms,
    /// `/join`
    Join,
    /// `/part`
    Part,
    /// `/topic`
    Topic,
    /// `/send`
    Send,
    /// `/get`
    Get,
    /// `/transfers`
    Transfers,
    /// `/cancel`
    Cancel,
    /// `/stats`
    Stats,
    /// `/help`
    Help,
    /// `/quit`
    Quit,
}

impl CommandName {
    /// All commands, in the order of `/help`.
    pub const ALL: [Self; 21] = [
        Self::Who,
        Self::History,
        Self::Me,
        Self::Nick,
        Self::Delete,
        Self::Ignore,
        Self::Unignore,
        Self::Joins,
        Self::Notify,
        Self::Rooms,
        Self::Room,
        Self::Join,
        Self::Part,
        Self::Topic,
        Self::Send,
        Self::Get,
        Self::Transfers,
        Self::Cancel,
        Self::Stats,
        Self::Help,
        Self::Quit,
    ];

    /// Those that also work in a pipe, where every other line is posted.
    pub const PIPED: [Self; 4] = [Self::Who, Self::Room, Self::Help, Self::Quit];

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
            Self::Notify => "/notify",
            Self::Room => "/room",
            Self::Rooms => "/rooms",
            Self::Join => "/join",
            Self::Part => "/part",
            Self::Topic => "/topic",
            Self::Send => "/send",
            Self::Get => "/get",
            Self::Transfers => "/transfers",
            Self::Cancel => "/cancel",
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
            Self::Notify => Some("all|mentions|off"),
            Self::Room => Some("NAME"),
            Self::Join => Some("NAME|INVITE"),
            Self::Part => Some("[NAME]"),
            Self::Topic => Some("[TEXT]"),
            Self::Send => Some("FILE"),
            Self::Get => Some("NUMBER|NAME"),
            Self::Cancel => Some("NUMBER"),
            Self::Who | Self::Rooms | Self::Transfers | Self::Stats | Self::Help | Self::Quit => None,
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

/// Which entries of a room are announced, by a bell or a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// All that are unread.
    All,
    /// Those that mention the person.
    #[default]
    Mentions,
    /// None.
    Nothing,
}

/// A command that the server executes, for members who are operators.
#[derive(Debug, PartialEq, Eq)]
pub struct OperatorCommand {
    /// The word that is typed.
    pub word: &'static str,
    /// The placeholder of its argument; empty if it takes none.
    pub argument: &'static str,
}

const fn operator(word: &'static str, argument: &'static str) -> OperatorCommand {
    OperatorCommand { word, argument }
}

/// The commands for operators, in the order of `/help`. Those that this list does not have begin
/// with `/server`, so that a command of a later server can be given, too.
pub const OPERATOR_COMMANDS: &[OperatorCommand] = &[
    operator("/kick", "NAME [REASON]"),
    operator("/ban", "NAME [REASON]"),
    operator("/unban", "NAME"),
    operator("/mute", "NAME [REASON]"),
    operator("/unmute", "NAME"),
    operator("/bans", ""),
    operator("/release", "NAME"),
    operator("/op", "NAME"),
    operator("/deop", "NAME"),
    operator("/ops", ""),
    operator("/trust", "NAME"),
    operator("/untrust", "NAME"),
    operator("/invite", ""),
    operator("/accept", "NAME"),
    operator("/room", "add|set|close|list ..."),
    operator("/server", "COMMAND"),
];

impl OperatorCommand {
    /// Returns the commands that begin with `part`.
    pub fn starting_with(part: &str) -> impl Iterator<Item = &'static Self> {
        OPERATOR_COMMANDS.iter().filter(move |command| command.word.starts_with(part))
    }

    fn of(word: &str) -> Option<&'static Self> {
        OPERATOR_COMMANDS.iter().find(|command| command.word == word)
    }
}

/// Words at least this similar are likely to be one that was mistyped (Jaro-Winkler, 0 to 1).
const SIMILAR: f64 = 0.85;

/// Returns the command that was probably meant by an unknown one.
#[must_use]
pub fn suggestion(word: &str) -> Option<&'static str> {
    // All begin with a slash, which says nothing about the rest.
    let typed = word.strip_prefix('/').filter(|typed| typed.len() <= 32)?;
    let own = CommandName::ALL.into_iter().map(CommandName::word);
    let all = own.chain(OPERATOR_COMMANDS.iter().map(|command| command.word));
    let similar = all.map(|known| (strsim::jaro_winkler(typed, &known[1..]), known));
    similar.filter(|(similarity, _)| *similarity >= SIMILAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|found| found.1)
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
    /// Announce these entries of the room.
    Notify(Notify),
    /// List the rooms of the server.
    Rooms,
    /// Show this room.
    Room(&'a str),
    /// Join the room with this name, or the room of this invite.
    Join(&'a str),
    /// Leave this room; `None`: the one that is shown.
    Part(Option<&'a str>),
    /// Display the topic.
    Topic,
    /// Pass this command on to the server, for an operator; first the word that was typed.
    Operate(&'static str, &'a str),
    /// Send the file at this path.
    Send(&'a str),
    /// Receive this file.
    Get(TypedFile<'a>),
    /// List the transfers.
    Transfers,
    /// Cancel the transfer with this number.
    Cancel(u32),
    /// Display the status of the connection.
    Stats,
    /// List the commands.
    Help,
    /// Leave.
    Quit,
    /// A command with a missing or invalid argument.
    Usage(CommandName),
    /// A command after spaces. It is neither executed nor posted.
    AfterSpace,
    /// An unknown command.
    Unknown(&'a str),
}

/// A file of a room, as it is typed. Digits are always a number: otherwise a member could take the
/// place of an entry by a file with such a name. A name in quotes is always a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypedFile<'a> {
    /// That of the entry with this number.
    Entry(u64),
    /// The last one with this name.
    Named(&'a str),
}

impl<'a> TypedFile<'a> {
    /// Parses what was typed.
    #[must_use]
    pub fn parse(typed: &'a str) -> Self {
        let quoted = typed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        if let Some(name) = quoted.filter(|name| !name.is_empty()) {
            return Self::Named(name);
        }
        match typed.trim_start_matches('#').parse() {
            Ok(seq @ 1..) => Self::Entry(seq),
            _ => Self::Named(typed),
        }
    }

    /// Returns what to type for the file with this name.
    #[must_use]
    pub fn named(name: &str) -> String {
        match TypedFile::parse(name) == TypedFile::Named(name) {
            true => name.to_owned(),
            false => format!("\"{name}\""),
        }
    }
}

/// Parses a line that was typed at a prompt.
#[must_use]
pub fn typed(line: &str) -> Command<'_> {
    // Pasted text may end with line ends.
    let line = line.trim_end_matches(['\r', '\n']);
    let trimmed = line.trim();
    if trimmed.is_empty() {
        return Command::Nothing;
    }
    if trimmed == "!q" {
        return Command::Quit;
    }
    let Some(rest) = line.trim_start().strip_prefix('/') else { return Command::Post(EntryKind::TEXT, line) };
    if rest.starts_with('/') {
        return Command::Post(EntryKind::TEXT, rest);
    }
    // Mostly an accident: it is no text that everybody should read. Elsewhere a space means that it
    // is one, so it is not executed either.
    if !line.starts_with('/') {
        return Command::AfterSpace;
    }
    let (word, text) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
    let Some(name) = CommandName::of(word) else {
        return match OperatorCommand::of(word) {
            Some(OperatorCommand { word: word @ "/server", .. }) => Command::Operate(word, text.trim()),
            Some(command) => Command::Operate(command.word, trimmed.trim_start_matches('/')),
            None => Command::Unknown(word),
        };
    };
    match (name, text.trim()) {
        (CommandName::Quit, _) => Command::Quit,
        (CommandName::Help, _) => Command::Help,
        (CommandName::Who, _) => Command::Who,
        (CommandName::Stats, _) => Command::Stats,
        (CommandName::Transfers, _) => Command::Transfers,
        (CommandName::History, "" | "more") => Command::History(None),
        (CommandName::History, count) => match count.parse::<u64>() {
            Ok(count @ 1..) => Command::History(Some(u8::try_from(count).unwrap_or(MAX_HISTORY).min(MAX_HISTORY))),
            _ => Command::Usage(name),
        },
        (CommandName::Send | CommandName::Get, "") => Command::Usage(name),
        (CommandName::Send, path) => Command::Send(path),
        (CommandName::Get, wanted) => Command::Get(TypedFile::parse(wanted)),
        (CommandName::Cancel, number) => match number.trim_start_matches('#').parse() {
            Ok(number) => Command::Cancel(number),
            Err(_) => Command::Usage(name),
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
        (CommandName::Notify, "all") => Command::Notify(Notify::All),
        (CommandName::Notify, "mentions") => Command::Notify(Notify::Mentions),
        (CommandName::Notify, "off") => Command::Notify(Notify::Nothing),
        (CommandName::Joins | CommandName::Notify, _) => Command::Usage(name),
        (CommandName::Rooms, _) => Command::Rooms,
        (CommandName::Room | CommandName::Join, "") => Command::Usage(name),
        (CommandName::Room, rest) if is_for_operators(rest) => {
            Command::Operate(name.word(), trimmed.trim_start_matches('/'))
        }
        (CommandName::Room, room) => Command::Room(room_name(room)),
        (CommandName::Join, target) => Command::Join(room_name(target)),
        (CommandName::Part, room) => Command::Part(Some(room_name(room)).filter(|room| !room.is_empty())),
        (CommandName::Topic, "") => Command::Topic,
        (CommandName::Topic, _) => Command::Operate(name.word(), trimmed.trim_start_matches('/')),
    }
}

/// Whether this, after `/room`, is a command for operators. No room can have such a name.
fn is_for_operators(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    matches!(word, "add" | "set" | "close" | "list" | "open")
}

/// Returns the name of a room, which may be typed with a `#`.
fn room_name(typed: &str) -> &str {
    typed.strip_prefix('#').unwrap_or(typed)
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
        "/room" => Command::Usage(CommandName::Room),
        _ => match line.strip_prefix("/room ").map(room_name) {
            Some(room) if RoomName::new(room).is_ok() => Command::Room(room),
            _ => Command::Post(EntryKind::TEXT, line),
        },
    }
}

#[cfg(test)]
mod tests;
